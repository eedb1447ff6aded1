//! A refund whose way back failed is sent another way, by the tenant or by staff; of the payee nothing stays.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_tests::api::fresh_key;
use tributary_tests::staff::send;
use tributary_tests::{Person, TestPlatform, logs, scenario};
use wechatpay_sim::RefundResult;

use crate::refund::{asked, end};

/// A number that nothing else contains by chance.
const CARD: &str = "6222020277331234509";
const HOLDER: &str = "Zhang Payee-Of-The-Test";

fn to_a_card() -> Value {
    json!({
        "type": "user_bank_card",
        "bank_type": "ICBC_DEBIT",
        "bank_account": CARD,
        "real_name": HOLDER,
    })
}

/// A whole refund of a paid order.
async fn refund_of(p: &TestPlatform, order: &Value) -> Value {
    let asked = asked(order, "R-1", 888);
    p.tenant.api.create_refund(&asked).await.ok()
}

async fn fail(p: &TestPlatform, refund: &Value) {
    end(p, refund, RefundResult::Abnormal);
    p.settle().await;
    assert_eq!(p.refund_seen(refund).await["state"], "abnormal");
}

fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// Where WeChat believes that the money goes, which only whoever could decrypt the payee can say.
fn goes_to(p: &TestPlatform) -> Option<String> {
    let refund = p.simulator.ledger().refunds.remove(0);
    refund.other_way.map(|way| way.received_account)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|piece| piece == text.as_bytes())
}

/// The card and its holder stand nowhere: not in a row, not in the log, and not in what was answered.
async fn nothing_stays(p: &TestPlatform, refund: &Value, answers: &[String]) {
    let (dump, log) = (p.database.dump().await, logs::read());
    let number = refund["out_refund_no"].as_str().expect("a number");
    assert!(holds(&dump, number), "the dump holds what is stored");
    for secret in [CARD, HOLDER] {
        assert!(!holds(&dump, secret), "{secret} is stored");
        assert!(!holds(&log, secret), "{secret} is logged");
        for answer in answers {
            assert!(!answer.contains(secret), "{secret} is answered: {answer}");
        }
    }
}

scenario!(
    abnormal_refund_is_sent_another_way_and_keeps_nothing_of_the_payee,
    redirected
);
async fn redirected(p: &TestPlatform) {
    let order = p.paid_order(888).await;
    let refund = refund_of(p, &order).await;
    let path = format!("/v1/refunds/{}/redirect", id(&refund));
    let early = p.tenant.api.post(&path, &to_a_card(), &fresh_key()).await;
    early.problem(409, "state_conflict");
    fail(p, &refund).await;

    let half = json!({"type": "user_bank_card", "bank_type": "ICBC_DEBIT"});
    let answer = p.tenant.api.post(&path, &half, &fresh_key()).await;
    assert!(answer.names_field("/bank_account") && answer.names_field("/real_name"));
    let sent = p.tenant.api.post(&path, &to_a_card(), &fresh_key()).await;
    let mut answers = vec![sent.text.clone()];
    sent.ok();
    // It came to WeChat whole: WeChat shows the bank and the last digits of the card.
    assert_eq!(goes_to(p).as_deref(), Some("ICBC_DEBIT4509"));
    end(p, &refund, RefundResult::Success);
    p.settle().await;

    assert_eq!(p.refund_seen(&refund).await["state"], "success");
    assert_eq!(p.seen(&order).await["state"], "refunded");
    answers.push(p.tenant.api.timeline(id(&order), "").await.text);
    nothing_stays(p, &refund, &answers).await;
}

/// The same by a person, who says why.
async fn redirect(by: &Person, refund: &Value, way: &Value) -> tributary_tests::Answer {
    let path = format!("/admin/v1/refunds/{}/redirect", id(refund));
    let mut way = way.clone();
    way["reason"] = json!("The card was closed");
    send(&by.api, Method::POST, &path, &way).await
}

scenario!(
    staff_send_an_abnormal_refund_another_way_and_the_log_has_no_payee,
    by_staff
);
async fn by_staff(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let finance = p
        .invited(&owner, "li@example.com", &["platform_finance"], None)
        .await;
    let auditor = p
        .invited(&owner, "auditor@example.com", &["auditor"], None)
        .await;
    let order = p.paid_order(888).await;
    let refund = refund_of(p, &order).await;
    let early = redirect(&finance, &refund, &to_a_card()).await;
    early.problem(409, "state_conflict");
    fail(p, &refund).await;
    let shown = format!("/admin/v1/refunds/{}", id(&refund));
    let action = |detail: &Value| {
        let actions = detail["actions"].as_array().expect("actions").clone();
        let mut named = actions.into_iter().filter(|one| one["name"] == "redirect");
        named.next().expect("the action")["allowed"].clone()
    };
    let seen = finance.api.get(&shown).await.ok();
    assert_eq!(action(&seen), true);
    let refused = redirect(&auditor, &refund, &to_a_card()).await;
    refused.problem(403, "permission_denied");

    let half = json!({"type": "merchant_bank_card", "real_name": HOLDER});
    assert!(
        redirect(&finance, &refund, &half)
            .await
            .names_field("/real_name")
    );
    let sent = redirect(&finance, &refund, &to_a_card()).await;
    let mut answers = vec![sent.text.clone()];
    let sent = sent.ok();
    assert_eq!(sent["refund"]["id"], refund["id"]);
    assert_eq!(goes_to(p).as_deref(), Some("ICBC_DEBIT4509"));
    end(p, &refund, RefundResult::Success);
    p.settle().await;
    assert_eq!(p.refund_seen(&refund).await["state"], "success");

    let log = owner.api.get("/admin/v1/audit?limit=100").await.ok();
    let acts = log["data"].as_array().expect("entries").iter();
    let acts: Vec<&Value> = acts
        .filter(|act| act["action"] == "refund.redirected")
        .collect();
    assert_eq!(acts.len(), 1, "{log}");
    assert_eq!(acts[0]["target"], refund["id"]);
    assert_eq!(acts[0]["after"], json!({"way": "user_bank_card"}));
    assert_eq!(acts[0]["reason"], "The card was closed");
    answers.push(log.to_string());
    nothing_stays(p, &refund, &answers).await;
}

scenario!(
    a_refund_is_sent_another_way_only_by_who_proved_its_presence,
    unproven
);
async fn unproven(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let order = p.paid_order(888).await;
    let refund = refund_of(p, &order).await;
    fail(p, &refund).await;
    p.database
        .execute("UPDATE staff_sessions SET proven_at = 1")
        .await;
    let way = json!({"type": "merchant_bank_card"});
    redirect(&owner, &refund, &way)
        .await
        .problem(403, "step_up_required");
    assert_eq!(goes_to(p), None, "WeChat was not asked");
}
