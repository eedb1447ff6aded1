//! The demo receiver's page: one table, no script, every value escaped.

use super::receiver::Seen;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ccc}\
    code{font-size:.9em}.bad{color:#b00020}";

/// The webhooks that came in, newest first.
pub(super) fn render(seen: &[Seen]) -> String {
    let rows: String = seen.iter().map(row).collect();
    let empty = if rows.is_empty() {
        "<p>No webhook has come yet. Place an order.</p>"
    } else {
        ""
    };
    document(&format!(
        "<h1>Demo webhook receiver</h1><p>What Tributary told the demo tenant, newest first. \
         Reload to see more.</p>{empty}<table><tr><th>Arrived</th><th>When</th><th>Event</th><th>About</th>\
         <th>State</th><th>Amount</th><th>Signature</th><th></th></tr>{rows}</table>"
    ))
}

pub(super) fn no_such_order() -> String {
    document("<h1>No such order</h1><p>No order of this id waits at the simulated WeChat Pay.</p>")
}

fn row(seen: &Seen) -> String {
    let verdict = match &seen.verdict {
        Ok(()) => "verified".to_owned(),
        Err(why) => format!("<span class=bad>refused: {}</span>", escape(why)),
    };
    let link = if seen.verdict.is_ok() && seen.kind == "order.created" {
        format!("<a href=\"/pay/{}\">pay</a>", escape(&seen.subject))
    } else {
        String::new()
    };
    let arrived = seen.arrived_at.to_string();
    let cells = [
        &arrived,
        &seen.at,
        &seen.kind,
        &seen.subject,
        &seen.state,
        &seen.amount,
    ];
    let cells = cells.map(|text| escape(text)).join("</td><td>");
    format!("<tr><td>{cells}</td><td>{verdict}</td><td>{link}</td></tr>")
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width\"><title>Tributary demo</title><style>{STYLE}</style>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;

    use super::*;

    #[test]
    fn markup_in_a_webhook_stays_text() {
        let seen = Seen {
            arrived_at: Timestamp::from_millis(0),
            at: String::new(),
            kind: "<script>".to_owned(),
            subject: "\"onload=".to_owned(),
            state: String::new(),
            amount: String::new(),
            verdict: Err("'".to_owned()),
        };
        let page = render(&[seen]);
        assert!(
            !page.contains("<script>") && !page.contains("\"onload"),
            "{page}"
        );
    }
}
