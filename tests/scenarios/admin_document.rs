//! What the document of the admin API says of each operation; tests that walk all of them are driven by it.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::staff::Permission;
use tributary_tests::api::fresh_key;
use tributary_tests::{Answer, Api};

/// One operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its name.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// Its path, with parameters in braces.
    pub(crate) path: String,
    /// The names of its query's parameters.
    pub(crate) query: Vec<String>,
    pub(crate) has_body: bool,
    /// The example of a request; an empty object where there is none.
    pub(crate) example: Value,
    /// The permissions that its description names.
    pub(crate) needs: Vec<Permission>,
}

/// Every operation of the admin API.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value =
        serde_json::from_str(tributary_http::admin_document()).expect("the document is JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push(read(path, method, operation));
        }
    }
    assert!(operations.len() >= 124, "only {}", operations.len());
    operations
}

fn read(path: &str, method: &str, operation: &Value) -> Operation {
    let example = "/requestBody/content/application~1json/examples/example/value";
    let parameters = operation["parameters"].as_array().cloned();
    let parameters = parameters.unwrap_or_default().into_iter();
    let query = parameters.filter(|parameter| parameter["in"] == "query");
    let description = operation["description"].as_str().unwrap_or_default();
    let words = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let needs = words
        .split_once("Needs the permission")
        .map_or("", |(_, needs)| needs);
    Operation {
        id: operation["operationId"]
            .as_str()
            .expect("a name")
            .to_owned(),
        method: method.to_uppercase().parse().expect("a method"),
        path: path.to_owned(),
        query: query
            .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
            .collect(),
        has_body: !operation["requestBody"].is_null(),
        example: operation.pointer(example).cloned().unwrap_or(json!({})),
        // Words between backticks; those that are permissions.
        needs: needs
            .split('`')
            .skip(1)
            .step_by(2)
            .filter_map(Permission::parse)
            .collect(),
    }
}

/// Sends a request with everything that some operation insists on.
pub(crate) async fn call(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let key = fresh_key();
    let mut headers = vec![("if-match", "\"1\""), ("idempotency-key", key.as_str())];
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let body = body.map(|body| body.to_string().into_bytes());
    api.send(method, path, &headers, body).await
}
