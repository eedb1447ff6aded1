//! The cashier's HTML: one column as on a phone, no scripts, nothing from outside, every value escaped.

use std::fmt::Write as _;

use super::{PARAMETERS, Parameters};

/// What is known about the payment.
pub(super) struct Summary {
    pub(super) merchant: String,
    pub(super) description: String,
    pub(super) amount: String,
    pub(super) out_trade_no: String,
}

/// One of the pages that a payer sees.
pub(super) enum Page<'a> {
    Offer(Summary, &'a str, &'a Parameters),
    Paid(Summary, String),
    Cancelled(Summary, &'a str, &'a Parameters),
    Refusal(Option<Summary>, String),
}

impl Page<'_> {
    pub(super) fn to_html(&self) -> String {
        let body = match self {
            Self::Offer(summary, prepay_id, parameters) => {
                let buttons = offer_buttons(prepay_id, parameters);
                format!("{}{buttons}", details(summary))
            }
            Self::Paid(summary, transaction_id) => format!(
                "<p class=\"mark ok\" role=\"status\">支付成功</p>{}\
                 <dl><dt>交易单号</dt><dd id=\"transaction-id\">{}</dd></dl>",
                details(summary),
                escape(transaction_id)
            ),
            Self::Cancelled(summary, prepay_id, parameters) => format!(
                "<p class=\"mark\" role=\"status\">已取消支付</p>{}{}",
                details(summary),
                offer_buttons(prepay_id, parameters)
            ),
            Self::Refusal(summary, text) => format!(
                "<p class=\"mark bad\" role=\"alert\">{}</p>{}",
                escape(text),
                summary.as_ref().map_or_else(String::new, details)
            ),
        };
        format!(
            "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>微信支付（模拟）</title><style>{STYLE}</style></head>\
             <body><main><h1>微信支付 <small>模拟收银台</small></h1>{body}</main></body></html>"
        )
    }
}

fn details(summary: &Summary) -> String {
    format!(
        "<section><p class=\"merchant\" id=\"merchant\">{}</p>\
         <p class=\"amount\" id=\"amount\"><span>¥</span>{}</p>\
         <dl><dt>商品</dt><dd id=\"description\">{}</dd>\
         <dt>商户单号</dt><dd id=\"out-trade-no\">{}</dd></dl></section>",
        escape(&summary.merchant),
        escape(&summary.amount),
        escape(&summary.description),
        escape(&summary.out_trade_no)
    )
}

fn offer_buttons(prepay_id: &str, parameters: &Parameters) -> String {
    let id: String = url::form_urlencoded::byte_serialize(prepay_id.as_bytes()).collect();
    let mut hidden = String::new();
    for name in PARAMETERS {
        let value = parameters.get(name).map_or("", String::as_str);
        // Writing to a String cannot fail.
        let _ = write!(
            hidden,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        );
    }
    format!(
        "<form method=\"post\" action=\"/cashier/{id}/pay\">{hidden}\
         <button class=\"pay\" id=\"pay\" type=\"submit\">立即支付</button>\
         <button class=\"cancel\" id=\"cancel\" type=\"submit\" \
         formaction=\"/cashier/{id}/cancel\">取消</button></form>"
    )
}

/// Makes any text harmless inside elements and quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const STYLE: &str = "\
*{box-sizing:border-box}body{margin:0;background:#ededed;color:#191919;\
font:16px/1.5 -apple-system,'PingFang SC','Noto Sans CJK SC',sans-serif}\
main{max-width:414px;min-height:100vh;margin:0 auto;background:#fff;padding:16px 24px 40px}\
h1{font-size:17px;font-weight:600;text-align:center;margin:8px 0 32px}\
h1 small{display:block;color:#888;font-weight:400;font-size:12px}\
.merchant{text-align:center;margin:0}\
.amount{text-align:center;font-size:44px;font-weight:600;margin:8px 0 24px}\
.amount span{font-size:28px;margin-right:4px}\
dl{display:grid;grid-template-columns:auto 1fr;gap:8px 16px;border-top:1px solid #e5e5e5;\
padding-top:16px;margin:0 0 24px;font-size:14px}\
dt{color:#888}dd{margin:0;text-align:right;overflow-wrap:anywhere}\
form{display:flex;flex-direction:column;align-items:center;gap:12px;margin-top:40px}\
button{width:184px;min-height:44px;border:0;border-radius:6px;font:inherit;font-weight:600;cursor:pointer}\
button:focus-visible{outline:3px solid #1485ee;outline-offset:2px}\
.pay{background:#07803f;color:#fff}.cancel{background:#f2f2f2;color:#06572c}\
.mark{text-align:center;font-size:20px;font-weight:600;margin:0 0 24px}\
.ok{color:#07803f}.bad{color:#b3261e}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_on_the_page_is_escaped() {
        let hostile = "<script>\"'&";
        let summary = || Summary {
            merchant: hostile.to_owned(),
            description: hostile.to_owned(),
            amount: hostile.to_owned(),
            out_trade_no: hostile.to_owned(),
        };
        let parameters: Parameters = PARAMETERS
            .iter()
            .map(|name| ((*name).to_owned(), hostile.to_owned()))
            .collect();
        for page in [
            Page::Offer(summary(), hostile, &parameters),
            Page::Paid(summary(), hostile.to_owned()),
            Page::Cancelled(summary(), hostile, &parameters),
            Page::Refusal(Some(summary()), hostile.to_owned()),
        ] {
            let html = page.to_html();
            assert!(!html.contains("<script"), "{html}");
            assert!(!html.contains("\"'&"), "{html}");
        }
    }
}
