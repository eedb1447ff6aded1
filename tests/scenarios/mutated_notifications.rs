//! A hundred thousand notifications that are almost genuine: none is believed, none stops the platform.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use serde_json::{Value, json};
use tributary_operations::notifications::{NotifyError, Received};
use tributary_tests::platform::number;
use tributary_tests::wechat_hand::Signed;
use tributary_tests::{Backend, TestPlatform, run_on};

/// Changed on the way: what WeChat signed is no longer what arrives.
const CHANGED_ON_THE_WAY: u64 = 97_000;
/// Signed as WeChat signs, and saying what WeChat never says.
const SIGNED: u64 = 3_000;
/// The headers that come first; the one behind them names the only algorithm there is, and may be absent.
const SIGNED_HEADERS: usize = 4;
const SEED: u64 = 0x7212_B07A;

/// Draws numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).expect("a size")).expect("below")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xFF).expect("a byte")
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

#[test]
fn no_mutated_notification_is_believed() {
    run_on(Backend::Sqlite, attack);
}

async fn attack(platform: &TestPlatform) {
    let order = platform.order(100).await;
    let paid = platform.hand.paid(&platform.tenant, number(&order), 100);
    let genuine = platform.hand.notification("genuine", &paid, platform.now());
    let providers = platform.platform.operations().list_providers().await;
    let token = providers.expect("providers")[0].route_token.clone();
    let dice = &mut Dice(SEED);
    for round in 0..CHANGED_ON_THE_WAY {
        let mutated = changed_on_the_way(dice, &genuine);
        let received = receive(platform, &token, &mutated).await;
        assert!(received.is_err(), "round {round} was believed: {mutated:?}");
    }
    let kept = platform
        .database
        .count("SELECT COUNT(*) FROM notifications")
        .await;
    assert_eq!(kept, 0, "what WeChat did not sign is not kept");
    for round in 0..SIGNED {
        let (said, mutated) = say_something_else(dice, platform, &paid, round);
        let received = receive(platform, &token, &mutated).await;
        let state = platform.seen(&order).await["state"].clone();
        assert_eq!(state, "paying", "round {round}, {received:?}: {said}");
    }
    let received = receive(platform, &token, &genuine).await;
    assert!(matches!(received, Ok(Received::Applied)), "{received:?}");
    assert_eq!(platform.seen(&order).await["state"], "paid");
}

async fn receive(
    platform: &TestPlatform,
    token: &str,
    (headers, body): &Signed,
) -> Result<Received, NotifyError> {
    let operations = platform.platform.operations();
    let receiving = operations.receive_notification(token, headers, body);
    let received = AssertUnwindSafe(receiving).catch_unwind().await;
    let Ok(received) = received else {
        panic!("a notification stopped the platform: {headers:?} {body:?}");
    };
    received
}

/// Another notification than the genuine one: a change that changes nothing is no try.
fn changed_on_the_way(dice: &mut Dice, genuine: &Signed) -> Signed {
    loop {
        let mutated = change_on_the_way(dice, genuine);
        if mutated != *genuine {
            return mutated;
        }
    }
}

/// Changes one header or a few bytes; the signature stays what it was.
fn change_on_the_way(dice: &mut Dice, (headers, body): &Signed) -> Signed {
    let (mut headers, mut body) = (headers.clone(), body.clone());
    match dice.below(8) {
        0..=2 => {
            let index = dice.below(SIGNED_HEADERS);
            change_text(dice, &mut headers[index].1);
        }
        3 => drop(headers.remove(dice.below(SIGNED_HEADERS))),
        4 => {
            let mut twice = headers[dice.below(SIGNED_HEADERS)].clone();
            change_text(dice, &mut twice.1);
            headers.push(twice);
        }
        5 => change_member(dice, &mut body),
        _ => change_bytes(dice, &mut body),
    }
    (headers, body)
}

fn change_text(dice: &mut Dice, text: &mut String) {
    let mut bytes = text.clone().into_bytes();
    change_bytes(dice, &mut bytes);
    let foreign = [
        "",
        "0",
        "-1",
        "WECHATPAY/SIGNTEST/aaaa",
        "１７９００００００",
        "\u{0}",
    ];
    *text = match dice.below(4) {
        0 => (*dice.pick(&foreign)).to_owned(),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    };
}

fn change_bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), dice.byte()),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            4 => {
                let tail = bytes[at.min(bytes.len())..].to_vec();
                bytes.extend(tail);
            }
            _ if !bytes.is_empty() => bytes[at] = dice.byte(),
            _ => bytes.push(dice.byte()),
        }
    }
}

/// Changes one member of the JSON that the bytes are.
fn change_member(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let mut value: Value = serde_json::from_slice(bytes).expect("a genuine body");
    let pointers = [
        "/id",
        "/event_type",
        "/resource/ciphertext",
        "/resource/nonce",
        "/resource/associated_data",
        "/resource/algorithm",
        "/resource/original_type",
        "/resource",
    ];
    *value
        .pointer_mut(dice.pick::<&str>(&pointers))
        .expect("a member") = something(dice);
    *bytes = value.to_string().into_bytes();
}

fn something(dice: &mut Dice) -> Value {
    let all = [
        json!(null),
        json!(""),
        json!(0),
        json!(-1),
        json!(1.5),
        json!([]),
        json!({}),
        json!(true),
        json!("AEAD_AES_256_GCM"),
        json!("\u{0}"),
        json!("x".repeat(300)),
        json!(i64::MAX),
        json!([[[[]]]]),
    ];
    dice.pick(&all).clone()
}

/// What WeChat's own hand could send only if WeChat were broken; the order may not be paid by it.
fn say_something_else(
    dice: &mut Dice,
    platform: &TestPlatform,
    paid: &Value,
    round: u64,
) -> (String, Signed) {
    let id = format!("signed-{round}");
    let (hand, now) = (&platform.hand, platform.now());
    let mut plain = paid.clone();
    match dice.below(6) {
        0 => {
            let (_, mut body) = hand.notification(&id, paid, now);
            body.truncate(dice.below(body.len()));
            return (
                String::from_utf8_lossy(&body).into_owned(),
                (hand.sign(&body, now), body),
            );
        }
        1 => {
            let (_, mut body) = hand.notification(&id, paid, now);
            spoil_the_seal(dice, &mut body);
            return (
                String::from_utf8_lossy(&body).into_owned(),
                (hand.sign(&body, now), body),
            );
        }
        2 => {
            let totals = [
                json!(0),
                json!(-100),
                json!(i64::MIN),
                json!("100"),
                json!(100.5),
                json!(1e300),
            ];
            plain["amount"]["total"] = dice.pick(&totals).clone();
        }
        3 => {
            let words = [
                "success",
                "SUCCESS ",
                "PAID",
                "",
                "ＳＵＣＣＥＳＳ",
                "NOTPAY",
                "USERPAYING",
            ];
            plain["trade_state"] = json!(dice.pick(&words));
        }
        _ => {
            let pointers = [
                "/amount/total",
                "/amount/currency",
                "/amount",
                "/sp_mchid",
                "/sub_mchid",
                "/out_trade_no",
                "/trade_state",
                "/success_time",
            ];
            let pointer = dice.pick(&pointers);
            let other = something(dice);
            // Nothing said about the currency is CNY, as WeChat's documents have it.
            if *pointer == "/amount/currency" && (other.is_null() || other == "") {
                plain["amount"]["currency"] = json!("USD");
            } else {
                *plain.pointer_mut(pointer).expect("a member") = other;
            }
        }
    }
    // A payment of another amount is money all the same, and has a scenario of its own.
    let other = plain.pointer("/amount/total").and_then(Value::as_i64);
    if let Some(other) = other.filter(|other| *other > 0 && *other != 100) {
        plain["amount"]["total"] = json!(-other);
    }
    (plain.to_string(), hand.notification(&id, &plain, now))
}

/// Changes what the seal protects, or the seal itself.
fn spoil_the_seal(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let mut value: Value = serde_json::from_slice(bytes).expect("a genuine body");
    let pointer = dice.pick(&[
        "/resource/ciphertext",
        "/resource/nonce",
        "/resource/associated_data",
    ]);
    let member = value.pointer_mut(pointer).expect("a member");
    let mut text = member.as_str().expect("a text").to_owned();
    let before = text.clone();
    while text == before {
        change_text(dice, &mut text);
    }
    *member = json!(text);
    *bytes = value.to_string().into_bytes();
}
