//! The error answers of every operation, and the headers of every answer.

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Audience;
use crate::problem::{PROBLEM_JSON, Problem, ProblemCode};

use ProblemCode as Code;

/// Writes the error answers of every operation into the document.
pub(super) fn add(document: &mut Value, audience: Audience) {
    components(document, audience);
    let own = audience.answers();
    let schemas = document["components"]["schemas"].clone();
    for (path, _, operation) in super::operations(document) {
        let codes = codes_of(audience, &own, path, operation);
        let answers = operation.entry("responses").or_insert_with(|| json!({}));
        let Some(answers) = answers.as_object_mut() else {
            continue;
        };
        for answer in answers.values_mut() {
            describe(answer, &schemas);
            add_request_id(answer);
            if codes.contains(&Code::RateLimited) {
                add_limit(answer);
            }
        }
        for status in statuses_of(&codes) {
            answers.insert(status.as_str().to_owned(), error_answer(status, &codes));
        }
        answers.sort_keys();
    }
}

/// An answer that is not described says what its object is.
fn describe(answer: &mut Value, schemas: &Value) {
    let reference = answer.pointer("/content/application~1json/schema/$ref");
    let name = reference
        .and_then(Value::as_str)
        .and_then(|path| path.rsplit('/').next());
    let Some(name) = name else { return };
    if answer["description"] == "" {
        answer["description"] = schemas[name]["description"].clone();
    }
}

/// The codes that follow from the operation's shape, and its own.
fn codes_of(
    audience: Audience,
    own: &Map<String, Value>,
    path: &str,
    operation: &Map<String, Value>,
) -> Vec<Code> {
    let id = operation.get("operationId").and_then(Value::as_str);
    let mut codes = vec![Code::Internal, Code::Unavailable, Code::Timeout];
    codes.extend(audience.codes_of_guards(id.unwrap_or_default(), operation));
    if path.contains('{') {
        codes.push(Code::NotFound);
    }
    if operation.contains_key("requestBody") {
        codes.extend([
            Code::MalformedJson,
            Code::RequestTimeout,
            Code::BodyTooLarge,
        ]);
        codes.extend([Code::UnsupportedMediaType, Code::ValidationFailed]);
    }
    if has_query_parameters(operation) {
        codes.push(Code::ValidationFailed);
    }
    for (header, code) in [
        ("Idempotency-Key", Code::IdempotencyKeyRequired),
        ("If-Match", Code::PreconditionRequired),
    ] {
        if audience == Audience::Staff && has_header(operation, header) {
            codes.push(code);
        }
    }
    let words = own.get(id.unwrap_or_default()).and_then(Value::as_array);
    let words = words.into_iter().flatten().filter_map(Value::as_str);
    codes.extend(words.filter_map(Code::parse));
    codes
}

fn has_header(operation: &Map<String, Value>, name: &str) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters
        .into_iter()
        .flatten()
        .any(|parameter| parameter["in"] == "header" && parameter["name"] == name)
}

fn has_query_parameters(operation: &Map<String, Value>) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters
        .into_iter()
        .flatten()
        .any(|parameter| parameter["in"] == "query")
}

fn statuses_of(codes: &[Code]) -> Vec<StatusCode> {
    let statuses = codes.iter().flat_map(|code| code.statuses());
    statuses
        .filter_map(|status| StatusCode::from_u16(*status).ok())
        .collect()
}

/// One answer with an example per code that comes with the status.
fn error_answer(status: StatusCode, codes: &[Code]) -> Value {
    let mut examples = Map::new();
    let mut texts = Vec::new();
    for code in codes
        .iter()
        .filter(|code| code.statuses().contains(&status.as_u16()))
    {
        let reference = format!("#/components/examples/{}", example_name(*code, status));
        let known = examples.insert(code.as_str().to_owned(), json!({ "$ref": reference }));
        if known.is_none() {
            texts.push(format!("`{}`: {}.", code.as_str(), code.title()));
        }
    }
    let mut answer = json!({
        "description": texts.join(" "),
        "content": { PROBLEM_JSON: {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples,
        } },
    });
    add_request_id(&mut answer);
    if codes.contains(&Code::RateLimited) && !is_uncounted(status) {
        add_limit(&mut answer);
    }
    if let Some(header) = header_of(status, codes) {
        answer["headers"][header] = json!({ "$ref": format!("#/components/headers/{header}") });
    }
    if replays_refusals(status, codes) {
        let reference = "#/components/headers/Idempotent-Replayed";
        answer["headers"]["Idempotent-Replayed"] = json!({ "$ref": reference });
    }
    answer
}

fn header_of(status: StatusCode, codes: &[Code]) -> Option<&'static str> {
    let waits = [
        Code::IdempotencyInFlight,
        Code::DeliveryInFlight,
        Code::OutcomeUnknown,
    ];
    match status {
        StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
        StatusCode::FORBIDDEN => codes
            .contains(&Code::InsufficientScope)
            .then_some("WWW-Authenticate"),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some("Retry-After"),
        StatusCode::CONFLICT | StatusCode::GATEWAY_TIMEOUT => codes
            .iter()
            .any(|code| waits.contains(code))
            .then_some("Retry-After"),
        _ => None,
    }
}

/// A definite refusal of WeChat's is kept under the idempotency key, where one is taken.
fn replays_refusals(status: StatusCode, codes: &[Code]) -> bool {
    codes.contains(&Code::IdempotencyKeyRequired)
        && Code::WechatRefused.statuses().contains(&status.as_u16())
}

fn add_request_id(answer: &mut Value) {
    answer["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/X-Request-Id" });
}

/// What a call's limit says about it.
fn add_limit(answer: &mut Value) {
    for header in ["RateLimit", "RateLimit-Policy"] {
        answer["headers"][header] = json!({ "$ref": format!("#/components/headers/{header}") });
    }
}

/// A call of nobody's, and one that is turned away at the door, count against no limit.
fn is_uncounted(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// What the answers refer to.
fn components(document: &mut Value, audience: Audience) {
    let mut examples = Map::new();
    for code in audience.codes() {
        for status in statuses_of(&[code]) {
            let value = Problem::example(code, status);
            examples.insert(
                example_name(code, status),
                json!({ "summary": code.title(), "value": value }),
            );
        }
    }
    document["components"]["examples"] = Value::Object(examples);
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    document["components"]["headers"] = json!({
        "X-Request-Id": text("Names this request in our logs."),
        "WWW-Authenticate": text("How to authenticate."),
        "Retry-After": text("Seconds to wait before the next try."),
        "RateLimit": text("What is left of the limit: its name, `r` calls that may come at once, and in `t` seconds all of it is there again (draft-ietf-httpapi-ratelimit-headers-10)."),
        "RateLimit-Policy": text("The limit: its name (`reads` or `writes`; `exports` for files), its quota `q`, and its window `w` in seconds, or the unit `qu`."),
        "Idempotent-Replayed": text("`true` when this is the stored answer to an earlier request with the same Idempotency-Key."),
    });
}

fn example_name(code: Code, status: StatusCode) -> String {
    format!("{}_{}", code.as_str(), status.as_str())
}
