//! The cashier: what WeChat's client does with the pay parameters, as a page that works without scripts.

#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers own what was extracted"
)]

mod page;

use std::{collections::HashMap, sync::Arc};

use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Form, Path, Query},
};

use crate::{
    core::Core,
    ledger::{Order, OrderIndex},
    transactions::{self, PayOrder},
};
use page::Page;

/// The six values of `wx.requestPayment`, `appId` among them because a browser has none of its own.
pub(crate) const PARAMETERS: [&str; 6] = [
    "appId",
    "timeStamp",
    "nonceStr",
    "package",
    "signType",
    "paySign",
];

type Parameters = HashMap<String, String>;

/// Shows the order, or why it cannot be paid.
#[handler]
pub(crate) fn show(
    Path(prepay_id): Path<String>,
    Query(parameters): Query<Parameters>,
    core: Data<&Arc<Core>>,
) -> Response {
    let page = match check(&core, &prepay_id, &parameters) {
        Ok((_, order)) => Page::Offer(summary(&core, &order), &prepay_id, &parameters),
        Err(Refused {
            order: Some(order),
            text,
        }) => Page::Refusal(Some(summary(&core, &order)), text),
        Err(Refused { order: None, text }) => Page::Refusal(None, text),
    };
    render(&page)
}

/// Pays, as the button does.
#[handler]
pub(crate) fn pay(
    Path(prepay_id): Path<String>,
    Form(parameters): Form<Parameters>,
    core: Data<&Arc<Core>>,
) -> Response {
    let page = match check(&core, &prepay_id, &parameters) {
        Ok((index, order)) => match transactions::pay(&core, index, &PayOrder::default()) {
            Ok(transaction_id) => Page::Paid(summary(&core, &order), transaction_id),
            Err(problem) => Page::Refusal(Some(summary(&core, &order)), problem.to_string()),
        },
        Err(Refused { order, text }) => {
            Page::Refusal(order.map(|order| summary(&core, &order)), text)
        }
    };
    render(&page)
}

/// Leaves the order unpaid, as the other button does.
#[handler]
pub(crate) fn cancel(
    Path(prepay_id): Path<String>,
    Form(parameters): Form<Parameters>,
    core: Data<&Arc<Core>>,
) -> Response {
    let page = match check(&core, &prepay_id, &parameters) {
        Ok((_, order)) => Page::Cancelled(summary(&core, &order), &prepay_id, &parameters),
        Err(Refused { order, text }) => {
            Page::Refusal(order.map(|order| summary(&core, &order)), text)
        }
    };
    render(&page)
}

/// Why the client would not show a payment.
struct Refused {
    order: Option<Box<Order>>,
    text: String,
}

impl From<&str> for Refused {
    fn from(text: &str) -> Self {
        Self {
            order: None,
            text: text.to_owned(),
        }
    }
}

/// Everything that WeChat's client checks before it lets a user pay.
fn check(
    core: &Core,
    prepay_id: &str,
    parameters: &Parameters,
) -> Result<(OrderIndex, Box<Order>), Refused> {
    let now_ms = core.clock.business_ms();
    let ledger = core.ledger();
    let index = ledger
        .find_by_prepay(prepay_id)
        .ok_or("预支付交易会话不存在或已失效")?;
    let order = ledger.order(index).cloned().ok_or("订单不存在")?;
    let provider = ledger.provider(&order.sp_mchid).ok_or("商户不存在")?;
    drop(ledger);
    let given = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
    if let Some(missing) = PARAMETERS.iter().find(|name| given(name).is_none()) {
        return Err(format!("支付验证签名失败：缺少参数 {missing}")
            .as_str()
            .into());
    }
    let value = |name: &str| given(name).map_or("", String::as_str);
    if value("signType") != "RSA" {
        return Err("支付验证签名失败：signType 必须为 RSA".into());
    }
    if value("package") != format!("prepay_id={prepay_id}") {
        return Err("支付验证签名失败：package 与 prepay_id 不匹配".into());
    }
    let message = format!(
        "{}\n{}\n{}\n{}\n",
        value("appId"),
        value("timeStamp"),
        value("nonceStr"),
        value("package")
    );
    if !provider.signed(message.as_bytes(), value("paySign")) {
        return Err("支付验证签名失败".into());
    }
    // From here on the parameters are the merchant's own, so the order may be shown beside the refusal.
    if value("appId") != order.paying_appid() {
        return Err("appid与prepay_id不匹配".into());
    }
    match transactions::check_prepay(&order, prepay_id, now_ms) {
        Ok(()) => Ok((index, Box::new(order))),
        Err(problem) => Err(Refused {
            order: Some(Box::new(order)),
            text: problem.to_string(),
        }),
    }
}

fn summary(core: &Core, order: &Order) -> page::Summary {
    let ledger = core.ledger();
    let merchant = ledger
        .sub_merchant(&order.sp_mchid, &order.sub_mchid)
        .map_or_else(
            || order.sub_mchid.clone(),
            |sub_merchant| sub_merchant.name.clone(),
        );
    page::Summary {
        merchant,
        description: order.description.clone(),
        amount: yuan(order.amount_total),
        out_trade_no: order.out_trade_no.clone(),
    }
}

/// Fen as yuan, by whole numbers only.
fn yuan(amount_fen: i64) -> String {
    format!("{}.{:02}", amount_fen / 100, amount_fen % 100)
}

fn render(page: &Page<'_>) -> Response {
    // Nothing is loaded from anywhere, and the page cannot be framed or told to load anything.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    Response::builder()
        .status(StatusCode::OK)
        .header("Content-Security-Policy", policy)
        .header("Cache-Control", "no-store")
        .header("Referrer-Policy", "no-referrer")
        .content_type("text/html; charset=utf-8")
        .body(page.to_html())
}

#[cfg(test)]
mod tests {
    use super::yuan;

    #[test]
    fn fen_become_yuan_without_rounding() {
        for (fen, text) in [
            (1, "0.01"),
            (10, "0.10"),
            (100, "1.00"),
            (123_456_789, "1234567.89"),
        ] {
            assert_eq!(yuan(fen), text);
        }
    }
}
