//! Tenants.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::late_payment::LatePolicy;
use tributary_domain::tenant::Tenant;

use crate::entities::tenants;
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

/// Records a new tenant.
pub async fn insert(tx: &Tx, tenant: &Tenant) -> Result<(), StorageError> {
    let row = tenants::ActiveModel {
        id: Set(tenant.id.to_string()),
        name: Set(tenant.name.clone()),
        late_policy: Set(Some(late_policy_json(&tenant.id, tenant.late_policy)?)),
        created_at: Set(tenant.created_at.as_millis()),
    };
    tenants::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("tenants"))?;
    Ok(())
}

/// Finds a tenant.
pub async fn find(at: &impl Access, id: &TenantId) -> Result<Option<Tenant>, StorageError> {
    let row = tenants::Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading a tenant"))?;
    row.map(to_tenant).transpose()
}

/// Writes what becomes of a tenant's late money from now on; false when there is no such tenant.
pub async fn set_late_policy(
    tx: &Tx,
    id: &TenantId,
    policy: LatePolicy,
) -> Result<bool, StorageError> {
    let changed = tenants::Entity::update_many()
        .col_expr(
            tenants::Column::LatePolicy,
            Expr::value(late_policy_json(id, policy)?),
        )
        .filter(tenants::Column::Id.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("writing a tenant's policy"))?;
    Ok(changed.rows_affected == 1)
}

/// Lists every tenant, oldest first.
pub async fn list_all_tenants(at: &impl Access) -> Result<Vec<Tenant>, StorageError> {
    let rows = tenants::Entity::find()
        .order_by_asc(tenants::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing tenants"))?;
    rows.into_iter().map(to_tenant).collect()
}

fn late_policy_json(id: &TenantId, policy: LatePolicy) -> Result<String, StorageError> {
    let json = serde_json::to_string(&policy);
    column("tenants", "late_policy", id.as_str(), json)
}

fn to_tenant(row: tenants::Model) -> Result<Tenant, StorageError> {
    let policy = row.late_policy.as_deref().map(serde_json::from_str);
    let policy = column("tenants", "late_policy", &row.id, policy.transpose())?;
    Ok(Tenant {
        id: column("tenants", "id", &row.id, row.id.parse())?,
        late_policy: policy.unwrap_or_default(),
        name: row.name,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
