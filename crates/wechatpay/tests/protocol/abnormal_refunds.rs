//! The money of a refund whose original way failed: what is sent, and that nobody else sees the payee.

use serde_json::{Value, json};
use wechatpay::client::{Actor, CallErrorKind};
use wechatpay::credentials::KeyRing;
use wechatpay::v3::abnormal_refunds::{AbnormalRefundBody, BANK_TYPES};
use wechatpay::v3::{AbnormalRefund, AbnormalRefundTarget, Payee};

use crate::fake_wechat::{FakeWeChat, Reply, client, client_with, refusing_host, transport};
use crate::vectors::{platform_key, set_k, text};

const REFUND_ID: &str = "50000000382019052709732678859";
const ACCOUNT: &str = "6222020200112233445";
const NAME: &str = "张三丰";

fn to_card() -> AbnormalRefund {
    AbnormalRefund {
        sub_mchid: "1900000110".to_owned(),
        out_refund_no: "R20260101000001".to_owned(),
        target: AbnormalRefundTarget::UserBankCard(Payee {
            bank_type: "ICBC_DEBIT".to_owned(),
            bank_account: ACCOUNT.to_owned().into(),
            real_name: NAME.to_owned().into(),
        }),
    }
}

fn to_merchant() -> AbnormalRefund {
    AbnormalRefund {
        target: AbnormalRefundTarget::MerchantBankCard,
        ..to_card()
    }
}

fn answered() -> Value {
    json!({
        "refund_id": REFUND_ID, "out_refund_no": "R20260101000001", "transaction_id": "4200000001",
        "out_trade_no": "T20260101000001", "status": "PROCESSING",
        "amount": {"total": 100, "refund": 100, "currency": "CNY"},
    })
}

#[tokio::test]
async fn the_payee_is_encrypted_with_the_key_that_the_header_names() {
    let server = FakeWeChat::always(Reply::signed(200, &answered().to_string())).await;
    let client = client(&server.url, None);
    let answer = client
        .apply_abnormal_refund(REFUND_ID, &to_card())
        .await
        .unwrap();
    assert_eq!(answer.value.refund_id, REFUND_ID);
    let seen = &server.seen()[0];
    let path = format!("/v3/refund/domestic/refunds/{REFUND_ID}/apply-abnormal-refund");
    assert_eq!((seen.method.as_str(), &seen.target), ("POST", &path));
    let serial = text(&set_k(), "/keys/platform_public_key_id").to_owned();
    assert_eq!(seen.header("wechatpay-serial"), Some(serial.as_str()));
    let body: AbnormalRefundBody = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body.kind, "USER_BANK_CARD");
    assert_eq!(body.bank_type.as_deref(), Some("ICBC_DEBIT"));
    let opened = |sealed: Option<String>| platform_key().decrypt_oaep(&sealed.unwrap()).unwrap();
    assert_eq!(opened(body.bank_account), ACCOUNT.as_bytes());
    assert_eq!(opened(body.real_name), NAME.as_bytes());
}

#[tokio::test]
async fn the_merchants_own_account_needs_no_payee() {
    let server = FakeWeChat::always(Reply::signed(200, &answered().to_string())).await;
    let client = client(&server.url, None);
    let refund = to_merchant();
    let answer = client.apply_abnormal_refund(REFUND_ID, &refund).await;
    assert!(answer.is_ok());
    let body: Value = serde_json::from_slice(&server.seen()[0].body).unwrap();
    let expected = json!({
        "sub_mchid": "1900000110", "out_refund_no": "R20260101000001", "type": "MERCHANT_BANK_CARD",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_answer_about_another_refund_is_unusable() {
    for (field, value) in [("refund_id", "1"), ("out_refund_no", "R2")] {
        let mut other = answered();
        other[field] = value.into();
        let server = FakeWeChat::always(Reply::signed(200, &other.to_string())).await;
        let client = client(&server.url, None);
        let error = client.apply_abnormal_refund(REFUND_ID, &to_card()).await;
        let error = error.unwrap_err();
        assert!(matches!(*error.kind, CallErrorKind::Undecodable(_)));
        assert!(error.outcome_unknown());
    }
}

#[tokio::test]
async fn faults_are_found_before_anything_is_sent_and_never_quoted() {
    type Change = fn(&mut AbnormalRefund, &mut Payee);
    let changes: [(&str, Change); 7] = [
        ("/sub_mchid", |r, _| r.sub_mchid.clear()),
        ("/out_refund_no", |r, _| r.out_refund_no.push('#')),
        ("/bank_type", |_, p| p.bank_type = "ICBC_CREDIT".to_owned()),
        ("/bank_account", |_, p| p.bank_account.clear()),
        ("/bank_account", |_, p| p.bank_account.push(' ')),
        ("/real_name", |_, p| p.real_name.clear()),
        ("/real_name", |_, p| *p.real_name = NAME.repeat(24)),
    ];
    let nobody = refusing_host();
    let client = client(&nobody.url, None);
    for (field, change) in changes {
        let mut refund = to_card();
        let AbnormalRefundTarget::UserBankCard(mut payee) = refund.target.clone() else {
            panic!("a card")
        };
        change(&mut refund, &mut payee);
        refund.target = AbnormalRefundTarget::UserBankCard(payee);
        let error = client.apply_abnormal_refund(REFUND_ID, &refund).await;
        let error = error.unwrap_err();
        assert_eq!((error.field(), error.trace.tries), (Some(field), 0));
        assert!(!format!("{error:?}").contains(ACCOUNT));
    }
    let error = client.apply_abnormal_refund("", &to_card()).await;
    assert_eq!(error.unwrap_err().field(), Some("/refund_id"));
    assert_eq!(BANK_TYPES.len(), 15);
}

#[tokio::test]
async fn without_a_key_of_wechat_nothing_is_sent() {
    let nobody = refusing_host();
    let client = client_with(&nobody.url, None, KeyRing::new(), transport());
    let error = client.apply_abnormal_refund(REFUND_ID, &to_card()).await;
    let error = error.unwrap_err();
    assert!(matches!(*error.kind, CallErrorKind::Unencrypted(_)));
    assert!(!error.outcome_unknown() && !error.retryable());
    assert_eq!(error.who_must_act(), Actor::Provider);
    assert_eq!(error.trace.tries, 0);
}

#[tokio::test]
async fn no_debug_and_no_error_shows_the_payee() {
    let server = FakeWeChat::always(Reply::unsigned(400, "{\"code\":\"PARAM_ERROR\"}")).await;
    let client = client(&server.url, None);
    let error = client.apply_abnormal_refund(REFUND_ID, &to_card()).await;
    let body = AbnormalRefundBody::seal(&to_card(), |plain| Ok::<_, ()>(plain.to_owned()));
    let printed = format!("{:#?} {error:#?} {:?}", to_card(), body.unwrap());
    for secret in [ACCOUNT, NAME] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains("***"));
}
