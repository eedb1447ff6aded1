//! Notes that people write beside orders.

use tributary_domain::audit::AuditScope;
use tributary_domain::ids::{OrderId, OrderNoteId};
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::order_notes;
pub use tributary_storage::order_notes::OrderNote;

use crate::audit::{self, Act};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// The longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Notes beside one order that are shown.
pub(crate) const NOTES_SHOWN_MAX: u64 = 200;

impl Operations {
    /// Writes a note beside an order. Needs `order:read`.
    pub async fn note_order(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &OrderId,
        words: &str,
    ) -> Result<OrderNote, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let words = words.trim();
        let length = words.chars().count();
        if length == 0 || length > NOTE_CHARS_MAX || words.contains('\0') {
            let reason = format!("must have 1 to {NOTE_CHARS_MAX} characters");
            return Err(OperationError::invalid("/words", &reason));
        }
        let order = self.order_seen(viewer, id).await?;
        let now = self.now();
        let note = OrderNote {
            id: OrderNoteId::new(now),
            tenant_id: order.tenant_id.clone(),
            order_id: order.id.clone(),
            author: by.who().to_owned(),
            words: words.to_owned(),
            created_at: now,
        };
        let tx = self.storage().begin().await?;
        order_notes::insert(&tx, &note).await?;
        let scope = AuditScope::Tenant(order.tenant_id);
        let act = Act::new(scope, "order.noted", order.id.as_str());
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        Ok(note)
    }

    /// The notes beside an order, oldest first. Needs `order:read`.
    pub async fn order_notes(
        &self,
        viewer: &Viewer,
        id: &OrderId,
    ) -> Result<Vec<OrderNote>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let order = self.order_seen(viewer, id).await?;
        let (at, tenant) = (self.storage(), &order.tenant_id);
        Ok(order_notes::of_order(at, tenant, id, NOTES_SHOWN_MAX).await?)
    }
}
