//! What a tenant wants refunded: parsed once, checked against WeChat's limits, then never checked again.
//!
//! Limits are those of "WeChat partner docs: refund".

use serde::{Deserialize, Serialize};

use crate::field::{Faults, FieldError};
use crate::ids::OrderId;
use crate::merchant::{MerchantOrderNo, MerchantRefundNo, TextError};
use crate::money::{Currency, Fen};
use crate::order_content::{check_optional, parse_currency};
use crate::state_words::state_words;

const REASON_BYTES_MAX: usize = 80;
const GOODS_MAX: usize = 200;

state_words! {
    /// The account of the sub-merchant that pays for a refund.
    FundsAccount {
        /// What it may withdraw.
        Available = "AVAILABLE",
        /// What is not settled yet.
        Unsettled = "UNSETTLED",
    }
}

/// Which order a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By our id.
    Id(OrderId),
    /// By the tenant's own number.
    Number(MerchantOrderNo),
}

/// A refund as it arrives, nothing checked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RefundRequest {
    /// Our id of the order; this or the number.
    pub order_id: Option<String>,
    /// The tenant's number of the order; this or the id.
    pub merchant_order_no: Option<String>,
    /// The tenant's own number of the refund.
    pub merchant_refund_no: String,
    /// Amount in fen.
    pub refund: i64,
    /// Currency code; absent means CNY.
    pub currency: Option<String>,
    /// What the payer is told.
    pub reason: Option<String>,
    /// Which account pays.
    pub funds_account: Option<String>,
    /// Which goods.
    pub goods_detail: Vec<RefundGoods>,
}

/// Goods that are refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundGoods {
    /// The merchant's id of the goods.
    pub merchant_goods_id: String,
    /// WeChat's id of the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechatpay_goods_id: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_name: Option<String>,
    /// Fen apiece.
    pub unit_price: i64,
    /// Fen to refund for these goods.
    pub refund_amount: i64,
    /// How many.
    pub refund_quantity: i64,
}

/// The content of a refund, within WeChat's limits. Two refunds of one order are the same when this is equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundContent {
    /// The tenant's own number.
    pub merchant_refund_no: MerchantRefundNo,
    /// How much.
    pub refund: Fen,
    /// Of which currency.
    pub currency: Currency,
    /// What the payer is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which account pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funds_account: Option<FundsAccount>,
    /// Which goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goods_detail: Vec<RefundGoods>,
}

impl RefundContent {
    /// An amount under a number, and nothing besides.
    pub fn whole(merchant_refund_no: &str, refund: Fen) -> Result<Self, TextError> {
        Ok(Self {
            merchant_refund_no: MerchantRefundNo::parse(merchant_refund_no)?,
            refund,
            currency: Currency::Cny,
            reason: None,
            funds_account: None,
            goods_detail: Vec::new(),
        })
    }

    /// Checks a request and reports every fault at once.
    pub fn parse(request: RefundRequest) -> Result<(OrderRef, Self), Vec<FieldError>> {
        let mut faults = Faults::default();
        let order = parse_order(&mut faults, &request);
        let number = faults.take(
            "/merchant_refund_no",
            MerchantRefundNo::parse(&request.merchant_refund_no),
        );
        let refund = parse_refund(&mut faults, request.refund);
        let currency = parse_currency(&mut faults, request.currency.as_deref());
        check_optional(
            &mut faults,
            "/reason",
            request.reason.as_deref(),
            REASON_BYTES_MAX,
        );
        let funds_account = parse_account(&mut faults, request.funds_account.as_deref());
        check_all_goods(&mut faults, &request.goods_detail);
        let faults = faults.into_vec();
        match (order, number, refund, currency) {
            (Some(order), Some(merchant_refund_no), Some(refund), Some(currency))
                if faults.is_empty() =>
            {
                let content = Self {
                    merchant_refund_no,
                    refund,
                    currency,
                    reason: request.reason,
                    funds_account,
                    goods_detail: request.goods_detail,
                };
                Ok((order, content))
            }
            _ => Err(faults),
        }
    }
}

fn parse_order(faults: &mut Faults, request: &RefundRequest) -> Option<OrderRef> {
    match (&request.order_id, &request.merchant_order_no) {
        (Some(id), None) => faults.take("/order_id", id.parse()).map(OrderRef::Id),
        (None, Some(number)) => faults
            .take("/merchant_order_no", MerchantOrderNo::parse(number))
            .map(OrderRef::Number),
        _ => {
            let reason = "must be given, or merchant_order_no instead; not both";
            faults.add("/order_id", reason);
            None
        }
    }
}

fn parse_refund(faults: &mut Faults, refund: i64) -> Option<Fen> {
    if refund < 1 {
        faults.add("/amount/refund", "must be at least 1 fen");
        return None;
    }
    faults.take("/amount/refund", Fen::new(refund))
}

fn parse_account(faults: &mut Faults, word: Option<&str>) -> Option<FundsAccount> {
    let account = FundsAccount::parse(word?);
    if account.is_none() {
        faults.add("/funds_account", "must be AVAILABLE or UNSETTLED");
    }
    account
}

fn check_all_goods(faults: &mut Faults, goods: &[RefundGoods]) {
    if goods.len() > GOODS_MAX {
        faults.add("/goods_detail", "must hold at most 200 goods");
        return;
    }
    for (place, goods) in goods.iter().enumerate() {
        check_goods(faults, &format!("/goods_detail/{place}"), goods);
    }
}

fn check_goods(faults: &mut Faults, at: &str, goods: &RefundGoods) {
    let id = goods.merchant_goods_id.as_bytes();
    let id_ok = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-';
    if id.is_empty() || id.len() > 32 || !id.iter().all(id_ok) {
        let reason = "must be 1 to 32 characters of 0-9 A-Z a-z _ -";
        faults.add(&format!("{at}/merchant_goods_id"), reason);
    }
    let texts = [
        ("wechatpay_goods_id", &goods.wechatpay_goods_id, 32),
        ("goods_name", &goods.goods_name, 256),
    ];
    for (field, text, bytes_max) in texts {
        check_optional(faults, &format!("{at}/{field}"), text.as_deref(), bytes_max);
    }
    let numbers = [
        ("unit_price", goods.unit_price),
        ("refund_amount", goods.refund_amount),
        ("refund_quantity", goods.refund_quantity),
    ];
    for (field, number) in numbers {
        if !(1..=Fen::MAX.as_i64()).contains(&number) {
            faults.add(&format!("{at}/{field}"), "must be 1 to 2147483647");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> RefundRequest {
        RefundRequest {
            merchant_order_no: Some("T1".into()),
            merchant_refund_no: "R1".into(),
            refund: 300,
            ..RefundRequest::default()
        }
    }

    fn faults(change: fn(&mut RefundRequest)) -> Vec<String> {
        let mut request = good();
        change(&mut request);
        let faults = RefundContent::parse(request).map_or_else(|faults| faults, |_| Vec::new());
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_good_refund_is_taken_whole() {
        let (order, content) = RefundContent::parse(good()).unwrap();
        assert_eq!(
            order,
            OrderRef::Number(MerchantOrderNo::parse("T1").unwrap())
        );
        assert_eq!(
            content,
            RefundContent::whole("R1", Fen::new(300).unwrap()).unwrap()
        );
    }

    #[test]
    fn each_fault_names_its_field() {
        assert_eq!(faults(|r| r.merchant_order_no = None), ["/order_id"]);
        assert_eq!(faults(|r| r.order_id = Some("ord_1".into())), ["/order_id"]);
        assert_eq!(
            faults(|r| r.merchant_refund_no = "订单".into()),
            ["/merchant_refund_no"]
        );
        assert_eq!(faults(|r| r.refund = 0), ["/amount/refund"]);
        assert_eq!(faults(|r| r.refund = 2_147_483_648), ["/amount/refund"]);
        assert_eq!(
            faults(|r| r.currency = Some("USD".into())),
            ["/amount/currency"]
        );
        assert_eq!(faults(|r| r.reason = Some("好".repeat(27))), ["/reason"]);
        assert_eq!(
            faults(|r| r.funds_account = Some("MINE".into())),
            ["/funds_account"]
        );
        let goods = RefundGoods {
            merchant_goods_id: "a".into(),
            wechatpay_goods_id: None,
            goods_name: None,
            unit_price: 1,
            refund_amount: 0,
            refund_quantity: 1,
        };
        let request = RefundRequest {
            goods_detail: vec![goods],
            ..good()
        };
        let faults = RefundContent::parse(request).unwrap_err();
        assert_eq!(faults[0].field, "/goods_detail/0/refund_amount");
    }
}
