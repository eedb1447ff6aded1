//! What is posted for a claimed delivery: the bytes, where they go, and what their endpoint chose.

use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use tributary_domain::endpoint::{PayloadMode, RetrySchedule};
use tributary_domain::ids::{DeliveryId, EventId};
use tributary_domain::tenant::Mode;

use crate::Access;
use crate::entities::{deliveries, endpoints, events};
use crate::error::{StorageError, column, database};
use crate::statement_sizes::padded;

/// What is posted for a claimed delivery.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// How many attempts were recorded before.
    pub attempts: i64,
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub event_kind: String,
    /// Which world it belongs to.
    pub mode: Mode,
    /// Where it goes.
    pub url: String,
    /// The bytes to sign and send.
    pub body: String,
    /// When it is tried again should it fail.
    pub schedule: RetrySchedule,
    /// How long an attempt may last, when not as long as usual.
    pub timeout_ms: Option<i64>,
    /// The headers that the tenant adds, sealed.
    pub sealed_headers: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct Row {
    id: String,
    attempts: i64,
    event_id: String,
    event_kind: String,
    mode: String,
    url: String,
    body: String,
    schedule: String,
    timeout_ms: Option<i64>,
    sealed_headers: Option<Vec<u8>>,
}

/// Reads what is to be posted for claimed deliveries; a row that makes no sense is an error of its own.
pub async fn parcels_all_tenants(
    at: &impl Access,
    ids: &[DeliveryId],
) -> Result<Vec<Result<Parcel, StorageError>>, StorageError> {
    let ids = padded(ids.iter().map(DeliveryId::as_str).collect());
    let rows: Vec<Row> = deliveries::Entity::find()
        .select_only()
        .columns([
            deliveries::Column::Id,
            deliveries::Column::Attempts,
            deliveries::Column::EventId,
            deliveries::Column::EventKind,
            deliveries::Column::Mode,
        ])
        .column_as(Expr::col((Alias::new("n"), endpoints::Column::Url)), "url")
        .column_as(
            Expr::col((Alias::new("n"), endpoints::Column::Schedule)),
            "schedule",
        )
        .column_as(
            Expr::col((Alias::new("n"), endpoints::Column::SealedHeaders)),
            "sealed_headers",
        )
        .column_as(
            Expr::col((Alias::new("n"), endpoints::Column::TimeoutMs)),
            "timeout_ms",
        )
        .column_as(body_to_send(), "body")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            event_of_delivery(),
            Alias::new("e"),
        )
        .join_as(
            sea_orm::JoinType::InnerJoin,
            endpoint_of_delivery(),
            Alias::new("n"),
        )
        .filter(deliveries::Column::Id.is_in(ids))
        .into_model()
        .all(at.connection())
        .await
        .map_err(database("reading what is to be delivered"))?;
    Ok(rows.into_iter().map(to_parcel).collect())
}

fn to_parcel(row: Row) -> Result<Parcel, StorageError> {
    let id = row.id.as_str();
    Ok(Parcel {
        delivery_id: column("deliveries", "id", id, id.parse())?,
        attempts: row.attempts,
        event_id: column("deliveries", "event_id", id, row.event_id.parse())?,
        event_kind: row.event_kind,
        mode: column("deliveries", "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        url: row.url,
        body: row.body,
        schedule: column(
            "endpoints",
            "schedule",
            id,
            RetrySchedule::parse(&row.schedule).ok_or(()),
        )?,
        timeout_ms: row.timeout_ms,
        sealed_headers: row.sealed_headers,
    })
}

/// The thin body for who wants it and for whom the full one is too long; events of old have none.
fn body_to_send() -> Expr {
    let of_event = |column| Expr::col((Alias::new("e"), column));
    let is_thin = Expr::col((Alias::new("n"), endpoints::Column::Payload))
        .eq(PayloadMode::Thin.as_str())
        .or(Expr::col((deliveries::Entity, deliveries::Column::Thin)));
    let has_thin = of_event(events::Column::ThinBody).is_not_null();
    Expr::case(is_thin.and(has_thin), of_event(events::Column::ThinBody))
        .finally(of_event(events::Column::Body))
        .into()
}

fn event_of_delivery() -> sea_orm::RelationDef {
    deliveries::Entity::belongs_to(events::Entity)
        .from(deliveries::Column::EventId)
        .to(events::Column::Id)
        .into()
}

fn endpoint_of_delivery() -> sea_orm::RelationDef {
    deliveries::Entity::belongs_to(endpoints::Entity)
        .from(deliveries::Column::EndpointId)
        .to(endpoints::Column::Id)
        .into()
}
