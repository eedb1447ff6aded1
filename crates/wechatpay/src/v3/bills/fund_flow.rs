//! The fund-flow bill: a day's movements on one account (WeChat partner docs: fund-flow bill format).

use super::BillParseError;
use super::lines::{Column, Header, Record};
use super::parser::{BillParser, sealed::Layout};
use crate::open_enum::open_enum;

open_enum! {
    /// Which way the money went.
    FlowDirection {
        /// Into the account.
        Income = "收入",
        /// Out of the account.
        Expense = "支出",
    }
}

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundFlowRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// 记账时间 in Unix milliseconds.
    pub booked_at_ms: i64,
    /// 微信支付业务单号: the payment, refund or other business.
    pub business_id: Option<String>,
    /// 资金流水单号: the movement's own number.
    pub flow_id: String,
    /// 业务名称.
    pub business_name: Option<String>,
    /// 业务类型.
    pub business_type: Option<String>,
    /// 收支类型.
    pub direction: FlowDirection,
    /// 收支金额 in fen, without a sign.
    pub amount_fen: i64,
    /// 账户结余 in fen, after the movement.
    pub balance_fen: Option<i64>,
    /// 资金变更提交申请人.
    pub applicant: Option<String>,
    /// 备注.
    pub note: Option<String>,
    /// 业务凭证号: the merchant's own number.
    pub voucher: Option<String>,
}

/// The sums over a fund-flow bill, equal to those that its last row states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FundFlowSummary {
    /// 资金流水总笔数: all rows.
    pub rows: i64,
    /// 收入笔数.
    pub income_rows: i64,
    /// 收入金额 in fen.
    pub income_fen: i64,
    /// 支出笔数.
    pub expense_rows: i64,
    /// 支出金额 in fen.
    pub expense_fen: i64,
}

/// Reads a fund-flow bill, the provider's own or a sub-merchant's.
pub type FundFlowBillParser = BillParser<FundFlowBill>;

/// The layout of fund-flow bills.
#[derive(Debug)]
pub struct FundFlowBill(());

impl FundFlowBillParser {
    /// Prepares for a bill.
    pub fn new() -> Self {
        Self::with_format(FundFlowBill(()))
    }
}

impl Default for FundFlowBillParser {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the columns are.
#[derive(Debug)]
pub struct FundFlowColumns {
    booked_at: Column,
    business_id: Column,
    flow_id: Column,
    business_name: Column,
    business_type: Column,
    direction: Column,
    amount: Column,
    balance: Column,
    applicant: Column,
    note: Column,
    voucher: Column,
}

impl Layout for FundFlowBill {
    type Columns = FundFlowColumns;
    type Row = FundFlowRow;
    type Summary = FundFlowSummary;
    const COUNT: &'static str = "资金流水总笔数";

    fn columns(&self, header: &Header) -> Result<FundFlowColumns, BillParseError> {
        Ok(FundFlowColumns {
            booked_at: header.required("记账时间")?,
            business_id: header.optional("微信支付业务单号")?,
            flow_id: header.required("资金流水单号")?,
            business_name: header.optional("业务名称")?,
            business_type: header.optional("业务类型")?,
            direction: header.required("收支类型")?,
            amount: header.required("收支金额(元)")?,
            balance: header.optional("账户结余(元)")?,
            applicant: header.optional("资金变更提交申请人")?,
            note: header.optional("备注")?,
            voucher: header.optional("业务凭证号")?,
        })
    }

    fn read(
        columns: &FundFlowColumns,
        record: &Record<'_>,
        sums: &mut FundFlowSummary,
    ) -> Result<FundFlowRow, BillParseError> {
        let c = columns;
        // An account may be overdrawn, so only its balance has a sign.
        let balance_fen = match record.text(&c.balance) {
            "" => None,
            _ => Some(record.signed_fen(&c.balance)?),
        };
        let row = FundFlowRow {
            line: record.line,
            booked_at_ms: record.time_ms(&c.booked_at)?,
            business_id: record.optional_text(&c.business_id),
            flow_id: record.required_text(&c.flow_id)?,
            business_name: record.optional_text(&c.business_name),
            business_type: record.optional_text(&c.business_type),
            direction: record.required_text(&c.direction)?.as_str().into(),
            amount_fen: record.amount_fen(&c.amount)?,
            balance_fen,
            applicant: record.optional_text(&c.applicant),
            note: record.optional_text(&c.note),
            voucher: record.optional_text(&c.voucher),
        };
        sums.rows += 1;
        let (rows, sum) = match row.direction {
            FlowDirection::Income => (&mut sums.income_rows, &mut sums.income_fen),
            FlowDirection::Expense => (&mut sums.expense_rows, &mut sums.expense_fen),
            FlowDirection::Unknown(_) => return Ok(row),
        };
        *rows += 1;
        record.add(sum, &c.amount, row.amount_fen)?;
        Ok(row)
    }

    fn check(
        header: &Header,
        record: &Record<'_>,
        sums: &FundFlowSummary,
    ) -> Result<(), BillParseError> {
        let counts = [
            (Self::COUNT, sums.rows),
            ("收入笔数", sums.income_rows),
            ("支出笔数", sums.expense_rows),
        ];
        for (name, counted) in counts {
            let column = header.required(name)?;
            record.check(&column, record.count(&column)?, counted)?;
        }
        let income = header.required("收入金额")?;
        record.check_fen(&income, sums.income_fen)?;
        record.check_fen(&header.required("支出金额")?, sums.expense_fen)
    }
}
