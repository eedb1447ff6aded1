//! What staff do about bills: compare a day, see what differs, put it away.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tributary_domain::bill::BillDay;
use tributary_domain::ids::{DiscrepancyId, ProviderId, TenantId};
use tributary_domain::reconciliation::{Discrepancy, DiscrepancyState};
use tributary_domain::staff::Actor;
use tributary_operations::Operations;
use tributary_operations::reconciliation::view::{discrepancy_view, reconciliation_view};
use tributary_operations::reconciliation::{Closing, DiscrepancyFilter, Outcome};

use crate::cli::{CloseDiscrepancy, Discrepancies, Reconcile, ReconciliationDay};

/// How often and how long `--wait` looks for a bill: four hours, as the daily run does.
const WAITS_MAX: u32 = 480;
const WAIT: Duration = Duration::from_secs(30);

pub(super) async fn reconcile(operations: &Operations, args: Reconcile) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let day: BillDay = args.date.parse().context("date")?;
    let waits = if args.wait { WAITS_MAX } else { 0 };
    for waited in 0..=waits {
        let outcome = operations.reconcile(&provider, day).await?;
        let is_last = waited == waits;
        match outcome {
            Outcome::Completed(run) => return Ok(json!(reconciliation_view(&run))),
            Outcome::Waiting(run) if is_last => return Ok(json!(reconciliation_view(&run))),
            Outcome::Busy if is_last => return Ok(json!({"state": "busy"})),
            Outcome::Waiting(_) | Outcome::Busy => tokio::time::sleep(WAIT).await,
        }
    }
    Ok(Value::Null)
}

pub(super) async fn discrepancies(
    operations: &Operations,
    args: Discrepancies,
) -> anyhow::Result<Value> {
    let state = match args.state.as_deref() {
        Some(word) => Some(DiscrepancyState::parse(word).with_context(|| {
            format!("there is no state {word}; open, explained, fixed, closed")
        })?),
        None => None,
    };
    let provider = args.provider.as_deref().map(str::parse::<ProviderId>);
    let day = args.date.as_deref().map(str::parse::<BillDay>);
    let cursor = args.cursor.as_deref().map(str::parse::<DiscrepancyId>);
    let filter = DiscrepancyFilter {
        provider_id: provider.transpose().context("provider")?,
        day: day.transpose().context("date")?,
        state,
        number: None,
        tenant_id: None,
    };
    let cursor = cursor.transpose().context("cursor")?;
    let page = operations
        .list_discrepancies(&filter, cursor.as_ref())
        .await?;
    Ok(json!({
        "discrepancies": page.items.iter().map(shown).collect::<Vec<_>>(),
        "next_cursor": page.next_cursor,
    }))
}

pub(super) async fn close(
    operations: &Operations,
    by: &Actor,
    args: CloseDiscrepancy,
) -> anyhow::Result<Value> {
    let id: DiscrepancyId = args.discrepancy.parse().context("discrepancy")?;
    let closing = Closing {
        actor: args.actor,
        reason: args.reason,
    };
    let closed = operations.close_discrepancy(by, &id, &closing).await?;
    Ok(shown(&closed))
}

pub(super) async fn day(operations: &Operations, args: ReconciliationDay) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let day: BillDay = args.date.parse().context("date")?;
    let view = operations
        .tenant_day(&tenant, args.mode.into(), day)
        .await?;
    Ok(json!(view))
}

/// What a tenant sees, and beside it what is for staff.
fn shown(found: &Discrepancy) -> Value {
    let mut shown = json!(discrepancy_view(found));
    let for_staff = json!({
        "provider_id": found.provider_id,
        "tenant_id": found.tenant_id,
        "owner": found.owner,
        "actor": found.actor,
        "evidence": found.evidence,
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), for_staff) {
        shown.extend(more);
    }
    shown
}
