//! What is left after the last kill, compared with what WeChat believes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_domain::clock::{Clock, SystemClock};
use wechatpay_sim::{Order, TradeState};

use super::load::{Asked, REFUND_FEN};
use super::{HOOK, World};
use crate::platform::FORGOTTEN;

/// The states of an order that was paid and kept its money, or gave a part of it back.
const HAS_MONEY: [&str; 3] = ["paid", "partially_refunded", "refunded"];
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// What a run found; [`Verdict::is_clean`] says what of it are violations.
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
    /// Payments that came after the close, and were told as such.
    pub late: usize,
    /// Refunds that tenants were answered.
    pub refunds: usize,
    /// Refunds that were answered and are gone, here or at WeChat, or that nobody was told of.
    pub refunds_lost: usize,
    /// One refund of a tenant, and several here, at WeChat or in the feed.
    pub refunds_doubled: usize,
    /// Refunds that did not come to their end.
    pub refunds_open: usize,
    /// Orders whose sums are not those of their payments and refunds.
    pub sums: usize,
    /// Rows that nobody will look at again, or that contradict each other.
    pub forgotten: usize,
    /// From the end of the trouble to the end of everything.
    pub recovered_in: Duration,
    /// The most memory that the server ever had, in KiB.
    pub peak_kib: u64,
}

impl Verdict {
    /// Whether nothing was lost and nothing doubled.
    pub fn is_clean(&self) -> bool {
        self.lost() + self.doubled() + self.stuck() == 0
    }

    /// What is gone, or was never told.
    pub fn lost(&self) -> usize {
        self.lost + self.untold + self.holes + self.refunds_lost
    }

    /// What is there twice, or was told twice.
    pub fn doubled(&self) -> usize {
        self.doubled + self.told_twice + self.refunds_doubled
    }

    /// What did not come to its end, or does not add up.
    pub fn stuck(&self) -> usize {
        self.unpaid_here + self.undelivered + self.refunds_open + self.sums + self.forgotten
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
        writeln!(f, "holes in the feed                   {:6}", self.holes)?;
        writeln!(f, "paid after the close                {:6}", self.late)?;
        writeln!(f, "refunds answered                    {:6}", self.refunds)?;
        writeln!(
            f,
            "refunds lost                        {:6}",
            self.refunds_lost
        )?;
        writeln!(
            f,
            "refunds doubled                     {:6}",
            self.refunds_doubled
        )?;
        writeln!(
            f,
            "refunds not at their end            {:6}",
            self.refunds_open
        )?;
        writeln!(f, "orders whose sums are wrong         {:6}", self.sums)?;
        write!(
            f,
            "rows forgotten or contradictory     {:6}",
            self.forgotten
        )
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

pub(super) async fn judge(world: &World, asked: &Asked) -> Verdict {
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
        late: count(&feed, "order.paid_late").len(),
        sums: here.iter().filter(|order| !adds_up(order)).count(),
        forgotten: forgotten(world).await,
        ..Verdict::default()
    };
    judge_refunds(world, asked, &feed, &mut verdict).await;
    for order in paid {
        let ours = by_number.get(order.out_trade_no.as_str());
        let transaction = order
            .payment
            .as_ref()
            .map(|payment| payment.transaction_id.as_str());
        let is_paid = ours.is_some_and(|ours| {
            let state = ours["state"].as_str().unwrap_or_default();
            HAS_MONEY.contains(&state) && ours["transaction_id"].as_str() == transaction
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

/// Every refund is one here, one at WeChat, one success in the feed, and at its end.
async fn judge_refunds(world: &World, asked: &Asked, feed: &[Value], verdict: &mut Verdict) {
    let here = list(world, "/v1/refunds").await;
    let at_wechat = world.simulator.ledger().refunds;
    let told = count(feed, "refund.succeeded");
    let text = |refund: &Value, name: &str| refund[name].as_str().unwrap_or_default().to_owned();
    let ids: BTreeSet<String> = here.iter().map(|refund| text(refund, "id")).collect();
    let numbers: BTreeSet<String> = here
        .iter()
        .map(|refund| text(refund, "out_refund_no"))
        .collect();
    let wishes: BTreeSet<String> = here
        .iter()
        .map(|refund| text(refund, "merchant_refund_no"))
        .collect();
    verdict.refunds = asked.refunded.len();
    let gone = |refund: &&Value| !ids.contains(&text(refund, "id"));
    verdict.refunds_lost = asked.refunded.iter().filter(gone).count();
    verdict.refunds_lost += numbers.len().saturating_sub(at_wechat.len());
    verdict.refunds_doubled = here.len() - wishes.len();
    let known = |number: &str| numbers.contains(number);
    let strangers = at_wechat
        .iter()
        .filter(|refund| !known(&refund.out_refund_no));
    verdict.refunds_doubled += strangers.count();
    for refund in &here {
        let times = told.get(refund["id"].as_str().unwrap_or_default());
        let times = times.copied().unwrap_or_default();
        verdict.refunds_open += usize::from(refund["state"] != "success");
        verdict.refunds_lost += usize::from(times == 0);
        verdict.refunds_doubled += usize::from(times > 1);
    }
}

/// An order has what its user paid, and gave back all or nothing of what its tenant asked for.
fn adds_up(order: &Value) -> bool {
    let amount = &order["amount"];
    let refunded = amount["refunded"].as_i64();
    amount["paid"] == amount["total"]
        && amount["refunding"] == 0
        && (refunded == Some(0) || refunded == Some(REFUND_FEN))
}

async fn forgotten(world: &World) -> usize {
    let mut sum = 0;
    for (_, sql) in FORGOTTEN {
        let rows = world.database.count(sql).await;
        sum += usize::try_from(rows).expect("a count");
    }
    sum
}

async fn orders_here(world: &World) -> Vec<Value> {
    list(world, "/v1/orders").await
}

async fn list(world: &World, path: &str) -> Vec<Value> {
    let mut orders = Vec::new();
    let mut query = String::from("limit=100");
    loop {
        let page = world.tenant.api.get(&format!("{path}?{query}")).await.ok();
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

/// How often each order was told to be paid, in time or late.
fn told(feed: &[Value]) -> BTreeMap<&str, usize> {
    let mut told = count(feed, "order.paid");
    for (id, times) in count(feed, "order.paid_late") {
        *told.entry(id).or_default() += times;
    }
    told
}

/// How often there is an event of this type about each subject.
fn count<'a>(feed: &'a [Value], kind: &str) -> BTreeMap<&'a str, usize> {
    let mut told = BTreeMap::new();
    for event in feed.iter().filter(|event| event["type"] == kind) {
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
        let is_paid = event["type"] == "order.paid" || event["type"] == "order.paid_late";
        if is_paid && webhook.has_signature_of(&world.secret, now) {
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
