//! A provider's books of a day as they are walked through page by page, and what each sub-merchant's come to.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select};
use tributary_domain::ids::ProviderId;
use tributary_domain::reconciliation::{LocalPayment, LocalRefund};

use crate::Access;
use crate::books::{self, Span, sum};
use crate::entities::{late_payments, orders, refunds};
use crate::error::{StorageError, database};

/// Some of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BooksPage {
    /// Payments: first orders' own, then those that came late, twice or with another amount.
    Payments(Vec<LocalPayment>),
    /// Refunds that WeChat accepted.
    Refunds(Vec<LocalRefund>),
}

/// A walk through the books; a page at a time is in memory.
#[derive(Debug)]
pub struct DayBooks<'a> {
    provider: &'a ProviderId,
    span: Span,
    part: Part,
    after: String,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    OrderPayments,
    LatePayments,
    Refunds,
    Over,
}

impl<'a> DayBooks<'a> {
    /// Begins a walk.
    pub const fn of(provider: &'a ProviderId, span: Span) -> Self {
        Self {
            provider,
            span,
            part: Part::OrderPayments,
            after: String::new(),
        }
    }

    /// The next page of at most `limit`; it may be empty before the end.
    pub async fn next_all_tenants(
        &mut self,
        at: &impl Access,
        limit: u64,
    ) -> Result<Option<BooksPage>, StorageError> {
        let (provider, span, after) = (self.provider, self.span, self.after.as_str());
        let (page, last, then) = match self.part {
            Part::OrderPayments => {
                let page = books::order_payments_all_tenants(at, provider, span, after, limit);
                let (payments, last) = page.await?;
                (BooksPage::Payments(payments), last, Part::LatePayments)
            }
            Part::LatePayments => {
                let page = books::late_payments_all_tenants(at, provider, span, after, limit);
                let (payments, last) = page.await?;
                (BooksPage::Payments(payments), last, Part::Refunds)
            }
            Part::Refunds => {
                let page = books::refunds_of_span_all_tenants(at, provider, span, after, limit);
                let refunds = page.await?;
                let last = refunds.last().map(|refund| refund.refund_id.to_string());
                (BooksPage::Refunds(refunds), last, Part::Over)
            }
            Part::Over => return Ok(None),
        };
        if last.is_none() {
            self.part = then;
        }
        self.after = last.unwrap_or_default();
        Ok(Some(page))
    }
}

/// What should have moved a sub-merchant's account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many payments and refunds.
    pub count: i64,
    /// Payments minus refunds, in fen.
    pub fen: i64,
}

/// What a provider's payments and refunds of a span of time come to, by `sub_mchid`.
pub async fn moved_by_sub_merchant_all_tenants(
    at: &impl Access,
    provider: &ProviderId,
    (from, to): Span,
) -> Result<HashMap<String, Moved>, StorageError> {
    let paid = books::own_payments((from, to))
        .filter(orders::Column::ProviderId.eq(provider.as_str()))
        .column(orders::Column::SubMchid)
        .group_by(orders::Column::SubMchid);
    let whose = Alias::new("sub_mchid");
    let late = books::other_payments((from, to))
        .filter(late_payments::Column::ProviderId.eq(provider.as_str()))
        .expr_as(sub_mchid_of_late(), "sub_mchid")
        .group_by(Expr::col(whose));
    let refunded = refunds::Entity::find()
        .select_only()
        .column_as(Expr::col(refunds::Column::Id).count(), "count")
        .column_as(sum(Expr::col(refunds::Column::RefundFen)), "fen")
        .filter(refunds::Column::AcceptedAt.gte(from.as_millis()))
        .filter(refunds::Column::AcceptedAt.lt(to.as_millis()))
        .filter(refunds::Column::ProviderId.eq(provider.as_str()))
        .column(refunds::Column::SubMchid)
        .group_by(refunds::Column::SubMchid);
    let mut moved: HashMap<String, Moved> = HashMap::new();
    let mut add = |(count, fen, sub_mchid): (i64, i64, String)| {
        let of = moved.entry(sub_mchid).or_default();
        of.count = of.count.saturating_add(count);
        of.fen = of.fen.saturating_add(fen);
    };
    grouped(at, paid).await?.into_iter().for_each(&mut add);
    grouped(at, late).await?.into_iter().for_each(&mut add);
    for (count, fen, sub_mchid) in grouped(at, refunded).await? {
        add((count, fen.saturating_neg(), sub_mchid));
    }
    Ok(moved)
}

/// The sub-merchant of a late payment's order.
fn sub_mchid_of_late() -> Expr {
    let of_order: SelectStatement = Query::select()
        .expr(Expr::col((orders::Entity, orders::Column::SubMchid)))
        .from(orders::Entity)
        .and_where(
            Expr::col((orders::Entity, orders::Column::Id))
                .equals((late_payments::Entity, late_payments::Column::OrderId)),
        )
        .to_owned();
    Expr::SubQuery(None, Box::new(of_order.into()))
}

async fn grouped<E: EntityTrait>(
    at: &impl Access,
    query: Select<E>,
) -> Result<Vec<(i64, i64, String)>, StorageError>
where
    Select<E>: QueryTrait,
{
    query
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("adding up the books by sub-merchant"))
}
