//! Writes results down, many in one transaction: whatever came while the batch before was written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tributary_operations::OperationError;
use tributary_operations::courier::{Courier, Report};

use crate::in_flight::Ticket;

/// Results written in one transaction.
const BATCH_MAX: usize = 64;
const TRIES_MAX: u32 = 4;
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The end of one delivery's attempt; without a report its task has panicked.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ticket: Ticket,
    pub(crate) report: Option<Report>,
}

/// Records until nobody sends any more; hands the tickets of each batch on once its claims are over.
pub(crate) async fn record_all(
    courier: Arc<Courier>,
    mut ended: mpsc::UnboundedReceiver<Ended>,
    recorded: mpsc::UnboundedSender<Vec<Ticket>>,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while ended.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let tickets = batch.iter().map(|ended| ended.ticket).collect();
        let reports: Vec<Report> = batch.drain(..).filter_map(|ended| ended.report).collect();
        record(&courier, &reports).await;
        if recorded.send(tickets).is_err() {
            return;
        }
    }
}

/// A batch that cannot be written is given up: its claims end by themselves, and it is sent again.
async fn record(courier: &Courier, reports: &[Report]) {
    if reports.is_empty() {
        return;
    }
    for attempt in 1..=TRIES_MAX {
        let Err(error) = courier.record(reports).await else {
            return;
        };
        warn(attempt, &error);
        sleep(RETRY_PAUSE * attempt).await;
    }
    tracing::error!(
        count = reports.len(),
        "results are lost; these deliveries are sent again"
    );
}

fn warn(attempt: u32, error: &OperationError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(attempt, error, "results could not be recorded");
}
