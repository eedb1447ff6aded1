//! Everything that can happen. Adding a kind of action is a variant, its weight and one function.

use std::sync::Arc;

use futures::future::BoxFuture;
use tributary_domain::ids::{DeliveryId, OrderId};
use tributary_operations::OperationError;
use tributary_operations::courier::Wish as ClaimWish;
use tributary_operations::endpoints::EndpointPatch;

use super::checker;
use super::node::Node;
use super::tenants::Player;
use super::world::World;

/// One thing that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    PlaceNew,
    PlaceAgain,
    PlaceSameNumber,
    PlaceOtherContent,
    PlaceOtherUnderKey,
    Close,
    Sync,
    Peek,
    ReadFeed,
    RetryDelivery,
    EnableEndpoint,
    Pay,
    PayLate,
    PayAndTell,
    CloseAtWeChat,
    Notify,
    Replay,
    Sequence,
    Poll,
    ApplyKept,
    ReleaseForgotten,
    Claim,
    Deliver,
    Record,
    Wait,
    Weather,
    Restart,
    RefundNew,
    RefundAgain,
    RefundSameNumber,
    RefundOtherContent,
    RefundTooMuch,
    SyncRefund,
    PollRefunds,
    EndRefund,
    Balance,
    LatePolicy,
    DecideLate,
}

/// How often each happens.
const ACTIONS: &[(u32, Action)] = &[
    (14, Action::PlaceNew),
    (8, Action::PlaceAgain),
    (3, Action::PlaceSameNumber),
    (2, Action::PlaceOtherContent),
    (2, Action::PlaceOtherUnderKey),
    (6, Action::Close),
    (4, Action::Sync),
    (1, Action::Peek),
    (6, Action::ReadFeed),
    (2, Action::RetryDelivery),
    (2, Action::EnableEndpoint),
    (12, Action::Pay),
    (3, Action::PayLate),
    (2, Action::CloseAtWeChat),
    (12, Action::Notify),
    (3, Action::Replay),
    (6, Action::Sequence),
    (10, Action::Poll),
    (4, Action::ApplyKept),
    (1, Action::ReleaseForgotten),
    (10, Action::Claim),
    (12, Action::Deliver),
    (10, Action::Record),
    (16, Action::Wait),
    (3, Action::Weather),
    (2, Action::Restart),
    (8, Action::RefundNew),
    (5, Action::RefundAgain),
    (2, Action::RefundSameNumber),
    (2, Action::RefundOtherContent),
    (2, Action::RefundTooMuch),
    (2, Action::SyncRefund),
    (8, Action::PollRefunds),
    (8, Action::EndRefund),
    (2, Action::Balance),
    (3, Action::LatePolicy),
    (3, Action::DecideLate),
];

/// What may happen while a call to WeChat is under way.
const MEANWHILE: &[(u32, Action)] = &[
    (4, Action::PlaceAgain),
    (2, Action::PlaceSameNumber),
    (4, Action::Close),
    (3, Action::Sync),
    (8, Action::Pay),
    (4, Action::PayLate),
    (6, Action::PayAndTell),
    (2, Action::CloseAtWeChat),
    (8, Action::Notify),
    (4, Action::Poll),
    (2, Action::Sequence),
    (2, Action::Wait),
    (4, Action::RefundNew),
    (5, Action::RefundAgain),
    (2, Action::RefundSameNumber),
    (2, Action::RefundTooMuch),
    (2, Action::SyncRefund),
    (5, Action::PollRefunds),
    (5, Action::EndRefund),
    (2, Action::DecideLate),
];

/// The most that happens during one call.
const MEANWHILE_MAX: usize = 3;

impl World {
    /// Lets one thing happen.
    pub(super) async fn step(self: &Arc<Self>) {
        self.chance().in_interlude = false;
        let action = self.draw(|dice| dice.weighted(ACTIONS));
        self.act(action).await;
    }

    /// While a call is under way, others act too.
    pub(super) fn interlude(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let happens = {
                let mut chance = self.chance();
                let percent = chance.weather.interludes;
                let happens = !chance.in_interlude && chance.dice.chance(percent);
                chance.in_interlude |= happens;
                happens
            };
            if !happens {
                return;
            }
            let count = self.draw(|dice| dice.below(MEANWHILE_MAX));
            for _ in 0..=count {
                let action = self.draw(|dice| dice.weighted(MEANWHILE));
                self.tell(|| format!("   (meanwhile: {action:?}"));
                self.act(action).await;
                self.tell(|| "   )".to_owned());
            }
            self.chance().in_interlude = false;
        })
    }

    async fn act(self: &Arc<Self>, action: Action) {
        let node = &self.nodes[self.draw(|dice| dice.below(2))];
        let player = &self.players[self.draw(|dice| dice.below(2))];
        match action {
            Action::PlaceNew => self.place_new(node, player).await,
            Action::PlaceAgain => self.place_again(node, player).await,
            Action::PlaceSameNumber => self.place_same_number(node, player).await,
            Action::PlaceOtherContent => self.place_other_content(node, player).await,
            Action::PlaceOtherUnderKey => self.place_other_under_key(node, player).await,
            Action::Close => self.close_order(node, player).await,
            Action::Sync => self.sync(node, player).await,
            Action::Peek => self.peek(node).await,
            Action::ReadFeed => drop(self.read_feed(node, player).await),
            Action::RetryDelivery => self.retry_delivery(node).await,
            Action::EnableEndpoint => self.enable_endpoint(node).await,
            Action::Pay => self.pay(),
            Action::PayLate => self.pay_late(),
            Action::PayAndTell => self.pay_and_tell().await,
            Action::CloseAtWeChat => self.close_at_wechat(),
            Action::Notify => self.notify().await,
            Action::Replay => self.replay().await,
            Action::Sequence => drop(self.sequence(node).await),
            Action::Poll => {
                self.task(node, "polls", async |o| o.poll_due_orders().await)
                    .await;
            }
            Action::ApplyKept => {
                self.task(node, "applies", async |o| {
                    o.apply_kept_notifications().await
                })
                .await;
            }
            Action::ReleaseForgotten => {
                self.task(node, "releases", async |o| {
                    o.release_forgotten_deliveries().await
                })
                .await;
            }
            Action::Claim => drop(self.claim(node).await),
            Action::Deliver => drop(self.deliver(node).await),
            Action::Record => drop(self.record(node).await),
            Action::Wait => self.wait(),
            Action::Weather => self.change_weather(),
            Action::Restart => node.restart(self),
            other => self.act_on_refunds(other, node, player).await,
        }
    }
}

/// Tenants.
impl World {
    fn some_order(&self, player: &Player) -> Option<OrderId> {
        let orders = player.orders();
        let newest = orders[orders.len().saturating_sub(5)..].to_vec();
        self.draw(|dice| dice.pick(&newest))
    }

    async fn close_order(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(id) = self.some_order(player) else {
            return;
        };
        self.tell(|| format!("a tenant closes {id} at node {}", node.index));
        let caller = player.caller.clone();
        let answer = self
            .asked(node, async |operations| {
                operations.close_order(&caller, &id).await
            })
            .await;
        self.tell(|| match answer {
            Some(Ok(order)) => format!("   -> {}", order.state.as_str()),
            other => format!("   -> {:?}", other.map(Result::err)),
        });
    }

    async fn sync(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(id) = self.some_order(player) else {
            return;
        };
        self.tell(|| format!("a tenant syncs {id} at node {}", node.index));
        let caller = player.caller.clone();
        let answer = self
            .asked(node, async |operations| {
                operations.sync_order(&caller, &id).await
            })
            .await;
        self.tell(|| match answer {
            Some(Ok(order)) => format!("   -> {}", order.state.as_str()),
            other => format!("   -> {:?}", other.map(Result::err)),
        });
    }

    /// Looks for another tenant's order, in vain.
    async fn peek(self: &Arc<Self>, node: &Node) {
        let Some(id) = self.some_order(&self.players[0]) else {
            return;
        };
        let caller = self.players[1].caller.clone();
        let seen = self
            .asked(node, async |operations| {
                operations.get_order(&caller, &id).await
            })
            .await;
        if !matches!(seen, Some(Err(OperationError::NotFound))) {
            self.complain(format!("I11: another's order was answered with {seen:?}"));
        }
    }

    pub(super) async fn read_feed(self: &Arc<Self>, node: &Node, player: &Player) -> usize {
        let after = player.memory().cursor;
        let limit = self.draw(|dice| dice.between(1..=6)).unsigned_abs();
        let caller = player.caller.clone();
        let page = self
            .asked(node, async |o| {
                o.list_events(&caller, after, Vec::new(), limit).await
            })
            .await;
        let Some(Ok(page)) = page else { return 0 };
        let mut memory = player.memory();
        for item in &page.items {
            let body: serde_json::Value = serde_json::from_str(item.body.get()).expect("JSON");
            memory
                .read
                .push(body["id"].as_str().expect("an event has an id").to_owned());
            memory.cursor = item.feed_seq;
        }
        page.items.len()
    }

    async fn retry_delivery(self: &Arc<Self>, node: &Node) {
        let known: Vec<(String, String)> = self
            .log()
            .posts
            .iter()
            .rev()
            .take(6)
            .map(|post| {
                (
                    post.tenant.clone(),
                    post.header("webhook-delivery-id").to_owned(),
                )
            })
            .collect();
        let Some((tenant, id)) = self.draw(|dice| dice.pick(&known)) else {
            return;
        };
        let owner = self.players.iter().find(|player| player.tenant() == tenant);
        let caller = owner.expect("a known tenant").caller.clone();
        let id: DeliveryId = id.parse().expect("a delivery's id");
        self.tell(|| format!("a tenant sends {id} again"));
        drop(
            self.asked(node, async |o| o.retry_delivery(&caller, &id).await)
                .await,
        );
    }

    pub(super) async fn enable_endpoint(self: &Arc<Self>, node: &Node) {
        let known: Vec<_> = self.scene.endpoints.values().cloned().collect();
        let endpoint = self
            .draw(|dice| dice.pick(&known))
            .expect("there are endpoints");
        self.enable(node, &endpoint).await;
    }

    pub(super) async fn enable(
        self: &Arc<Self>,
        node: &Node,
        endpoint: &super::setup::KnownEndpoint,
    ) {
        let caller = self.players[endpoint.player].caller.clone();
        let id = endpoint.id.parse().expect("an endpoint's id");
        self.tell(|| format!("a tenant enables {}", endpoint.id));
        let patch = EndpointPatch {
            state: Some("enabled".to_owned()),
            ..EndpointPatch::default()
        };
        drop(
            self.asked(node, async |o| o.update_endpoint(&caller, &id, patch).await)
                .await,
        );
    }
}

/// The clock's work.
impl World {
    pub(super) async fn task<W>(
        self: &Arc<Self>,
        node: &Node,
        name: &str,
        work: impl FnOnce(tributary_operations::Operations) -> W,
    ) -> usize
    where
        W: Future<Output = Result<usize, OperationError>>,
    {
        let done = self.asked(node, work).await;
        if !matches!(done, Some(Ok(0))) {
            let done = done
                .as_ref()
                .map(|done| done.as_ref().map_err(ToString::to_string));
            self.tell(|| format!("node {} {name}: {done:?}", node.index));
        }
        done.and_then(Result::ok).unwrap_or(0)
    }

    pub(super) async fn sequence(self: &Arc<Self>, node: &Node) -> usize {
        let life = node.life();
        self.task(node, "numbers events", async |_| {
            life.sequencer.run_once().await
        })
        .await
    }

    pub(super) async fn claim(self: &Arc<Self>, node: &Node) -> usize {
        let life = node.life();
        let in_flight = std::collections::HashMap::new();
        let wish = ClaimWish {
            lanes: None,
            limit: self
                .draw(|dice| dice.between(1..=12))
                .unsigned_abs()
                .try_into()
                .expect("small"),
            tenant_cap: 32,
            in_flight: &in_flight,
        };
        let claimed = self
            .asked(node, async |_| life.courier.claim(&wish).await)
            .await;
        let Some(Ok(load)) = claimed else { return 0 };
        let count = load.outgoing.len();
        if count > 0 {
            self.tell(|| format!("node {} claims {count} deliveries", node.index));
        }
        for outgoing in load.outgoing {
            let claim = self.note_claim(outgoing.delivery_id().as_str());
            life.hands().claimed.push((outgoing, claim));
        }
        self.check_lanes().await;
        count
    }

    async fn check_lanes(&self) {
        let now = self.now().as_millis();
        let mut lanes: std::collections::BTreeMap<String, usize> =
            std::collections::BTreeMap::new();
        let rows = self.rows().await;
        for fault in checker::sums_are_within_paid(&rows) {
            self.complain(fault);
        }
        for row in rows.delivery_queue {
            *lanes.entry(row.endpoint_id).or_default() += usize::from(row.lease_until > now);
        }
        for fault in lanes.into_values().filter_map(checker::lane_is_full) {
            self.complain(fault);
        }
    }

    pub(super) async fn deliver(self: &Arc<Self>, node: &Node) -> usize {
        let life = node.life();
        let count = life.hands().claimed.len();
        if count == 0 {
            return 0;
        }
        let index = self.draw(|dice| dice.below(count));
        let (outgoing, claim) = life.hands().claimed.swap_remove(index);
        let posted = self.log().posts.len();
        let report = node
            .as_process(self, async |_| life.courier.deliver(&outgoing).await)
            .await;
        match report {
            Some(report) => life.hands().sent.push((report, claim)),
            None if self.log().posts.len() > posted => {
                self.note_unrecorded(outgoing.delivery_id().as_str());
            }
            None => {}
        }
        1
    }

    pub(super) async fn record(self: &Arc<Self>, node: &Node) -> usize {
        let life = node.life();
        let sent: Vec<_> = std::mem::take(&mut life.hands().sent);
        if sent.is_empty() {
            return 0;
        }
        let current: usize = sent
            .iter()
            .filter(|(report, claim)| self.is_latest_claim(report.delivery_id().as_str(), *claim))
            .count();
        let reports: Vec<_> = sent.iter().map(|(report, _)| report.clone()).collect();
        let done = self
            .asked(node, async |_| life.courier.record(&reports).await)
            .await;
        self.tell(|| {
            format!(
                "node {} records {} results: {done:?}",
                node.index,
                reports.len()
            )
        });
        match done {
            Some(Ok(completed)) if completed.accepted > current => {
                self.complain(format!(
                    "I6: {completed:?}, and only {current} claims had not ended"
                ));
            }
            Some(Ok(completed)) if completed.stale == 0 => {}
            // Which of them were refused is not told; all of them may have been.
            _ => {
                for report in &reports {
                    self.note_unrecorded(report.delivery_id().as_str());
                }
            }
        }
        reports.len()
    }

    fn note_claim(&self, delivery: &str) -> u64 {
        let mut log = self.log();
        let claim = log.claims.entry(delivery.to_owned()).or_default();
        *claim += 1;
        *claim
    }

    fn is_latest_claim(&self, delivery: &str, claim: u64) -> bool {
        self.log().claims.get(delivery) == Some(&claim)
    }
}
