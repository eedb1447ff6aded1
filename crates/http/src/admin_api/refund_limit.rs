//! Up to which amount a person may ask for a refund alone.

use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_operations::refund_limits;

use super::Tag;
use super::edits::{IfMatch, Tagged};
use super::guards::May;
use crate::completion::to_completion;
use crate::json::JsonBody;
use crate::pagination::Parameters;
use crate::problem::Problem;

type RefundReader = May<{ Permission::RefundRead as usize }>;
type RefundApprover = May<{ Permission::RefundApprove as usize }>;

/// The operations on the limit.
pub(crate) struct RefundLimitApi;

/// Above this a refund needs a second person.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct RefundLimit {
    /// Always `refund_limit`.
    object: String,
    /// The tenant that it holds for; absent for all that have none of their own.
    tenant_id: Option<String>,
    /// The amount in fen.
    amount: i64,
    /// Always `CNY`.
    currency: String,
    /// Whether it was chosen here; else it is the installation's, or 10,000 yuan.
    own: bool,
}

/// Another limit.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewRefundLimit {
    /// The amount in fen.
    amount: i64,
    /// Why, for the audit log.
    reason: String,
}

#[OpenApi(tag = "Tag::Approvals")]
impl RefundLimitApi {
    /// Read the refund limit
    ///
    /// Of the installation, or what holds for a tenant. Needs the permission `refund:read`.
    #[oai(
        path = "/admin/v1/refund-limit",
        method = "get",
        operation_id = "getRefundLimit"
    )]
    async fn get_refund_limit(
        &self,
        auth: RefundReader,
        /// The tenant whose limit it is, in place of the installation's.
        tenant_id: Query<Option<String>>,
    ) -> Result<Tagged<RefundLimit>, Problem> {
        let call = auth.0;
        let tenant = tenant_of(tenant_id.0.as_deref())?;
        let limit = call
            .operations
            .get_refund_limit(&call.caller, tenant.as_ref())
            .await?;
        Ok(tagged(limit))
    }

    /// Choose the refund limit
    ///
    /// For the installation, or for a tenant. Members of a tenant cannot. Needs the permission `refund:approve` and a
    /// fresh proof.
    #[oai(
        path = "/admin/v1/refund-limit",
        method = "patch",
        operation_id = "updateRefundLimit"
    )]
    async fn update_refund_limit(
        &self,
        auth: RefundApprover,
        /// The tenant whose limit it is, in place of the installation's.
        tenant_id: Query<Option<String>>,
        /// The `ETag` of the limit as you read it.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<NewRefundLimit>,
    ) -> Result<Tagged<RefundLimit>, Problem> {
        let (call, wanted) = (auth.0, body.value);
        let tenant = tenant_of(tenant_id.0.as_deref())?;
        let limit = to_completion(async move {
            let operations = call.operations;
            let amount = (wanted.amount, if_match.version);
            operations
                .update_refund_limit(&call.caller, tenant.as_ref(), amount, &wanted.reason)
                .await
        });
        Ok(tagged(limit.await?))
    }
}

fn tenant_of(text: Option<&str>) -> Result<Option<TenantId>, Problem> {
    let mut given = Parameters::default();
    let tenant = given.parse("tenant_id", text, str::parse::<TenantId>);
    given.finish()?;
    Ok(tenant)
}

fn tagged(limit: refund_limits::RefundLimit) -> Tagged<RefundLimit> {
    let version = limit.version;
    let shown = RefundLimit {
        object: String::from("refund_limit"),
        tenant_id: limit.tenant_id.map(|id| id.to_string()),
        amount: limit.amount.as_i64(),
        currency: String::from("CNY"),
        own: limit.is_own,
    };
    Tagged::new(shown, version)
}
