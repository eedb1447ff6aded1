//! Which filter of a search for orders leads by its index, and which narrow.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, Func, Order as Sort, Query, SelectStatement, UnionType,
};
use tributary_domain::delivery::DeliveryState;
use tributary_domain::ids::OrderId;
use tributary_domain::late_payment::LateKind;
use tributary_domain::order::OrderState;
use tributary_domain::order_filter::{OrderProblem, RefundShare, Told};
use tributary_domain::reconciliation::DiscrepancyState;
use tributary_domain::settlement::Source;
use tributary_domain::tenant::Mode;

use super::{OrderQuery, OrderTime};
use crate::entities::{deliveries, discrepancies, events, late_payments, orders};
use crate::scan::{Path, Place, SCAN_ROWS_MAX, id_floor};

/// Rows that a page looks at at most when each is asked about its deliveries.
const TOLD_ROWS_MAX: u64 = 2_000;
/// The newest failed deliveries whose orders are shown at most.
const UNDELIVERED_MAX: u64 = 5_000;
/// Greater than every id of an order.
const ID_CEILING: &str = "ord_ZZZZZZZZZZZZZZZZZZZZZZZZZZ";

/// Which filter leads, and which narrow.
pub(super) fn path(query: &OrderQuery, after: Option<&Place>) -> Path<orders::Entity> {
    let by_paid = query.time == OrderTime::Paid;
    let (lead, mut narrow) = if by_paid {
        led_by_payment(query)
    } else {
        led_by_filter(query, after)
    };
    if query.problem == Some(OrderProblem::FoundByQuery) {
        narrow = narrow.add(orders::Column::PaidSource.eq(Source::Query.as_str()));
    }
    Path {
        id: orders::Column::Id,
        by: by_paid.then_some(orders::Column::PaidAt),
        lead: lead.add(in_span(query)),
        narrow: with_details(narrow, query),
        rows_max: if query.told.is_some() {
            TOLD_ROWS_MAX
        } else {
            SCAN_ROWS_MAX
        },
    }
}

/// The filters that compare one column with one value.
struct Equal {
    mode: Expr,
    tenant: Option<Expr>,
    state: Option<Expr>,
    merchant: Option<Expr>,
    payer: Option<Expr>,
}

impl Equal {
    fn of(query: &OrderQuery) -> Self {
        use orders::Column;
        let tenant = query.tenant_id.as_ref();
        let merchant = query.sub_mchid.as_ref();
        Self {
            mode: Column::Mode.eq(query.mode.as_str()),
            tenant: tenant.map(|tenant| Column::TenantId.eq(tenant.as_str())),
            state: query.state.map(|state| Column::State.eq(state.as_str())),
            merchant: merchant.map(|number| Column::SubMchid.eq(number.as_str())),
            payer: query
                .payer_hash
                .as_deref()
                .map(|hash| Column::PayerHash.eq(hash)),
        }
    }
}

/// When it was paid leads; all else narrows.
fn led_by_payment(query: &OrderQuery) -> (Condition, Condition) {
    let equal = Equal::of(query);
    let lead = Condition::all()
        .add(equal.mode)
        .add(orders::Column::PaidAt.is_not_null())
        .add_option(equal.tenant);
    let problem = query
        .problem
        .map(|problem| has_problem(problem, query, None));
    let narrow = Condition::all()
        .add_option(equal.state)
        .add_option(equal.merchant)
        .add_option(equal.payer)
        .add_option(problem);
    (lead, narrow)
}

/// The filter that leaves the fewest orders leads; the others narrow.
fn led_by_filter(query: &OrderQuery, after: Option<&Place>) -> (Condition, Condition) {
    let equal = Equal::of(query);
    let problem = query
        .problem
        .filter(|one| *one != OrderProblem::FoundByQuery);
    let problem = problem.map(|problem| has_problem(problem, query, after));
    let (lead, narrow) = (Condition::all(), Condition::all());
    match (equal.payer, problem, equal.merchant, equal.state) {
        (Some(payer), problem, merchant, state) => (
            lead.add(payer),
            narrow
                .add(equal.mode)
                .add_option(equal.tenant)
                .add_option(state)
                .add_option(merchant)
                .add_option(problem),
        ),
        (None, Some(problem), merchant, state) => (
            lead.add(problem),
            narrow
                .add(equal.mode)
                .add_option(equal.tenant)
                .add_option(state)
                .add_option(merchant),
        ),
        (None, None, Some(merchant), state) => (
            lead.add(merchant).add(equal.mode),
            narrow.add_option(equal.tenant).add_option(state),
        ),
        (None, None, None, Some(state)) if tenant_is_second(query) => (
            lead.add(state).add(equal.mode),
            narrow.add_option(equal.tenant),
        ),
        (None, None, None, state) => (
            lead.add_option(equal.tenant).add(equal.mode),
            narrow.add_option(state),
        ),
    }
}

/// Few orders are in a passing state at any time: there the state leads, and the tenant narrows.
fn tenant_is_second(query: &OrderQuery) -> bool {
    let passing = |state: OrderState| {
        state.is_open() || matches!(state, OrderState::Held | OrderState::Refunding)
    };
    query.tenant_id.is_none() || query.state.is_some_and(passing)
}

/// The span of time in the terms that the list is sorted by.
fn in_span(query: &OrderQuery) -> Condition {
    use orders::Column;
    let all = Condition::all();
    match query.time {
        OrderTime::Created => all
            .add_option(
                query
                    .from
                    .map(|from| Column::Id.gte(id_floor(OrderId::PREFIX, from))),
            )
            .add_option(
                query
                    .to
                    .map(|to| Column::Id.lt(id_floor(OrderId::PREFIX, to))),
            ),
        OrderTime::Paid => all
            .add_option(query.from.map(|from| Column::PaidAt.gte(from.as_millis())))
            .add_option(query.to.map(|to| Column::PaidAt.lt(to.as_millis()))),
    }
}

/// The filters that never lead.
fn with_details(narrow: Condition, query: &OrderQuery) -> Condition {
    use orders::Column;
    narrow
        .add_option(query.total_min.map(|min| Column::TotalFen.gte(min)))
        .add_option(query.total_max.map(|max| Column::TotalFen.lte(max)))
        .add_option(query.refunds.map(went_back))
        .add_option(query.told.map(was_told))
}

fn went_back(share: RefundShare) -> Condition {
    use orders::Column;
    let all = Condition::all();
    match share {
        RefundShare::None => all
            .add(Column::RefundedFen.eq(0))
            .add(Column::RefundingFen.eq(0)),
        RefundShare::UnderWay => all.add(Column::RefundingFen.gt(0)),
        RefundShare::Part => all
            .add(Column::RefundedFen.gt(0))
            .add(Expr::col(Column::RefundedFen).lt(Expr::col(Column::PaidFen))),
        RefundShare::Whole => all
            .add(Column::RefundedFen.gt(0))
            .add(Expr::col(Column::RefundedFen).gte(Expr::col(Column::PaidFen))),
    }
}

fn was_told(told: Told) -> Condition {
    let open = [DeliveryState::Open, DeliveryState::Held];
    let failed = Expr::exists(delivery_about_order(&[DeliveryState::Failed]));
    let waiting = Expr::exists(delivery_about_order(&open));
    let any = Expr::exists(delivery_about_order(&[]));
    let all = Condition::all();
    match told {
        Told::Failed => all.add(failed),
        Told::Waiting => all.add(waiting).add(failed.not()),
        Told::All => all.add(any).add(waiting.not()).add(failed.not()),
        Told::Nobody => all.add(any.not()),
    }
}

pub(super) fn event_of_delivery() -> Condition {
    let event = (events::Entity, events::Column::Id);
    Condition::all().add(Expr::col((deliveries::Entity, deliveries::Column::EventId)).equals(event))
}

/// A delivery about the order of the row, in one of some states.
fn delivery_about_order(states: &[DeliveryState]) -> SelectStatement {
    let words = states.iter().map(|state| state.as_str());
    let mut found = Query::select();
    found
        .expr(Expr::val(1))
        .from(events::Entity)
        .inner_join(deliveries::Entity, event_of_delivery())
        .and_where(
            Expr::col((events::Entity, events::Column::TenantId))
                .equals((orders::Entity, orders::Column::TenantId)),
        )
        .and_where(events::Column::SubjectType.eq("order"))
        .and_where(
            Expr::col((events::Entity, events::Column::SubjectId))
                .equals((orders::Entity, orders::Column::Id)),
        );
    if !states.is_empty() {
        // The deliveries of one event are few; those in a state may be many, and their index must not lead here.
        let state = Expr::col((deliveries::Entity, deliveries::Column::State));
        found.and_where(Func::coalesce([state, Expr::val("")]).is_in(words));
    }
    found
}

/// Orders with a problem that are older than the one that a page begins after.
fn has_problem(problem: OrderProblem, query: &OrderQuery, after: Option<&Place>) -> Condition {
    let below = after.map_or(ID_CEILING, |place| place.id.as_str());
    let one = |problem: OrderProblem| with_problem(problem, query.mode, below);
    let legs = match problem {
        OrderProblem::Any => OrderProblem::ALL
            .iter()
            .filter_map(|each| one(*each))
            .collect(),
        OrderProblem::FoundByQuery => {
            return Condition::all().add(orders::Column::PaidSource.eq(Source::Query.as_str()));
        }
        other => one(other).into_iter().collect(),
    };
    in_any(legs)
}

/// The ids of orders with one problem: a bounded range of an index.
fn with_problem(problem: OrderProblem, mode: Mode, below: &str) -> Option<SelectStatement> {
    match problem {
        OrderProblem::Any | OrderProblem::FoundByQuery => None,
        OrderProblem::Unknown => Some(in_state(OrderState::Unknown, mode, below)),
        OrderProblem::Held => Some(in_state(OrderState::Held, mode, below)),
        OrderProblem::PaidLate => Some(late(LateKind::PaidLate, mode, below)),
        OrderProblem::DuplicatePaid => Some(late(LateKind::DuplicatePaid, mode, below)),
        OrderProblem::AmountMismatch => Some(late(LateKind::AmountMismatch, mode, below)),
        OrderProblem::Undelivered => Some(undelivered(mode)),
        OrderProblem::Unmatched => Some(unmatched(mode, below)),
    }
}

fn in_state(state: OrderState, mode: Mode, below: &str) -> SelectStatement {
    use orders::Column;
    Query::select()
        .column(Column::Id)
        .from(orders::Entity)
        .and_where(Column::State.eq(state.as_str()))
        .and_where(Column::Mode.eq(mode.as_str()))
        .and_where(Column::Id.lt(below))
        .order_by(Column::Id, Sort::Desc)
        .limit(SCAN_ROWS_MAX)
        .to_owned()
}

fn late(kind: LateKind, mode: Mode, below: &str) -> SelectStatement {
    use late_payments::Column;
    Query::select()
        .column(Column::OrderId)
        .from(late_payments::Entity)
        .and_where(Column::Kind.eq(kind.as_str()))
        .and_where(Column::Mode.eq(mode.as_str()))
        .and_where(Column::OrderId.lt(below))
        .order_by(Column::OrderId, Sort::Desc)
        .limit(SCAN_ROWS_MAX)
        .to_owned()
}

fn unmatched(mode: Mode, below: &str) -> SelectStatement {
    use discrepancies::Column;
    Query::select()
        .column(Column::OrderId)
        .from(discrepancies::Entity)
        .and_where(Column::State.eq(DiscrepancyState::Open.as_str()))
        .and_where(Column::Mode.eq(mode.as_str()))
        .and_where(Column::OrderId.lt(below))
        .order_by(Column::OrderId, Sort::Desc)
        .limit(SCAN_ROWS_MAX)
        .to_owned()
}

/// Deliveries are sorted by their own age, so here the newest failures lead.
fn undelivered(mode: Mode) -> SelectStatement {
    use deliveries::Column;
    let failed = Query::select()
        .column(Column::EventId)
        .from(deliveries::Entity)
        .and_where(Column::State.eq(DeliveryState::Failed.as_str()))
        .and_where(Column::Mode.eq(mode.as_str()))
        .order_by(Column::Id, Sort::Desc)
        .limit(UNDELIVERED_MAX)
        .to_owned();
    Query::select()
        .column(events::Column::SubjectId)
        .from(events::Entity)
        .and_where(events::Column::Id.in_subquery(failed))
        .and_where(events::Column::SubjectType.eq("order"))
        .to_owned()
}

/// Orders whose id one of several statements finds.
fn in_any(legs: Vec<SelectStatement>) -> Condition {
    let mut all: Option<SelectStatement> = None;
    for (number, leg) in legs.into_iter().enumerate() {
        // A leg with an end of its own must stand in a statement of its own.
        let mut apart = Query::select();
        apart
            .column(Asterisk)
            .from_subquery(leg, format!("leg_{number}"));
        match &mut all {
            Some(all) => {
                all.union(UnionType::Distinct, apart);
            }
            None => all = Some(apart),
        }
    }
    let found = all.map(|all| orders::Column::Id.in_subquery(all));
    Condition::all().add_option(found)
}
