//! Asking for bills: what is sent, what is refused before, and the answers that mean "later" and "never".

use serde_json::{Value, json};
use wechatpay::client::{Bill, CallError, CallErrorKind, Client};
use wechatpay::v3::bills::{
    AccountType, Compression, FundFlowBillRequest, SubMerchantFundFlowBillRequest,
    TradeBillRequest, TradeBillType,
};

use crate::fake_wechat::{FakeWeChat, Reply, client, refusing_host};

const TOKEN: &str = "planted-download-token";
const SHA1: &str = "79bb0f45fc4c42234a918000b2668d689e2bde04";

pub(crate) fn trade_request() -> TradeBillRequest {
    TradeBillRequest {
        // Set K's moment is 8:00 of the next day in Beijing.
        bill_date: "2025-12-31".to_owned(),
        sub_mchid: Some("1900000110".to_owned()),
        bill_type: TradeBillType::All,
        compression: Compression::Gzip,
    }
}

fn fund_flow_request() -> FundFlowBillRequest {
    FundFlowBillRequest {
        bill_date: "2025-12-31".to_owned(),
        account_type: AccountType::Basic,
        compression: Compression::None,
    }
}

pub(crate) fn sub_merchant_request() -> SubMerchantFundFlowBillRequest {
    SubMerchantFundFlowBillRequest {
        sub_mchid: "1900000110".to_owned(),
        bill_date: "2025-12-31".to_owned(),
        account_type: AccountType::Deposit,
        compression: Compression::Gzip,
    }
}

fn location() -> Value {
    let url = format!("https://api.mch.weixin.qq.com/v3/billdownload/file?token={TOKEN}");
    json!({"hash_type": "SHA1", "hash_value": SHA1, "download_url": url})
}

fn part(sequence: u32) -> Value {
    let mut part = location();
    part["bill_sequence"] = sequence.into();
    part["encrypt_key"] = "planted-key".into();
    part["nonce"] = "a8607ef79034c49c".into();
    part
}

async fn answering(body: &Value) -> (FakeWeChat, Client) {
    let server = FakeWeChat::always(Reply::signed(200, &body.to_string())).await;
    let client = client(&server.url, None);
    (server, client)
}

#[tokio::test]
async fn each_bill_is_asked_for_by_its_own_query() {
    let (server, client) = answering(&location()).await;
    client.trade_bill(&trade_request()).await.unwrap();
    let all_plain = TradeBillRequest {
        sub_mchid: None,
        bill_type: TradeBillType::Refund,
        compression: Compression::None,
        ..trade_request()
    };
    client.trade_bill(&all_plain).await.unwrap();
    client.fund_flow_bill(&fund_flow_request()).await.unwrap();
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    let expected = [
        "/v3/bill/tradebill?bill_date=2025-12-31&bill_type=ALL&sub_mchid=1900000110&tar_type=GZIP",
        "/v3/bill/tradebill?bill_date=2025-12-31&bill_type=REFUND",
        "/v3/bill/fundflowbill?bill_date=2025-12-31&account_type=BASIC",
    ];
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn a_sub_merchants_bill_comes_in_parts_that_are_sorted() {
    let list = json!({"download_bill_count": 3, "download_bill_list": [part(2), part(3), part(1)]});
    let (server, client) = answering(&list).await;
    let bill = client
        .sub_merchant_fund_flow_bill(&sub_merchant_request())
        .await;
    assert!(format!("{:?}", bill.unwrap().value).contains("parts: 3"));
    let expected = "/v3/bill/sub-merchant-fundflowbill?sub_mchid=1900000110&bill_date=2025-12-31\
                    &account_type=DEPOSIT&algorithm=AEAD_AES_256_GCM&tar_type=GZIP";
    assert_eq!(server.seen()[0].target, expected);
}

#[tokio::test]
async fn parts_that_are_missing_doubled_or_uncounted_are_unusable() {
    let lists = [
        json!({"download_bill_count": 0}),
        json!({"download_bill_count": 2, "download_bill_list": [part(1)]}),
        json!({"download_bill_count": 2, "download_bill_list": [part(1), part(1)]}),
        json!({"download_bill_count": 2, "download_bill_list": [part(1), part(3)]}),
        json!({"download_bill_count": 1, "download_bill_list": [part(0)]}),
        json!({"download_bill_count": 65, "download_bill_list": (1..=65).map(part).collect::<Vec<_>>()}),
    ];
    for list in lists {
        let (_server, client) = answering(&list).await;
        let bill = client
            .sub_merchant_fund_flow_bill(&sub_merchant_request())
            .await;
        let error = bill.unwrap_err();
        assert!(
            matches!(*error.kind, CallErrorKind::Undecodable(_)),
            "{list}"
        );
    }
}

#[tokio::test]
async fn a_day_that_is_not_over_and_other_faults_are_refused_before_anything_is_sent() {
    let nobody = refusing_host();
    let client = client(&nobody.url, None);
    for day in [
        "2026-01-01",
        "2026-01-02",
        "20251231",
        "2025-12-32",
        "",
        "2025-12-31 ",
    ] {
        let request = TradeBillRequest {
            bill_date: day.to_owned(),
            ..trade_request()
        };
        let error = client.trade_bill(&request).await.unwrap_err();
        assert_eq!(
            (error.field(), error.trace.tries),
            (Some("/bill_date"), 0),
            "{day}"
        );
    }
    let request = TradeBillRequest {
        sub_mchid: Some("19 ".to_owned()),
        ..trade_request()
    };
    let error = client.trade_bill(&request).await.unwrap_err();
    assert_eq!(error.field(), Some("/sub_mchid"));
    let request = FundFlowBillRequest {
        account_type: AccountType::Deposit,
        ..fund_flow_request()
    };
    let error = client.fund_flow_bill(&request).await.unwrap_err();
    assert_eq!(error.field(), Some("/account_type"));
}

#[tokio::test]
async fn a_bill_in_the_making_and_a_day_without_one_are_told_apart() {
    let error = |code: &'static str| async move {
        let body = json!({"code": code, "message": "文本"}).to_string();
        let server = FakeWeChat::always(Reply::unsigned(400, &body)).await;
        let client = client(&server.url, None);
        client.trade_bill(&trade_request()).await.unwrap_err()
    };
    let answers = |error: CallError| {
        let unknown = error.outcome_unknown();
        let answers = (
            error.statement_creating(),
            error.no_statement(),
            error.retryable(),
        );
        assert!(!unknown);
        (answers, error.who_must_act().as_str())
    };
    let creating = answers(error("STATEMENT_CREATING").await);
    assert_eq!(creating, ((true, false, true), "nobody"));
    for code in ["NO_STATEMENT_EXIST", "BILL_NOT_EXIST"] {
        let nothing = answers(error(code).await);
        assert_eq!(nothing, ((false, true, false), "nobody"));
    }
    assert_eq!(
        answers(error("NO_AUTH").await),
        ((false, false, false), "tenant")
    );
}

#[tokio::test]
async fn no_debug_shows_a_downloads_token_or_key() {
    let (_server, client) = answering(&location()).await;
    let bill: Bill = client.trade_bill(&trade_request()).await.unwrap().value;
    let download = client.download_bill(bill.clone(), 1000);
    let wire: wechatpay::v3::bills::EncryptedBillLocation =
        serde_json::from_value(part(1)).unwrap();
    let plain: wechatpay::v3::bills::BillLocation = serde_json::from_value(location()).unwrap();
    let printed = format!("{bill:#?} {download:#?} {wire:#?} {plain:#?}");
    assert!(!printed.contains("planted"), "{printed}");
}
