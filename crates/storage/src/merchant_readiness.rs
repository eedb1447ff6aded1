//! What is known about whether a sub-merchant can take money: what people vouch for, and what the traffic shows.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::EndpointState;
use tributary_domain::ids::{SubMerchantId, TenantId};
use tributary_domain::merchant::{Confirmed, ReadinessFact, SubMerchant};
use tributary_domain::order::OrderState;
use tributary_domain::refund::RefundState;

use crate::entities::{endpoints, orders, readiness_facts, refunds};
use crate::error::{StorageError, column, database};
use crate::{Access, Tx};

const TABLE: &str = "readiness_facts";
/// Orders that are looked at for a payment, the newest first.
const ORDERS_LOOKED_AT: u64 = 200;

/// Keeps that a person vouches for a fact.
pub async fn confirm(
    tx: &Tx,
    merchant: &SubMerchant,
    fact: ReadinessFact,
    who: &Confirmed,
) -> Result<(), StorageError> {
    use readiness_facts::Column;
    let row = readiness_facts::ActiveModel {
        tenant_id: Set(merchant.tenant_id.to_string()),
        sub_merchant_id: Set(merchant.id.to_string()),
        fact: Set(fact.as_str().to_owned()),
        confirmed_by: Set(who.by.clone()),
        confirmed_at: Set(who.at.as_millis()),
    };
    let again = OnConflict::columns([Column::TenantId, Column::SubMerchantId, Column::Fact])
        .update_columns([Column::ConfirmedBy, Column::ConfirmedAt])
        .to_owned();
    readiness_facts::Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(tx.connection())
        .await
        .map_err(database("keeping a fact about a sub-merchant"))?;
    Ok(())
}

/// Takes back what a person vouched for; false when nobody did.
pub async fn withdraw(
    tx: &Tx,
    merchant: &SubMerchant,
    fact: ReadinessFact,
) -> Result<bool, StorageError> {
    use readiness_facts::Column;
    let gone = readiness_facts::Entity::delete_many()
        .filter(Column::TenantId.eq(merchant.tenant_id.as_str()))
        .filter(Column::SubMerchantId.eq(merchant.id.as_str()))
        .filter(Column::Fact.eq(fact.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("taking back a fact about a sub-merchant"))?;
    Ok(gone.rows_affected == 1)
}

/// What people vouch for about a tenant's sub-merchant.
pub async fn confirmed(
    at: &impl Access,
    tenant: &TenantId,
    merchant: &SubMerchantId,
) -> Result<Vec<(ReadinessFact, Confirmed)>, StorageError> {
    use readiness_facts::Column;
    let rows = readiness_facts::Entity::find()
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::SubMerchantId.eq(merchant.as_str()))
        .all(at.connection())
        .await
        .map_err(database("reading facts about a sub-merchant"))?;
    rows.into_iter()
        .map(|row| {
            let fact = ReadinessFact::parse(&row.fact).ok_or(());
            let fact = column(TABLE, "fact", merchant.as_str(), fact)?;
            let at = Timestamp::from_millis(row.confirmed_at);
            Ok((
                fact,
                Confirmed {
                    by: row.confirmed_by,
                    at,
                },
            ))
        })
        .collect()
}

/// When a tenant's sub-merchant was last paid, among its newest orders.
pub async fn last_paid(
    at: &impl Access,
    merchant: &SubMerchant,
) -> Result<Option<Timestamp>, StorageError> {
    use orders::Column;
    let newest: Vec<(String, i64)> = orders::Entity::find()
        .select_only()
        .columns([Column::State, Column::CreatedAt])
        .filter(Column::TenantId.eq(merchant.tenant_id.as_str()))
        .filter(Column::Mode.eq(merchant.mode.as_str()))
        .filter(Column::SubMerchantId.eq(merchant.id.as_str()))
        .order_by_desc(Column::Id)
        .limit(ORDERS_LOOKED_AT)
        .into_tuple()
        .all(at.connection())
        .await
        .map_err(database("looking for a payment of a sub-merchant"))?;
    let paid = newest
        .into_iter()
        .find(|(state, _)| OrderState::parse(state).is_some_and(OrderState::has_money));
    Ok(paid.map(|(_, created_at)| Timestamp::from_millis(created_at)))
}

/// When a tenant's sub-merchant last gave money back.
pub async fn last_refunded(
    at: &impl Access,
    merchant: &SubMerchant,
) -> Result<Option<Timestamp>, StorageError> {
    use refunds::Column;
    let newest: Option<i64> = refunds::Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::TenantId.eq(merchant.tenant_id.as_str()))
        .filter(Column::Mode.eq(merchant.mode.as_str()))
        .filter(Column::SubMchid.eq(merchant.sub_mchid.as_str()))
        .filter(Column::State.eq(RefundState::Success.as_str()))
        .order_by_desc(Column::Id)
        .limit(1)
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("looking for a refund of a sub-merchant"))?;
    Ok(newest.map(Timestamp::from_millis))
}

/// When a server of the tenant last took a webhook in the mode of the sub-merchant, at an endpoint that is in use.
pub async fn last_told(
    at: &impl Access,
    merchant: &SubMerchant,
) -> Result<Option<Timestamp>, StorageError> {
    use endpoints::Column;
    let newest: Option<i64> = endpoints::Entity::find()
        .select_only()
        .column(Column::LastSuccessAt)
        .filter(Column::TenantId.eq(merchant.tenant_id.as_str()))
        .filter(Column::Mode.eq(merchant.mode.as_str()))
        .filter(Column::State.eq(EndpointState::Enabled.as_str()))
        .filter(Column::LastSuccessAt.is_not_null())
        .order_by_desc(Column::LastSuccessAt)
        .limit(1)
        .into_tuple()
        .one(at.connection())
        .await
        .map_err(database("looking for a webhook that was taken"))?;
    Ok(newest.map(Timestamp::from_millis))
}
