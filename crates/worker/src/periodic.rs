//! Runs one task again and again: on its time, when woken, and after a failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::Parts;
use crate::tasks::Task;

/// The pause after a failure, whatever the task's own pause is.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Repeats a task until told to stop; a run under way is finished.
pub(crate) async fn repeat(task: Task, parts: Arc<Parts>, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        let pause = run_once(&task, &parts).await;
        tokio::select! {
            _ = stopping.changed() => {}
            () = sleep(pause) => {}
            () = woken(&task, &parts, pause) => {}
        }
    }
}

/// Waits for the task's own wake-up, and no less than its short pause, so that hints share runs.
async fn woken(task: &Task, parts: &Arc<Parts>, pause: Duration) {
    if pause > task.short_pause {
        (task.woken)(Arc::clone(parts)).await;
        return;
    }
    std::future::pending::<()>().await;
}

/// Runs a task once and returns how long to wait.
async fn run_once(task: &Task, parts: &Arc<Parts>) -> Duration {
    let started = Instant::now();
    let running = AssertUnwindSafe((task.run)(Arc::clone(parts))).catch_unwind();
    let (outcome, pause) = match running.await {
        Ok(Ok(0)) => ("idle", task.pause),
        Ok(Ok(_)) => ("worked", task.short_pause),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                task = task.name,
                error,
                "a background task failed; it is tried again"
            );
            ("failed", FAILURE_PAUSE)
        }
        Err(_) => {
            tracing::error!(
                task = task.name,
                "a background task panicked; it is tried again"
            );
            ("panicked", FAILURE_PAUSE)
        }
    };
    let labels = [("task", task.name), ("outcome", outcome)];
    metrics::counter!("tributary_task_runs_total", &labels).increment(1);
    metrics::histogram!("tributary_task_seconds", "task" => task.name)
        .record(started.elapsed().as_secs_f64());
    pause
}
