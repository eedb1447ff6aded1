//! The admin API: one file per noun. A handler authenticates, parses, makes one call into operations, renders.
//!
//! Read `staff.rs` for what a noun looks like, `guards.rs` for who may call, `edits.rs` and `once.rs` for edits and
//! repetitions. A noun's limits, examples and error answers are a table of its own, `openapi/admin/<noun>.json`.

mod actions;
mod approvals;
mod audit;
mod credentials;
mod deliveries;
mod edits;
pub(crate) mod guards;
mod inbox;
mod invitations;
mod jobs;
mod me;
mod notifications;
mod once;
mod orders;
mod permissions;
mod providers;
mod reconciliation;
mod refund_limit;
mod refunds;
mod search;
mod session;
mod staff;
mod sub_merchants;
mod system;
mod tenants;
mod views;

use poem_openapi::{ApiResponse, Tags};

pub(crate) use approvals::ApprovalsApi;
pub(crate) use audit::AuditApi;
pub(crate) use credentials::CredentialsApi;
pub(crate) use deliveries::DeliveriesApi;
pub(crate) use inbox::InboxApi;
pub(crate) use invitations::InvitationsApi;
pub(crate) use jobs::JobsApi;
pub(crate) use me::MeApi;
pub(crate) use notifications::NotificationsApi;
pub(crate) use orders::OrdersApi;
pub(crate) use permissions::PermissionsApi;
pub(crate) use providers::ProvidersApi;
pub(crate) use reconciliation::ReconciliationApi;
pub(crate) use refund_limit::RefundLimitApi;
pub(crate) use refunds::RefundsApi;
pub(crate) use search::SearchApi;
pub(crate) use session::SessionApi;
pub(crate) use staff::StaffApi;
pub(crate) use sub_merchants::SubMerchantsApi;
pub(crate) use system::SystemApi;
pub(crate) use tenants::TenantsApi;

/// Every operation, in the order of the document.
pub(crate) type AdminApi = (
    (
        SessionApi,
        MeApi,
        StaffApi,
        InvitationsApi,
        PermissionsApi,
        ApprovalsApi,
        RefundLimitApi,
        AuditApi,
    ),
    (TenantsApi, SubMerchantsApi),
    CredentialsApi,
    ProvidersApi,
    ConsoleApi,
);

/// What people look at and do.
pub(crate) type ConsoleApi = (
    SearchApi,
    OrdersApi,
    RefundsApi,
    DeliveriesApi,
    NotificationsApi,
    InboxApi,
    ReconciliationApi,
    JobsApi,
    SystemApi,
);

/// The whole API. It holds nothing: a session brings what a handler needs.
pub(crate) const ADMIN_API: AdminApi = (
    (
        SessionApi,
        MeApi,
        StaffApi,
        InvitationsApi,
        PermissionsApi,
        ApprovalsApi,
        RefundLimitApi,
        AuditApi,
    ),
    (TenantsApi, SubMerchantsApi),
    CredentialsApi,
    ProvidersApi,
    (
        SearchApi,
        OrdersApi,
        RefundsApi,
        DeliveriesApi,
        NotificationsApi,
        InboxApi,
        ReconciliationApi,
        JobsApi,
        SystemApi,
    ),
);

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
    /// The platform's customers.
    Tenants,
    /// Whom WeChat Pay pays, with their apps.
    SubMerchants,
    /// What tenants prove themselves with.
    Credentials,
    /// Everything that has a number or a name.
    Search,
    /// What payers are asked to pay.
    Orders,
    /// Money on its way back to payers.
    Refunds,
    /// Events on their way to tenants, and where they are sent to.
    Deliveries,
    /// What WeChat told us.
    Notifications,
    /// What waits for a person.
    Inbox,
    /// WeChat's bills, and what differs from them.
    Reconciliation,
    /// Long work in the background.
    Jobs,
    /// Figures, and how the installation is.
    System,
    /// Providers and their keys.
    Providers,
    /// What a second person must approve.
    Approvals,
    /// What was done, by whom.
    Audit,
}

/// An answer without a body.
#[derive(ApiResponse)]
enum Gone {
    /// Done.
    #[oai(status = 204)]
    Done,
}
