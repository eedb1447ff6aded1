//! What a commit made worth a look, for workers in the same process. Hints only: the poll behind them is the truth.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tributary_domain::ids::EndpointId;

/// Lanes beyond this many are left to the poll.
const MAX_HINTED_LANES: usize = 10_000;

/// Collects hints from commits and hands them to whoever waits.
#[derive(Debug, Default)]
pub struct CommitSignals {
    lanes: Mutex<Lanes>,
    deliveries: Notify,
    events: Notify,
}

/// First hinted, first handed out, so that a busy lane cannot keep the others waiting.
#[derive(Debug, Default)]
struct Lanes {
    order: VecDeque<EndpointId>,
    known: HashSet<EndpointId>,
}

/// What one transaction wrote so far.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) lanes: Vec<EndpointId>,
    pub(crate) events: bool,
}

impl CommitSignals {
    /// Says that these lanes may have something due.
    pub fn hint_lanes(&self, lanes: impl IntoIterator<Item = EndpointId>) {
        let mut hinted = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = hinted.order.len();
        for lane in lanes {
            if hinted.order.len() < MAX_HINTED_LANES && hinted.known.insert(lane.clone()) {
                hinted.order.push_back(lane);
            }
        }
        if hinted.order.len() > before {
            self.deliveries.notify_one();
        }
    }

    /// Takes at most `limit` hinted lanes.
    pub fn take_lanes(&self, limit: usize) -> Vec<EndpointId> {
        let mut hinted = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let count = limit.min(hinted.order.len());
        let taken: Vec<EndpointId> = hinted.order.drain(..count).collect();
        for lane in &taken {
            hinted.known.remove(lane);
        }
        if !hinted.order.is_empty() {
            // One signal may stand for many hints: whoever waits next must not wait for another.
            self.deliveries.notify_one();
        }
        taken
    }

    /// Waits until some lane was hinted.
    pub async fn lanes_hinted(&self) {
        self.deliveries.notified().await;
    }

    /// Waits until some event was committed.
    pub async fn event_committed(&self) {
        self.events.notified().await;
    }

    pub(crate) fn publish(&self, written: Written) {
        if written.events {
            self.events.notify_one();
        }
        self.hint_lanes(written.lanes);
    }
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;

    use super::*;

    #[test]
    fn a_lane_is_handed_out_once_however_often_it_was_hinted() {
        let signals = CommitSignals::default();
        let lane = EndpointId::new(Timestamp::from_millis(1));
        signals.hint_lanes([lane.clone(), lane.clone()]);
        assert_eq!(signals.take_lanes(8), [lane]);
        assert!(signals.take_lanes(8).is_empty());
    }

    #[tokio::test]
    async fn what_is_left_of_the_hints_wakes_again() {
        let signals = CommitSignals::default();
        let lane = || EndpointId::new(Timestamp::from_millis(1));
        signals.hint_lanes([lane(), lane(), lane()]);
        signals.lanes_hinted().await;
        assert_eq!(signals.take_lanes(2).len(), 2);
        signals.lanes_hinted().await;
        assert_eq!(signals.take_lanes(2).len(), 1);
    }

    #[tokio::test]
    async fn a_hint_given_before_anybody_waits_is_not_lost() {
        let signals = CommitSignals::default();
        signals.publish(Written {
            lanes: vec![EndpointId::new(Timestamp::from_millis(1))],
            events: true,
        });
        signals.lanes_hinted().await;
        signals.event_committed().await;
    }
}
