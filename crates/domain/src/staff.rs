//! Who manages the platform: roles, what each may do, and who did something.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, SessionId, StaffId};
use crate::state_words::state_words;

state_words! {
    /// What a person was made responsible for.
    Role {
        /// Everything; approves keys and roles.
        PlatformOwner = "platform_owner",
        /// Tenants, providers, keys with approval, endpoints; payers masked.
        PlatformOps = "platform_ops",
        /// Money: refunds and their approval, held money, bills, reconciliation.
        PlatformFinance = "platform_finance",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
        /// Explains orders, replays one delivery, asks for a refund; payers masked.
        Support = "support",
        /// Everything of one tenant.
        TenantOwner = "tenant_owner",
        /// Keys, certificates, endpoints and deliveries of one tenant.
        TenantDev = "tenant_dev",
        /// Orders, refunds and bills of one tenant.
        TenantFinance = "tenant_finance",
        /// Reads what one tenant owns.
        TenantViewer = "tenant_viewer",
    }
}

state_words! {
    /// One thing that a role may do.
    Permission {
        /// See orders and their time lines.
        OrderRead = "order:read",
        /// Ask WeChat about an order.
        OrderQuery = "order:query",
        /// Close an unpaid order.
        OrderClose = "order:close",
        /// Export lists of orders.
        OrderExport = "order:export",
        /// See refunds.
        RefundRead = "refund:read",
        /// Ask for a refund.
        RefundCreate = "refund:create",
        /// Approve somebody else's refund above the limit.
        RefundApprove = "refund:approve",
        /// Decide about late money that is held.
        LatePaymentDecide = "late_payment:decide",
        /// See who paid, unmasked.
        PayerRead = "payer:read",
        /// Export who paid.
        PayerExport = "payer:export",
        /// See endpoints and deliveries.
        WebhookRead = "webhook:read",
        /// Change endpoints and their secrets.
        WebhookWrite = "webhook:write",
        /// Send one delivery again.
        WebhookReplay = "webhook:replay",
        /// Send a window of deliveries again.
        WebhookRecover = "webhook:recover",
        /// See what WeChat told us.
        NotificationRead = "notification:read",
        /// Let a kept notification in again.
        NotificationReprocess = "notification:reprocess",
        /// See bills.
        BillRead = "bill:read",
        /// Fetch bills again.
        BillPull = "bill:pull",
        /// See what differs from the bills.
        ReconciliationRead = "reconciliation:read",
        /// Explain and close differences and days.
        ReconciliationClose = "reconciliation:close",
        /// See tenants, sub-merchants and apps.
        TenantRead = "tenant:read",
        /// Change tenants, sub-merchants and apps.
        TenantWrite = "tenant:write",
        /// See providers and their key rings.
        ProviderRead = "provider:read",
        /// Change providers and their settings.
        ProviderWrite = "provider:write",
        /// Put keys of a provider in, test and retire them.
        KeyImport = "key:import",
        /// Approve keys of a provider that somebody else put in.
        KeyApprove = "key:approve",
        /// See API keys and certificates of tenants.
        CredentialRead = "credential:read",
        /// Make and withdraw API keys and certificates of tenants.
        CredentialWrite = "credential:write",
        /// See staff and members.
        StaffRead = "staff:read",
        /// Invite, change and suspend staff and members.
        StaffWrite = "staff:write",
        /// Approve what somebody else wants to make of roles.
        StaffApprove = "staff:approve",
        /// Read the audit log.
        AuditRead = "audit:read",
        /// Export the audit log.
        AuditExport = "audit:export",
        /// See background jobs.
        JobRead = "job:read",
        /// Pause and cancel background jobs.
        JobControl = "job:control",
        /// See queues, sweepers, versions and health.
        SystemRead = "system:read",
        /// See figures of the overview.
        StatisticsRead = "statistics:read",
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Role {
    /// Whether the role sees one tenant only.
    pub const fn is_of_tenant(self) -> bool {
        matches!(
            self,
            Self::TenantOwner | Self::TenantDev | Self::TenantFinance | Self::TenantViewer
        )
    }

    /// Whether a second factor must be enrolled before anything else.
    pub const fn needs_second_factor(self) -> bool {
        !self.is_of_tenant() || matches!(self, Self::TenantOwner)
    }

    /// Whether the role grants the permission. A tenant's roles grant it within their tenant only.
    pub fn grants(self, permission: Permission) -> bool {
        match self {
            Self::PlatformOwner => true,
            Self::Auditor => AUDITOR.contains(&permission),
            Self::PlatformOps => OPERATIONS.contains(&permission),
            Self::PlatformFinance => FINANCE.contains(&permission),
            Self::Support => SUPPORT.contains(&permission),
            Self::TenantOwner => TENANT_OWNER.contains(&permission),
            Self::TenantDev => TENANT_DEV.contains(&permission),
            Self::TenantFinance => TENANT_FINANCE.contains(&permission),
            Self::TenantViewer => TENANT_VIEWER.contains(&permission),
        }
    }

    /// Everything that the role grants.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.grants(*permission))
    }
}

use Permission as P;

const OPERATIONS: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::OrderClose,
    P::RefundRead,
    P::RefundCreate,
    P::WebhookRead,
    P::WebhookWrite,
    P::WebhookReplay,
    P::WebhookRecover,
    P::NotificationRead,
    P::NotificationReprocess,
    P::TenantRead,
    P::TenantWrite,
    P::ProviderRead,
    P::ProviderWrite,
    P::KeyImport,
    P::CredentialRead,
    P::JobRead,
    P::JobControl,
    P::SystemRead,
    P::StatisticsRead,
];

const FINANCE: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::OrderExport,
    P::RefundRead,
    P::RefundCreate,
    P::RefundApprove,
    P::LatePaymentDecide,
    P::PayerRead,
    P::PayerExport,
    P::BillRead,
    P::BillPull,
    P::ReconciliationRead,
    P::ReconciliationClose,
    P::TenantRead,
    P::JobRead,
    P::JobControl,
    P::StatisticsRead,
];

const AUDITOR: &[Permission] = &[
    P::OrderRead,
    P::RefundRead,
    P::PayerRead,
    P::WebhookRead,
    P::NotificationRead,
    P::BillRead,
    P::ReconciliationRead,
    P::TenantRead,
    P::ProviderRead,
    P::CredentialRead,
    P::StaffRead,
    P::AuditRead,
    P::AuditExport,
    P::JobRead,
    P::SystemRead,
    P::StatisticsRead,
];

const SUPPORT: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::RefundRead,
    P::RefundCreate,
    P::WebhookRead,
    P::WebhookReplay,
    P::NotificationRead,
    P::TenantRead,
    P::StatisticsRead,
];

const TENANT_OWNER: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::OrderClose,
    P::OrderExport,
    P::RefundRead,
    P::RefundCreate,
    P::RefundApprove,
    P::LatePaymentDecide,
    P::PayerRead,
    P::PayerExport,
    P::WebhookRead,
    P::WebhookWrite,
    P::WebhookReplay,
    P::WebhookRecover,
    P::BillRead,
    P::ReconciliationRead,
    P::ReconciliationClose,
    P::TenantRead,
    P::CredentialRead,
    P::CredentialWrite,
    P::StaffRead,
    P::StaffWrite,
    P::AuditRead,
    P::AuditExport,
    P::JobRead,
    P::JobControl,
    P::StatisticsRead,
];

const TENANT_DEV: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::RefundRead,
    P::WebhookRead,
    P::WebhookWrite,
    P::WebhookReplay,
    P::WebhookRecover,
    P::TenantRead,
    P::CredentialRead,
    P::CredentialWrite,
    P::JobRead,
    P::JobControl,
    P::StatisticsRead,
];

const TENANT_FINANCE: &[Permission] = &[
    P::OrderRead,
    P::OrderQuery,
    P::OrderExport,
    P::RefundRead,
    P::RefundCreate,
    P::PayerRead,
    P::BillRead,
    P::ReconciliationRead,
    P::ReconciliationClose,
    P::TenantRead,
    P::JobRead,
    P::StatisticsRead,
];

const TENANT_VIEWER: &[Permission] = &[
    P::OrderRead,
    P::RefundRead,
    P::WebhookRead,
    P::BillRead,
    P::TenantRead,
    P::StatisticsRead,
];

/// Who did something, as the audit log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: String,
    session: Option<SessionId>,
    ip: Option<IpAddr>,
    request_id: Option<String>,
}

impl Actor {
    /// A person who is signed in.
    pub fn staff(id: &StaffId, session: &SessionId) -> Self {
        Self {
            session: Some(session.clone()),
            ..Self::named(id.to_string())
        }
    }

    /// Whoever has the command line of the machine; `user` is the name that the machine knows.
    pub fn operator(user: &str) -> Self {
        Self::named(format!("operator:{user}"))
    }

    /// A tenant's program, by its API key.
    pub fn api_key(id: &ApiKeyId) -> Self {
        Self::named(id.to_string())
    }

    /// The platform itself, in one of its parts.
    pub fn system(part: &'static str) -> Self {
        Self::named(format!("system:{part}"))
    }

    fn named(who: String) -> Self {
        Self {
            who,
            session: None,
            ip: None,
            request_id: None,
        }
    }

    /// The same, with where the request came from.
    #[must_use]
    pub fn from_request(mut self, ip: Option<IpAddr>, request_id: Option<&str>) -> Self {
        self.ip = ip;
        self.request_id = request_id.map(str::to_owned);
        self
    }

    /// The name in the log: `stf_…`, `key_…`, `operator:…` or `system:…`.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Whether it is whoever has the machine, or the platform itself: neither a person nor a tenant's program.
    pub fn is_of_machine(&self) -> bool {
        self.who.starts_with("operator:") || self.who.starts_with("system:")
    }

    /// The session of a person.
    pub const fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Where the request came from.
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
    }

    #[test]
    fn an_auditor_only_reads_and_exports_the_log() {
        for permission in Role::Auditor.permissions() {
            let word = permission.as_str();
            assert!(word.ends_with(":read") || word == "audit:export", "{word}");
        }
    }

    #[test]
    fn only_owners_and_tenants_make_api_keys_and_only_owners_approve_keys_of_providers() {
        let holders = |permission| -> Vec<Role> {
            let all = Role::ALL.iter().copied();
            all.filter(|role| role.grants(permission)).collect()
        };
        let makers = holders(Permission::CredentialWrite);
        assert_eq!(
            makers,
            [Role::PlatformOwner, Role::TenantOwner, Role::TenantDev]
        );
        assert_eq!(holders(Permission::KeyApprove), [Role::PlatformOwner]);
        assert_eq!(
            holders(Permission::KeyImport),
            [Role::PlatformOwner, Role::PlatformOps]
        );
    }

    #[test]
    fn support_and_operations_see_no_payer_and_may_ask_for_a_refund_but_not_approve_one() {
        for role in [Role::Support, Role::PlatformOps] {
            assert!(!role.grants(Permission::PayerRead));
            assert!(role.grants(Permission::RefundCreate));
            assert!(!role.grants(Permission::RefundApprove));
        }
    }

    #[test]
    fn no_role_of_a_tenant_touches_what_belongs_to_the_platform() {
        let platforms = [
            Permission::ProviderRead,
            Permission::ProviderWrite,
            Permission::KeyImport,
            Permission::KeyApprove,
            Permission::TenantWrite,
            Permission::NotificationRead,
            Permission::NotificationReprocess,
            Permission::SystemRead,
            Permission::BillPull,
            Permission::StaffApprove,
        ];
        for role in Role::ALL.iter().filter(|role| role.is_of_tenant()) {
            for permission in platforms {
                assert!(!role.grants(permission), "{role} {permission}");
            }
        }
    }

    #[test]
    fn platform_roles_and_tenant_owners_need_a_second_factor() {
        let exempt: Vec<&Role> = Role::ALL
            .iter()
            .filter(|role| !role.needs_second_factor())
            .collect();
        assert_eq!(
            exempt,
            [&Role::TenantDev, &Role::TenantFinance, &Role::TenantViewer]
        );
    }
}
