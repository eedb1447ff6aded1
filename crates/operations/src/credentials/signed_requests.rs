//! Requests that a tenant's key signed, in WeChat Pay's own form, and answers that the platform's key signs.
//!
//! A signed request counts once: its nonce is spent in the database, so that no node takes it again while its time
//! is good.

use std::net::IpAddr;
use std::sync::Arc;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_storage::request_nonces;
use wechatpay::credentials::PrivateKey;
use wechatpay::server::{self, RequestError};

use super::certificates::KnownCertificate;
use super::uses::UsedBy;
use super::{AuthError, Caller, Credential};
use crate::{OperationError, Operations, tenancy};

/// WeChat's limit is 32; some libraries write more.
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 8..=64;
const SERIAL_CHARS_MAX: usize = 64;
/// A nonce is kept so long after its timestamp: the window of five minutes, and a minute for clocks of nodes that differ.
const NONCE_KEPT_MS: i64 = 360_000;
const ANSWER_NONCE_CHARS: usize = 32;
/// Nonces forgotten in one transaction.
const FORGET_BATCH: u64 = 500;

/// Unknown, revoked, expired and another tenant's look alike.
const UNKNOWN: &str =
    "no certificate or public key of this tenant has this serial, or it has ended";
const SPENT: &str = "the nonce was used before: sign every request anew";
const BAD_NONCE: &str = "the nonce must be 8 to 64 visible ASCII characters";

/// Who claims to have signed a request; nothing of it is proven yet.
#[derive(Debug)]
pub struct Claim {
    said: server::Caller,
    known: Arc<KnownCertificate>,
}

/// What was signed besides the body, as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with its query, percent-encoded.
    pub path_and_query: &'a str,
}

impl Operations {
    /// Reads the `Authorization` header of a signed request and finds the certificate that it names.
    pub async fn claim(&self, authorization: &str) -> Result<Claim, AuthError> {
        let said = server::parse_authorization(authorization)
            .map_err(|error| AuthError::Signature(reason(error)))?;
        let unknown = || AuthError::Signature(UNKNOWN);
        let tenant: TenantId = said.mchid.parse().map_err(|_| unknown())?;
        let nonce = said.nonce_str.as_bytes();
        if !NONCE_CHARS.contains(&nonce.len()) || !nonce.iter().all(u8::is_ascii_graphic) {
            return Err(AuthError::Signature(BAD_NONCE));
        }
        if said.serial_no.len() > SERIAL_CHARS_MAX {
            return Err(unknown());
        }
        // Some programs print serials in lower case.
        let serial = said.serial_no.to_ascii_uppercase();
        let known = self.known_certificate(&tenant, serial).await;
        let known = known.map_err(|error| match error {
            AuthError::Unknown | AuthError::Ended => unknown(),
            other => other,
        })?;
        Ok(Claim { said, known })
    }

    /// Proves a claim over the bytes of the request, and spends its nonce.
    pub async fn prove(
        &self,
        claim: Claim,
        line: RequestLine<'_>,
        body: &[u8],
        from: Option<IpAddr>,
    ) -> Result<Caller, AuthError> {
        let (now, known) = (self.now(), claim.known);
        let certificate = &known.certificate;
        if !certificate.is_usable(now) {
            return Err(AuthError::Signature(UNKNOWN));
        }
        let RequestLine {
            method,
            path_and_query,
        } = line;
        let seconds = now.as_seconds();
        server::verify_request(
            &claim.said,
            &known.key,
            method,
            path_and_query,
            body,
            seconds,
        )
        .map_err(|error| AuthError::Signature(reason(error)))?;
        let tenant = &certificate.tenant_id;
        tenancy::within(tenant.clone(), self.spend_nonce(tenant, &claim.said)).await?;
        let used = UsedBy::Certificate(certificate.tenant_id.clone(), certificate.id.clone());
        self.inner.uses.note(used, now, from);
        Ok(Caller {
            tenant_id: certificate.tenant_id.clone(),
            tenant_name: known.tenant_name.to_string(),
            mode: certificate.mode,
            scopes: certificate.scopes.clone(),
            credential: Credential::Certificate(Arc::clone(certificate)),
        })
    }

    async fn spend_nonce(&self, tenant: &TenantId, said: &server::Caller) -> Result<(), AuthError> {
        let until = Timestamp::from_seconds(said.timestamp).plus_millis(NONCE_KEPT_MS);
        let tx = self.storage().begin().await?;
        match request_nonces::spend(&tx, tenant, &said.nonce_str, until).await {
            Err(error) if error.is_duplicate() => return Err(AuthError::Signature(SPENT)),
            other => other?,
        }
        Ok(tx.commit().await?)
    }

    /// Signs the bytes of an answer; returns the headers to send with them.
    pub async fn sign_answer(
        &self,
        body: &[u8],
    ) -> Result<Vec<(&'static str, String)>, OperationError> {
        let now = self.now();
        let keys = self.signing_keys::<PrivateKey>().await?;
        let key = keys.signer(now)?;
        let seconds = now.as_seconds();
        let nonce = wechatpay::random_nonce(ANSWER_NONCE_CHARS);
        server::sign_answer(&key.secret, &key.serial, seconds, &nonce, body)
            .map_err(|error| OperationError::Internal(error.to_string()))
    }

    /// Forgets a bounded piece of the nonces whose time is over; returns how many.
    pub async fn forget_spent_nonces(&self) -> Result<u64, OperationError> {
        let tx = self.storage().begin().await?;
        let gone = request_nonces::forget_all_tenants(&tx, self.now(), FORGET_BATCH).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// What the caller is told, which helps whoever writes a client and nobody else.
fn reason(error: RequestError) -> &'static str {
    match error {
        RequestError::Scheme | RequestError::Malformed => {
            "the Authorization header must be WECHATPAY2-SHA256-RSA2048, a space, and name=\"value\" pairs \
             separated by commas, each name once"
        }
        RequestError::Missing("mchid") => "the Authorization header lacks mchid",
        RequestError::Missing("serial_no") => "the Authorization header lacks serial_no",
        RequestError::Missing("nonce_str") => "the Authorization header lacks nonce_str",
        RequestError::Missing("timestamp") => "the Authorization header lacks timestamp",
        RequestError::Missing(_) => "the Authorization header lacks signature",
        RequestError::ClockSkew => {
            "the timestamp is more than five minutes away from our clock, which the header Date tells"
        }
        _ => {
            "the signature does not match: it is taken over the method, the path with its query, the timestamp, \
             the nonce and the body as sent, each followed by a line feed"
        }
    }
}
