//! The document to read by programs, and to browse by people. The page loads nothing from anywhere else.

use std::sync::LazyLock;

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response, handler};

use crate::openapi::{self, TENANT_JSON};

/// Even if the page wanted to, it could not reach another host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

static PAGE: LazyLock<String> = LazyLock::new(page);

/// The document.
#[handler]
pub(crate) fn tenant_json() -> Response {
    with_header(
        TENANT_JSON.as_str(),
        header::CONTENT_TYPE,
        "application/json",
    )
}

/// The document in Swagger UI.
#[handler]
pub(crate) fn browser() -> Response {
    let page = with_header(
        PAGE.as_str(),
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    page.with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
        .into_response()
}

fn with_header(body: &'static str, name: header::HeaderName, value: &'static str) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// The library's page shows the library's own document; ours is the post-processed one.
fn page() -> String {
    let service = openapi::service();
    // Inside a script element, a closing tag in a text would end the script.
    let ours = TENANT_JSON.replace("</", "<\\/");
    service
        .swagger_ui_html()
        .replacen(&service.spec(), &ours, 1)
        .replacen(
            "<title>Swagger UI</title>",
            "<title>Tributary: tenant API</title>",
            1,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_published_document() {
        let page = page();
        assert!(page.contains("\"openapi\": \"3.1.0\""));
        assert!(!page.contains("\"openapi\": \"3.0.0\""));
        assert!(page.contains("<title>Tributary: tenant API</title>"));
    }

    #[test]
    fn the_page_names_no_other_host_to_load_from() {
        let page = page();
        let tags = page.split('<').filter(|tag| !tag.starts_with('/'));
        let loads = |tag: &&str| tag.starts_with("link ") || tag.starts_with("script src");
        assert_eq!(tags.filter(loads).count(), 0);
    }
}
