//! The tenant API as a tenant's program uses it: one method per operation.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A caller of the API.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    key: Option<String>,
    client: Client,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is empty.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.body
    }

    /// The order of a success of `POST /v1/orders`, with its pay parameters as one more member.
    #[track_caller]
    pub fn placed(self) -> Value {
        let body = self.ok();
        let mut order = body["order"].clone();
        assert!(order["id"].is_string(), "{body}");
        order["pay_params"] = body["pay_params"].clone();
        order
    }

    /// The body of a problem with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let found = (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or("none"),
        );
        assert_eq!(found, (status, code), "{}", self.text);
        let content_type = self.headers.get("content-type").map(HeaderValue::as_bytes);
        let expected = b"application/problem+json";
        assert!(
            content_type.is_some_and(|found| found.starts_with(expected)),
            "{content_type:?}"
        );
        assert!(self.body["request_id"].is_string(), "{}", self.text);
        self.body
    }

    /// Whether a problem names this field or parameter.
    pub fn names_field(&self, field: &str) -> bool {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .any(|error| error["field"].as_str() == Some(field))
    }
}

/// A key that no test has used before.
pub fn fresh_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "test-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

impl Api {
    /// A caller with a key, or with none.
    pub fn new(base: &str, key: Option<&str>) -> Self {
        let client = Client::builder()
            .no_proxy()
            // The machine's authorities take long to read, and nothing here speaks TLS.
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none());
        Self {
            base: base.to_owned(),
            key: key.map(str::to_owned),
            client: client.build().expect("an HTTP client"),
        }
    }

    /// What it calls with.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Sends any request with a raw body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        self.try_send(method, path, headers, body)
            .await
            .expect("the API answers")
    }

    /// Begins to read an answer that goes on, such as a stream of events.
    pub async fn open(&self, path: &str) -> reqwest::Response {
        let request = self.request(Method::GET, path);
        request.send().await.expect("the API answers")
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// The same where no answer is one of the expected ends.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            request = request.header(name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// Writes with an idempotency key.
    pub async fn post(&self, path: &str, body: &Value, key: &str) -> Answer {
        self.try_post(path, body, key)
            .await
            .expect("the API answers")
    }

    /// The same where no answer is one of the expected ends.
    pub async fn try_post(&self, path: &str, body: &Value, key: &str) -> reqwest::Result<Answer> {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.try_send(
            Method::POST,
            path,
            &headers,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    /// `POST /v1/orders`
    pub async fn place_order(&self, order: &Value) -> Answer {
        self.post("/v1/orders", order, &fresh_key()).await
    }

    /// `POST /v1/orders` with an order of the tenant's that nobody has placed before.
    pub async fn place_order_body(&self, tenant: &crate::TestTenant) -> Answer {
        self.place_order(&tenant.order(1)).await
    }

    /// `GET /v1/orders/{id}`
    pub async fn order(&self, id: &str) -> Answer {
        self.get(&format!("/v1/orders/{id}")).await
    }

    /// `GET /v1/orders/{id}/timeline`, with a query string or none
    pub async fn timeline(&self, id: &str, query: &str) -> Answer {
        self.get(&format!("/v1/orders/{id}/timeline{query}")).await
    }

    /// `GET /v1/orders?…`
    pub async fn orders(&self, query: &str) -> Answer {
        self.get(&format!("/v1/orders?{query}")).await
    }

    /// `POST /v1/orders/{id}/close`
    pub async fn close_order(&self, id: &str) -> Answer {
        self.post(&format!("/v1/orders/{id}/close"), &json!({}), &fresh_key())
            .await
    }

    /// `POST /v1/orders/{id}/sync`
    pub async fn sync_order(&self, id: &str) -> Answer {
        self.post(&format!("/v1/orders/{id}/sync"), &json!({}), &fresh_key())
            .await
    }

    /// `POST /v1/refunds`
    pub async fn create_refund(&self, refund: &Value) -> Answer {
        self.post("/v1/refunds", refund, &fresh_key()).await
    }

    /// `GET /v1/refunds/{id}`
    pub async fn refund(&self, id: &str) -> Answer {
        self.get(&format!("/v1/refunds/{id}")).await
    }

    /// `GET /v1/refunds?…`
    pub async fn refunds(&self, query: &str) -> Answer {
        self.get(&format!("/v1/refunds?{query}")).await
    }

    /// `POST /v1/refunds/{id}/sync`
    pub async fn sync_refund(&self, id: &str) -> Answer {
        self.post(&format!("/v1/refunds/{id}/sync"), &json!({}), &fresh_key())
            .await
    }

    /// `POST /v1/miniprogram-sessions`
    pub async fn log_in(&self, sub_appid: &str, code: &str) -> Answer {
        let body = json!({"sub_appid": sub_appid, "code": code});
        self.post("/v1/miniprogram-sessions", &body, &fresh_key())
            .await
    }

    /// `GET /v1/me`
    pub async fn me(&self) -> Answer {
        self.get("/v1/me").await
    }

    /// `GET /v1/events?…`
    pub async fn events(&self, query: &str) -> Answer {
        self.get(&format!("/v1/events?{query}")).await
    }

    /// `GET /v1/events/{id}`
    pub async fn event(&self, id: &str) -> Answer {
        self.get(&format!("/v1/events/{id}")).await
    }

    /// `POST /v1/webhook-endpoints`
    pub async fn create_endpoint(&self, body: &Value) -> Answer {
        self.post("/v1/webhook-endpoints", body, &fresh_key()).await
    }

    /// `GET /v1/webhook-endpoints/{id}`
    pub async fn endpoint(&self, id: &str) -> Answer {
        self.get(&format!("/v1/webhook-endpoints/{id}")).await
    }

    /// `PATCH /v1/webhook-endpoints/{id}`
    pub async fn update_endpoint(&self, id: &str, patch: &Value) -> Answer {
        let path = format!("/v1/webhook-endpoints/{id}");
        let headers = [("content-type", "application/json")];
        self.send(
            Method::PATCH,
            &path,
            &headers,
            Some(patch.to_string().into_bytes()),
        )
        .await
    }

    /// `DELETE /v1/webhook-endpoints/{id}`
    pub async fn delete_endpoint(&self, id: &str) -> Answer {
        self.send(
            Method::DELETE,
            &format!("/v1/webhook-endpoints/{id}"),
            &[],
            None,
        )
        .await
    }

    /// `POST /v1/webhook-endpoints/{id}/rotate-secret`
    pub async fn rotate_secret(&self, id: &str, grace_seconds: u64) -> Answer {
        let path = format!("/v1/webhook-endpoints/{id}/rotate-secret");
        self.post(
            &path,
            &json!({"grace_seconds": grace_seconds}),
            &fresh_key(),
        )
        .await
    }

    /// `GET /v1/deliveries?…`
    pub async fn deliveries(&self, query: &str) -> Answer {
        self.get(&format!("/v1/deliveries?{query}")).await
    }

    /// `GET /v1/deliveries/{id}`
    pub async fn delivery(&self, id: &str) -> Answer {
        self.get(&format!("/v1/deliveries/{id}")).await
    }

    /// `POST /v1/deliveries/{id}/retry`
    pub async fn retry_delivery(&self, id: &str) -> Answer {
        self.post(
            &format!("/v1/deliveries/{id}/retry"),
            &json!({}),
            &fresh_key(),
        )
        .await
    }
}
