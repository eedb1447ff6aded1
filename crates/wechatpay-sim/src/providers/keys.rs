//! Making and holding keys: RSA pairs, the platform certificate, serials in WeChat's layout.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, SerialNumber};
use serde::{Deserialize, Serialize};
use wechatpay::credentials::{PrivateKey, PublicKey, generate_pem};

use crate::canonical::hex;

const FIVE_YEARS_MS: i64 = 5 * 365 * 86_400_000;
const SERIAL_BYTES: usize = 20;

/// A private key of WeChat's with the name that `Wechatpay-Serial` gives it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SigningKeyRecord {
    pub(crate) serial: String,
    pub(crate) private_key_pem: String,
    pub(crate) public_key_pem: String,
}

/// A platform certificate, its key and the time from which it signs.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PlatformCertificate {
    pub(crate) key: SigningKeyRecord,
    pub(crate) certificate_pem: String,
    pub(crate) effective_ms: i64,
    pub(crate) expire_ms: i64,
}

/// A parsed signing key.
pub(crate) struct SigningKey {
    pub(crate) serial: String,
    pub(crate) private_key: PrivateKey,
}

impl SigningKey {
    pub(crate) fn from_record(record: &SigningKeyRecord) -> anyhow::Result<Self> {
        let private_key = PrivateKey::from_pem(&record.private_key_pem)?;
        Ok(Self {
            serial: record.serial.clone(),
            private_key,
        })
    }
}

/// RSA pairs made by this process. Making one takes up to a second without optimisation, so simulators of one process
/// share them by position: within a simulator no pair serves twice, and a process with one simulator shares nothing.
static POOL: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Hands out pairs of (PKCS#8 PEM, public key PEM), each once per simulator.
#[derive(Default)]
pub(crate) struct KeyPairs {
    taken: AtomicUsize,
}

impl KeyPairs {
    /// A pair that this simulator has not used; slow when the process has to make it.
    pub(crate) fn take(&self) -> anyhow::Result<(String, String)> {
        let position = self.taken.fetch_add(1, Ordering::SeqCst);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        while pool.len() <= position {
            pool.push(generate_pem().context("making an RSA key pair")?);
        }
        pool.get(position)
            .cloned()
            .context("taking an RSA key pair")
    }

    /// Passes over so many pairs, which a restored simulator may hold already.
    pub(crate) fn skip(&self, pairs: usize) {
        self.taken.fetch_add(pairs, Ordering::SeqCst);
    }
}

/// A pair under the name that `Wechatpay-Serial` will carry.
pub(crate) fn named(
    serial: String,
    (private_key_pem, public_key_pem): (String, String),
) -> SigningKeyRecord {
    SigningKeyRecord {
        serial,
        private_key_pem,
        public_key_pem,
    }
}

/// `PUB_KEY_ID_` and digits, as WeChat names a public key.
pub(crate) fn public_key_id(sp_mchid: &str, draw: u64) -> String {
    format!("PUB_KEY_ID_01{sp_mchid}{draw:020}")
}

/// Issues a certificate for a pair, valid five years from `now_ms`, and signing from `effective_ms`.
pub(crate) fn issue_platform_certificate(
    pair: (String, String),
    draws: [u64; 3],
    now_ms: i64,
    effective_ms: i64,
) -> anyhow::Result<PlatformCertificate> {
    let serial = serial_bytes(draws);
    let key = named(hex_upper(&serial), pair);
    let expire_ms = now_ms.saturating_add(FIVE_YEARS_MS);
    let certificate_pem = certify(
        &key.private_key_pem,
        &serial,
        "Tenpay.com sign",
        (now_ms, expire_ms),
    )?;
    Ok(PlatformCertificate {
        key,
        certificate_pem,
        effective_ms,
        expire_ms,
    })
}

/// Issues a merchant's API certificate for its key; answers (serial, PEM).
pub(crate) fn issue_merchant_certificate(
    private_key_pem: &str,
    sp_mchid: &str,
    draws: [u64; 3],
    now_ms: i64,
) -> anyhow::Result<(String, String)> {
    let serial = serial_bytes(draws);
    let expire_ms = now_ms.saturating_add(FIVE_YEARS_MS);
    let pem = certify(private_key_pem, &serial, sp_mchid, (now_ms, expire_ms))?;
    Ok((hex_upper(&serial), pem))
}

/// Reads a merchant's public key, given as such or inside its certificate.
pub(crate) fn merchant_public_key(pem: &str) -> anyhow::Result<PublicKey> {
    let key = if pem.contains("BEGIN CERTIFICATE") {
        PublicKey::from_certificate_pem(pem)
    } else {
        PublicKey::from_pem(pem)
    };
    key.context("reading the merchant's public key")
}

fn certify(
    private_key_pem: &str,
    serial: &[u8],
    common_name: &str,
    (from_ms, until_ms): (i64, i64),
) -> anyhow::Result<String> {
    let pair = KeyPair::from_pem_and_sign_algo(private_key_pem, &PKCS_RSA_SHA256)
        .context("reading the key to certify")?;
    let mut parameters = CertificateParams::default();
    parameters.serial_number = Some(SerialNumber::from_slice(serial));
    parameters.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(from_ms);
    parameters.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(until_ms);
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Tenpay.com");
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(parameters
        .self_signed(&pair)
        .context("issuing a certificate")?
        .pem())
}

/// The issuer's own time type is not ours to name, so it is reached from the epoch.
fn since_epoch(at_ms: i64) -> Duration {
    Duration::from_secs(u64::try_from(at_ms / 1000).unwrap_or_default())
}

fn hex_upper(bytes: &[u8]) -> String {
    hex(bytes).to_uppercase()
}

/// Twenty bytes whose first is neither zero nor negative, so that DER keeps exactly twenty.
fn serial_bytes(draws: [u64; 3]) -> [u8; SERIAL_BYTES] {
    let mut serial = [0_u8; SERIAL_BYTES];
    let source = draws.iter().flat_map(|draw| draw.to_be_bytes());
    for (slot, byte) in serial.iter_mut().zip(source) {
        *slot = byte;
    }
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x10;
    }
    serial
}
