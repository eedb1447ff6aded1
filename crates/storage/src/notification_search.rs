//! WeChat's notifications as staff look for them. The inbox belongs to the platform: no tenant looks into it.

use std::collections::HashMap;

use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{NotificationId, OrderId, ProviderId};

use crate::Access;
use crate::entities::notifications::{Column, Entity, Model};
use crate::error::{StorageError, database};
use crate::notifications::{NotificationState, StoredNotification, to_notification};
use crate::scan::{Path, Place, SCAN_ROWS_MAX, Scanned, id_floor};
use crate::statement_sizes::padded;

/// Which notifications are looked for.
#[derive(Clone, Debug, Default)]
pub struct NotificationQuery {
    /// Only to this provider.
    pub provider_id: Option<ProviderId>,
    /// Only in this state.
    pub state: Option<NotificationState>,
    /// Only with this verdict.
    pub verdict: Option<String>,
    /// Only with WeChat's word for what happened.
    pub event_type: Option<String>,
    /// Only with WeChat's id.
    pub notice_id: Option<String>,
    /// Only about this order.
    pub order_id: Option<OrderId>,
    /// Only at or after this instant.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
}

/// Looks for notifications.
pub async fn search_all_tenants(
    at: &impl Access,
    query: &NotificationQuery,
    after: Option<&Place>,
    limit: u64,
) -> Result<Scanned<StoredNotification>, StorageError> {
    let found = path(query).scan(at, after, limit).await;
    let found = found.map_err(database("looking for notifications"))?;
    let mut items = Vec::new();
    if !found.items.is_empty() {
        let rows = Entity::find()
            .filter(Column::Id.is_in(padded(found.items.clone())))
            .all(at.connection())
            .await
            .map_err(database("reading the notifications that were found"))?;
        let mut by_id: HashMap<String, Model> =
            rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let in_order = found.items.iter().filter_map(|id| by_id.remove(id));
        items = in_order.map(to_notification).collect::<Result<_, _>>()?;
    }
    Ok(Scanned {
        items,
        next: found.next,
    })
}

/// A notification by its id.
pub async fn find_all_tenants(
    at: &impl Access,
    id: &NotificationId,
) -> Result<Option<StoredNotification>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a notification"))?;
    row.map(to_notification).transpose()
}

fn path(query: &NotificationQuery) -> Path<Entity> {
    let lead = Condition::all();
    let state = query.state.map(|state| Column::State.eq(state.as_str()));
    let (lead, narrow) = match (&query.notice_id, state) {
        (Some(notice), state) => (
            lead.add(Column::NoticeId.eq(notice.as_str())),
            Condition::all().add_option(state),
        ),
        (None, Some(state)) => (lead.add(state), Condition::all()),
        (None, None) => (lead, Condition::all()),
    };
    let floor = |at: Timestamp| id_floor(NotificationId::PREFIX, at);
    Path {
        id: Column::Id,
        by: None,
        lead: lead
            .add_option(query.from.map(|from| Column::Id.gte(floor(from))))
            .add_option(query.to.map(|to| Column::Id.lt(floor(to)))),
        narrow: narrow
            .add_option(
                query
                    .provider_id
                    .as_ref()
                    .map(|id| Column::ProviderId.eq(id.as_str())),
            )
            .add_option(
                query
                    .verdict
                    .as_ref()
                    .map(|word| Column::Verdict.eq(word.as_str())),
            )
            .add_option(
                query
                    .event_type
                    .as_ref()
                    .map(|word| Column::EventType.eq(word.as_str())),
            )
            .add_option(
                query
                    .order_id
                    .as_ref()
                    .map(|id| Column::OrderId.eq(id.as_str())),
            ),
        rows_max: SCAN_ROWS_MAX,
    }
}
