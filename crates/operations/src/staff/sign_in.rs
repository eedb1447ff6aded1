//! Signing in: password, second factor, and the session that follows.

use serde_json::json;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{SessionId, TenantId};
use tributary_domain::staff::Actor;
use tributary_domain::staff_member::{ABSOLUTE_MS, Email, StaffScope, StaffSession, StaffState};
use tributary_domain::tenant::TenantState;
use tributary_storage::sealed_columns::PLATFORM;
use tributary_storage::staff::{self, Account};
use tributary_storage::{Tx, sign_in_failures, staff_sessions, tenants};
use zeroize::Zeroizing;

use super::caller::Origin;
use super::enrolment::totp_place;
use super::passwords::Compared;
use super::throttle::Try;
use super::tokens::{ACCESS_SECONDS, hash_of, random_token};
use super::{recovery, scope_of, totp};
use crate::audit::{self, Act};
use crate::credentials::ShownOnce;
use crate::tenants::hold_open;
use crate::{OperationError, Operations, tenancy};

/// Open sessions of one person; the oldest ends when there is one more.
const SESSIONS_MAX: usize = 20;
const USER_AGENT_CHARS_MAX: usize = 150;

/// What a person signs in with.
pub struct SignIn {
    /// The name.
    pub email: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The second factor, once it is asked for.
    pub second_factor: Option<SecondFactor>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// What proves that a person has more than the password.
pub enum SecondFactor {
    /// A code of the telephone.
    Otp(String),
    /// A code of the list that was shown once.
    RecoveryCode(String),
}

impl SecondFactor {
    const fn word(&self) -> &'static str {
        match self {
            Self::Otp(_) => "totp",
            Self::RecoveryCode(_) => "recovery_code",
        }
    }
}

/// A session with what its holder is given.
#[derive(Debug)]
pub struct OpenedSession {
    /// Authenticates calls.
    pub access_token: ShownOnce,
    /// For how many seconds.
    pub expires_in: i64,
    /// Goes beside the cookie.
    pub csrf_token: ShownOnce,
    /// Renews the session; it goes into the cookie.
    pub renewal_token: ShownOnce,
    /// For how many seconds at most.
    pub renewable_for: i64,
    /// Whether the session may only enrol a second factor.
    pub must_enrol: bool,
}

impl Operations {
    /// Begins a session. Whatever is wrong looks alike, and takes as long for a name that nobody has.
    pub async fn sign_in(
        &self,
        given: SignIn,
        origin: Origin,
    ) -> Result<OpenedSession, OperationError> {
        let tried = self.begin_try(&given.email, origin.ip).await?;
        let account = self.account_of(&given.email).await?;
        let kept = account
            .as_ref()
            .and_then(|account| account.password.as_deref());
        let passwords = &self.inner.passwords;
        let compared = passwords.compare(&given.password, kept).await?;
        let account = match (account, compared) {
            (Some(account), Compared::Right | Compared::RightAtOldCost) => account,
            (account, _) => {
                self.note_refusal(account, origin);
                return Err(OperationError::InvalidCredentials);
            }
        };
        if account.totp_secret.is_some() && given.second_factor.is_none() {
            self.take_back(&tried).await?;
            return Err(OperationError::SecondFactorRequired);
        }
        let stronger = match compared {
            Compared::RightAtOldCost => Some(passwords.keep(&given.password).await?),
            _ => None,
        };
        let factor = given.second_factor.as_ref();
        let step = self.totp_step(&account, factor).await?;
        self.open_session(&account, (factor, step), stronger, (&tried, &origin))
            .await
    }

    /// The account of a name; one that may not sign in is as good as none.
    async fn account_of(&self, email: &str) -> Result<Option<Account>, OperationError> {
        let Ok(email) = Email::parse(email) else {
            return Ok(None);
        };
        let account = staff::find_by_email_all_tenants(self.storage(), &email).await?;
        let account = account.filter(|account| account.member.state == StaffState::Active);
        match account.as_ref().and_then(|one| one.member.scope.tenant()) {
            Some(tenant) if !self.is_open(tenant).await? => Ok(None),
            _ => Ok(account),
        }
    }

    /// Whether the people of a tenant may come in.
    async fn is_open(&self, tenant: &TenantId) -> Result<bool, OperationError> {
        let tenant = tenants::find(self.storage(), tenant).await?;
        Ok(tenant.is_some_and(|tenant| tenant.state != TenantState::Closed))
    }

    /// The step of a code, when it is one of the account's.
    pub(super) async fn totp_step(
        &self,
        account: &Account,
        factor: Option<&SecondFactor>,
    ) -> Result<Option<i64>, OperationError> {
        let (Some(SecondFactor::Otp(code)), Some(sealed)) = (factor, &account.totp_secret) else {
            return Ok(None);
        };
        let place = totp_place("totp_secret", account.member.id.as_str());
        let secret = self
            .sealing()
            .open(self.storage(), PLATFORM, &place, sealed)
            .await?;
        Ok(totp::step_of(&secret, code, self.now()))
    }

    async fn open_session(
        &self,
        account: &Account,
        (factor, step): (Option<&SecondFactor>, Option<i64>),
        stronger: Option<String>,
        (tried, origin): (&Try, &Origin),
    ) -> Result<OpenedSession, OperationError> {
        let (now, id) = (self.now(), &account.member.id);
        let tx = self.storage().begin().await?;
        hold_place(&tx, &account.member.scope).await?;
        if account.totp_secret.is_some() && !use_up(&tx, account, factor, step, now).await? {
            drop(tx);
            self.refused(account, "second_factor", origin).await?;
            return Err(OperationError::InvalidCredentials);
        }
        if let (Some(stronger), Some(kept)) = (&stronger, &account.password) {
            staff::set_password(&tx, id, kept, stronger).await?;
        }
        staff::signed_in(&tx, id, now).await?;
        end_oldest(&tx, account, now).await?;
        let session = new_session(account, origin, now);
        let token = random_token();
        staff_sessions::insert(&tx, &session, &hash_of("renewal", token.reveal())).await?;
        sign_in_failures::clear(&tx, &tried.subject).await?;
        let factor = account.totp_secret.as_ref().and(factor);
        let act = Act {
            after: Some(json!({ "second_factor": factor.map(SecondFactor::word) })),
            ..Act::new(
                scope_of(&account.member.scope),
                "session.began",
                session.id.as_str(),
            )
        };
        let by = actor(account, &session.id, origin);
        audit::record(&tx, &by, act, now).await?;
        tx.commit().await?;
        self.opened(&session, token, account.member.must_enrol())
            .await
    }

    /// What the holder of a session is given.
    pub(super) async fn opened(
        &self,
        session: &StaffSession,
        renewal_token: ShownOnce,
        must_enrol: bool,
    ) -> Result<OpenedSession, OperationError> {
        let (now, keys) = (self.now(), self.token_keys().await?);
        Ok(OpenedSession {
            access_token: keys.access_token(&session.staff_id, &session.id, now)?,
            expires_in: ACCESS_SECONDS,
            csrf_token: keys.csrf_token(&session.id),
            renewal_token,
            renewable_for: session.expires_at.as_seconds() - now.as_seconds(),
            must_enrol,
        })
    }

    /// Writes a wrong password down after the answer, whose time must not tell that the account exists.
    fn note_refusal(&self, account: Option<Account>, origin: Origin) {
        let Some(account) = account else { return };
        let operations = self.clone();
        tokio::spawn(tenancy::platform(async move {
            if let Err(error) = operations.refused(&account, "password", &origin).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a refused sign-in was not written down");
            }
        }));
    }

    /// Writes down that somebody failed with an account that exists.
    async fn refused(
        &self,
        account: &Account,
        what: &str,
        origin: &Origin,
    ) -> Result<(), OperationError> {
        let member = &account.member;
        let tx = self.storage().begin().await?;
        let act = Act {
            after: Some(json!({ "wrong": what })),
            ..Act::new(
                scope_of(&member.scope),
                "session.refused",
                member.id.as_str(),
            )
        };
        let by = Actor::system("sign_in").from_request(origin.ip, origin.request_id.as_deref());
        audit::record(&tx, &by, act, self.now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Keeps where a person belongs from being closed until the transaction ends; who belongs to what is closed stays out.
pub(super) async fn hold_place(tx: &Tx, scope: &StaffScope) -> Result<(), OperationError> {
    let Some(tenant) = scope.tenant() else {
        return Ok(());
    };
    match hold_open(tx, tenant).await {
        Err(OperationError::StateConflict { .. }) => Err(OperationError::InvalidCredentials),
        other => other,
    }
}

/// Uses the second factor up; false when it is not one, or not one any more.
pub(super) async fn use_up(
    tx: &Tx,
    account: &Account,
    factor: Option<&SecondFactor>,
    step: Option<i64>,
    now: Timestamp,
) -> Result<bool, OperationError> {
    let id = &account.member.id;
    match (factor, step) {
        (Some(SecondFactor::Otp(_)), Some(step)) => Ok(staff::take_totp_step(tx, id, step).await?),
        (Some(SecondFactor::RecoveryCode(code)), _) => {
            let hash = recovery::hash_of_code(id, code);
            Ok(staff::take_recovery_code(tx, id, &hash, now).await?)
        }
        _ => Ok(false),
    }
}

async fn end_oldest(tx: &Tx, account: &Account, now: Timestamp) -> Result<(), OperationError> {
    let id = &account.member.id;
    let open = staff_sessions::open_of(tx, id, now, 2 * SESSIONS_MAX as u64).await?;
    for old in open.iter().skip(SESSIONS_MAX - 1) {
        staff_sessions::end(tx, id, &old.id, now).await?;
    }
    Ok(())
}

fn new_session(account: &Account, origin: &Origin, now: Timestamp) -> StaffSession {
    let agent = origin.user_agent.as_deref().unwrap_or_default();
    let printable = agent.chars().filter(|c| !c.is_control());
    StaffSession {
        id: SessionId::new(now),
        staff_id: account.member.id.clone(),
        created_at: now,
        used_at: now,
        expires_at: now.plus_millis(ABSOLUTE_MS),
        ended_at: None,
        proven_at: now,
        ip: origin.ip.map(|ip| ip.to_string()),
        user_agent: printable.take(USER_AGENT_CHARS_MAX).collect(),
    }
}

fn actor(account: &Account, session: &SessionId, origin: &Origin) -> Actor {
    Actor::staff(&account.member.id, session).from_request(origin.ip, origin.request_id.as_deref())
}
