//! The statements that find the orders of a number, whichever kind of number it is.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Order as Sort, Query, SelectStatement};
use tributary_domain::ids::TenantId;

use crate::entities::{attempts, late_payments, orders, refunds};

/// The statements that find the orders of a number, each by an index.
pub(super) fn of_number(tenant: Option<&TenantId>, number: &str) -> Vec<SelectStatement> {
    use orders::Column;
    let mut legs: Vec<SelectStatement> =
        [Column::Id, Column::MerchantOrderNo, Column::TransactionId]
            .into_iter()
            .map(|which| leg(Column::Id, which, number, (Column::TenantId, tenant)))
            .collect();
    let of_refund = |which: refunds::Column| {
        use refunds::Column;
        leg(Column::OrderId, which, number, (Column::TenantId, tenant))
    };
    legs.extend(
        [
            refunds::Column::Id,
            refunds::Column::MerchantRefundNo,
            refunds::Column::OutRefundNo,
            refunds::Column::RefundId,
        ]
        .map(of_refund),
    );
    // An order's number at WeChat is the body of its attempt's id.
    for id in [number.to_owned(), format!("att_{number}")] {
        use attempts::Column;
        legs.push(leg(
            Column::OrderId,
            Column::Id,
            &id,
            (Column::TenantId, tenant),
        ));
    }
    let late = {
        use late_payments::Column;
        leg(
            Column::OrderId,
            Column::TransactionId,
            number,
            (Column::TenantId, tenant),
        )
    };
    legs.push(late);
    legs
}

/// The newest ids where a column has a value.
fn leg<C: ColumnTrait>(
    shown: C,
    which: C,
    value: &str,
    (owner, tenant): (C, Option<&TenantId>),
) -> SelectStatement {
    let mut leg = Query::select();
    leg.column(shown.as_column_ref())
        .from(shown.entity_name())
        .and_where(which.eq(value))
        .order_by(shown.as_column_ref(), Sort::Desc);
    if let Some(tenant) = tenant {
        leg.and_where(owner.eq(tenant.as_str()));
    }
    leg
}
