//! The document to read by programs, and to browse by people. The page loads nothing from anywhere else.

use std::sync::LazyLock;

use poem::endpoint::make_sync;
use poem::http::{HeaderValue, header};
use poem::{Endpoint, IntoResponse, Response};

use crate::openapi::{self, Audience};

/// Even if the page wanted to, it could not reach another host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

static TENANT_PAGE: LazyLock<String> = LazyLock::new(|| page(Audience::Tenant));
static ADMIN_PAGE: LazyLock<String> = LazyLock::new(|| page(Audience::Staff));

/// A document.
pub(crate) fn document(audience: Audience) -> impl Endpoint<Output = Response> {
    make_sync(move |_| {
        with_header(
            openapi::json_of(audience),
            header::CONTENT_TYPE,
            "application/json",
        )
    })
}

/// A document in Swagger UI.
pub(crate) fn browser(audience: Audience) -> impl Endpoint<Output = Response> {
    make_sync(move |_| {
        let page = match audience {
            Audience::Tenant => TENANT_PAGE.as_str(),
            Audience::Staff => ADMIN_PAGE.as_str(),
        };
        with_header(page, header::CONTENT_TYPE, "text/html; charset=utf-8")
            .with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
            .into_response()
    })
}

fn with_header(body: &'static str, name: header::HeaderName, value: &'static str) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// The library's page shows the library's own document; ours is the post-processed one.
fn page(audience: Audience) -> String {
    // Inside a script element, a closing tag in a text would end the script.
    let ours = openapi::json_of(audience).replace("</", "<\\/");
    audience
        .swagger_ui()
        .replacen(&audience.spec(), &ours, 1)
        .replacen(
            "<title>Swagger UI</title>",
            &format!("<title>{}</title>", audience.page_title()),
            1,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_published_document() {
        for audience in Audience::ALL {
            let page = page(audience);
            assert!(page.contains("\"openapi\": \"3.1.0\""));
            assert!(!page.contains("\"openapi\": \"3.0.0\""));
            assert!(page.contains(audience.page_title()));
        }
    }

    #[test]
    fn the_page_names_no_other_host_to_load_from() {
        let page = page(Audience::Tenant);
        let tags = page.split('<').filter(|tag| !tag.starts_with('/'));
        let loads = |tag: &&str| tag.starts_with("link ") || tag.starts_with("script src");
        assert_eq!(tags.filter(loads).count(), 0);
    }
}
