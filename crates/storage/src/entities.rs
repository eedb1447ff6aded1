//! The tables as sea-orm sees them. Private: what leaves this crate are domain values.

pub(crate) mod alarms;
pub(crate) mod api_keys;
pub(crate) mod attempts;
pub(crate) mod data_keys;
pub(crate) mod deliveries;
pub(crate) mod delivery_attempts;
pub(crate) mod delivery_queue;
pub(crate) mod endpoint_secrets;
pub(crate) mod endpoints;
pub(crate) mod events;
pub(crate) mod feed_heads;
pub(crate) mod idempotency_keys;
pub(crate) mod lanes;
pub(crate) mod late_payments;
pub(crate) mod leases;
pub(crate) mod notifications;
pub(crate) mod openids;
pub(crate) mod orders;
pub(crate) mod platform_keys;
pub(crate) mod providers;
pub(crate) mod refunds;
pub(crate) mod sub_apps;
pub(crate) mod sub_merchants;
pub(crate) mod tenants;
pub(crate) mod upstream_calls;
