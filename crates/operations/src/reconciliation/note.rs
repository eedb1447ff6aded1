//! Writes what a comparison found: one row per difference, an event for whom it concerns, an alarm where a person must act.

use tributary_domain::event::{Draft, EventType, NewEvent, Subject};
use tributary_domain::ids::{DiscrepancyId, OrderId, TenantId};
use tributary_domain::reconciliation::{
    Discrepancy, DiscrepancyClass, DiscrepancyState, Finding, Reconciliation, SubjectKind,
};
use tributary_domain::settlement::Source;
use tributary_storage::{Tx, discrepancies, outbox};

use crate::reconciliation::view::discrepancy_view;
use crate::settlement::{About, raise};
use crate::{OperationError, Operations};

/// Whom a difference waits for.
pub(super) const STAFF: &str = "staff";
const NEXT_BILL: &str = "next_bill";
const PLATFORM: &str = "platform";

/// One run of a day's comparison.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) run: &'a Reconciliation,
    /// Its number among the runs of the day.
    pub(super) pass: i64,
}

/// One difference as a comparison finds it.
pub(super) struct Noted {
    pub(super) subject: SubjectKind,
    pub(super) number: String,
    pub(super) line: i64,
    pub(super) tenant_id: Option<TenantId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) finding: Finding,
    pub(super) evidence: String,
    /// Whether it is understood already, and nothing is wrong.
    pub(super) is_explained: bool,
}

impl Operations {
    /// Writes what one page of a comparison found.
    pub(super) async fn note_all(
        &self,
        seen: &Seen<'_>,
        found: &[Noted],
    ) -> Result<(), OperationError> {
        if found.is_empty() {
            return Ok(());
        }
        let tx = self.storage().begin().await?;
        for noted in found {
            self.note(&tx, seen, noted).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn note(&self, tx: &Tx, seen: &Seen<'_>, noted: &Noted) -> Result<(), OperationError> {
        let new = self.draft(seen, noted);
        match discrepancies::find_same(tx, &new).await? {
            None => {
                discrepancies::insert(tx, &new).await?;
                self.tell_discrepancy(tx, &new, None).await?;
            }
            Some(before) => {
                let is_back = before.state == DiscrepancyState::Fixed && !noted.is_explained;
                let mut after = Discrepancy {
                    local_fen: new.local_fen,
                    bill_fen: new.bill_fen,
                    seen_in: new.seen_in,
                    updated_at: new.updated_at,
                    ..before.clone()
                };
                if is_back {
                    after.state = DiscrepancyState::Open;
                    after.owner = new.owner;
                    after.event_seq = before.event_seq.saturating_add(1);
                }
                discrepancies::update(tx, &before, &after).await?;
                if !is_back {
                    return Ok(());
                }
                self.tell_discrepancy(tx, &after, Some(before.state))
                    .await?;
            }
        }
        let Some(code) = alarm_code(noted.finding.class) else {
            return Ok(());
        };
        let about = About {
            code,
            tenant: noted.tenant_id.as_ref(),
            order: noted.order_id.as_ref(),
        };
        let detail = serde_json::json!({
            "date": seen.run.day,
            "class": noted.finding.class.as_str(),
        });
        let provider = &seen.run.provider_id;
        raise(tx, provider, &about, detail.to_string(), self.now()).await
    }

    fn draft(&self, seen: &Seen<'_>, noted: &Noted) -> Discrepancy {
        let (now, run, class) = (self.now(), seen.run, noted.finding.class);
        Discrepancy {
            id: DiscrepancyId::new(now),
            provider_id: run.provider_id.clone(),
            mode: run.mode,
            day: run.day,
            class,
            subject: noted.subject,
            number: noted.number.clone(),
            line: noted.line,
            tenant_id: noted.tenant_id.clone(),
            order_id: noted.order_id.clone(),
            local_fen: noted.finding.local_fen,
            bill_fen: noted.finding.bill_fen,
            state: if noted.is_explained {
                DiscrepancyState::Explained
            } else {
                DiscrepancyState::Open
            },
            owner: if class.waits() {
                NEXT_BILL
            } else if is_repaired(class) {
                PLATFORM
            } else {
                STAFF
            }
            .to_owned(),
            assignee: None,
            actor: None,
            reason: None,
            evidence: noted.evidence.clone(),
            event_seq: 1,
            seen_in: seen.pass,
            created_at: now,
            updated_at: now,
        }
    }

    /// Brings a discrepancy to another state, and tells whom it concerns.
    pub(super) async fn settle_discrepancy(
        &self,
        before: &Discrepancy,
        mut after: Discrepancy,
    ) -> Result<Discrepancy, OperationError> {
        after.event_seq = before.event_seq.saturating_add(1);
        after.updated_at = self.now();
        let tx = self.storage().begin().await?;
        discrepancies::update(&tx, before, &after).await?;
        self.tell_discrepancy(&tx, &after, Some(before.state))
            .await?;
        tx.commit().await?;
        Ok(after)
    }

    pub(super) async fn tell_discrepancy(
        &self,
        tx: &Tx,
        found: &Discrepancy,
        previous: Option<DiscrepancyState>,
    ) -> Result<(), OperationError> {
        let Some(tenant) = &found.tenant_id else {
            return Ok(());
        };
        let object =
            serde_json::value::to_raw_value(&discrepancy_view(found)).map_err(|error| {
                OperationError::Internal(format!("rendering a discrepancy: {error}"))
            })?;
        let draft = Draft {
            tenant_id: tenant,
            mode: found.mode,
            kind: EventType::ReconciliationDiscrepancy,
            subject: Subject {
                kind: "reconciliation",
                id: found.id.to_string(),
            },
            seq: found.event_seq,
            occurred_at: found.updated_at,
            source: Source::Reconciliation,
            object: &object,
            previous_state: previous.map(DiscrepancyState::as_str),
            sub_mchid: None,
        };
        let once = format!("{}:{}", found.id, found.event_seq);
        let event = NewEvent::from_draft(draft, once, found.updated_at)
            .map_err(|error| OperationError::Internal(format!("rendering an event: {error}")))?;
        outbox::append(tx, &event).await?;
        Ok(())
    }
}

/// What the platform puts right by itself, by asking WeChat.
const fn is_repaired(class: DiscrepancyClass) -> bool {
    matches!(
        class,
        DiscrepancyClass::UnbookedPayment
            | DiscrepancyClass::UnknownRefund
            | DiscrepancyClass::State
    )
}

/// What a person must look at the same day.
const fn alarm_code(class: DiscrepancyClass) -> Option<&'static str> {
    match class {
        DiscrepancyClass::UnknownPayment => Some("bill_unknown_payment"),
        DiscrepancyClass::PaymentAmount => Some("bill_payment_amount"),
        DiscrepancyClass::UnknownRefund => Some("bill_unknown_refund"),
        DiscrepancyClass::RefundAmount => Some("bill_refund_amount"),
        DiscrepancyClass::SubMerchant => Some("bill_sub_merchant"),
        DiscrepancyClass::Duplicate => Some("bill_duplicate"),
        DiscrepancyClass::Integrity => Some("bill_integrity"),
        DiscrepancyClass::Unavailable => Some("bill_unavailable"),
        DiscrepancyClass::FundFlow => Some("bill_fund_flow"),
        DiscrepancyClass::TrialBalance => Some("trial_balance"),
        DiscrepancyClass::MissingPayment
        | DiscrepancyClass::UnbookedPayment
        | DiscrepancyClass::MissingRefund
        | DiscrepancyClass::State
        | DiscrepancyClass::Fee
        | DiscrepancyClass::DayBoundary => None,
    }
}
