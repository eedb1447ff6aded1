//! What people wrote beside orders. Notes are added and read; none is changed or deleted.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, OrderNoteId, TenantId};

use crate::entities::order_notes::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

const TABLE: &str = "order_notes";

/// A note beside an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNote {
    /// Its id.
    pub id: OrderNoteId,
    /// Whose order.
    pub tenant_id: TenantId,
    /// Which order.
    pub order_id: OrderId,
    /// Who wrote it, as the audit log names people.
    pub author: String,
    /// What it says.
    pub words: String,
    /// When.
    pub created_at: Timestamp,
}

/// Writes a note.
pub async fn insert(tx: &Tx, note: &OrderNote) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(note.id.to_string()),
        tenant_id: Set(note.tenant_id.to_string()),
        order_id: Set(note.order_id.to_string()),
        author: Set(note.author.clone()),
        words: Set(note.words.clone()),
        created_at: Set(note.created_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// The first `limit` notes beside a tenant's order, oldest first.
pub async fn of_order(
    at: &impl Access,
    tenant: &TenantId,
    order: &OrderId,
    limit: u64,
) -> Result<Vec<OrderNote>, StorageError> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::OrderId.eq(order.as_str()))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("reading the notes beside an order"))?;
    rows.into_iter().map(to_note).collect()
}

fn to_note(row: Model) -> Result<OrderNote, StorageError> {
    let id = row.id.as_str();
    Ok(OrderNote {
        id: column(TABLE, "id", id, id.parse())?,
        tenant_id: column(TABLE, "tenant_id", id, row.tenant_id.parse())?,
        order_id: column(TABLE, "order_id", id, row.order_id.parse())?,
        author: row.author,
        words: row.words,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
