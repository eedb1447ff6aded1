//! What is asked for: day, account, kind. WeChat makes the bill of a day from 9:00 of the next, Beijing time; ask after 10:00.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::v3::aead;
use crate::v3::request::{InvalidRequest, Problem, check};

/// Whether the file comes as a gzip file or plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// A gzip file (`tar_type=GZIP`).
    #[default]
    Gzip,
    /// The text itself.
    None,
}

/// Which rows a trade bill has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TradeBillType {
    /// Payments and refunds.
    All,
    /// Payments.
    Success,
    /// Refunds.
    Refund,
}

impl TradeBillType {
    /// Returns WeChat's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
        }
    }
}

/// Whose money a fund-flow bill shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountType {
    /// The basic account.
    Basic,
    /// The operation account.
    Operation,
    /// The account of service fees.
    Fees,
    /// The deposit account; sub-merchants only.
    Deposit,
}

impl AccountType {
    /// Returns WeChat's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Operation => "OPERATION",
            Self::Fees => "FEES",
            Self::Deposit => "DEPOSIT",
        }
    }
}

/// Asks for a day's payments and refunds (`GET /v3/bill/tradebill`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeBillRequest {
    /// The day in Beijing, `yyyy-MM-dd`.
    pub bill_date: String,
    /// One sub-merchant; without it, all of the provider's.
    pub sub_mchid: Option<String>,
    /// Which rows.
    pub bill_type: TradeBillType,
    /// The file's form.
    pub compression: Compression,
}

/// Asks for a day's movements on the provider's own account (`GET /v3/bill/fundflowbill`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundFlowBillRequest {
    /// The day in Beijing, `yyyy-MM-dd`.
    pub bill_date: String,
    /// Which account; not [`AccountType::Deposit`].
    pub account_type: AccountType,
    /// The file's form.
    pub compression: Compression,
}

/// Asks for a day's movements on a sub-merchant's account (`GET /v3/bill/sub-merchant-fundflowbill`); always encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubMerchantFundFlowBillRequest {
    /// The sub-merchant.
    pub sub_mchid: String,
    /// The day in Beijing, `yyyy-MM-dd`.
    pub bill_date: String,
    /// Which account.
    pub account_type: AccountType,
    /// The file's form.
    pub compression: Compression,
}

impl TradeBillRequest {
    /// Checks WeChat's published limits against the clock (`now` in Unix seconds).
    pub fn validate(&self, now: i64) -> Result<(), InvalidRequest> {
        check_day(&self.bill_date, now)?;
        self.sub_mchid.as_deref().map_or(Ok(()), check_sub_mchid)
    }

    /// Writes the query, percent-encoded.
    pub fn query(&self) -> String {
        let mut query = format!(
            "bill_date={}&bill_type={}",
            encode(&self.bill_date),
            self.bill_type.as_str()
        );
        if let Some(sub_mchid) = &self.sub_mchid {
            query.push_str("&sub_mchid=");
            query.push_str(&encode(sub_mchid));
        }
        with_compression(query, self.compression)
    }
}

impl FundFlowBillRequest {
    /// Checks WeChat's published limits against the clock (`now` in Unix seconds).
    pub fn validate(&self, now: i64) -> Result<(), InvalidRequest> {
        check_day(&self.bill_date, now)?;
        if self.account_type == AccountType::Deposit {
            let problem = Problem::NotA("BASIC, OPERATION or FEES");
            return fail("/account_type", problem);
        }
        Ok(())
    }

    /// Writes the query, percent-encoded.
    pub fn query(&self) -> String {
        let query = format!(
            "bill_date={}&account_type={}",
            encode(&self.bill_date),
            self.account_type.as_str()
        );
        with_compression(query, self.compression)
    }
}

impl SubMerchantFundFlowBillRequest {
    /// Checks WeChat's published limits against the clock (`now` in Unix seconds).
    pub fn validate(&self, now: i64) -> Result<(), InvalidRequest> {
        check_sub_mchid(&self.sub_mchid)?;
        check_day(&self.bill_date, now)
    }

    /// Writes the query, percent-encoded.
    pub fn query(&self) -> String {
        let query = format!(
            "sub_mchid={}&bill_date={}&account_type={}&algorithm={}",
            encode(&self.sub_mchid),
            encode(&self.bill_date),
            self.account_type.as_str(),
            aead::ALGORITHM
        );
        with_compression(query, self.compression)
    }
}

fn encode(text: &str) -> String {
    // The characters that RFC 3986 leaves alone stay readable; what is signed is what is sent either way.
    const ENCODED: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    utf8_percent_encode(text, ENCODED).to_string()
}

fn with_compression(mut query: String, compression: Compression) -> String {
    if compression == Compression::Gzip {
        query.push_str("&tar_type=GZIP");
    }
    query
}

fn check_sub_mchid(sub_mchid: &str) -> Result<(), InvalidRequest> {
    check::number("/sub_mchid", sub_mchid, b"", (1, 32))
}

/// A day must be over in Beijing. How long WeChat keeps bills (three months) it decides itself.
fn check_day(bill_date: &str, now: i64) -> Result<(), InvalidRequest> {
    let day = read_day(bill_date);
    let Some(day) = day else {
        return fail("/bill_date", Problem::NotA("a day as yyyy-MM-dd"));
    };
    let today = Timestamp::from_second(now).map(|now| Offset::constant(8).to_datetime(now).date());
    if today.is_ok_and(|today| day < today) {
        return Ok(());
    }
    fail("/bill_date", Problem::NotA("a day that is over in Beijing"))
}

fn read_day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

fn fail(field: &'static str, problem: Problem) -> Result<(), InvalidRequest> {
    Err(InvalidRequest { field, problem })
}
