//! The tenant API and the receiver of WeChat's notifications, driven by requests.
//!
//! A handler authenticates, parses, makes one call into operations and renders; rules live below. This crate may use
//! `domain` and `operations`, and never SQL, secrets or the WeChat Pay protocol.
//!
//! Read [`routes`] first, then `tenant_api/orders.rs` for what a handler looks like, `json.rs` for what a body must
//! pass, `problem.rs` for how errors become answers, `openapi.rs` for how the document is made.

mod auth;
mod body;
mod completion;
mod docs;
mod health;
mod idempotency_key;
mod json;
mod openapi;
mod pagination;
mod problem;
mod request_log;
mod route_table;
mod tenant_api;
mod wechat_notify;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::middleware::AddData;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Route, get, post};
use tributary_operations::{Operations, tenancy};

use request_log::RequestLog;

/// What may be chosen about the routes.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Whether `/docs` and `/openapi/tenant.json` are served.
    pub serve_documents: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            serve_documents: true,
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
    logged(options, beside).with(AddData::new(operations))
}

fn table(options: &HttpOptions) -> Route {
    let routes = Route::new()
        .at("/healthz", get(health::healthz))
        .at("/readyz", get(health::readyz))
        .at(wechat_notify::ROUTE, post(wechat_notify::receive))
        .nest_no_strip("/v1", openapi::service().around(for_whoever_is_recognised));
    if !options.serve_documents {
        return routes;
    }
    routes
        .at("/openapi/tenant.json", get(docs::tenant_json))
        .at("/docs", get(docs::browser))
}

/// Lets a request reach nothing until its caller is recognised, and then only what is the caller's.
async fn for_whoever_is_recognised<E: Endpoint>(
    endpoint: Arc<E>,
    request: Request,
) -> poem::Result<E::Output> {
    tenancy::unrecognised(endpoint.call(request)).await
}

fn logged(options: &HttpOptions, beside: Vec<Page>) -> RequestLog<Route> {
    let mut methods = openapi::route_table();
    let mut routes = table(options);
    for (path, page) in beside {
        methods.add(path, "GET");
        routes = routes.at(path, page);
    }
    RequestLog::new(routes, methods)
}

/// The OpenAPI document of the tenant API, as it is committed and served.
pub fn tenant_document() -> String {
    openapi::TENANT_JSON.clone()
}

#[cfg(test)]
mod tests;
