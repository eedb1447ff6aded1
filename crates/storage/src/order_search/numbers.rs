//! The statements that find the orders of a number, whichever kind of number it is.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{DynIden, Order as Sort, Query, SelectStatement};

use crate::entities::{attempts, late_payments, orders, refunds};

/// The statements that find the orders of a number, each by an index.
pub(super) fn of_number(number: &str) -> Vec<SelectStatement> {
    let select = |column: (DynIden, DynIden)| {
        let mut leg = Query::select();
        leg.column(column.clone()).order_by(column, Sort::Desc);
        leg
    };
    let order = |which: orders::Column| {
        let mut leg = select(orders::Column::Id.as_column_ref());
        leg.from(orders::Entity).and_where(which.eq(number));
        leg
    };
    let refund = |which: refunds::Column| {
        let mut leg = select(refunds::Column::OrderId.as_column_ref());
        leg.from(refunds::Entity).and_where(which.eq(number));
        leg
    };
    let mut attempt = select(attempts::Column::OrderId.as_column_ref());
    // An order's number at WeChat is the body of its attempt's id.
    let ids = [number.to_owned(), format!("att_{number}")];
    attempt
        .from(attempts::Entity)
        .and_where(attempts::Column::Id.is_in(ids));
    let mut late = select(late_payments::Column::OrderId.as_column_ref());
    late.from(late_payments::Entity)
        .and_where(late_payments::Column::TransactionId.eq(number));
    vec![
        order(orders::Column::Id),
        order(orders::Column::MerchantOrderNo),
        order(orders::Column::TransactionId),
        attempt,
        late,
        refund(refunds::Column::Id),
        refund(refunds::Column::MerchantRefundNo),
        refund(refunds::Column::OutRefundNo),
        refund(refunds::Column::RefundId),
    ]
}
