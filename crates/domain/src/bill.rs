//! Bills: which day, which file, and the rows of it that concern somebody we know.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{BillId, OrderId, ProviderId, RefundId, TenantId};
use crate::state_words::state_words;
use crate::tenant::Mode;

/// WeChat's days are Beijing's.
const BEIJING: Offset = Offset::constant(8);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A day in Beijing, the unit of every bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillDay(Date);

/// Why a text is not a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2026-01-31")]
pub struct ParseDayError;

impl BillDay {
    /// The day in Beijing that an instant falls on.
    pub fn of(at: Timestamp) -> Self {
        // Only instants outside the calendar fail, and no clock hands them out.
        let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        Self(BEIJING.to_datetime(instant).date())
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        let midnight = BEIJING.to_timestamp(self.0.to_datetime(jiff::civil::Time::midnight()));
        Timestamp::from_millis(midnight.unwrap_or_default().as_millisecond())
    }

    /// The first instant of the next day.
    pub fn end(self) -> Timestamp {
        self.start().plus_millis(DAY_MS)
    }

    /// The instant on this day that lies so far behind its beginning.
    pub fn at_millis(self, ms: i64) -> Timestamp {
        self.start().plus_millis(ms)
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.end())
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::of(self.start().plus_millis(-1))
    }

    /// Whether an instant falls on it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start() <= at && at < self.end()
    }
}

impl fmt::Display for BillDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for BillDay {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        let day: Date = text.parse().map_err(|_| ParseDayError)?;
        // One spelling per day, and years that four digits write.
        if day.to_string() == text && day.year() >= 1970 {
            Ok(Self(day))
        } else {
            Err(ParseDayError)
        }
    }
}

impl TryFrom<String> for BillDay {
    type Error = ParseDayError;

    fn try_from(text: String) -> Result<Self, ParseDayError> {
        text.parse()
    }
}

impl From<BillDay> for String {
    fn from(day: BillDay) -> Self {
        day.to_string()
    }
}

state_words! {
    /// Which of WeChat's bills.
    BillKind {
        /// Payments and refunds of every sub-merchant.
        Trade = "trade",
        /// Movements on the provider's own account.
        FundFlow = "fund_flow",
        /// Movements on a sub-merchant's account.
        SubMerchantFundFlow = "sub_merchant_fund_flow",
    }
}

state_words! {
    /// Where a stored bill stands.
    BillState {
        /// Being downloaded; nothing vouches for it yet.
        Loading = "loading",
        /// Proven whole, and its rows agree with its summary.
        Verified = "verified",
        /// WeChat says that nothing happened that day.
        Empty = "empty",
        /// Broken, or the same as one that is stored; its rows and bytes go.
        Rejected = "rejected",
    }
}

state_words! {
    /// What a row of a trade bill tells of.
    RowKind {
        /// A payment.
        Payment = "payment",
        /// A refund.
        Refund = "refund",
        /// A payment that was reversed.
        Reversal = "reversal",
    }
}

/// Which bill: the same one is stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillName {
    /// Whose.
    pub provider_id: ProviderId,
    /// Of which day.
    pub day: BillDay,
    /// Which kind.
    pub kind: BillKind,
    /// The account of a fund flow (`BASIC`, or `1900000110:BASIC`); empty for a trade bill.
    pub account: String,
}

/// Counts and sums over a bill, in fen; of rows that are stored and of those that are not.
///
/// A fund flow has its income in the place of payments and its expense in the place of refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BillSums {
    /// All rows.
    pub rows: i64,
    /// Those that tell of refunds.
    pub refund_rows: i64,
    /// 订单总金额.
    pub payment_fen: i64,
    /// 申请退款总金额.
    pub refund_fen: i64,
    /// Rows that are nobody's and beyond what is stored of such.
    pub unlisted_rows: i64,
    /// Their order amounts.
    pub unlisted_payment_fen: i64,
    /// Their refund amounts.
    pub unlisted_refund_fen: i64,
}

/// A bill as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Our id.
    pub id: BillId,
    /// Which bill.
    pub name: BillName,
    /// Which world it lives in.
    pub mode: Mode,
    /// Where it stands.
    pub state: BillState,
    /// SHA-256 of its content in hex; its own id until it is verified.
    pub content_hash: String,
    /// How long the content is, in bytes.
    pub content_bytes: i64,
    /// In how many sealed pieces the content is kept.
    pub chunks: i64,
    /// Counts and sums.
    pub sums: BillSums,
    /// Why it was rejected.
    pub failure: Option<String>,
    /// When the download began.
    pub created_at: Timestamp,
    /// When it was verified or rejected.
    pub finished_at: Option<Timestamp>,
}

/// A row of a trade bill: ours, or one of the first that are nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// Of which bill.
    pub bill_id: BillId,
    /// The line in the file, from 1.
    pub line: i64,
    /// Whose provider's.
    pub provider_id: ProviderId,
    /// Which world it belongs to.
    pub mode: Mode,
    /// Of which day's bill.
    pub day: BillDay,
    /// What it tells of.
    pub kind: RowKind,
    /// The tenant that owns it; none when it is nobody's, or says another sub-merchant than our order does.
    pub tenant_id: Option<TenantId>,
    /// Our order of its number.
    pub order_id: Option<OrderId>,
    /// Our refund of its number.
    pub refund_id: Option<RefundId>,
    /// 交易时间.
    pub trade_time: Timestamp,
    /// 特约商户号; empty in direct mode.
    pub sub_mchid: String,
    /// 微信订单号.
    pub transaction_id: String,
    /// 商户订单号.
    pub out_trade_no: String,
    /// 微信退款单号.
    pub wechat_refund_id: Option<String>,
    /// 商户退款单号.
    pub out_refund_no: Option<String>,
    /// 退款状态, at acceptance.
    pub refund_status: Option<String>,
    /// 交易类型.
    pub trade_type: String,
    /// 付款银行.
    pub bank_type: Option<String>,
    /// 订单金额 in fen.
    pub total_fen: i64,
    /// 申请退款金额 in fen.
    pub refund_fen: i64,
    /// What the fee is computed from, in fen: the settlement's amount where the bill has one.
    pub fee_base_fen: i64,
    /// 手续费 in thousandths of a fen, below zero where it is given back.
    pub fee_millifen: Option<i64>,
    /// 费率 as WeChat writes it.
    pub rate: Option<String>,
}

impl BillRow {
    /// The number that it is matched by: of the refund where it tells of one, else of the order.
    pub fn number(&self) -> &str {
        match (self.kind, &self.out_refund_no) {
            (RowKind::Refund, Some(number)) => number,
            (RowKind::Refund, None) => self.wechat_refund_id.as_deref().unwrap_or_default(),
            _ => &self.out_trade_no,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let day: BillDay = "2026-01-01".parse().unwrap();
        assert_eq!(day.start().to_rfc3339(), "2025-12-31T16:00:00.000Z");
        assert_eq!(day.end().to_rfc3339(), "2026-01-01T16:00:00.000Z");
        assert!(day.contains(day.start()) && !day.contains(day.end()));
        assert_eq!(BillDay::of(day.end().plus_millis(-1)), day);
        assert_eq!(day.next().previous(), day);
        assert_eq!(day.next().to_string(), "2026-01-02");
    }

    #[test]
    fn a_day_has_one_spelling() {
        for bad in [
            "",
            "2026-1-1",
            "20260101",
            "2026-02-30",
            "0001-01-01",
            "2026-01-01T00:00",
        ] {
            assert!(bad.parse::<BillDay>().is_err(), "{bad}");
        }
    }
}
