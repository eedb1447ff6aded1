//! The UI as a browser asks for it; what the built page holds is tested in `admin-ui`.

use poem::http::Method;
use poem::{Endpoint, Response, Route};

use super::*;

fn routes() -> Route {
    let api = Route::new().at("/known", get(poem::endpoint::make_sync(|_| "api")));
    let routes = Route::new().nest("/admin/v1", api);
    pages()
        .into_iter()
        .fold(routes, |routes, (path, page)| routes.at(path, page))
}

async fn ask(path: &'static str, headers: &[(&'static str, &'static str)]) -> Response {
    let mut request = Request::builder().method(Method::GET).uri_str(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    routes().get_response(request.finish()).await
}

const OPENED: &[(&str, &str)] = &[("sec-fetch-mode", "navigate")];
const BY_A_SCRIPT: &[(&str, &str)] = &[("sec-fetch-mode", "cors"), ("accept", "*/*")];

#[tokio::test]
async fn every_address_that_a_person_opens_is_the_page() {
    for path in [
        "/admin",
        "/admin/",
        "/admin/orders",
        "/admin/orders/ord_1?tab=raw",
    ] {
        let response = ask(path, OPENED).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let kind = response.content_type().unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        assert_eq!(response.header(header::CACHE_CONTROL), Some("no-store"));
    }
}

#[tokio::test]
async fn a_script_that_asks_for_what_is_not_there_gets_no_page() {
    for path in [
        "/admin/orders",
        "/admin/assets/gone.js",
        "/admin/missing.json",
    ] {
        assert_eq!(
            ask(path, BY_A_SCRIPT).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(
        ask("/admin/assets/gone.js", OPENED).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_page_never_stands_in_for_the_api() {
    assert_eq!(
        ask("/admin/v1/known", OPENED).await.status(),
        StatusCode::OK
    );
    for path in ["/admin/v1/unknown", "/admin/v1"] {
        let response = ask(path, OPENED).await;
        let kind = response.content_type().unwrap_or_default().to_owned();
        assert!(!kind.starts_with("text/html"), "{path}: {kind}");
    }
}

#[tokio::test]
async fn the_policy_of_each_page_is_strict_and_its_nonce_new() {
    let first = ask("/admin/", OPENED).await;
    let policy = first
        .header(header::CONTENT_SECURITY_POLICY)
        .unwrap_or_default()
        .to_owned();
    for rule in [
        "default-src 'self'",
        "script-src 'self';",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    if index().is_some() {
        let second = ask("/admin/", OPENED).await;
        assert_ne!(
            second.header(header::CONTENT_SECURITY_POLICY),
            Some(policy.as_str())
        );
        let page = second.into_body().into_string().await.unwrap();
        assert!(!page.contains(NONCE_MARK), "{page}");
    }
}

#[test]
fn only_what_a_browser_takes_is_sent_compressed() {
    assert!(takes("gzip, deflate, br, zstd", "br"));
    assert!(takes("BR;q=0.8", "br"));
    assert!(!takes("br;q=0, gzip", "br"));
    assert!(!takes("brotli", "br"));
    assert!(!takes("", "gzip"));
}

#[test]
fn only_scripts_styles_and_drawings_are_files() {
    for name in [
        "manifest.json",
        ".gitignore",
        "index.html",
        "assets/x.js.map",
        "assets/x.js.br",
    ] {
        assert_eq!(content_type(name), None, "{name}");
    }
    assert!(file("../Cargo.toml", "").is_none());
    assert!(file("../../index.css", "").is_none());
}
