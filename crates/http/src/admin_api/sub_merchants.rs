//! Sub-merchants and their apps: made, seen, changed, and vouched for.

mod objects;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::ids::{SubAppId, SubMerchantId, TenantId};
use tributary_domain::merchant;
use tributary_operations::merchants::{Claim, ReadinessSheet, SubMerchantQuery};
use tributary_operations::staff::StaffCaller;

use super::Tag;
use super::edits::{IfMatch, Tagged};
use super::once::{Made, once};
use super::tenants::{TenantReader, TenantWriter};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{
    NewSubApp, NewSubMerchant, ReadinessClaim, ReadinessFact, ReadinessList, SubApp, SubAppList,
    SubAppPatch, SubMerchant, SubMerchantMode, SubMerchantPage, SubMerchantPatch, SubMerchantState,
    SubMerchantStateChange,
};

const CREATE_ROUTE: &str = "/admin/v1/sub-merchants";
const ADD_APP_ROUTE: &str = "/admin/v1/sub-merchants/{sub_merchant_id}/sub-apps";

/// The operations on sub-merchants and apps.
pub(crate) struct SubMerchantsApi;

#[OpenApi(tag = "Tag::SubMerchants")]
impl SubMerchantsApi {
    /// List sub-merchants
    ///
    /// The newest first; a member of a tenant sees its tenant's. Needs the permission `tenant:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/sub-merchants",
        method = "get",
        operation_id = "listSubMerchants"
    )]
    async fn list_sub_merchants(
        &self,
        auth: TenantReader,
        /// Only those of this tenant.
        tenant_id: Query<Option<String>>,
        /// Only those of this world.
        mode: Query<Option<SubMerchantMode>>,
        /// Only those in this state.
        state: Query<Option<SubMerchantState>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many sub-merchants a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<SubMerchantPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let tenant = given.parse("tenant_id", tenant_id.0.as_deref(), |text| {
            text.parse::<TenantId>()
        });
        let cursor = given.parse("cursor", cursor.0.as_deref(), |text| {
            text.parse::<SubMerchantId>()
        });
        given.finish()?;
        let query = SubMerchantQuery {
            tenant,
            mode: mode.0.map(Into::into),
            state: state.0.map(Into::into),
            cursor: cursor.map(|id| id.to_string()),
            limit: Some(Limit::or_default(limit.0)),
        };
        let operations = &call.operations;
        let page = operations.sub_merchants_seen_by(&call.caller, query);
        Ok(Json(SubMerchantPage::new(page.await?, &call.caller)))
    }

    /// Give a tenant a sub-merchant
    ///
    /// It lives in the mode of its provider. Needs the permission `tenant:write`.
    #[oai(
        path = "/admin/v1/sub-merchants",
        method = "post",
        operation_id = "createSubMerchant"
    )]
    async fn create_sub_merchant(
        &self,
        auth: TenantWriter,
        /// Chosen by you, one per sub-merchant; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewSubMerchant>,
        request: &Request,
    ) -> Result<Made<SubMerchant>, Problem> {
        let key = key.of(request, &body.raw, CREATE_ROUTE);
        let new = body.value.into_new()?;
        let made = once(auth.0, key, async move |call| {
            let operations = &call.operations;
            let merchant = operations.create_sub_merchant_as(&call.caller, new).await?;
            Ok(SubMerchant::new(merchant, &call.caller))
        });
        Ok(Made::from(made.await?))
    }

    /// Read a sub-merchant
    ///
    /// Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id",
        method = "get",
        operation_id = "getSubMerchant"
    )]
    async fn get_sub_merchant(
        &self,
        auth: TenantReader,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
    ) -> Result<Tagged<SubMerchant>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let operations = &call.operations;
        let merchant = operations.sub_merchant_seen_by(&call.caller, &id).await?;
        Ok(tagged(merchant, &call.caller))
    }

    /// Change a sub-merchant
    ///
    /// Name, rate or note; what is left out stays. Needs the permission `tenant:write`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id",
        method = "patch",
        operation_id = "updateSubMerchant"
    )]
    async fn update_sub_merchant(
        &self,
        auth: TenantWriter,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        /// The `ETag` of the sub-merchant as you read it.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<SubMerchantPatch>,
    ) -> Result<Tagged<SubMerchant>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let patch = body.value.into();
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .change_sub_merchant_as(&call.caller, &id, if_match.version, patch)
                .await;
            changed.map(|merchant| tagged(merchant, &call.caller))
        })
        .await
    }

    /// Suspend or activate a sub-merchant
    ///
    /// A suspended one takes no new orders; its refunds go on. Needs the permission `tenant:write`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/state",
        method = "post",
        operation_id = "setSubMerchantState"
    )]
    async fn set_sub_merchant_state(
        &self,
        auth: TenantWriter,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        body: JsonBody<SubMerchantStateChange>,
    ) -> Result<Tagged<SubMerchant>, Problem> {
        let (call, change) = (auth.0, body.value);
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .set_sub_merchant_state_as(&call.caller, &id, change.state.into(), &change.reason)
                .await;
            changed.map(|merchant| tagged(merchant, &call.caller))
        })
        .await
    }

    /// Read whether a sub-merchant is ready
    ///
    /// What must be true before it can take money, and how it is known: the traffic shows it, or a person vouches for
    /// it, because WeChat Pay tells most of it to nobody. Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/readiness",
        method = "get",
        operation_id = "getReadiness"
    )]
    async fn get_readiness(
        &self,
        auth: TenantReader,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
    ) -> Result<Tagged<ReadinessList>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let sheet = call.operations.readiness_seen_by(&call.caller, &id).await?;
        Ok(tagged_sheet(sheet))
    }

    /// Vouch for a fact, or take it back
    ///
    /// Your name is kept with it. What only the traffic shows, nobody can vouch for. Needs the permission
    /// `tenant:write`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/readiness/:fact",
        method = "put",
        operation_id = "confirmReadiness"
    )]
    async fn confirm_readiness(
        &self,
        auth: TenantWriter,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        /// Which fact.
        fact: Path<ReadinessFact>,
        /// The `ETag` of the facts as you read them.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<ReadinessClaim>,
    ) -> Result<Tagged<ReadinessList>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let claim = Claim {
            fact: fact.0.into(),
            holds: body.value.holds,
        };
        to_completion(async move {
            let operations = &call.operations;
            let sheet = operations
                .confirm_readiness_as(&call.caller, &id, if_match.version, claim)
                .await;
            sheet.map(tagged_sheet)
        })
        .await
    }

    /// List a sub-merchant's apps
    ///
    /// All of them: there are five at most. Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/sub-apps",
        method = "get",
        operation_id = "listSubApps"
    )]
    async fn list_sub_apps(
        &self,
        auth: TenantReader,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
    ) -> Result<Json<SubAppList>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let apps = call.operations.sub_apps_seen_by(&call.caller, &id).await?;
        Ok(Json(SubAppList::new(apps, &call.caller)))
    }

    /// Bind an app to a sub-merchant
    ///
    /// Five at most, as WeChat Pay has it. Needs the permission `tenant:write`, for a secret a fresh proof besides.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/sub-apps",
        method = "post",
        operation_id = "addSubApp"
    )]
    async fn add_sub_app(
        &self,
        auth: TenantWriter,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        /// Chosen by you, one per app; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewSubApp>,
        request: &Request,
    ) -> Result<Made<SubApp>, Problem> {
        let key = key.of(request, &body.raw, ADD_APP_ROUTE);
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let new = body.value.into_new()?;
        let made = once(auth.0, key, async move |call| {
            let operations = &call.operations;
            let app = operations.add_sub_app_as(&call.caller, &id, new).await?;
            Ok(SubApp::new(app, &call.caller))
        });
        Ok(Made::from(made.await?))
    }

    /// Read an app
    ///
    /// Its secret is never shown, only the start of its hash. Needs the permission `tenant:read`.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/sub-apps/:sub_app_id",
        method = "get",
        operation_id = "getSubApp"
    )]
    async fn get_sub_app(
        &self,
        auth: TenantReader,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        /// The id of the app.
        sub_app_id: Path<String>,
    ) -> Result<Tagged<SubApp>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let app: SubAppId = path_id(&sub_app_id)?;
        let operations = &call.operations;
        let app = operations.sub_app_seen_by(&call.caller, &id, &app).await?;
        Ok(tagged_app(app, &call.caller))
    }

    /// Change an app
    ///
    /// Its kind, its secret, or what you saw about its binding, which is kept with your name; what is left out stays.
    /// Needs the permission `tenant:write`, for a secret a fresh proof besides.
    #[oai(
        path = "/admin/v1/sub-merchants/:sub_merchant_id/sub-apps/:sub_app_id",
        method = "patch",
        operation_id = "updateSubApp"
    )]
    async fn update_sub_app(
        &self,
        auth: TenantWriter,
        /// The id of the sub-merchant.
        sub_merchant_id: Path<String>,
        /// The id of the app.
        sub_app_id: Path<String>,
        /// The `ETag` of the app as you read it.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<SubAppPatch>,
    ) -> Result<Tagged<SubApp>, Problem> {
        let call = auth.0;
        let id: SubMerchantId = path_id(&sub_merchant_id)?;
        let app: SubAppId = path_id(&sub_app_id)?;
        let patch = body.value.into();
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .change_sub_app_as(&call.caller, (&id, &app), if_match.version, patch)
                .await;
            changed.map(|app| tagged_app(app, &call.caller))
        })
        .await
    }
}

fn tagged(merchant: merchant::SubMerchant, caller: &StaffCaller) -> Tagged<SubMerchant> {
    let version = merchant.version;
    Tagged::new(SubMerchant::new(merchant, caller), version)
}

fn tagged_app(app: merchant::SubApp, caller: &StaffCaller) -> Tagged<SubApp> {
    let version = app.version;
    Tagged::new(SubApp::new(app, caller), version)
}

fn tagged_sheet(sheet: ReadinessSheet) -> Tagged<ReadinessList> {
    Tagged::new(sheet.lines.into(), sheet.version)
}
