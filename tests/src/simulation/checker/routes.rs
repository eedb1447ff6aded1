//! From a number at WeChat to the order that it belongs to.

use std::collections::BTreeMap;

use crate::simulation::evidence::{AttemptRow, Evidence, OrderRow};

/// Which order a number at WeChat belongs to.
pub(super) struct Routes<'a>(BTreeMap<&'a str, (&'a OrderRow, &'a AttemptRow)>);

impl<'a> Routes<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let orders: BTreeMap<&str, &OrderRow> = evidence
            .rows
            .orders
            .iter()
            .map(|order| (order.id.as_str(), order))
            .collect();
        let attempts = evidence.rows.attempts.iter();
        let route = |attempt: &'a AttemptRow| {
            let order = orders.get(attempt.order_id.as_str())?;
            Some((attempt.out_trade_no.as_str(), (*order, attempt)))
        };
        Self(attempts.filter_map(route).collect())
    }

    pub(super) fn find(&self, number: &str) -> Option<(&'a OrderRow, &'a AttemptRow)> {
        self.0.get(number).copied()
    }

    pub(super) fn times_told(evidence: &Evidence, order: &OrderRow, kinds: &[&str]) -> usize {
        let events = evidence.rows.events.iter();
        events
            .filter(|event| event.subject_id == order.id && kinds.contains(&event.kind.as_str()))
            .count()
    }
}
