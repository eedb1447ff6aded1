//! The feed: everything a tenant was told, by numbers without holes; and the sequencer that gives the numbers.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::value::RawValue;
use tributary_domain::event::{EventType, filter_matches};
use tributary_domain::ids::EventId;
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::tenant::Scope;
use tributary_storage::feed::{self, FeedEvent};
use tributary_storage::{StorageError, leases};

use crate::credentials::Caller;
use crate::pages::{Page, check_limit, cut};
use crate::{OperationError, Operations};

const SEQUENCER: &str = "sequencer";
/// A leader that dies is replaced after this long.
const LEAD_MS: i64 = 5_000;
/// Events numbered in one transaction.
const BATCH: u64 = 512;

/// An event as a reader of the feed gets it.
#[derive(Clone, Debug)]
pub struct EventView {
    /// The stored bytes, the same that webhooks carry.
    pub body: Box<RawValue>,
    /// Its number in the feed; absent for the moment before the sequencer saw it.
    pub feed_seq: Option<i64>,
}

impl Operations {
    /// Reads the feed behind a number, oldest first.
    pub async fn list_events(
        &self,
        caller: &Caller,
        after: Option<i64>,
        types: Vec<String>,
        limit: u64,
    ) -> Result<Page<EventView>, OperationError> {
        caller.require(Scope::EventsRead)?;
        let limit = check_limit(Some(limit))?;
        let kinds = kinds_of(&types);
        if kinds.is_empty() && !types.is_empty() {
            return Ok(Page {
                items: Vec::new(),
                next_cursor: None,
            });
        }
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        let after = after.unwrap_or(0);
        let longer = limit.saturating_add(1);
        let rows = feed::list(self.storage(), tenant, mode, after, &kinds, longer).await?;
        let page = cut(rows, limit, |event| event.feed_seq.unwrap_or(0).to_string());
        let items = page
            .items
            .into_iter()
            .map(event_view)
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            next_cursor: page.next_cursor,
        })
    }

    /// Shows one event.
    pub async fn get_event(
        &self,
        caller: &Caller,
        id: &EventId,
    ) -> Result<EventView, OperationError> {
        caller.require(Scope::EventsRead)?;
        let event = feed::find(self.storage(), &caller.tenant_id, caller.mode, id).await?;
        event_view(event.ok_or(OperationError::NotFound)?)
    }
}

/// Numbers committed events as long as its node leads.
#[derive(Debug)]
pub struct Sequencer {
    operations: Operations,
    node: String,
    leads_until_ms: AtomicI64,
}

impl Sequencer {
    /// Makes a sequencer for the node of this name.
    pub fn new(operations: Operations, node: String) -> Self {
        Self {
            operations,
            node,
            leads_until_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// Waits until an event was committed in this process.
    pub async fn event_committed(&self) {
        self.operations.storage().signals().event_committed().await;
    }

    /// Numbers what was committed, if this node leads; returns how many events.
    pub async fn run_once(&self) -> Result<usize, OperationError> {
        let storage = self.operations.storage();
        if !feed::has_unnumbered_all_tenants(storage).await? || !self.lead().await? {
            return Ok(0);
        }
        let tx = storage.begin().await?;
        match feed::sequence_all_tenants(&tx, BATCH).await {
            Ok(count) => {
                crash_point(CrashPoint::SequenceBeforeCommit);
                tx.commit().await?;
                crash_point(CrashPoint::SequenceAfterCommit);
                Ok(count)
            }
            // A leader that slept through its lease met its successor: the successor's numbers stand.
            Err(error) if error.is_stale() || error.is_duplicate() => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes or keeps the lead; it is renewed when half of it is over.
    async fn lead(&self) -> Result<bool, OperationError> {
        let now = self.operations.now();
        if now.as_millis()
            < self
                .leads_until_ms
                .load(Ordering::Relaxed)
                .saturating_sub(LEAD_MS / 2)
        {
            return Ok(true);
        }
        let until = now.plus_millis(LEAD_MS);
        let tx = self.operations.storage().begin().await?;
        let leads = match leases::acquire(&tx, SEQUENCER, &self.node, LEAD_MS).await {
            Ok(leads) => {
                tx.commit().await?;
                leads
            }
            // Two nodes started at the same moment, and the other was first.
            Err(StorageError::Duplicate { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let until_ms = if leads { until.as_millis() } else { i64::MIN };
        self.leads_until_ms.store(until_ms, Ordering::Relaxed);
        Ok(leads)
    }
}

/// The types that any of the filters lets through.
fn kinds_of(filters: &[String]) -> Vec<String> {
    let kinds = EventType::ALL.into_iter().map(EventType::as_str);
    kinds
        .filter(|kind| filters.iter().any(|filter| filter_matches(filter, kind)))
        .map(str::to_owned)
        .collect()
}

fn event_view(event: FeedEvent) -> Result<EventView, OperationError> {
    let id = event.id;
    let body = RawValue::from_string(event.body)
        .map_err(|error| OperationError::Internal(format!("event {id} is not JSON: {error}")))?;
    Ok(EventView {
        body,
        feed_seq: event.feed_seq,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_the_feed_name_types_or_stems() {
        assert_eq!(kinds_of(&["ping".to_owned()]), ["ping"]);
        assert!(kinds_of(&["order.*".to_owned()]).contains(&"order.paid".to_owned()));
        assert!(kinds_of(&["nothing".to_owned()]).is_empty());
    }
}
