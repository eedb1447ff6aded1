//! How discrepancies come to their end: a later bill, a comparison that does not find them any more, or a person.

use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{DiscrepancyId, ProviderId};
use tributary_domain::reconciliation::{
    Compared, Discrepancy, DiscrepancyClass, DiscrepancyState, Reconciliation,
};
use tributary_domain::staff::Actor;
use tributary_storage::discrepancies::{self, DiscrepancyFilter};

use crate::pages::{LIMIT_MAX, Page, cut};
use crate::reconciliation::note::STAFF;
use crate::settlement::{About, raise};
use crate::{OperationError, Operations};

const WORDS_CHARS_MAX: usize = 191;
const PAGE: u64 = 100;
/// More discrepancies of one number than ever are: a payment's on two days.
const OF_ONE_NUMBER_MAX: u64 = 20;

/// A person's word about a discrepancy.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Who.
    pub actor: String,
    /// Why it needs nobody any more.
    pub reason: String,
}

impl Operations {
    /// Discrepancies whoever's they are, oldest first: what staff see.
    pub async fn list_discrepancies(
        &self,
        filter: &DiscrepancyFilter,
        after: Option<&DiscrepancyId>,
    ) -> Result<Page<Discrepancy>, OperationError> {
        let longer = LIMIT_MAX.saturating_add(1);
        let rows = discrepancies::list_all_tenants(self.storage(), filter, after, longer).await?;
        Ok(cut(rows, LIMIT_MAX, |one| one.id.to_string()))
    }

    /// Puts a discrepancy away: a person looked at it, and says why.
    pub async fn close_discrepancy(
        &self,
        by: &Actor,
        id: &DiscrepancyId,
        closing: &Closing,
    ) -> Result<Discrepancy, OperationError> {
        for (field, words) in [("actor", &closing.actor), ("reason", &closing.reason)] {
            let length = words.trim().chars().count();
            if length == 0 || length > WORDS_CHARS_MAX {
                return Err(OperationError::invalid(
                    field,
                    "must have 1 to 191 characters",
                ));
            }
        }
        let before = discrepancies::find_all_tenants(self.storage(), id).await?;
        let before = before.ok_or(OperationError::NotFound)?;
        if before.state == DiscrepancyState::Closed {
            return Err(OperationError::StateConflict {
                state: before.state.as_str().to_owned(),
            });
        }
        let after = Discrepancy {
            state: DiscrepancyState::Closed,
            actor: Some(closing.actor.trim().to_owned()),
            reason: Some(closing.reason.trim().to_owned()),
            ..before.clone()
        };
        self.settle_by(by, "discrepancy.closed", &before, after)
            .await
    }

    /// A row of this day's bill is what the comparison of a neighbouring day waits for; whether the days are neighbours.
    pub(super) async fn fix_waiting(
        &self,
        (provider, bill_day, compared): (&ProviderId, BillDay, Compared),
        number: &str,
        ours_at: Timestamp,
    ) -> Result<bool, OperationError> {
        let day = BillDay::of(ours_at);
        if day != bill_day.previous() && day != bill_day.next() {
            return Ok(false);
        }
        let filter = DiscrepancyFilter {
            provider_id: Some(provider.clone()),
            day: Some(day),
            state: Some(DiscrepancyState::Open),
            number: Some(number.to_owned()),
            tenant_id: None,
        };
        let storage = self.storage();
        let waiting =
            discrepancies::list_all_tenants(storage, &filter, None, OF_ONE_NUMBER_MAX).await?;
        let waits = |one: &&Discrepancy| one.class.waits() && compared.covers(one.subject);
        for before in waiting.iter().filter(waits) {
            self.fix(before, format!("the bill of {bill_day} has it"))
                .await?;
        }
        Ok(true)
    }

    /// What the newest comparison of a day does not find any more is right now.
    pub(super) async fn fix_what_is_gone(
        &self,
        run: &Reconciliation,
        compared: Compared,
    ) -> Result<(), OperationError> {
        let of = (&run.provider_id, run.day);
        loop {
            let gone =
                discrepancies::gone_all_tenants(self.storage(), of, (compared, run.tries), PAGE);
            let gone = gone.await?;
            if gone.is_empty() {
                return Ok(());
            }
            // Each leaves the state that the list asks for, so the list ends.
            for before in gone {
                self.fix(&before, "the books and the bill agree".to_owned())
                    .await?;
            }
        }
    }

    pub(super) async fn fix(
        &self,
        before: &Discrepancy,
        reason: String,
    ) -> Result<Discrepancy, OperationError> {
        let after = Discrepancy {
            state: DiscrepancyState::Fixed,
            reason: Some(reason),
            ..before.clone()
        };
        self.settle_discrepancy(before, after).await
    }

    /// What waited for this bill and is not in it waits for a person.
    pub(super) async fn escalate_day_before(
        &self,
        run: &Reconciliation,
        compared: Compared,
    ) -> Result<(), OperationError> {
        let filter = DiscrepancyFilter {
            provider_id: Some(run.provider_id.clone()),
            day: Some(run.day.previous()),
            state: Some(DiscrepancyState::Open),
            number: None,
            tenant_id: None,
        };
        let mut after: Option<DiscrepancyId> = None;
        loop {
            let storage = self.storage();
            let page =
                discrepancies::list_all_tenants(storage, &filter, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.clone());
            let overdue = |one: &&Discrepancy| {
                let waited = one.class.waits() && one.class != DiscrepancyClass::Unavailable;
                waited && one.owner != STAFF && compared.covers(one.subject)
            };
            for before in page.iter().filter(overdue) {
                self.escalate(before, None).await?;
            }
        }
    }

    /// What waited for a bill waits for a person, unless it does already; with what WeChat says about it, if asked.
    pub(super) async fn escalate(
        &self,
        before: &Discrepancy,
        says: Option<&str>,
    ) -> Result<(), OperationError> {
        if before.owner == STAFF {
            return Ok(());
        }
        let late = Discrepancy {
            owner: STAFF.to_owned(),
            updated_at: self.now(),
            ..before.clone()
        };
        let about = About {
            code: "bill_lacks_it",
            tenant: before.tenant_id.as_ref(),
            order: before.order_id.as_ref(),
        };
        let mut detail = serde_json::json!({
            "discrepancy_id": before.id,
            "date": before.day,
            "class": before.class.as_str(),
        });
        if let (Some(says), Some(members)) = (says, detail.as_object_mut()) {
            members.insert("wechat_says".to_owned(), says.into());
        }
        let tx = self.storage().begin().await?;
        discrepancies::update(&tx, before, &late).await?;
        let detail = detail.to_string();
        raise(&tx, &before.provider_id, &about, detail, self.now()).await?;
        Ok(tx.commit().await?)
    }
}
