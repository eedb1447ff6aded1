//! The delivery loop: claims as long as there is room, sends side by side, lets the recorder write results down.
//!
//! Commits in this process hint which lanes have something due, and only those are looked at. The poll over all lanes
//! behind the hints finds retries, other nodes' commits and what a crash left.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tributary_domain::ids::EndpointId;
use tributary_operations::courier::{Courier, Load, Outgoing, Wish};
use tributary_operations::tenancy;

use crate::Limits;
use crate::in_flight::{InFlight, Ticket};
use crate::recorder::{Ended, record_all};

const POLL_MIN: Duration = Duration::from_millis(250);
const POLL_MAX: Duration = Duration::from_secs(2);
/// The pause after a failed claim.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// A usual attempt and the writing of its result fit in this, and it fits in the time that a stop may take: what is still
/// in flight then is given back, and not left to the end of its lease.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// Claims, sends and counts.
#[derive(Debug)]
pub(crate) struct DeliveryLoop {
    courier: Arc<Courier>,
    limits: Limits,
    in_flight: InFlight,
    ended: mpsc::UnboundedSender<Ended>,
    recorded: mpsc::UnboundedReceiver<Vec<Ticket>>,
    poll_pause: Duration,
    next_poll: Instant,
    not_before: Instant,
}

impl DeliveryLoop {
    pub(crate) fn new(courier: Arc<Courier>, limits: Limits) -> Self {
        // Bounded by the limit on what is in flight: every message belongs to one claimed delivery.
        let (ended, to_record) = mpsc::unbounded_channel();
        let (recorded_sender, recorded) = mpsc::unbounded_channel();
        let recording = record_all(Arc::clone(&courier), to_record, recorded_sender);
        tokio::spawn(tenancy::platform(recording));
        Self {
            courier,
            limits,
            in_flight: InFlight::default(),
            ended,
            recorded,
            poll_pause: POLL_MIN,
            next_poll: Instant::now(),
            not_before: Instant::now(),
        }
    }

    /// Delivers until told to stop, then waits for what is in flight and gives back what remains.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let courier = Arc::clone(&self.courier);
        while !*stopping.borrow_and_update() {
            self.claim_what_is_due().await;
            let has_room = self.room() > 0;
            tokio::select! {
                _ = stopping.changed() => {}
                tickets = self.recorded.recv() => {
                    // It ends before this loop only by a panic; the end of this loop then tells the worker.
                    let Some(tickets) = tickets else {
                        tracing::error!("the recorder of deliveries ended by itself");
                        break;
                    };
                    self.settle(&tickets);
                }
                () = sleep_until(self.next_poll.max(self.not_before)), if has_room => {}
                () = courier.lanes_hinted(), if has_room => sleep_until(self.not_before).await,
            }
        }
        self.drain().await;
    }

    fn room(&self) -> usize {
        self.limits.in_flight.saturating_sub(self.in_flight.len())
    }

    fn settle(&mut self, tickets: &[Ticket]) {
        let ready = self.in_flight.remove(tickets);
        self.courier.hint_lanes(ready);
    }

    async fn claim_what_is_due(&mut self) {
        while let Ok(tickets) = self.recorded.try_recv() {
            self.settle(&tickets);
        }
        if self.room() == 0 || Instant::now() < self.not_before {
            return;
        }
        let hinted = self.courier.take_hinted_lanes();
        if !hinted.is_empty() {
            self.claim(Some(&hinted)).await;
        }
        if Instant::now() >= self.next_poll && self.room() > 0 {
            let found = self.claim(None).await;
            self.poll_pause = if found {
                POLL_MIN
            } else {
                (self.poll_pause * 2).min(POLL_MAX)
            };
            self.next_poll = Instant::now() + self.poll_pause.mul_f64(jitter());
        }
    }

    /// Claims once and starts sending; tells whether anything was found.
    async fn claim(&mut self, lanes: Option<&[EndpointId]>) -> bool {
        let wish = Wish {
            lanes,
            limit: self.room(),
            tenant_cap: self.limits.in_flight_per_tenant,
            in_flight: self.in_flight.by_tenant(),
        };
        match self.courier.claim(&wish).await {
            Ok(load) => self.start(load),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "claiming deliveries failed; trying again");
                self.not_before = Instant::now() + FAILURE_PAUSE;
                self.courier
                    .hint_lanes(lanes.unwrap_or_default().iter().cloned());
                false
            }
        }
    }

    fn start(&mut self, load: Load) -> bool {
        let found = !load.outgoing.is_empty();
        for outgoing in load.outgoing {
            let outgoing = Arc::new(outgoing);
            let ticket = self.in_flight.add(&outgoing);
            let send = send(
                Arc::clone(&self.courier),
                outgoing,
                ticket,
                self.ended.clone(),
            );
            tokio::spawn(tenancy::platform(send));
        }
        let tenant_cap = self.limits.in_flight_per_tenant;
        self.in_flight.note_full(load.due_lanes, tenant_cap);
        self.courier.hint_lanes(load.left_lanes);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge of at most a few hundred"
        )]
        metrics::gauge!("tributary_webhook_in_flight").set(self.in_flight.len() as f64);
        found
    }

    async fn drain(mut self) {
        let deadline = Instant::now() + DRAIN_MAX;
        while self.in_flight.len() > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.recorded.recv()).await {
                Ok(Some(tickets)) => drop(self.in_flight.remove(&tickets)),
                Ok(None) | Err(_) => break,
            }
        }
        let remaining = self.in_flight.drain();
        if remaining.is_empty() {
            return;
        }
        tracing::warn!(
            count = remaining.len(),
            "deliveries were still in flight at the end"
        );
        if let Err(error) = self.courier.give_back(&remaining).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "claims were not given back; they end by themselves");
        }
    }
}

/// Keeps nodes that were started together from polling together.
fn jitter() -> f64 {
    rand::random_range(0.8..1.2)
}

async fn send(
    courier: Arc<Courier>,
    outgoing: Arc<Outgoing>,
    ticket: Ticket,
    ended: mpsc::UnboundedSender<Ended>,
) {
    let report = AssertUnwindSafe(courier.deliver(&outgoing))
        .catch_unwind()
        .await;
    if report.is_err() {
        tracing::error!(tenant.id = %outgoing.tenant_id(), endpoint.id = %outgoing.endpoint_id(),
            "sending a webhook panicked; its claim ends by itself");
    }
    let report = report.ok();
    // Nobody listens any more only when the worker was dropped; the claim then ends by itself.
    drop(ended.send(Ended { ticket, report }));
}
