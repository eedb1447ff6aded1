//! A node of the platform: the real operations, a courier with what it has in its hands, a sequencer; it can be killed.

use std::sync::{Arc, Mutex, MutexGuard};

use tributary_domain::clock::SharedClock;
use tributary_operations::courier::{Courier, Outgoing, Report};
use tributary_operations::feed::Sequencer;
use tributary_operations::{Operations, OperationsConfig};
use tributary_storage::Storage;
use tributary_vault::Vault;

use super::setup;
use super::wires::{ToReceivers, ToWeChat};
use super::world::{Horizon, World};

/// One node.
pub(super) struct Node {
    pub(super) index: usize,
    make: Box<dyn Fn() -> Life + Send + Sync>,
    life: Mutex<Arc<Life>>,
}

/// What a node has from its start to its end.
pub(super) struct Life {
    pub(super) operations: Operations,
    pub(super) courier: Courier,
    pub(super) sequencer: Sequencer,
    pub(super) hands: Mutex<Hands>,
}

/// What a courier carries.
#[derive(Default)]
pub(super) struct Hands {
    /// Claimed, with the number of the claim.
    pub(super) claimed: Vec<(Outgoing, u64)>,
    /// Sent, and not written down.
    pub(super) sent: Vec<(Report, u64)>,
}

impl Node {
    pub(super) fn start(
        index: usize,
        storage: &Storage,
        clock: &SharedClock,
        horizon: &Horizon,
    ) -> Self {
        let (storage, clock, horizon) = (storage.clone(), Arc::clone(clock), Arc::clone(horizon));
        let make = Box::new(move || Life::begin(&storage, &clock, &horizon, index));
        let life = Mutex::new(Arc::new(make()));
        Self { index, make, life }
    }

    pub(super) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.life.lock().expect("no restart panicked"))
    }

    pub(super) fn operations(&self) -> Operations {
        self.life().operations.clone()
    }

    /// Begins anew on the same database; what the node had in memory is gone.
    pub(super) fn restart(&self, world: &World) {
        world.tell(|| format!("--- node {} starts anew", self.index));
        let ended = std::mem::replace(
            &mut *self.life.lock().expect("no restart panicked"),
            Arc::new((self.make)()),
        );
        for (report, _) in ended.hands().sent.drain(..) {
            world.note_unrecorded(report.delivery_id().as_str());
        }
    }

    /// Lets the node do something; `None` when it ended on the way, and has begun anew.
    pub(super) async fn as_process<T, W: Future<Output = T>>(
        &self,
        world: &Arc<World>,
        work: impl FnOnce(Operations) -> W,
    ) -> Option<T> {
        let done = world.processes.run(Box::pin(work(self.operations()))).await;
        if done.is_none() {
            self.restart(world);
        }
        done
    }
}

impl Life {
    fn begin(storage: &Storage, clock: &SharedClock, horizon: &Horizon, index: usize) -> Self {
        let operations = Operations::new(OperationsConfig {
            clock: Arc::clone(clock),
            storage: storage.clone(),
            vault: Vault::open(crate::platform::kek()),
            transport: ToWeChat::transport(horizon),
            sender: ToReceivers::sender(horizon),
            public_url: setup::PUBLIC_URL.to_owned(),
            bills_kept_days: tributary_operations::BILLS_KEPT_DAYS,
            password_cost: tributary_operations::staff::PasswordCost::CHEAP_FOR_TESTS,
            environment: tributary_operations::Environment::Development,
            limits: tributary_operations::Limits::unlimited(),
        });
        let name = format!(
            "node-{index}-{}",
            tributary_domain::ids::sortable_text(clock.now())
        );
        Self {
            courier: Courier::new(operations.clone(), name.clone()),
            sequencer: Sequencer::new(operations.clone(), name),
            operations,
            hands: Mutex::default(),
        }
    }

    pub(super) fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands
            .lock()
            .expect("no courier panicked with its load")
    }
}

impl World {
    /// Notes that a webhook was posted whose result nobody could write down.
    pub(super) fn note_unrecorded(&self, delivery: &str) {
        *self
            .log()
            .unrecorded
            .entry(delivery.to_owned())
            .or_default() += 1;
    }
}
