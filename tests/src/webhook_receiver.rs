//! A tenant's server: keeps every webhook as it came, and answers as a test wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use poem::http::{HeaderMap, StatusCode, header};
use poem::listener::TcpAcceptor;
use poem::web::{Data, Path};
use poem::{Body, EndpointExt, Response, Route, Server, handler, post};
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tributary_domain::clock::Timestamp;
use tributary_webhooks::{Secret, SignedHeaders, signature};

const TOLERANCE_SECONDS: u64 = 300;

/// How the receiver answers.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// With this status.
    Answer(StatusCode),
    /// By sending the caller elsewhere.
    Redirect(String),
    /// Only once the gate is open.
    Hold(Gate),
}

/// Holds requests until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Gate {
    /// Lets everybody through.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        let mut open = self.0.subscribe();
        open.wait_for(|open| *open)
            .await
            .expect("the gate lives as long as its holder");
    }
}

/// One webhook as it came in.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The last part of the path.
    pub hook: String,
    /// Its headers.
    pub headers: HashMap<String, String>,
    /// Its body, untouched.
    pub body: Vec<u8>,
}

impl Webhook {
    /// The body as JSON.
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a webhook is JSON")
    }

    /// The event's type.
    pub fn kind(&self) -> String {
        self.event()["type"]
            .as_str()
            .expect("an event has a type")
            .to_owned()
    }

    /// Whether the secret signed it near `now`.
    pub fn is_signed_by(&self, secret: &str, now: Timestamp) -> bool {
        self.verifies(secret, now, TOLERANCE_SECONDS)
    }

    /// Whether the secret signed it, however long ago.
    pub fn has_signature_of(&self, secret: &str, now: Timestamp) -> bool {
        self.verifies(secret, now, u64::MAX)
    }

    fn verifies(&self, secret: &str, now: Timestamp, tolerance_seconds: u64) -> bool {
        let header = |name: &str| self.headers.get(name).map_or("", String::as_str);
        let signed = SignedHeaders {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let secrets = [Secret::parse(secret).expect("a secret")];
        signature::verify(
            &secrets,
            &signed,
            &self.body,
            now.as_seconds(),
            tolerance_seconds,
        )
        .is_ok()
    }
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Webhook>>,
    behaviours: Mutex<HashMap<String, Behaviour>>,
    count: watch::Sender<usize>,
}

/// A running receiver.
pub struct WebhookReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

impl WebhookReceiver {
    /// Starts on a free port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared::default());
        let routes = Route::new()
            .at("/:hook", post(receive))
            .data(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel::<()>();
        let acceptor = TcpAcceptor::from_tokio(listener).expect("a listener");
        tokio::spawn(async move {
            let until = async { drop(stopped.await) };
            Server::new_with_acceptor(acceptor)
                .run_with_graceful_shutdown(routes, until, None)
                .await
        });
        Self {
            address,
            shared,
            _stop: stop,
        }
    }

    /// The URL of one hook.
    pub fn url(&self, hook: &str) -> String {
        format!("http://{}/{hook}", self.address)
    }

    /// How a hook answers from now on; 204 when nothing was said.
    pub fn behave(&self, hook: &str, behaviour: Behaviour) {
        let mut behaviours = self
            .shared
            .behaviours
            .lock()
            .expect("no test panicked here");
        behaviours.insert(hook.to_owned(), behaviour);
    }

    /// Every webhook at a hook, in the order in which they came.
    pub fn received(&self, hook: &str) -> Vec<Webhook> {
        let all = self.shared.received.lock().expect("no test panicked here");
        all.iter().filter(|one| one.hook == hook).cloned().collect()
    }

    /// The webhooks of one type at a hook.
    pub fn of_kind(&self, hook: &str, kind: &str) -> Vec<Webhook> {
        self.received(hook)
            .into_iter()
            .filter(|one| one.kind() == kind)
            .collect()
    }

    /// Waits until so many webhooks came in altogether.
    pub async fn wait_for(&self, count: usize) {
        let mut seen = self.shared.count.subscribe();
        seen.wait_for(|seen| *seen >= count)
            .await
            .expect("the receiver runs");
    }
}

#[handler]
async fn receive(
    Path(hook): Path<String>,
    headers: &HeaderMap,
    body: Body,
    shared: Data<&Arc<Shared>>,
) -> Response {
    let webhook = Webhook {
        hook: hook.clone(),
        headers: headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: body.into_vec().await.expect("a whole body"),
    };
    let behaviour = {
        let behaviours = shared.behaviours.lock().expect("no test panicked here");
        behaviours.get(&hook).cloned()
    };
    {
        let mut received = shared.received.lock().expect("no test panicked here");
        received.push(webhook);
        shared.count.send_replace(received.len());
    }
    match behaviour.unwrap_or(Behaviour::Answer(StatusCode::NO_CONTENT)) {
        Behaviour::Answer(status) => status.into(),
        Behaviour::Redirect(url) => Response::builder()
            .status(StatusCode::FOUND)
            .header(header::LOCATION, url)
            .finish(),
        Behaviour::Hold(gate) => {
            gate.passed().await;
            StatusCode::NO_CONTENT.into()
        }
    }
}
