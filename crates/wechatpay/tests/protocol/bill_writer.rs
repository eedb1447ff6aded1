//! Writes rows as WeChat writes bills; by hand, so that reader and writer share no mistake.

use std::fmt::Write as _;

use wechatpay::v3::bills::trade::{BillRefundStatus, BillTradeType, TradeRowStatus};
use wechatpay::v3::bills::{BillRefund, FundFlowRow, TradeRow};

pub(crate) const ALL_HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,\
    商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,\
    商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,\
    申请退款金额,费率备注";
pub(crate) const ALL_SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,\
    手续费总金额,订单总金额,申请退款总金额";
pub(crate) const FUND_FLOW_HEADER: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,\
    收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号";
pub(crate) const FUND_FLOW_SUMMARY: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

/// 2026-01-01 08:00:00 in Beijing.
pub(crate) const EIGHT_MS: i64 = 1_767_225_600_000;

pub(crate) fn row(cells: &[&str]) -> String {
    cells.iter().fold(String::new(), |mut line, cell| {
        let comma = if line.is_empty() { "" } else { "," };
        write!(line, "{comma}`{cell}").unwrap();
        line
    })
}

pub(crate) fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

pub(crate) fn fee(millifen: i64) -> String {
    let sign = if millifen < 0 { "-" } else { "" };
    let millifen = millifen.unsigned_abs();
    format!("{sign}{}.{:05}", millifen / 100_000, millifen % 100_000)
}

/// Writes Beijing time by counting days, without the library that reads it.
pub(crate) fn time(unix_ms: i64) -> String {
    let seconds = unix_ms / 1000 + 8 * 3600;
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "{year:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}",
        month + 1,
        days + 1
    )
}

fn or<'a>(text: Option<&'a String>, absent: &'a str) -> &'a str {
    text.map_or(absent, String::as_str)
}

fn fen(amount: Option<i64>) -> String {
    amount.map(yuan).unwrap_or_default()
}

pub(crate) fn trade_line(r: &TradeRow) -> String {
    let none = BillRefund {
        refund_id: None,
        out_refund_no: None,
        applied_at_ms: None,
        succeeded_at_ms: None,
        refund_fen: 0,
        settlement_refund_fen: Some(0),
        coupon_refund_fen: Some(0),
        refund_type: None,
        status: None,
    };
    let refund = r.refund.as_ref().unwrap_or(&none);
    row(&[
        &time(r.trade_time_ms),
        or(r.sp_appid.as_ref(), ""),
        &r.sp_mchid,
        or(r.sub_mchid.as_ref(), "0"),
        or(r.device_id.as_ref(), ""),
        &r.transaction_id,
        &r.out_trade_no,
        or(r.openid.as_ref(), ""),
        r.trade_type.as_str(),
        r.status.as_str(),
        or(r.bank_type.as_ref(), ""),
        or(r.currency.as_ref(), ""),
        &fen(r.settlement_total_fen),
        &fen(r.coupon_fen),
        or(refund.refund_id.as_ref(), "0"),
        or(refund.out_refund_no.as_ref(), "0"),
        &fen(refund.settlement_refund_fen),
        &fen(refund.coupon_refund_fen),
        or(refund.refund_type.as_ref(), ""),
        refund.status.as_ref().map_or("", BillRefundStatus::as_str),
        or(r.description.as_ref(), ""),
        or(r.attach.as_ref(), ""),
        &r.fee_millifen.map(fee).unwrap_or_default(),
        or(r.rate.as_ref(), ""),
        &yuan(r.total_fen),
        &yuan(refund.refund_fen),
        or(r.rate_note.as_ref(), ""),
    ])
}

/// The summary of an ALL or REFUND bill.
pub(crate) fn trade_summary(rows: &[TradeRow]) -> String {
    let sum = |amount: &dyn Fn(&TradeRow) -> i64| rows.iter().map(amount).sum::<i64>();
    let refunded = |amount: &dyn Fn(&BillRefund) -> i64| {
        rows.iter()
            .filter_map(|row| row.refund.as_ref())
            .map(amount)
            .sum::<i64>()
    };
    row(&[
        &rows.len().to_string(),
        &yuan(sum(&|row| row.settlement_total_fen.unwrap_or(0))),
        &yuan(refunded(&|refund| {
            refund.settlement_refund_fen.unwrap_or(0)
        })),
        &yuan(refunded(&|refund| refund.coupon_refund_fen.unwrap_or(0))),
        &fee(sum(&|row| row.fee_millifen.unwrap_or(0))),
        &yuan(sum(&|row| row.total_fen)),
        &yuan(refunded(&|refund| refund.refund_fen)),
    ])
}

/// A whole ALL bill.
pub(crate) fn trade_bill(rows: &[TradeRow], end: &str) -> String {
    let mut text = format!("{ALL_HEADER}{end}");
    for row in rows {
        write!(text, "{}{end}", trade_line(row)).unwrap();
    }
    write!(text, "{ALL_SUMMARY}{end}{}{end}", trade_summary(rows)).unwrap();
    text
}

pub(crate) fn fund_flow_line(r: &FundFlowRow) -> String {
    row(&[
        &time(r.booked_at_ms),
        or(r.business_id.as_ref(), ""),
        &r.flow_id,
        or(r.business_name.as_ref(), ""),
        or(r.business_type.as_ref(), ""),
        r.direction.as_str(),
        &yuan(r.amount_fen),
        &fen(r.balance_fen),
        or(r.applicant.as_ref(), ""),
        or(r.note.as_ref(), ""),
        or(r.voucher.as_ref(), ""),
    ])
}

pub(crate) fn payment() -> TradeRow {
    let some = |text: &str| Some(text.to_owned());
    TradeRow {
        line: 2,
        trade_time_ms: EIGHT_MS,
        sp_appid: some("wx1111111111111111"),
        sp_mchid: "1900000109".to_owned(),
        sub_mchid: some("1900000110"),
        device_id: None,
        transaction_id: "4200000000202601010000000001".to_owned(),
        out_trade_no: "T20260101000001".to_owned(),
        openid: some("oSpOpenid0000000000000000001"),
        trade_type: BillTradeType::Jsapi,
        status: TradeRowStatus::Success,
        bank_type: some("OTHERS"),
        currency: some("CNY"),
        settlement_total_fen: Some(100),
        coupon_fen: Some(0),
        refund: None,
        description: some("测试商品"),
        attach: some("attach"),
        fee_millifen: Some(540),
        rate: some("0.54%"),
        total_fen: 100,
        rate_note: None,
    }
}

pub(crate) fn refund() -> TradeRow {
    let some = |text: &str| Some(text.to_owned());
    TradeRow {
        line: 3,
        status: TradeRowStatus::Refund,
        settlement_total_fen: Some(0),
        fee_millifen: Some(-162),
        total_fen: 0,
        refund: Some(BillRefund {
            refund_id: some("50000000382019052709732678859"),
            out_refund_no: some("R20260101000001"),
            applied_at_ms: None,
            succeeded_at_ms: None,
            refund_fen: 30,
            settlement_refund_fen: Some(29),
            coupon_refund_fen: Some(1),
            refund_type: some("ORIGINAL"),
            status: Some(BillRefundStatus::Processing),
        }),
        ..payment()
    }
}
