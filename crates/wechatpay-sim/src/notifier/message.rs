//! The bytes of one delivery: the plain text out of the ledger, encrypted and signed, or spoilt as a fault asks.

use std::sync::LazyLock;

use anyhow::Context;
use serde_json::{Value, json};
use wechatpay::{
    credentials::{ApiV3Key, PrivateKey, generate_pem},
    server::{self, OutgoingNotification},
};

use super::delivery::Plan;
use crate::{
    clock::rfc3339,
    core::Core,
    documents,
    ledger::{AttemptKind, Ledger, Notification, Subject},
};

/// WeChat's prefix of a signature that must fail.
pub(crate) const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// A serial that no key ring holds.
pub(crate) const UNKNOWN_SERIAL: &str = "7777777777777777777777777777777777777777";

/// What a notification says, before encryption.
pub(super) struct Contents {
    id: String,
    event_type: String,
    original_type: &'static str,
    summary: &'static str,
    create_time: String,
    plain: Value,
}

impl Contents {
    pub(super) fn of(ledger: &Ledger, notification: &Notification) -> Option<Self> {
        let subject = &notification.subject;
        let sp_mchid = &notification.sp_mchid;
        let plain = match subject {
            Subject::Transaction { out_trade_no } => {
                let index = ledger.find_order(sp_mchid, out_trade_no)?;
                documents::transaction_notice(ledger.order(index)?)
            }
            Subject::Refund {
                out_refund_no,
                status,
                ..
            } => {
                let index = ledger.find_refund(sp_mchid, out_refund_no)?;
                documents::refund_notice(ledger.refund(index)?, *status)
            }
            Subject::Echo { echo_message } => json!({"echo_message": echo_message}),
        };
        Some(Self {
            id: notification.id.clone(),
            event_type: subject.event_type(),
            original_type: subject.original_type(),
            summary: subject.summary(),
            create_time: rfc3339(notification.created_ms),
            plain,
        })
    }

    fn encrypt(&self, key: &ApiV3Key, plain: &Value, nonce: &str) -> anyhow::Result<Vec<u8>> {
        let plain = serde_json::to_vec(plain)?;
        let notification = OutgoingNotification {
            id: &self.id,
            event_type: &self.event_type,
            original_type: self.original_type,
            summary: self.summary,
            create_time: &self.create_time,
            nonce,
            plain: &plain,
        };
        Ok(server::encrypt_notification(key, &notification)?)
    }
}

/// A request that is ready to be sent.
pub(super) struct Message {
    pub(super) serial: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Writes the message for one attempt: fresh timestamp, nonce and ciphertext each time, the same `id`.
pub(super) async fn write(core: &Core, plan: &Plan, kind: AttemptKind) -> anyhow::Result<Message> {
    if kind == AttemptKind::Forged {
        return forge(core, plan).await;
    }
    let (nonce, seal_nonce, draw) = draws(core);
    let provider = &plan.provider;
    let contents = &plan.contents;
    let body = contents.encrypt(provider.api_v3_key(), &contents.plain, &seal_nonce)?;
    let key = provider.callback_key(draw, core.clock.business_ms());
    let timestamp = core.clock.signature_s();
    let signed: &[u8] = if kind == AttemptKind::WronglySigned {
        b"other bytes"
    } else {
        &body
    };
    let mut headers = sign(&key.private_key, &key.serial, timestamp, &nonce, signed)?;
    let mut serial = key.serial.clone();
    match kind {
        AttemptKind::Probe => replace(&mut headers, "Wechatpay-Signature", probe),
        AttemptKind::UnknownSerial => {
            UNKNOWN_SERIAL.clone_into(&mut serial);
            replace(&mut headers, "Wechatpay-Serial", |_| {
                UNKNOWN_SERIAL.to_owned()
            });
        }
        _ => {}
    }
    Ok(Message {
        serial,
        headers,
        body,
    })
}

/// The key of whoever forges; one serves all forgeries.
static STRANGER: LazyLock<Option<PrivateKey>> = LazyLock::new(|| {
    let (pem, _) = generate_pem().ok()?;
    PrivateKey::from_pem(&pem).ok()
});

/// What a stranger would send: another amount, a key that is not the provider's, and the serial of the true one.
async fn forge(core: &Core, plan: &Plan) -> anyhow::Result<Message> {
    // The first forgery makes the stranger's key, which takes too long for a thread that serves others.
    let stranger = tokio::task::spawn_blocking(|| STRANGER.clone()).await?;
    let stranger = stranger.context("making the stranger's key")?;
    let (nonce, seal_nonce, draw) = draws(core);
    let mut plain = plan.contents.plain.clone();
    for pointer in ["/amount/total", "/amount/payer_total"] {
        if let Some(amount) = plain.pointer_mut(pointer) {
            *amount = json!(amount.as_i64().unwrap_or_default().saturating_add(1));
        }
    }
    let key = ApiV3Key::parse(&nonce)?;
    let body = plan.contents.encrypt(&key, &plain, &seal_nonce)?;
    let serial = plan
        .provider
        .callback_key(draw, core.clock.business_ms())
        .serial
        .clone();
    let headers = sign(&stranger, &serial, core.clock.signature_s(), &nonce, &body)?;
    Ok(Message {
        serial,
        headers,
        body,
    })
}

/// A nonce for the signature, one of twelve characters for the cipher, and a number below 1000.
fn draws(core: &Core) -> (String, String, u32) {
    let mut ledger = core.ledger();
    let nonce = ledger.ids.nonce();
    let seal_nonce: String = ledger.ids.nonce().chars().take(12).collect();
    let draw = u32::try_from(ledger.ids.next() % 1000).unwrap_or_default();
    (nonce, seal_nonce, draw)
}

fn sign(
    key: &PrivateKey,
    serial: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> anyhow::Result<Vec<(String, String)>> {
    let headers = server::sign_answer(key, serial, timestamp, nonce, body)?;
    Ok(headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// Changes the value of one header.
pub(crate) fn replace(
    headers: &mut [(String, String)],
    name: &str,
    change: impl Fn(&str) -> String,
) {
    for (_, value) in headers
        .iter_mut()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
    {
        *value = change(value);
    }
}

/// A probe's signature: as long as a true one, and never valid.
pub(crate) fn probe(signature: &str) -> String {
    let rest: String = signature.chars().skip(PROBE_PREFIX.len()).collect();
    format!("{PROBE_PREFIX}{rest}")
}
