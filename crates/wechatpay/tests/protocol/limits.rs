//! What is checked before a request is sent, and what the server role refuses in one.

use serde_json::json;
use wechatpay::v3::refunds::RefundSource;
use wechatpay::v3::{JsapiPrepay, RefundRequest};

use crate::vectors::{entry, set_k, text};

/// The order of R1.
pub(crate) fn order() -> JsapiPrepay {
    let r1 = entry(&set_k(), "request_signing", "R1");
    serde_json::from_str(text(&r1, "/body")).unwrap()
}

/// A partial refund of that order.
pub(crate) fn refund() -> RefundRequest {
    serde_json::from_value(json!({
        "sub_mchid": "1900000110",
        "transaction_id": "4200000000202601010000000001",
        "out_refund_no": "R20260101000001",
        "reason": "退货",
        "notify_url": "https://pay.example.com/wx/refund",
        "amount": {"refund": 40, "total": 100, "currency": "CNY"}
    }))
    .unwrap()
}

#[test]
fn the_openid_decides_which_app_raises_the_cashier() {
    let mut order = order();
    assert_eq!(order.paying_appid(), "wx2222222222222222");
    order.payer.sub_openid = None;
    order.payer.sp_openid = Some("oSpOpenid".to_owned());
    order.validate().unwrap();
    assert_eq!(order.paying_appid(), "wx1111111111111111");
}

#[test]
fn limits_of_an_order_name_the_field() {
    type Change = fn(&mut JsapiPrepay);
    let cases: [(&str, Change); 20] = [
        ("/sp_appid", |o| o.sp_appid.clear()),
        ("/sub_mchid", |o| o.sub_mchid = o.sp_mchid.clone()),
        ("/sub_appid", |o| o.sub_appid = None),
        ("/description", |o| o.description.clear()),
        ("/description", |o| o.description = "字".repeat(43)),
        ("/description", |o| o.description = "hello 😀".to_owned()),
        ("/out_trade_no", |o| o.out_trade_no = "12345".to_owned()),
        ("/out_trade_no", |o| o.out_trade_no = "1".repeat(33)),
        ("/out_trade_no", |o| o.out_trade_no = "12345@".to_owned()),
        ("/time_expire", |o| {
            o.time_expire = Some("tomorrow".to_owned());
        }),
        ("/attach", |o| o.attach = Some("a".repeat(129))),
        ("/notify_url", |o| {
            o.notify_url = "https://pay.example.com/?tenant=1".to_owned();
        }),
        ("/notify_url", |o| {
            o.notify_url = "pay.example.com".to_owned();
        }),
        ("/amount/total", |o| o.amount.total = 0),
        ("/amount/total", |o| o.amount.total = i64::MAX),
        ("/amount/currency", |o| {
            o.amount.currency = Some("USD".to_owned());
        }),
        ("/payer", |o| o.payer.sub_openid = None),
        ("/payer/sub_openid", |o| {
            o.payer.sp_openid = Some("oSp".to_owned());
        }),
        ("/limit_pay", |o| {
            o.limit_pay = Some(vec!["no_money".to_owned()]);
        }),
        ("/scene_info/payer_client_ip", |o| {
            o.scene_info = serde_json::from_value(json!({"payer_client_ip": "localhost"})).unwrap();
        }),
    ];
    for (field, change) in cases {
        let mut order = order();
        change(&mut order);
        assert_eq!(
            order.validate().map_err(|invalid| invalid.field),
            Err(field)
        );
    }
    let mut longest = order();
    longest.description = "字".repeat(42);
    longest.out_trade_no = "a|*_-".repeat(6);
    longest.validate().unwrap();
}

fn source(account: &str, amount: i64) -> RefundSource {
    RefundSource {
        account: account.to_owned(),
        amount,
    }
}

#[test]
fn several_accounts_may_pay_for_one_refund() {
    let mut refund = refund();
    refund.amount.from = Some(vec![source("AVAILABLE", 15), source("UNAVAILABLE", 25)]);
    refund.funds_account = Some("UNSETTLED".to_owned());
    refund.validate().unwrap();
}

#[test]
fn limits_of_a_refund_name_the_field() {
    type Change = fn(&mut RefundRequest);
    let cases: [(&str, Change); 12] = [
        ("/transaction_id", |r| r.transaction_id = None),
        ("/out_trade_no", |r| {
            r.out_trade_no = Some("T20260101000001".to_owned());
        }),
        ("/out_refund_no", |r| r.out_refund_no.clear()),
        ("/reason", |r| r.reason = Some("r".repeat(81))),
        ("/amount/refund", |r| r.amount.refund = 101),
        ("/amount/refund", |r| r.amount.refund = 0),
        ("/amount/currency", |r| r.amount.currency.clear()),
        ("/funds_account", |r| {
            r.funds_account = Some("MINE".to_owned());
        }),
        ("/amount/from", |r| {
            r.amount.from = Some(vec![source("AVAILABLE", 39)]);
        }),
        ("/amount/from/amount", |r| {
            r.amount.from = Some(vec![source("AVAILABLE", 41)]);
        }),
        ("/amount/from/account", |r| {
            r.amount.from = Some(vec![source("MINE", 40)]);
        }),
        ("/goods_detail/merchant_goods_id", |r| {
            r.goods_detail = serde_json::from_value(json!([{
                "merchant_goods_id": "", "unit_price": 1, "refund_amount": 1, "refund_quantity": 1
            }]))
            .unwrap();
        }),
    ];
    for (field, change) in cases {
        let mut refund = refund();
        change(&mut refund);
        assert_eq!(
            refund.validate().map_err(|invalid| invalid.field),
            Err(field)
        );
    }
}

#[test]
fn requests_refuse_unknown_fields_in_the_server_role() {
    let mut body = serde_json::to_value(order()).unwrap();
    body["appid"] = json!("wx1");
    assert!(serde_json::from_value::<JsapiPrepay>(body).is_err());
    let mut body = serde_json::to_value(refund()).unwrap();
    body["amount"]["payer_total"] = json!(1);
    assert!(serde_json::from_value::<RefundRequest>(body).is_err());
}
