//! What the routes answer before any use case is asked.

use poem::endpoint::make_sync;
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response};
use serde_json::Value;

use super::*;

async fn ask(method: Method, path: &str) -> Response {
    let uri = path.parse().unwrap();
    let request = Request::builder().method(method).uri(uri).finish();
    let page = get(make_sync(|_| "a page")).boxed();
    logged(&HttpOptions::default(), vec![("/beside/", page)])
        .call(request)
        .await
        .unwrap()
}

async fn problem(response: Response) -> Value {
    assert_eq!(response.content_type(), Some("application/problem+json"));
    let id = response.header("x-request-id").unwrap().to_owned();
    let text = response.into_body().into_string().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["request_id"], id.as_str());
    body
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/orders/",
        "/nothing",
        "/v1/orders/a/b/c",
        "/v1/orders/%ff",
        "/%00",
    ] {
        let response = ask(Method::GET, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(problem(response).await["code"], "not_found");
    }
}

#[tokio::test]
async fn a_notification_to_no_text_is_a_problem_too() {
    let response = ask(Method::POST, "/wechat/notify/%ff/transaction").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(problem(response).await["code"], "not_found");
}

#[tokio::test]
async fn a_page_beside_is_judged_as_the_api_is() {
    let page = ask(Method::GET, "/beside/").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.header("x-request-id").is_some());
    let response = ask(Method::PUT, "/beside/").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.header("allow"), Some("GET"));
    assert_eq!(problem(response).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn every_operation_refuses_a_call_without_a_key() {
    // Whoever comes here has nothing yet.
    let open = ["/admin/v1/session", "/admin/v1/invitations/accept"];
    for (path, methods) in openapi::route_table().iter() {
        let is_guarded = path.contains("/v1/")
            && path != "/v1/meta/platform-certificates"
            && !open.contains(&path);
        for method in methods.split(", ").filter(|_| is_guarded) {
            let path = path.replace(['{', '}'], "");
            let response = ask(method.parse().unwrap(), &path).await;
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{method} {path}"
            );
            assert_eq!(response.header("www-authenticate"), Some("Bearer"));
            assert_eq!(problem(response).await["code"], "unauthorized");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    for (path, methods) in openapi::route_table().iter() {
        let wrong = if methods.contains("PUT") {
            Method::TRACE
        } else {
            Method::PUT
        };
        let response = ask(wrong, &path.replace(['{', '}'], "")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.header("allow"), Some(methods), "{path}");
        assert_eq!(problem(response).await["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_committed() {
    for audience in Audience::ALL {
        let response = ask(Method::GET, audience.document_path()).await;
        assert_eq!(response.content_type(), Some("application/json"));
        assert_eq!(
            response.into_body().into_string().await.unwrap(),
            openapi::json_of(audience)
        );
    }
}

#[tokio::test]
async fn the_documents_can_be_switched_off() {
    let options = HttpOptions {
        serve_documents: false,
        ..HttpOptions::default()
    };
    let uri = poem::http::Uri::from_static("/docs");
    let request = Request::builder().uri(uri).finish();
    let response = logged(&options, vec![]).call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_may_not_reach_another_host() {
    let response = ask(Method::GET, "/docs").await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    assert!(!policy.contains("http"));
}

#[tokio::test]
async fn the_process_says_that_it_lives() {
    assert_eq!(ask(Method::GET, "/healthz").await.status(), StatusCode::OK);
}
