//! Runs a call into operations to its end, even when the caller hangs up half-way, and for the tenant who called.

use tracing::Instrument;
use tributary_operations::tenancy;

use crate::problem::{Problem, ProblemCode};

/// Runs `work` in a task of its own: a dropped connection or a time-out drops the wait, never the work.
pub(crate) async fn to_completion<T, E>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
{
    match tokio::spawn(tenancy::carried(work.in_current_span())).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Problem::of(ProblemCode::Internal).cause(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (work_go, work_done) = (Arc::clone(&go), Arc::clone(&done));
        let mut waiting = Box::pin(to_completion(async move {
            work_go.notified().await;
            work_done.notify_one();
            Ok::<(), Problem>(())
        }));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        drop(waiting);
        go.notify_one();
        done.notified().await;
    }

    #[tokio::test]
    async fn a_panic_becomes_a_problem() {
        let problem = to_completion::<(), Problem>(async { panic!("boom") }).await;
        assert_eq!(problem.unwrap_err().code(), ProblemCode::Internal);
    }
}
