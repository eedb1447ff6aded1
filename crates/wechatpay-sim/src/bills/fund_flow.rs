//! Fund-flow bills: of the provider's own account, and of a sub-merchant's.

use std::io::{self, Write};

use super::{
    calendar::Day,
    faults::{BillFault, BillFaultKind, BillFaults, RowKind, Whose},
    invented,
    lines::{self, harmless, yuan},
    rows::fee_fen,
};
use crate::ledger::{Account, FundFlow, Ledger, RefundStatus};

const PAYMENT: &str = "交易";
const REFUND: &str = "退款";
const SHARE: &str = "分账";

/// One row.
#[derive(Clone)]
pub(super) struct FlowRow {
    at_ms: i64,
    business_no: String,
    flow_no: String,
    business_name: String,
    business_type: String,
    amount: i64,
    applicant: String,
    voucher: String,
}

const COLUMNS: [&str; 11] = [
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "资金变更提交申请人",
    "备注",
    "业务凭证号",
];

const SUMMARY: [&str; 5] = [
    "资金流水总笔数",
    "收入笔数",
    "收入金额",
    "支出笔数",
    "支出金额",
];

/// A fund-flow bill, ready to be written.
pub(crate) struct FlowBill {
    day: Day,
    /// Of the day, oldest first.
    rows: Vec<FlowRow>,
    /// On the account when the day began.
    opening_fen: i64,
    pub(super) wrong_totals: bool,
}

impl FlowBill {
    /// The provider's own account.
    pub(super) fn of_provider(ledger: &Ledger, sp_mchid: &str, account: Account, day: Day) -> Self {
        let own = |flow: &&FundFlow| flow.sp_mchid == sp_mchid && flow.account == account;
        let rows = ledger.fund_flows().filter(own).map(|flow| FlowRow {
            at_ms: flow.at_ms,
            business_no: flow.flow_id.clone(),
            flow_no: format!("{}0", flow.flow_id),
            business_name: flow.business_name.clone(),
            business_type: flow.business_name.clone(),
            amount: flow.amount,
            applicant: flow.sp_mchid.clone(),
            voucher: flow.voucher.clone(),
        });
        Self::new(day, rows.collect())
    }

    /// A sub-merchant's basic account: payments, refunds, and the fees of both.
    pub(super) fn of_sub_merchant(
        ledger: &Ledger,
        (sp_mchid, sub_mchid): (&str, &str),
        day: Day,
    ) -> Self {
        let mut rows = Vec::new();
        for order in ledger.orders() {
            let Some(payment) = &order.payment else {
                continue;
            };
            if (order.sp_mchid.as_str(), order.sub_mchid.as_str()) == (sp_mchid, sub_mchid) {
                let numbers = (payment.transaction_id.as_str(), order.out_trade_no.as_str());
                let paid = payment.amount_total;
                let entry = Entry::new(payment.success_ms, numbers, sp_mchid);
                rows.push(entry.row(1, PAYMENT, paid));
                rows.push(entry.row(2, "扣除交易手续费", -fee_fen(paid)));
            }
        }
        for refund in ledger.refunds() {
            if (refund.sp_mchid.as_str(), refund.sub_mchid.as_str()) != (sp_mchid, sub_mchid) {
                continue;
            }
            let numbers = (refund.refund_id.as_str(), refund.out_refund_no.as_str());
            let fen = refund.amount_refund;
            let entry = Entry::new(refund.created_ms, numbers, sp_mchid);
            rows.push(entry.row(1, REFUND, -fen));
            rows.push(entry.row(2, "退还交易手续费", fee_fen(fen)));
            if refund.status == RefundStatus::Closed {
                let entry = Entry::new(refund.updated_ms, numbers, sp_mchid);
                rows.push(entry.row(3, "退款关闭", fen));
                rows.push(entry.row(4, "扣除交易手续费", -fee_fen(fen)));
            }
        }
        rows.retain(|row| row.amount != 0);
        Self::new(day, rows)
    }

    fn new(day: Day, mut rows: Vec<FlowRow>) -> Self {
        rows.sort_by_key(|row| row.at_ms);
        let before = |row: &&FlowRow| row.at_ms < day.start_ms();
        let opening_fen = rows.iter().filter(before).map(|row| row.amount).sum();
        rows.retain(|row| day.contains(row.at_ms));
        Self {
            day,
            rows,
            opening_fen,
            wrong_totals: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Drops, changes, duplicates and adds rows as faults say; `sub_mchid` is empty for the provider's own account.
    pub(super) fn spoil(&mut self, faults: &BillFaults, whose: Whose<'_>, sub_mchid: &str) {
        for fault in faults.of_rows(BillFaultKind::Drop, whose) {
            self.rows.retain(|row| !picks(fault, row));
        }
        for fault in faults.of_rows(BillFaultKind::Change, whose) {
            for row in self.rows.iter_mut().filter(|row| picks(fault, row)) {
                let set = &fault.set;
                let (paid, refunded) = (set.amount_total, set.amount_refund.map(|fen| -fen));
                let fen = if row.is(REFUND) { refunded } else { paid };
                row.amount = fen.unwrap_or(row.amount);
            }
        }
        for fault in faults.of_rows(BillFaultKind::Duplicate, whose) {
            let twice = self.rows.iter().filter(|row| picks(fault, row));
            let twice: Vec<FlowRow> = twice.cloned().collect();
            self.rows.extend(twice);
        }
        for fault in faults.of_rows(BillFaultKind::Add, whose) {
            let only = fault.set.sub_mchid.as_deref();
            if only.is_none_or(|only| only == sub_mchid) {
                let count = fault.count.unwrap_or(1);
                let (start_ms, sp_mchid) = (self.day.start_ms(), whose.sp_mchid);
                let added = (0..count).map(|place| moved(fault, place, start_ms, sp_mchid));
                self.rows.extend(added);
            }
        }
        self.rows.sort_by_key(|row| row.at_ms);
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        lines::header(out, COLUMNS)?;
        let date = self.day.text();
        let mut balance = self.opening_fen;
        let (mut incomes, mut income, mut expenses, mut expense) = (0_i64, 0_i64, 0_i64, 0_i64);
        for row in &self.rows {
            balance += row.amount;
            let direction = if row.amount < 0 {
                (expenses, expense) = (expenses + 1, expense - row.amount);
                "支出"
            } else {
                (incomes, income) = (incomes + 1, income + row.amount);
                "收入"
            };
            let fields = [
                self.day.time_text(&date, row.at_ms),
                row.business_no.clone(),
                row.flow_no.clone(),
                harmless(&row.business_name),
                harmless(&row.business_type),
                direction.to_owned(),
                yuan(row.amount.abs()),
                yuan(balance),
                row.applicant.clone(),
                String::new(),
                harmless(&row.voucher),
            ];
            lines::values(out, fields)?;
        }
        if self.wrong_totals {
            (incomes, income) = (incomes + 1, income + 1);
        }
        lines::header(out, SUMMARY)?;
        let count = incomes + expenses;
        let fields = [
            count.to_string(),
            incomes.to_string(),
            yuan(income),
            expenses.to_string(),
            yuan(expense),
        ];
        lines::values(out, fields)
    }
}

impl FlowRow {
    fn is(&self, business: &str) -> bool {
        self.business_type == business
    }
}

/// Whether a fault is about this row; fees go untouched.
fn picks(fault: &BillFault, row: &FlowRow) -> bool {
    let kind = match fault.rows {
        None => row.is(PAYMENT) || row.is(REFUND),
        Some(RowKind::Payment) => row.is(PAYMENT),
        Some(RowKind::Refund) => row.is(REFUND),
    };
    let names = |number: &Option<String>, business| {
        number
            .as_ref()
            .is_none_or(|only| row.is(business) && *only == row.voucher)
    };
    kind && names(&fault.out_trade_no, PAYMENT) && names(&fault.out_refund_no, REFUND)
}

/// A movement that nothing stands behind, in the middle of the day. Of a payment or a refund it names the one that the
/// same seed invents in a trade bill.
fn moved(fault: &BillFault, place: u64, start_ms: i64, sp_mchid: &str) -> FlowRow {
    const NOON_MS: i64 = 12 * 60 * 60 * 1_000;
    let set = &fault.set;
    let seed = fault.seed % 0x1_0000_0000;
    let number = format!("F{seed:08X}{place:012}");
    let (business, amount, voucher) = match fault.rows {
        None => (SHARE, -set.amount_total.unwrap_or(1), number.clone()),
        Some(RowKind::Payment) => {
            let named = set.out_trade_no.clone();
            let named = named.unwrap_or_else(|| invented::payment_number(seed, place));
            (PAYMENT, set.amount_total.unwrap_or(1), named)
        }
        Some(RowKind::Refund) => {
            let named = set.out_refund_no.clone();
            let named = named.unwrap_or_else(|| invented::refund_number(seed, place));
            (REFUND, -set.amount_refund.unwrap_or(1), named)
        }
    };
    FlowRow {
        at_ms: start_ms + NOON_MS,
        business_no: number.clone(),
        flow_no: format!("{number}1"),
        business_name: business.to_owned(),
        business_type: business.to_owned(),
        amount,
        applicant: sp_mchid.to_owned(),
        voucher,
    }
}

/// What the rows of one payment or refund share.
struct Entry<'a> {
    at_ms: i64,
    business_no: &'a str,
    voucher: &'a str,
    applicant: &'a str,
}

impl<'a> Entry<'a> {
    fn new(at_ms: i64, (business_no, voucher): (&'a str, &'a str), applicant: &'a str) -> Self {
        Self {
            at_ms,
            business_no,
            voucher,
            applicant,
        }
    }

    fn row(&self, place: u8, business: &str, amount: i64) -> FlowRow {
        FlowRow {
            at_ms: self.at_ms,
            business_no: self.business_no.to_owned(),
            flow_no: format!("{}{place}", self.business_no),
            business_name: business.to_owned(),
            business_type: business.to_owned(),
            amount,
            applicant: self.applicant.to_owned(),
            voucher: self.voucher.to_owned(),
        }
    }
}
