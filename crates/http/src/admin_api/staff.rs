//! Staff of the platform and members of tenants: invited, seen, given other roles, suspended, signed out.

mod objects;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::ids::{StaffId, TenantId};
use tributary_domain::staff::Permission;
use tributary_operations::staff::StaffListing;

use super::approvals::{Approval, AskedAnswer};
use super::edits::{IfMatch, Tagged};
use super::guards::May;
use super::once::{Made, once};
use super::session::OpenSessionList;
use super::{Gone, Tag};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

pub(super) use objects::{Reason, RoleName, StaffMember};

use objects::{EndedSessions, Invited, NewStaffMember, StaffPage, StaffPatch, StaffState};

const INVITE_ROUTE: &str = "/admin/v1/staff";

type StaffReader = May<{ Permission::StaffRead as usize }>;
type StaffWriter = May<{ Permission::StaffWrite as usize }>;

/// The operations on people.
pub(crate) struct StaffApi;

#[OpenApi(tag = "Tag::Staff")]
impl StaffApi {
    /// List staff
    ///
    /// Staff of the platform, or members of the tenant that is named; a member of a tenant sees its own. The newest
    /// first. Needs the permission `staff:read`.
    #[oai(path = "/admin/v1/staff", method = "get", operation_id = "listStaff")]
    async fn list_staff(
        &self,
        auth: StaffReader,
        /// The members of this tenant, in place of the platform's staff.
        tenant_id: Query<Option<String>>,
        /// Only people in this state.
        state: Query<Option<StaffState>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many people a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<StaffPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let listing = StaffListing {
            tenant_id: given.parse("tenant_id", tenant_id.0.as_deref(), |text| {
                text.parse::<TenantId>()
            }),
            state: state.0.map(Into::into),
            cursor: given.parse("cursor", cursor.0.as_deref(), |text| {
                text.parse::<StaffId>()
            }),
            limit: Limit::or_default(limit.0),
        };
        given.finish()?;
        let page = call.operations.list_staff(&call.caller, listing).await?;
        Ok(Json(StaffPage::new(page, &call.caller)))
    }

    /// Invite a person
    ///
    /// Answers a token, shown this once: hand it to the person, who sets a password with it within three days. Nobody
    /// is invited as `platform_owner`: that takes a second owner's approval. Needs the permission `staff:write` and a
    /// fresh proof.
    #[oai(
        path = "/admin/v1/staff",
        method = "post",
        operation_id = "inviteStaff"
    )]
    async fn invite_staff(
        &self,
        auth: StaffWriter,
        /// Chosen by you, one per person; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewStaffMember>,
        request: &Request,
    ) -> Result<Made<Invited>, Problem> {
        let key = key.of(request, &body.raw, INVITE_ROUTE);
        let new = body.value.into_new()?;
        let made = once(auth.0, key, async move |call| {
            let invitation = call.operations.invite_staff(&call.caller, new).await?;
            Ok(Invited::new(invitation, &call))
        });
        Ok(Made::from(made.await?))
    }

    /// Read a person
    ///
    /// Needs the permission `staff:read`.
    #[oai(
        path = "/admin/v1/staff/:staff_id",
        method = "get",
        operation_id = "getStaff"
    )]
    async fn get_staff(
        &self,
        auth: StaffReader,
        /// The id of the person.
        staff_id: Path<String>,
    ) -> Result<Tagged<StaffMember>, Problem> {
        let call = auth.0;
        let id: StaffId = path_id(&staff_id)?;
        let member = call.operations.get_staff(&call.caller, &id).await?;
        Ok(tagged(member, &call.caller))
    }

    /// Change a person
    ///
    /// Name or roles; what is left out stays. Other roles end the person's sessions. Nobody changes their own roles,
    /// and the last owner stays one. Needs the permission `staff:write`, for roles a fresh proof besides.
    #[oai(
        path = "/admin/v1/staff/:staff_id",
        method = "patch",
        operation_id = "updateStaff"
    )]
    async fn update_staff(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        /// The `ETag` of the person as you read it.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: JsonBody<StaffPatch>,
    ) -> Result<Tagged<StaffMember>, Problem> {
        let call = auth.0;
        let id: StaffId = path_id(&staff_id)?;
        let change = body.value.into();
        to_completion(async move {
            let operations = &call.operations;
            let changed = operations
                .change_staff(&call.caller, &id, if_match.version, change)
                .await;
            changed.map(|member| tagged(member, &call.caller))
        })
        .await
    }

    /// Suspend a person
    ///
    /// Signed out at once, and kept from signing in. Needs the permission `staff:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/suspend",
        method = "post",
        operation_id = "suspendStaff"
    )]
    async fn suspend_staff(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Tagged<StaffMember>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let member = operations.suspend_staff(&call.caller, &id, &reason).await;
            member.map(|member| tagged(member, &call.caller))
        })
        .await
    }

    /// Let a suspended person come back
    ///
    /// Needs the permission `staff:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/reactivate",
        method = "post",
        operation_id = "reactivateStaff"
    )]
    async fn reactivate_staff(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Tagged<StaffMember>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let member = operations
                .reactivate_staff(&call.caller, &id, &reason)
                .await;
            member.map(|member| tagged(member, &call.caller))
        })
        .await
    }

    /// Replace an invitation
    ///
    /// The one before ends. Needs the permission `staff:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/invitation",
        method = "post",
        operation_id = "renewInvitation"
    )]
    async fn renew_invitation(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
    ) -> Result<Json<Invited>, Problem> {
        let call = auth.0;
        let id: StaffId = path_id(&staff_id)?;
        to_completion(async move {
            let renewed = call.operations.renew_invitation(&call.caller, &id).await;
            renewed.map(|invitation| Json(Invited::new(invitation, &call)))
        })
        .await
    }

    /// Invite a person anew
    ///
    /// For whoever forgot the password or lost the second factor: both are gone, the person is signed out and comes again
    /// by the invitation, shown this once. Not for owners of the platform. Needs the permission `staff:write` and a fresh
    /// proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/reinvite",
        method = "post",
        operation_id = "reinviteStaff"
    )]
    async fn reinvite_staff(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Json<Invited>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let invited = operations.reinvite_staff(&call.caller, &id, &reason).await;
            invited.map(|invitation| Json(Invited::new(invitation, &call)))
        })
        .await
    }

    /// Take a lost second factor away
    ///
    /// The person is signed out, and enrols another at the next sign-in. Needs the permission `staff:write` and a
    /// fresh proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/reset-second-factor",
        method = "post",
        operation_id = "resetSecondFactor"
    )]
    async fn reset_second_factor(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Gone, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        let reset = to_completion(async move {
            let operations = &call.operations;
            operations
                .reset_second_factor(&call.caller, &id, &reason)
                .await
        });
        reset.await?;
        Ok(Gone::Done)
    }

    /// Ask that a person become an owner of the platform
    ///
    /// Another owner decides, at `/admin/v1/approvals`; the person then has that role in place of the others. Needs the
    /// permission `staff:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/staff/:staff_id/ownership",
        method = "post",
        operation_id = "askOwnership"
    )]
    async fn ask_ownership(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<AskedAnswer, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        to_completion(async move {
            let operations = &call.operations;
            let asked = operations.ask_ownership(&call.caller, &id, &reason).await;
            asked.map(|approval| AskedAnswer::Asked(Json(Approval::new(approval, &call))))
        })
        .await
    }

    /// List a person's sessions
    ///
    /// Those that are open, the newest first. Needs the permission `staff:read`.
    #[oai(
        path = "/admin/v1/staff/:staff_id/sessions",
        method = "get",
        operation_id = "listStaffSessions"
    )]
    async fn list_staff_sessions(
        &self,
        auth: StaffReader,
        /// The id of the person.
        staff_id: Path<String>,
    ) -> Result<Json<OpenSessionList>, Problem> {
        let call = auth.0;
        let id: StaffId = path_id(&staff_id)?;
        let open = call.operations.sessions_of_staff(&call.caller, &id).await?;
        Ok(Json(OpenSessionList::new(open, &call.caller.session_id)))
    }

    /// Sign a person out everywhere
    ///
    /// Needs the permission `staff:write`.
    #[oai(
        path = "/admin/v1/staff/:staff_id/end-sessions",
        method = "post",
        operation_id = "endStaffSessions"
    )]
    async fn end_staff_sessions(
        &self,
        auth: StaffWriter,
        /// The id of the person.
        staff_id: Path<String>,
        body: JsonBody<Reason>,
    ) -> Result<Json<EndedSessions>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        let id: StaffId = path_id(&staff_id)?;
        let ended = to_completion(async move {
            let operations = &call.operations;
            operations
                .end_sessions_of_staff(&call.caller, &id, &reason)
                .await
        });
        Ok(Json(EndedSessions::new(ended.await?)))
    }
}

fn tagged(
    member: tributary_domain::staff_member::StaffMember,
    caller: &tributary_operations::staff::StaffCaller,
) -> Tagged<StaffMember> {
    let version = member.version;
    Tagged::new(StaffMember::new(member, caller), version)
}
