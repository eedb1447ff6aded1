//! What is wrong with bills when a test asks for it.

use serde::{Deserialize, Serialize};

use super::{calendar::Day, invented::Invented, rows::TradeRow};

/// What is wrong with a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillFaultKind {
    /// Rows of a trade bill are missing.
    Drop,
    /// `count` (1) rows out of `seed` that nothing stands behind, with what `set` says. In a fund flow without `rows`:
    /// shares of payments.
    Add,
    /// Rows say what `set` says.
    Change,
    /// Rows stand there twice.
    Duplicate,
    /// Rows stand in the bill of the next day instead.
    Delay,
    /// `hash_value` is of something else.
    WrongHash,
    /// The summary is not that of the rows.
    WrongTotals,
    /// The file lacks its last `bytes` (64).
    Truncated,
    /// 400 `STATEMENT_CREATING`, until the business clock says `until_ms`.
    NotReady,
    /// An encrypted bill comes in parts of `bytes` each.
    SmallParts,
}

/// Which of the bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillName {
    /// The trade bill.
    #[default]
    Trade,
    /// The fund flow of the provider's own account.
    FundFlow,
    /// The encrypted fund flow of a sub-merchant.
    SubMerchantFundFlow,
}

/// Rows of payments, or of refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// Of payments.
    Payment,
    /// Of refunds.
    Refund,
}

/// What rows are made to say; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowChange {
    /// The order's amount, in fen.
    pub amount_total: Option<i64>,
    /// The refund's amount, in fen.
    pub amount_refund: Option<i64>,
    /// 交易状态.
    pub trade_state: Option<String>,
    /// 退款状态.
    pub refund_state: Option<String>,
    /// 手续费, in hundred-thousandths of a yuan.
    pub fee: Option<i64>,
    /// 特约商户号.
    pub sub_mchid: Option<String>,
    /// 商户订单号.
    pub out_trade_no: Option<String>,
    /// 微信订单号.
    pub transaction_id: Option<String>,
    /// 商户退款单号.
    pub out_refund_no: Option<String>,
    /// 微信退款单号.
    pub refund_id: Option<String>,
}

impl RowChange {
    pub(super) fn apply(&self, row: &mut TradeRow) {
        let set = |slot: &mut String, value: &Option<String>| {
            if let Some(value) = value {
                value.clone_into(slot);
            }
        };
        set(&mut row.trade_state, &self.trade_state);
        set(&mut row.sub_mchid, &self.sub_mchid);
        set(&mut row.out_trade_no, &self.out_trade_no);
        set(&mut row.transaction_id, &self.transaction_id);
        row.amount_total = self.amount_total.unwrap_or(row.amount_total);
        row.fee = self.fee.unwrap_or(row.fee);
        if let Some(refund) = &mut row.refund {
            set(&mut refund.state, &self.refund_state);
            set(&mut refund.out_refund_no, &self.out_refund_no);
            set(&mut refund.refund_id, &self.refund_id);
            refund.amount = self.amount_refund.unwrap_or(refund.amount);
        }
    }
}

/// One fault of bills, in force until deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillFault {
    /// What is wrong.
    pub kind: BillFaultKind,
    /// Which bill; when this is absent, faults of rows concern trade bills, the others every bill. Rows of fund flows are
    /// dropped, added, changed and duplicated, and not delayed.
    #[serde(default)]
    pub bill: Option<BillName>,
    /// Only this provider's.
    #[serde(default)]
    pub sp_mchid: Option<String>,
    /// Only the bill of this day, `yyyy-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
    /// Only rows of payments, or of refunds; for `add`, which rows are invented.
    #[serde(default)]
    pub rows: Option<RowKind>,
    /// Only rows of this order.
    #[serde(default)]
    pub out_trade_no: Option<String>,
    /// Only rows of this refund.
    #[serde(default)]
    pub out_refund_no: Option<String>,
    /// So many rows of each bill at most; for `add`, so many exactly.
    #[serde(default)]
    pub count: Option<u64>,
    /// For `add` and `change`.
    #[serde(default)]
    pub set: RowChange,
    /// For `add`: where the draws begin.
    #[serde(default)]
    pub seed: u64,
    /// For `truncated` and `small_parts`.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// For `not_ready`: business time, Unix milliseconds; absent means for ever.
    #[serde(default)]
    pub until_ms: Option<i64>,
}

/// More rows than this take longer to write than anybody waits.
const MOST_INVENTED: u64 = 20_000_000;

impl BillFault {
    /// A fault of this kind for every bill.
    pub fn of(kind: BillFaultKind) -> Self {
        Self {
            kind,
            bill: None,
            sp_mchid: None,
            date: None,
            rows: None,
            out_trade_no: None,
            out_refund_no: None,
            count: None,
            set: RowChange::default(),
            seed: 0,
            bytes: None,
            until_ms: None,
        }
    }

    /// What is wrong with the fault itself.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let dated = self.date.as_deref();
        if dated.is_some_and(|date| Day::parse(date).is_none()) {
            return Some("date is written yyyy-MM-DD");
        }
        if self.count.is_some_and(|count| count > MOST_INVENTED) {
            return Some("count is at most 20000000");
        }
        if self.bytes == Some(0) {
            return Some("bytes is at least 1");
        }
        None
    }

    fn concerns_day(&self, sp_mchid: &str, day: Day) -> bool {
        self.sp_mchid.as_deref().is_none_or(|only| only == sp_mchid)
            && self
                .date
                .as_deref()
                .is_none_or(|date| Day::parse(date) == Some(day))
    }

    fn picks(&self, row: &TradeRow) -> bool {
        let refund_no = row.refund.as_ref().map(|refund| &refund.out_refund_no);
        let kind = match refund_no {
            Some(_) => RowKind::Refund,
            None => RowKind::Payment,
        };
        self.rows.is_none_or(|only| only == kind)
            && self
                .out_trade_no
                .as_ref()
                .is_none_or(|only| *only == row.out_trade_no)
            && (self.out_refund_no.is_none() || self.out_refund_no.as_ref() == refund_no)
    }

    /// Parts the rows that this fault picks, `count` at most, from the others.
    fn part(&self, rows: Vec<TradeRow>) -> (Vec<TradeRow>, Vec<TradeRow>) {
        let mut left = self.count.unwrap_or(u64::MAX);
        rows.into_iter().partition(|row| {
            let picked = left > 0 && self.picks(row);
            left -= u64::from(picked);
            picked
        })
    }
}

/// Every fault of bills.
#[derive(Default)]
pub(crate) struct BillFaults {
    faults: Vec<BillFault>,
}

/// Which bill is written, for faults to choose by.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) bill: BillName,
    pub(super) sp_mchid: &'a str,
    pub(super) day: Day,
}

impl BillFaults {
    pub(crate) fn add(&mut self, faults: Vec<BillFault>) {
        self.faults.extend(faults);
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn list(&self) -> &[BillFault] {
        &self.faults
    }

    /// The first fault of this kind of the whole bill.
    pub(super) fn find(&self, kind: BillFaultKind, whose: Whose<'_>) -> Option<&BillFault> {
        self.faults.iter().find(|fault| {
            fault.kind == kind
                && fault.bill.is_none_or(|only| only == whose.bill)
                && fault.concerns_day(whose.sp_mchid, whose.day)
        })
    }

    pub(super) fn of_rows(
        &self,
        kind: BillFaultKind,
        whose: Whose<'_>,
    ) -> impl Iterator<Item = &BillFault> {
        self.faults.iter().filter(move |fault| {
            fault.kind == kind
                && fault.bill.unwrap_or_default() == whose.bill
                && fault.concerns_day(whose.sp_mchid, whose.day)
        })
    }

    /// The rows of a day as its bill has them; `before` are those of the day before.
    pub(super) fn spoil(
        &self,
        whose: Whose<'_>,
        mut rows: Vec<TradeRow>,
        before: Vec<TradeRow>,
    ) -> Vec<TradeRow> {
        (_, rows) = self.delay(whose, rows);
        for fault in self.of_rows(BillFaultKind::Change, whose) {
            let mut left = fault.count.unwrap_or(u64::MAX);
            for row in rows.iter_mut().filter(|row| fault.picks(row)) {
                if left > 0 {
                    fault.set.apply(row);
                }
                left = left.saturating_sub(1);
            }
        }
        for fault in self.of_rows(BillFaultKind::Duplicate, whose) {
            let (picked, others) = fault.part(rows);
            rows = others;
            rows.extend(picked.iter().cloned());
            rows.extend(picked);
        }
        let day = whose.day.previous();
        let (late, _) = self.delay(Whose { day, ..whose }, before);
        rows.extend(late);
        rows.sort_by_key(|row| row.at_ms);
        rows
    }

    /// The rows of a day that go to the next, and those that stay; dropped ones do neither.
    fn delay(&self, whose: Whose<'_>, mut rows: Vec<TradeRow>) -> (Vec<TradeRow>, Vec<TradeRow>) {
        for fault in self.of_rows(BillFaultKind::Drop, whose) {
            (_, rows) = fault.part(rows);
        }
        let mut late = Vec::new();
        for fault in self.of_rows(BillFaultKind::Delay, whose) {
            let (picked, others) = fault.part(rows);
            late.extend(picked);
            rows = others;
        }
        (late, rows)
    }

    /// The rows to invent for a day.
    pub(super) fn invent(
        &self,
        whose: Whose<'_>,
        sp_appid: &str,
        sub_mchids: &[String],
    ) -> Vec<Invented> {
        self.of_rows(BillFaultKind::Add, whose)
            .map(|fault| Invented {
                day: whose.day,
                seed: fault.seed,
                count: fault.count.unwrap_or(1),
                kind: fault.rows.unwrap_or(RowKind::Payment),
                sp_mchid: whose.sp_mchid.to_owned(),
                sp_appid: sp_appid.to_owned(),
                sub_mchids: sub_mchids.to_vec(),
                set: fault.set.clone(),
            })
            .collect()
    }
}
