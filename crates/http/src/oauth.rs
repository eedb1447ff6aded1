//! Access tokens for API keys (RFC 6749, client credentials), and the keys that they are verified with (RFC 7517).
//!
//! Errors have the RFC's own shape here, so that OAuth libraries understand them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Data;
use poem::{Body, Request, Response, handler};
use poem_openapi::Object;
use poem_openapi::registry::Registry;
use poem_openapi::types::Type as _;
use tributary_operations::Operations;
use tributary_operations::credentials::{AccessToken, TokenError};
use zeroize::Zeroizing;

use crate::problem::Problem;
use crate::{body, json, peer, rate_limits};

/// Where tokens are fetched.
pub(crate) const TOKEN_ROUTE: &str = "/oauth/token";
/// Where the public keys are.
pub(crate) const KEYS_ROUTE: &str = "/.well-known/jwks.json";

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: &str = "client_credentials";
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"tributary\", charset=\"UTF-8\"");

/// A request for an access token (RFC 6749, section 4.4.2).
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct TokenRequest {
    /// Always `client_credentials`.
    grant_type: String,
    /// The scopes that are wanted, separated by spaces; all of the key's when it is left out.
    scope: Option<String>,
    /// The id of the API key (`key_…`), unless it is sent by HTTP Basic.
    client_id: Option<String>,
    /// The API key itself (`trb_…`), unless it is sent by HTTP Basic.
    client_secret: Option<String>,
}

/// An access token (RFC 6749, section 5.1).
#[derive(Debug, Object)]
struct TokenAnswer {
    /// What to send as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// For how many seconds it is good.
    expires_in: i64,
    /// What it may do, separated by spaces.
    scope: String,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Object)]
struct TokenRefusal {
    /// `invalid_request`, `invalid_client`, `invalid_scope`, `unauthorized_client` or `unsupported_grant_type`.
    error: String,
    /// What is wrong, for a person.
    error_description: String,
}

/// The public keys that access tokens are verified with (RFC 7517).
#[derive(Debug, Object)]
struct JwkSet {
    /// The keys, those that sign later among them.
    keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Debug, Object)]
struct Jwk {
    /// Always `OKP`.
    kty: String,
    /// Always `Ed25519`.
    crv: String,
    /// Always `EdDSA`.
    alg: String,
    /// Always `sig`.
    r#use: String,
    /// What tokens name the key by.
    kid: String,
    /// The key, base64url.
    x: String,
}

/// Describes the bodies, for the document.
pub(crate) fn register(registry: &mut Registry) {
    TokenRequest::register(registry);
    TokenAnswer::register(registry);
    TokenRefusal::register(registry);
    JwkSet::register(registry);
}

/// A request for a token.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
}

/// Who asks for a token.
struct Client {
    id: String,
    secret: Zeroizing<String>,
}

/// A refusal in the RFC's words.
struct Refusal(StatusCode, &'static str, &'static str);

const fn bad_request(description: &'static str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "invalid_request", description)
}

/// Gives a token for an API key.
#[handler]
pub(crate) async fn give_token(
    request: &Request,
    body: Body,
    Data(operations): Data<&Operations>,
) -> poem::Result<Response> {
    if !is_form(request) {
        return Ok(refused(&bad_request(
            "send application/x-www-form-urlencoded",
        )));
    }
    let body = body::read(body).await?;
    let asked = read_form(&body).and_then(|form| Ok((client(request, &form)?, form)));
    let (client, form) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    match issue(request, operations, &client, &form).await {
        Ok(Ok(token)) => Ok(granted(&token)),
        Ok(Err(limited)) => Err(limited.into()),
        Err(TokenError::Unavailable(cause)) => Err(Problem::from(cause).into()),
        Err(error) => Ok(refused(&refusal_of(&error))),
    }
}

/// A token, unless the tenant asks too much: fetching one is one of its calls.
async fn issue(
    request: &Request,
    operations: &Operations,
    client: &Client,
    form: &Form,
) -> Result<Result<AccessToken, Problem>, TokenError> {
    let from = peer::address_of(request);
    let caller = operations
        .token_client(&client.id, &client.secret, from)
        .await?;
    if let Err(limited) = rate_limits::admit(request, operations, &caller) {
        return Ok(Err(limited));
    }
    let token = operations.issue_token(&caller, form.scope.as_deref());
    token.await.map(Ok)
}

/// Shows the keys that tokens are verified with.
#[handler]
pub(crate) async fn show_keys(Data(operations): Data<&Operations>) -> poem::Result<Response> {
    let keys = operations
        .published_token_keys()
        .await
        .map_err(Problem::from)?;
    let keys = keys.into_iter().map(|key| Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
        kid: key.kid,
        x: key.x,
    });
    let set = JwkSet {
        keys: keys.collect(),
    };
    Ok(json::response(StatusCode::OK, JSON, &set))
}

fn is_form(request: &Request) -> bool {
    let kind = request.content_type().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(FORM)
}

/// Reads the parameters; RFC 6749 lets none come twice, and treats an empty one as absent.
fn read_form(body: &[u8]) -> Result<Form, Refusal> {
    let mut form = Form::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        let value = value.into_owned();
        if value.is_empty() {
            continue;
        }
        let before = match name.as_ref() {
            "grant_type" => form.grant_type.replace(value).is_some(),
            "scope" => form.scope.replace(value).is_some(),
            "client_id" => form.client_id.replace(value).is_some(),
            "client_secret" => form.client_secret.replace(Zeroizing::new(value)).is_some(),
            _ => false,
        };
        if before {
            return Err(bad_request("a parameter comes twice"));
        }
    }
    match form.grant_type.as_deref() {
        Some(GRANT) => Ok(form),
        None => Err(bad_request("grant_type is missing")),
        Some(_) => Err(Refusal(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "the grant_type must be client_credentials",
        )),
    }
}

/// The client names itself in the header or in the body, and not in both.
fn client(request: &Request, form: &Form) -> Result<Client, Refusal> {
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return match (&form.client_id, &form.client_secret) {
            (Some(id), Some(secret)) => Ok(Client {
                id: id.clone(),
                secret: secret.clone(),
            }),
            _ => Err(INVALID_CLIENT),
        };
    };
    if form.client_secret.is_some() {
        return Err(bad_request("the client authenticates in two ways"));
    }
    let client = header.to_str().ok().and_then(basic).ok_or(INVALID_CLIENT)?;
    match &form.client_id {
        Some(id) if *id != client.id => Err(bad_request("there are two client_ids")),
        _ => Ok(client),
    }
}

/// Both halves are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic(header: &str) -> Option<Client> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&text).ok()?.split_once(':')?;
    Some(Client {
        id: unescaped(id)?,
        secret: Zeroizing::new(unescaped(secret)?),
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, value)), None) if value.is_empty() => Some(name.into_owned()),
        _ => None,
    }
}

const INVALID_CLIENT: Refusal = Refusal(
    StatusCode::UNAUTHORIZED,
    "invalid_client",
    "the client_id is the id of an API key (key_…), the client_secret the key itself (trb_…)",
);

fn refusal_of(error: &TokenError) -> Refusal {
    let bad = StatusCode::BAD_REQUEST;
    match error {
        TokenError::InvalidScope => Refusal(
            bad,
            "invalid_scope",
            "the scope must be words separated by one space, each a scope of the API key",
        ),
        TokenError::Address => Refusal(
            bad,
            "unauthorized_client",
            "the API key may not be used from this address",
        ),
        TokenError::InvalidClient | TokenError::Unavailable(_) => INVALID_CLIENT,
    }
}

fn granted(token: &AccessToken) -> Response {
    let words: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let answer = TokenAnswer {
        access_token: token.token.reveal().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: token.expires_in,
        scope: words.join(" "),
    };
    json::response(StatusCode::OK, JSON, &answer)
}

fn refused(Refusal(status, error, description): &Refusal) -> Response {
    let answer = TokenRefusal {
        error: (*error).to_owned(),
        error_description: (*description).to_owned(),
    };
    let mut response = json::response(*status, JSON, &answer);
    if *status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(body: &str) -> Option<&'static str> {
        read_form(body.as_bytes()).err().map(|refusal| refusal.1)
    }

    #[test]
    fn a_form_is_judged_by_the_rfc() {
        assert_eq!(error_of("grant_type=client_credentials"), None);
        assert_eq!(error_of("grant_type=client_credentials&scope=&x=1"), None);
        assert_eq!(error_of(""), Some("invalid_request"));
        assert_eq!(error_of("grant_type="), Some("invalid_request"));
        assert_eq!(
            error_of("grant_type=password"),
            Some("unsupported_grant_type")
        );
        let twice = "grant_type=client_credentials&scope=a&scope=b";
        assert_eq!(error_of(twice), Some("invalid_request"));
    }

    #[test]
    fn a_client_is_read_from_the_header() {
        let header = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        let client = basic(&header("key_1:trb_a%2Bb")).unwrap();
        assert_eq!(
            (client.id.as_str(), client.secret.as_str()),
            ("key_1", "trb_a+b")
        );
        for broken in [
            "Basic",
            "Basic !",
            "Bearer a",
            &header("no-colon"),
            &header("a:b&c=d"),
        ] {
            assert!(basic(broken).is_none(), "{broken}");
        }
    }
}
