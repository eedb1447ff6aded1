//! Who is calling, and whether it may: bearer API keys and their scopes.

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use tracing::Span;
use tributary_domain::tenant::Scope;
use tributary_operations::Operations;
use tributary_operations::credentials::Caller;

use crate::problem::{Problem, ProblemCode};
use crate::rate_limits;

/// A tenant's API key: `Authorization: Bearer trb_live_…` or `trb_test_…`. The mode of the key chooses the world: no
/// object of one is seen by the other.
#[derive(SecurityScheme)]
#[oai(
    rename = "apiKey",
    ty = "bearer",
    bearer_format = "trb_…",
    checker = "check_key"
)]
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
    /// The session, when its key has the scope.
    pub(crate) fn allow(self, scope: Scope) -> Result<Session, Problem> {
        self.0.caller.require(scope)?;
        Ok(self.0)
    }

    /// The session of any valid key.
    pub(crate) fn any(self) -> Session {
        self.0
    }
}

/// Keys that must have a scope before anything else of the request is judged, its body above all.
macro_rules! authorized {
    ($name:ident, $check:ident, $path:tt, $scope:expr) => {
        /// A tenant's API key: `Authorization: Bearer trb_live_…` or `trb_test_…`. The mode of the key chooses the
        /// world: no object of one is seen by the other.
        #[derive(SecurityScheme)]
        #[oai(rename = "apiKey", ty = "bearer", bearer_format = "trb_…", checker = $path)]
        pub(crate) struct $name(Session);

        impl $name {
            /// The session, whose key has the scope.
            pub(crate) fn session(self) -> Session {
                self.0
            }
        }

        async fn $check(request: &Request, bearer: Bearer) -> poem::Result<Session> {
            let session = check_key(request, bearer).await?;
            session.caller.require($scope).map_err(Problem::from)?;
            Ok(session)
        }
    };
}

authorized!(
    OrdersWriter,
    check_orders_writer,
    "check_orders_writer",
    Scope::OrdersWrite
);
authorized!(
    RefundsWriter,
    check_refunds_writer,
    "check_refunds_writer",
    Scope::RefundsWrite
);
authorized!(
    WebhooksWriter,
    check_webhooks_writer,
    "check_webhooks_writer",
    Scope::WebhooksWrite
);

async fn check_key(request: &Request, bearer: Bearer) -> poem::Result<Session> {
    let operations = request
        .data::<Operations>()
        .ok_or_else(|| Problem::of(ProblemCode::Internal))?;
    let caller = operations
        .authenticate(&bearer.token)
        .await
        .map_err(Problem::from)?;
    Span::current().record("tenant.id", caller.tenant_id.as_str());
    rate_limits::admit(request, operations, &caller)?;
    Ok(Session {
        operations: operations.clone(),
        caller,
    })
}
