//! Refunds: asked for, sent under a number that never changes, asked about until they end.

pub mod abnormal;
mod create;
pub(crate) mod intent;
mod polling;
mod room;
mod send;
pub mod view;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{OrderId, RefundId};
use tributary_domain::merchant::MerchantRefundNo;
use tributary_domain::refund::{Refund, RefundState};
use tributary_domain::refund_settlement::RefundObservation;
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Scope;
use tributary_storage::refunds::{self, RefundFilter};
use wechatpay::client::Client;

pub use create::Refunded;
pub(crate) use create::{AskedBy, Asker};
pub(crate) use room::Taken;

use crate::budgets::{Spending, Urgency, Wish};
use crate::credentials::Caller;
use crate::observation::from_refund;
use crate::orders::upstream;
use crate::pages::{Page, check_limit, cut};
use crate::refunds::view::{RefundView, refund_view};
use crate::settlement::{Inbox, ObservedRefund};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations};

/// Which refunds a list shows.
#[derive(Clone, Debug, Default)]
pub struct RefundListing {
    /// Only in this state.
    pub state: Option<RefundState>,
    /// Only of this order.
    pub order_id: Option<OrderId>,
    /// Only with this number of the tenant's.
    pub merchant_refund_no: Option<MerchantRefundNo>,
    /// Only recorded at or after this instant.
    pub created_from: Option<Timestamp>,
    /// Only recorded before this instant.
    pub created_to: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How long the page may be.
    pub limit: Option<u64>,
}

/// What a question about a refund learned.
pub(crate) enum QueriedRefund {
    /// The refund as it is after the answer was let in.
    Seen(Box<Refund>),
    /// WeChat says that there is no such refund; right after sending it that proves nothing.
    NotThere,
    /// WeChat's word does not fit the refund: a person must look before anything is done about it.
    Disputed,
}

impl Operations {
    /// Reads a refund as we know it.
    pub async fn get_refund(
        &self,
        caller: &Caller,
        id: &RefundId,
    ) -> Result<RefundView, OperationError> {
        caller.require(Scope::RefundsRead)?;
        Ok(refund_view(&self.find_refund(caller, id).await?))
    }

    /// Lists refunds, newest first.
    pub async fn list_refunds(
        &self,
        caller: &Caller,
        listing: RefundListing,
    ) -> Result<Page<RefundView>, OperationError> {
        caller.require(Scope::RefundsRead)?;
        let limit = check_limit(listing.limit)?;
        let unreadable = |_| OperationError::invalid("cursor", "must be a next_cursor");
        let cursor = listing.cursor.as_deref().map(str::parse::<RefundId>);
        let after = cursor.transpose().map_err(unreadable)?;
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        if let Some(order) = &listing.order_id {
            // An order that is another tenant's has no refunds to list, and neither has one that is not there.
            let found =
                tributary_storage::orders::find(self.storage(), tenant, mode, order).await?;
            found.ok_or(OperationError::NotFound)?;
        }
        let filter = RefundFilter {
            state: listing.state,
            order_id: listing.order_id,
            merchant_refund_no: listing.merchant_refund_no,
            created_from: listing.created_from,
            created_to: listing.created_to,
        };
        let longer = limit.saturating_add(1);
        let (storage, after) = (self.storage(), after.as_ref());
        let rows = refunds::list(storage, tenant, mode, &filter, after, longer).await?;
        let page = cut(rows, limit, |refund| refund.id.to_string());
        Ok(Page {
            items: page.items.iter().map(refund_view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Asks WeChat about a refund now.
    pub async fn sync_refund(
        &self,
        caller: &Caller,
        id: &RefundId,
    ) -> Result<RefundView, OperationError> {
        caller.require(Scope::RefundsWrite)?;
        let refund = self.find_refund(caller, id).await?;
        if refund.state == RefundState::Requested || !refund.state.is_open() {
            return Ok(refund_view(&refund));
        }
        self.room_for(wish(&refund, Spending::RefundQuery, Urgency::Asked))
            .await?;
        match self.query_refund(&refund).await? {
            QueriedRefund::Seen(now) => Ok(refund_view(&now)),
            QueriedRefund::NotThere | QueriedRefund::Disputed => Ok(refund_view(&refund)),
        }
    }

    async fn find_refund(&self, caller: &Caller, id: &RefundId) -> Result<Refund, OperationError> {
        refunds::find(self.storage(), &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)
    }

    /// Asks WeChat about a refund and lets the answer in through the one door.
    pub(crate) async fn query_refund(
        &self,
        refund: &Refund,
    ) -> Result<QueriedRefund, OperationError> {
        let handle = self.provider(&refund.provider_id).await?;
        let (sub_mchid, number) = (refund.sub_mchid.as_str(), refund.out_refund_no.as_str());
        let asked = |client: Client| async move { client.query_refund(sub_mchid, number).await };
        let context = CallContext::refund(CallPurpose::QueryRefund, refund);
        let seen = match self.call(&handle, &context, asked).await {
            Ok(answer) => from_refund(&answer.value),
            Err(error) if error.code() == Some("RESOURCE_NOT_EXISTS") => {
                return Ok(QueriedRefund::NotThere);
            }
            Err(error) => return Err(upstream(&error)),
        };
        match self.let_in(refund, &seen, Source::Query).await? {
            Some(now) => Ok(QueriedRefund::Seen(now)),
            None => Ok(QueriedRefund::Disputed),
        }
    }

    /// Lets WeChat's answer about a refund in; absent when it does not fit and a person must look.
    pub(crate) async fn let_in(
        &self,
        refund: &Refund,
        seen: &RefundObservation,
        source: Source,
    ) -> Result<Option<Box<Refund>>, OperationError> {
        if seen.out_refund_no != refund.out_refund_no.as_str() {
            return Err(OperationError::Internal(
                "WeChat answered about another refund".into(),
            ));
        }
        let provider = &refund.provider_id;
        match self
            .observe_refund(provider, seen, source, &Inbox::None)
            .await?
        {
            ObservedRefund::Applied(now) => Ok(Some(now)),
            ObservedRefund::Quarantined(_)
            | ObservedRefund::Duplicate
            | ObservedRefund::OrderNotPaid(_) => Ok(None),
        }
    }
}

/// A refund's spending of its provider's budget, on its tenant's account.
fn wish(refund: &Refund, what: Spending, urgency: Urgency) -> Wish<'_> {
    Wish {
        provider: &refund.provider_id,
        tenant: Some(&refund.tenant_id),
        what,
        urgency,
    }
}
