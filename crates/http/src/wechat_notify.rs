//! Where WeChat's notifications come in: raw bytes to one operation, an answer in WeChat's own format.
//!
//! A 204 leaves here only after operations has committed the notification.

use std::time::Duration;

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::{Data, Path};
use poem::{Body, IntoResponse, Request, Response, handler};
use serde_json::json;
use tributary_operations::notifications::{KIND_ECHO, KIND_REFUND, KIND_TRANSACTION, NotifyError};
use tributary_operations::{Operations, tenancy};

use crate::body::{self, BodyError};

/// The route; its token names a provider and authenticates nothing.
pub(crate) const ROUTE: &str = "/wechat/notify/:route_token/:kind";

const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// WeChat gives up after five seconds; an answer before that keeps its records and ours alike.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Why a notification is not acknowledged.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// Its body could not be read.
    #[error("{0}")]
    Unread(BodyError),
    /// Operations refused it.
    #[error("{0}")]
    Notify(NotifyError),
    /// It took too long, or broke: nothing is known to be stored.
    #[error("the notification could not be stored in time")]
    Broken,
}

/// Takes one notification.
#[handler]
pub(crate) async fn receive(
    request: &Request,
    Path((route_token, kind)): Path<(String, String)>,
    body: Body,
    Data(operations): Data<&Operations>,
) -> Response {
    let operations = operations.clone();
    let headers = header_pairs(request);
    let taken = async {
        if ![KIND_TRANSACTION, KIND_REFUND, KIND_ECHO].contains(&kind.as_str()) {
            return Err(Refusal::Notify(NotifyError::UnknownRoute));
        }
        let body = body::read_within(body, READ_TIMEOUT)
            .await
            .map_err(Refusal::Unread)?;
        // A task of its own: the work is not cut in two when WeChat hangs up.
        let work = tokio::spawn(tenancy::platform(async move {
            operations
                .receive_notification(&route_token, &headers, &body)
                .await
        }));
        let done = tokio::time::timeout(RECEIVE_TIMEOUT, work).await;
        let done = done
            .map_err(|_| Refusal::Broken)?
            .map_err(|_| Refusal::Broken)?;
        done.map(|_| ()).map_err(Refusal::Notify)
    };
    match taken.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => fail(&refusal),
    }
}

fn header_pairs(request: &Request) -> Vec<(String, String)> {
    let headers = request.headers().iter();
    headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

fn fail(refusal: &Refusal) -> Response {
    let body = json!({ "code": "FAIL", "message": refusal.to_string() }).to_string();
    let mut response = body.into_response();
    response.set_status(status_of(refusal));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// WeChat repeats a notification after anything but a 2xx; the status is for its records and for ours.
fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unread(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Unread(BodyError::TooSlow | BodyError::Interrupted) => StatusCode::REQUEST_TIMEOUT,
        Refusal::Notify(NotifyError::UnknownRoute) => StatusCode::NOT_FOUND,
        Refusal::Notify(NotifyError::Unverified { .. }) => StatusCode::UNAUTHORIZED,
        Refusal::Notify(_) | Refusal::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_is_told_in_wechats_format() {
        let response = fail(&Refusal::Notify(NotifyError::Unverified { probe: true }));
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let body = response.into_body().into_string().await.unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["code"], "FAIL");
        assert!(body["message"].is_string());
    }

    #[test]
    fn what_is_not_stored_is_never_acknowledged() {
        let refusals = [
            Refusal::Broken,
            Refusal::Unread(BodyError::TooLarge),
            Refusal::Unread(BodyError::TooSlow),
            Refusal::Notify(NotifyError::UnknownRoute),
            Refusal::Notify(NotifyError::UnknownSerial),
            Refusal::Notify(NotifyError::Undecryptable),
        ];
        assert!(
            refusals
                .iter()
                .all(|refusal| !status_of(refusal).is_success())
        );
    }
}
