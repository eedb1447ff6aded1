//! What a signed-in person holds: a short access token, and the token that renews it.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SessionId, StaffId};
use tributary_storage::platform_secrets;
use tributary_storage::sealed_columns::PLATFORM;
use tributary_vault::Place;
use zeroize::Zeroizing;

use crate::credentials::ShownOnce;
use crate::{OperationError, Operations};

/// How long an access token is good for.
pub const ACCESS_SECONDS: i64 = 5 * 60;
const TOKEN_BYTES: usize = 32;
const CHAIN_KEY_BYTES: usize = 32;
const ISSUER: &str = "tributary";
const AUDIENCE: &str = "tributary-admin";
const NAME: &str = "staff_tokens";
const PLACE: Place<'static> = Place {
    table: "platform_secrets",
    column: "sealed",
    row: NAME,
};

/// What an access token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// Signs access tokens, and derives what follows a token and what goes beside it.
pub(crate) struct TokenKeys {
    key_id: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    chain: hmac::Key,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeys")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl TokenKeys {
    /// New secret bytes: the key of the chain, then an Ed25519 key in PKCS#8.
    fn generate() -> Result<Zeroizing<Vec<u8>>, OperationError> {
        let mut secret = Zeroizing::new(vec![0; CHAIN_KEY_BYTES]);
        rand::rng().fill_bytes(secret.as_mut_slice());
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| OperationError::Internal("no Ed25519 key could be made".into()))?;
        secret.extend_from_slice(pair.as_ref());
        Ok(secret)
    }

    fn read(secret: &[u8]) -> Result<Self, OperationError> {
        let damaged = || OperationError::Internal("the keys of staff tokens are damaged".into());
        let (chain, pkcs8) = secret
            .split_at_checked(CHAIN_KEY_BYTES)
            .ok_or_else(damaged)?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| damaged())?;
        let public = pair.public_key().as_ref();
        Ok(Self {
            key_id: hex::encode(Sha256::digest(public))
                .chars()
                .take(16)
                .collect(),
            signing: EncodingKey::from_ed_der(pkcs8),
            verifying: DecodingKey::from_ed_der(public),
            chain: hmac::Key::new(hmac::HMAC_SHA256, chain),
        })
    }

    /// An access token of a session.
    pub(crate) fn access_token(
        &self,
        staff: &StaffId,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<ShownOnce, OperationError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.clone());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: staff.to_string(),
            sid: session.to_string(),
            iat: now.as_seconds(),
            exp: now.as_seconds().saturating_add(ACCESS_SECONDS),
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.signing);
        let token = token.map_err(|error| OperationError::Internal(error.to_string()))?;
        Ok(ShownOnce::new(token))
    }

    /// Whose session an access token is of; nothing when it is not ours, or no longer good.
    pub(crate) fn read_access_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Option<(StaffId, SessionId)> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        // The library asks the machine for the time; ours comes from a clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation)
            .ok()?
            .claims;
        if now.as_seconds() >= claims.exp {
            return None;
        }
        Some((claims.sub.parse().ok()?, claims.sid.parse().ok()?))
    }

    /// The token that follows this one: derived, so that two tabs that renew at once get the same.
    pub(crate) fn next_token(&self, token: &str) -> ShownOnce {
        self.derive("renewal:v1", token)
    }

    /// What a page sends beside the cookie, to show that it is ours.
    pub(crate) fn csrf_token(&self, session: &SessionId) -> ShownOnce {
        self.derive("csrf:v1", session.as_str())
    }

    /// Whether a page is ours.
    pub(crate) fn is_csrf_token(&self, session: &SessionId, given: &str) -> bool {
        let expected = self.csrf_token(session);
        bool::from(expected.reveal().as_bytes().ct_eq(given.as_bytes()))
    }

    fn derive(&self, purpose: &str, from: &str) -> ShownOnce {
        let mut context = hmac::Context::with_key(&self.chain);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(from.as_bytes());
        ShownOnce::new(URL_SAFE_NO_PAD.encode(context.sign()))
    }
}

/// 256 random bits.
pub(crate) fn random_token() -> ShownOnce {
    let mut bytes = Zeroizing::new([0_u8; TOKEN_BYTES]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    ShownOnce::new(URL_SAFE_NO_PAD.encode(&bytes[..]))
}

/// What is kept of a token: 256 random bits need no slow hash.
pub(crate) fn hash_of(purpose: &str, token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(purpose.as_bytes());
    hash.update([0]);
    hash.update(token.as_bytes());
    hex::encode(hash.finalize())
}

impl Operations {
    /// The keys, made by whichever node needs them first.
    pub(crate) async fn token_keys(&self) -> Result<&TokenKeys, OperationError> {
        let keys = &self.inner.token_keys;
        keys.get_or_try_init(|| async {
            let found = platform_secrets::find(self.storage(), NAME).await?;
            let sealed = match found {
                Some(sealed) => sealed,
                None => self.make_token_keys().await?,
            };
            let sealing = self.sealing();
            let secret = sealing
                .open(self.storage(), PLATFORM, &PLACE, &sealed)
                .await?;
            TokenKeys::read(&secret)
        })
        .await
    }

    async fn make_token_keys(&self) -> Result<Vec<u8>, OperationError> {
        let (secret, now) = (TokenKeys::generate()?, self.now());
        let sealing = self.sealing();
        let sealed = sealing
            .seal(self.storage(), PLATFORM, &PLACE, &secret, now)
            .await?;
        let tx = self.storage().begin().await?;
        match platform_secrets::insert(&tx, NAME, sealed.clone(), now).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(sealed)
            }
            Err(error) if error.is_duplicate() => {
                tx.rollback().await?;
                let found = platform_secrets::find(self.storage(), NAME).await?;
                found.ok_or_else(|| OperationError::Internal("the keys vanished".into()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::read(&TokenKeys::generate().unwrap()).unwrap()
    }

    #[test]
    fn an_access_token_is_good_for_five_minutes_and_under_its_own_key() {
        let (keys, at) = (keys(), Timestamp::from_millis);
        let (staff, session) = (StaffId::new(at(0)), SessionId::new(at(0)));
        let token = keys.access_token(&staff, &session, at(0)).unwrap();
        let read = |keys: &TokenKeys, ms| keys.read_access_token(token.reveal(), at(ms));
        assert_eq!(read(&keys, 299_999), Some((staff, session)));
        assert_eq!(read(&keys, 300_000), None);
        assert_eq!(read(&self::keys(), 0), None);
    }

    #[test]
    fn a_token_that_was_touched_or_names_another_way_to_sign_is_refused() {
        let (keys, now) = (keys(), Timestamp::from_millis(0));
        let (staff, session) = (StaffId::new(now), SessionId::new(now));
        let token = keys.access_token(&staff, &session, now).unwrap();
        let (head, signature) = token.reveal().rsplit_once('.').unwrap();
        let (_, claims) = head.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hs = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let other = URL_SAFE_NO_PAD.encode(r#"{"aud":"tributary-admin"}"#);
        let header = head.split_once('.').unwrap().0;
        for forged in [
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{hs}.{claims}.{signature}"),
            format!("{header}.{other}.{signature}"),
            String::new(),
            String::from("..."),
        ] {
            assert_eq!(keys.read_access_token(&forged, now), None, "{forged}");
        }
    }

    #[test]
    fn tokens_follow_each_other_and_do_not_stand_for_each_other() {
        let keys = keys();
        let first = random_token();
        assert_eq!(first.reveal().len(), 43);
        let next = keys.next_token(first.reveal());
        assert_eq!(keys.next_token(first.reveal()).reveal(), next.reveal());
        assert_ne!(next.reveal(), first.reveal());
        let session = SessionId::new(Timestamp::from_millis(0));
        let csrf = keys.csrf_token(&session);
        assert!(keys.is_csrf_token(&session, csrf.reveal()));
        assert!(!keys.is_csrf_token(&session, ""));
        assert_ne!(csrf.reveal(), keys.next_token(session.as_str()).reveal());
    }
}
