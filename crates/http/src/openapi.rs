//! The OpenAPI documents: the library describes the code, and the rest is added here from tables.
//!
//! The library writes 3.0.0 without examples, error answers and limits. What it cannot say comes from `answers.rs`
//! (errors), from the tables in the folder of each [`Audience`], and from `events.rs` (webhooks).

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by a key never panics when read, and grows when written"
)]

mod answers;
mod audience;
pub(crate) mod event_schemas;
mod events;
mod tables;

use std::sync::LazyLock;

use poem_openapi::{LicenseObject, OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use crate::admin_api::{ADMIN_API, AdminApi};
use crate::oauth;
use crate::route_table::RouteTable;
use crate::tenant_api::{TENANT_API, TenantApi};

pub(crate) use audience::Audience;

const VERSION: &str = "1.0.0";
/// What is not of the library's making: its errors have a shape of their own.
const OAUTH: &str = include_str!("openapi/tenant/oauth.json");

static TENANT_JSON: LazyLock<String> = LazyLock::new(|| text_of(Audience::Tenant));
static ADMIN_JSON: LazyLock<String> = LazyLock::new(|| text_of(Audience::Staff));

/// A document, as it is committed and served.
pub(crate) fn json_of(audience: Audience) -> &'static str {
    match audience {
        Audience::Tenant => TENANT_JSON.as_str(),
        Audience::Staff => ADMIN_JSON.as_str(),
    }
}

fn text_of(audience: Audience) -> String {
    let mut text = serde_json::to_string_pretty(&document(audience)).unwrap_or_default();
    text.push('\n');
    text
}

/// The tenant API as an endpoint.
pub(crate) fn tenant_service() -> OpenApiService<TenantApi, ()> {
    described(Audience::Tenant, TENANT_API)
}

/// The admin API as an endpoint.
pub(crate) fn admin_service() -> OpenApiService<AdminApi, ()> {
    described(Audience::Staff, ADMIN_API)
}

fn described<T>(audience: Audience, api: T) -> OpenApiService<T, ()> {
    OpenApiService::new(api, audience.title(), VERSION)
        .description(audience.description())
        .license(LicenseObject::new("Apache-2.0").identifier("Apache-2.0"))
}

/// Every route with the methods it takes.
pub(crate) fn route_table() -> RouteTable {
    let mut table = RouteTable::default();
    let apis = TenantApi::meta().into_iter().chain(AdminApi::meta());
    for path in apis.flat_map(|api| api.paths) {
        for operation in path.operations {
            table.add(&path.path, operation.method.as_str());
        }
    }
    for page in ["/healthz", "/readyz"] {
        table.add(page, "GET");
    }
    for audience in Audience::ALL {
        table.add(audience.document_path(), "GET");
        table.add(audience.page_path(), "GET");
    }
    table.add("/wechat/notify/{route_token}/{kind}", "POST");
    table.add(oauth::TOKEN_ROUTE, "POST");
    table.add(oauth::KEYS_ROUTE, "GET");
    table
}

fn document(audience: Audience) -> Value {
    let mut document: Value = serde_json::from_str(&audience.spec()).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["servers"] =
        json!([{ "url": "/", "description": "The host that serves this document" }]);
    add_unreferenced_schemas(&mut document, audience);
    tables::write_bounds_whole(&mut document);
    tables::write_null_as_type(&mut document);
    answers::add(&mut document, audience);
    tables::close_requests(&mut document);
    tables::add_limits(&mut document, &audience.limits());
    tables::add_examples(&mut document, &audience.examples());
    if audience == Audience::Tenant {
        tables::add_paths(&mut document, OAUTH);
        events::add(&mut document);
    }
    join_references(&mut document);
    document
}

/// The library drops what no operation of its own refers to, such as the problem.
fn add_unreferenced_schemas(document: &mut Value, audience: Audience) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, schema) in &audience.registry().schemas {
        let schema = || serde_json::to_value(schema).unwrap_or_default();
        schemas.entry(name.clone()).or_insert_with(schema);
    }
    schemas.sort_keys();
    let words = audience.codes().map(|code| json!(code.as_str()));
    document["components"]["schemas"]["ProblemCode"]["enum"] = words.collect();
}

/// 3.0 needs `allOf` to say more about a reference; in 3.1 a reference has room for it, and generators understand it.
fn join_references(value: &mut Value) {
    let parts = value.get("allOf").and_then(Value::as_array);
    let reference = match parts.map(Vec::as_slice) {
        Some([reference, _]) => reference.get("$ref").cloned(),
        _ => None,
    };
    if let (Some(reference), Some(schema)) = (reference, value.as_object_mut()) {
        schema.shift_remove("allOf");
        schema.shift_insert(0, String::from("$ref"), reference);
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(join_references),
        Value::Array(items) => items.iter_mut().for_each(join_references),
        _ => {}
    }
}

/// Every operation of the document: its path, its method, itself.
fn operations(
    document: &mut Value,
) -> impl Iterator<Item = (&String, &String, &mut Map<String, Value>)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths.into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods
            .filter_map(move |(method, operation)| Some((path, method, operation.as_object_mut()?)))
    })
}

#[cfg(test)]
mod tests;
