//! After the storm: every fault ends, and time passes until nothing is left to do.

use std::sync::Arc;

use wechatpay_sim::NotificationState;

use super::evidence::Rows;
use super::tenants::Player;
use super::weather::Weather;
use super::world::World;

/// More jumps of the clock than any run needs; beyond it, something never ends.
const JUMPS_MAX: usize = 250;
/// More rounds at one instant than any chain of cause and effect needs.
const ROUNDS_MAX: usize = 200;
/// How often a request without an answer is sent again.
const REPEATS_MAX: usize = 5;
const WAIT_MS: i64 = 1_000;
/// Nothing waits for longer than that.
const AHEAD_MAX_MS: i64 = 7 * 24 * 3_600_000;
/// The lock of a dead request ends within this.
const LOCK_MS: i64 = 61_000;

impl World {
    /// Brings everything to its end; false when something never ends.
    pub(super) async fn drain(self: &Arc<Self>) -> bool {
        self.tell(|| "=== the storm is over".to_owned());
        self.chance().weather = Weather::CALM;
        self.simulator.clear_faults();
        self.calm_refunds();
        for node in &self.nodes {
            node.restart(self);
        }
        for endpoint in self.scene.endpoints.values() {
            self.enable(&self.nodes[0], endpoint).await;
        }
        let rested = self.until_rest().await;
        let answered = self.answer_everybody().await;
        let rested = rested && self.until_rest().await;
        for player in &self.players {
            for _ in 0..ROUNDS_MAX {
                if self.read_feed(&self.nodes[0], player).await == 0 {
                    break;
                }
            }
        }
        rested && answered
    }

    /// Lets time jump from one thing that is due to the next until there is none.
    async fn until_rest(self: &Arc<Self>) -> bool {
        for _ in 0..JUMPS_MAX {
            if !self.do_what_is_due().await {
                return false;
            }
            let rows = self.rows().await;
            let Some(next) = self.next_due(&rows) else {
                return true;
            };
            let ahead = next - self.now().as_millis();
            if ahead > AHEAD_MAX_MS {
                self.tell(|| format!("!!! something waits for {ahead} ms"));
                return false;
            }
            // What is due and was not done waits for somebody's lease to end.
            self.clock
                .advance_millis(if ahead > 0 { ahead } else { WAIT_MS });
        }
        let rows = self.rows().await;
        self.tell(|| format!("!!! never at rest: {:?}", self.next_due(&rows)));
        false
    }

    /// Does everything that is due now; false when that never ends.
    async fn do_what_is_due(self: &Arc<Self>) -> bool {
        let node = &self.nodes[0];
        for _ in 0..ROUNDS_MAX {
            let mut done = self.simulator.run_due().await;
            done += self.sequence(node).await;
            done += self
                .task(node, "polls", async |o| o.poll_due_orders().await)
                .await;
            done += self.poll_refunds(node).await;
            done += self
                .task(node, "applies", async |o| {
                    o.apply_kept_notifications().await
                })
                .await;
            done += self
                .task(node, "releases", async |o| {
                    o.release_forgotten_deliveries().await
                })
                .await;
            done += self.claim(node).await;
            while self.deliver(node).await > 0 {}
            self.record(node).await;
            if done == 0 {
                return true;
            }
        }
        self.tell(|| "!!! one instant never ends".to_owned());
        false
    }

    /// When the next thing is due that can still change something.
    fn next_due(&self, rows: &Rows) -> Option<i64> {
        let disputed = rows.disputed();
        let polls = rows
            .orders
            .iter()
            .filter(|order| !disputed.contains(order.id.as_str()));
        let polls = polls.filter_map(|order| order.next_poll_at);
        let refunds = rows
            .refunds
            .iter()
            .filter(|refund| !disputed.contains(refund.order_id.as_str()));
        let refunds = refunds.filter_map(|refund| refund.next_try_at);
        let planned = self.simulator.ledger().refunds.into_iter();
        let planned = planned.filter_map(|refund| refund.planned.map(|planned| planned.at_ms));
        let tries = rows
            .notifications
            .iter()
            .filter_map(|notice| notice.next_try_at);
        let queue = rows.delivery_queue.iter().map(|row| row.visible_at);
        let notices = self.simulator.ledger().notifications.into_iter();
        let notices = notices.filter(|notice| notice.state == NotificationState::Pending);
        let notices = notices.filter_map(|notice| notice.next_attempt_ms);
        let unnumbered = rows.events.iter().any(|event| event.feed_seq.is_none());
        let unnumbered = unnumbered.then(|| self.now().as_millis());
        polls
            .chain(refunds)
            .chain(planned)
            .chain(tries)
            .chain(queue)
            .chain(notices)
            .chain(unnumbered)
            .min()
    }

    /// Whoever was not answered asks again; false when somebody never is.
    async fn answer_everybody(self: &Arc<Self>) -> bool {
        for _ in 0..REPEATS_MAX {
            let mut open = 0;
            for player in &self.players {
                let count = player.memory().wishes.len();
                for index in 0..count {
                    if !player.memory().wishes[index].is_over {
                        open += 1;
                        self.send_wish(&self.nodes[0], player, index).await;
                    }
                }
                open += self.answer_refunds(player).await;
            }
            if open == 0 {
                return true;
            }
            self.clock.advance_millis(LOCK_MS);
        }
        self.complain("a request is never answered".to_owned());
        false
    }

    /// Asks again for the refunds that were not answered; how many those are.
    async fn answer_refunds(self: &Arc<Self>, player: &Player) -> usize {
        let refunds = player.memory().refunds.clone();
        let open = refunds.iter().enumerate().filter(|(_, wish)| !wish.is_over);
        let open: Vec<usize> = open.map(|(index, _)| index).collect();
        for index in &open {
            self.send_refund_wish(&self.nodes[0], player, *index).await;
        }
        open.len()
    }
}
