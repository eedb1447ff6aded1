//! Who is calling, and whether it may: API keys, access tokens, certificates, and their scopes.

use poem::{Request, RequestBody};
use poem_openapi::auth::{Bearer, BearerAuthorization as _};
use poem_openapi::registry::{
    MetaOAuthFlow, MetaOAuthFlows, MetaOAuthScope, MetaSecurityScheme, Registry,
};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tracing::Span;
use tributary_domain::tenant::Scope;
use tributary_operations::Operations;
use tributary_operations::credentials::Caller;
use tributary_operations::tenancy::{self, Tenancy};

use crate::peer;
use crate::problem::{Problem, ProblemCode};
use crate::rate_limits;
use crate::signed_calls::Proven;

const API_KEY: &str = "apiKey";
const API_KEY_TOLD: &str = "A tenant's API key: `Authorization: Bearer trb_live_…` or `trb_test_…`. The mode of the key \
     chooses the world: no object of one is seen by the other.";
const ACCESS_TOKEN: &str = "accessToken";
const ACCESS_TOKEN_TOLD: &str = "A token that an API key fetched at `POST /oauth/token`: `Authorization: Bearer eyJ…`. It is \
     good for 15 minutes, in the mode of the key, for its scopes or fewer.";
const CERTIFICATE: &str = "certificate";
const CERTIFICATE_TOLD: &str = "A request signed as WeChat Pay API v3 signs requests, so that the signing layer of any WeChat Pay \
     library can be used: `Authorization: WECHATPAY2-SHA256-RSA2048 \
     mchid=\"ten_…\",nonce_str=\"…\",timestamp=\"…\",serial_no=\"…\",signature=\"…\"`. The signature (RSA with SHA-256, \
     base64) is taken over the method, the path with its query, the timestamp in seconds, the nonce and the body, each \
     followed by a line feed. The timestamp may be five minutes off, and a nonce counts once. The answer, an error too, \
     is signed by the platform over `Wechatpay-Timestamp`, `Wechatpay-Nonce` and the body as sent, each followed by a line \
     feed, in `Wechatpay-Signature`; `Wechatpay-Serial` names the key, which `GET /v1/meta/platform-certificates` shows.";
/// Where tokens are fetched.
const TOKEN_URL: &str = "/oauth/token";

/// Any credential.
pub(crate) struct Authenticated(Session);

/// A caller with what it may call.
#[derive(Clone)]
pub(crate) struct Session {
    /// The use cases.
    pub(crate) operations: Operations,
    /// Who calls.
    pub(crate) caller: Caller,
}

impl Authenticated {
    /// The session, when its credential has the scope.
    pub(crate) fn allow(self, scope: Scope) -> Result<Session, Problem> {
        self.0.caller.require(scope)?;
        Ok(self.0)
    }

    /// The session of any valid credential.
    pub(crate) fn any(self) -> Session {
        self.0
    }
}

/// How a kind of credential is documented and extracted; `$check` runs before anything else of the request is judged.
macro_rules! credential {
    ($name:ident, $check:expr) => {
        impl<'a> ApiExtractor<'a> for $name {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register_schemes(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                vec![API_KEY, ACCESS_TOKEN, CERTIFICATE]
            }

            async fn from_request(
                request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                let session = session_of(request).await?;
                let check: fn(&Caller) -> Result<(), Problem> = $check;
                check(&session.caller)?;
                Ok(Self(session))
            }
        }
    };
}

credential!(Authenticated, |_| Ok(()));

/// Credentials that must have a scope before anything else of the request is judged, its body above all.
macro_rules! authorized {
    ($name:ident, $scope:expr) => {
        /// A credential with the scope of its name.
        pub(crate) struct $name(Session);

        impl $name {
            /// The session, whose credential has the scope.
            pub(crate) fn session(self) -> Session {
                self.0
            }
        }

        credential!($name, |caller| Ok(caller.require($scope)?));
    };
}

authorized!(OrdersWriter, Scope::OrdersWrite);
authorized!(RefundsWriter, Scope::RefundsWrite);
authorized!(WebhooksWriter, Scope::WebhooksWrite);

fn operations_of(request: &Request) -> Result<&Operations, Problem> {
    let operations = request.data::<Operations>();
    operations.ok_or_else(|| Problem::of(ProblemCode::Internal))
}

/// Whoever signed the request, or else whoever its bearer token is of.
async fn caller_of(request: &Request) -> Result<Caller, Problem> {
    if let Some(Proven(caller)) = request.extensions().get::<Proven>() {
        return Ok(caller.clone());
    }
    let bearer = Bearer::from_request(request)?;
    let from = peer::address_of(request);
    let operations = operations_of(request)?;
    Ok(operations.authenticate(&bearer.token, from).await?)
}

async fn session_of(request: &Request) -> Result<Session, Problem> {
    let caller = caller_of(request).await?;
    let operations = operations_of(request)?;
    Span::current().record("tenant.id", caller.tenant_id.as_str());
    tenancy::recognise(&Tenancy::Tenant(caller.tenant_id.clone()))
        .map_err(|error| Problem::of(ProblemCode::Internal).cause(&error))?;
    rate_limits::admit(request, operations, &caller)?;
    Ok(Session {
        operations: operations.clone(),
        caller,
    })
}

fn register_schemes(registry: &mut Registry) {
    let scheme = |ty, description| MetaSecurityScheme {
        ty,
        description: Some(description),
        name: None,
        key_in: None,
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    };
    let api_key = MetaSecurityScheme {
        scheme: Some("bearer"),
        bearer_format: Some("trb_…"),
        ..scheme("http", API_KEY_TOLD)
    };
    let access_token = MetaSecurityScheme {
        flows: Some(token_flow()),
        ..scheme("oauth2", ACCESS_TOKEN_TOLD)
    };
    let certificate = MetaSecurityScheme {
        key_in: Some("header"),
        name: Some("Authorization"),
        ..scheme("apiKey", CERTIFICATE_TOLD)
    };
    registry.create_security_scheme(API_KEY, api_key);
    registry.create_security_scheme(ACCESS_TOKEN, access_token);
    registry.create_security_scheme(CERTIFICATE, certificate);
}

fn token_flow() -> MetaOAuthFlows {
    let scopes = Scope::ALL.iter().map(|scope| MetaOAuthScope {
        name: scope.as_str(),
        description: Some(told(*scope)),
    });
    MetaOAuthFlows {
        implicit: None,
        password: None,
        client_credentials: Some(MetaOAuthFlow {
            authorization_url: None,
            token_url: Some(TOKEN_URL),
            refresh_url: None,
            scopes: scopes.collect(),
        }),
        authorization_code: None,
    }
}

const fn told(scope: Scope) -> &'static str {
    match scope {
        Scope::OrdersRead => "See orders.",
        Scope::OrdersWrite => "Create, close and sync orders; exchange login codes.",
        Scope::RefundsRead => "See refunds.",
        Scope::RefundsWrite => "Refund orders.",
        Scope::BillsRead => "See bills and what differs from them.",
        Scope::EventsRead => "Read the events feed.",
        Scope::WebhooksRead => "See webhook endpoints and deliveries.",
        Scope::WebhooksWrite => "Manage webhook endpoints, retry deliveries.",
    }
}
