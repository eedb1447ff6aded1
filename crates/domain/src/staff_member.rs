//! A person with an account: staff of the platform, or a member of one tenant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{SessionId, StaffId, TenantId};
use crate::staff::Role;
use crate::state_words::state_words;

const EMAIL_CHARS_MAX: usize = 191;

state_words! {
    /// Whether a person may sign in.
    StaffState {
        /// Was asked to come and has not set a password yet.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// May not, until somebody allows it again.
        Suspended = "suspended",
    }
}

/// An e-mail address, in lower case: the name that a person signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address of at most {EMAIL_CHARS_MAX} characters")]
pub struct ParseEmailError;

impl Email {
    /// Reads an address; whether a mailbox is behind it only the mailbox can tell.
    pub fn parse(text: &str) -> Result<Self, ParseEmailError> {
        let text = text.trim().to_lowercase();
        let (local, host) = text.rsplit_once('@').ok_or(ParseEmailError)?;
        let is_fit = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;\"'\\".contains(c);
        let whole = !local.is_empty() && host.contains('.') && !host.starts_with('.');
        if !whole || !text.chars().all(is_fit) || text.chars().count() > EMAIL_CHARS_MAX {
            return Err(ParseEmailError);
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person may see: every tenant, or one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StaffScope {
    /// The provider's own staff.
    Provider,
    /// Members of this tenant.
    Tenant(TenantId),
}

impl StaffScope {
    /// The one tenant, if it is one.
    pub const fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Provider => None,
            Self::Tenant(id) => Some(id),
        }
    }

    /// The scope of rows that name this tenant, or none.
    pub fn of_row(tenant: Option<TenantId>) -> Self {
        tenant.map_or(Self::Provider, Self::Tenant)
    }

    /// Whether people of this scope may hold the role.
    pub const fn allows(&self, role: Role) -> bool {
        match self {
            Self::Provider => !role.is_of_tenant(),
            Self::Tenant(_) => role.is_of_tenant(),
        }
    }
}

/// A person with an account, without what it signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// Its id.
    pub id: StaffId,
    /// What it may see.
    pub scope: StaffScope,
    /// What it signs in with.
    pub email: Email,
    /// What others call it.
    pub name: String,
    /// Whether it may sign in.
    pub state: StaffState,
    /// What it is responsible for.
    pub roles: Vec<Role>,
    /// Since when it has a second factor.
    pub second_factor_at: Option<Timestamp>,
    /// When it last signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// Until when its invitation may be taken up.
    pub invitation_expires_at: Option<Timestamp>,
    /// Who made its last invitation, as the audit log names people, and so could have taken it up.
    pub invited_by: Option<String>,
    /// Counts its changes; an edit names the one it read.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl StaffMember {
    /// Whether it must enrol a second factor before anything else.
    pub fn must_enrol(&self) -> bool {
        self.second_factor_at.is_none() && self.roles.iter().any(|role| role.needs_second_factor())
    }
}

/// A person's stay between signing in and out, without its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub staff_id: StaffId,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub used_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When the person last proved its presence.
    pub proven_at: Timestamp,
    /// Where it was begun.
    pub ip: Option<String>,
    /// The browser, as it calls itself.
    pub user_agent: String,
}

/// How long a session may lie unused.
pub const IDLE_MS: i64 = 30 * 60_000;
/// How long a session may last.
pub const ABSOLUTE_MS: i64 = 12 * 3_600_000;
/// How long a proof of presence is good for.
pub const PROOF_MS: i64 = 5 * 60_000;

impl StaffSession {
    /// Whether the session is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ended_at.is_some()
            || now >= self.expires_at
            || now >= self.used_at.plus_millis(IDLE_MS)
    }

    /// Whether the person proved its presence lately.
    pub fn is_proven(&self, now: Timestamp) -> bool {
        now < self.proven_at.plus_millis(PROOF_MS)
    }
}

/// How long an account waits after so many failed sign-ins in a row, in milliseconds.
pub const fn wait_after(failures: i64) -> i64 {
    const MINUTE_MS: i64 = 60_000;
    match failures {
        ..=4 => 0,
        5 => MINUTE_MS,
        6 => 2 * MINUTE_MS,
        7 => 4 * MINUTE_MS,
        8 => 8 * MINUTE_MS,
        9.. => 15 * MINUTE_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_lower_case() {
        let email = Email::parse(" Li.Wei@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "li.wei@example.com");
        assert_eq!(email.local(), "li.wei");
        for bad in [
            "", "a", "@b.c", "a@b", "a@.b", "a b@c.d", "a@b.c\n", "<a@b.c>", "a\0@b.c",
        ] {
            let read = Email::parse(bad).map(|email| email.0);
            assert!(bad.ends_with('\n') || read.is_err(), "{bad:?}: {read:?}");
        }
        assert!(Email::parse(&format!("{}@b.cd", "a".repeat(200))).is_err());
    }

    #[test]
    fn waiting_grows_to_a_quarter_of_an_hour_and_no_further() {
        let minutes: Vec<i64> = (4..12).map(|n| wait_after(n) / 60_000).collect();
        assert_eq!(minutes, [0, 1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(wait_after(i64::MAX), 15 * 60_000);
    }

    #[test]
    fn roles_stay_within_their_scope() {
        let tenant = StaffScope::Tenant(TenantId::new(Timestamp::from_millis(0)));
        for role in Role::ALL {
            assert_ne!(StaffScope::Provider.allows(*role), tenant.allows(*role));
        }
    }

    #[test]
    fn a_session_ends_when_idle_when_old_or_when_ended() {
        let at = Timestamp::from_millis;
        let session = StaffSession {
            id: SessionId::new(at(0)),
            staff_id: StaffId::new(at(0)),
            created_at: at(0),
            used_at: at(0),
            expires_at: at(ABSOLUTE_MS),
            ended_at: None,
            proven_at: at(0),
            ip: None,
            user_agent: String::new(),
        };
        assert!(!session.is_over(at(IDLE_MS - 1)));
        assert!(session.is_over(at(IDLE_MS)));
        let busy = StaffSession {
            used_at: at(ABSOLUTE_MS - 1),
            ..session.clone()
        };
        assert!(!busy.is_over(at(ABSOLUTE_MS - 1)));
        assert!(busy.is_over(at(ABSOLUTE_MS)));
        let ended = StaffSession {
            ended_at: Some(at(1)),
            ..session.clone()
        };
        assert!(ended.is_over(at(2)));
        assert!(session.is_proven(at(PROOF_MS - 1)));
        assert!(!session.is_proven(at(PROOF_MS)));
    }
}
