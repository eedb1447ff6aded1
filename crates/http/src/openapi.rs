//! The OpenAPI document: the library describes the code, and the rest is added here from tables.
//!
//! The library writes 3.0.0 without examples, error answers and limits. What it cannot say comes from `answers.rs`
//! (errors), `examples.json`, `limits.json` and `events.rs` (webhooks).

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by a key never panics when read, and grows when written"
)]

mod answers;
pub(crate) mod event_schemas;
mod events;
mod tables;

use std::sync::LazyLock;

use poem_openapi::registry::Registry;
use poem_openapi::{LicenseObject, OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use crate::problem::ProblemCode;
use crate::route_table::RouteTable;
use crate::tenant_api::{TENANT_API, TenantApi};

const TITLE: &str = "Tributary tenant API";
const VERSION: &str = "1.0.0";
const INTRODUCTION: &str = include_str!("openapi/introduction.md");

/// The schemas of every body, which are also what a body is checked against.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new();
    TenantApi::register(&mut registry);
    registry
});

/// The document, as it is committed and served.
pub(crate) static TENANT_JSON: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
});

/// The tenant API as an endpoint.
pub(crate) fn service() -> OpenApiService<TenantApi, ()> {
    OpenApiService::new(TENANT_API, TITLE, VERSION)
        .description(description())
        .license(LicenseObject::new("Apache-2.0").identifier("Apache-2.0"))
}

/// Every route with the methods it takes.
pub(crate) fn route_table() -> RouteTable {
    let mut table = RouteTable::default();
    for path in TenantApi::meta().into_iter().flat_map(|api| api.paths) {
        for operation in path.operations {
            table.add(&path.path, operation.method.as_str());
        }
    }
    for page in ["/healthz", "/readyz", "/docs", "/openapi/tenant.json"] {
        table.add(page, "GET");
    }
    table.add("/wechat/notify/{route_token}/{kind}", "POST");
    table
}

fn document() -> Value {
    let mut document: Value = serde_json::from_str(&service().spec()).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["servers"] =
        json!([{ "url": "/", "description": "The host that serves this document" }]);
    add_unreferenced_schemas(&mut document);
    tables::write_bounds_whole(&mut document);
    answers::add(&mut document);
    tables::close_requests(&mut document);
    tables::add_limits(&mut document);
    tables::add_examples(&mut document);
    events::add(&mut document);
    join_references(&mut document);
    document
}

/// The library drops what no operation of its own refers to, such as the problem.
fn add_unreferenced_schemas(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, schema) in &REGISTRY.schemas {
        let schema = || serde_json::to_value(schema).unwrap_or_default();
        schemas.entry(name.clone()).or_insert_with(schema);
    }
    schemas.sort_keys();
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

fn description() -> String {
    let rows = ProblemCode::ALL.iter().map(|code| {
        let statuses: Vec<String> = code.statuses().iter().map(ToString::to_string).collect();
        let (word, title, advice) = (code.as_str(), code.title(), code.advice());
        format!(
            "| `{word}` | {} | {title}. | {advice} |\n",
            statuses.join(", ")
        )
    });
    INTRODUCTION.replace("{problem_codes}\n", &rows.collect::<String>())
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
