//! Lets the real server end in the midst of bills and jobs, again and again, starts it again, and checks what is left.
//! Leases of a dead server are ended by hand: nothing here waits for minutes.

use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_domain::bill::BillDay;
use tributary_domain::clock::{Clock as _, SystemClock};
use tributary_domain::ids::EndpointId;
use tributary_domain::rehearsal::CrashPoint;
use tributary_domain::staff::{Actor, Role};
use tributary_domain::tenant::Mode;
use tributary_operations::Operations;
use tributary_operations::jobs::{JobWish, RecoverWish};
use tributary_operations::viewer::{Reach, Viewer};
use tributary_storage::order_search::OrderQuery;
use wechatpay_sim::{BillFault, BillFaultKind, Fault, FaultKind, PayOrder};

use super::crash::{CrashVerdict, evidence};
use super::server::Server;
use super::{HOOK, World, operations_over, prepare};
use crate::TestDatabase;
use crate::api::fresh_key;
use crate::simulation::checker::{self, Violations};
use crate::{Backend, platform};

const CRASH_LIMIT: Duration = Duration::from_secs(30);
const END_LIMIT: Duration = Duration::from_mins(1);
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Paid orders whose webhooks are sent again, one a second.
const DELIVERIES: usize = 10;
const TOTAL_FEN: i64 = 100;
/// Rows of each day's bill that are nobody's.
const STRANGERS: u64 = 60;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A step of the one of three jobs that has several.
const STEP: u32 = 4;

/// Runs the server into the lines and lets everything come to its end.
pub(super) async fn run(points: &[CrashPoint], backend: Backend) -> CrashVerdict {
    let mut server = Server::new();
    let world = prepare(TestDatabase::create(backend).await, &mut server).await;
    let operations = operations_over(&world.database.url, &server.kek, &server.url()).await;
    let endpoint = undelivered(&world).await;
    server.kill().await;
    // What WeChat has to tell, only its bill and its answers tell.
    let withheld = Fault::of(FaultKind::NotificationWithheld);
    world.simulator.fault(withheld);
    let mut unreached = Vec::new();
    for (place, point) in points.iter().enumerate() {
        let day = day_of(place);
        unbooked_order(&world, &mut server, day).await;
        if place == 0 {
            ask_for_files(&operations, endpoint.clone()).await;
        }
        compare_a_day(&world, &operations, day).await;
        let of_jobs = [
            CrashPoint::JobStepBeforeCommit,
            CrashPoint::JobStepAfterCommit,
        ];
        let passage = if of_jobs.contains(point) { STEP } else { 1 };
        server.crash_at = Some(format!("{point:?}:{passage}"));
        server.start();
        if !server.ended(CRASH_LIMIT).await {
            server.kill().await;
            unreached.push(*point);
        }
        end_leases(&world).await;
    }
    server.start();
    server.ready().await;
    let begun = Instant::now();
    let found = loop {
        let found = judge(&world, points.len(), unreached.clone()).await;
        if found.is_harmless() || begun.elapsed() >= END_LIMIT {
            break found;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    };
    server.kill().await;
    world.end().await;
    found
}

/// Paid orders whose webhooks came and are called failed, so that there is something to send again.
async fn undelivered(world: &World) -> EndpointId {
    for _ in 0..DELIVERIES {
        let order = place(world).await;
        let number = platform::number(&order);
        let paid = world.simulator.pay(number, &PayOrder::default());
        paid.expect("the user can pay");
    }
    let begun = Instant::now();
    while world.receiver.of_kind(HOOK, "order.paid").len() < DELIVERIES {
        assert!(begun.elapsed() < END_LIMIT, "the webhooks do not come");
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    let open = "SELECT COUNT(*) FROM deliveries WHERE state = 'open'";
    while world.database.count(open).await > 0 {
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    let failed = "UPDATE deliveries SET state = 'failed' WHERE event_kind = 'order.paid'";
    world.database.execute(failed).await;
    let rows = world.database.query("SELECT id FROM endpoints").await;
    let id: String = rows[0].try_get_by_index(0).expect("an id");
    id.parse().expect("an id")
}

async fn place(world: &World) -> Value {
    let (order, key) = (world.tenant.order(TOTAL_FEN), fresh_key());
    let answer = world.tenant.api.try_post("/v1/orders", &order, &key).await;
    answer.expect("the server answers").placed()
}

fn by() -> Actor {
    Actor::system("test")
}

fn viewer() -> Viewer {
    Viewer::of_roles(Reach::Platform, &[Role::PlatformOps, Role::PlatformFinance])
}

/// Starts an export and a recovery, which go on over every crash.
async fn ask_for_files(operations: &Operations, endpoint_id: EndpointId) {
    let now = SystemClock.now();
    let recover = RecoverWish {
        endpoint_id,
        from: now.plus_millis(-DAY_MS),
        to: now.plus_millis(1),
        per_second: 1,
    };
    let export = OrderQuery::of_mode(Mode::Test);
    for wish in [
        JobWish::Recover(recover),
        JobWish::ExportOrders(Box::new(export)),
    ] {
        let started = operations.start_job(&by(), &viewer(), wish).await;
        started.expect("the job is taken");
    }
}

/// An order that is paid on the day, and the server that would have been told dies at once.
async fn unbooked_order(world: &World, server: &mut Server, day: BillDay) {
    server.start();
    server.ready().await;
    let order = place(world).await;
    server.kill().await;
    end_leases(world).await;
    let number = platform::number(&order);
    let on_the_day = PayOrder {
        success_time: Some(day.start().plus_millis(DAY_MS / 2).to_rfc3339()),
        ..PayOrder::default()
    };
    let paid = world.simulator.pay(number, &on_the_day);
    paid.expect("the user can pay");
}

/// As if minutes had passed: nobody holds anything any more.
async fn end_leases(world: &World) {
    for over in [
        "UPDATE leases SET held_until = 0",
        "UPDATE jobs SET next_run_at = 0 WHERE state = 'running'",
        "UPDATE delivery_queue SET visible_at = 0, lease_until = 0 WHERE lease_owner IS NOT NULL",
    ] {
        world.database.execute(over).await;
    }
}

/// The day that is compared before the given line.
fn day_of(place_in_line: usize) -> BillDay {
    let back = i64::try_from(place_in_line).expect("a few") + 2;
    BillDay::of(SystemClock.now().plus_millis(-back * DAY_MS))
}

/// Has a day compared whose bill has strangers beside the payment that nobody told us of.
async fn compare_a_day(world: &World, operations: &Operations, day: BillDay) {
    let strangers = BillFault {
        count: Some(STRANGERS),
        seed: u64::try_from(day.start().as_millis()).expect("after 1970"),
        date: Some(day.to_string()),
        ..BillFault::of(BillFaultKind::Add)
    };
    let planted = world.simulator.bill_fault(strangers);
    planted.expect("a fault of bills");
    let wish = JobWish::ReconcileDay(world.provider.clone(), day);
    let started = operations.start_job(&by(), &viewer(), wish).await;
    started.expect("the job is taken");
}

/// What must be so once everything has ended, how many there must be, and how to count them.
fn expected(days: usize) -> Vec<(&'static str, usize, &'static str)> {
    let rows = usize::try_from(STRANGERS).expect("a few") + 1;
    vec![
        (
            "jobs done",
            days + 2,
            "SELECT COUNT(*) FROM jobs WHERE state = 'succeeded'",
        ),
        (
            "days compared",
            days,
            // The server compares yesterday by itself, too, when it is late enough; nothing was paid then.
            "SELECT COUNT(*) FROM reconciliations r JOIN bills b ON b.id = r.bill_id \
             WHERE r.state = 'completed' AND b.state = 'verified'",
        ),
        (
            "bills that count",
            days,
            "SELECT COUNT(*) FROM bills WHERE kind = 'trade' AND state = 'verified'",
        ),
        (
            "bills that nobody finishes",
            0,
            "SELECT COUNT(*) FROM bills WHERE state = 'loading'",
        ),
        (
            "rows of bills",
            days * rows,
            "SELECT COUNT(*) FROM bill_rows",
        ),
        (
            "differences",
            days * rows,
            "SELECT COUNT(*) FROM discrepancies",
        ),
        (
            "repaired differences",
            days,
            "SELECT COUNT(*) FROM discrepancies WHERE class = 'R04' AND state = 'fixed'",
        ),
        (
            "days told",
            days,
            "SELECT COUNT(*) FROM events WHERE kind = 'reconciliation.completed'",
        ),
        (
            "differences told more or less often than they changed",
            0,
            "SELECT COUNT(*) FROM discrepancies d WHERE d.tenant_id IS NOT NULL AND d.event_seq <> \
             (SELECT COUNT(*) FROM events e WHERE e.subject_id = d.id)",
        ),
        (
            "payments told",
            days + DELIVERIES,
            "SELECT COUNT(*) FROM events WHERE kind = 'order.paid'",
        ),
        ("pieces of the file", 1, "SELECT COUNT(*) FROM job_chunks"),
        (
            "deliveries that were sent again once",
            DELIVERIES,
            "SELECT COUNT(*) FROM deliveries WHERE event_kind = 'order.paid' AND state = 'succeeded' AND attempts = 2",
        ),
    ]
}

async fn judge(world: &World, days: usize, unreached: Vec<CrashPoint>) -> CrashVerdict {
    let (mut lost, mut doubled) = (0, 0);
    let mut violations: Violations = checker::check(&evidence(world).await);
    for (what, wanted, sql) in expected(days) {
        let found = usize::try_from(world.database.count(sql).await).expect("a count");
        lost += wanted.saturating_sub(found);
        doubled += found.saturating_sub(wanted);
        if found != wanted {
            violations.push((what, format!("{found} in place of {wanted}")));
        }
    }
    CrashVerdict {
        unreached,
        lost,
        doubled,
        violations,
    }
}
