//! A tenant's webhook receiver that answers as it is told and keeps what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use poem::http::StatusCode;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::web::Data;
use poem::{Body, EndpointExt as _, Request, Response, Server, handler};
use tokio::sync::{Semaphore, mpsc};
use tributary_webhooks::{Secret, SignedHeaders, VerifyError};

/// One received webhook.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What the receiver answers; the last answer repeats.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    seen: mpsc::UnboundedSender<Received>,
    /// Requests wait here before they are answered.
    gate: Semaphore,
}

/// A receiver on a port of its own.
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
    seen: mpsc::UnboundedReceiver<Received>,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }
}

impl Receiver {
    /// Starts a receiver that answers 200.
    pub(crate) async fn start() -> Self {
        Self::with_open_gate(Semaphore::MAX_PERMITS).await
    }

    /// Starts a receiver that reads requests and answers none before [`Receiver::open_gate`].
    pub(crate) async fn start_closed() -> Self {
        Self::with_open_gate(0).await
    }

    async fn with_open_gate(permits: usize) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            answers: Mutex::new(VecDeque::from([Answer::status(200)])),
            seen: sender,
            gate: Semaphore::new(permits),
        });
        let acceptor = TcpListener::bind("127.0.0.1:0")
            .into_acceptor()
            .await
            .unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        let served = receive.data(Arc::clone(&shared));
        tokio::spawn(Server::new_with_acceptor(acceptor).run(served));
        Self {
            url: format!("http://{address}/hook"),
            shared,
            seen,
        }
    }

    /// Says what is answered from now on, one after another; the last repeats.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut planned = self
            .shared
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *planned = answers.into_iter().collect();
    }

    pub(crate) fn open_gate(&self) {
        self.shared.gate.add_permits(1_000);
    }

    /// Waits for the next webhook.
    pub(crate) async fn next(&mut self) -> Received {
        self.seen.recv().await.unwrap()
    }

    /// Takes everything that has come so far.
    pub(crate) fn take(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn verify(&self, secret: &str, now_seconds: i64) -> Result<(), VerifyError> {
        let headers = SignedHeaders {
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        let secrets = [Secret::parse(secret).unwrap()];
        let body = self.body.as_bytes();
        tributary_webhooks::signature::verify(&secrets, &headers, body, now_seconds, 300)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[handler]
async fn receive(request: &Request, body: Body, shared: Data<&Arc<Shared>>) -> Response {
    let headers = request.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.as_str().to_owned(), value.to_owned())
    });
    let headers = headers.collect();
    let body = body.into_string().await.unwrap_or_default();
    let _ = shared.seen.send(Received { headers, body });
    let Ok(permit) = shared.gate.acquire().await else {
        return Response::default();
    };
    permit.forget();
    let answer = {
        let mut planned = shared
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = planned.len() == 1;
        if last {
            planned.front().cloned()
        } else {
            planned.pop_front()
        }
    };
    let answer = answer.unwrap_or_else(|| Answer::status(200));
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let response = Response::builder().status(status);
    let headers = answer.headers.into_iter();
    let response = headers.fold(response, |response, (name, value)| {
        response.header(name, value)
    });
    response.finish()
}
