//! Orders as staff and members of a tenant look for them: lists, sums, one order whole, and what may be done with it.

mod actions;
mod acts;
mod cashier;

use std::collections::HashMap;

use tributary_domain::delivery::DeliveryState;
use tributary_domain::ids::OrderId;
use tributary_domain::late_payment::LatePayment;
use tributary_domain::late_payment::{LateKind, LatePaymentState};
use tributary_domain::order::OrderState;
use tributary_domain::order::{Attempt, Order};
use tributary_domain::order_content::Payer;
use tributary_domain::order_filter::{OrderProblem, Told};
use tributary_domain::refund::Refund;
use tributary_domain::settlement::Source;
use tributary_domain::staff::Permission;
use tributary_storage::order_notes::{self, OrderNote};
pub use tributary_storage::order_search::{OrderQuery, OrderSums, OrderTime};
use tributary_storage::{late_payments, lookups, order_search, orders, refunds};

use crate::actions::Action;
use crate::order_notes::NOTES_SHOWN_MAX;
use crate::pages::{Place, Searched, check_limit, placed};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// Attempts and refunds of one order that are shown.
const SHOWN_MAX: u64 = 100;
/// Orders that one number may belong to and that are shown.
const OF_NUMBER_MAX: u64 = 20;

/// How many deliveries about an order are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// On their way.
    pub open: i64,
    /// Held back, because their endpoint is not served.
    pub held: i64,
    /// Taken.
    pub succeeded: i64,
    /// Given up.
    pub failed: i64,
    /// Wanted by nobody any more.
    pub cancelled: i64,
}

impl Telling {
    /// How far the tenant was told.
    pub const fn told(&self) -> Told {
        if self.failed > 0 {
            Told::Failed
        } else if self.open > 0 || self.held > 0 {
            Told::Waiting
        } else if self.succeeded > 0 || self.cancelled > 0 {
            Told::All
        } else {
            Told::Nobody
        }
    }

    fn of(counts: &[(DeliveryState, i64)]) -> Self {
        let count = |state: DeliveryState| {
            let found = counts.iter().find(|(known, _)| *known == state);
            found.map_or(0, |(_, count)| *count)
        };
        Self {
            open: count(DeliveryState::Open),
            held: count(DeliveryState::Held),
            succeeded: count(DeliveryState::Succeeded),
            failed: count(DeliveryState::Failed),
            cancelled: count(DeliveryState::Cancelled),
        }
    }
}

/// An order in a list.
#[derive(Clone, Debug)]
pub struct ListedOrder {
    /// The order.
    pub order: Order,
    /// The number that WeChat sees, of the newest attempt.
    pub out_trade_no: Option<String>,
    /// The tenant's name.
    pub tenant_name: String,
    /// The sub-merchant's name.
    pub merchant_name: String,
    /// Who pays, as the viewer may see it.
    pub payer: String,
    /// How far the tenant was told.
    pub telling: Telling,
}

/// An order whole.
#[derive(Clone, Debug)]
pub struct OrderDetail {
    /// As in a list.
    pub listed: ListedOrder,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Money that came late, twice, or with another amount.
    pub late_payments: Vec<LatePayment>,
    /// What people wrote beside it.
    pub notes: Vec<OrderNote>,
    /// What is wrong with it.
    pub problems: Vec<OrderProblem>,
    /// What may be done with it.
    pub actions: Vec<Action>,
    /// Where it is paid by hand, in test mode.
    pub cashier_url: Option<String>,
}

impl OrderDetail {
    /// From the order to the payment.
    pub fn ordered_to_paid_ms(&self) -> Option<i64> {
        let payment = self.listed.order.payment.as_ref()?;
        Some(
            payment
                .success_time
                .millis_since(self.listed.order.created_at),
        )
    }

    /// From the payment until we knew of it.
    pub fn paid_to_learned_ms(&self) -> Option<i64> {
        let payment = self.listed.order.payment.as_ref()?;
        Some(payment.learned?.at.millis_since(payment.success_time))
    }
}

impl Operations {
    /// Looks for orders, newest first. Needs `order:read`.
    pub async fn search_orders(
        &self,
        viewer: &Viewer,
        query: &OrderQuery,
        place: Option<&Place>,
        limit: Option<u64>,
    ) -> Result<Searched<ListedOrder>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let limit = check_limit(limit)?;
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => order_search::search(at, tenant, query, place, limit).await?,
            None => order_search::search_all_tenants(at, query, place, limit).await?,
        };
        let listed = self.listed_orders(viewer, found.items).await?;
        Ok(placed(listed, found.next, self.now()))
    }

    /// Counts and adds up what a search finds. Needs `order:read`.
    pub async fn sum_orders(
        &self,
        viewer: &Viewer,
        query: &OrderQuery,
    ) -> Result<OrderSums, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let at = self.storage();
        Ok(match viewer.tenant() {
            Some(tenant) => order_search::sums(at, tenant, query).await?,
            None => order_search::sums_all_tenants(at, query).await?,
        })
    }

    /// The orders that an exact number belongs to, whatever kind of number it is. Needs `order:read`.
    pub async fn orders_of_number(
        &self,
        viewer: &Viewer,
        number: &str,
    ) -> Result<Searched<ListedOrder>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let orders = self.numbered_orders(viewer, number).await?;
        let listed = self.listed_orders(viewer, orders).await?;
        Ok(placed(listed, None, self.now()))
    }

    pub(crate) async fn numbered_orders(
        &self,
        viewer: &Viewer,
        number: &str,
    ) -> Result<Vec<Order>, OperationError> {
        let at = self.storage();
        Ok(match viewer.tenant() {
            Some(tenant) => order_search::of_number(at, tenant, number, OF_NUMBER_MAX).await?,
            None => order_search::of_number_all_tenants(at, number, OF_NUMBER_MAX).await?,
        })
    }

    /// Shows an order whole. Needs `order:read`.
    pub async fn order_detail(
        &self,
        viewer: &Viewer,
        id: &OrderId,
    ) -> Result<OrderDetail, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let order = self.order_seen(viewer, id).await?;
        let (at, tenant) = (self.storage(), order.tenant_id.clone());
        let attempts = orders::attempts(at, &tenant, id, SHOWN_MAX).await?;
        let refunds = refunds::of_order(at, &tenant, id, SHOWN_MAX).await?;
        let late = late_payments::of_order(at, &tenant, id).await?;
        let notes = order_notes::of_order(at, &tenant, id, NOTES_SHOWN_MAX).await?;
        let cashier_url = self.cashier_url(viewer, &order, &attempts).await?;
        let mut listed = self.listed_orders(viewer, vec![order]).await?;
        let listed = listed.pop().ok_or(OperationError::NotFound)?;
        let problems = problems(&listed, &late);
        let actions = actions::of_order(viewer, &listed, &late, self.now());
        Ok(OrderDetail {
            listed,
            attempts,
            refunds,
            late_payments: late,
            notes,
            problems,
            actions,
            cashier_url,
        })
    }

    /// An order that the viewer sees; another's is not found.
    pub(crate) async fn order_seen(
        &self,
        viewer: &Viewer,
        id: &OrderId,
    ) -> Result<Order, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => order_search::find(at, tenant, id).await?,
            None => order_search::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// Orders with what a list shows beside them.
    async fn listed_orders(
        &self,
        viewer: &Viewer,
        orders: Vec<Order>,
    ) -> Result<Vec<ListedOrder>, OperationError> {
        let at = self.storage();
        let tenants = distinct(orders.iter().map(|order| &order.tenant_id));
        let ids: Vec<&OrderId> = orders.iter().map(|order| &order.id).collect();
        let names = lookups::tenant_names_all_tenants(at, &tenants).await?;
        let merchants = distinct(orders.iter().map(|order| order.sub_merchant_id.as_str()));
        let merchants = lookups::merchant_names_all_tenants(at, merchants).await?;
        let told = order_search::told(at, &tenants, &ids).await?;
        let mut numbers: HashMap<String, String> = HashMap::new();
        for tenant in &tenants {
            let own = orders.iter().filter(|order| order.tenant_id == **tenant);
            let own: Vec<OrderId> = own.map(|order| order.id.clone()).collect();
            // Oldest first, so that the newest attempt of each order is the one that stays.
            for attempt in orders::latest_attempts(at, tenant, &own).await? {
                numbers.insert(
                    attempt.order_id.to_string(),
                    attempt.out_trade_no.to_string(),
                );
            }
        }
        let listed = orders.into_iter().map(|order| ListedOrder {
            out_trade_no: numbers.remove(order.id.as_str()),
            tenant_name: names
                .get(order.tenant_id.as_str())
                .cloned()
                .unwrap_or_default(),
            merchant_name: merchants
                .get(order.sub_merchant_id.as_str())
                .cloned()
                .unwrap_or_default(),
            payer: viewer.payer(openid(&order)),
            telling: told
                .get(order.id.as_str())
                .map(|counts| Telling::of(counts))
                .unwrap_or_default(),
            order,
        });
        Ok(listed.collect())
    }
}

pub(crate) fn openid(order: &Order) -> &str {
    let (Payer::SpOpenid(openid) | Payer::SubOpenid(openid)) = &order.content.payer;
    openid.as_str()
}

/// Each once; a page has few of them.
pub(crate) fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// What is wrong with an order, the gravest first.
fn problems(listed: &ListedOrder, late: &[LatePayment]) -> Vec<OrderProblem> {
    let order = &listed.order;
    let mut found = Vec::new();
    let mut note = |is: bool, problem: OrderProblem| {
        if is {
            found.push(problem);
        }
    };
    let has = |kind: LateKind| late.iter().any(|one| one.kind == kind);
    let held = late.iter().any(|one| one.state == LatePaymentState::Held);
    note(order.state == OrderState::Held || held, OrderProblem::Held);
    note(order.state == OrderState::Unknown, OrderProblem::Unknown);
    note(has(LateKind::AmountMismatch), OrderProblem::AmountMismatch);
    note(has(LateKind::DuplicatePaid), OrderProblem::DuplicatePaid);
    note(has(LateKind::PaidLate), OrderProblem::PaidLate);
    note(
        listed.telling.told() == Told::Failed,
        OrderProblem::Undelivered,
    );
    let learned = order.payment.as_ref().and_then(|payment| payment.learned);
    let by_query = learned.is_some_and(|learned| learned.source == Source::Query);
    note(by_query, OrderProblem::FoundByQuery);
    found
}
