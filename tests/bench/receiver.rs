//! A tenant's webhook receiver that notes when the first delivery about each order arrived.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Result;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::web::Data;
use poem::{EndpointExt as _, Route, Server, handler, post};
use tokio::sync::Notify;

/// Arrivals of `order.paid`, by the number that WeChat sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver {
    arrived: Arc<Mutex<HashMap<String, Instant>>>,
    more: Arc<Notify>,
}

impl Receiver {
    /// Listens on a free port and returns the URL to deliver to.
    pub(crate) async fn start() -> Result<(Self, String)> {
        let receiver = Self::default();
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
        let port = acceptor
            .local_addr()
            .first()
            .and_then(|address| address.as_socket_addr())
            .map_or(0, std::net::SocketAddr::port);
        let app = Route::new().at("/hook", post(take)).data(receiver.clone());
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        Ok((receiver, format!("http://127.0.0.1:{port}/hook")))
    }

    /// Waits until `count` payments were told.
    pub(crate) async fn until(&self, count: usize) {
        while self.len() < count {
            self.more.notified().await;
        }
    }

    /// How many payments were told.
    pub(crate) fn len(&self) -> usize {
        self.arrived.lock().map_or(0, |arrived| arrived.len())
    }

    /// Forgets what arrived and hands it out.
    pub(crate) fn drain(&self) -> HashMap<String, Instant> {
        self.arrived
            .lock()
            .map(|mut arrived| std::mem::take(&mut *arrived))
            .unwrap_or_default()
    }
}

#[handler]
#[expect(
    clippy::needless_pass_by_value,
    reason = "an extractor hands over what it read"
)]
fn take(body: String, Data(receiver): Data<&Receiver>) {
    let now = Instant::now();
    if !body.contains(r#""type":"order.paid""#) {
        return;
    }
    let number = body
        .split_once(r#""out_trade_no":""#)
        .and_then(|(_, rest)| rest.split_once('"'));
    if let (Some((number, _)), Ok(mut arrived)) = (number, receiver.arrived.lock()) {
        arrived.entry(number.to_owned()).or_insert(now);
    }
    receiver.more.notify_one();
}
