//! Orders: placed, read, asked about, closed.

pub mod close;
mod failure;
pub mod place;
pub(crate) mod preflight;
mod prepay;
pub mod view;

use std::collections::HashMap;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::OrderId;
use tributary_domain::merchant::{Mchid, MerchantOrderNo};
use tributary_domain::order::{Attempt, Order, OrderState};
use tributary_domain::rehearsal::{Sabotage, is_broken};
use tributary_domain::settlement::{Source, TransactionObservation};
use tributary_domain::tenant::Scope;
use tributary_storage::late_payments;
use tributary_storage::orders::{self, OrderFilter};

use wechatpay::client::Client;

use crate::budgets::{Spending, Urgency, Wish};
use crate::credentials::Caller;
use crate::observation::from_transaction;
use crate::orders::view::{OrderView, order_view};
use crate::pages::{Page, check_limit, cut};
use crate::settlement::{Inbox, Observed};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations, UpstreamError};

/// Two questions about one order within this time are answered by one call to WeChat.
const SYNC_PAUSE_MS: i64 = 2_000;

/// Which orders a list shows.
#[derive(Clone, Debug, Default)]
pub struct OrderListing {
    /// Only in this state.
    pub state: Option<OrderState>,
    /// Only with this number of the tenant's.
    pub merchant_order_no: Option<MerchantOrderNo>,
    /// Only for this sub-merchant.
    pub sub_mchid: Option<Mchid>,
    /// Only recorded at or after this instant.
    pub created_from: Option<Timestamp>,
    /// Only recorded before this instant.
    pub created_to: Option<Timestamp>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// How long the page is.
    pub limit: Option<u64>,
}

impl Operations {
    /// Shows one order.
    pub async fn get_order(
        &self,
        caller: &Caller,
        id: &OrderId,
    ) -> Result<OrderView, OperationError> {
        caller.require(Scope::OrdersRead)?;
        let (order, attempt) = self.find_order(caller, id).await?;
        let view = order_view(&order, attempt.as_ref());
        if !order.state.has_money() {
            return Ok(view);
        }
        let late = late_payments::of_order(self.storage(), &caller.tenant_id, id).await?;
        Ok(view.with_late_payments(&late))
    }

    /// Lists orders, newest first.
    pub async fn list_orders(
        &self,
        caller: &Caller,
        listing: OrderListing,
    ) -> Result<Page<OrderView>, OperationError> {
        caller.require(Scope::OrdersRead)?;
        let limit = check_limit(listing.limit)?;
        let after: Option<OrderId> = match &listing.cursor {
            Some(cursor) => Some(cursor.parse().map_err(|_| {
                OperationError::invalid("cursor", "must be a next_cursor of this list")
            })?),
            None => None,
        };
        let filter = OrderFilter {
            state: listing.state,
            merchant_order_no: listing.merchant_order_no,
            sub_mchid: listing.sub_mchid,
            created_from: listing.created_from,
            created_to: listing.created_to,
        };
        let (tenant, mode) = (&caller.tenant_id, caller.mode);
        let longer = limit.saturating_add(1);
        let rows = orders::list(
            self.storage(),
            tenant,
            mode,
            &filter,
            after.as_ref(),
            longer,
        )
        .await?;
        let page = cut(rows, limit, |order| order.id.to_string());
        let ids: Vec<OrderId> = page.items.iter().map(|order| order.id.clone()).collect();
        // Oldest first, so that the newest attempt of each order is the one that stays.
        let newest: HashMap<OrderId, Attempt> =
            orders::latest_attempts(self.storage(), tenant, &ids)
                .await?
                .into_iter()
                .map(|attempt| (attempt.order_id.clone(), attempt))
                .collect();
        Ok(Page {
            items: page
                .items
                .iter()
                .map(|order| order_view(order, newest.get(&order.id)))
                .collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Asks WeChat about an order now, at most once in two seconds.
    pub async fn sync_order(
        &self,
        caller: &Caller,
        id: &OrderId,
    ) -> Result<OrderView, OperationError> {
        caller.require(Scope::OrdersWrite)?;
        let (order, attempt) = self.find_order(caller, id).await?;
        let Some(attempt) = attempt else {
            return Err(OperationError::Internal(format!(
                "order {id} has no attempt"
            )));
        };
        let now = self.now();
        let last = self.inner.syncs.get(id).await;
        if last.is_some_and(|last| now.millis_since(last) < SYNC_PAUSE_MS) {
            return Ok(order_view(&order, Some(&attempt)));
        }
        self.inner.syncs.insert(id.clone(), now).await;
        if let Err(busy) = self.room_for(asked(&order, Spending::OrderQuery)).await {
            self.inner.syncs.invalidate(id).await;
            return Err(busy);
        }
        match self.query(&order, &attempt, Source::Query).await? {
            Queried::Seen(now) => Ok(order_view(&now, Some(&attempt))),
            Queried::NotThere | Queried::Disputed => Ok(order_view(&order, Some(&attempt))),
        }
    }

    pub(crate) async fn find_order(
        &self,
        caller: &Caller,
        id: &OrderId,
    ) -> Result<(Order, Option<Attempt>), OperationError> {
        let order = orders::find(self.storage(), &caller.tenant_id, caller.mode, id)
            .await?
            .ok_or(OperationError::NotFound)?;
        let attempt = orders::latest_attempt(self.storage(), &caller.tenant_id, &order.id).await?;
        Ok((order, attempt))
    }

    /// Asks WeChat about an attempt and lets the answer in through the one door.
    pub(crate) async fn query(
        &self,
        order: &Order,
        attempt: &Attempt,
        source: Source,
    ) -> Result<Queried, OperationError> {
        match self.ask(order, attempt).await? {
            Some(seen) => self.let_transaction_in(order, &seen, source).await,
            None => Ok(Queried::NotThere),
        }
    }

    /// Asks WeChat about an attempt; absent when WeChat says that there is no such order.
    pub(crate) async fn ask(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<Option<TransactionObservation>, OperationError> {
        let handle = self.provider(&order.provider_id).await?;
        let (sub_mchid, number) = (order.sub_mchid.as_str(), attempt.out_trade_no.as_str());
        let asked =
            |client: Client| async move { client.query_by_out_trade_no(sub_mchid, number).await };
        let context = CallContext::attempt(CallPurpose::QueryOrder, attempt);
        let answer = self.call(&handle, &context, asked).await;
        let seen = match answer {
            Ok(answer) => from_transaction(&answer.value),
            Err(error) if error.code() == Some("ORDER_NOT_EXIST") => return Ok(None),
            Err(error) => return Err(upstream(&error)),
        };
        if seen.out_trade_no != attempt.out_trade_no.as_str() {
            return Err(OperationError::Internal(
                "WeChat answered about another order".into(),
            ));
        }
        Ok(Some(seen))
    }

    /// Lets WeChat's answer about an order in.
    pub(crate) async fn let_transaction_in(
        &self,
        order: &Order,
        seen: &TransactionObservation,
        source: Source,
    ) -> Result<Queried, OperationError> {
        match self
            .observe(&order.provider_id, seen, source, &Inbox::None)
            .await?
        {
            Observed::Applied(now) => Ok(Queried::Seen(now)),
            // Kept and alarmed: the order stays as it is until a person has looked.
            Observed::Quarantined(_) | Observed::Duplicate => Ok(Queried::Disputed),
        }
    }
}

/// What a tenant asks for about an order, on its account.
fn asked(order: &Order, what: Spending) -> Wish<'_> {
    Wish {
        provider: &order.provider_id,
        tenant: Some(&order.tenant_id),
        what,
        urgency: Urgency::Asked,
    }
}

/// What a query learned.
pub(crate) enum Queried {
    /// The order as it is after the answer was let in.
    Seen(Box<Order>),
    /// WeChat says that there is no such order; unsigned, so never final by itself.
    NotThere,
    /// WeChat's word does not fit the order: a person must look before anything is done about it.
    Disputed,
}

/// Sorts a failed call: refused for good, asked to slow down, or nobody knows.
pub(crate) fn upstream(error: &wechatpay::client::CallError) -> OperationError {
    let shown = UpstreamError::from(error);
    if error.status() == Some(429) {
        OperationError::UpstreamBusy(shown)
    } else if error.outcome_unknown() && !is_broken(Sabotage::FailedOnTimeout) {
        OperationError::UpstreamUnknown(shown)
    } else if error.status().is_none() && error.retryable() {
        // Nothing was sent: WeChat could not be reached at all.
        OperationError::UpstreamBusy(shown)
    } else {
        OperationError::Upstream(shown)
    }
}
