//! What one person may not do alone: one asks, another decides, and what is approved is carried out once.
//!
//! A kind that touches only our own rows is carried out in the transaction of the decision; one that calls WeChat after it,
//! under a number that makes a repetition harmless. What was asked is frozen when it is asked, and holds no secret.

use serde_json::{Value, json};
use tributary_domain::approval::{Approval, ApprovalKind, ApprovalState, DecisionRefusal, OPEN_MS};
use tributary_domain::ids::{ApprovalId, OrderId, StaffId};
use tributary_domain::staff::{Actor, Permission, Role};
use tributary_domain::staff_member::{StaffMember, StaffScope, StaffState};
use tributary_storage::approvals::{self, Viewer};
use tributary_storage::{Tx, orders, staff, staff_sessions};

use crate::actions::Action;
use crate::audit::{self, Act};
use crate::pages::{Page, cut};
use crate::staff::{StaffCaller, check_reason, scope_of};
use crate::{OperationError, Operations};

/// Requests that are carried out in one look.
const CARRIED_OUT_AT_ONCE: u64 = 20;

/// What a person asks for.
pub(crate) struct Asked {
    /// What.
    pub(crate) kind: ApprovalKind,
    /// Whose it is.
    pub(crate) scope: StaffScope,
    /// The object that it is about.
    pub(crate) target: String,
    /// The request, without secrets.
    pub(crate) content: Value,
}

/// Which requests to list.
#[derive(Clone, Debug, Default)]
pub struct ApprovalListing {
    /// Only those in this state.
    pub state: Option<ApprovalState>,
    /// Where the page before ended.
    pub cursor: Option<ApprovalId>,
    /// How many.
    pub limit: u64,
}

impl Operations {
    /// Records what somebody asks for, once while it is open.
    pub(crate) async fn ask_approval(
        &self,
        caller: &StaffCaller,
        asked: Asked,
        reason: &str,
    ) -> Result<Approval, OperationError> {
        let (reason, now) = (check_reason(reason)?, self.now());
        let approval = Approval {
            id: ApprovalId::new(now),
            kind: asked.kind,
            scope: asked.scope,
            target: asked.target,
            content: asked.content,
            state: ApprovalState::Pending,
            requested_by: caller.staff_id.clone(),
            reason: reason.to_owned(),
            decided_by: None,
            decision_reason: None,
            decided_at: None,
            outcome: None,
            created_at: now,
            expires_at: now.plus_millis(OPEN_MS),
        };
        let tx = self.storage().begin().await?;
        hold_subject(&tx, &approval).await?;
        if let Some(open) = approvals::find_open(&tx, approval.kind, &approval.target, now).await? {
            // Whoever did not hear the answer asks again.
            if open.requested_by == approval.requested_by && open.content == approval.content {
                return Ok(open);
            }
            let state = "asked for already".to_owned();
            return Err(OperationError::StateConflict { state });
        }
        approvals::insert(&tx, &approval).await?;
        record(&tx, caller, "approval.asked", &approval).await?;
        tx.commit().await?;
        Ok(approval)
    }

    /// Lists the requests that a person may decide or made itself, the newest first.
    pub async fn list_approvals(
        &self,
        caller: &StaffCaller,
        listing: ApprovalListing,
    ) -> Result<Page<Approval>, OperationError> {
        caller.require_enrolled()?;
        let kinds = ApprovalKind::ALL.iter().copied();
        let viewer = Viewer {
            scope: caller.scope.clone(),
            kinds: kinds.filter(|kind| sees(caller, *kind)).collect(),
            requester: caller.staff_id.clone(),
        };
        let (state, before) = (listing.state, listing.cursor.as_ref());
        let limit = listing.limit.saturating_add(1);
        let rows = approvals::list(self.storage(), &viewer, state, before, limit).await?;
        Ok(cut(rows, listing.limit, |approval| approval.id.to_string()))
    }

    /// One request, for whoever may decide it or made it.
    pub async fn get_approval(
        &self,
        caller: &StaffCaller,
        id: &ApprovalId,
    ) -> Result<Approval, OperationError> {
        caller.require_enrolled()?;
        let found = approvals::find(self.storage(), &caller.scope, id).await?;
        let found = found.filter(|approval| {
            sees(caller, approval.kind) || approval.requested_by == caller.staff_id
        });
        found.ok_or(OperationError::NotFound)
    }

    /// Approves a request of somebody else's, and carries it out. Needs what its kind needs, and a fresh proof.
    pub async fn approve(
        &self,
        caller: &StaffCaller,
        id: &ApprovalId,
        reason: &str,
    ) -> Result<Approval, OperationError> {
        let before = self.decidable(caller, id).await?;
        let approved = self.decided(caller, &before, ApprovalState::Approved, reason)?;
        let tx = self.storage().begin().await?;
        not_invited_by(&tx, &caller.staff_id, before.requested_by.as_str()).await?;
        decide(&tx, &before, &approved).await?;
        record(&tx, caller, "approval.approved", &approved).await?;
        let outcome = match approved.kind {
            ApprovalKind::GrantOwner => self.grant_owner(&tx, caller, &approved).await?,
            ApprovalKind::RefundAboveLimit => {
                tx.commit().await?;
                return self.carry_approved_out(&approved, &caller.actor()).await;
            }
        };
        let done = ended(&approved, ApprovalState::Done, &outcome);
        decide(&tx, &approved, &done).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Carries out what was approved and calls WeChat. Only a refusal ends it: after anything else the refund may be on
    /// its way, and the next look goes on with it.
    async fn carry_approved_out(
        &self,
        approved: &Approval,
        by: &Actor,
    ) -> Result<Approval, OperationError> {
        let ended = match Box::pin(self.refund_approved(approved, by)).await {
            Ok(refund) => ended(approved, ApprovalState::Done, &refund),
            Err(error) if error.is_refusal() => {
                ended(approved, ApprovalState::Failed, &error.to_string())
            }
            Err(error) => {
                tracing::warn!(approval.id = %approved.id, error = &error as &dyn std::error::Error,
                    "what was approved is carried out later");
                return Ok(approved.clone());
            }
        };
        let tx = self.storage().begin().await?;
        decide(&tx, approved, &ended).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Carries out what was approved and not finished, after a crash or while WeChat was away; returns how many ended.
    pub async fn carry_out_approved(&self) -> Result<u64, OperationError> {
        let mut count = 0_u64;
        let by = Actor::system("approvals");
        for approved in approvals::approved_all_tenants(self.storage(), CARRIED_OUT_AT_ONCE).await?
        {
            match self.carry_approved_out(&approved, &by).await {
                Ok(ended) if ended.state != ApprovalState::Approved => {
                    count = count.saturating_add(1);
                }
                // Another node was first.
                Ok(_) | Err(OperationError::VersionConflict) => {}
                Err(error) => {
                    tracing::error!(approval.id = %approved.id, error = &error as &dyn std::error::Error,
                        "what was approved was not carried out");
                }
            }
        }
        Ok(count)
    }

    /// Refuses a request of somebody else's. Needs what its kind needs.
    pub async fn reject(
        &self,
        caller: &StaffCaller,
        id: &ApprovalId,
        reason: &str,
    ) -> Result<Approval, OperationError> {
        let before = self.decidable(caller, id).await?;
        let rejected = self.decided(caller, &before, ApprovalState::Rejected, reason)?;
        let tx = self.storage().begin().await?;
        not_invited_by(&tx, &caller.staff_id, before.requested_by.as_str()).await?;
        decide(&tx, &before, &rejected).await?;
        record(&tx, caller, "approval.rejected", &rejected).await?;
        tx.commit().await?;
        Ok(rejected)
    }

    /// A request that this person may decide now.
    async fn decidable(
        &self,
        caller: &StaffCaller,
        id: &ApprovalId,
    ) -> Result<Approval, OperationError> {
        let approval = self.get_approval(caller, id).await?;
        may_decide(caller, &approval, self.now())?;
        caller.require_proof()?;
        Ok(approval)
    }

    fn decided(
        &self,
        caller: &StaffCaller,
        before: &Approval,
        state: ApprovalState,
        reason: &str,
    ) -> Result<Approval, OperationError> {
        Ok(Approval {
            state,
            decided_by: Some(caller.staff_id.clone()),
            decision_reason: Some(check_reason(reason)?.to_owned()),
            decided_at: Some(self.now()),
            ..before.clone()
        })
    }

    /// Ends the requests that nobody decided in time.
    pub async fn expire_approvals(&self) -> Result<u64, OperationError> {
        let tx = self.storage().begin().await?;
        let expired = approvals::expire_all_tenants(&tx, self.now()).await?;
        tx.commit().await?;
        Ok(expired)
    }

    /// Asks that somebody become an owner of the platform. Needs [`Permission::StaffWrite`] and a fresh proof.
    pub async fn ask_ownership(
        &self,
        caller: &StaffCaller,
        id: &StaffId,
        reason: &str,
    ) -> Result<Approval, OperationError> {
        caller.require(Permission::StaffWrite)?;
        let member = staff::find(self.storage(), &caller.scope, id).await?;
        let member = member.ok_or(OperationError::NotFound)?;
        caller.require_proof()?;
        may_become_owner(&member)?;
        let asked = Asked {
            kind: ApprovalKind::GrantOwner,
            scope: StaffScope::Provider,
            target: id.to_string(),
            content: json!({ "staff_id": id, "email": member.email.as_str() }),
        };
        self.ask_approval(caller, asked, reason).await
    }

    /// Makes the person of a request an owner, in place of its other roles.
    async fn grant_owner(
        &self,
        tx: &Tx,
        caller: &StaffCaller,
        approval: &Approval,
    ) -> Result<String, OperationError> {
        let (id, now) = (approval.target.parse::<StaffId>(), self.now());
        let id = id.map_err(|error| OperationError::Internal(error.to_string()))?;
        let before = staff::find(tx, &StaffScope::Provider, &id).await?;
        let before = before.ok_or(OperationError::NotFound)?;
        may_become_owner(&before)?;
        let after = StaffMember {
            roles: vec![Role::PlatformOwner],
            updated_at: now,
            ..before.clone()
        };
        staff::update(tx, &before, &after).await?;
        staff_sessions::end_all(tx, &id, None, now).await?;
        let roles = |member: &StaffMember| -> Vec<&str> {
            member.roles.iter().map(|role| role.as_str()).collect()
        };
        let act = Act {
            before: Some(json!({ "roles": roles(&before) })),
            after: Some(json!({ "roles": roles(&after), "approval": approval.id })),
            reason: Some(&approval.reason),
            ..Act::new(
                scope_of(&StaffScope::Provider),
                "staff.ownership.granted",
                id.as_str(),
            )
        };
        audit::record(tx, &caller.actor(), act, now).await?;
        Ok(format!("{} is an owner", before.email))
    }
}

/// What `caller` may do with a request.
pub fn approval_actions(
    caller: &StaffCaller,
    approval: &Approval,
    now: tributary_domain::clock::Timestamp,
) -> Vec<Action> {
    vec![
        Action::when("approve", may_decide(caller, approval, now)),
        Action::when("reject", may_decide(caller, approval, now)),
    ]
}

fn sees(caller: &StaffCaller, kind: ApprovalKind) -> bool {
    caller.may(kind.permission()) || caller.may(Permission::AuditRead)
}

fn may_decide(
    caller: &StaffCaller,
    approval: &Approval,
    now: tributary_domain::clock::Timestamp,
) -> Result<(), OperationError> {
    caller.require(approval.kind.permission())?;
    if caller.invited_by.as_deref() == Some(approval.requested_by.as_str()) {
        return Err(OperationError::InvitedByRequester);
    }
    match approval.may_be_decided(&caller.staff_id, now) {
        Ok(()) => Ok(()),
        Err(DecisionRefusal::Own) => Err(OperationError::OwnRequest),
        Err(DecisionRefusal::NotOpen(state)) => Err(OperationError::StateConflict {
            state: state.as_str().to_owned(),
        }),
    }
}

/// Whether somebody could be made an owner of the platform.
pub(crate) fn may_become_owner(member: &StaffMember) -> Result<(), OperationError> {
    let refuse = |state: &str| {
        let state = state.to_owned();
        Err(OperationError::StateConflict { state })
    };
    if member.scope.tenant().is_some() {
        return refuse("a member of a tenant");
    }
    if member.roles.contains(&Role::PlatformOwner) {
        return refuse("an owner already");
    }
    match member.state {
        StaffState::Active => Ok(()),
        state => refuse(state.as_str()),
    }
}

/// Refuses a second person whom the first one invited, as the account is now: whoever made an invitation could have taken
/// it up, and would decide alone.
pub(crate) async fn not_invited_by(
    tx: &Tx,
    decider: &StaffId,
    requester: &str,
) -> Result<(), OperationError> {
    let decider = staff::find(tx, &StaffScope::Provider, decider).await?;
    let decider = decider.ok_or(OperationError::SignedOut)?;
    if decider.invited_by.as_deref() == Some(requester) {
        return Err(OperationError::InvitedByRequester);
    }
    Ok(())
}

/// Whoever decided first has decided.
async fn decide(tx: &Tx, before: &Approval, after: &Approval) -> Result<(), OperationError> {
    match approvals::update(tx, before, after).await {
        Err(error) if error.is_stale() => Err(OperationError::VersionConflict),
        other => Ok(other?),
    }
}

/// The longest outcome that a row takes.
const OUTCOME_CHARS_MAX: usize = 191;

fn ended(approved: &Approval, state: ApprovalState, outcome: &str) -> Approval {
    Approval {
        state,
        outcome: Some(outcome.chars().take(OUTCOME_CHARS_MAX).collect()),
        ..approved.clone()
    }
}

/// Lets one request about an order be made at a time.
async fn hold_subject(tx: &Tx, approval: &Approval) -> Result<(), OperationError> {
    if approval.kind == ApprovalKind::RefundAboveLimit
        && let StaffScope::Tenant(tenant) = &approval.scope
        && let Ok(order) = approval.target.parse::<OrderId>()
    {
        orders::lock(tx, tenant, &order).await?;
    }
    Ok(())
}

async fn record(
    tx: &Tx,
    caller: &StaffCaller,
    action: &'static str,
    approval: &Approval,
) -> Result<(), OperationError> {
    let at = approval.decided_at.unwrap_or(approval.created_at);
    let reason = approval.decision_reason.as_deref();
    let act = Act {
        after: Some(json!({
            "kind": approval.kind.as_str(),
            "target": approval.target,
            "content": approval.content,
            "requested_by": approval.requested_by,
        })),
        reason: Some(reason.unwrap_or(&approval.reason)),
        ..Act::new(scope_of(&approval.scope), action, approval.id.as_str())
    };
    audit::record(tx, &caller.actor(), act, at).await
}
