//! The receivers of the demo's other tenants, beside the demo tenant's own: each answers as it always does.

use poem::http::StatusCode;
use poem::web::Path;
use poem::{Route, handler, post};

/// A receiver that fails whatever it is sent.
pub(in crate::dev) const BROKEN: &str = "moyun-flowers";
/// A receiver that somebody took away.
pub(in crate::dev) const GONE: &str = "qinghe-old-erp";
/// Under which path a receiver stands.
const PATH: &str = "/shops/:name/webhooks";

/// The routes of a process that plays the past.
pub(super) fn routes() -> Route {
    add(Route::new())
}

/// The same beside others.
pub(in crate::dev) fn add(routes: Route) -> Route {
    routes.at(PATH, post(take))
}

/// Where a receiver is.
pub(super) fn url(base: &str, name: &str) -> String {
    format!("{base}{}", PATH.replace(":name", name))
}

/// Nobody reads what these receivers are sent.
#[handler]
fn take(Path(name): Path<String>) -> StatusCode {
    match name.as_str() {
        BROKEN => StatusCode::INTERNAL_SERVER_ERROR,
        GONE => StatusCode::GONE,
        _ => StatusCode::NO_CONTENT,
    }
}
