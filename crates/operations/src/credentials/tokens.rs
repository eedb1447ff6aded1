//! Access tokens: what an API key fetches (OAuth 2 client credentials), short-lived JWTs that every node can check.

use std::net::IpAddr;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::distr::{Alphanumeric, SampleString as _};
use serde::{Deserialize, Serialize};
use tributary_domain::ids::{ApiKeyId, TenantId};
use tributary_domain::tenant::{Mode, Scope};
use tributary_storage::signing_keys::SigningPurpose;

use super::signing_keys::{SigningKeys, SigningSecret, Slot};
use super::{AuthError, Caller, Credential, ShownOnce, api_keys};
use crate::{OperationError, Operations};

/// How long a token opens anything.
const LIFE_SECONDS: i64 = 15 * 60;
/// The type of RFC 9068: nothing else that the platform may ever sign is taken for a token.
const TYPE: &str = "at+jwt";
/// Ours have about 600.
const TOKEN_CHARS_MAX: usize = 2_048;
const TOKEN_ID_CHARS: usize = 22;
/// Clocks of nodes may differ by so much.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// A token that was just made.
#[derive(Debug)]
pub struct AccessToken {
    /// What the tenant sends as `Authorization: Bearer`.
    pub token: ShownOnce,
    /// For how long it is good, in seconds.
    pub expires_in: i64,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// A public key that tokens are verified with, as a JWK writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// What tokens name it by.
    pub kid: String,
    /// The Ed25519 public key, base64url.
    pub x: String,
}

/// Why there is no token, in the words of RFC 6749.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The client is not recognised.
    #[error("the client is not recognised")]
    InvalidClient,
    /// The scope is malformed, unknown, or more than the client has.
    #[error("the scope is unknown or exceeds what the API key has")]
    InvalidScope,
    /// The client may not ask from there.
    #[error("the API key may not be used from this address")]
    Address,
    /// The database failed us.
    #[error("the client could not be checked")]
    Unavailable(#[source] OperationError),
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The API key.
    sub: ApiKeyId,
    tenant: TenantId,
    mode: Mode,
    scope: String,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Both halves of a pair that signs tokens.
pub(super) struct TokenSecret {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningSecret for TokenSecret {
    const PURPOSE: SigningPurpose = SigningPurpose::Tokens;

    fn open(secret: &[u8], public_part: &str) -> Result<Self, OperationError> {
        let decoding = DecodingKey::from_ed_components(public_part);
        Ok(Self {
            encoding: EncodingKey::from_ed_der(secret),
            decoding: decoding.map_err(|error| OperationError::Internal(error.to_string()))?,
        })
    }

    fn slot(keys: &SigningKeys) -> &Slot<Self> {
        &keys.tokens
    }
}

impl Operations {
    /// Recognises the holder of an API key who asks for a token.
    pub async fn token_client(
        &self,
        client_id: &str,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<Caller, TokenError> {
        if !api_keys::is_key(secret) {
            return Err(TokenError::InvalidClient);
        }
        let caller = self.authenticate_key(secret, from).await?;
        match &caller.credential {
            // Whoever has the secret knows the id.
            Credential::ApiKey(key) if key.id.as_str() == client_id => Ok(caller),
            _ => Err(TokenError::InvalidClient),
        }
    }

    /// Gives a token to the holder of an API key, for all that the key may do or for the scopes that are named.
    pub async fn issue_token(
        &self,
        caller: &Caller,
        scope: Option<&str>,
    ) -> Result<AccessToken, TokenError> {
        let Credential::ApiKey(key) = &caller.credential else {
            return Err(TokenError::InvalidClient);
        };
        let scopes = narrowed(&caller.scopes, scope).ok_or(TokenError::InvalidScope)?;
        let token = self.sign_token(caller, &key.id, &scopes).await;
        Ok(AccessToken {
            token: token.map_err(TokenError::Unavailable)?,
            expires_in: LIFE_SECONDS,
            scopes,
        })
    }

    async fn sign_token(
        &self,
        caller: &Caller,
        key_id: &ApiKeyId,
        scopes: &[Scope],
    ) -> Result<ShownOnce, OperationError> {
        let now = self.now();
        let keys = self.signing_keys::<TokenSecret>().await?;
        let key = keys.signer(now)?;
        let iat = now.as_seconds();
        let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let claims = Claims {
            iss: self.inner.public_url.clone(),
            aud: self.token_audience(),
            sub: key_id.clone(),
            tenant: caller.tenant_id.clone(),
            mode: caller.mode,
            scope: words.join(" "),
            iat,
            exp: iat.saturating_add(LIFE_SECONDS),
            jti: Alphanumeric.sample_string(&mut rand::rng(), TOKEN_ID_CHARS),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.serial.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &claims, &key.secret.encoding)
            .map(ShownOnce::new)
            .map_err(|error| OperationError::Internal(error.to_string()))
    }

    /// Recognises a caller by a token; the API key behind it must still be alive.
    pub(super) async fn authenticate_token(
        &self,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<Caller, AuthError> {
        let claims = self.read_token(token).await?;
        let known = self.known_key(&claims.tenant, &claims.sub).await?;
        let (key, tenant_name) = self.admit_key(known, from)?;
        let granted: Vec<Scope> = claims.scope.split(' ').filter_map(Scope::parse).collect();
        Ok(Caller {
            tenant_id: key.tenant_id.clone(),
            tenant_name: tenant_name.to_string(),
            mode: key.mode,
            scopes: granted
                .into_iter()
                .filter(|scope| key.scopes.contains(scope))
                .collect(),
            credential: Credential::Token(key),
        })
    }

    /// Checks algorithm, type, key, signature, issuer, audience and times.
    async fn read_token(&self, token: &str) -> Result<Claims, AuthError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(AuthError::Unknown);
        }
        let unknown = |_| AuthError::Unknown;
        let header = jsonwebtoken::decode_header(token).map_err(unknown)?;
        let kid = header.kid.ok_or(AuthError::Unknown)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(AuthError::Unknown);
        }
        let keys = self.signing_keys_with::<TokenSecret>(&kid).await?;
        let key = keys.find(&kid).ok_or(AuthError::Unknown)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.inner.public_url]);
        rules.set_audience(&[self.token_audience()]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By our own clock, below.
        rules.validate_exp = false;
        let read = jsonwebtoken::decode::<Claims>(token, &key.secret.decoding, &rules);
        let claims = read.map_err(unknown)?.claims;
        let now = self.now();
        let seconds = now.as_seconds();
        let is_early = claims.iat > seconds.saturating_add(CLOCK_SKEW_SECONDS);
        if claims.exp <= seconds || is_early || now >= key.ends_at {
            return Err(AuthError::Ended);
        }
        Ok(claims)
    }

    /// The public keys that tokens are verified with, those that sign later among them.
    pub async fn published_token_keys(&self) -> Result<Vec<PublishedKey>, OperationError> {
        let keys = self.signing_keys::<TokenSecret>().await?;
        let published = keys.all.iter().map(|key| PublishedKey {
            kid: key.serial.clone(),
            x: key.public_part.clone(),
        });
        Ok(published.collect())
    }

    /// What tokens are for.
    fn token_audience(&self) -> String {
        format!("{}/v1", self.inner.public_url)
    }
}

/// The scopes that are asked for, when the key has them all; without a wish, all that it has.
fn narrowed(held: &[Scope], asked: Option<&str>) -> Option<Vec<Scope>> {
    let Some(asked) = asked else {
        return Some(held.to_vec());
    };
    let mut scopes = Vec::new();
    for word in asked.split(' ') {
        let scope = Scope::parse(word).filter(|scope| held.contains(scope))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Some(scopes)
}

impl From<AuthError> for TokenError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Address => Self::Address,
            AuthError::Unavailable(cause) => Self::Unavailable(*cause),
            AuthError::Unknown | AuthError::Ended | AuthError::Signature(_) => Self::InvalidClient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let held = [Scope::OrdersRead, Scope::OrdersWrite];
        assert_eq!(narrowed(&held, None), Some(held.to_vec()));
        let one = Some(vec![Scope::OrdersRead]);
        assert_eq!(narrowed(&held, Some("orders:read orders:read")), one);
        for asked in [
            "",
            " ",
            "refunds:read",
            "orders:read refunds:read",
            "orders:read  ",
            "*",
        ] {
            assert_eq!(narrowed(&held, Some(asked)), None, "{asked:?}");
        }
    }
}
