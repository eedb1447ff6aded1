//! One JSON Schema per event type, made from the schemas of the document, so that the two cannot differ.

use serde_json::{Map, Value, json};
use tributary_domain::event::{API_VERSION, EventType};

use super::Audience;
use super::events::told;
use crate::tenant_api::EventTypeDescription;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

/// Every type with its schema.
pub(crate) fn all() -> Vec<EventTypeDescription> {
    let document = super::document(Audience::Tenant);
    let schemas = &document["components"]["schemas"];
    let kinds = EventType::ALL.into_iter();
    kinds
        .map(|kind| EventTypeDescription {
            object: String::from("event_type"),
            r#type: kind.as_str().to_owned(),
            description: told(kind).2.to_owned(),
            api_version: API_VERSION.to_owned(),
            schema: schema(kind, schemas),
        })
        .collect()
}

/// The schema of one type; it holds everything that it refers to.
fn schema(kind: EventType, schemas: &Value) -> Value {
    let mut event = schemas["Event"].clone();
    event["$schema"] = json!(DIALECT);
    event["title"] = json!(kind.as_str());
    event["properties"]["type"] = json!({ "const": kind.as_str() });
    event["properties"]["api_version"] = json!({ "const": API_VERSION });
    // Webhooks do not carry it, and readers of the feed know the place from the page.
    drop_property(&mut event, "feed_seq");
    let full = json!({
        "type": "object",
        "required": ["object"],
        "properties": {
            "object": object_of(kind),
            "previous": { "$ref": format!("{COMPONENTS}EventPrevious") },
        },
    });
    let thin = json!({
        "description": "Sent to thin endpoints and in place of a body that would be longer than 64 KiB.",
        "type": "object",
        "required": ["object", "truncated"],
        "properties": {
            "object": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
            "truncated": { "const": true },
        },
    });
    event["properties"]["data"] = json!({ "anyOf": [thin, full] });
    let mut definitions = Map::new();
    define(&mut event, schemas, &mut definitions);
    event["$defs"] = Value::Object(definitions);
    event
}

/// The object that a type tells of, as reading it through the API answers.
fn object_of(kind: EventType) -> Value {
    let name = match kind.as_str().split_once('.') {
        Some(("order", _)) => "Order",
        Some(("refund", _)) => "Refund",
        _ => return json!({ "type": "object", "required": ["id", "object"] }),
    };
    json!({ "$ref": format!("{COMPONENTS}{name}") })
}

/// Turns references into the document into references within the schema, and brings along what they name.
fn define(part: &mut Value, schemas: &Value, definitions: &mut Map<String, Value>) {
    match part {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|path| path.strip_prefix(COMPONENTS));
            if let Some(name) = name.map(str::to_owned) {
                fields.insert(String::from("$ref"), json!(format!("{DEFINITIONS}{name}")));
                if !definitions.contains_key(&name) {
                    let mut schema = schemas[&name].clone();
                    allow_null(&mut schema);
                    // Known before its parts are, so that a circle ends.
                    definitions.insert(name.clone(), Value::Null);
                    define(&mut schema, schemas, definitions);
                    definitions.insert(name, schema);
                }
            }
            for field in fields.values_mut() {
                define(field, schemas, definitions);
            }
        }
        Value::Array(items) => {
            for item in items {
                define(item, schemas, definitions);
            }
        }
        _ => {}
    }
}

/// What need not be there may be null in an event, where an answer leaves it out.
fn allow_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if !required.iter().any(|field| field == name) {
            *property = json!({ "anyOf": [property.take(), { "type": "null" }] });
        }
    }
    // The schema of a request refuses unknown fields; an event may gain some.
    if let Some(fields) = schema.as_object_mut() {
        fields.shift_remove("additionalProperties");
    }
}

fn drop_property(schema: &mut Value, name: &str) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        properties.shift_remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_schema_that_holds_all_it_refers_to() {
        let all = all();
        assert_eq!(all.len(), EventType::ALL.len());
        for described in all {
            let text = described.schema.to_string();
            assert!(!text.contains(COMPONENTS), "{}", described.r#type);
            for part in text.split(DEFINITIONS).skip(1) {
                let name = part.split('"').next().unwrap();
                let found = &described.schema["$defs"][name];
                assert!(found.is_object(), "{}: {name}", described.r#type);
            }
            assert_eq!(
                described.schema["properties"]["type"]["const"],
                described.r#type
            );
        }
    }
}
