//! What a tenant sends to place an order. Limits are checked in `domain`, and written into the document.

use poem_openapi::Object;
use tributary_domain::order_content as content;

use super::objects::{OrderDetail, SceneInfo, SettleInfo};

/// An order to be placed.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewOrder {
    /// Your own number of the order, unique per mode: up to 64 characters of `0-9 A-Z a-z _ - | * @ .`.
    merchant_order_no: String,
    /// Which sub-merchant is paid. May be left out when you have exactly one.
    sub_mchid: Option<String>,
    /// The sub-merchant's app that the payer is in. Leave it out when the payer is in the provider's app.
    sub_appid: Option<String>,
    /// What the payer reads: at most 127 bytes of UTF-8, without emoji.
    description: String,
    /// How much.
    amount: NewOrderAmount,
    /// Who pays.
    payer: NewOrderPayer,
    /// Given back in queries, events and bills: at most 128 bytes.
    attach: Option<String>,
    /// The last moment to pay (RFC 3339): between one minute and seven days ahead.
    time_expire: Option<String>,
    /// The goods, for single-item coupons.
    detail: Option<OrderDetail>,
    /// Where the payment happens.
    scene_info: Option<SceneInfo>,
    /// A coupon marker: at most 32 bytes.
    goods_tag: Option<String>,
    /// Settlement choices.
    settle_info: Option<SettleInfo>,
}

/// How much is to be paid.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewOrderAmount {
    /// Whole fen (1/100 yuan).
    total: i64,
    /// `CNY`, the only currency.
    currency: Option<String>,
}

/// Who pays: exactly one of the three.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewOrderPayer {
    /// The payer's openid under `sub_appid` when the order names one, else under the provider's app.
    openid: Option<String>,
    /// The payer's openid under the provider's app.
    sp_openid: Option<String>,
    /// The payer's openid under `sub_appid`.
    sub_openid: Option<String>,
}

impl From<NewOrder> for content::OrderRequest {
    fn from(order: NewOrder) -> Self {
        Self {
            merchant_order_no: order.merchant_order_no,
            sub_mchid: order.sub_mchid,
            sub_appid: order.sub_appid,
            description: order.description,
            total: order.amount.total,
            currency: order.amount.currency,
            openid: order.payer.openid,
            sp_openid: order.payer.sp_openid,
            sub_openid: order.payer.sub_openid,
            attach: order.attach,
            time_expire: order.time_expire,
            detail: order.detail.map(Into::into),
            scene_info: order.scene_info.map(Into::into),
            goods_tag: order.goods_tag,
            settle_info: order.settle_info.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tributary_domain::order_content::{OrderContent, OrderRequest};

    use super::*;
    use crate::json::parse;
    use crate::openapi::Audience;
    use crate::problem::Problem;

    fn good() -> Value {
        json!({
            "merchant_order_no": "T1",
            "description": "咖啡",
            "amount": { "total": 888, "currency": "CNY" },
            "payer": { "sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
            "detail": { "goods_detail": [
                { "merchant_goods_id": "a", "quantity": 1, "unit_price": 888 },
            ] },
            "scene_info": { "payer_client_ip": "203.0.113.7", "store_info": { "id": "7" } },
            "settle_info": { "profit_sharing": false },
        })
    }

    /// The faulty fields of the good order after one change.
    fn faults(pointer: &str, value: Value) -> Vec<String> {
        let mut order = good();
        *order.pointer_mut(pointer).unwrap() = value;
        refused(&order.to_string())
    }

    fn refused(text: &str) -> Vec<String> {
        let problem = match parse::<NewOrder>(text.as_bytes(), Audience::Tenant) {
            Ok(order) => match OrderContent::parse(OrderRequest::from(order)) {
                Ok(_) => return Vec::new(),
                Err(faults) => Problem::invalid(faults),
            },
            Err(problem) => problem,
        };
        problem
            .errors()
            .iter()
            .map(|fault| fault.field.clone())
            .collect()
    }

    #[test]
    fn a_good_order_is_taken_whole() {
        let order: OrderRequest =
            parse::<NewOrder>(good().to_string().as_bytes(), Audience::Tenant)
                .unwrap()
                .into();
        assert_eq!(order.total, 888);
        assert_eq!(order.detail.as_ref().unwrap().goods_detail.len(), 1);
        assert!(OrderContent::parse(order).is_ok());
    }

    #[test]
    fn only_whole_numbers_are_amounts() {
        let not_amounts = [
            json!(1.0),
            json!("1"),
            json!(true),
            json!(null),
            json!([1]),
            json!(1e30),
        ];
        for value in not_amounts {
            assert_eq!(
                faults("/amount/total", value.clone()),
                ["/amount/total"],
                "{value}"
            );
        }
        for text in [
            "1e3",
            "1.0",
            "-0.5",
            "99999999999999999999",
            "18446744073709551615",
            "-0",
            "0",
        ] {
            let order = good().to_string().replace("888,", &format!("{text},"));
            assert_eq!(
                refused(&order).first().map(String::as_str),
                Some("/amount/total"),
                "{text}"
            );
        }
        for value in [
            json!(0),
            json!(-1),
            json!(2_147_483_648_i64),
            json!(i64::MAX),
        ] {
            assert_eq!(
                faults("/amount/total", value.clone()),
                ["/amount/total"],
                "{value}"
            );
        }
    }

    #[test]
    fn a_wrong_type_is_named_at_any_depth() {
        assert_eq!(faults("/description", json!(1)), ["/description"]);
        assert_eq!(faults("/amount", json!([])), ["/amount"]);
        assert_eq!(faults("/payer", json!(null)), ["/payer"]);
        assert_eq!(
            faults("/scene_info/store_info", json!("x")),
            ["/scene_info/store_info"]
        );
        assert_eq!(
            faults("/detail/goods_detail/0/quantity", json!("1")),
            ["/detail/goods_detail/0/quantity"]
        );
        assert_eq!(
            faults("/settle_info/profit_sharing", json!(1)),
            ["/settle_info/profit_sharing"]
        );
        assert_eq!(refused("[]"), [""]);
        assert_eq!(refused("null"), [""]);
    }

    #[test]
    fn an_unknown_field_is_named_at_any_depth() {
        assert_eq!(
            refused(&good().to_string().replacen('{', r#"{"amout":1,"#, 1)),
            ["/amout"]
        );
        let extra = json!({ "total": 1, "discount": 1 });
        assert_eq!(faults("/amount", extra), ["/amount/discount"]);
        let extra =
            json!([{ "merchant_goods_id": "a", "quantity": 1, "unit_price": 1, "sku": "b" }]);
        assert_eq!(
            faults("/detail/goods_detail", extra),
            ["/detail/goods_detail/0/sku"]
        );
    }

    #[test]
    fn every_missing_field_is_named_at_once() {
        let expected = ["/merchant_order_no", "/description", "/amount", "/payer"];
        assert_eq!(refused("{}"), expected);
        assert_eq!(faults("/amount", json!({})), ["/amount/total"]);
    }

    #[test]
    fn a_text_with_a_nul_is_refused() {
        assert_eq!(faults("/description", json!("a\u{0}b")), ["/description"]);
    }

    #[test]
    fn a_key_given_twice_is_refused_even_with_the_same_value() {
        let text = r#"{"merchant_order_no":"T1","merchant_order_no":"T1"}"#;
        assert_eq!(refused(text), ["/merchant_order_no"]);
    }
}
