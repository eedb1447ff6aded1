//! Webhook endpoints, their sealed secrets and their lanes.

use sea_orm::sea_query::{Expr, LockType, SimpleExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::endpoint::{Endpoint, EndpointState, PayloadMode, RetrySchedule, host_of};
use tributary_domain::ids::{EndpointId, EndpointSecretId, TenantId};
use tributary_domain::tenant::Mode;

use crate::entities::{endpoint_secrets, endpoints, events, lanes, tenants};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::statement_sizes::padded;
use crate::{Access, Tx};

const ENDPOINTS: &str = "endpoints";
const SECRETS: &str = "endpoint_secrets";

/// How many requests may be in flight to one endpoint.
pub const LANE_CAP: i64 = 8;

/// A signing secret of an endpoint as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id; ids of newer secrets sort later.
    pub id: EndpointSecretId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which endpoint's.
    pub endpoint_id: EndpointId,
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// What a person recognises it by.
    pub fingerprint: String,
    /// What a receiver verifies with, when it is not the secret itself.
    pub public_key: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops signing.
    pub expires_at: Option<Timestamp>,
}

/// Records a new endpoint and opens its lane.
pub async fn insert(tx: &Tx, endpoint: &Endpoint) -> Result<(), StorageError> {
    let row = endpoints::ActiveModel {
        id: Set(endpoint.id.to_string()),
        tenant_id: Set(endpoint.tenant_id.to_string()),
        mode: Set(endpoint.mode.as_str().to_owned()),
        url: Set(endpoint.url.clone()),
        description: Set(endpoint.description.clone()),
        filters: Set(filters_json(endpoint)?),
        state: Set(endpoint.state.as_str().to_owned()),
        disabled_reason: Set(endpoint.disabled_reason.clone()),
        consecutive_failures: Set(endpoint.consecutive_failures),
        failing_since: Set(endpoint.failing_since.map(Timestamp::as_millis)),
        last_success_at: Set(endpoint.last_success_at.map(Timestamp::as_millis)),
        created_at: Set(endpoint.created_at.as_millis()),
        updated_at: Set(endpoint.updated_at.as_millis()),
        payload: Set(endpoint.payload.as_str().to_owned()),
        schedule: Set(endpoint.schedule.as_str().to_owned()),
        api_version: Set(endpoint.api_version.clone()),
        sub_mchids: Set(sub_mchids_json(endpoint)?),
        ordered: Set(endpoint.ordered),
        timeout_ms: Set(endpoint.timeout_ms),
        header_names: Set(None),
        sealed_headers: Set(None),
        host: Set(Some(host_of(&endpoint.url))),
    };
    endpoints::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(ENDPOINTS))?;
    let lane = lanes::ActiveModel {
        endpoint_id: Set(endpoint.id.to_string()),
        tenant_id: Set(endpoint.tenant_id.to_string()),
        max_inflight: Set(LANE_CAP),
        paused: Set(!endpoint.state.is_served()),
        open_until: Set(None),
        last_served_at: Set(0),
        ordered: Set(endpoint.ordered),
        successes: Set(0),
    };
    lanes::Entity::insert(lane)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting("lanes"))?;
    Ok(())
}

/// Counts a tenant's endpoints; its row is held so that two creations cannot both be the last.
pub async fn count_locked(tx: &Tx, tenant: &TenantId, mode: Mode) -> Result<u64, StorageError> {
    tenants::Entity::find_by_id(tenant.as_str())
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("locking a tenant"))?;
    of_tenant(tenant, mode)
        .count(tx.connection())
        .await
        .map_err(database("counting endpoints"))
}

/// Lists a tenant's endpoints, oldest first.
pub async fn list(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
) -> Result<Vec<Endpoint>, StorageError> {
    let rows = of_tenant(tenant, mode)
        .order_by_asc(endpoints::Column::Id)
        .all(at.connection())
        .await
        .map_err(database("listing endpoints"))?;
    rows.into_iter().map(to_endpoint).collect()
}

/// Finds a tenant's endpoint.
pub async fn find(
    at: &impl Access,
    tenant: &TenantId,
    mode: Mode,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(endpoints::Column::Id.eq(id.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an endpoint"))?;
    row.map(to_endpoint).transpose()
}

/// Finds a tenant's endpoint and holds its row until the transaction ends.
pub async fn lock(
    tx: &Tx,
    tenant: &TenantId,
    mode: Mode,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = of_tenant(tenant, mode)
        .filter(endpoints::Column::Id.eq(id.as_str()))
        .lock(LockType::Update)
        .one(tx.connection())
        .await
        .map_err(database("locking an endpoint"))?;
    row.map(to_endpoint).transpose()
}

/// Writes what a person may change about an endpoint, its state included, and opens or closes its lane to match.
pub async fn update(tx: &Tx, endpoint: &Endpoint) -> Result<(), StorageError> {
    use endpoints::Column;
    let changed = endpoints::Entity::update_many()
        .col_expr(Column::Url, Expr::value(endpoint.url.as_str()))
        .col_expr(Column::Host, Expr::value(host_of(&endpoint.url)))
        .col_expr(
            Column::Description,
            Expr::value(endpoint.description.as_str()),
        )
        .col_expr(Column::Filters, Expr::value(filters_json(endpoint)?))
        .col_expr(Column::SubMchids, Expr::value(sub_mchids_json(endpoint)?))
        .col_expr(Column::Payload, Expr::value(endpoint.payload.as_str()))
        .col_expr(Column::Schedule, Expr::value(endpoint.schedule.as_str()))
        .col_expr(Column::Ordered, Expr::value(endpoint.ordered))
        .col_expr(Column::TimeoutMs, Expr::value(endpoint.timeout_ms))
        .col_expr(Column::State, Expr::value(endpoint.state.as_str()))
        .col_expr(
            Column::DisabledReason,
            Expr::value(endpoint.disabled_reason.clone()),
        )
        .col_expr(
            Column::UpdatedAt,
            Expr::value(endpoint.updated_at.as_millis()),
        )
        .filter(Column::Id.eq(endpoint.id.as_str()))
        .filter(Column::TenantId.eq(endpoint.tenant_id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("updating an endpoint"))?;
    expect_one(ENDPOINTS, changed.rows_affected)?;
    lanes::Entity::update_many()
        .col_expr(lanes::Column::Ordered, Expr::value(endpoint.ordered))
        .filter(lanes::Column::EndpointId.eq(endpoint.id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("ordering a lane"))?;
    set_lane_paused(tx, &endpoint.id, !endpoint.state.is_served()).await
}

/// Writes the headers that a tenant adds to what is sent to its endpoint: their names, and all of them sealed.
pub async fn set_headers(
    tx: &Tx,
    tenant: &TenantId,
    id: &EndpointId,
    names: &[String],
    sealed: &[u8],
) -> Result<(), StorageError> {
    use endpoints::Column;
    let json = column(
        ENDPOINTS,
        "header_names",
        id.as_str(),
        serde_json::to_string(names),
    )?;
    let changed = endpoints::Entity::update_many()
        .col_expr(Column::HeaderNames, Expr::value(json))
        .col_expr(Column::SealedHeaders, Expr::value(sealed))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("writing the headers of an endpoint"))?;
    expect_one(ENDPOINTS, changed.rows_affected)
}

/// Stops serving an endpoint for a reason that the receiver at `url` gave; `false` when it has another URL by now.
pub(crate) async fn disable(
    tx: &Tx,
    id: &EndpointId,
    url: &str,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StorageError> {
    use endpoints::Column;
    let changed = endpoints::Entity::update_many()
        .col_expr(Column::State, Expr::value(EndpointState::Disabled.as_str()))
        .col_expr(Column::DisabledReason, Expr::value(reason))
        .col_expr(Column::UpdatedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::Url.eq(url))
        .exec(tx.connection())
        .await
        .map_err(database("disabling an endpoint"))?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    set_lane_paused(tx, id, true).await?;
    Ok(true)
}

async fn set_lane_paused(tx: &Tx, id: &EndpointId, paused: bool) -> Result<(), StorageError> {
    lanes::Entity::update_many()
        .col_expr(lanes::Column::Paused, Expr::value(paused))
        .filter(lanes::Column::EndpointId.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("pausing a lane"))?;
    Ok(())
}

/// Removes an endpoint with its lane and secrets; its deliveries stay as a record and must be cancelled first.
pub async fn delete(tx: &Tx, tenant: &TenantId, id: &EndpointId) -> Result<(), StorageError> {
    lanes::Entity::delete_many()
        .filter(lanes::Column::EndpointId.eq(id.as_str()))
        .filter(lanes::Column::TenantId.eq(tenant.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting a lane"))?;
    endpoint_secrets::Entity::delete_many()
        .filter(endpoint_secrets::Column::TenantId.eq(tenant.as_str()))
        .filter(endpoint_secrets::Column::EndpointId.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting the secrets of an endpoint"))?;
    let deleted = endpoints::Entity::delete_many()
        .filter(endpoints::Column::TenantId.eq(tenant.as_str()))
        .filter(endpoints::Column::Id.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("deleting an endpoint"))?;
    expect_one(ENDPOINTS, deleted.rows_affected)
}

/// Records a new secret.
pub async fn insert_secret(tx: &Tx, secret: &StoredSecret) -> Result<(), StorageError> {
    let row = endpoint_secrets::ActiveModel {
        id: Set(secret.id.to_string()),
        tenant_id: Set(secret.tenant_id.to_string()),
        endpoint_id: Set(secret.endpoint_id.to_string()),
        sealed: Set(secret.sealed.clone()),
        fingerprint: Set(secret.fingerprint.clone()),
        created_at: Set(secret.created_at.as_millis()),
        expires_at: Set(secret.expires_at.map(Timestamp::as_millis)),
        public_key: Set(secret.public_key.clone()),
    };
    endpoint_secrets::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(SECRETS))?;
    Ok(())
}

/// Lets every secret of an endpoint that would sign longer end at `until`.
pub async fn expire_secrets(
    tx: &Tx,
    tenant: &TenantId,
    id: &EndpointId,
    until: Timestamp,
) -> Result<(), StorageError> {
    use endpoint_secrets::Column;
    let longer = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(until.as_millis()));
    endpoint_secrets::Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(until.as_millis()))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::EndpointId.eq(id.as_str()))
        .filter(longer)
        .exec(tx.connection())
        .await
        .map_err(database("letting secrets expire"))?;
    Ok(())
}

/// The live secrets of some endpoints of a tenant, newest first.
pub async fn live_secrets(
    at: &impl Access,
    tenant: &TenantId,
    ids: &[EndpointId],
    now: Timestamp,
) -> Result<Vec<StoredSecret>, StorageError> {
    let of_tenant = endpoint_secrets::Column::TenantId.eq(tenant.as_str());
    let endpoints = ids.iter().map(EndpointId::as_str).collect();
    read_live_secrets(at, of_tenant, endpoints, now).await
}

/// The live secrets of endpoints of any tenants, newest first; deliveries are signed with them.
pub async fn live_secrets_all_tenants(
    at: &impl Access,
    owners: &[(TenantId, EndpointId)],
    now: Timestamp,
) -> Result<Vec<StoredSecret>, StorageError> {
    // The tenants are named so that the index is used; the endpoints alone would say enough.
    let tenants = owners.iter().map(|(tenant, _)| tenant.as_str()).collect();
    let of_tenants = endpoint_secrets::Column::TenantId.is_in(padded(tenants));
    let endpoints = owners
        .iter()
        .map(|(_, endpoint)| endpoint.as_str())
        .collect();
    read_live_secrets(at, of_tenants, endpoints, now).await
}

async fn read_live_secrets(
    at: &impl Access,
    of_whom: SimpleExpr,
    endpoints: Vec<&str>,
    now: Timestamp,
) -> Result<Vec<StoredSecret>, StorageError> {
    use endpoint_secrets::Column;
    let alive = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now.as_millis()));
    let mut rows = endpoint_secrets::Entity::find()
        .filter(of_whom)
        .filter(Column::EndpointId.is_in(padded(endpoints)))
        .filter(alive)
        .order_by_desc(Column::Id)
        .all(at.connection())
        .await
        .map_err(database("reading the secrets of endpoints"))?;
    // Ids of one millisecond sort at random, but only the newest secret has no end.
    rows.sort_by_key(|row| row.expires_at.is_some());
    rows.into_iter().map(to_secret).collect()
}

/// The number of the next event about a subject.
pub async fn next_seq(
    tx: &Tx,
    tenant: &TenantId,
    subject_type: &str,
    subject_id: &str,
) -> Result<i64, StorageError> {
    use events::Column;
    let last: Option<i64> = events::Entity::find()
        .select_only()
        .column(Column::Seq)
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::SubjectType.eq(subject_type))
        .filter(Column::SubjectId.eq(subject_id))
        .order_by_desc(Column::Seq)
        .limit(1)
        .into_tuple()
        .one(tx.connection())
        .await
        .map_err(database("reading the last event of a subject"))?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

fn of_tenant(tenant: &TenantId, mode: Mode) -> sea_orm::Select<endpoints::Entity> {
    endpoints::Entity::find()
        .filter(endpoints::Column::TenantId.eq(tenant.as_str()))
        .filter(endpoints::Column::Mode.eq(mode.as_str()))
}

fn filters_json(endpoint: &Endpoint) -> Result<String, StorageError> {
    let json = serde_json::to_string(&endpoint.filters);
    column(ENDPOINTS, "filters", endpoint.id.as_str(), json)
}

fn sub_mchids_json(endpoint: &Endpoint) -> Result<Option<String>, StorageError> {
    if endpoint.sub_mchids.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(&endpoint.sub_mchids);
    column(ENDPOINTS, "sub_mchids", endpoint.id.as_str(), json).map(Some)
}

/// Reads a column that holds a list as JSON, or nothing.
pub(crate) fn list_column(
    name: &'static str,
    id: &str,
    json: Option<&str>,
) -> Result<Vec<String>, StorageError> {
    let list = json.map(serde_json::from_str).transpose();
    Ok(column(ENDPOINTS, name, id, list)?.unwrap_or_default())
}

pub(crate) fn to_endpoint(row: endpoints::Model) -> Result<Endpoint, StorageError> {
    let id = row.id.as_str();
    Ok(Endpoint {
        id: column(ENDPOINTS, "id", id, id.parse())?,
        tenant_id: column(ENDPOINTS, "tenant_id", id, row.tenant_id.parse())?,
        mode: column(ENDPOINTS, "mode", id, Mode::parse(&row.mode).ok_or(()))?,
        filters: column(ENDPOINTS, "filters", id, serde_json::from_str(&row.filters))?,
        state: column(
            ENDPOINTS,
            "state",
            id,
            EndpointState::parse(&row.state).ok_or(()),
        )?,
        sub_mchids: list_column("sub_mchids", id, row.sub_mchids.as_deref())?,
        payload: column(
            ENDPOINTS,
            "payload",
            id,
            PayloadMode::parse(&row.payload).ok_or(()),
        )?,
        schedule: column(
            ENDPOINTS,
            "schedule",
            id,
            RetrySchedule::parse(&row.schedule).ok_or(()),
        )?,
        header_names: list_column("header_names", id, row.header_names.as_deref())?,
        api_version: row.api_version,
        ordered: row.ordered,
        timeout_ms: row.timeout_ms,
        url: row.url,
        description: row.description,
        disabled_reason: row.disabled_reason,
        consecutive_failures: row.consecutive_failures,
        failing_since: row.failing_since.map(Timestamp::from_millis),
        last_success_at: row.last_success_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

fn to_secret(row: endpoint_secrets::Model) -> Result<StoredSecret, StorageError> {
    let id = row.id.as_str();
    Ok(StoredSecret {
        id: column(SECRETS, "id", id, id.parse())?,
        tenant_id: column(SECRETS, "tenant_id", id, row.tenant_id.parse())?,
        endpoint_id: column(SECRETS, "endpoint_id", id, row.endpoint_id.parse())?,
        sealed: row.sealed,
        fingerprint: row.fingerprint,
        public_key: row.public_key,
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    })
}
