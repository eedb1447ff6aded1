//! Whether the process lives, and whether it can serve.

use poem::handler;
use poem::http::StatusCode;
use poem::web::Data;
use tributary_operations::Operations;

/// The process answers.
#[handler]
pub(crate) fn healthz() -> &'static str {
    "ok\n"
}

/// The process can reach its storage.
#[handler]
pub(crate) async fn readyz(Data(operations): Data<&Operations>) -> (StatusCode, &'static str) {
    match operations.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error = %error, "storage does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "storage does not answer\n")
        }
    }
}
