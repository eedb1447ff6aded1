//! Refunds as staff and members of a tenant look for them: lists, sums, one refund whole.

use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::RefundId;
use tributary_domain::order::Order;
use tributary_domain::refund::{Refund, RefundState};
use tributary_domain::staff::{Actor, Permission};
pub use tributary_storage::refund_search::{RefundQuery, RefundSums};
use tributary_storage::{lookups, order_search, refund_search};

use crate::actions::{Action, WhyNot, action};
use crate::audit::{self, Act};
use crate::order_search::distinct;
use crate::pages::{Place, Searched, check_limit, placed};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// A refund that takes longer than this is worth a look.
pub const REFUND_SLOW_MS: i64 = 24 * 3_600_000;

/// A refund in a list.
#[derive(Clone, Debug)]
pub struct ListedRefund {
    /// The refund.
    pub refund: Refund,
    /// The tenant's name.
    pub tenant_name: String,
}

impl ListedRefund {
    /// Whether it takes longer than a day.
    pub fn is_slow(&self, now: Timestamp) -> bool {
        let age_ms = now.millis_since(self.refund.created_at);
        self.refund.state.is_open() && age_ms > REFUND_SLOW_MS
    }
}

/// A refund whole.
#[derive(Clone, Debug)]
pub struct RefundDetail {
    /// As in a list.
    pub listed: ListedRefund,
    /// The order whose money goes back.
    pub order: Order,
    /// What may be done with it.
    pub actions: Vec<Action>,
}

impl Operations {
    /// Looks for refunds, newest first. Needs `refund:read`.
    pub async fn search_refunds(
        &self,
        viewer: &Viewer,
        query: &RefundQuery,
        place: Option<&Place>,
        limit: Option<u64>,
    ) -> Result<Searched<ListedRefund>, OperationError> {
        viewer.require(Permission::RefundRead)?;
        let limit = check_limit(limit)?;
        let at = self.storage();
        let query = match self.with_tenant_of_order(viewer, query).await {
            // No order, no refunds.
            Err(OperationError::NotFound) => return Ok(placed(Vec::new(), None, self.now())),
            other => &other?,
        };
        let found = match viewer.tenant() {
            Some(tenant) => refund_search::search(at, tenant, query, place, limit).await?,
            None => refund_search::search_all_tenants(at, query, place, limit).await?,
        };
        let listed = self.listed_refunds(found.items).await?;
        Ok(placed(listed, found.next, self.now()))
    }

    /// Counts and adds up what a search finds. Needs `refund:read`.
    pub async fn sum_refunds(
        &self,
        viewer: &Viewer,
        query: &RefundQuery,
    ) -> Result<RefundSums, OperationError> {
        viewer.require(Permission::RefundRead)?;
        let at = self.storage();
        let query = &self.with_tenant_of_order(viewer, query).await?;
        Ok(match viewer.tenant() {
            Some(tenant) => refund_search::sums(at, tenant, query).await?,
            None => refund_search::sums_all_tenants(at, query).await?,
        })
    }

    /// Shows a refund whole. Needs `refund:read`.
    pub async fn refund_detail(
        &self,
        viewer: &Viewer,
        id: &RefundId,
    ) -> Result<RefundDetail, OperationError> {
        viewer.require(Permission::RefundRead)?;
        let refund = self.refund_seen(viewer, id).await?;
        let (at, tenant) = (self.storage(), &refund.tenant_id);
        let order = order_search::find(at, tenant, &refund.order_id).await?;
        let order = order.ok_or(OperationError::NotFound)?;
        let actions = actions(viewer, &refund);
        let mut listed = self.listed_refunds(vec![refund]).await?;
        let listed = listed.pop().ok_or(OperationError::NotFound)?;
        Ok(RefundDetail {
            listed,
            order,
            actions,
        })
    }

    /// Asks WeChat about a refund now and lets the answer in. Needs `order:query`.
    pub async fn ask_about_refund_for(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &RefundId,
    ) -> Result<RefundDetail, OperationError> {
        viewer.require(Permission::OrderQuery)?;
        let refund = self.refund_seen(viewer, id).await?;
        if let Some(refused) = query_refused(&refund) {
            let state = refused.code.to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let scope = AuditScope::Tenant(refund.tenant_id.clone());
        let tx = self.storage().begin().await?;
        let act = Act::new(scope, "refund.queried", refund.id.as_str());
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.query_refund(&refund).await?;
        self.refund_detail(viewer, id).await
    }

    pub(crate) async fn refund_seen(
        &self,
        viewer: &Viewer,
        id: &RefundId,
    ) -> Result<Refund, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => refund_search::find(at, tenant, id).await?,
            None => refund_search::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// The refunds of an order are found by its tenant; an order that is not seen has none.
    async fn with_tenant_of_order(
        &self,
        viewer: &Viewer,
        query: &RefundQuery,
    ) -> Result<RefundQuery, OperationError> {
        let mut query = query.clone();
        if let Some(order) = &query.order_id {
            query.tenant_id = Some(self.order_seen(viewer, order).await?.tenant_id);
        }
        Ok(query)
    }

    async fn listed_refunds(
        &self,
        refunds: Vec<Refund>,
    ) -> Result<Vec<ListedRefund>, OperationError> {
        let tenants = distinct(refunds.iter().map(|refund| &refund.tenant_id));
        let names = lookups::tenant_names_all_tenants(self.storage(), &tenants).await?;
        let listed = refunds.into_iter().map(|refund| ListedRefund {
            tenant_name: names
                .get(refund.tenant_id.as_str())
                .cloned()
                .unwrap_or_default(),
            refund,
        });
        Ok(listed.collect())
    }
}

fn actions(viewer: &Viewer, refund: &Refund) -> Vec<Action> {
    let normal = || {
        WhyNot::new(
            "not_abnormal",
            "退款没有异常。",
            "The refund is on its ordinary way.",
        )
    };
    let is_abnormal = refund.state == RefundState::Abnormal;
    vec![
        action(
            viewer,
            "query",
            Permission::OrderQuery,
            query_refused(refund),
        ),
        action(
            viewer,
            "redirect",
            Permission::RefundCreate,
            (!is_abnormal).then(normal),
        ),
    ]
}

fn query_refused(refund: &Refund) -> Option<WhyNot> {
    match refund.state {
        RefundState::Requested => Some(WhyNot::new(
            "not_sent",
            "退款尚未提交微信支付。",
            "The refund was not sent yet.",
        )),
        state if !state.is_open() => {
            Some(WhyNot::new("ended", "退款已结束。", "The refund is over."))
        }
        _ => None,
    }
}
