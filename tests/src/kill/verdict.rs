//! What is left after the last kill, compared with what WeChat believes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_domain::clock::{Clock, SystemClock};
use wechatpay_sim::{Order, TradeState};

use super::load::Asked;
use super::{HOOK, World};

const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// What a run found. Every field after `lost_answers` is a violation unless it is 0.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How often the server was killed.
    pub kills: usize,
    /// Orders that tenants were answered.
    pub orders: usize,
    /// Orders that WeChat calls paid.
    pub paid_at_wechat: usize,
    /// Webhooks that came in, repeated ones included.
    pub webhooks: usize,
    /// Requests that found a dead server.
    pub lost_answers: usize,
    /// Paid at WeChat, not paid here.
    pub unpaid_here: usize,
    /// Paid at WeChat, and no `order.paid` in the feed.
    pub untold: usize,
    /// `order.paid` more than once in the feed.
    pub told_twice: usize,
    /// `order.paid` never delivered with a good signature.
    pub undelivered: usize,
    /// One request of a tenant, and several orders at WeChat or here.
    pub doubled: usize,
    /// Orders that were answered and are gone.
    pub lost: usize,
    /// Numbers missing in the feed, or given twice.
    pub holes: usize,
}

impl Verdict {
    /// Whether nothing was lost and nothing doubled.
    pub fn is_clean(&self) -> bool {
        let violations = [
            self.unpaid_here,
            self.untold,
            self.told_twice,
            self.undelivered,
            self.doubled,
            self.lost,
            self.holes,
        ];
        violations.iter().all(|count| *count == 0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kills                               {:6}", self.kills)?;
        writeln!(f, "orders answered                     {:6}", self.orders)?;
        writeln!(
            f,
            "orders paid at WeChat               {:6}",
            self.paid_at_wechat
        )?;
        writeln!(f, "webhooks received                   {:6}", self.webhooks)?;
        writeln!(
            f,
            "requests without an answer          {:6}",
            self.lost_answers
        )?;
        writeln!(
            f,
            "paid at WeChat, not paid here       {:6}",
            self.unpaid_here
        )?;
        writeln!(f, "paid, order.paid missing            {:6}", self.untold)?;
        writeln!(
            f,
            "order.paid more than once           {:6}",
            self.told_twice
        )?;
        writeln!(
            f,
            "order.paid never delivered          {:6}",
            self.undelivered
        )?;
        writeln!(f, "orders doubled                      {:6}", self.doubled)?;
        writeln!(f, "orders lost                         {:6}", self.lost)?;
        write!(f, "holes in the feed                   {:6}", self.holes)
    }
}

/// Looks until everything has come to its end, or the time is up; then says what was found last.
pub(super) async fn settle_and_judge(
    world: &Arc<World>,
    asked: &Asked,
    limit: Duration,
) -> Verdict {
    let begun = Instant::now();
    loop {
        let verdict = judge(world, asked).await;
        if verdict.is_clean() || begun.elapsed() >= limit {
            return verdict;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

async fn judge(world: &World, asked: &Asked) -> Verdict {
    let at_wechat = world.simulator.ledger().orders;
    let paid: Vec<&Order> = at_wechat
        .iter()
        .filter(|order| order.trade_state == TradeState::Success)
        .collect();
    let here = orders_here(world).await;
    let feed = feed(world).await;
    let told = told(&feed);
    let delivered = delivered(world);
    let by_number: BTreeMap<&str, &Value> = here
        .iter()
        .map(|order| (crate::platform::number(order), order))
        .collect();
    let mut verdict = Verdict {
        orders: asked.answered.len(),
        paid_at_wechat: paid.len(),
        webhooks: world.receiver.received(HOOK).len(),
        lost_answers: asked.lost_answers,
        doubled: doubled(&here, &at_wechat),
        lost: lost(asked, &here),
        holes: holes(&feed),
        ..Verdict::default()
    };
    for order in paid {
        let ours = by_number.get(order.out_trade_no.as_str());
        let transaction = order
            .payment
            .as_ref()
            .map(|payment| payment.transaction_id.as_str());
        let is_paid = ours.is_some_and(|ours| {
            ours["state"] == "paid" && ours["transaction_id"].as_str() == transaction
        });
        let id = ours
            .and_then(|ours| ours["id"].as_str())
            .unwrap_or_default();
        let times = told.get(id).copied().unwrap_or_default();
        verdict.unpaid_here += usize::from(!is_paid);
        verdict.untold += usize::from(times == 0);
        verdict.told_twice += usize::from(times > 1);
        verdict.undelivered += usize::from(!delivered.contains(id));
    }
    verdict
}

async fn orders_here(world: &World) -> Vec<Value> {
    let mut orders = Vec::new();
    let mut query = String::from("limit=100");
    loop {
        let page = world.tenant.api.orders(&query).await.ok();
        orders.extend(
            page["data"]
                .as_array()
                .expect("a page has data")
                .iter()
                .cloned(),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=100&cursor={cursor}"),
            None => return orders,
        }
    }
}

async fn feed(world: &World) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let page = world
            .tenant
            .api
            .events(&format!("limit=100{after}"))
            .await
            .ok();
        let items = page["data"].as_array().expect("a page has data").clone();
        if items.is_empty() {
            return events;
        }
        events.extend(items);
        let cursor = page["next_cursor"]
            .as_str()
            .expect("a page of the feed has a cursor");
        after = format!("&after={cursor}");
    }
}

/// How often each order was told to be paid.
fn told(feed: &[Value]) -> BTreeMap<&str, usize> {
    let mut told = BTreeMap::new();
    for event in feed.iter().filter(|event| event["type"] == "order.paid") {
        *told
            .entry(event["subject"]["id"].as_str().expect("a subject"))
            .or_default() += 1;
    }
    told
}

/// The orders whose `order.paid` came in with a good signature.
fn delivered(world: &World) -> BTreeSet<String> {
    let now = SystemClock.now();
    let mut ids = BTreeSet::new();
    for webhook in world.receiver.received(HOOK) {
        let event = webhook.event();
        if event["type"] == "order.paid" && webhook.has_signature_of(&world.secret, now) {
            ids.insert(
                event["subject"]["id"]
                    .as_str()
                    .expect("a subject")
                    .to_owned(),
            );
        }
    }
    ids
}

/// Numbers of tenants with several orders here, and orders with several lives at WeChat.
fn doubled(here: &[Value], at_wechat: &[Order]) -> usize {
    let numbers: BTreeSet<&str> = here
        .iter()
        .filter_map(|order| order["merchant_order_no"].as_str())
        .collect();
    let known: BTreeSet<&str> = here.iter().map(crate::platform::number).collect();
    let strangers = at_wechat
        .iter()
        .filter(|order| !known.contains(order.out_trade_no.as_str()));
    here.len() - numbers.len() + strangers.count()
}

fn lost(asked: &Asked, here: &[Value]) -> usize {
    let ids: BTreeSet<&str> = here
        .iter()
        .filter_map(|order| order["id"].as_str())
        .collect();
    let gone = |order: &&Value| !ids.contains(order["id"].as_str().expect("an id"));
    asked.answered.iter().filter(gone).count()
}

fn holes(feed: &[Value]) -> usize {
    let expected = 1_i64..;
    feed.iter()
        .zip(expected)
        .filter(|(event, number)| event["feed_seq"] != *number)
        .count()
}
