//! People with accounts: how they come, sign in, prove their presence, and how others manage them.
//!
//! Read `caller.rs` for what a person may do, `sign_in.rs` for how a session begins, `sessions.rs` for its life.

mod caller;
mod enrolment;
mod invitations;
mod manage;
mod me;
mod passwords;
mod recovery;
mod requests;
mod sessions;
mod sign_in;
mod throttle;
mod tokens;
mod totp;

use tributary_domain::audit::AuditScope;
use tributary_domain::staff_member::StaffScope;

pub use caller::{Origin, StaffCaller};
pub use enrolment::OfferedTotp;
pub use invitations::{Acceptance, Invitation, NewStaff};
pub use manage::{StaffChange, StaffListing, staff_actions};
pub use me::MeView;
pub use passwords::PasswordCost;
pub use requests::Begun;
pub use sessions::{Proof, Renewal};
pub use sign_in::{OpenedSession, SecondFactor, SignIn};
pub use tokens::ACCESS_SECONDS;
pub use totp::code_at;

pub(crate) use manage::check_reason;
pub(crate) use passwords::Passwords;
pub(crate) use throttle::Addresses;
pub(crate) use tokens::TokenKeys;

/// Whose chain of the audit log an act about people of this scope belongs to.
pub(crate) fn scope_of(scope: &StaffScope) -> AuditScope {
    match scope {
        StaffScope::Provider => AuditScope::Platform,
        StaffScope::Tenant(id) => AuditScope::Tenant(id.clone()),
    }
}
