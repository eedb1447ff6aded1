//! What people do with an order: ask WeChat about it, close it, give money back.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::OrderId;
use tributary_domain::order::{Order, OrderState};
use tributary_domain::refund_content::RefundRequest;
use tributary_domain::settlement::Source;
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::orders;

use super::OrderDetail;
use crate::audit::{self, Act};
use crate::idempotency::Idempotency;
use crate::refunds::{AskedBy, Asker, Refunded};
use crate::staff::StaffCaller;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

impl Operations {
    /// Asks WeChat about an order now and lets the answer in. Needs `order:query`.
    pub async fn ask_about_order_for(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &OrderId,
    ) -> Result<OrderDetail, OperationError> {
        viewer.require(Permission::OrderQuery)?;
        let order = self.order_seen(viewer, id).await?;
        let newest = orders::latest_attempt(self.storage(), &order.tenant_id, id).await?;
        let Some(attempt) = newest else {
            return Err(OperationError::StateConflict {
                state: order.state.as_str().to_owned(),
            });
        };
        self.record_about(by, &order, "order.queried").await?;
        self.query(&order, &attempt, Source::Query).await?;
        self.order_detail(viewer, id).await
    }

    /// Closes an order that is not paid; WeChat is asked first. Needs `order:close`.
    pub async fn close_order_for(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &OrderId,
    ) -> Result<OrderDetail, OperationError> {
        viewer.require(Permission::OrderClose)?;
        let order = self.order_seen(viewer, id).await?;
        if order.state.has_money() {
            let state = order.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        if order.state != OrderState::Closed {
            let newest = orders::latest_attempt(self.storage(), &order.tenant_id, id).await?;
            self.record_about(by, &order, "order.close.asked").await?;
            self.close_open(&order, newest.as_ref(), Source::Person)
                .await?;
        }
        self.order_detail(viewer, id).await
    }

    /// Gives back an order's money, or a part of it. Needs `refund:create` and a fresh proof; above the limit it is asked
    /// of a second person instead.
    ///
    /// The order in `request` is replaced by the one that the viewer sees.
    pub async fn refund_order_for(
        &self,
        caller: &StaffCaller,
        viewer: &Viewer,
        id: &OrderId,
        request: RefundRequest,
        idem: &Idempotency,
    ) -> Result<Refunded, OperationError> {
        caller.require_proof()?;
        let order = self.order_seen(viewer, id).await?;
        let request = RefundRequest {
            order_id: Some(order.id.to_string()),
            merchant_order_no: None,
            ..request
        };
        let by = caller.actor();
        let asker = Asker {
            tenant_id: order.tenant_id.clone(),
            mode: order.mode,
            by: AskedBy::Person(&by),
        };
        match self.refund_for(&asker, request.clone(), idem).await {
            Err(OperationError::ApprovalRequired { .. }) => {
                let approval = self.ask_refund(caller, &order, request).await?;
                let how = format!("{} waits for a second person", approval.id);
                Err(OperationError::ApprovalRequired { how })
            }
            other => other,
        }
    }

    /// Writes that somebody is about to ask WeChat; nobody asks unwritten.
    async fn record_about(
        &self,
        by: &Actor,
        order: &Order,
        action: &'static str,
    ) -> Result<(), OperationError> {
        let act = Act {
            before: Some(json!({ "state": order.state.as_str() })),
            ..Act::new(
                AuditScope::Tenant(order.tenant_id.clone()),
                action,
                order.id.as_str(),
            )
        };
        let tx = self.storage().begin().await?;
        audit::record(&tx, by, act, self.now()).await?;
        Ok(tx.commit().await?)
    }
}
