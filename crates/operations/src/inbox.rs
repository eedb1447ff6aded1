//! What waits for a person: alarms to be looked at, held money to be decided about.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::AlarmId;
use tributary_domain::late_payment::LatePaymentState;
use tributary_domain::staff::{Actor, Permission};
pub use tributary_storage::alarms::{AlarmFilter, AlarmState, SeenAlarm};
use tributary_storage::{alarms, late_payments};

use crate::audit::{self, Act};
use crate::pages::{Page, check_limit, cut};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

const WORDS_CHARS_MAX: usize = 2_000;
/// What waits is counted up to here.
const COUNTED_MAX: u64 = 1_000;

/// How much waits for a person; each is counted up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxCounts {
    /// Open alarms.
    pub alarms: u64,
    /// Held money.
    pub held_payments: u64,
}

impl Operations {
    /// Lists alarms in a state, newest first, as far as the viewer sees. Needs `order:read`.
    pub async fn list_alarms(
        &self,
        viewer: &Viewer,
        filter: &AlarmFilter,
        before: Option<&AlarmId>,
        limit: Option<u64>,
    ) -> Result<Page<SeenAlarm>, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let limit = check_limit(limit)?;
        let (at, longer) = (self.storage(), limit.saturating_add(1));
        let rows = match viewer.tenant() {
            Some(tenant) => alarms::list(at, tenant, filter, before, longer).await?,
            None => alarms::list_all_tenants(at, filter, before, longer).await?,
        };
        Ok(cut(rows, limit, |one| one.alarm.id.to_string()))
    }

    /// Says what became of an alarm; the same alarm is not resolved twice. Needs `order:query`.
    pub async fn resolve_alarm(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &AlarmId,
        words: &str,
    ) -> Result<SeenAlarm, OperationError> {
        viewer.require(Permission::OrderQuery)?;
        let words = words.trim();
        let length = words.chars().count();
        if length == 0 || length > WORDS_CHARS_MAX || words.contains('\0') {
            let reason = format!("must have 1 to {WORDS_CHARS_MAX} characters");
            return Err(OperationError::invalid("/resolution", &reason));
        }
        let known = self.alarm_seen(viewer, id).await?;
        if known.state == AlarmState::Resolved {
            let state = known.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let scope = match &known.alarm.tenant_id {
            Some(tenant) => AuditScope::Tenant(tenant.clone()),
            None => AuditScope::Platform,
        };
        let now = self.now();
        let tx = self.storage().begin().await?;
        alarms::resolve(&tx, id, by.who(), words, now).await?;
        let act = Act {
            before: Some(json!({ "kind": known.alarm.kind })),
            reason: Some(words),
            ..Act::new(scope, "alarm.resolved", id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.alarm_seen(viewer, id).await
    }

    /// How much waits for the viewer.
    pub async fn inbox_counts(&self, viewer: &Viewer) -> Result<InboxCounts, OperationError> {
        viewer.require(Permission::OrderRead)?;
        let at = self.storage();
        let held = LatePaymentState::Held;
        let open = AlarmFilter {
            state: AlarmState::Open,
            kind: None,
        };
        let (alarms, held) = match viewer.tenant() {
            Some(tenant) => (
                alarms::list(at, tenant, &open, None, COUNTED_MAX)
                    .await?
                    .len(),
                late_payments::in_state(at, tenant, held, None, COUNTED_MAX)
                    .await?
                    .len(),
            ),
            None => (
                alarms::list_all_tenants(at, &open, None, COUNTED_MAX)
                    .await?
                    .len(),
                late_payments::in_state_all_tenants(at, held, None, COUNTED_MAX)
                    .await?
                    .len(),
            ),
        };
        Ok(InboxCounts {
            alarms: u64::try_from(alarms).unwrap_or(COUNTED_MAX),
            held_payments: u64::try_from(held).unwrap_or(COUNTED_MAX),
        })
    }

    async fn alarm_seen(&self, viewer: &Viewer, id: &AlarmId) -> Result<SeenAlarm, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => alarms::find(at, tenant, id).await?,
            None => alarms::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }
}
