//! The outbox: an event and the deliveries it leads to are written with the change that caused them.
//!
//! The queue is the outbox; there is no relay between the two that a crash could come before.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tributary_domain::event::{NewEvent, filter_matches};
use tributary_domain::ids::DeliveryId;

use crate::Access;
use crate::Tx;
use crate::entities::{deliveries, delivery_queue, endpoints, events};
use crate::error::{StorageError, column, database, inserting};

/// Writes an event, and one open delivery for each endpoint of the tenant that wants it.
///
/// `Duplicate` when the effect with the same key was told before.
pub async fn append(tx: &Tx, event: &NewEvent) -> Result<(), StorageError> {
    insert_event(tx, event).await?;
    let rows = endpoints::Entity::find()
        .filter(endpoints::Column::TenantId.eq(event.tenant_id.as_str()))
        .filter(endpoints::Column::Mode.eq(event.mode.as_str()))
        .order_by_asc(endpoints::Column::Id)
        .all(tx.connection())
        .await
        .map_err(database("reading the endpoints of an event"))?;
    let mut wanted = Vec::new();
    for endpoint in rows {
        if wants(&endpoint, event)? {
            wanted.push(endpoint);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    enqueue(tx, event, &wanted).await
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
    };
    events::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("events"))?;
    Ok(())
}

fn wants(endpoint: &endpoints::Model, event: &NewEvent) -> Result<bool, StorageError> {
    let filters: Vec<String> = column(
        "endpoints",
        "filters",
        &endpoint.id,
        serde_json::from_str(&endpoint.filters),
    )?;
    Ok(filters
        .iter()
        .any(|filter| filter_matches(filter, event.kind.as_str())))
}

async fn enqueue(
    tx: &Tx,
    event: &NewEvent,
    wanted: &[endpoints::Model],
) -> Result<(), StorageError> {
    let now = event.occurred_at;
    let mut open = Vec::new();
    let mut rows = Vec::new();
    for endpoint in wanted {
        let id = DeliveryId::new(now);
        // An endpoint that is switched off keeps what it misses.
        let held = matches!(endpoint.state.as_str(), "disabled" | "paused");
        rows.push(deliveries::ActiveModel {
            id: Set(id.to_string()),
            tenant_id: Set(event.tenant_id.to_string()),
            mode: Set(event.mode.as_str().to_owned()),
            event_id: Set(event.id.to_string()),
            event_kind: Set(event.kind.as_str().to_owned()),
            endpoint_id: Set(endpoint.id.clone()),
            generation: Set(0),
            state: Set(if held { "held" } else { "open" }.to_owned()),
            attempts: Set(0),
            last_status: Set(None),
            last_error: Set(None),
            created_at: Set(now.as_millis()),
            finished_at: Set(None),
        });
        if !held {
            open.push(delivery_queue::ActiveModel {
                delivery_id: Set(id.to_string()),
                tenant_id: Set(event.tenant_id.to_string()),
                endpoint_id: Set(endpoint.id.clone()),
                class: Set("live".to_owned()),
                attempt: Set(0),
                visible_at: Set(now.as_millis()),
                fence: Set(0),
                lease_owner: Set(None),
                lease_until: Set(0),
                claims: Set(0),
            });
        }
    }
    deliveries::Entity::insert_many(rows)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("deliveries"))?;
    if !open.is_empty() {
        delivery_queue::Entity::insert_many(open)
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting("delivery_queue"))?;
    }
    Ok(())
}
