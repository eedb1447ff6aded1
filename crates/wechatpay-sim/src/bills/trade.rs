//! The trade bill: its columns, which of them each type has, and the summary.

use std::io::{self, Write};

use super::{
    calendar::Day,
    invented::Invented,
    lines::{self, fee, harmless, yuan},
    rows::{FEE_RATE, TradeRow},
};

/// `bill_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BillType {
    All,
    Success,
    Refund,
}

impl BillType {
    pub(super) fn includes(self, row: &TradeRow) -> bool {
        match self {
            Self::All => true,
            Self::Success => row.refund.is_none(),
            Self::Refund => row.refund.is_some(),
        }
    }
}

/// Which types have a column.
#[derive(Clone, Copy)]
enum Has {
    Every,
    AllAndRefund,
    Refund,
}

impl Has {
    fn covers(self, bill_type: BillType) -> bool {
        match self {
            Self::Every => true,
            Self::AllAndRefund => bill_type != BillType::Success,
            Self::Refund => bill_type == BillType::Refund,
        }
    }
}

struct Column(Has, &'static str, fn(&TradeRow, &Times) -> String);

/// Partner docs: trade bill, the columns in their order.
const COLUMNS: [Column; 29] = [
    Column(Has::Every, "交易时间", |row, times| {
        times.text(row.at_ms)
    }),
    Column(Has::Every, "公众账号ID", |row, _| row.sp_appid.clone()),
    Column(Has::Every, "商户号", |row, _| row.sp_mchid.clone()),
    Column(Has::Every, "特约商户号", |row, _| {
        row.sub_mchid.clone()
    }),
    Column(Has::Every, "设备号", |row, _| harmless(&row.device_id)),
    Column(Has::Every, "微信订单号", |row, _| {
        row.transaction_id.clone()
    }),
    Column(Has::Every, "商户订单号", |row, _| {
        row.out_trade_no.clone()
    }),
    Column(Has::Every, "用户标识", |row, _| row.openid.clone()),
    Column(Has::Every, "交易类型", |_, _| "JSAPI".to_owned()),
    Column(Has::Every, "交易状态", |row, _| row.trade_state.clone()),
    Column(Has::Every, "付款银行", |row, _| row.bank_type.clone()),
    Column(Has::Every, "货币种类", |_, _| "CNY".to_owned()),
    Column(Has::Every, "应结订单金额", |row, _| {
        yuan(row.amount_total)
    }),
    Column(Has::Every, "代金券金额", |_, _| yuan(0)),
    Column(Has::Refund, "退款申请时间", |row, times| {
        let refund = row.refund.as_ref();
        refund.map_or_else(String::new, |refund| times.text(refund.applied_ms))
    }),
    Column(Has::Refund, "退款成功时间", |row, times| {
        let succeeded_ms = row.refund.as_ref().and_then(|refund| refund.succeeded_ms);
        succeeded_ms.map_or_else(String::new, |at_ms| times.text(at_ms))
    }),
    Column(Has::AllAndRefund, "微信退款单号", |row, _| {
        let refund = row.refund.as_ref();
        refund.map_or_else(|| "0".to_owned(), |refund| refund.refund_id.clone())
    }),
    Column(Has::AllAndRefund, "商户退款单号", |row, _| {
        let refund = row.refund.as_ref();
        refund.map_or_else(|| "0".to_owned(), |refund| refund.out_refund_no.clone())
    }),
    Column(Has::AllAndRefund, "退款金额", |row, _| {
        yuan(refunded(row))
    }),
    Column(Has::AllAndRefund, "充值券退款金额", |_, _| yuan(0)),
    Column(Has::AllAndRefund, "退款类型", |row, _| {
        let refund = row.refund.as_ref();
        refund.map_or_else(String::new, |refund| refund.channel.clone())
    }),
    Column(Has::AllAndRefund, "退款状态", |row, _| {
        let refund = row.refund.as_ref();
        refund.map_or_else(String::new, |refund| refund.state.clone())
    }),
    Column(Has::Every, "商品名称", |row, _| {
        harmless(&row.description)
    }),
    Column(Has::Every, "商户数据包", |row, _| {
        harmless(&row.attach)
    }),
    Column(Has::Every, "手续费", |row, _| fee(row.fee)),
    Column(Has::Every, "费率", |_, _| FEE_RATE.to_owned()),
    Column(Has::Every, "订单金额", |row, _| yuan(row.amount_total)),
    Column(Has::AllAndRefund, "申请退款金额", |row, _| {
        yuan(refunded(row))
    }),
    Column(Has::Every, "费率备注", |_, _| String::new()),
];

fn refunded(row: &TradeRow) -> i64 {
    row.refund.as_ref().map_or(0, |refund| refund.amount)
}

/// Writes times, and keeps what is the same in nearly all of them.
struct Times {
    day: Day,
    date: String,
}

impl Times {
    fn text(&self, at_ms: i64) -> String {
        self.day.time_text(&self.date, at_ms)
    }
}

/// A trade bill, ready to be written as often as it is asked for.
pub(crate) struct TradeBill {
    pub(super) day: Day,
    pub(super) bill_type: BillType,
    /// Only this sub-merchant's rows.
    pub(super) sub_mchid: Option<String>,
    pub(super) rows: Vec<TradeRow>,
    pub(super) invented: Vec<Invented>,
    pub(super) wrong_totals: bool,
}

#[derive(Default)]
struct Totals {
    rows: i64,
    settled: i64,
    refunded: i64,
    fee: i64,
}

impl TradeBill {
    /// Whether there is any row; WeChat makes no bill without one.
    pub(super) fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }

    fn rows(&self) -> impl Iterator<Item = std::borrow::Cow<'_, TradeRow>> {
        use std::borrow::Cow;
        let invented = self.invented.iter().flat_map(Invented::rows);
        let all = self
            .rows
            .iter()
            .map(Cow::Borrowed)
            .chain(invented.map(Cow::Owned));
        all.filter(|row| {
            self.bill_type.includes(row)
                && self
                    .sub_mchid
                    .as_ref()
                    .is_none_or(|only| *only == row.sub_mchid)
        })
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns: Vec<&Column> = COLUMNS
            .iter()
            .filter(|Column(has, ..)| has.covers(self.bill_type))
            .collect();
        let times = Times {
            day: self.day,
            date: self.day.text(),
        };
        lines::header(out, columns.iter().map(|Column(_, name, _)| *name))?;
        let mut totals = Totals::default();
        for row in self.rows() {
            totals.rows += 1;
            totals.settled = totals.settled.saturating_add(row.amount_total);
            totals.refunded = totals.refunded.saturating_add(refunded(&row));
            totals.fee = totals.fee.saturating_add(row.fee);
            lines::values(
                out,
                columns
                    .iter()
                    .map(|Column(_, _, value)| value(&row, &times)),
            )?;
        }
        self.write_summary(out, totals)
    }

    fn write_summary(&self, out: &mut dyn Write, mut totals: Totals) -> io::Result<()> {
        if self.wrong_totals {
            totals.rows += 1;
            totals.settled = totals.settled.saturating_add(1);
        }
        let (settled, refunded) = (yuan(totals.settled), yuan(totals.refunded));
        let count = ("总交易单数", totals.rows.to_string());
        let settlement = ("应结订单总金额", settled.clone());
        let fees = ("手续费总金额", fee(totals.fee));
        let orders = ("订单总金额", settled);
        let summary = if self.bill_type == BillType::Success {
            vec![count, settlement, fees, orders]
        } else {
            vec![
                count,
                settlement,
                ("退款总金额", refunded.clone()),
                ("充值券退款总金额", yuan(0)),
                fees,
                orders,
                ("申请退款总金额", refunded),
            ]
        };
        lines::header(out, summary.iter().map(|(name, _)| *name))?;
        lines::values(out, summary.into_iter().map(|(_, value)| value))
    }
}
