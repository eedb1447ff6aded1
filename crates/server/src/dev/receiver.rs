//! The demo tenant's own server: takes webhooks, checks their signatures, shows them, and leads to the cashier.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use poem::http::{HeaderMap, StatusCode, header};
use poem::web::{Data, Html, Path};
use poem::{EndpointExt, IntoResponse, Response, Route, get, handler, post};
use serde_json::Value;
use tributary_domain::clock::{Clock, SystemClock, Timestamp};
use tributary_webhooks::{Secret, SignedHeaders, signature};
use wechatpay::credentials::PrivateKey;
use wechatpay::v3::PayParameters;
use wechatpay_sim::{LedgerFilter, SimHandle};

use super::demo_data::shops;
use super::facts::DevFacts;
use super::page;
use crate::console;

/// Standard Webhooks asks receivers to refuse what is older or newer than this.
const TOLERANCE_SECONDS: u64 = 300;
/// What the page shows at most.
const SHOWN_MAX: usize = 100;
/// A webhook's body is far smaller; anything larger is not ours.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the demo receiver knows.
pub(super) struct Receiver {
    pub(super) secret: Secret,
    pub(super) facts: DevFacts,
    pub(super) client: reqwest::Client,
    pub(super) simulator: Arc<SimHandle>,
    pub(super) merchant_key: PrivateKey,
    pub(super) seen: Mutex<VecDeque<Seen>>,
}

/// One webhook as it came in.
#[derive(Clone)]
pub(super) struct Seen {
    /// When it arrived, by the receiver's own clock.
    pub(super) arrived_at: Timestamp,
    pub(super) at: String,
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) state: String,
    pub(super) amount: String,
    pub(super) verdict: Result<(), String>,
}

/// The receiver's addresses.
pub(super) fn routes(receiver: Arc<Receiver>) -> impl poem::Endpoint + 'static {
    let routes = Route::new()
        .at("/", get(show))
        .at("/webhooks", post(receive))
        .at("/pay/:id", get(lead_to_cashier));
    shops::add(routes).data(receiver)
}

#[handler]
async fn receive(
    headers: &HeaderMap,
    body: poem::Body,
    receiver: Data<&Arc<Receiver>>,
) -> StatusCode {
    let arrived_at = SystemClock.now();
    let Ok(body) = body.into_bytes_limit(BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let verdict = receiver.verify(headers, &body);
    let status = if verdict.is_ok() {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    };
    let seen = Seen::read(&body, verdict, arrived_at);
    console::say(receiver.line(&seen));
    let mut all = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner);
    all.push_front(seen);
    all.truncate(SHOWN_MAX);
    status
}

#[handler]
fn show(Data(receiver): Data<&Arc<Receiver>>) -> Html<String> {
    let seen: Vec<Seen> = {
        let all = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().cloned().collect()
    };
    Html(page::render(&seen))
}

#[handler]
async fn lead_to_cashier(Path(id): Path<String>, receiver: Data<&Arc<Receiver>>) -> Response {
    match receiver.cashier_url(&id).await {
        Ok(Some(url)) => Response::builder()
            .status(StatusCode::SEE_OTHER)
            .header(header::LOCATION, url)
            .finish(),
        Ok(None) => (StatusCode::NOT_FOUND, Html(page::no_such_order())).into_response(),
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "the cashier link could not be made"
            );
            StatusCode::BAD_GATEWAY.into()
        }
    }
}

impl Receiver {
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        let header = |name: &str| -> Result<&str, String> {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or_else(|| format!("no {name}"))
        };
        let signed = SignedHeaders {
            id: header("webhook-id")?,
            timestamp: header("webhook-timestamp")?,
            signature: header("webhook-signature")?,
        };
        let now = SystemClock.now().as_seconds();
        let secrets = std::slice::from_ref(&self.secret);
        signature::verify(secrets, &signed, body, now, TOLERANCE_SECONDS)
            .map_err(|error| error.to_string())
    }

    /// What the terminal shows of a webhook; an order that waits for money comes with its link.
    fn line(&self, seen: &Seen) -> String {
        let verdict = match &seen.verdict {
            Ok(()) => "signature verified".to_owned(),
            Err(why) => format!("REFUSED: {why}"),
        };
        let (at, kind, subject) = (seen.arrived_at, &seen.kind, &seen.subject);
        let mut line = format!(
            "webhook  {at}  {kind:<16} {subject}  {}  {verdict}",
            seen.amount
        );
        if seen.verdict.is_ok() && kind == "order.created" {
            let link = format!(
                "\n         pay it at {}/pay/{subject}",
                self.facts.receiver_url
            );
            line.push_str(&link);
        }
        line
    }

    /// The cashier with fresh parameters, signed as the platform signs them for a tenant's page.
    ///
    /// The demo holds the provider's key because it is the provider too; a tenant uses the parameters of its answer.
    async fn cashier_url(&self, order_id: &str) -> anyhow::Result<Option<String>> {
        let Some(out_trade_no) = self.out_trade_no(order_id).await? else {
            return Ok(None);
        };
        let filter = LedgerFilter {
            out_trade_no: Some(out_trade_no),
            ..LedgerFilter::default()
        };
        let orders = self.simulator.ledger_of(&filter).orders;
        let prepared = orders
            .last()
            .and_then(|order| Some((order, order.prepay_ids.last()?)));
        let Some((order, prepay)) = prepared else {
            return Ok(None);
        };
        let prepay_id = &prepay.prepay_id;
        let appid = order.sub_appid.as_deref().unwrap_or(&order.sp_appid);
        let now = SystemClock.now().as_seconds();
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let signed = PayParameters::sign(&self.merchant_key, appid, prepay_id, now, &nonce)?;
        let mut url = reqwest::Url::parse(&self.facts.sim_url)?;
        url.set_path(&format!("/cashier/{prepay_id}"));
        url.query_pairs_mut()
            .append_pair("appId", &signed.app_id)
            .append_pair("timeStamp", &signed.time_stamp)
            .append_pair("nonceStr", &signed.nonce_str)
            .append_pair("package", &signed.package)
            .append_pair("signType", &signed.sign_type)
            .append_pair("paySign", &signed.pay_sign);
        Ok(Some(url.into()))
    }

    /// Asks the API, as any tenant would.
    async fn out_trade_no(&self, order_id: &str) -> anyhow::Result<Option<String>> {
        if !order_id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Ok(None);
        }
        let answer = self
            .client
            .get(format!("{}/v1/orders/{order_id}", self.facts.api_url))
            .bearer_auth(&self.facts.api_key)
            .send()
            .await?;
        let order: Value = answer.json().await?;
        let number = order.get("out_trade_no").and_then(Value::as_str);
        Ok(number.map(str::to_owned))
    }
}

impl Seen {
    fn read(body: &[u8], verdict: Result<(), String>, arrived_at: Timestamp) -> Self {
        let event: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |pointer: &str| {
            let found = event.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let amount = event
            .pointer("/data/object/amount/total")
            .and_then(Value::as_i64)
            .map(|fen| {
                format!(
                    "{}.{:02} {}",
                    fen / 100,
                    fen % 100,
                    text("/data/object/amount/currency")
                )
            });
        Self {
            arrived_at,
            at: text("/timestamp"),
            kind: text("/type"),
            subject: text("/subject/id"),
            state: text("/data/object/state"),
            amount: amount.unwrap_or_default(),
            verdict,
        }
    }
}
