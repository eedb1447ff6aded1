//! Downloads over a connection: what is signed, several parts, and everything that may go wrong on the way.

use std::sync::Arc;

use serde_json::json;
use wechatpay::client::{
    Actor, Bill, BillDownload, BillError, BillStep, CallErrorKind, Client, Hosts, Transport,
    TransportConfig, TransportError,
};
use wechatpay::credentials::Merchant;
use wechatpay::server::{
    bill_hash, pack_bill, parse_authorization, seal_bill_part, verify_request,
};
use wechatpay::v3::bills::{Compression, ContentError, TradeBillRequest};

use crate::bill_calls::{sub_merchant_request, trade_request};
use crate::fake_wechat::{FakeWeChat, Reply, Seen, client, client_with, transport};
use crate::vectors::{NOW, merchant, ring};

const CONTENT: &[u8] = b"a bill's content, however long it may be";
const PLENTY: u64 = 1_000_000;
/// Characters that a careless client would encode anew.
const FILE: &str = "/v3/billdownload/file?token=aB3%2F%7C-_~*&x=%E4%B8%AD%20'";

/// Runs a download to its end; an error's content is gone with it.
async fn read(mut download: BillDownload) -> Result<Vec<u8>, BillError> {
    let mut content = Vec::new();
    loop {
        match download.next().await? {
            BillStep::Content(piece, rest) => {
                content.extend_from_slice(piece.unverified_bytes());
                download = rest;
            }
            BillStep::End(proof) => {
                assert_eq!(proof.content_bytes(), content.len() as u64);
                return Ok(content);
            }
        }
    }
}

fn located_at(url: &str) -> Reply {
    let hash = bill_hash(CONTENT);
    let body = json!({"hash_type": "SHA1", "hash_value": hash, "download_url": url});
    Reply::signed(200, &body.to_string())
}

/// A server that gives its own address as the bill's, and then `file`.
async fn serving(file: Reply) -> FakeWeChat {
    FakeWeChat::start(move |_, request| {
        if request.target.starts_with("/v3/bill/") {
            located_at(&format!("http://{}{FILE}", request.header("host").unwrap()))
        } else {
            file.clone()
        }
    })
    .await
}

async fn bill_of(client: &Client) -> Bill {
    client.trade_bill(&trade_request()).await.unwrap().value
}

async fn download(file: Reply) -> (Result<Vec<u8>, BillError>, Vec<Seen>) {
    let server = serving(file).await;
    let client = client(&server.url, None);
    let bill = bill_of(&client).await;
    let outcome = read(client.download_bill(bill, PLENTY)).await;
    (outcome, server.seen())
}

async fn error_of(file: Reply) -> BillError {
    download(file).await.0.unwrap_err()
}

fn packed() -> Vec<u8> {
    pack_bill(CONTENT, Compression::Gzip).unwrap()
}

#[tokio::test]
async fn a_file_is_fetched_at_its_url_as_it_came_and_signed_over_exactly_that() {
    let (content, seen) = download(Reply::file(packed())).await;
    assert_eq!(content.unwrap(), CONTENT);
    let asked = seen.last().unwrap();
    // An apostrophe is the one character that every URL library encodes; what is sent is what is signed.
    assert_eq!(asked.target, FILE.replace('\'', "%27"));
    let caller = parse_authorization(asked.header("authorization").unwrap()).unwrap();
    let key = merchant().private_key.public_key();
    verify_request(&caller, &key, "GET", &asked.target, b"", NOW).unwrap();
    assert_eq!(caller.mchid, merchant().mchid);
    assert!(asked.header("wechatpay-serial").is_some());
}

#[test]
fn a_download_may_move_between_threads() {
    fn assert_send<T: Send>(_: impl FnOnce(BillDownload) -> T) {}
    assert_send(BillDownload::next);
    assert_send(read);
}

#[tokio::test]
async fn a_plain_file_needs_no_unpacking() {
    let server = serving(Reply::file(CONTENT.to_vec())).await;
    let client = client(&server.url, None);
    let request = TradeBillRequest {
        compression: Compression::None,
        ..trade_request()
    };
    let bill = client.trade_bill(&request).await.unwrap().value;
    let content = read(client.download_bill(bill, PLENTY)).await.unwrap();
    assert_eq!(content, CONTENT);
}

#[tokio::test]
async fn another_merchant_cannot_download_it() {
    let server = serving(Reply::file(packed())).await;
    let client = client(&server.url, None);
    let bill = bill_of(&client).await;
    let other = Arc::new(Merchant {
        mchid: "1900000999".to_owned(),
        ..merchant()
    });
    let hosts = Hosts::single(server.url.clone());
    let other = Client::new(transport(), hosts, other, ring(), Arc::new(|| NOW));
    let error = read(other.download_bill(bill, PLENTY)).await.unwrap_err();
    assert!(matches!(&error, BillError::Call(e) if e.field() == Some("/mchid")));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn only_status_200_brings_a_file() {
    for status in [202, 204, 206, 301, 302] {
        let reply = Reply::unsigned(status, "").and("Location", "http://127.0.0.1:1/");
        let error = error_of(reply).await;
        let unusable = |e: &BillError| match e {
            BillError::Call(e) => matches!(*e.kind, CallErrorKind::Undecodable(_)),
            _ => false,
        };
        assert!(unusable(&error), "{status}");
    }
    let refused = error_of(Reply::unsigned(
        403,
        "{\"code\":\"NO_AUTH\",\"message\":\"\"}",
    ))
    .await;
    let BillError::Call(refused) = refused else {
        panic!("a refusal")
    };
    assert_eq!(
        (refused.status(), refused.code()),
        (Some(403), Some("NO_AUTH"))
    );
    let failed = error_of(Reply::unsigned(503, "busy")).await;
    assert!(failed.retryable() && !failed.outcome_unknown());
    assert_eq!(failed.who_must_act(), Actor::WeChat);
}

#[tokio::test]
async fn a_file_that_is_cut_or_altered_may_be_asked_for_anew() {
    let file = packed();
    let mut altered = pack_bill(b"another content", Compression::Gzip).unwrap();
    let cut = error_of(Reply::file(file[..file.len() - 9].to_vec())).await;
    assert!(matches!(cut, BillError::Content(ContentError::Gzip)));
    let other = error_of(Reply::file(altered.clone())).await;
    assert!(matches!(other, BillError::Content(ContentError::Hash)));
    altered.clear();
    let empty = error_of(Reply::file(altered)).await;
    for error in [cut, other, empty] {
        assert!(error.retryable() && !error.outcome_unknown());
        assert_eq!(error.who_must_act(), Actor::Nobody);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_an_error_whatever_came_before() {
    let file = packed();
    let reply = Reply::Part {
        announced: file.len() + 1,
        body: file,
        silent: false,
    };
    let error = error_of(reply).await;
    assert!(matches!(&error, BillError::Call(e) if matches!(
        &*e.kind, CallErrorKind::Transport(TransportError::Broken(_))
    )));
    assert!(error.retryable() && !error.outcome_unknown());
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let reply = Reply::Part {
        announced: 1000,
        body: packed(),
        silent: true,
    };
    let server = serving(reply).await;
    let transport = Transport::new(&TransportConfig {
        silence_timeout_ms: 100,
        ..TransportConfig::default()
    });
    let client = client_with(&server.url, None, ring(), transport.unwrap());
    let bill = bill_of(&client).await;
    let error = read(client.download_bill(bill, PLENTY)).await.unwrap_err();
    assert!(matches!(&error, BillError::Call(e) if matches!(
        &*e.kind, CallErrorKind::Transport(TransportError::Timeout(_))
    )));
    assert!(error.retryable());
}

#[tokio::test]
async fn a_bill_beyond_the_limit_is_no_bill() {
    let server = serving(Reply::file(packed())).await;
    let client = client(&server.url, None);
    for limit in [0, 10, CONTENT.len() as u64 - 1] {
        let bill = bill_of(&client).await;
        let error = read(client.download_bill(bill, limit)).await.unwrap_err();
        let expected = ContentError::TooLarge(limit);
        assert!(matches!(&error, BillError::Content(e) if *e == expected));
        assert!(!error.retryable());
        assert_eq!(error.who_must_act(), Actor::Platform);
    }
}

#[tokio::test]
async fn a_location_that_is_no_url_or_unsafe_is_not_followed() {
    for url in [
        "",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://me@127.0.0.1/",
        "no url",
    ] {
        let server = FakeWeChat::always(located_at(url)).await;
        let client = client(&server.url, None);
        let bill = bill_of(&client).await;
        let error = read(client.download_bill(bill, PLENTY)).await.unwrap_err();
        assert!(
            matches!(&error, BillError::Call(e) if e.trace.tries == 0),
            "{url}"
        );
    }
}

/// Two encrypted parts, each with a key of its own, served as `/1` and `/2`.
async fn encrypted(change: impl Fn(u32, &mut Vec<u8>)) -> FakeWeChat {
    let recipient = merchant().private_key.public_key();
    let contents: [&[u8]; 2] = [b"the first part, ", b"and the second"];
    let sealed = contents.map(|content| {
        let packed = pack_bill(content, Compression::Gzip).unwrap();
        (
            bill_hash(content),
            seal_bill_part(&recipient, &packed).unwrap(),
        )
    });
    let mut files = Vec::new();
    for (sequence, (_, part)) in (1..).zip(&sealed) {
        let mut file = part.file.clone();
        change(sequence, &mut file);
        files.push(file);
    }
    FakeWeChat::start(move |_, request| match request.target.as_str() {
        "/1" => Reply::file(files[0].clone()),
        "/2" => Reply::file(files[1].clone()),
        _ => {
            let host = request.header("host").unwrap();
            let parts = (1..).zip(&sealed).map(|(sequence, (hash, part)): (u32, _)| {
                json!({
                    "bill_sequence": sequence, "download_url": format!("http://{host}/{sequence}"),
                    "encrypt_key": part.encrypt_key, "nonce": part.nonce,
                    "hash_type": "SHA1", "hash_value": hash,
                })
            });
            let mut list: Vec<_> = parts.collect();
            list.reverse();
            let body = json!({"download_bill_count": 2, "download_bill_list": list});
            Reply::signed(200, &body.to_string())
        }
    })
    .await
}

async fn sub_merchant_bill(server: &FakeWeChat) -> Result<Vec<u8>, BillError> {
    let client = client(&server.url, None);
    let bill = client
        .sub_merchant_fund_flow_bill(&sub_merchant_request())
        .await;
    read(client.download_bill(bill.unwrap().value, PLENTY)).await
}

#[tokio::test]
async fn encrypted_parts_are_joined_in_their_order() {
    let server = encrypted(|_, _| ()).await;
    let content = sub_merchant_bill(&server).await.unwrap();
    assert_eq!(content, b"the first part, and the second");
}

#[tokio::test]
async fn one_altered_bit_in_either_part_spoils_the_bill() {
    for spoiled in [1, 2] {
        let server = encrypted(move |sequence, file| {
            let last = file.last_mut().unwrap();
            *last ^= u8::from(sequence == spoiled);
        });
        let error = sub_merchant_bill(&server.await).await.unwrap_err();
        assert!(matches!(
            error,
            BillError::Content(ContentError::Decrypt(_))
        ));
        assert!(error.retryable());
    }
}

#[tokio::test]
async fn a_key_for_another_certificate_names_the_provider() {
    let server = FakeWeChat::start(|_, _| {
        let part = json!({
            "bill_sequence": 1, "download_url": "http://127.0.0.1:1/", "encrypt_key": "AAAA",
            "nonce": "a8607ef79034c49c", "hash_type": "SHA1", "hash_value": bill_hash(b""),
        });
        let body = json!({"download_bill_count": 1, "download_bill_list": [part]});
        Reply::signed(200, &body.to_string())
    });
    let error = sub_merchant_bill(&server.await).await.unwrap_err();
    assert!(matches!(error, BillError::Content(ContentError::Key)));
    assert!(!error.retryable());
    assert_eq!(error.who_must_act(), Actor::Provider);
}
