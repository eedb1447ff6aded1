//! Compares what moved on the sub-merchants' accounts with our books, account by account: each payment and refund of ours
//! must have moved its amount, and nothing else may have moved. Of the provider's own accounts: nothing of ours may.
//!
//! A fund flow is read again from its sealed pieces, so that nothing of it is stored twice and little is in memory.

mod tally;

use std::collections::{HashMap, HashSet};

use tributary_domain::bill::{Bill, BillKind, BillName, RowKind};
use tributary_domain::clock::Timestamp;
use tributary_domain::fund_flow::{Movement, MovementKind, judge_movement};
use tributary_domain::ids::{OrderId, ProviderId, TenantId};
use tributary_domain::reconciliation::{
    Compared, Discrepancy, DiscrepancyClass, DiscrepancyState, Elsewhere, Finding, Occurrence,
    Reconciliation, SubjectKind, is_near_midnight, judge_missing,
};
use tributary_storage::bill_rows::{self, RowPlace};
use tributary_storage::day_books::{self, BooksPage, DayBooks, Moved};
use tributary_storage::discrepancies::{self, DiscrepancyFilter};
use tributary_storage::{bills, books};
use wechatpay::v3::bills::FundFlowBillParser;

use crate::bills::BillLease;
use crate::reconciliation::FUND_FLOW_ACCOUNTS;
use crate::reconciliation::flows::tally::{
    Ours, Tally, of_payment, of_refund, row_kind, to_movement,
};
use crate::reconciliation::note::{Noted, Seen};
use crate::{OperationError, Operations};

/// Sub-merchants, payments or refunds that are read at once.
const PAGE: u64 = 500;
/// Movements whose numbers are looked up at once.
const BATCH: usize = 512;
/// Movements of one account and day that are compared; 16 bytes of memory each. Longer fund flows alarm a person.
const MOVEMENTS_MAX: usize = 1_000_000;
/// Payments and refunds that did not move and that WeChat is asked about in one run.
const ASKED_MAX: usize = 20;

/// One account on one day, and what was seen on it.
struct Account<'a> {
    seen: &'a Seen<'a>,
    /// Whose; empty for the provider's own, which nothing of a tenant's may move.
    sub_mchid: String,
    tenant_id: Option<TenantId>,
    tally: Tally,
}

impl Account<'_> {
    const fn is_own(&self) -> bool {
        self.sub_mchid.is_empty()
    }
}

impl Operations {
    /// Compares every account whose fund flow of the day is stored, then settles what became of earlier differences.
    pub(super) async fn compare_fund_flows(
        &self,
        run: &Reconciliation,
        lease: &BillLease,
    ) -> Result<(), OperationError> {
        let seen = Seen {
            run,
            pass: run.tries,
        };
        for own in FUND_FLOW_ACCOUNTS {
            let name = name_of(run, BillKind::FundFlow, own.to_owned());
            if let Some(account) = self.compare_stored(&seen, &name, "").await? {
                self.note_unlisted(&account).await?;
            }
        }
        self.compare_sub_merchants(&seen, lease).await?;
        self.fix_what_is_gone(run, Compared::FundFlows).await?;
        self.escalate_day_before(run, Compared::FundFlows).await?;
        self.ask_what_did_not_move(run).await
    }

    /// Those whose books do not add up to what moved are looked for in the books together, in one walk for many.
    async fn compare_sub_merchants(
        &self,
        seen: &Seen<'_>,
        lease: &BillLease,
    ) -> Result<(), OperationError> {
        let (storage, run) = (self.storage(), seen.run);
        let (provider, span) = (&run.provider_id, (run.day.start(), run.day.end()));
        let moved = day_books::moved_by_sub_merchant_all_tenants(storage, provider, span).await?;
        let moved = |sub_mchid: &str| moved.get(sub_mchid).copied().unwrap_or_default();
        let (mut doubtful, mut numbers) = (Vec::new(), 0_usize);
        let mut after = String::new();
        loop {
            let page = books::sub_mchids_all_tenants(storage, provider, &after, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after.clone_from(last);
            for sub_mchid in page {
                self.hold_bills(lease).await?;
                let kind = BillKind::SubMerchantFundFlow;
                let name = name_of(run, kind, format!("{sub_mchid}:BASIC"));
                let Some(account) = self.compare_stored(seen, &name, &sub_mchid).await? else {
                    continue;
                };
                let moved = moved(&sub_mchid);
                if account.tally.met_of_day == moved.count {
                    self.end_account(&account, moved).await?;
                    continue;
                }
                numbers = numbers.saturating_add(account.tally.numbers());
                doubtful.push((account, moved));
                if numbers > MOVEMENTS_MAX {
                    self.end_doubtful(seen, lease, std::mem::take(&mut doubtful))
                        .await?;
                    numbers = 0;
                }
            }
        }
        self.end_doubtful(seen, lease, doubtful).await
    }

    /// Reads and judges what moved an account; nothing when its fund flow is not stored or too long.
    async fn compare_stored<'a>(
        &self,
        seen: &'a Seen<'a>,
        name: &BillName,
        sub_mchid: &str,
    ) -> Result<Option<Account<'a>>, OperationError> {
        let storage = self.storage();
        let Some(bill) = bills::find_all_tenants(storage, name).await? else {
            return Ok(None);
        };
        let (provider, asked) = (&name.provider_id, vec![sub_mchid]);
        let owner = books::tenants_of_sub_merchants_all_tenants(storage, provider, asked).await?;
        let mut account = Account {
            seen,
            sub_mchid: sub_mchid.to_owned(),
            tenant_id: owner.into_iter().next().map(|(_, tenant)| tenant),
            tally: Tally::default(),
        };
        if self.compare_movements(&mut account, &bill).await? {
            return Ok(Some(account));
        }
        let tx = self.storage().begin().await?;
        self.alarm(&tx, seen.run, "fund_flow_too_long").await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Whether what differs on an account explains all of the difference.
    async fn end_account(&self, account: &Account<'_>, moved: Moved) -> Result<(), OperationError> {
        self.note_unlisted(account).await?;
        let tally = &account.tally;
        if moved.fen.saturating_sub(tally.counted_fen) != tally.delta_fen {
            let tx = self.storage().begin().await?;
            self.alarm(&tx, account.seen.run, "reconciliation_equation")
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Looks for payments and refunds of ours that did not move these accounts, and ends with them.
    async fn end_doubtful(
        &self,
        seen: &Seen<'_>,
        lease: &BillLease,
        doubtful: Vec<(Account<'_>, Moved)>,
    ) -> Result<(), OperationError> {
        if doubtful.is_empty() {
            return Ok(());
        }
        let mut doubtful: HashMap<String, _> = doubtful
            .into_iter()
            .map(|(account, moved)| (account.sub_mchid.clone(), (account, moved)))
            .collect();
        let run = seen.run;
        let mut books = DayBooks::of(&run.provider_id, (run.day.start(), run.day.end()));
        while let Some(page) = books.next_all_tenants(self.storage(), PAGE).await? {
            self.hold_bills(lease).await?;
            let ours: Vec<Ours> = match page {
                BooksPage::Payments(payments) => payments.into_iter().map(of_payment).collect(),
                BooksPage::Refunds(refunds) => refunds.iter().filter_map(of_refund).collect(),
            };
            let mut found = Vec::new();
            for one in ours {
                if let Some((account, _)) = doubtful.get_mut(&one.booked.sub_mchid) {
                    found.extend(self.unmoved(account, one).await?);
                }
            }
            self.note_all(seen, &found).await?;
        }
        for (account, moved) in doubtful.values() {
            self.end_account(account, *moved).await?;
        }
        Ok(())
    }

    async fn hold_bills(&self, lease: &BillLease) -> Result<(), OperationError> {
        if self.renew_bills(lease).await? {
            return Ok(());
        }
        let lost = "another node took the provider's bills".to_owned();
        Err(OperationError::Internal(lost))
    }

    /// Reads the account's movements and judges each; false when there are too many.
    async fn compare_movements(
        &self,
        account: &mut Account<'_>,
        bill: &Bill,
    ) -> Result<bool, OperationError> {
        let mut parser = FundFlowBillParser::new();
        let mut waiting = Vec::with_capacity(BATCH);
        for piece in 0..bill.chunks {
            let content = self.bill_piece(&bill.name, piece).await?;
            let gone = || OperationError::Internal("a piece of a bill is gone".to_owned());
            // Its content was proven when it was stored.
            let rows = parser.push(&content.ok_or_else(gone)?);
            let rows = rows.map_err(|error| OperationError::Internal(error.to_string()))?;
            waiting.extend(rows.into_iter().filter_map(to_movement));
            if account.tally.numbers().saturating_add(waiting.len()) > MOVEMENTS_MAX {
                return Ok(false);
            }
            for batch in waiting.chunks(BATCH) {
                self.judge_batch(account, batch).await?;
            }
            waiting.clear();
        }
        Ok(true)
    }

    async fn judge_batch(
        &self,
        account: &mut Account<'_>,
        batch: &[Movement],
    ) -> Result<(), OperationError> {
        let run = account.seen.run;
        let ours = self.booked_under(&run.provider_id, batch).await?;
        let told = self.told_by_trade_bill(run, batch, &ours).await?;
        let mut found = Vec::new();
        for movement in batch {
            let key = (row_kind(movement.kind), movement.number.clone());
            let booked = key.0.and_then(|kind| ours.get(&(kind, key.1.clone())));
            // What nobody here knows is the provider's own business, or has its class from the trade bill.
            if booked.is_none() && (account.is_own() || told.contains(&movement.number)) {
                continue;
            }
            let occurrence = match key.0 {
                Some(kind) => account.tally.meet(kind, &movement.number),
                None => Occurrence::First,
            };
            let booked = self.with_settled(run, movement, booked).await?;
            let at = (account.sub_mchid.as_str(), run.day);
            let known = booked.as_ref().map(|ours| &ours.booked);
            let judged = judge_movement(movement, known, occurrence, at);
            let tally = &mut account.tally;
            tally.counted_fen = tally.counted_fen.saturating_add(judged.counted_fen);
            let is_ours = known.is_some_and(|known| {
                known.sub_mchid == account.sub_mchid && run.day.contains(known.at)
            });
            if is_ours && occurrence == Occurrence::First {
                tally.met_of_day += 1;
            }
            let Some(finding) = judged.finding else {
                continue;
            };
            let is_explained = match known {
                Some(known) if finding.class == DiscrepancyClass::DayBoundary => {
                    let number = movement.number.as_str();
                    let of = (&run.provider_id, run.day, Compared::FundFlows);
                    self.fix_waiting(of, number, known.at).await?
                }
                _ => false,
            };
            if account.tally.differs(finding) {
                found.push(moved_note(account, movement, booked, finding, is_explained));
            }
        }
        self.note_all(account.seen, &found).await
    }

    /// Our payments and refunds of the numbers of a batch.
    async fn booked_under(
        &self,
        provider: &ProviderId,
        batch: &[Movement],
    ) -> Result<HashMap<(RowKind, String), Ours>, OperationError> {
        let storage = self.storage();
        let numbers = |kind| {
            let of_kind = batch.iter().filter(move |movement| movement.kind == kind);
            of_kind
                .map(|movement| movement.number.as_str())
                .collect::<Vec<&str>>()
        };
        let mut known = HashMap::new();
        let asked = numbers(MovementKind::Payment);
        if !asked.is_empty() {
            let routes = books::orders_of_numbers_all_tenants(storage, provider, asked).await?;
            let orders: HashMap<OrderId, _> = routes
                .into_iter()
                .map(|route| (route.order.id.clone(), route.order))
                .collect();
            let orders = orders.into_values().collect();
            for payment in books::payments_of_orders_all_tenants(storage, orders).await? {
                let ours = of_payment(payment);
                known.insert((ours.kind, ours.number.clone()), ours);
            }
        }
        let asked = numbers(MovementKind::Refund);
        if !asked.is_empty() {
            let refunds = books::refunds_of_numbers_all_tenants(storage, provider, asked).await?;
            let local = refunds.iter().map(books::local_refund);
            for ours in local.filter_map(|refund| of_refund(&refund)) {
                known.insert((ours.kind, ours.number.clone()), ours);
            }
        }
        Ok(known)
    }

    /// Of the numbers of a batch that our books do not have: those that stand in the day's trade bill.
    async fn told_by_trade_bill(
        &self,
        run: &Reconciliation,
        batch: &[Movement],
        ours: &HashMap<(RowKind, String), Ours>,
    ) -> Result<HashSet<String>, OperationError> {
        let mut told = HashSet::new();
        let Some(bill) = &run.bill_id else {
            return Ok(told);
        };
        for kind in [RowKind::Payment, RowKind::Refund] {
            let unknown: Vec<&str> = batch
                .iter()
                .filter(|movement| row_kind(movement.kind) == Some(kind))
                .map(|movement| movement.number.as_str())
                .filter(|number| !ours.contains_key(&(kind, (*number).to_owned())))
                .collect();
            if !unknown.is_empty() {
                let (storage, here) = (self.storage(), std::slice::from_ref(bill));
                let found = bill_rows::having_all_tenants(storage, here, kind, &unknown).await?;
                told.extend(found);
            }
        }
        Ok(told)
    }

    /// Where the amounts differ, the trade bill says what coupons leave to be settled.
    async fn with_settled(
        &self,
        run: &Reconciliation,
        movement: &Movement,
        booked: Option<&Ours>,
    ) -> Result<Option<Ours>, OperationError> {
        let Some(ours) = booked else {
            return Ok(None);
        };
        let mut ours = ours.clone();
        let differs = ours.booked.fen != movement.fen;
        if let Some(bill) = run.bill_id.as_ref().filter(|_| differs) {
            let before = RowPlace {
                kind: ours.kind,
                number: ours.number.clone(),
                line: 0,
            };
            let storage = self.storage();
            let rows = bill_rows::by_number_all_tenants(storage, bill, Some(&before), 1).await?;
            let row = rows
                .first()
                .filter(|row| row.kind == ours.kind && row.number() == ours.number);
            let sign = ours.booked.fen.signum();
            ours.booked.settled_fen = row.map(|row| row.fee_base_fen.saturating_mul(sign));
        }
        Ok(Some(ours))
    }

    /// A payment or refund of ours, if it did not move its account.
    async fn unmoved(
        &self,
        account: &mut Account<'_>,
        one: Ours,
    ) -> Result<Option<Noted>, OperationError> {
        if account.tally.has_met(one.kind, &one.number) {
            return Ok(None);
        }
        let elsewhere = self.moved_elsewhere(account.seen, &one).await?;
        let moved = (one.booked.fen, one.booked.at);
        let day = account.seen.run.day;
        let finding = judge_missing(SubjectKind::FundFlow, moved, day, elsewhere);
        let noted = account.tally.differs(finding).then(|| Noted {
            subject: SubjectKind::FundFlow,
            number: one.number,
            line: 0,
            tenant_id: Some(one.tenant_id),
            order_id: Some(one.order_id),
            finding,
            evidence: unmoved_evidence(&account.sub_mchid, one.booked.at),
            is_explained: elsewhere == Elsewhere::InNeighbour,
        });
        Ok(noted)
    }

    /// Whether the account moved on the other side of midnight, as the comparison of that day noted.
    async fn moved_elsewhere(
        &self,
        seen: &Seen<'_>,
        one: &Ours,
    ) -> Result<Elsewhere, OperationError> {
        let run = seen.run;
        if !is_near_midnight(one.booked.at, run.day) {
            return Ok(Elsewhere::Nowhere);
        }
        for day in [run.day.previous(), run.day.next()] {
            let filter = DiscrepancyFilter {
                provider_id: Some(run.provider_id.clone()),
                day: Some(day),
                number: Some(one.number.clone()),
                ..DiscrepancyFilter::default()
            };
            let noted =
                discrepancies::list_all_tenants(self.storage(), &filter, None, PAGE).await?;
            let moved = |found: &Discrepancy| {
                found.subject == SubjectKind::FundFlow
                    && found.class == DiscrepancyClass::DayBoundary
                    && found.bill_fen != 0
            };
            if noted.iter().any(moved) {
                return Ok(Elsewhere::InNeighbour);
            }
        }
        Ok(Elsewhere::Nowhere)
    }

    /// What has no row of its own, in one.
    async fn note_unlisted(&self, account: &Account<'_>) -> Result<(), OperationError> {
        let (count, local_fen, bill_fen) = account.tally.unlisted;
        if count == 0 {
            return Ok(());
        }
        let finding = Finding {
            class: DiscrepancyClass::FundFlow,
            local_fen,
            bill_fen,
        };
        let noted = Noted {
            subject: SubjectKind::FundFlow,
            number: account.sub_mchid.clone(),
            line: 0,
            tenant_id: account.tenant_id.clone(),
            order_id: None,
            finding,
            evidence: serde_json::json!({ "movements": count }).to_string(),
            is_explained: false,
        };
        self.note_all(account.seen, &[noted]).await
    }

    /// WeChat's answer about what did not move goes through the one door, and a person reads it in the time line.
    async fn ask_what_did_not_move(&self, run: &Reconciliation) -> Result<(), OperationError> {
        let filter = DiscrepancyFilter {
            provider_id: Some(run.provider_id.clone()),
            day: Some(run.day),
            state: Some(DiscrepancyState::Open),
            ..DiscrepancyFilter::default()
        };
        let (mut after, mut asked) = (None, 0_usize);
        while asked < ASKED_MAX {
            let storage = self.storage();
            let page =
                discrepancies::list_all_tenants(storage, &filter, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.clone());
            let unmoved = |found: &&Discrepancy| {
                let is_new = found.seen_in == run.tries && found.bill_fen == 0;
                is_new && found.subject == SubjectKind::FundFlow
            };
            for found in page.iter().filter(unmoved).take(ASKED_MAX - asked) {
                asked = asked.saturating_add(1);
                if let Err(error) = self.ask_about_both(found).await {
                    tracing::warn!(discrepancy.id = %found.id,
                        error = &error as &dyn std::error::Error, "WeChat could not be asked");
                }
            }
        }
        Ok(())
    }

    async fn ask_about_both(&self, found: &Discrepancy) -> Result<(), OperationError> {
        if found.local_fen < 0 {
            self.ask_about_refund(found).await
        } else {
            self.ask_about_payment(found).await
        }
    }
}

fn moved_note(
    account: &Account<'_>,
    movement: &Movement,
    booked: Option<Ours>,
    finding: Finding,
    is_explained: bool,
) -> Noted {
    // A number of another sub-merchant's order is nobody's to see.
    let is_theirs = |ours: &Ours| ours.booked.sub_mchid == account.sub_mchid;
    let tenant_id = match &booked {
        Some(ours) => Some(&ours.tenant_id).filter(|_| is_theirs(ours)).cloned(),
        None => account.tenant_id.clone(),
    };
    // The voucher's number is of whoever else moved the money, and two sub-merchants may have the same.
    let number = if booked.is_some() {
        &movement.number
    } else {
        &movement.flow_id
    };
    let order_id = booked.map(|ours| ours.order_id);
    let evidence = serde_json::json!({
        "line": movement.line,
        "booked_at": movement.booked_at.to_rfc3339(),
        "sub_mchid": account.sub_mchid,
        "flow_id": movement.flow_id,
        "voucher": movement.number,
        "business_type": movement.business_type,
    });
    Noted {
        subject: SubjectKind::FundFlow,
        number: number.clone(),
        line: movement.line,
        tenant_id,
        order_id,
        finding,
        evidence: evidence.to_string(),
        is_explained,
    }
}

fn name_of(run: &Reconciliation, kind: BillKind, account: String) -> BillName {
    BillName {
        provider_id: run.provider_id.clone(),
        day: run.day,
        kind,
        account,
    }
}

fn unmoved_evidence(sub_mchid: &str, at: Timestamp) -> String {
    serde_json::json!({ "sub_mchid": sub_mchid, "our_time": at.to_rfc3339() }).to_string()
}
