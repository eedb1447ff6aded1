//! The database is gone, or in somebody else's hands: clear answers meanwhile, everything right afterwards.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sea_orm::{ConnectionTrait, Database};
use serde_json::Value;
use tributary_tests::api::fresh_key;
use tributary_tests::{Answer, Cluster, TestDatabase, TestPlatform, run_with};

use crate::setup;

/// More than the platform has connections.
const CALLERS: usize = 20;
/// Waiting for a connection and then for a lock, ten seconds each, and room for a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
/// The lock of a request whose end could not be written lasts a minute.
const LOCK_SECONDS: i64 = 61;

/// An order that a tenant goes on asking for under one key.
struct Wish {
    body: Value,
    key: String,
}

impl Wish {
    fn of(p: &TestPlatform) -> Self {
        Self {
            body: p.tenant.order(100),
            key: fresh_key(),
        }
    }

    async fn ask(&self, p: &TestPlatform) -> Answer {
        p.tenant.api.post("/v1/orders", &self.body, &self.key).await
    }
}

/// Asks all at once; what is not a success must say clearly that it is not the caller's fault, and when to come back.
async fn ask_all(p: &TestPlatform, wishes: &[Wish]) -> usize {
    let answers = join_all(wishes.iter().map(|wish| wish.ask(p))).await;
    let mut unanswered = 0;
    for answer in answers {
        if !answer.status.is_success() {
            assert!(
                answer.headers.contains_key("retry-after"),
                "{}",
                answer.text
            );
            answer.problem(503, "unavailable");
            unanswered += 1;
        }
    }
    unanswered
}

/// Asks again after the time in which a dead request holds its key; then every wish is one order, here and at WeChat.
async fn assert_every_wish_becomes_one_order(p: &TestPlatform, wishes: &[Wish], before: usize) {
    p.clock.advance_millis(LOCK_SECONDS * 1000);
    // Connections that died unnoticed cost an answer each.
    for _ in 0..CALLERS {
        p.tenant.api.me().await;
    }
    p.settle().await;
    for wish in wishes {
        let order = wish.ask(p).await.placed();
        assert_eq!(order["state"], "paying");
    }
    let expected = wishes.len() + before;
    assert_eq!(p.simulator.ledger().orders.len(), expected);
    let here = p.database.count("SELECT COUNT(*) FROM orders").await;
    assert_eq!(usize::try_from(here).ok(), Some(expected));
}

fn on_a_cluster_of_its_own(scenario: impl AsyncFnOnce(&TestPlatform, &Cluster)) {
    let cluster = Cluster::start();
    let database = async || TestDatabase::at(cluster.url()).await;
    run_with(database, &setup(), async |p: &TestPlatform| {
        scenario(p, &cluster).await;
    });
}

#[test]
fn connections_that_are_killed_cost_an_answer_and_no_order() {
    on_a_cluster_of_its_own(async |p, _| {
        let first: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        assert_eq!(ask_all(p, &first).await, 0);
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        assert!(p.database.count(kill).await > 0);
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let kill_again = async {
            for _ in 0..20 {
                p.database.query(kill).await;
            }
        };
        futures::join!(ask_all(p, &wishes), kill_again);
        assert_every_wish_becomes_one_order(p, &wishes, CALLERS).await;
    });
}

#[test]
fn database_that_crashes_is_a_503_until_it_is_back() {
    on_a_cluster_of_its_own(async |p, cluster| {
        let paid = p.order(888).await;
        p.pay(&paid);
        cluster.crash();
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let begun = Instant::now();
        let notices = p.simulator.run_due();
        let (unanswered, _) = futures::join!(ask_all(p, &wishes), notices);
        assert_eq!(unanswered, CALLERS);
        assert!(begun.elapsed() < ANSWER_LIMIT, "{:?}", begun.elapsed());
        cluster.recover();
        assert_every_wish_becomes_one_order(p, &wishes, 1).await;
        // WeChat was refused its 2xx, and came again.
        p.advance_seconds(60).await;
        assert_eq!(p.seen(&paid).await["state"], "paid");
        assert_eq!(p.told(&paid).await, ["order.created", "order.paid"]);
    });
}

#[test]
fn database_that_its_operator_restarts_is_a_503_until_it_is_back() {
    on_a_cluster_of_its_own(async |p, cluster| {
        let paid = p.order(888).await;
        p.pay(&paid);
        cluster.stop();
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let notices = p.simulator.run_due();
        let (unanswered, _) = futures::join!(ask_all(p, &wishes), notices);
        assert_eq!(unanswered, CALLERS);
        cluster.recover();
        assert_every_wish_becomes_one_order(p, &wishes, 1).await;
        p.advance_seconds(60).await;
        assert_eq!(p.told(&paid).await, ["order.created", "order.paid"]);
    });
}

#[test]
fn connections_that_are_all_refused_are_a_503_until_one_is_free() {
    on_a_cluster_of_its_own(async |p, cluster| {
        let paid = p.order(888).await;
        p.pay(&paid);
        cluster.refuse_connections();
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let begun = Instant::now();
        let notices = p.simulator.run_due();
        let (unanswered, _) = futures::join!(ask_all(p, &wishes), notices);
        assert_eq!(unanswered, CALLERS);
        assert!(begun.elapsed() < ANSWER_LIMIT, "{:?}", begun.elapsed());
        cluster.admit_connections();
        assert_every_wish_becomes_one_order(p, &wishes, 1).await;
        p.advance_seconds(60).await;
        assert_eq!(p.told(&paid).await, ["order.created", "order.paid"]);
    });
}

#[test]
fn locks_in_other_hands_are_a_503_and_not_a_wait_for_ever() {
    on_a_cluster_of_its_own(async |p, cluster| {
        let paid = p.order(888).await;
        let hostile = Database::connect(cluster.url()).await.expect("a session");
        let hold = "BEGIN; LOCK TABLE orders, deliveries IN ACCESS EXCLUSIVE MODE";
        let hostile_tx = hostile.execute_unprepared(hold).await;
        hostile_tx.expect("the locks");
        p.pay(&paid);
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let begun = Instant::now();
        let all = tokio::time::timeout(ANSWER_LIMIT, ask_all(p, &wishes));
        let unanswered = all.await.expect("every caller is answered");
        assert_eq!(unanswered, CALLERS);
        println!(
            "{CALLERS} callers were answered within {:?}",
            begun.elapsed()
        );
        hostile.close().await.expect("the session ends");
        assert_every_wish_becomes_one_order(p, &wishes, 1).await;
        assert_eq!(p.seen(&paid).await["state"], "paid");
    });
}

#[test]
fn sqlite_in_other_hands_is_a_503_and_not_a_wait_for_ever() {
    let database = async || TestDatabase::create(tributary_tests::Backend::Sqlite).await;
    run_with(database, &setup(), async |p: &TestPlatform| {
        p.order(888).await;
        let hostile = Database::connect(&p.database.url).await.expect("a session");
        let held = hostile.execute_unprepared("BEGIN IMMEDIATE").await;
        held.expect("the lock");
        let wishes: Vec<Wish> = (0..CALLERS).map(|_| Wish::of(p)).collect();
        let begun = Instant::now();
        let all = tokio::time::timeout(ANSWER_LIMIT, ask_all(p, &wishes));
        assert_eq!(all.await.expect("every caller is answered"), CALLERS);
        println!(
            "{CALLERS} callers were answered within {:?}",
            begun.elapsed()
        );
        hostile.close().await.expect("the session ends");
        assert_every_wish_becomes_one_order(p, &wishes, 1).await;
    });
}
