//! Sessions after their beginning: renewed, proven again, listed, ended.

use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SessionId, StaffId};
use tributary_domain::staff::Actor;
use tributary_domain::staff_member::{StaffScope, StaffSession, StaffState};
use tributary_storage::staff_sessions::{self, KeptSession};
use tributary_storage::{sign_in_failures, staff};
use zeroize::Zeroizing;

use super::caller::{Origin, StaffCaller};
use super::passwords::Compared;
use super::scope_of;
use super::sign_in::{OpenedSession, SecondFactor, use_up};
use super::tokens::hash_of;
use crate::audit::{self, Act};
use crate::{OperationError, Operations};

/// How long the token before the last one still stands for its successor: two tabs renew at once.
const GRACE_MS: i64 = 60_000;
/// Sessions that are listed.
const LISTED_MAX: u64 = 50;

/// How a person proves that it is still there.
pub enum Proof {
    /// By the password.
    Password(Zeroizing<String>),
    /// By a code of the telephone.
    Otp(String),
}

/// What renews a session.
pub struct Renewal {
    /// The token of the cookie.
    pub token: Zeroizing<String>,
    /// What the page sends beside it.
    pub csrf_token: String,
}

impl Operations {
    /// Renews a session: the next access token, and the next token in the cookie.
    pub async fn renew_session(
        &self,
        given: &Renewal,
        origin: &Origin,
    ) -> Result<OpenedSession, OperationError> {
        let now = self.now();
        let kept = self.session_of(given).await?;
        let member = staff::find(
            self.storage(),
            &StaffScope::Provider,
            &kept.session.staff_id,
        )
        .await?;
        let member = member.filter(|member| member.state == StaffState::Active);
        let member = member.ok_or(OperationError::SignedOut)?;
        let next = self.token_keys().await?.next_token(&given.token);
        let next_hash = hash_of("renewal", next.reveal());
        let given_hash = hash_of("renewal", &given.token);
        if given_hash == kept.token_hash {
            let tx = self.storage().begin().await?;
            match staff_sessions::rotate(&tx, &kept, &next_hash, now).await {
                Ok(()) => tx.commit().await?,
                // The other tab was faster, and gave the session the same next token.
                Err(error) if error.is_stale() => tx.rollback().await?,
                Err(error) => return Err(error.into()),
            }
        } else if kept.token_hash != next_hash || is_stale(&kept, now) {
            self.end_stolen(&kept, &member.scope, origin).await?;
            return Err(OperationError::SignedOut);
        }
        self.opened(&kept.session, next, member.must_enrol()).await
    }

    /// The open session behind a cookie, whose page proved to be ours.
    async fn session_of(&self, given: &Renewal) -> Result<KeptSession, OperationError> {
        let hash = hash_of("renewal", &given.token);
        let kept = staff_sessions::find_by_token(self.storage(), &hash).await?;
        let kept = kept.filter(|kept| !kept.session.is_over(self.now()));
        let kept = kept.ok_or(OperationError::SignedOut)?;
        let keys = self.token_keys().await?;
        if !keys.is_csrf_token(&kept.session.id, &given.csrf_token) {
            return Err(OperationError::CrossSite);
        }
        Ok(kept)
    }

    /// A token that was used up comes again: whoever holds the newer one, one of the two is a thief.
    async fn end_stolen(
        &self,
        kept: &KeptSession,
        scope: &StaffScope,
        origin: &Origin,
    ) -> Result<(), OperationError> {
        let (now, session) = (self.now(), &kept.session);
        let tx = self.storage().begin().await?;
        staff_sessions::end(&tx, &session.staff_id, &session.id, now).await?;
        let act = Act::new(scope_of(scope), "session.token_reused", session.id.as_str());
        let by = Actor::system("sign_in").from_request(origin.ip, origin.request_id.as_deref());
        audit::record(&tx, &by, act, now).await?;
        Ok(tx.commit().await?)
    }

    /// Ends the session of a cookie.
    pub async fn sign_out(&self, given: &Renewal, origin: &Origin) -> Result<(), OperationError> {
        let kept = self.session_of(given).await?;
        let now = self.now();
        let session = &kept.session;
        let caller = self
            .caller_of(&session.staff_id, &session.id, origin.clone(), now)
            .await?;
        let caller = caller.ok_or(OperationError::SignedOut)?;
        self.end_session(&caller, &session.id).await
    }

    /// Notes that a person proved its presence, after which it may do for five minutes what needs that.
    pub async fn step_up(&self, caller: &StaffCaller, proof: Proof) -> Result<(), OperationError> {
        let tried = self.begin_try(caller.email.as_str(), caller.ip).await?;
        let now = self.now();
        let account = staff::find_account_all_tenants(self.storage(), &caller.staff_id).await?;
        let account = account.ok_or(OperationError::SignedOut)?;
        let (word, otp) = match proof {
            Proof::Password(password) => {
                let kept = account.password.as_deref();
                let compared = self.inner.passwords.compare(&password, kept).await?;
                if compared == Compared::Wrong {
                    return Err(OperationError::InvalidCredentials);
                }
                ("password", None)
            }
            Proof::Otp(code) => ("totp", Some(SecondFactor::Otp(code))),
        };
        let step = self.totp_step(&account, otp.as_ref()).await?;
        let tx = self.storage().begin().await?;
        if otp.is_some() && !use_up(&tx, &account, otp.as_ref(), step, now).await? {
            return Err(OperationError::InvalidCredentials);
        }
        staff_sessions::prove(&tx, &caller.session_id, now).await?;
        sign_in_failures::clear(&tx, &tried.subject).await?;
        let act = Act {
            after: Some(json!({ "by": word })),
            ..Act::new(
                scope_of(&caller.scope),
                "session.proven",
                caller.session_id.as_str(),
            )
        };
        audit::record(&tx, &caller.actor(), act, now).await?;
        Ok(tx.commit().await?)
    }

    /// The open sessions of the person who asks, the newest first.
    pub async fn own_sessions(
        &self,
        caller: &StaffCaller,
    ) -> Result<Vec<StaffSession>, OperationError> {
        self.open_sessions(&caller.staff_id).await
    }

    /// The open sessions of a person, the newest first.
    pub(super) async fn open_sessions(
        &self,
        staff: &StaffId,
    ) -> Result<Vec<StaffSession>, OperationError> {
        let now = self.now();
        let mut open = staff_sessions::open_of(self.storage(), staff, now, LISTED_MAX).await?;
        open.retain(|session| !session.is_over(now));
        Ok(open)
    }

    /// Ends a session of the person who asks; another's is not found.
    pub async fn end_session(
        &self,
        caller: &StaffCaller,
        id: &SessionId,
    ) -> Result<(), OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        if !staff_sessions::end(&tx, &caller.staff_id, id, now).await? {
            return Err(OperationError::NotFound);
        }
        let act = Act::new(scope_of(&caller.scope), "session.ended", id.as_str());
        audit::record(&tx, &caller.actor(), act, now).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether the token before the last one no longer stands for its successor.
fn is_stale(kept: &KeptSession, now: Timestamp) -> bool {
    now >= kept.rotated_at.plus_millis(GRACE_MS)
}
