//! The tenant API: one file per noun. A handler authenticates, parses, makes one call into operations, renders.

mod bills;
mod deliveries;
mod event_types;
mod events;
mod me;
mod miniprogram_sessions;
mod orders;
mod platform_certificates;
mod reconciliation;
mod refunds;
mod timeline;
mod webhook_endpoints;

use std::str::FromStr;

use poem_openapi::Tags;

use crate::problem::{Problem, ProblemCode};

pub(crate) use bills::BillsApi;
pub(crate) use deliveries::DeliveriesApi;
pub(crate) use event_types::{EventTypeDescription, EventTypesApi};
pub(crate) use events::EventsApi;
pub(crate) use me::MeApi;
pub(crate) use miniprogram_sessions::MiniprogramSessionsApi;
pub(crate) use orders::OrdersApi;
pub(crate) use platform_certificates::PlatformCertificatesApi;
pub(crate) use reconciliation::ReconciliationApi;
pub(crate) use refunds::{RedirectionType, RefundRedirection, RefundsApi};
pub(crate) use timeline::{Download, TimelineApi, timeline_place};
pub(crate) use webhook_endpoints::WebhookEndpointsApi;

/// Every operation, in the order of the document.
pub(crate) type TenantApi = (
    OrdersApi,
    RefundsApi,
    TimelineApi,
    BillsApi,
    ReconciliationApi,
    MiniprogramSessionsApi,
    EventsApi,
    EventTypesApi,
    WebhookEndpointsApi,
    DeliveriesApi,
    MeApi,
    PlatformCertificatesApi,
);

/// The whole API. It holds nothing: a session brings what a handler needs.
pub(crate) const TENANT_API: TenantApi = (
    OrdersApi,
    RefundsApi,
    TimelineApi,
    BillsApi,
    ReconciliationApi,
    MiniprogramSessionsApi,
    EventsApi,
    EventTypesApi,
    WebhookEndpointsApi,
    DeliveriesApi,
    MeApi,
    PlatformCertificatesApi,
);

/// How the operations are grouped.
#[derive(Tags)]
#[oai(rename_all = "kebab-case")]
enum Tag {
    /// What a payer is asked to pay.
    Orders,
    /// Money on its way back to a payer.
    Refunds,
    /// WeChat's bills, and what differs from them.
    Reconciliation,
    /// Turns a mini-program's login code into an openid.
    MiniprogramSessions,
    /// What happened, in an order without holes.
    Events,
    /// Where events are sent to.
    WebhookEndpoints,
    /// One event on its way to one endpoint.
    Deliveries,
    /// Whom a credential belongs to.
    Account,
    /// How calls are authenticated, and answers verified.
    Authentication,
}

/// An id in a path; one that cannot exist is as absent as one that does not.
pub(crate) fn path_id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::of(ProblemCode::NotFound))
}
