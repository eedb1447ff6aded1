//! Tenants that order, and users that pay, without a care for whether the server lives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;
use wechatpay_sim::PayOrder;

use super::World;
use crate::api::fresh_key;

const TENANTS: usize = 6;
const PAUSE: Duration = Duration::from_millis(5);
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// One request of a tenant, which it repeats until it is answered.
#[derive(Clone)]
struct Wish {
    body: Value,
    key: String,
}

/// What the tenants were promised.
#[derive(Default)]
pub(super) struct Asked {
    /// Orders that were answered, by their answer.
    pub(super) answered: Vec<Value>,
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
                        let wish = Wish {
                            body: world.tenant.order(100),
                            key: fresh_key(),
                        };
                        attempt(&world, &asked, wish).await;
                        tokio::time::sleep(PAUSE).await;
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
            let left =
                std::mem::take(&mut self.asked.lock().expect("no tenant panicked").unanswered);
            if left.is_empty() {
                break;
            }
            assert!(
                begun.elapsed() < limit,
                "{} requests are never answered",
                left.len()
            );
            for wish in left {
                attempt(world, &self.asked, wish).await;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        std::mem::take(&mut *self.asked.lock().expect("no tenant panicked"))
    }
}

/// Orders once; an answered order is paid at once, sometimes while the server is being killed.
async fn attempt(world: &World, asked: &Mutex<Asked>, wish: Wish) {
    let answer = world
        .tenant
        .api
        .try_post("/v1/orders", &wish.body, &wish.key)
        .await;
    match answer {
        Ok(answer) if answer.status.is_success() => {
            let order = answer.placed();
            let number = crate::platform::number(&order);
            world
                .simulator
                .pay(number, &PayOrder::default())
                .expect("the user can pay");
            asked
                .lock()
                .expect("no tenant panicked")
                .answered
                .push(order);
        }
        Ok(answer) => {
            let again = [409, 503, 504].contains(&answer.status.as_u16());
            assert!(
                again,
                "an answer that no tenant deserves: {} {}",
                answer.status, answer.text
            );
            asked
                .lock()
                .expect("no tenant panicked")
                .unanswered
                .push(wish);
        }
        Err(_) => {
            let mut asked = asked.lock().expect("no tenant panicked");
            asked.lost_answers += 1;
            asked.unanswered.push(wish);
        }
    }
}
