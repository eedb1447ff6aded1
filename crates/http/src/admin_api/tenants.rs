//! Tenants: made, seen, changed, suspended and closed.

mod objects;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_domain::tenant;
use tributary_operations::staff::StaffCaller;
use tributary_operations::tenants::TenantQuery;

use super::Tag;
use super::edits::{IfMatch, Tagged};
use super::guards::May;
use super::once::{Made, once};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{NewTenant, Tenant, TenantPage, TenantPatch, TenantState, TenantStateChange};

const CREATE_ROUTE: &str = "/admin/v1/tenants";

pub(super) type TenantReader = May<{ Permission::TenantRead as usize }>;
pub(super) type TenantWriter = May<{ Permission::TenantWrite as usize }>;

/// The operations on tenants.
pub(crate) struct TenantsApi;

#[OpenApi(tag = "Tag::Tenants")]
impl TenantsApi {
    /// List tenants
    ///
    /// The newest first; a member of a tenant sees its own alone. Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/tenants",
        method = "get",
        operation_id = "listTenants"
    )]
    async fn list_tenants(
        &self,
        auth: TenantReader,
        /// Only tenants in this state.
        state: Query<Option<TenantState>>,
        /// Only tenants with this in their name.
        name: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many tenants a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<TenantPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let cursor = given.parse("cursor", cursor.0.as_deref(), |text| {
            text.parse::<TenantId>()
        });
        given.finish()?;
        let query = TenantQuery {
            state: state.0.map(Into::into),
            name: name.0,
            cursor: cursor.map(|id| id.to_string()),
            limit: Some(Limit::or_default(limit.0)),
        };
        let page = call
            .operations
            .tenants_seen_by(&call.caller, &query)
            .await?;
        Ok(Json(TenantPage::new(page, &call.caller)))
    }

    /// Create a tenant
    ///
    /// It has no sub-merchant, no API key and no members yet. Needs the permission `tenant:write`.
    #[oai(
        path = "/admin/v1/tenants",
        method = "post",
        operation_id = "createTenant"
    )]
    async fn create_tenant(
        &self,
        auth: TenantWriter,
        /// Chosen by you, one per tenant; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewTenant>,
        request: &Request,
    ) -> Result<Made<Tenant>, Problem> {
        let key = key.of(request, &body.raw, CREATE_ROUTE);
        let new = body.value.into();
        let made = once(auth.0, key, async move |call| {
            let tenant = call.operations.create_tenant_as(&call.caller, new).await?;
            Ok(Tenant::new(tenant, &call.caller))
        });
        Ok(Made::from(made.await?))
    }

    /// Read a tenant
    ///
    /// Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id",
        method = "get",
        operation_id = "getTenant"
    )]
    async fn get_tenant(
        &self,
        auth: TenantReader,
        /// The id of the tenant.
        tenant_id: Path<String>,
    ) -> Result<Tagged<Tenant>, Problem> {
        let call = auth.0;
        let id: TenantId = path_id(&tenant_id)?;
        let tenant = call.operations.tenant_seen_by(&call.caller, &id).await?;
        Ok(tagged(tenant, &call.caller))
    }

    /// Change a tenant
    ///
    /// What is left out stays; `settings` and `late_policy` are replaced as a whole. Needs the permission
    /// `tenant:write`.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id",
        method = "patch",
        operation_id = "updateTenant"
    )]
    async fn update_tenant(
        &self,
        auth: TenantWriter,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// The `ETag` of the tenant as you read it.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<TenantPatch>,
    ) -> Result<Tagged<Tenant>, Problem> {
        let call = auth.0;
        let id: TenantId = path_id(&tenant_id)?;
        let patch = body.value.into();
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .change_tenant_as(&call.caller, &id, if_match.version, patch)
                .await;
            changed.map(|tenant| tagged(tenant, &call.caller))
        })
        .await
    }

    /// Activate, suspend or close a tenant
    ///
    /// A suspended tenant places no orders; money that is under way, refunds and webhooks go on. A closed one is never
    /// opened again, and its API keys open nothing. Needs the permission `tenant:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/state",
        method = "post",
        operation_id = "setTenantState"
    )]
    async fn set_tenant_state(
        &self,
        auth: TenantWriter,
        /// The id of the tenant.
        tenant_id: Path<String>,
        body: JsonBody<TenantStateChange>,
    ) -> Result<Tagged<Tenant>, Problem> {
        let (call, change) = (auth.0, body.value);
        let id: TenantId = path_id(&tenant_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .set_tenant_state_as(&call.caller, &id, change.state.into(), &change.reason)
                .await;
            changed.map(|tenant| tagged(tenant, &call.caller))
        })
        .await
    }
}

fn tagged(tenant: tenant::Tenant, caller: &StaffCaller) -> Tagged<Tenant> {
    let version = tenant.version;
    Tagged::new(Tenant::new(tenant, caller), version)
}
