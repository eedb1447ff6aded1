//! The outbox: an event and all that must be sent about it, written in the transaction of the change that caused it.
//!
//! The queue is the outbox. There is no relay, so nothing lies between the commit and the first attempt.

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::{DeliveryState, QueueClass};
use tributary_domain::endpoint::{EndpointState, any_filter_matches, concerns};
use tributary_domain::event::NewEvent;
use tributary_domain::ids::{DeliveryId, EndpointId};
use tributary_domain::rehearsal::{Sabotage, is_broken};

use crate::deliveries::{QueueEntry, enqueue};
use crate::endpoints::list_column;
use crate::entities::{deliveries, endpoints, events};
use crate::error::{StorageError, column, database, inserting};
use crate::statement_sizes::power_of_two_chunks;
use crate::{Access, Tx};

/// Whom an event goes to; after the commit these lanes are worth a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FanOut {
    /// The deliveries made, each with its endpoint.
    pub deliveries: Vec<(DeliveryId, EndpointId)>,
}

/// Records an event with one delivery for each endpoint of the tenant, in the same mode, that wants it.
///
/// `Duplicate` when the event's effect was told before.
pub async fn append(tx: &Tx, event: &NewEvent) -> Result<FanOut, StorageError> {
    #[cfg(debug_assertions)]
    if is_broken(Sabotage::EventAfterCommit) && tx.put_off(event) {
        return Ok(FanOut::default());
    }
    insert_event(tx, event).await?;
    let of_tenant = if is_broken(Sabotage::AnybodysEndpoint) {
        Condition::all()
    } else {
        Condition::all().add(endpoints::Column::TenantId.eq(event.tenant_id.as_str()))
    };
    let candidates: Vec<(String, String, Option<String>, String)> = endpoints::Entity::find()
        .select_only()
        .columns([
            endpoints::Column::Id,
            endpoints::Column::Filters,
            endpoints::Column::SubMchids,
            endpoints::Column::State,
        ])
        .filter(of_tenant)
        .filter(endpoints::Column::Mode.eq(event.mode.as_str()))
        .into_tuple()
        .all(tx.connection())
        .await
        .map_err(database("reading the endpoints of an event"))?;
    let mut receivers = Vec::with_capacity(candidates.len());
    for (id, filters, sub_mchids, state) in candidates {
        let filters: Vec<String> =
            column("endpoints", "filters", &id, serde_json::from_str(&filters))?;
        let sub_mchids = list_column("sub_mchids", &id, sub_mchids.as_deref())?;
        if any_filter_matches(&filters, event.kind.as_str())
            && concerns(&sub_mchids, event.sub_mchid.as_deref())
        {
            receivers.push(receiver(&id, &state)?);
        }
    }
    insert_deliveries(tx, event, &receivers).await
}

/// Records an event with one delivery for this endpoint only, whatever its filters say.
pub async fn append_for(
    tx: &Tx,
    event: &NewEvent,
    endpoint: &EndpointId,
) -> Result<FanOut, StorageError> {
    insert_event(tx, event).await?;
    let receiver = (endpoint.clone(), EndpointState::Enabled);
    insert_deliveries(tx, event, &[receiver]).await
}

fn receiver(id: &str, state: &str) -> Result<(EndpointId, EndpointState), StorageError> {
    Ok((
        column("endpoints", "id", id, id.parse())?,
        column(
            "endpoints",
            "state",
            id,
            EndpointState::parse(state).ok_or(()),
        )?,
    ))
}

async fn insert_event(tx: &Tx, event: &NewEvent) -> Result<(), StorageError> {
    let row = events::ActiveModel {
        id: Set(event.id.to_string()),
        tenant_id: Set(event.tenant_id.to_string()),
        mode: Set(event.mode.as_str().to_owned()),
        kind: Set(event.kind.as_str().to_owned()),
        subject_type: Set(event.subject.kind.to_owned()),
        subject_id: Set(event.subject.id.clone()),
        seq: Set(event.seq),
        occurred_at: Set(event.occurred_at.as_millis()),
        dedupe_key: Set(event.dedupe_key.clone()),
        body: Set(event.body.clone()),
        feed_seq: Set(None),
        thin_body: Set(Some(event.thin_body.clone())),
    };
    events::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("events"))?;
    tx.event_written();
    Ok(())
}

async fn insert_deliveries(
    tx: &Tx,
    event: &NewEvent,
    receivers: &[(EndpointId, EndpointState)],
) -> Result<FanOut, StorageError> {
    let now = event.recorded_at;
    let mut fan_out = FanOut::default();
    let mut rows = Vec::with_capacity(receivers.len());
    let mut queued = Vec::with_capacity(receivers.len());
    for (endpoint, state) in receivers {
        let id = DeliveryId::new(now);
        rows.push(delivery_row(event, &id, endpoint, *state, now));
        if state.is_served() {
            tx.due_lane(endpoint);
            queued.push(queue_entry(event, &id, endpoint));
        }
        fan_out.deliveries.push((id, endpoint.clone()));
    }
    for chunk in power_of_two_chunks(&rows) {
        deliveries::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting("deliveries"))?;
    }
    enqueue(tx, &queued).await?;
    Ok(fan_out)
}

fn delivery_row(
    event: &NewEvent,
    id: &DeliveryId,
    endpoint: &EndpointId,
    state: EndpointState,
    now: Timestamp,
) -> deliveries::ActiveModel {
    let state = if state.is_served() {
        DeliveryState::Open
    } else {
        DeliveryState::Held
    };
    deliveries::ActiveModel {
        id: Set(id.to_string()),
        tenant_id: Set(event.tenant_id.to_string()),
        mode: Set(event.mode.as_str().to_owned()),
        event_id: Set(event.id.to_string()),
        event_kind: Set(event.kind.as_str().to_owned()),
        endpoint_id: Set(endpoint.to_string()),
        generation: Set(0),
        state: Set(state.as_str().to_owned()),
        attempts: Set(0),
        last_status: Set(None),
        last_error: Set(None),
        created_at: Set(now.as_millis()),
        finished_at: Set(None),
        thin: Set(false),
    }
}

fn queue_entry(event: &NewEvent, id: &DeliveryId, endpoint: &EndpointId) -> QueueEntry {
    QueueEntry {
        delivery_id: id.clone(),
        tenant_id: event.tenant_id.clone(),
        endpoint_id: endpoint.clone(),
        class: QueueClass::Scheduled,
    }
}
