//! The trade bill: a day's payments and refunds (WeChat partner docs: trade bill format).

use super::decimal;
use super::lines::{Column, Header, Record};
use super::parser::{BillParser, sealed::Layout};
use super::{BillParseError, CellProblem, TradeBillType};
use crate::open_enum::open_enum;

/// Decimals of a fee's sum that may have been rounded to fen.
const ROUNDED_DECIMALS: usize = 2;
const MILLIFEN_PER_FEN: u64 = 1_000;

open_enum! {
    /// What a row tells of.
    TradeRowStatus {
        /// A payment.
        Success = "SUCCESS",
        /// A refund.
        Refund = "REFUND",
        /// A payment that was reversed.
        Revoked = "REVOKED",
    }
}

open_enum! {
    /// The state of a refund when WeChat accepted it; a bill never follows it up, so query the refund.
    BillRefundStatus {
        /// The payer has the money.
        Success = "SUCCESS",
        /// Accepted.
        Processing = "PROCESSING",
        /// It failed.
        Fail = "FAIL",
        /// The original way failed.
        Change = "CHANGE",
    }
}

open_enum! {
    /// How a payment was made, in the words of bills.
    BillTradeType {
        /// Inside WeChat: mini-program or official account.
        Jsapi = "JSAPI",
        /// A code that the payer scans.
        Native = "NATIVE",
        /// An app.
        App = "APP",
        /// A code that the merchant scans.
        Micropay = "MICROPAY",
        /// A browser on a phone.
        H5 = "MWEB",
        /// A face.
        Face = "FACE",
    }
}

/// A payment, a refund or a reversal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// 交易时间 in Unix milliseconds; in refund rows WeChat does not say whether of the payment or the refund.
    pub trade_time_ms: i64,
    /// 公众账号ID.
    pub sp_appid: Option<String>,
    /// 商户号.
    pub sp_mchid: String,
    /// 特约商户号; none in direct mode.
    pub sub_mchid: Option<String>,
    /// 设备号.
    pub device_id: Option<String>,
    /// 微信订单号.
    pub transaction_id: String,
    /// 商户订单号.
    pub out_trade_no: String,
    /// 用户标识: the openid under `sp_appid`.
    pub openid: Option<String>,
    /// 交易类型.
    pub trade_type: BillTradeType,
    /// 交易状态.
    pub status: TradeRowStatus,
    /// 付款银行.
    pub bank_type: Option<String>,
    /// 货币种类.
    pub currency: Option<String>,
    /// 应结订单金额 in fen: what is settled, after coupons; zero in refund rows.
    pub settlement_total_fen: Option<i64>,
    /// 代金券金额 in fen.
    pub coupon_fen: Option<i64>,
    /// The refund that the row tells of.
    pub refund: Option<BillRefund>,
    /// 商品名称.
    pub description: Option<String>,
    /// 商户数据包.
    pub attach: Option<String>,
    /// 手续费 in thousandths of a fen; below zero where it is given back.
    pub fee_millifen: Option<i64>,
    /// 费率, as WeChat writes it.
    pub rate: Option<String>,
    /// 订单金额 in fen: the order's `amount.total`; zero in refund rows.
    pub total_fen: i64,
    /// 费率备注.
    pub rate_note: Option<String>,
}

/// The part of a row that tells of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRefund {
    /// 微信退款单号; only a reversal may come without.
    pub refund_id: Option<String>,
    /// 商户退款单号.
    pub out_refund_no: Option<String>,
    /// 退款申请时间 in Unix milliseconds; refund bills only.
    pub applied_at_ms: Option<i64>,
    /// 退款成功时间 in Unix milliseconds; refund bills only.
    pub succeeded_at_ms: Option<i64>,
    /// 申请退款金额 in fen: the refund's `amount.refund`.
    pub refund_fen: i64,
    /// 退款金额 in fen: what the merchant's settlement gives back.
    pub settlement_refund_fen: Option<i64>,
    /// 充值券退款金额 in fen.
    pub coupon_refund_fen: Option<i64>,
    /// 退款类型, such as `ORIGINAL`.
    pub refund_type: Option<String>,
    /// 退款状态 at acceptance.
    pub status: Option<BillRefundStatus>,
}

/// The sums over a trade bill, equal to those that its last row states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeBillSummary {
    /// 总交易单数: all rows.
    pub rows: i64,
    /// 应结订单总金额 in fen.
    pub settlement_total_fen: i64,
    /// 退款总金额 in fen, of the settlement.
    pub settlement_refund_fen: i64,
    /// 充值券退款总金额 in fen.
    pub coupon_refund_fen: i64,
    /// 手续费总金额 in thousandths of a fen.
    pub fee_millifen: i64,
    /// 订单总金额 in fen.
    pub total_fen: i64,
    /// 申请退款总金额 in fen.
    pub refund_fen: i64,
}

/// Reads a trade bill.
pub type TradeBillParser = BillParser<TradeBill>;

/// The layout of trade bills.
#[derive(Debug)]
pub struct TradeBill {
    bill_type: TradeBillType,
}

impl TradeBillParser {
    /// Prepares for a bill of the kind that was asked for.
    pub fn new(bill_type: TradeBillType) -> Self {
        Self::with_format(TradeBill { bill_type })
    }
}

/// Where the columns are.
#[derive(Debug)]
pub struct TradeColumns {
    trade_time: Column,
    sp_appid: Column,
    sp_mchid: Column,
    sub_mchid: Column,
    device_id: Column,
    transaction_id: Column,
    out_trade_no: Column,
    openid: Column,
    trade_type: Column,
    status: Column,
    bank_type: Column,
    currency: Column,
    settlement_total: Column,
    coupon: Column,
    description: Column,
    attach: Column,
    fee: Column,
    rate: Column,
    total: Column,
    rate_note: Column,
    refund: RefundColumns,
}

#[derive(Debug)]
struct RefundColumns {
    applied_at: Column,
    succeeded_at: Column,
    refund_id: Column,
    out_refund_no: Column,
    settlement_refund: Column,
    coupon_refund: Column,
    refund_type: Column,
    status: Column,
    refund: Column,
}

impl Layout for TradeBill {
    type Columns = TradeColumns;
    type Row = TradeRow;
    type Summary = TradeBillSummary;
    const COUNT: &'static str = "总交易单数";

    fn columns(&self, header: &Header) -> Result<TradeColumns, BillParseError> {
        Ok(TradeColumns {
            trade_time: header.required("交易时间")?,
            sp_appid: header.optional("公众账号ID")?,
            sp_mchid: header.required("商户号")?,
            sub_mchid: header.optional("特约商户号")?,
            device_id: header.optional("设备号")?,
            transaction_id: header.required("微信订单号")?,
            out_trade_no: header.required("商户订单号")?,
            openid: header.optional("用户标识")?,
            trade_type: header.optional("交易类型")?,
            status: header.required("交易状态")?,
            bank_type: header.optional("付款银行")?,
            currency: header.optional("货币种类")?,
            settlement_total: header.optional("应结订单金额")?,
            coupon: header.optional("代金券金额")?,
            description: header.optional("商品名称")?,
            attach: header.optional("商户数据包")?,
            fee: header.optional("手续费")?,
            rate: header.optional("费率")?,
            total: header.required("订单金额")?,
            rate_note: header.optional("费率备注")?,
            refund: RefundColumns::find(header, self.bill_type)?,
        })
    }

    fn read(
        columns: &TradeColumns,
        record: &Record<'_>,
        sums: &mut TradeBillSummary,
    ) -> Result<TradeRow, BillParseError> {
        let c = columns;
        let row = TradeRow {
            line: record.line,
            trade_time_ms: record.time_ms(&c.trade_time)?,
            sp_appid: record.optional_text(&c.sp_appid),
            sp_mchid: record.required_text(&c.sp_mchid)?,
            sub_mchid: record.optional_number(&c.sub_mchid),
            device_id: record.optional_text(&c.device_id),
            transaction_id: record.required_text(&c.transaction_id)?,
            out_trade_no: record.required_text(&c.out_trade_no)?,
            openid: record.optional_text(&c.openid),
            trade_type: record.text(&c.trade_type).into(),
            status: record.required_text(&c.status)?.as_str().into(),
            bank_type: record.optional_text(&c.bank_type),
            currency: record.optional_text(&c.currency),
            settlement_total_fen: record.optional_fen(&c.settlement_total)?,
            coupon_fen: record.optional_fen(&c.coupon)?,
            refund: c.refund.read(record)?,
            description: record.optional_text(&c.description),
            attach: record.optional_text(&c.attach),
            fee_millifen: record.optional_millifen(&c.fee)?,
            rate: record.optional_text(&c.rate),
            total_fen: record.amount_fen(&c.total)?,
            rate_note: record.optional_text(&c.rate_note),
        };
        let refund_id = row.refund.as_ref().and_then(|r| r.refund_id.as_ref());
        if row.status == TradeRowStatus::Refund && refund_id.is_none() {
            return Err(record.fault(&c.refund.refund_id, CellProblem::Empty));
        }
        sums.add(c, record, &row)?;
        Ok(row)
    }

    fn check(
        header: &Header,
        record: &Record<'_>,
        sums: &TradeBillSummary,
    ) -> Result<(), BillParseError> {
        let rows = header.required(Self::COUNT)?;
        record.check(&rows, record.count(&rows)?, sums.rows)?;
        record.check_fen(&header.required("订单总金额")?, sums.total_fen)?;
        let settlement = header.optional("应结订单总金额")?;
        record.check_fen(&settlement, sums.settlement_total_fen)?;
        let settlement = header.optional("退款总金额")?;
        record.check_fen(&settlement, sums.settlement_refund_fen)?;
        let coupon = header.optional("充值券退款总金额")?;
        record.check_fen(&coupon, sums.coupon_refund_fen)?;
        record.check_fen(&header.optional("申请退款总金额")?, sums.refund_fen)?;
        check_fee(record, &header.optional("手续费总金额")?, sums.fee_millifen)
    }
}

impl RefundColumns {
    /// A bill of payments has none of these.
    fn find(header: &Header, bill_type: TradeBillType) -> Result<Self, BillParseError> {
        let needed = |name| match bill_type {
            TradeBillType::Success => header.optional(name),
            TradeBillType::All | TradeBillType::Refund => header.required(name),
        };
        Ok(Self {
            applied_at: header.optional("退款申请时间")?,
            succeeded_at: header.optional("退款成功时间")?,
            refund_id: needed("微信退款单号")?,
            out_refund_no: needed("商户退款单号")?,
            settlement_refund: header.optional("退款金额")?,
            coupon_refund: header.optional("充值券退款金额")?,
            refund_type: header.optional("退款类型")?,
            status: header.optional("退款状态")?,
            refund: needed("申请退款金额")?,
        })
    }

    /// A row tells of a refund if it names one or moves money back.
    fn read(&self, record: &Record<'_>) -> Result<Option<BillRefund>, BillParseError> {
        let status = record.text(&self.status);
        let refund = BillRefund {
            refund_id: record.optional_number(&self.refund_id),
            out_refund_no: record.optional_number(&self.out_refund_no),
            applied_at_ms: record.optional_time_ms(&self.applied_at)?,
            succeeded_at_ms: record.optional_time_ms(&self.succeeded_at)?,
            refund_fen: record.optional_fen(&self.refund)?.unwrap_or_default(),
            settlement_refund_fen: record.optional_fen(&self.settlement_refund)?,
            coupon_refund_fen: record.optional_fen(&self.coupon_refund)?,
            refund_type: record.optional_text(&self.refund_type),
            status: (!status.is_empty()).then(|| status.into()),
        };
        let moves = |fen: Option<i64>| fen.unwrap_or_default() != 0;
        let is_there = refund.refund_id.is_some()
            || refund.out_refund_no.is_some()
            || refund.refund_fen != 0
            || moves(refund.settlement_refund_fen)
            || moves(refund.coupon_refund_fen);
        if refund.refund_id.is_some() && record.text(&self.refund).is_empty() {
            return Err(record.fault(&self.refund, CellProblem::Empty));
        }
        Ok(is_there.then_some(refund))
    }
}

impl TradeBillSummary {
    fn add(
        &mut self,
        columns: &TradeColumns,
        record: &Record<'_>,
        row: &TradeRow,
    ) -> Result<(), BillParseError> {
        self.rows += 1;
        let settlement = row.settlement_total_fen.unwrap_or_default();
        let column = &columns.settlement_total;
        record.add(&mut self.settlement_total_fen, column, settlement)?;
        let fee = row.fee_millifen.unwrap_or_default();
        record.add(&mut self.fee_millifen, &columns.fee, fee)?;
        record.add(&mut self.total_fen, &columns.total, row.total_fen)?;
        let (Some(refund), columns) = (&row.refund, &columns.refund) else {
            return Ok(());
        };
        let settlement = refund.settlement_refund_fen.unwrap_or_default();
        let column = &columns.settlement_refund;
        record.add(&mut self.settlement_refund_fen, column, settlement)?;
        let coupon = refund.coupon_refund_fen.unwrap_or_default();
        record.add(&mut self.coupon_refund_fen, &columns.coupon_refund, coupon)?;
        record.add(&mut self.refund_fen, &columns.refund, refund.refund_fen)
    }
}

/// Fees have five decimals; a sum that is printed with two or fewer may have been rounded by less than a fen.
fn check_fee(record: &Record<'_>, column: &Column, counted: i64) -> Result<(), BillParseError> {
    let Some(stated) = record.optional_millifen(column)? else {
        return Ok(());
    };
    let rounded = decimal::decimals_of(record.text(column)) <= ROUNDED_DECIMALS;
    if rounded && stated.abs_diff(counted) < MILLIFEN_PER_FEN {
        return Ok(());
    }
    record.check(column, stated, counted)
}
