//! The ways out of the platform, to WeChat and to the receivers, within the process; on them, things go wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Weak};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::header::{HeaderValue, USER_AGENT};
use reqwest::{Request, Response, StatusCode};
use serde_json::Value;
use tributary_webhooks::{ErrorClass, Sender, SenderConfig};
use wechatpay::client::{Carried, Transport, TransportConfig, TransportError};
use wechatpay_sim::LocalRequest;

use super::evidence::Post;
use super::weather::{CallFate, Reception, Weather};
use super::world::{Horizon, World};

/// Made once: it reads the machine's certificates, which no request of a simulation needs.
static TRANSPORT: LazyLock<Transport> =
    LazyLock::new(|| Transport::new(&TransportConfig::default()).expect("a transport"));

/// Carries calls to the simulated WeChat.
pub(super) struct ToWeChat(Horizon);

/// Carries webhooks to the simulated receivers.
pub(super) struct ToReceivers(Horizon);

impl fmt::Debug for ToWeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToWeChat")
    }
}

impl fmt::Debug for ToReceivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToReceivers")
    }
}

impl ToWeChat {
    pub(super) fn transport(horizon: &Horizon) -> Transport {
        TRANSPORT.clone().over(Arc::new(Self(Arc::clone(horizon))))
    }
}

impl ToReceivers {
    pub(super) fn sender(horizon: &Horizon) -> Sender {
        let wire = Arc::new(Self(Arc::clone(horizon)));
        Sender::over(wire, SenderConfig::default())
    }
}

impl wechatpay::client::Wire for ToWeChat {
    fn carry(&self, request: Request) -> Carried<'_> {
        let world = self.0.get().and_then(Weak::upgrade);
        async move {
            match world {
                Some(world) => world.call(request).await,
                None => Err(TransportError::NotSent),
            }
        }
        .boxed()
    }
}

impl tributary_webhooks::Wire for ToReceivers {
    fn carry(&self, request: Request) -> BoxFuture<'_, Result<Response, ErrorClass>> {
        let world = self.0.get().and_then(Weak::upgrade);
        async move {
            match world {
                Some(world) => world.post(&request).await,
                None => Err(ErrorClass::ConnectRefused),
            }
        }
        .boxed()
    }
}

impl World {
    /// Carries one call to WeChat, through whatever happens on the way and meanwhile.
    async fn call(self: Arc<Self>, request: Request) -> Result<Response, TransportError> {
        let fate = self.draw_fate(Weather::call, |fate| !matches!(fate, CallFate::Through));
        let call = local(&request);
        let number = call.placed_number();
        let what = format!("{} {}", call.0.method, call.0.target);
        if call.0.target.starts_with("/v3/certificates") {
            // Whoever asks for keys makes everybody else wait: others must not act inside of this.
            self.chance().in_interlude = true;
        }
        self.tell(|| format!("      {what}: {fate:?}"));
        if matches!(fate, CallFate::NotSent) {
            return Err(TransportError::NotSent);
        }
        self.clone().interlude().await;
        self.perhaps_end().await;
        if let Some(number) = &number {
            let mut log = self.log();
            log.bodies
                .entry(number.clone())
                .or_default()
                .insert(call.0.body.clone());
        }
        if matches!(fate, CallFate::RequestLost) {
            return Err(TransportError::Lost);
        }
        if let CallFate::Fault(fault) = &fate {
            self.simulator.fault((**fault).clone());
        }
        let answer = self.simulator.answer(&call.0).await;
        self.clone().interlude().await;
        self.perhaps_end().await;
        let answer = answer.filter(|_| !matches!(fate, CallFate::AnswerLost));
        let Some(answer) = answer else {
            return Err(TransportError::Lost);
        };
        if let Some(number) = number.filter(|_| refuses(answer.status)) {
            self.log().refused.insert(number);
        }
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
        *response.headers_mut() = answer.headers;
        Ok(response.into())
    }

    /// Ends the process here, perhaps.
    async fn perhaps_end(&self) {
        let ends = self.processes.any()
            && self.draw_fate(|weather, dice| dice.chance(weather.crashes), |ends| *ends);
        if ends {
            self.tell(|| "      the process ends".to_owned());
            self.processes.end_innermost();
            std::future::pending::<()>().await;
        }
    }

    /// Carries one webhook to its receiver.
    async fn post(self: Arc<Self>, request: &Request) -> Result<Response, ErrorClass> {
        let reception = self.draw_fate(Weather::reception, |one| *one != Reception::Status(204));
        let endpoint = request.url().path().trim_start_matches('/').to_owned();
        let headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        self.tell(|| {
            let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
            let (kind, attempt) = (header("webhook-event-type"), header("webhook-attempt"));
            let id = header("webhook-delivery-id");
            format!("      POST {id} {kind} to {endpoint}, attempt {attempt}: {reception:?}")
        });
        if reception == Reception::Refused {
            return Err(ErrorClass::ConnectRefused);
        }
        let known = self
            .scene
            .endpoints
            .get(&endpoint)
            .expect("a known endpoint");
        let body = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .unwrap_or_default()
            .to_vec();
        self.log().posts.push(Post {
            tenant: known.tenant.clone(),
            secret: known.secret.clone(),
            headers,
            body,
        });
        self.perhaps_end().await;
        match reception {
            Reception::Status(status) => {
                let mut response = http::Response::new(Vec::new());
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                Ok(response.into())
            }
            Reception::Hangs => Err(ErrorClass::TimeoutHeaders),
            Reception::AnswerLost | Reception::Refused => Err(ErrorClass::Reset),
        }
    }
}

/// A refusal that stands: not a 429, nor anything that says nothing about the business.
fn refuses(status: u16) -> bool {
    (400..500).contains(&status) && ![408, 425, 429].contains(&status)
}

/// A call as the simulator reads it.
struct Call(LocalRequest);

fn local(request: &Request) -> Call {
    let url = request.url();
    let query = url
        .query()
        .map_or(String::new(), |query| format!("?{query}"));
    let body = request
        .body()
        .and_then(reqwest::Body::as_bytes)
        .unwrap_or_default();
    let mut headers = request.headers().clone();
    // The network's client adds it on the way out.
    headers.insert(USER_AGENT, HeaderValue::from_static("simulation"));
    Call(LocalRequest {
        method: request.method().clone(),
        target: format!("{}{query}", url.path()),
        headers,
        body: body.to_vec(),
    })
}

impl Call {
    /// The number of the order or the refund that this call places at WeChat, if it places one.
    fn placed_number(&self) -> Option<String> {
        let name = match &self.0.target {
            target if target.ends_with("/jsapi") => "out_trade_no",
            target if target.ends_with("/domestic/refunds") => "out_refund_no",
            _ => return None,
        };
        let body: Value = serde_json::from_slice(&self.0.body).ok()?;
        Some(body[name].as_str()?.to_owned())
    }
}
