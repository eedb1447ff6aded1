//! The admin UI: the built files of `admin-ui`, embedded, compressed beforehand, under a strict policy.
//!
//! Files whose names hold their hash never change, so browsers keep them for good. The page itself is never kept: each
//! answer carries a fresh nonce, which the policy names and the page hands to the library that adds styles. Every
//! address below `/admin/` that a person opens is the page, because the page has its own routes; what a script asks
//! for is there or it is not.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::endpoint::BoxEndpoint;
use poem::error::NotFoundError;
use poem::http::{StatusCode, header};
use poem::{EndpointExt, Request, Response, get, handler};
use rust_embed::Embed;
use tributary_http::Page;

const ROOT: &str = "/admin";
/// The built page, and the mark in it that becomes the nonce of an answer.
const INDEX: &str = "index.html";
const NONCE_MARK: &str = "__TRIBUTARY_NONCE__";
const NONCE_BYTES: usize = 16;
/// Where hashed names live.
const ASSETS: &str = "assets/";
const FOREVER: &str = "public, max-age=31536000, immutable";
const ONE_HOUR: &str = "public, max-age=3600";
/// What is embedded in the order of preference, by the name that `Accept-Encoding` gives it.
const FORMS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// What to read where the build has no UI.
const PLACEHOLDER: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Tributary</title>\
    <h1>No admin UI in this build</h1>\
    <p>This program was built without Node.js. To build it with the UI: <code>make run</code>, or <code>npm ci</code> \
    and <code>npm run build</code> in <code>admin-ui</code>, then build again.</p>\
    <p lang=zh>此构建不含管理台：请用 <code>make run</code>，或在 <code>admin-ui</code> 中执行 <code>npm ci</code> 与 \
    <code>npm run build</code> 后重新编译。</p>\
    <p>Everything can be managed on the command line too: <code>tributary admin --help</code>.</p></html>";

#[derive(Embed)]
#[folder = "../../admin-ui/dist"]
struct Files;

/// The routes of the UI, which stand beside the API.
pub(crate) fn pages() -> Vec<Page> {
    let page = |path, endpoint: BoxEndpoint<'static>| -> Page { (path, endpoint) };
    vec![
        page(ROOT, get(page_or_file).boxed()),
        page("/admin/", get(page_or_file).boxed()),
        page("/admin/*path", get(page_or_file).boxed()),
    ]
}

#[handler]
fn page_or_file(request: &Request) -> poem::Result<Response> {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    let name = path.trim_start_matches('/');
    if let Some(response) = file(name, accepted(request)) {
        return Ok(response);
    }
    if name.starts_with(ASSETS) || !is_navigation(request) {
        return Err(NotFoundError.into());
    }
    Ok(index().unwrap_or_else(|| html(PLACEHOLDER.to_owned(), &policy(""))))
}

/// Whether a person opens the address, and not a script.
fn is_navigation(request: &Request) -> bool {
    match request.header("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => request
            .header(header::ACCEPT)
            .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*")),
    }
}

fn accepted(request: &Request) -> &str {
    request.header(header::ACCEPT_ENCODING).unwrap_or_default()
}

/// One of the built files, in the smallest form that the browser takes; the page itself is no such file.
fn file(name: &str, accepted: &str) -> Option<Response> {
    let kind = content_type(name)?;
    let lifetime = if name.starts_with(ASSETS) {
        FOREVER
    } else {
        ONE_HOUR
    };
    let form = FORMS
        .iter()
        .filter(|(encoding, _)| takes(accepted, encoding))
        .find_map(|(encoding, suffix)| {
            Some((*encoding, Files::get(&format!("{name}{suffix}"))?.data))
        });
    let response = Response::builder()
        .content_type(kind)
        .header(header::CACHE_CONTROL, lifetime)
        .header(header::VARY, "Accept-Encoding");
    Some(match form {
        Some((encoding, content)) => response
            .header(header::CONTENT_ENCODING, encoding)
            .body(bytes(content)),
        None => response.body(bytes(Files::get(name)?.data)),
    })
}

/// The kinds of files that are served; no others are, whatever lies in the folder.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Whether `Accept-Encoding` names an encoding without forbidding it.
fn takes(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let is_refused = parts.any(|part| {
            matches!(
                part.strip_prefix("q="),
                Some("0" | "0.0" | "0.00" | "0.000")
            )
        });
        named && !is_refused
    })
}

fn bytes(content: Cow<'static, [u8]>) -> poem::Body {
    match content {
        Cow::Borrowed(content) => poem::Body::from_bytes(content.into()),
        Cow::Owned(content) => content.into(),
    }
}

/// The page with a fresh nonce; absent where the build has none.
fn index() -> Option<Response> {
    let template = Files::get(INDEX)?.data;
    let template = std::str::from_utf8(&template).ok()?;
    let nonce = STANDARD.encode(rand::random::<[u8; NONCE_BYTES]>());
    let policy = policy(&format!(" 'nonce-{nonce}'"));
    Some(html(template.replace(NONCE_MARK, &nonce), &policy))
}

/// Nothing from other hosts, no inline script, and inline styles by the nonce of this answer only.
fn policy(style_nonce: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self'{style_nonce}; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

fn html(content: String, policy: &str) -> Response {
    Response::builder()
        .status(StatusCode::OK)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .header(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=()",
        )
        .body(content)
}

#[cfg(test)]
mod tests;
