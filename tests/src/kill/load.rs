//! Tenants that order, close and refund, and users that pay, without a care for whether the server lives.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wechatpay_sim::PayOrder;

use super::World;
use crate::api::fresh_key;

const TENANTS: usize = 6;
const PAUSE: Duration = Duration::from_millis(5);
/// Before a dead server is asked again, so that what is not answered does not pile up.
const DEAD_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const TOTAL_FEN: i64 = 100;
/// What is refunded of an order that is refunded.
pub(super) const REFUND_FEN: i64 = 30;
/// Every so manieth order is closed by its tenant in the moment in which its user pays it.
const CLOSED_ONE_IN: usize = 7;
/// Every so manieth order is refunded in part.
const REFUNDED_ONE_IN: usize = 3;

/// One request of a tenant, which it repeats until it is answered.
#[derive(Clone)]
struct Wish {
    path: &'static str,
    body: Value,
    key: String,
}

impl Wish {
    fn order(world: &World) -> Self {
        Self {
            path: ORDERS,
            body: world.tenant.order(TOTAL_FEN),
            key: fresh_key(),
        }
    }

    fn refund(order: &Value) -> Self {
        let body = json!({
            "order_id": order["id"],
            "merchant_refund_no": format!("refund-of-{}", crate::platform::number(order)),
            "amount": {"refund": REFUND_FEN, "currency": "CNY"},
        });
        Self {
            path: REFUNDS,
            body,
            key: fresh_key(),
        }
    }
}

const ORDERS: &str = "/v1/orders";
const REFUNDS: &str = "/v1/refunds";

/// What the tenants were promised.
#[derive(Default)]
pub(super) struct Asked {
    /// Orders that were answered, by their answer.
    pub(super) answered: Vec<Value>,
    /// Refunds that were answered, by their answer.
    pub(super) refunded: Vec<Value>,
    /// Refunds that tenants still want.
    refunds: Vec<Wish>,
    /// Requests that found the server dead or the first request unfinished.
    unanswered: Vec<Wish>,
    /// How often no answer came.
    pub(super) lost_answers: usize,
}

/// The load while it runs.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Asked>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(world: &Arc<World>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(Asked::default()));
        let tasks = (0..TENANTS)
            .map(|_| {
                let (world, stop, asked) =
                    (Arc::clone(world), Arc::clone(&stop), Arc::clone(&asked));
                tokio::spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        let lost_before = lost_answers(&asked);
                        attempt(&world, &asked, Wish::order(&world)).await;
                        let refund = asked.lock().expect("no tenant panicked").refunds.pop();
                        if let Some(refund) = refund {
                            attempt(&world, &asked, refund).await;
                        }
                        let is_dead = lost_answers(&asked) > lost_before;
                        tokio::time::sleep(if is_dead { DEAD_PAUSE } else { PAUSE }).await;
                    }
                })
            })
            .collect();
        Self { stop, asked, tasks }
    }

    /// Stops ordering, repeats what was not answered until it is, and answers what was promised.
    pub(super) async fn finish(self, world: &Arc<World>, limit: Duration) -> Asked {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("a tenant panicked");
        }
        let begun = Instant::now();
        loop {
            let left = {
                let mut asked = self.asked.lock().expect("no tenant panicked");
                let mut left = std::mem::take(&mut asked.unanswered);
                left.append(&mut asked.refunds);
                left
            };
            if left.is_empty() {
                break;
            }
            assert!(
                begun.elapsed() < limit,
                "{} requests are never answered",
                left.len()
            );
            let again = |wish| attempt(world, &self.asked, wish);
            futures::stream::iter(left)
                .for_each_concurrent(TENANTS, again)
                .await;
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        std::mem::take(&mut *self.asked.lock().expect("no tenant panicked"))
    }
}

fn lost_answers(asked: &Mutex<Asked>) -> usize {
    asked.lock().expect("no tenant panicked").lost_answers
}

/// Asks once; what is not answered is asked again later.
async fn attempt(world: &World, asked: &Mutex<Asked>, wish: Wish) {
    let api = &world.tenant.api;
    let answer = api.try_post(wish.path, &wish.body, &wish.key).await;
    match answer {
        Ok(answer) if answer.status.is_success() && wish.path == REFUNDS => {
            let mut asked = asked.lock().expect("no tenant panicked");
            asked.refunded.push(answer.ok());
        }
        Ok(answer) if answer.status.is_success() => {
            let order = answer.placed();
            go_on(world, asked, &order).await;
            let mut asked = asked.lock().expect("no tenant panicked");
            asked.answered.push(order);
        }
        Ok(answer) => {
            // The platform may not have heard of the payment yet.
            let early = wish.path == REFUNDS && answer.body["code"] == "not_refundable";
            if early && was_given_back(world, &wish) {
                return;
            }
            let again = early || [409, 503, 504].contains(&answer.status.as_u16());
            assert!(
                again,
                "an answer that no tenant deserves: {} {}",
                answer.status, answer.text
            );
            let mut asked = asked.lock().expect("no tenant panicked");
            asked.unanswered.push(wish);
        }
        Err(_) => {
            let mut asked = asked.lock().expect("no tenant panicked");
            asked.lost_answers += 1;
            asked.unanswered.push(wish);
        }
    }
}

/// Whether all of the order went back as late money, so that nothing is left to refund.
fn was_given_back(world: &World, wish: &Wish) -> bool {
    let told = world.receiver.of_kind(super::HOOK, "refund.succeeded");
    told.iter().any(|hook| {
        let event = hook.event();
        let refund = &event["data"]["object"];
        refund["order_id"] == wish.body["order_id"] && refund["amount"]["refund"] == TOTAL_FEN
    })
}

/// The user pays at once, sometimes while the server is being killed, or the tenant closes; some want it back.
async fn go_on(world: &World, asked: &Mutex<Asked>, order: &Value) {
    static ORDERS_SO_FAR: AtomicUsize = AtomicUsize::new(0);
    let so_far = ORDERS_SO_FAR.fetch_add(1, Ordering::Relaxed);
    let mut wish = PayOrder::default();
    if so_far.is_multiple_of(CLOSED_ONE_IN) {
        let id = order["id"].as_str().expect("an order has an id");
        let path = format!("/v1/orders/{id}/close");
        let (empty, key) = (json!({}), fresh_key());
        let closed = world.tenant.api.try_post(&path, &empty, &key).await;
        // Whatever comes of it, the money counts.
        let status = closed.map(|answer| answer.status.as_u16());
        assert_ne!(status.ok(), Some(500), "the close of {id}");
        wish.force = true;
    }
    let number = crate::platform::number(order);
    world
        .simulator
        .pay(number, &wish)
        .expect("the user can pay");
    if so_far.is_multiple_of(REFUNDED_ONE_IN) {
        let mut asked = asked.lock().expect("no tenant panicked");
        asked.refunds.push(Wish::refund(order));
    }
}
