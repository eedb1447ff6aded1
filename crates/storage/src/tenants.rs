//! Tenants.

use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::late_payment::LatePolicy;
use tributary_domain::tenant::{Tenant, TenantSettings, TenantState};

use crate::entities::tenants;
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::lookups::holds;
use crate::{Access, Tx};

/// Records a new tenant.
pub async fn insert(tx: &Tx, tenant: &Tenant) -> Result<(), StorageError> {
    let row = tenants::ActiveModel {
        id: Set(tenant.id.to_string()),
        name: Set(tenant.name.clone()),
        late_policy: Set(Some(late_policy_json(&tenant.id, tenant.late_policy)?)),
        created_at: Set(tenant.created_at.as_millis()),
        state: Set(tenant.state.as_str().to_owned()),
        contact: Set(tenant.contact.clone()),
        settings: Set(Some(settings_json(&tenant.id, &tenant.settings)?)),
        version: Set(tenant.version),
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

/// Finds a tenant and keeps it as it is until the transaction ends; others may hold it as well.
pub async fn hold(tx: &Tx, id: &TenantId) -> Result<Option<Tenant>, StorageError> {
    let row = tenants::Entity::find_by_id(id.as_str())
        .lock(LockType::Share)
        .one(tx.connection())
        .await
        .map_err(database("holding a tenant"))?;
    row.map(to_tenant).transpose()
}

/// Writes a tenant anew over the version `before`; `Stale` when somebody else was first.
pub async fn update(tx: &Tx, before: i64, tenant: &Tenant) -> Result<(), StorageError> {
    use tenants::Column;
    let settings = settings_json(&tenant.id, &tenant.settings)?;
    let policy = late_policy_json(&tenant.id, tenant.late_policy)?;
    let changed = tenants::Entity::update_many()
        .col_expr(Column::Name, Expr::value(tenant.name.as_str()))
        .col_expr(Column::Contact, Expr::value(tenant.contact.clone()))
        .col_expr(Column::State, Expr::value(tenant.state.as_str()))
        .col_expr(Column::Settings, Expr::value(settings))
        .col_expr(Column::LatePolicy, Expr::value(policy))
        .col_expr(Column::Version, Expr::value(tenant.version))
        .filter(Column::Id.eq(tenant.id.as_str()))
        .filter(Column::Version.eq(before))
        .exec(tx.connection())
        .await
        .map_err(database("writing a tenant"))?;
    expect_one("tenants", changed.rows_affected)
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

/// A page of tenants, the newest first, behind `after`; `name` finds a part of it.
pub async fn page_all_tenants(
    at: &impl Access,
    state: Option<TenantState>,
    name: Option<&str>,
    after: Option<&TenantId>,
    limit: u64,
) -> Result<Vec<Tenant>, StorageError> {
    use tenants::Column;
    let wanted = Condition::all()
        .add_option(state.map(|state| Column::State.eq(state.as_str())))
        .add_option(name.map(|part| holds(Column::Name, part)))
        .add_option(after.map(|id| Column::Id.lt(id.as_str())));
    let rows = tenants::Entity::find()
        .filter(wanted)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing tenants"))?;
    rows.into_iter().map(to_tenant).collect()
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

fn settings_json(id: &TenantId, settings: &TenantSettings) -> Result<String, StorageError> {
    let json = serde_json::to_string(settings);
    column("tenants", "settings", id.as_str(), json)
}

fn to_tenant(row: tenants::Model) -> Result<Tenant, StorageError> {
    let policy = row.late_policy.as_deref().map(serde_json::from_str);
    let policy = column("tenants", "late_policy", &row.id, policy.transpose())?;
    let settings = row.settings.as_deref().map(serde_json::from_str);
    let settings = column("tenants", "settings", &row.id, settings.transpose())?;
    let state = TenantState::parse(&row.state).ok_or(());
    Ok(Tenant {
        id: column("tenants", "id", &row.id, row.id.parse())?,
        late_policy: policy.unwrap_or_default(),
        state: column("tenants", "state", &row.id, state)?,
        settings: settings.unwrap_or_default(),
        contact: row.contact,
        version: row.version,
        name: row.name,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
