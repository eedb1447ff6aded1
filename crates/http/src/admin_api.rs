//! The admin API: one file per noun. A handler authenticates, parses, makes one call into operations, renders.
//!
//! Read `staff.rs` for what a noun looks like, `guards.rs` for who may call, `edits.rs` and `once.rs` for edits and
//! repetitions. A noun's limits, examples and error answers are a table of its own, `openapi/admin/<noun>.json`.

mod actions;
mod edits;
pub(crate) mod guards;
mod invitations;
mod me;
mod once;
mod permissions;
mod session;
mod staff;

use poem_openapi::{ApiResponse, Tags};

pub(crate) use invitations::InvitationsApi;
pub(crate) use me::MeApi;
pub(crate) use permissions::PermissionsApi;
pub(crate) use session::SessionApi;
pub(crate) use staff::StaffApi;

/// Every operation, in the order of the document.
pub(crate) type AdminApi = (SessionApi, MeApi, StaffApi, InvitationsApi, PermissionsApi);

/// The whole API. It holds nothing: a session brings what a handler needs.
pub(crate) const ADMIN_API: AdminApi =
    (SessionApi, MeApi, StaffApi, InvitationsApi, PermissionsApi);

/// How the operations are grouped.
#[derive(Tags)]
#[oai(rename_all = "kebab-case")]
enum Tag {
    /// Signing in and out.
    Session,
    /// Oneself.
    Me,
    /// Staff of the platform and members of tenants.
    Staff,
}

/// An answer without a body.
#[derive(ApiResponse)]
enum Gone {
    /// Done.
    #[oai(status = 204)]
    Done,
}
