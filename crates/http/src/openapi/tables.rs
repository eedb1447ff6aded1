//! Writes limits and examples from their tables into a document.

use serde_json::{Map, Value, json};

/// Adds paths that are written by hand.
pub(super) fn add_paths(document: &mut Value, paths: &str) {
    let paths: Map<String, Value> = serde_json::from_str(paths).unwrap_or_default();
    for (path, item) in paths {
        document["paths"][path] = item;
    }
}

/// Writes the limits into the schemas and the parameters.
pub(super) fn add_limits(document: &mut Value, limits: &Map<String, Value>) {
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        let Some(fields) = limits.get(name).and_then(Value::as_object) else {
            continue;
        };
        for (field, limit) in fields {
            merge(&mut schema["properties"][field], limit);
        }
    }
    for (_, _, operation) in super::operations(document) {
        let id = operation.get("operationId").and_then(Value::as_str);
        let id = id.unwrap_or_default().to_owned();
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            for key in [format!("{id}/{name}"), name] {
                if let Some(limit) = limits.get("parameters").and_then(|all| all.get(&key)) {
                    merge(&mut parameter["schema"], limit);
                }
            }
        }
    }
}

/// Says of every object in a request that it takes no unknown fields, since none is taken.
pub(super) fn close_requests(document: &mut Value) {
    let mut open: Vec<Value> = super::operations(document)
        .filter_map(|(_, _, operation)| operation.get("requestBody").cloned())
        .collect();
    while let Some(part) = open.pop() {
        match &part {
            Value::Object(fields) => open.extend(fields.values().cloned()),
            Value::Array(items) => open.extend(items.iter().cloned()),
            Value::String(text) => open.extend(close_schema(document, text)),
            _ => {}
        }
    }
}

/// Closes the schema that a reference names, and gives its parts; nothing when it is closed already.
fn close_schema(document: &mut Value, reference: &str) -> Option<Value> {
    let name = reference.strip_prefix("#/components/schemas/")?;
    let schema = document["components"]["schemas"]
        .get_mut(name)?
        .as_object_mut()?;
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    let is_new = is_object
        && schema
            .insert(String::from("additionalProperties"), json!(false))
            .is_none();
    is_new.then(|| Value::Object(schema.clone()))
}

/// The library writes bounds of integers as `100.0`.
pub(super) fn write_bounds_whole(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(write_bounds_whole),
        Value::Array(items) => items.iter_mut().for_each(write_bounds_whole),
        Value::Number(number) => {
            if let Some(whole) = number.to_string().strip_suffix(".0") {
                *value = whole.parse::<i64>().map_or(Value::Null, Value::from);
            }
        }
        _ => {}
    }
}

/// The library says `nullable`, which OpenAPI 3.1 does not know: there `null` is one of the types.
pub(super) fn write_null_as_type(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&Value::Bool(true))
                && let Some(kind) = fields.get("type").cloned()
            {
                fields.remove("nullable");
                fields.insert(String::from("type"), json!([kind, "null"]));
            }
            fields.values_mut().for_each(write_null_as_type);
        }
        Value::Array(items) => items.iter_mut().for_each(write_null_as_type),
        _ => {}
    }
}

fn merge(schema: &mut Value, limit: &Value) {
    for (keyword, value) in limit.as_object().into_iter().flatten() {
        schema[keyword] = value.clone();
    }
}

/// Writes the examples into the bodies.
pub(super) fn add_examples(document: &mut Value, examples: &Map<String, Value>) {
    for (_, _, operation) in super::operations(document) {
        let id = operation
            .get("operationId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(own) = examples.get(id).cloned() else {
            continue;
        };
        if let Some(request) = own.get("request") {
            set_example(operation.get_mut("requestBody"), request);
        }
        for (status, example) in own["responses"].as_object().into_iter().flatten() {
            let answers = operation.get_mut("responses");
            set_example(answers.and_then(|answers| answers.get_mut(status)), example);
        }
        if let Some(stream) = own.get("events") {
            let content = operation.get_mut("responses");
            let content =
                content.and_then(|all| all.pointer_mut("/200/content/text~1event-stream"));
            if let Some(content) = content {
                content["examples"] = json!({ "example": { "value": stream } });
            }
        }
        if let Some(file) = own.get("csv") {
            let content = operation.get_mut("responses");
            let content = content.and_then(|all| all.pointer_mut("/200/content/text~1csv"));
            if let Some(content) = content {
                content["examples"] = json!({ "example": { "value": file } });
            }
        }
    }
}

fn set_example(body: Option<&mut Value>, example: &Value) {
    let content = body.and_then(|body| body.pointer_mut("/content/application~1json"));
    if let Some(content) = content {
        content["examples"] = json!({ "example": { "value": example } });
    }
}
