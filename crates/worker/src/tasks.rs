//! Every periodic task, on one screen. Delivering is the one thing that is not in the list: it has a loop of its own.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tributary_operations::OperationError;

use crate::Parts;

type Running = BoxFuture<'static, Result<usize, OperationError>>;
type Waiting = BoxFuture<'static, ()>;

/// One task: what it does, how often, and what wakes it before its time.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    /// For logs and metrics.
    pub(crate) name: &'static str,
    /// The pause after a run that found nothing.
    pub(crate) pause: Duration,
    /// The pause after a run that found something: there may be more.
    pub(crate) short_pause: Duration,
    /// Whether it belongs to what [`crate::Worker::run_until_idle`] does.
    pub(crate) until_idle: bool,
    /// Does a bounded piece; returns how much.
    pub(crate) run: fn(Arc<Parts>) -> Running,
    /// Ends when the task should not wait for its time.
    pub(crate) woken: fn(Arc<Parts>) -> Waiting,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// The whole list.
pub(crate) fn all() -> Vec<Task> {
    due_work().into_iter().chain(upkeep()).collect()
}

/// What money and tenants wait for.
#[expect(clippy::too_many_lines, reason = "a table of the work")]
fn due_work() -> [Task; 8] {
    [
        Task {
            name: "number_events",
            pause: SECOND,
            // Readers of the feed wait this long at most; the fewer runs, the more events share one.
            short_pause: Duration::from_millis(100),
            until_idle: true,
            run: |parts| async move { parts.sequencer.run_once().await }.boxed(),
            woken: |parts| async move { parts.sequencer.event_committed().await }.boxed(),
        },
        Task {
            name: "poll_orders",
            pause: SECOND,
            short_pause: Duration::from_millis(50),
            until_idle: true,
            run: |parts| async move { parts.operations.poll_due_orders().await }.boxed(),
            woken: never,
        },
        Task {
            name: "poll_refunds",
            pause: SECOND,
            short_pause: Duration::from_millis(50),
            until_idle: true,
            run: |parts| async move { parts.operations.poll_due_refunds().await }.boxed(),
            woken: |parts| {
                async move { parts.operations.wakeups().refunds.notified().await }.boxed()
            },
        },
        Task {
            name: "apply_kept_notifications",
            pause: SECOND,
            short_pause: Duration::from_millis(50),
            until_idle: true,
            run: |parts| async move { parts.operations.apply_kept_notifications().await }.boxed(),
            woken: |parts| {
                async move { parts.operations.wakeups().notifications.notified().await }.boxed()
            },
        },
        Task {
            name: "release_forgotten_deliveries",
            // What is forgotten is rare, and late already.
            pause: SECOND * 10,
            short_pause: Duration::from_millis(100),
            until_idle: true,
            run: |parts| {
                async move { parts.operations.release_forgotten_deliveries().await }.boxed()
            },
            woken: never,
        },
        Task {
            name: "run_jobs",
            pause: SECOND,
            short_pause: Duration::from_millis(50),
            until_idle: true,
            run: |parts| async move { parts.operations.run_due_jobs().await }.boxed(),
            woken: |parts| async move { parts.operations.wakeups().jobs.notified().await }.boxed(),
        },
        Task {
            name: "write_upstream_calls",
            // Each run is a commit, so calls gather meanwhile; a reader of an order's timeline does not wait for it.
            pause: SECOND,
            short_pause: SECOND,
            until_idle: true,
            run: |parts| async move { parts.operations.write_upstream_calls().await }.boxed(),
            woken: never,
        },
        Task {
            name: "write_key_usage",
            // Counts of an hour: the fewer writes the better.
            pause: SECOND * 15,
            short_pause: SECOND * 15,
            until_idle: true,
            run: |parts| async move { parts.operations.write_key_usage().await }.boxed(),
            woken: never,
        },
    ]
}

/// What is done on the clock, whether anybody waits or not.
fn upkeep() -> Vec<Task> {
    let all = keys().into_iter().chain(checks()).chain(housekeeping());
    all.collect()
}

/// What providers' keys need.
fn keys() -> [Task; 4] {
    [
        Task {
            name: "refresh_certificates",
            // Each provider's turn comes every six hours; WeChat asks for less than twelve.
            pause: SECOND * 60,
            short_pause: SECOND,
            until_idle: false,
            run: |parts| async move { parts.operations.refresh_certificates().await }.boxed(),
            woken: never,
        },
        Task {
            name: "test_keys",
            // Each provider's turn comes once a day, and after every change to its ring.
            pause: SECOND * 30,
            short_pause: SECOND,
            until_idle: false,
            run: |parts| async move { parts.operations.test_due_keys().await }.boxed(),
            woken: never,
        },
        Task {
            name: "notice_changed_keys",
            // How long a key that another node withdrew goes on working here.
            pause: SECOND * 5,
            short_pause: SECOND * 5,
            until_idle: false,
            run: |parts| async move { parts.operations.notice_changed_keys().await }.boxed(),
            woken: never,
        },
        Task {
            name: "warn_of_ending_keys",
            pause: HOUR,
            short_pause: HOUR,
            until_idle: false,
            run: |parts| async move { parts.operations.warn_of_ending_keys().await }.boxed(),
            woken: never,
        },
    ]
}

/// What a person is told of when it does not hold.
fn checks() -> [Task; 2] {
    [
        Task {
            name: "count_stuck_rows",
            pause: SECOND * 60,
            short_pause: SECOND * 60,
            until_idle: false,
            run: |parts| {
                async move { Ok(to_usize(parts.operations.count_stuck_rows().await?)) }.boxed()
            },
            woken: never,
        },
        Task {
            name: "check_audit_log",
            // Once a day over all nodes; the other runs find that it was done.
            pause: HOUR,
            short_pause: HOUR,
            until_idle: false,
            run: |parts| async move { parts.operations.check_audit_log().await }.boxed(),
            woken: never,
        },
    ]
}

fn housekeeping() -> [Task; 7] {
    [
        Task {
            name: "reconcile",
            // Bills come once a day; a minute more or less is nothing.
            pause: SECOND * 30,
            short_pause: SECOND,
            until_idle: false,
            run: |parts| async move { parts.operations.reconcile_due().await }.boxed(),
            woken: never,
        },
        Task {
            name: "write_credential_uses",
            // People look at it who ask whether anybody still uses a key; a minute is as good as a second.
            pause: SECOND * 60,
            short_pause: SECOND * 60,
            until_idle: false,
            run: |parts| async move { parts.operations.write_credential_uses().await }.boxed(),
            woken: never,
        },
        Task {
            name: "look_after_data_keys",
            // Keys live for months; what a look leaves is due in an hour at the earliest.
            pause: HOUR / 6,
            short_pause: SECOND,
            until_idle: false,
            run: |parts| async move { parts.operations.look_after_data_keys().await }.boxed(),
            woken: never,
        },
        Task {
            name: "compute_hours",
            pause: SECOND * 60,
            short_pause: SECOND * 60,
            until_idle: false,
            run: |parts| async move { parts.operations.compute_hours().await }.boxed(),
            woken: never,
        },
        Task {
            name: "forget_idempotency_keys",
            pause: HOUR / 6,
            short_pause: SECOND,
            until_idle: false,
            run: forget_keys,
            woken: never,
        },
        Task {
            name: "end_old_sessions",
            pause: SECOND * 60,
            short_pause: SECOND,
            until_idle: false,
            run: end_sessions,
            woken: never,
        },
        Task {
            name: "purge_old_rows",
            pause: HOUR / 6,
            short_pause: SECOND,
            until_idle: false,
            run: purge,
            woken: never,
        },
    ]
}

fn forget_keys(parts: Arc<Parts>) -> Running {
    async move {
        let gone = parts.operations.forget_old_idempotency_keys().await?;
        Ok(to_usize(gone))
    }
    .boxed()
}

fn end_sessions(parts: Arc<Parts>) -> Running {
    async move {
        let expired = parts.operations.expire_approvals().await?;
        let gone = parts.operations.forget_old_sessions().await?;
        let carried_out = parts.operations.carry_out_approved().await?;
        let done = [expired, carried_out, gone].into_iter();
        Ok(to_usize(done.fold(0, u64::saturating_add)))
    }
    .boxed()
}

fn purge(parts: Arc<Parts>) -> Running {
    async move {
        let deliveries = parts.operations.purge_old_deliveries().await?;
        let agreed = parts.operations.purge_as_agreed().await?;
        let calls = parts.operations.purge_old_upstream_calls().await?;
        let notices = parts.operations.purge_old_notifications().await?;
        let bills = parts.operations.purge_old_bills().await?;
        let keys = parts.operations.purge_old_key_records().await?;
        let nonces = parts.operations.forget_spent_nonces().await?;
        let jobs = parts.operations.purge_old_jobs().await?;
        let gone = [
            deliveries, agreed, calls, notices, bills, keys, nonces, jobs,
        ];
        Ok(to_usize(gone.into_iter().fold(0, u64::saturating_add)))
    }
    .boxed()
}

fn never(_: Arc<Parts>) -> Waiting {
    std::future::pending().boxed()
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
