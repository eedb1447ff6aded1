//! One simulator with a provider, a sub-merchant, a payer, a clock that a test moves, and a receiver.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use poem::{EndpointExt, Request, Response, Route, Server, handler, http::StatusCode, web::Data};
use serde_json::{Value, json};
use wechatpay::{
    credentials::{ApiV3Key, Certificate, KeyRing, PrivateKey, PublicKey, generate_pem},
    v3::verification::{SignatureHeaders, verify},
};
use wechatpay_sim::{
    KeyMode, NewApp, NewProvider, NewSubMerchant, OpenidOf, ProviderKeys, SimConfig, SimHandle,
    Simulator,
};

/// 2026-01-01T00:00:00Z, where every test begins.
pub(crate) const START_MS: i64 = 1_767_225_600_000;
pub(crate) const SP: &str = "1900000109";
pub(crate) const SUB: &str = "1900000110";
pub(crate) const SP_APP: &str = "wx1111111111111111";
pub(crate) const SUB_APP: &str = "wx2222222222222222";
pub(crate) const SUB_SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SP_USER: &str = "oSpUser0000000000000000000001";
pub(crate) const SUB_USER: &str = "oSubUser000000000000000000001";
pub(crate) const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7200000001";
pub(crate) const API_V3_KEY: &str = "0123456789ABCDEF0123456789ABCDEF";
pub(crate) const PLACE: &str = "/v3/pay/partner/transactions/jsapi";

/// One merchant key for all tests: making one takes longer than a test.
static MERCHANT: LazyLock<(String, String)> = LazyLock::new(|| generate_pem().unwrap());

/// An answer as it came off the wire.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status, code and message in one line, for comparisons that show everything when they fail.
    pub(crate) fn refusal(&self) -> String {
        format!("{} {}", self.status, self.code())
    }
}

pub(crate) struct World {
    pub(crate) sim: SimHandle,
    pub(crate) clock_ms: Arc<AtomicI64>,
    pub(crate) keys: ProviderKeys,
    pub(crate) merchant: PrivateKey,
    pub(crate) http: reqwest::Client,
    pub(crate) receiver: Receiver,
    pub(crate) nonces: AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::in_mode(KeyMode::Certificate).await
    }

    pub(crate) async fn in_mode(key_mode: KeyMode) -> Self {
        Self::configured(key_mode, config()).await
    }

    pub(crate) async fn configured(key_mode: KeyMode, config: SimConfig) -> Self {
        let clock_ms = Arc::new(AtomicI64::new(START_MS));
        let reader = Arc::clone(&clock_ms);
        let config = SimConfig {
            clock_ms: Arc::new(move || reader.load(Ordering::SeqCst)),
            ..config
        };
        let sim = Simulator::start(config).await.unwrap();
        let keys = sim.provider(provider(key_mode)).await.unwrap();
        sim.sub_merchant(sub_merchant()).unwrap();
        Self {
            sim,
            clock_ms,
            keys,
            merchant: merchant_key(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            receiver: Receiver::start().await,
            nonces: AtomicU64::new(1),
        }
    }

    pub(crate) fn now_s(&self) -> i64 {
        self.clock_ms.load(Ordering::SeqCst) / 1000
    }

    /// Moves the base clock, and with it everything.
    pub(crate) fn pass(&self, ms: i64) {
        self.clock_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn nonce(&self) -> String {
        format!("{:032}", self.nonces.fetch_add(1, Ordering::SeqCst))
    }

    /// The header of a request, signed by hand as the documents describe it.
    pub(crate) fn authorization(&self, method: &str, target: &str, body: &str) -> String {
        self.authorization_with(method, target, body, (&self.nonce(), self.now_s()))
    }

    pub(crate) fn authorization_with(
        &self,
        method: &str,
        target: &str,
        body: &str,
        (nonce, timestamp): (&str, i64),
    ) -> String {
        let message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n");
        let signature = self.merchant.sign(message.as_bytes()).unwrap();
        format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{SP}\",nonce_str=\"{nonce}\",\
             signature=\"{signature}\",timestamp=\"{timestamp}\",serial_no=\"{SERIAL}\""
        )
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, reqwest::Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{target}", self.sim.base_url());
        let mut request = self.http.request(method, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply {
            status,
            headers,
            body: response.bytes().await?.to_vec(),
        })
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: &str) -> Reply {
        self.call_with(method, target, &[], body).await
    }

    pub(crate) async fn call_with(
        &self,
        method: &str,
        target: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let authorization = self.authorization(method, target, body);
        let mut headers = vec![
            ("Authorization", authorization.as_str()),
            ("Accept", "application/json"),
            ("User-Agent", "test/1"),
        ];
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        headers.extend_from_slice(more);
        self.send(method, target, &headers, body).await.unwrap()
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Reply {
        self.call("POST", target, &body.to_string()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "").await
    }

    /// A JSAPI order that WeChat accepts.
    pub(crate) fn order(&self, out_trade_no: &str) -> Value {
        json!({
            "sp_appid": SP_APP,
            "sp_mchid": SP,
            "sub_appid": SUB_APP,
            "sub_mchid": SUB,
            "description": "Image形象店-深圳腾大-QQ公仔",
            "out_trade_no": out_trade_no,
            "notify_url": self.receiver.url("/pay"),
            "amount": {"total": 100, "currency": "CNY"},
            "payer": {"sub_openid": SUB_USER},
        })
    }

    pub(crate) async fn place(&self, out_trade_no: &str) -> String {
        let reply = self.post(PLACE, &self.order(out_trade_no)).await;
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["prepay_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn place_and_pay(&self, out_trade_no: &str) -> String {
        self.place(out_trade_no).await;
        let paid = self
            .sim
            .pay(out_trade_no, &wechatpay_sim::PayOrder::default())
            .unwrap();
        paid["transaction_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn query(&self, out_trade_no: &str) -> Reply {
        self.get(&format!(
            "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}?sp_mchid={SP}&sub_mchid={SUB}"
        ))
        .await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.send(method, &format!("/_sim{path}"), &headers, &body.to_string())
            .await
            .unwrap()
    }

    pub(crate) fn ring(&self) -> KeyRing {
        ring(&self.keys)
    }

    /// Holds an answer against the provider's keys.
    pub(crate) fn verified_serial(&self, reply: &Reply) -> Option<String> {
        let headers = SignatureHeaders::from_fn(|name| reply.header(name));
        let verified = verify(&self.ring(), &headers, &reply.body, self.now_s());
        verified.ok().map(|verified| verified.serial)
    }
}

/// Nothing random, and nothing delivered unless the test says so.
pub(crate) fn config() -> SimConfig {
    SimConfig {
        seed: 7,
        auto_deliver: false,
        ..SimConfig::default()
    }
}

pub(crate) fn ring(keys: &ProviderKeys) -> KeyRing {
    let certificate = Certificate::from_pem(&keys.platform_certificate_pem).unwrap();
    let public_key = PublicKey::from_pem(&keys.wechatpay_public_key_pem).unwrap();
    KeyRing::new()
        .with_certificate(certificate)
        .with_public_key(keys.wechatpay_public_key_id.clone(), public_key)
}

pub(crate) fn merchant_key() -> PrivateKey {
    PrivateKey::from_pem(&MERCHANT.0).unwrap()
}

pub(crate) fn api_v3_key() -> ApiV3Key {
    ApiV3Key::parse(API_V3_KEY).unwrap()
}

pub(crate) fn provider(key_mode: KeyMode) -> NewProvider {
    NewProvider {
        sp_mchid: Some(SP.to_owned()),
        sp_appid: Some(SP_APP.to_owned()),
        openids: vec![SP_USER.to_owned()],
        merchant_public_key_pem: Some(MERCHANT.1.clone()),
        serial: Some(SERIAL.to_owned()),
        api_v3_key: Some(API_V3_KEY.to_owned()),
        key_mode: Some(key_mode),
        ..NewProvider::default()
    }
}

pub(crate) fn sub_merchant() -> NewSubMerchant {
    NewSubMerchant {
        sp_mchid: SP.to_owned(),
        sub_mchid: Some(SUB.to_owned()),
        name: Some("支流小店".to_owned()),
        sub_appids: vec![NewApp {
            appid: SUB_APP.to_owned(),
            secret: Some(SUB_SECRET.to_owned()),
        }],
        openids: vec![OpenidOf::Plain(SUB_USER.to_owned())],
    }
}

/// A notification as it was received.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: poem::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn envelope(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Verifies as a platform must; answers the serial that verified.
    pub(crate) fn verify(&self, ring: &KeyRing, now_s: i64) -> Result<String, String> {
        let headers = SignatureHeaders::from_fn(|name| self.header(name));
        verify(ring, &headers, &self.body, now_s)
            .map(|verified| verified.serial)
            .map_err(|error| error.to_string())
    }

    /// Decrypts by the documents' algorithm.
    pub(crate) fn decrypt(&self) -> Result<Value, String> {
        let envelope = self.envelope();
        let part = |name: &str| {
            envelope["resource"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let plain = wechatpay::v3::aead::open(
            &api_v3_key(),
            &part("nonce"),
            &part("associated_data"),
            &part("ciphertext"),
        )
        .map_err(|error| error.to_string())?;
        Ok(serde_json::from_slice(&plain).unwrap())
    }
}

/// A server that keeps what it gets and answers as it was told.
pub(crate) struct Receiver {
    base: String,
    shelf: Shelf,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Shelf {
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<Mutex<Option<u16>>>,
    arrived: Arc<tokio::sync::Notify>,
}

/// Paths with this beginning are received and never answered.
pub(crate) const HANGS: &str = "/hangs";

#[handler]
async fn receive(request: &Request, body: Vec<u8>, shelf: Data<&Shelf>) -> Response {
    shelf.received.lock().unwrap().push(Received {
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
        body,
    });
    shelf.arrived.notify_one();
    if request.uri().path().starts_with(HANGS) {
        std::future::pending::<()>().await;
    }
    let status = shelf.status.lock().unwrap().unwrap_or(204);
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .finish()
}

impl Receiver {
    async fn start() -> Self {
        let shelf = Shelf::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
        let routes = Route::new()
            .at("/*path", poem::post(receive))
            .data(shelf.clone());
        let server = tokio::spawn(async move {
            let _ = Server::new_with_acceptor(acceptor).run(routes).await;
        });
        Self {
            base,
            shelf,
            server,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn answer_with(&self, status: u16) {
        *self.shelf.status.lock().unwrap() = Some(status);
    }

    /// Waits until so many notifications have come in.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            self.shelf.arrived.notified().await;
        }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shelf.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
