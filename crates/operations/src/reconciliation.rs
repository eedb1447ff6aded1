//! The daily comparison of our books with WeChat's bills: when it runs, what it repairs, what it tells.
//!
//! A run may die at any point and is repeated as a whole: the bill is stored once, every difference has one row, and a
//! repair goes through the one door, which knows what it knows.

mod close;
mod compare;
pub mod days;
mod desk;
mod fetch;
mod flows;
mod note;
mod repair;
pub mod view;

use tributary_domain::bill::{Bill, BillDay, BillKind, BillName};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ReconciliationId};
use tributary_domain::reconciliation::{
    Compared, DiscrepancyClass, Figures, Finding, Reconciliation, ReconciliationState, SubjectKind,
};
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_storage::{books, reconciliations};

pub use close::Closing;
pub use desk::DeskDay;
pub use tributary_storage::discrepancies::DiscrepancyFilter;

use crate::bills::{BillLease, Fetched};
use crate::reconciliation::note::Seen;
use crate::settlement::{About, raise};
use crate::{OperationError, Operations};

const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Bills are made between nine and ten of the next day (WeChat partner docs: trade bill), so ask at five past.
const FIRST_TRY_MS: i64 = DAY_MS + 10 * HOUR_MS + 5 * MINUTE_MS;
/// From 14:00 on a person is told.
const ALARM_AFTER_MS: i64 = 4 * HOUR_MS - 5 * MINUTE_MS;
/// So long after the first try nothing more is tried by itself.
const GIVE_UP_AFTER_MS: i64 = 3 * DAY_MS;
const RETRY_MS: i64 = 10 * MINUTE_MS;
const LATE_RETRY_MS: i64 = HOUR_MS;
/// After what WeChat's limit on calls has no room for.
const NO_ROOM_MS: i64 = 1_000;
pub(crate) const NO_ROOM: &str = "no_room";
/// Days back that are caught up after a standstill; WeChat keeps bills for three months (WeChat partner docs: trade
/// bill).
const DAYS_BACK_MAX: u64 = 90;
/// Comparisons of one run of the task.
const DUE_MAX: u64 = 16;
const FUND_FLOW_ACCOUNTS: [&str; 3] = ["BASIC", "OPERATION", "FEES"];

/// What of a day is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Everything,
    /// It was compared, and fund flows are still to be had.
    FundFlows,
}

/// What became of one try.
#[derive(Debug)]
pub enum Outcome {
    /// Compared; holds the run as it is now.
    Completed(Box<Reconciliation>),
    /// The bill is not to be had now; it is tried again.
    Waiting(Box<Reconciliation>),
    /// Another node is at this provider's bills.
    Busy,
}

impl Operations {
    /// Compares every provider's day whose time has come; returns how many were tried.
    pub async fn reconcile_due(&self) -> Result<usize, OperationError> {
        self.plan_days().await?;
        let due = reconciliations::due_all_tenants(self.storage(), self.now(), DUE_MAX).await?;
        let mut tried = 0_usize;
        for run in due {
            let part = match run.state {
                ReconciliationState::Completed => Part::FundFlows,
                ReconciliationState::Waiting | ReconciliationState::Failed => Part::Everything,
            };
            match self.try_run(&run, part).await {
                Ok(Outcome::Busy) => {}
                Ok(_) => tried = tried.saturating_add(1),
                Err(error) => {
                    tracing::error!(provider.id = %run.provider_id, bill.day = %run.day,
                        error = &error as &dyn std::error::Error, "a day could not be reconciled");
                    self.try_after_error(&run).await?;
                }
            }
        }
        Ok(tried)
    }

    /// Compares a provider's day now, whether or not it was compared before.
    pub async fn reconcile(
        &self,
        provider: &ProviderId,
        day: BillDay,
    ) -> Result<Outcome, OperationError> {
        if self.now() < day.end() {
            return Err(OperationError::invalid(
                "date",
                "must be a day that is over in Beijing",
            ));
        }
        let known = reconciliations::find_all_tenants(self.storage(), provider, day).await?;
        let run = if let Some(run) = known {
            run
        } else {
            let providers = self.list_providers().await?;
            let found = providers.into_iter().find(|one| one.id == *provider);
            let provider = found.ok_or(OperationError::NotFound)?;
            self.plan(&provider, day).await?
        };
        self.try_run(&run, Part::Everything).await
    }

    /// Records the days that are over and were not compared yet.
    async fn plan_days(&self) -> Result<(), OperationError> {
        let now = self.now();
        for provider in self.list_providers().await? {
            let (storage, id) = (self.storage(), &provider.id);
            let known = reconciliations::days_all_tenants(storage, id, DAYS_BACK_MAX).await?;
            // Before its first day a provider had no business here; what lies before the days on record is settled.
            let begun = BillDay::of(provider.created_at);
            let first = known.iter().min().map_or(begun, |day| begun.max(*day));
            let mut day = BillDay::of(now);
            for _ in 0..DAYS_BACK_MAX {
                day = day.previous();
                if day < first {
                    break;
                }
                if now >= day.at_millis(FIRST_TRY_MS) && !known.contains(&day) {
                    self.plan(&provider, day).await?;
                }
            }
        }
        Ok(())
    }

    async fn plan(
        &self,
        provider: &tributary_domain::merchant::Provider,
        day: BillDay,
    ) -> Result<Reconciliation, OperationError> {
        let now = self.now();
        let run = Reconciliation {
            id: ReconciliationId::new(now),
            provider_id: provider.id.clone(),
            mode: provider.mode,
            day,
            state: ReconciliationState::Waiting,
            tries: 0,
            next_try_at: Some(day.at_millis(FIRST_TRY_MS)),
            bill_id: None,
            payments: Figures::default(),
            refunds: Figures::default(),
            failure: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
            closed_at: None,
            closed_by: None,
        };
        let tx = self.storage().begin().await?;
        match reconciliations::insert(&tx, &run).await {
            Ok(()) => tx.commit().await?,
            // Another node was faster.
            Err(error) if error.is_duplicate() => {
                drop(tx);
                let storage = self.storage();
                let other = reconciliations::find_all_tenants(storage, &provider.id, day).await?;
                let gone = || OperationError::Internal("a reconciliation is gone".to_owned());
                return other.ok_or_else(gone);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(run)
    }

    async fn try_run(&self, run: &Reconciliation, part: Part) -> Result<Outcome, OperationError> {
        let Some(lease) = self.lease_bills(&run.provider_id).await? else {
            return Ok(Outcome::Busy);
        };
        // Another node may have been at it before the lease was ours.
        let fresh =
            reconciliations::find_all_tenants(self.storage(), &run.provider_id, run.day).await?;
        let run = fresh.unwrap_or_else(|| run.clone());
        let outcome = match part {
            Part::Everything => self.run_leased(&run, &lease).await,
            Part::FundFlows => self.finish_fund_flows(&run, &lease).await,
        };
        self.release_bills(&lease).await?;
        outcome
    }

    async fn run_leased(
        &self,
        run: &Reconciliation,
        lease: &BillLease,
    ) -> Result<Outcome, OperationError> {
        let handle = self.provider(&run.provider_id).await?;
        let name = BillName {
            provider_id: run.provider_id.clone(),
            day: run.day,
            kind: BillKind::Trade,
            account: String::new(),
        };
        let waiting = |after: Reconciliation| Ok(Outcome::Waiting(Box::new(after)));
        match self.fetch_bill(&handle, &name, lease).await? {
            Fetched::Stored(bill) => {
                let after = self.compare_and_repair(run, &bill).await?;
                self.finish_fund_flows(&after, lease).await
            }
            Fetched::NotReady(reason) => waiting(self.try_later(run, &reason).await?),
            Fetched::Broken(reason) => {
                self.note_bill(run, DiscrepancyClass::Integrity, &reason)
                    .await?;
                waiting(self.try_later(run, "broken_bill").await?)
            }
        }
    }

    async fn try_after_error(&self, run: &Reconciliation) -> Result<(), OperationError> {
        let (storage, provider) = (self.storage(), &run.provider_id);
        let fresh = reconciliations::find_all_tenants(storage, provider, run.day).await?;
        let is_unfinished = |fresh: &Reconciliation| {
            fresh.tries == run.tries || fresh.state == ReconciliationState::Waiting
        };
        if let Some(fresh) = fresh.filter(is_unfinished) {
            self.try_later(&fresh, "internal").await?;
        }
        Ok(())
    }

    /// Schedules the next try, and tells a person when it is late.
    async fn try_later(
        &self,
        run: &Reconciliation,
        reason: &str,
    ) -> Result<Reconciliation, OperationError> {
        let now = self.now();
        let has_room = reason != NO_ROOM;
        let tried_ms = now.millis_since(first_try(run));
        let is_late = tried_ms >= ALARM_AFTER_MS;
        let gives_up = tried_ms >= GIVE_UP_AFTER_MS && has_room;
        let delay_ms = match reason {
            NO_ROOM => NO_ROOM_MS,
            _ if is_late => LATE_RETRY_MS,
            _ => RETRY_MS,
        };
        let after = Reconciliation {
            // What was compared once stays compared, whatever a later try comes to.
            state: match (gives_up, run.completed_at) {
                (true, Some(_)) => ReconciliationState::Completed,
                (true, None) => ReconciliationState::Failed,
                (false, _) => run.state,
            },
            tries: run.tries.saturating_add(1),
            next_try_at: (!gives_up).then(|| now.plus_millis(delay_ms)),
            failure: Some(reason.chars().take(191).collect()),
            updated_at: now,
            ..run.clone()
        };
        let is_compared = after.state == ReconciliationState::Completed;
        let needs_person = is_late && has_room;
        let tx = self.storage().begin().await?;
        reconciliations::update(&tx, run, &after).await?;
        if needs_person && is_compared {
            self.alarm(&tx, &after, "fund_flow_unavailable").await?;
        }
        tx.commit().await?;
        if needs_person && !is_compared {
            self.note_bill(&after, DiscrepancyClass::Unavailable, reason)
                .await?;
        }
        Ok(after)
    }

    /// Numbers a comparison before it notes anything: what one that died has noted is never taken for the next one's.
    async fn begin_pass(&self, run: &Reconciliation) -> Result<Reconciliation, OperationError> {
        let now = self.now();
        let begun = Reconciliation {
            // Until it is completed, a crash leads to another run.
            state: ReconciliationState::Waiting,
            tries: run.tries.saturating_add(1),
            next_try_at: Some(now.plus_millis(RETRY_MS)),
            updated_at: now,
            ..run.clone()
        };
        let tx = self.storage().begin().await?;
        reconciliations::update(&tx, run, &begun).await?;
        tx.commit().await?;
        Ok(begun)
    }

    async fn compare_and_repair(
        &self,
        run: &Reconciliation,
        bill: &Bill,
    ) -> Result<Reconciliation, OperationError> {
        let run = &self.begin_pass(run).await?;
        let (now, pass) = (self.now(), run.tries);
        let seen = Seen { run, pass };
        self.compare_rows(&seen, bill).await?;
        self.compare_books(&seen, bill).await?;
        self.note_unbalanced(&seen).await?;
        crash_point(CrashPoint::DifferencesNoted);
        let compared = Reconciliation {
            bill_id: Some(bill.id.clone()),
            payments: self.figures(&seen, bill, SubjectKind::Payment).await?,
            refunds: self.figures(&seen, bill, SubjectKind::Refund).await?,
            next_try_at: Some(now.plus_millis(RETRY_MS)),
            failure: None,
            updated_at: now,
            ..run.clone()
        };
        let tx = self.storage().begin().await?;
        reconciliations::update(&tx, run, &compared).await?;
        if !compared.payments.hold() || !compared.refunds.hold() {
            self.alarm(&tx, &compared, "reconciliation_equation")
                .await?;
        }
        tx.commit().await?;
        self.repair(&compared).await?;
        self.fix_what_is_gone(&compared, Compared::Trades).await?;
        self.escalate_day_before(&compared, Compared::Trades)
            .await?;
        let completed = Reconciliation {
            state: ReconciliationState::Completed,
            completed_at: Some(self.now()),
            // What was compared anew is looked at anew.
            closed_at: None,
            closed_by: None,
            ..compared.clone()
        };
        self.tell_completed(&completed, bill).await?;
        crash_point(CrashPoint::DayTold);
        let tx = self.storage().begin().await?;
        reconciliations::update(&tx, &compared, &completed).await?;
        tx.commit().await?;
        Ok(completed)
    }

    /// Our sums, added up by the database; the bill's, as its proven summary states them; and what differs.
    async fn figures(
        &self,
        seen: &Seen<'_>,
        bill: &Bill,
        subject: SubjectKind,
    ) -> Result<Figures, OperationError> {
        let (storage, run) = (self.storage(), seen.run);
        let whose = books::Whose::Provider(&run.provider_id);
        let span = (run.day.start(), run.day.end());
        let of = (&run.provider_id, run.day);
        let listed =
            tributary_storage::discrepancies::delta_all_tenants(storage, of, subject, seen.pass);
        let (listed, sums) = (listed.await?, &bill.sums);
        Ok(if subject == SubjectKind::Refund {
            let (local_count, local_fen) =
                books::refund_sums_all_tenants(storage, whose, span).await?;
            Figures {
                local_count,
                local_fen,
                bill_count: sums.refund_rows,
                bill_fen: sums.refund_fen,
                discrepancy_fen: listed.saturating_sub(sums.unlisted_refund_fen),
            }
        } else {
            let (local_count, local_fen) =
                books::payment_sums_all_tenants(storage, whose, span).await?;
            Figures {
                local_count,
                local_fen,
                bill_count: sums.rows.saturating_sub(sums.refund_rows),
                bill_fen: sums.payment_fen,
                discrepancy_fen: listed.saturating_sub(sums.unlisted_payment_fen),
            }
        })
    }

    /// What is compared is compared; fund flows that could not be had yet are asked for again. Once all are there,
    /// they are compared.
    async fn finish_fund_flows(
        &self,
        run: &Reconciliation,
        lease: &BillLease,
    ) -> Result<Outcome, OperationError> {
        let handle = self.provider(&run.provider_id).await?;
        let missing = self.fetch_fund_flows(&handle, run.day, lease).await?;
        if missing.is_none() {
            self.compare_fund_flows(run, lease).await?;
        }
        let after = match missing {
            Some(reason) => self.try_later(run, &reason).await?,
            None if run.next_try_at.is_none() => run.clone(),
            None => {
                let after = Reconciliation {
                    next_try_at: None,
                    failure: None,
                    updated_at: self.now(),
                    ..run.clone()
                };
                let tx = self.storage().begin().await?;
                reconciliations::update(&tx, run, &after).await?;
                tx.commit().await?;
                after
            }
        };
        Ok(Outcome::Completed(Box::new(after)))
    }

    async fn alarm(
        &self,
        tx: &tributary_storage::Tx,
        run: &Reconciliation,
        code: &'static str,
    ) -> Result<(), OperationError> {
        let about = About {
            code,
            tenant: None,
            order: None,
        };
        let detail = serde_json::json!({
            "provider_id": run.provider_id,
            "date": run.day,
        });
        raise(tx, &run.provider_id, &about, detail.to_string(), self.now()).await
    }

    /// Notes something about a whole bill, once per class and day.
    async fn note_bill(
        &self,
        run: &Reconciliation,
        class: DiscrepancyClass,
        reason: &str,
    ) -> Result<(), OperationError> {
        // The next comparison has a higher number, and what it does not see any more is right again.
        let seen = Seen {
            run,
            pass: run.tries,
        };
        let finding = Finding {
            class,
            local_fen: 0,
            bill_fen: 0,
        };
        let evidence = serde_json::json!({ "why": reason }).to_string();
        let noted = note::Noted {
            subject: SubjectKind::Bill,
            number: run.day.to_string(),
            line: 0,
            tenant_id: None,
            order_id: None,
            finding,
            evidence,
            is_explained: false,
        };
        self.note_all(&seen, &[noted]).await
    }
}

/// When a day was first tried: in its morning, or after a standstill when it was recorded.
fn first_try(run: &Reconciliation) -> Timestamp {
    let morning = run.day.at_millis(FIRST_TRY_MS);
    if run.created_at < morning.plus_millis(ALARM_AFTER_MS) {
        morning
    } else {
        run.created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_are_those_of_beijing() {
        let day: BillDay = "2026-01-01".parse().unwrap();
        let at = |ms| Timestamp::to_rfc3339_beijing(day.at_millis(ms));
        assert_eq!(at(FIRST_TRY_MS), "2026-01-02T10:05:00+08:00");
        let alarm = at(FIRST_TRY_MS + ALARM_AFTER_MS);
        assert_eq!(alarm, "2026-01-02T14:00:00+08:00");
        let given_up = at(FIRST_TRY_MS + GIVE_UP_AFTER_MS);
        assert_eq!(given_up, "2026-01-05T10:05:00+08:00");
    }
}
