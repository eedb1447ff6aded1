//! What one person asks for and another decides.

use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde_json::Value;
use tributary_domain::approval;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::ApprovalId;
use tributary_operations::approvals::{ApprovalListing, approval_actions};

use super::Tag;
use super::actions::{self, AllowedAction};
use super::guards::{SignedIn, StaffCall};
use super::staff::Reason;
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

/// The operations on requests for approval.
pub(crate) struct ApprovalsApi;

/// What is asked for.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "approval::ApprovalKind")]
enum ApprovalKind {
    RefundAboveLimit,
    GrantOwner,
}

/// How far a request came.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "approval::ApprovalState")]
enum ApprovalState {
    Pending,
    Approved,
    Done,
    Failed,
    Rejected,
    Expired,
}

/// A request that waits for a second person, or did.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Approval {
    /// Its id: `apr_…`.
    id: String,
    /// Always `approval`.
    object: String,
    /// What is asked for.
    kind: ApprovalKind,
    /// The tenant whose it is; absent when it is the platform's.
    tenant_id: Option<String>,
    /// The id of the object that it is about.
    target: String,
    /// What was asked, as it was frozen; secrets are not in it.
    content: Value,
    /// How far it came.
    state: ApprovalState,
    /// Who asked: `stf_…`.
    requested_by: String,
    /// Why.
    reason: String,
    /// Who decided: `stf_…`.
    decided_by: Option<String>,
    /// Why.
    decision_reason: Option<String>,
    /// When it was decided (RFC 3339).
    decided_at: Option<String>,
    /// What came of it.
    outcome: Option<String>,
    /// When it was asked (RFC 3339).
    created_at: String,
    /// Until when it may be decided (RFC 3339).
    expires_at: String,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

/// A page of requests, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ApprovalPage {
    /// Always `list`.
    object: String,
    /// The requests.
    data: Vec<Approval>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

/// A request that now waits for a second person.
#[derive(ApiResponse)]
pub(super) enum AskedAnswer {
    /// It was recorded, and nothing has happened yet: a second person decides.
    #[oai(status = 202)]
    Asked(Json<Approval>),
}

#[OpenApi(tag = "Tag::Approvals")]
impl ApprovalsApi {
    /// List requests for approval
    ///
    /// Those that you may decide, and your own; the newest first. Anybody who is signed in may ask.
    #[oai(
        path = "/admin/v1/approvals",
        method = "get",
        operation_id = "listApprovals"
    )]
    async fn list_approvals(
        &self,
        auth: SignedIn,
        /// Only requests in this state.
        state: Query<Option<ApprovalState>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many requests a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<ApprovalPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let listing = ApprovalListing {
            state: state.0.map(Into::into),
            cursor: given.parse("cursor", cursor.0.as_deref(), |text| {
                text.parse::<ApprovalId>()
            }),
            limit: Limit::or_default(limit.0),
        };
        given.finish()?;
        let page = call
            .operations
            .list_approvals(&call.caller, listing)
            .await?;
        let shown = page.items.into_iter();
        Ok(Json(ApprovalPage {
            object: String::from("list"),
            data: shown
                .map(|approval| Approval::new(approval, &call))
                .collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Read a request for approval
    ///
    /// One that you may decide, or your own.
    #[oai(
        path = "/admin/v1/approvals/:approval_id",
        method = "get",
        operation_id = "getApproval"
    )]
    async fn get_approval(
        &self,
        auth: SignedIn,
        /// The id of the request.
        approval_id: Path<String>,
    ) -> Result<Json<Approval>, Problem> {
        let call = auth.0;
        let id: ApprovalId = path_id(&approval_id)?;
        let approval = call.operations.get_approval(&call.caller, &id).await?;
        Ok(Json(Approval::new(approval, &call)))
    }

    /// Approve a request
    ///
    /// Of somebody else's, within a day. What was asked is carried out exactly once: at once, or while the answer says
    /// `approved`, as soon as WeChat can be reached. Needs the permission that its kind needs, and a fresh proof.
    #[oai(
        path = "/admin/v1/approvals/:approval_id/approve",
        method = "post",
        operation_id = "approveApproval"
    )]
    async fn approve(
        &self,
        auth: SignedIn,
        /// The id of the request.
        approval_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Json<Approval>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: ApprovalId = path_id(&approval_id)?;
        to_completion(async move {
            let approved = call.operations.approve(&call.caller, &id, &reason).await;
            approved.map(|approval| Json(Approval::new(approval, &call)))
        })
        .await
    }

    /// Refuse a request
    ///
    /// Of somebody else's, within a day. Needs the permission that its kind needs, and a fresh proof.
    #[oai(
        path = "/admin/v1/approvals/:approval_id/reject",
        method = "post",
        operation_id = "rejectApproval"
    )]
    async fn reject(
        &self,
        auth: SignedIn,
        /// The id of the request.
        approval_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Json<Approval>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: ApprovalId = path_id(&approval_id)?;
        to_completion(async move {
            let rejected = call.operations.reject(&call.caller, &id, &reason).await;
            rejected.map(|approval| Json(Approval::new(approval, &call)))
        })
        .await
    }
}

impl Approval {
    /// A request as the caller sees it now.
    pub(super) fn new(approval: approval::Approval, call: &StaffCall) -> Self {
        let now = call.operations.now();
        Self {
            actions: actions::shown(approval_actions(&call.caller, &approval, now)),
            id: approval.id.to_string(),
            object: String::from("approval"),
            kind: approval.kind.into(),
            tenant_id: approval.scope.tenant().map(ToString::to_string),
            state: approval.state_at(now).into(),
            target: approval.target,
            content: approval.content,
            requested_by: approval.requested_by.to_string(),
            reason: approval.reason,
            decided_by: approval.decided_by.map(|id| id.to_string()),
            decision_reason: approval.decision_reason,
            decided_at: approval.decided_at.map(Timestamp::to_rfc3339),
            outcome: approval.outcome,
            created_at: approval.created_at.to_rfc3339(),
            expires_at: approval.expires_at.to_rfc3339(),
        }
    }
}
