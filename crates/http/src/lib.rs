//! The tenant API and the receiver of WeChat's notifications, driven by requests.
//!
//! A handler authenticates, parses, makes one call into operations and renders; rules live below. This crate may use
//! `domain` and `operations`, and never SQL, secrets or the WeChat Pay protocol.
//!
//! Read [`routes`] first, then `tenant_api/orders.rs` for what a handler looks like, `json.rs` for what a body must
//! pass, `problem.rs` for how errors become answers, `openapi.rs` for how the document is made.

mod admin_api;
mod auth;
mod body;
mod completion;
mod docs;
mod figures;
mod health;
mod idempotency_key;
mod json;
mod oauth;
mod openapi;
mod pagination;
mod peer;
mod problem;
mod rate_limits;
mod request_log;
mod route_table;
mod shedding;
mod signed_calls;
mod tenant_api;
mod wechat_notify;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::middleware::AddData;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Route, get, post};
use tributary_domain::credential::NetworkList;
use tributary_operations::{Operations, tenancy};

pub use figures::Figures;
use openapi::Audience;
use peer::TrustedProxies;
use request_log::RequestLog;
use shedding::Shedding;
use signed_calls::{Proving, SignedAnswers};

/// How many requests are served at once unless the installation says otherwise.
pub const REQUESTS_AT_ONCE: usize = 512;

/// What may be chosen about the routes.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Whether the documents and the pages that show them are served.
    pub serve_documents: bool,
    /// The proxies in front of us, whose word on where a call comes from is taken.
    pub trusted_proxies: NetworkList,
    /// How many requests are served at once; those beyond are refused at once.
    pub requests_at_once: usize,
    /// What the process counts, where it is counted.
    pub figures: Option<Figures>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            serve_documents: true,
            trusted_proxies: NetworkList::default(),
            requests_at_once: REQUESTS_AT_ONCE,
            figures: None,
        }
    }
}

/// A page that is served beside the API, with its path; it takes GET.
pub type Page = (&'static str, BoxEndpoint<'static>);

/// Every route of the tenant API, the receiver, the documents and the probes, and the pages beside them.
///
/// All are within one log and one form of errors, whatever is asked for.
pub fn routes(
    operations: Operations,
    options: &HttpOptions,
    beside: Vec<Page>,
) -> impl IntoEndpoint + use<> {
    SignedAnswers(logged(options, beside))
        .with(AddData::new(TrustedProxies(
            options.trusted_proxies.clone(),
        )))
        .with(AddData::new(options.figures.clone()))
        .with(AddData::new(operations))
}

fn table(options: &HttpOptions) -> Route {
    let routes = Route::new()
        .at("/healthz", get(health::healthz))
        .at("/readyz", get(health::readyz))
        .at(wechat_notify::ROUTE, post(wechat_notify::receive))
        .at(oauth::TOKEN_ROUTE, post(oauth::give_token))
        .at(oauth::KEYS_ROUTE, get(oauth::show_keys))
        .nest_no_strip(
            "/v1",
            Proving(openapi::tenant_service().around(for_whoever_is_recognised)),
        )
        .nest_no_strip(
            "/admin/v1",
            openapi::admin_service()
                .around(for_whoever_is_recognised)
                .around(admin_api::guards::same_site_only),
        );
    if !options.serve_documents {
        return routes;
    }
    Audience::ALL.into_iter().fold(routes, |routes, audience| {
        routes
            .at(audience.document_path(), get(docs::document(audience)))
            .at(audience.page_path(), get(docs::browser(audience)))
    })
}

/// Lets a request reach nothing until its caller is recognised, and then only what is the caller's.
async fn for_whoever_is_recognised<E: Endpoint>(
    endpoint: Arc<E>,
    request: Request,
) -> poem::Result<E::Output> {
    tenancy::unrecognised(endpoint.call(request)).await
}

fn logged(options: &HttpOptions, beside: Vec<Page>) -> RequestLog<Shedding<Route>> {
    let mut methods = openapi::route_table();
    let mut routes = table(options);
    for (path, page) in beside {
        methods.add(path, "GET");
        routes = routes.at(path, page);
    }
    RequestLog::new(Shedding::new(routes, options.requests_at_once), methods)
}

/// The OpenAPI document of the tenant API, as it is committed and served.
pub fn tenant_document() -> &'static str {
    openapi::json_of(Audience::Tenant)
}

/// The OpenAPI document of the admin API, as it is committed and served.
pub fn admin_document() -> &'static str {
    openapi::json_of(Audience::Staff)
}

#[cfg(test)]
mod tests;
