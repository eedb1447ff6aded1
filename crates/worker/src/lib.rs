//! The clock's work: deliver webhooks, number events, poll orders, apply kept notifications, refresh, delete.
//!
//! Purpose: decide when, how often and how many at a time. What is done, `operations` knows; a task takes no
//! arguments, may run twice or on two nodes at once, and is bounded per run. May import `domain` and `operations`.
//!
//! Reading order: [`tasks`] (the whole list on one screen), `periodic`, `delivery` (the one loop that is not
//! periodic), `recorder`.

mod delivery;
mod in_flight;
mod periodic;
mod recorder;
pub mod tasks;

use std::pin::pin;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tributary_operations::courier::{self, Courier};
use tributary_operations::feed::Sequencer;
use tributary_operations::{OperationError, Operations, tenancy};

use crate::delivery::DeliveryLoop;
use crate::periodic::repeat;

/// Rounds after which work that never ends is called a fault.
const ROUNDS_MAX: u32 = 10_000;

/// Bounds of one worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deliveries in flight in this process.
    pub in_flight: usize,
    /// Deliveries in flight of one tenant in this process.
    pub in_flight_per_tenant: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 512,
            in_flight_per_tenant: 32,
        }
    }
}

/// Does the clock's work. Cheap to clone; clones are one worker.
#[derive(Clone, Debug)]
pub struct Worker {
    parts: Arc<Parts>,
}

/// What the tasks work with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) operations: Operations,
    pub(crate) courier: Arc<Courier>,
    pub(crate) sequencer: Sequencer,
    limits: Limits,
}

impl Worker {
    /// Makes a worker with the usual bounds and a name that no other one has.
    pub fn new(operations: Operations) -> Self {
        Self::with_limits(operations, Limits::default())
    }

    /// Makes a worker with other bounds.
    pub fn with_limits(operations: Operations, limits: Limits) -> Self {
        let name = courier::new_node_name();
        let parts = Parts {
            courier: Arc::new(Courier::new(operations.clone(), name.clone())),
            sequencer: Sequencer::new(operations.clone(), name),
            operations,
            limits,
        };
        Self {
            parts: Arc::new(parts),
        }
    }

    /// Works until `shutdown` ends, then finishes what is under way within a bound.
    ///
    /// An error says that a part of it ended by itself; the others are then stopped as well.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), OperationError> {
        let (stop, stopping) = watch::channel(false);
        let mut running = JoinSet::new();
        let delivery = DeliveryLoop::new(Arc::clone(&self.parts.courier), self.parts.limits);
        running.spawn(tenancy::platform(delivery.run(stopping.clone())));
        for task in tasks::all() {
            let repeated = repeat(task, Arc::clone(&self.parts), stopping.clone());
            running.spawn(tenancy::platform(repeated));
        }
        let mut shutdown = pin!(shutdown);
        let outcome = tokio::select! {
            () = &mut shutdown => Ok(()),
            // Tasks end only when they are told to; one that ended by itself has panicked.
            ended = running.join_next() => {
                tracing::error!(?ended, "a background task ended by itself; all are stopped");
                Err(OperationError::Internal("a background task ended by itself".to_owned()))
            }
        };
        stop.send_replace(true);
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a background task panicked"
                );
            }
        }
        outcome
    }

    /// Does everything that is due now, and all that follows from it; returns how much that was.
    ///
    /// Time does not move here: what is due later stays.
    pub async fn run_until_idle(&self) -> Result<usize, OperationError> {
        tenancy::platform(self.rounds()).await
    }

    async fn rounds(&self) -> Result<usize, OperationError> {
        let mut total = 0_usize;
        for _ in 0..ROUNDS_MAX {
            let mut done = 0_usize;
            for task in tasks::all().into_iter().filter(|task| task.until_idle) {
                done = done.saturating_add((task.run)(Arc::clone(&self.parts)).await?);
            }
            done = done.saturating_add(self.deliver_due().await?);
            if done == 0 {
                return Ok(total);
            }
            total = total.saturating_add(done);
        }
        let rounds = format!("background work did not end after {ROUNDS_MAX} rounds");
        Err(OperationError::Internal(rounds))
    }

    async fn deliver_due(&self) -> Result<usize, OperationError> {
        let courier = &self.parts.courier;
        let idle = std::collections::HashMap::new();
        let wish = courier::Wish {
            lanes: None,
            limit: self.parts.limits.in_flight,
            tenant_cap: self.parts.limits.in_flight_per_tenant,
            in_flight: &idle,
        };
        let load = courier.claim(&wish).await?;
        let sending = load
            .outgoing
            .iter()
            .map(|outgoing| courier.deliver(outgoing));
        let reports = join_all(sending).await;
        if !reports.is_empty() {
            courier.record(&reports).await?;
        }
        Ok(reports.len())
    }
}
