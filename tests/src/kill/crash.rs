//! Lets the real server end at named lines under load, starts it again, and checks what is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tributary_domain::late_payment::{LateDecision, LatePolicy};
use tributary_domain::rehearsal::CrashPoint;
use tributary_domain::staff::Actor;
use tributary_server::commands;
use tributary_storage::tenancy;
use wechatpay_sim::{ChangeSubMerchant, PayOrder, RefundPolicy, RefundResult};

use super::load::{Asked, Load};
use super::server::Server;
use super::{HOOK, SETTLE_LIMIT, World, long_work, operations_over, prepare, verdict};
use crate::api::fresh_key;
use crate::simulation::checker::{self, Violations};
use crate::simulation::evidence::{Evidence, Notice, Post};
use crate::{Backend, TestDatabase};

/// Under load, every line is passed again and again; one that is not reached by then is never reached.
const CRASH_LIMIT: Duration = Duration::from_mins(1);
/// The line is not passed for the first time, so that there is something to lose.
const PASSAGE: u32 = 5;
const LOOK_PAUSE: Duration = Duration::from_millis(500);
const CLOSE_PAUSE: Duration = Duration::from_millis(50);
const REFUND_RESULT_MS: u32 = 200;
const REFUND_TRIES_MAX: usize = 20;

/// What crashes left.
#[derive(Clone, Debug)]
pub struct CrashVerdict {
    /// Lines that the server did not reach.
    pub unreached: Vec<CrashPoint>,
    /// Orders, payments, events and jobs that were lost.
    pub lost: usize,
    /// Orders, events and rows that are there twice.
    pub doubled: usize,
    /// What the checks of the simulation found, and what did not come to its end.
    pub violations: Violations,
}

impl CrashVerdict {
    /// Whether the server ended at every line, and nothing came of it.
    pub fn is_clean(&self) -> bool {
        self.unreached.is_empty() && self.is_harmless()
    }

    pub(super) fn is_harmless(&self) -> bool {
        self.lost + self.doubled + self.violations.len() == 0
    }
}

/// Runs the server into the lines, one after another, starts it again and waits until everything has come to its end.
/// The lines are of long work, or none of them is.
pub async fn run(points: &[CrashPoint], backend: Backend) -> CrashVerdict {
    commands::install_tls();
    if points
        .iter()
        .all(|point| CrashPoint::OF_LONG_WORK.contains(point))
    {
        tenancy::platform(Box::pin(long_work::run(points, backend))).await
    } else {
        tenancy::platform(Box::pin(run_under_load(points, backend))).await
    }
}

async fn run_under_load(points: &[CrashPoint], backend: Backend) -> CrashVerdict {
    let mut server = Server::new();
    let world = Arc::new(prepare(TestDatabase::create(backend).await, &mut server).await);
    server.kill().await;
    give_late_money_back(&world, &server).await;
    let load = Load::start(&world);
    let stop = Arc::new(AtomicBool::new(false));
    let closing = tokio::spawn(close_orders(Arc::clone(&world), Arc::clone(&stop)));
    let refunding = tokio::spawn(refund_orders(Arc::clone(&world), Arc::clone(&stop)));
    let mut unreached = Vec::new();
    for point in points {
        server.crash_at = Some(format!("{point:?}:{PASSAGE}"));
        server.start();
        if !server.ended(CRASH_LIMIT).await {
            server.kill().await;
            unreached.push(*point);
        }
    }
    stop.store(true, Ordering::SeqCst);
    closing.await.expect("whoever closes does not panic");
    refunding.await.expect("whoever refunds does not panic");
    server.start();
    server.ready().await;
    let asked = load.finish(&world, SETTLE_LIMIT).await;
    let begun = Instant::now();
    let found = loop {
        let found = judge(&world, &asked, unreached.clone()).await;
        if found.is_harmless() || begun.elapsed() >= SETTLE_LIMIT {
            break found;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    };
    server.kill().await;
    let world = Arc::into_inner(world).expect("nobody else holds the world any more");
    world.end().await;
    found
}

async fn judge(world: &World, asked: &Asked, unreached: Vec<CrashPoint>) -> CrashVerdict {
    let found = verdict::judge(world, asked).await;
    let mut violations = checker::check(&evidence(world).await);
    // The sums are among the checks: here tenants give halves back, and late money goes back whole.
    if found.stuck() > found.sums {
        violations.push(("what did not come to its end", found.to_string()));
    }
    CrashVerdict {
        unreached,
        lost: found.lost(),
        doubled: found.doubled(),
        violations,
    }
}

/// Late money goes back by itself, and WeChat ends every refund a moment after it was accepted.
async fn give_late_money_back(world: &World, server: &Server) {
    let policy = LatePolicy {
        paid_late: LateDecision::Refund,
        duplicate_paid: LateDecision::Refund,
        amount_mismatch: LateDecision::Hold,
    };
    let operations = operations_over(&world.database.url, &server.kek, &server.url()).await;
    let set = operations
        .set_late_policy(&Actor::system("test"), &world.tenant.id, policy)
        .await;
    set.expect("the policy can be set");
    let change = ChangeSubMerchant {
        refund_policy: Some(Some(RefundPolicy {
            result: RefundResult::Success,
            after_ms: REFUND_RESULT_MS,
        })),
        ..ChangeSubMerchant::default()
    };
    let changed = world
        .simulator
        .change_sub_merchant(&world.tenant.sub_mchid, &change);
    changed.expect("a known sub-merchant");
}

/// A tenant that gives half of an order back, again and again.
async fn refund_orders(world: Arc<World>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let api = &world.tenant.api;
        let order = world.tenant.order(100);
        if let Ok(answer) = api.try_post("/v1/orders", &order, &fresh_key()).await
            && let Some(number) = answer.body["order"]["out_trade_no"].as_str()
            && world.simulator.pay(number, &PayOrder::default()).is_ok()
        {
            let refund = serde_json::json!({
                "order_id": answer.body["order"]["id"],
                "merchant_refund_no": format!("half-of-{number}"),
                "amount": {"refund": 50, "currency": "CNY"},
            });
            let key = fresh_key();
            for _ in 0..REFUND_TRIES_MAX {
                let asked = api.try_post("/v1/refunds", &refund, &key).await;
                if asked.is_ok_and(|answer| answer.status.is_success()) {
                    break;
                }
                // A refusal is kept under its key, so a refund before its payment is known needs another.
                tokio::time::sleep(CLOSE_PAUSE).await;
            }
        }
        tokio::time::sleep(CLOSE_PAUSE).await;
    }
}

/// A tenant that thinks better of it again and again; its payer does not, now and then.
async fn close_orders(world: Arc<World>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let api = &world.tenant.api;
        let order = world.tenant.order(100);
        if let Ok(answer) = api.try_post("/v1/orders", &order, &fresh_key()).await
            && let Some(id) = answer.body["order"]["id"].as_str()
        {
            let path = format!("/v1/orders/{id}/close");
            drop(
                api.try_post(&path, &serde_json::json!({}), &fresh_key())
                    .await,
            );
            if let Some(number) = answer.body["order"]["out_trade_no"].as_str() {
                let late = PayOrder {
                    force: true,
                    ..PayOrder::default()
                };
                drop(world.simulator.pay(number, &late));
            }
        }
        tokio::time::sleep(CLOSE_PAUSE).await;
    }
}

pub(super) async fn evidence(world: &World) -> Evidence {
    let rows = world.database.rows().await;
    let ledger = world.simulator.ledger();
    let sent = ledger
        .notifications
        .iter()
        .flat_map(|notice| &notice.attempts);
    let notices = sent.map(|attempt| Notice {
        kind: attempt.kind,
        body: None,
        acknowledged: attempt.http_status.is_some_and(|status| status < 300),
    });
    let posts = world
        .receiver
        .received(HOOK)
        .into_iter()
        .map(|webhook| Post {
            tenant: world.tenant.id.to_string(),
            secret: world.secret.clone(),
            headers: webhook.headers.into_iter().collect(),
            body: webhook.body,
        });
    Evidence {
        rows,
        notices: notices.collect(),
        posts: posts.collect(),
        unrecorded: None,
        refused: None,
        bodies: BTreeMap::new(),
        read: BTreeMap::new(),
        secrets: vec![("the webhook secret".to_owned(), world.secret.clone())],
        dump: world.database.dump().await,
        complaints: Vec::new(),
        drained: true,
        audit_faults: None,
        ledger,
    }
}
