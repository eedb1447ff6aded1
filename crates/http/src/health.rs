//! Whether the process lives, and whether it can serve.

use poem::handler;
use poem::http::StatusCode;
use poem::web::Data;
use tributary_operations::{Operations, tenancy};

/// The process answers.
#[handler]
pub(crate) fn healthz() -> &'static str {
    "ok\n"
}

/// The process can reach its storage.
#[handler]
pub(crate) async fn readyz(Data(operations): Data<&Operations>) -> (StatusCode, String) {
    match tenancy::platform(operations.ready()).await {
        Ok(0) => (StatusCode::OK, String::from("ready\n")),
        Ok(stuck) => {
            let warning = format!("ready\nwarning: {stuck} rows without a next action\n");
            (StatusCode::OK, warning)
        }
        Err(error) => {
            tracing::warn!(error = %error, "storage does not answer");
            let text = String::from("storage does not answer\n");
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}
