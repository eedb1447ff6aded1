//! Walks the document and holds it to what a reader of it may expect.

use std::path::Path;

use super::*;
use crate::json::shape;
use crate::problem::ProblemCode;

/// Every operation of both documents, webhooks included, with a name for the message.
fn walk() -> Vec<(String, Value)> {
    Audience::ALL.into_iter().flat_map(walk_of).collect()
}

fn walk_of(audience: Audience) -> Vec<(String, Value)> {
    let document = document(audience);
    let mut found = Vec::new();
    for part in ["paths", "webhooks"] {
        for (path, item) in document[part].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().unwrap() {
                found.push((format!("{part} {method} {path}"), operation.clone()));
            }
        }
    }
    found
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(path) => document
            .pointer(&path[1..])
            .unwrap_or_else(|| panic!("{path} leads nowhere")),
        None => value,
    }
}

/// What can be called, of both documents.
fn callable() -> impl Iterator<Item = (String, Value)> {
    Audience::ALL.into_iter().flat_map(callable_of)
}

fn callable_of(audience: Audience) -> impl Iterator<Item = (String, Value)> {
    walk_of(audience)
        .into_iter()
        .filter(|(name, _)| name.starts_with("paths"))
}

#[test]
fn every_operation_is_told_in_words() {
    for (name, operation) in walk() {
        for text in ["operationId", "summary", "description"] {
            let told = operation[text].as_str().unwrap_or_default();
            assert!(!told.is_empty(), "{name} lacks {text}");
        }
        assert!(
            !operation["tags"].as_array().unwrap().is_empty(),
            "{name} lacks tags"
        );
    }
}

#[test]
fn operation_ids_are_unique() {
    for audience in Audience::ALL {
        let mut ids: Vec<String> = walk_of(audience)
            .iter()
            .map(|(_, op)| op["operationId"].to_string())
            .collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
    assert_eq!(callable_of(Audience::Tenant).count(), 33);
}

#[test]
fn every_tenant_operation_needs_a_credential_but_three() {
    let any = json!([{ "apiKey": [] }, { "accessToken": [] }, { "certificate": [] }]);
    let mut public = Vec::new();
    for (name, operation) in callable_of(Audience::Tenant) {
        if is_public(&operation) {
            public.push(operation["operationId"].clone());
        } else {
            assert_eq!(operation["security"], any, "{name}");
        }
    }
    assert_eq!(
        public,
        [
            "listPlatformCertificates",
            "createAccessToken",
            "listTokenKeys"
        ]
    );
    let document = document(Audience::Tenant);
    let schemes = document["components"]["securitySchemes"].as_object();
    let names: Vec<&String> = schemes.unwrap().keys().collect();
    assert_eq!(names, ["accessToken", "apiKey", "certificate"]);
}

/// Whether anybody may call; the rest is in RFC 6749's words or needs no words.
fn is_public(operation: &Value) -> bool {
    let security = operation["security"].as_array();
    security.is_none_or(Vec::is_empty)
}

#[test]
fn every_operation_lists_its_error_answers() {
    for (name, operation) in callable() {
        let answers = operation["responses"].as_object().unwrap();
        let mut expected = vec!["500", "503", "504"];
        if !is_public(&operation) {
            expected.push("401");
        }
        if name.contains('{') {
            expected.push("404");
        }
        if operation["operationId"] == "createAccessToken" {
            expected.extend(["408", "413"]);
        } else if operation.get("requestBody").is_some() {
            expected.extend(["400", "408", "413", "415", "422"]);
        }
        for status in expected {
            let answer = answers
                .get(status)
                .unwrap_or_else(|| panic!("{name} lacks {status}"));
            let problem = &answer["content"]["application/problem+json"];
            assert_eq!(
                problem["schema"]["$ref"], "#/components/schemas/Problem",
                "{name}"
            );
        }
    }
}

#[test]
fn every_answer_is_described_and_names_the_request() {
    for (name, operation) in callable() {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let told = answer["description"].as_str().unwrap_or_default();
            assert!(!told.is_empty(), "{name} {status} has no description");
            assert!(
                answer["headers"]["X-Request-Id"].is_object(),
                "{name} {status}"
            );
        }
    }
}

#[test]
fn every_answer_to_a_known_caller_tells_its_limit() {
    let known = |(_, operation): &(String, Value)| !is_public(operation);
    for (name, operation) in callable_of(Audience::Tenant).filter(known) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let counted = !matches!(status.as_str(), "401" | "503");
            for header in ["RateLimit", "RateLimit-Policy"] {
                let told = answer["headers"][header].is_object();
                assert_eq!(told, counted, "{name} {status} {header}");
            }
        }
        let limited = &operation["responses"]["429"];
        assert!(limited["headers"]["Retry-After"].is_object(), "{name}");
    }
}

#[test]
fn every_body_has_an_example() {
    for (name, operation) in walk() {
        let answers = operation["responses"].as_object().unwrap();
        let bodies = answers.values().chain(operation.get("requestBody"));
        for content in bodies.filter_map(|body| body["content"].as_object()) {
            for (media_type, body) in content {
                assert!(!media_type.contains("charset"), "{name}: {media_type}");
                let examples = body["examples"].as_object();
                assert!(
                    examples.is_some_and(|all| !all.is_empty()),
                    "{name} lacks an example: {body}"
                );
            }
        }
    }
}

#[test]
fn every_example_keeps_to_its_schema() {
    for audience in Audience::ALL {
        let document = document(audience);
        for (name, operation) in walk_of(audience) {
            let answers = operation["responses"].as_object().unwrap();
            let bodies = answers.values().chain(operation.get("requestBody"));
            for content in bodies.filter_map(|body| body["content"].as_object()) {
                for body in content.values() {
                    let faults = faults_of_examples(audience, &document, body);
                    assert!(faults.is_empty(), "{name}: {faults:?}");
                }
            }
        }
    }
}

fn faults_of_examples(audience: Audience, document: &Value, body: &Value) -> Vec<String> {
    // A file has no schema of fields.
    let Some(schema) = body["schema"]["$ref"].as_str() else {
        assert_eq!(body["schema"]["type"], "string", "{body}");
        return Vec::new();
    };
    let schema = schema.rsplit('/').next().unwrap().to_owned();
    let schema = poem_openapi::registry::MetaSchemaRef::Reference(schema);
    let examples = body["examples"].as_object().unwrap().values();
    examples
        .flat_map(|example| {
            let example = resolve(document, example);
            shape::check(audience.registry(), &schema, &example["value"])
        })
        .map(|fault| fault.to_string())
        .collect()
}

#[test]
fn every_parameter_is_described_and_limited() {
    for (name, operation) in walk() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let told = parameter["description"].as_str().unwrap_or_default();
            assert!(!told.is_empty(), "{name}: {parameter}");
            let schema = parameter["schema"].as_object().unwrap();
            let limits = [
                "maxLength",
                "maximum",
                "maxItems",
                "pattern",
                "format",
                "$ref",
                "enum",
                "allOf",
            ];
            let is_limited = limits.iter().any(|limit| schema.contains_key(*limit));
            assert!(is_limited, "{name}: {parameter}");
        }
    }
}

#[test]
fn requests_say_that_they_take_no_unknown_fields() {
    let document = document(Audience::Tenant);
    let schemas = &document["components"]["schemas"];
    for name in [
        "NewOrder",
        "NewOrderAmount",
        "NewOrderPayer",
        "GoodsDetail",
        "StoreInfo",
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    assert!(schemas["Order"].get("additionalProperties").is_none());
}

#[test]
fn every_limit_names_a_field_that_exists() {
    for audience in Audience::ALL {
        let document = document(audience);
        let schemas = &document["components"]["schemas"];
        for (schema, fields) in audience.limits() {
            for field in fields
                .as_object()
                .unwrap()
                .keys()
                .filter(|_| schema != "parameters")
            {
                let told = &schemas[&schema]["properties"][field];
                assert!(
                    told.get("type").is_some() || told.get("items").is_some(),
                    "{schema}.{field}: {told}"
                );
            }
        }
    }
}

#[test]
fn every_example_and_every_answer_belongs_to_an_operation() {
    for audience in Audience::ALL {
        let ids: Vec<String> = callable_of(audience)
            .map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        for id in audience.examples().keys().chain(audience.answers().keys()) {
            assert!(ids.contains(id), "{id} is no operation");
        }
    }
}

#[test]
fn every_answer_is_a_code_of_the_document() {
    for audience in Audience::ALL {
        for (id, words) in audience.answers() {
            for word in words.as_array().unwrap() {
                let known = audience.codes().any(|code| code.as_str() == word);
                assert!(known, "{id}: {word}");
            }
        }
    }
}

#[test]
fn nothing_of_version_3_0_is_left() {
    for audience in Audience::ALL {
        let text = json_of(audience);
        assert!(text.contains(r#""openapi": "3.1.0""#));
        for word in [
            r#""nullable""#,
            r#""exclusiveMinimum": true"#,
            r#""exclusiveMaximum": true"#,
        ] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[test]
fn every_problem_code_is_explained_to_those_who_meet_it() {
    for audience in Audience::ALL {
        let document = document(audience);
        let description = document["info"]["description"].as_str().unwrap();
        for code in ProblemCode::ALL {
            let row = format!("| `{}` |", code.as_str());
            let is_met = audience.codes().any(|met| met == *code);
            assert_eq!(description.contains(&row), is_met, "{}", code.as_str());
        }
    }
}

#[test]
fn routes_know_their_methods() {
    let table = route_table();
    assert_eq!(table.methods("/v1/orders"), Some("POST, GET"));
    assert_eq!(
        table.methods("/v1/webhook-endpoints/{id}"),
        Some("GET, PATCH, DELETE")
    );
}

#[test]
fn the_committed_documents_are_these() {
    for audience in Audience::ALL {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let path = path.join(audience.document_path().trim_start_matches('/'));
        if std::env::vars().any(|(name, _)| name == "UPDATE_OPENAPI") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, json_of(audience)).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == *json_of(audience),
            "{} is out of date: run UPDATE_OPENAPI=1 cargo test -p tributary-http",
            path.display()
        );
    }
}
