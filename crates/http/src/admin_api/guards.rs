//! Who is calling, and whether that person may: access tokens, the cookie that renews them, and calls of other sites.

use poem::http::header;
use poem::{Endpoint, FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tributary_domain::staff::Permission;
use tributary_operations::staff::{Origin, Renewal, StaffCaller};
use tributary_operations::tenancy::{self, Tenancy};
use tributary_operations::{OperationError, Operations};
use zeroize::Zeroizing;

use crate::peer;
use crate::problem::{Problem, ProblemCode};
use crate::request_log::RequestId;

/// The cookie that renews a session. Its prefix makes browsers refuse it from anybody but this host over TLS.
pub(crate) const COOKIE: &str = "__Host-tributary";
/// The cookie that our pages may read, to send its value back.
pub(crate) const CSRF_COOKIE: &str = "__Host-tributary-csrf";
const CSRF_HEADER: &str = "X-CSRF-Token";
const TOKEN_CHARS_MAX: usize = 4096;

/// A call of a person who is signed in.
#[derive(Clone)]
pub(crate) struct StaffCall {
    /// The use cases.
    pub(crate) operations: Operations,
    /// Who calls.
    pub(crate) caller: StaffCaller,
}

/// A person who is signed in, even one who must enrol a second factor first.
pub(crate) struct SignedIn(pub(crate) StaffCall);

/// A person who has the permission of this number; it is checked before anything else of the request is judged.
///
/// Handlers name it by an alias: `type StaffWriter = May<{ Permission::StaffWrite as usize }>;`.
pub(crate) struct May<const PERMISSION: usize>(pub(crate) StaffCall);

/// The cookie of a session, sent by one of our pages.
pub(crate) struct Cookie(pub(crate) Renewal);

/// Where a call of somebody comes from who shows a password, a cookie or an invitation: the platform finds out who it is.
pub(crate) struct CallOrigin(pub(crate) Origin);

async fn signed_in(request: &Request) -> Result<StaffCall, Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let operations = operations(request)?;
    // Who it is, is what this asks.
    let recognised = operations.authenticate_staff(token, origin(request));
    let caller = tenancy::platform(recognised)
        .await?
        .ok_or(OperationError::SignedOut)?;
    recognise(&match caller.scope.tenant() {
        Some(tenant) => Tenancy::Tenant(tenant.clone()),
        None => Tenancy::Platform,
    })?;
    Ok(StaffCall {
        operations: operations.clone(),
        caller,
    })
}

/// Says for whom the rest of the request works: a tenant's member reaches its tenant's rows only.
fn recognise(tenancy: &Tenancy) -> Result<(), Problem> {
    tenancy::recognise(tenancy).map_err(|error| Problem::of(ProblemCode::Internal).cause(&error))
}

/// The use cases that the routes were built with.
pub(crate) fn operations(request: &Request) -> Result<&Operations, Problem> {
    let operations = request.data::<Operations>();
    operations.ok_or_else(|| Problem::of(ProblemCode::Internal))
}

fn bearer(request: &Request) -> Option<&str> {
    let given = request.header(header::AUTHORIZATION)?;
    let (scheme, token) = given.split_once(' ')?;
    let is_token = scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_CHARS_MAX;
    is_token.then_some(token.trim())
}

fn origin(request: &Request) -> Origin {
    Origin {
        ip: peer::address_of(request),
        request_id: request.data::<RequestId>().map(|id| id.0.clone()),
        user_agent: request.header(header::USER_AGENT).map(str::to_owned),
    }
}

/// The value of a cookie; a token of ours needs no unescaping.
fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let headers = request.headers().get_all(header::COOKIE);
    let lines = headers.iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

fn renewal(request: &Request) -> Result<Renewal, Problem> {
    let token = cookie(request, COOKIE).filter(|token| token.len() <= TOKEN_CHARS_MAX);
    let token = token.ok_or_else(Problem::unauthorized)?;
    // A browser sends it along whoever asks; so it must say who did.
    if request.header(header::ORIGIN).is_none() {
        return Err(cross_site("a call with the cookie names its Origin"));
    }
    let csrf_token = request.header(CSRF_HEADER);
    let csrf_token = csrf_token.ok_or_else(|| cross_site("X-CSRF-Token is missing"))?;
    Ok(Renewal {
        token: Zeroizing::new(token.to_owned()),
        csrf_token: csrf_token.to_owned(),
    })
}

fn cross_site(detail: &str) -> Problem {
    Problem::of(ProblemCode::CrossSiteRefused).detail(detail)
}

/// Answers no call that a page of another site made: the admin API is for its own pages and for programs.
pub(crate) async fn same_site_only<E: Endpoint>(
    inner: std::sync::Arc<E>,
    request: Request,
) -> poem::Result<E::Output> {
    let is_foreign = match request.header(header::ORIGIN) {
        Some(origin) => !is_ours(origin, &request),
        None => matches!(
            request.header("sec-fetch-site"),
            Some("cross-site" | "same-site")
        ),
    };
    if is_foreign {
        return Err(cross_site("the Origin is another site").into());
    }
    inner.call(request).await
}

/// Whether an origin is the host that was asked, or the address of the installation.
fn is_ours(origin: &str, request: &Request) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = request.header(header::HOST);
    let host = host.or_else(|| {
        request
            .original_uri()
            .authority()
            .map(poem::http::uri::Authority::as_str)
    });
    let public = request.data::<Operations>().map(Operations::public_url);
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || public.is_some_and(|public| public.eq_ignore_ascii_case(origin))
}

const SECURITY: &[ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
const ACCESS_TOKEN: &str = "accessToken";
const SESSION_COOKIE: &str = "sessionCookie";

fn register_access_token(registry: &mut Registry) {
    registry.create_security_scheme(
        ACCESS_TOKEN,
        MetaSecurityScheme {
            ty: "http",
            description: Some(
                "The access token of `POST /admin/v1/session`: `Authorization: Bearer …`. It is good for five minutes.",
            ),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: Some("JWT"),
            flows: None,
            openid_connect_url: None,
        },
    );
}

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = SECURITY;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_access_token(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![ACCESS_TOKEN]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self(signed_in(request).await?))
    }
}

impl<'a, const PERMISSION: usize> ApiExtractor<'a> for May<PERMISSION> {
    const TYPES: &'static [ApiExtractorType] = SECURITY;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_access_token(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![ACCESS_TOKEN]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let call = signed_in(request).await?;
        let permission = Permission::ALL.get(PERMISSION).copied();
        let permission = permission.ok_or_else(|| Problem::of(ProblemCode::Internal))?;
        call.caller.require(permission).map_err(Problem::from)?;
        Ok(Self(call))
    }
}

impl<'a> ApiExtractor<'a> for Cookie {
    const TYPES: &'static [ApiExtractorType] = SECURITY;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            SESSION_COOKIE,
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some(
                    "Set by `POST /admin/v1/session`, and only good together with `Origin` and `X-CSRF-Token`.",
                ),
                name: Some(COOKIE),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SESSION_COOKIE]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self(renewal(request)?))
    }
}

impl<'a> FromRequest<'a> for CallOrigin {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        recognise(&Tenancy::Platform)?;
        Ok(Self(origin(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let request = headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.finish()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let jar = request(&[
            ("cookie", "a=1; __Host-tributary-csrf=c; __Host-tributary=t"),
            ("cookie", "b=2"),
        ]);
        assert_eq!(cookie(&jar, COOKIE), Some("t"));
        assert_eq!(cookie(&jar, CSRF_COOKIE), Some("c"));
        assert_eq!(cookie(&jar, "b"), Some("2"));
        assert_eq!(cookie(&jar, "tributary"), None);
    }

    #[test]
    fn an_origin_is_ours_when_it_is_the_host_that_was_asked() {
        let asked = request(&[("host", "admin.example.com:8080")]);
        for (origin, ours) in [
            ("https://admin.example.com:8080", true),
            ("http://ADMIN.example.com:8080", true),
            ("https://admin.example.com", false),
            ("https://evil.example", false),
            ("https://admin.example.com:8080.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_ours(origin, &asked), ours, "{origin}");
        }
    }

    #[test]
    fn the_cookie_is_nothing_without_origin_and_csrf_token() {
        let cookie = ("cookie", "__Host-tributary=t");
        let (origin, csrf) = (("origin", "https://a.example"), ("x-csrf-token", "c"));
        assert!(renewal(&request(&[cookie, origin, csrf])).is_ok());
        for (given, code) in [
            (vec![cookie, csrf], ProblemCode::CrossSiteRefused),
            (vec![cookie, origin], ProblemCode::CrossSiteRefused),
            (vec![origin, csrf], ProblemCode::Unauthorized),
        ] {
            let refused = renewal(&request(&given))
                .err()
                .map(|problem| problem.code());
            assert_eq!(refused, Some(code));
        }
    }

    #[test]
    fn the_number_of_a_permission_is_its_place() {
        for (place, permission) in Permission::ALL.iter().enumerate() {
            assert_eq!(*permission as usize, place);
        }
    }
}
