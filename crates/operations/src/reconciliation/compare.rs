//! Both directions of a comparison, page by page: each row of the bill, then each payment and refund of ours.

use std::collections::{HashMap, HashSet};

use tributary_domain::bill::{Bill, BillKind, BillName, BillRow, RowKind};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{BillId, OrderId, TenantId};
use tributary_domain::order::Order;
use tributary_domain::reconciliation::{
    Compared, DiscrepancyClass, Elsewhere, Finding, KnownPayment, LocalPayment, LocalRefund,
    Occurrence, SubjectKind, judge_missing, judge_payment, judge_refund, other_side,
};
use tributary_storage::bill_rows::{self, RowPlace};
use tributary_storage::day_books::{BooksPage, DayBooks};
use tributary_storage::{bills, books};

use crate::reconciliation::note::{Noted, Seen};
use crate::{OperationError, Operations};

/// Rows, payments or refunds compared at once.
const PAGE: u64 = 500;

/// What we know about the numbers of one page of rows.
struct Known {
    orders: HashMap<String, Order>,
    payments: HashMap<String, Vec<LocalPayment>>,
    refunds: HashMap<String, LocalRefund>,
}

/// Something of ours that the bill should have.
struct Ours {
    tenant_id: TenantId,
    order_id: OrderId,
    number: String,
    fen: i64,
    at: Timestamp,
}

impl Operations {
    /// Compares each stored row of the bill with our books.
    pub(super) async fn compare_rows(
        &self,
        seen: &Seen<'_>,
        bill: &Bill,
    ) -> Result<(), OperationError> {
        let mut after: Option<RowPlace> = None;
        loop {
            let storage = self.storage();
            let rows =
                bill_rows::by_number_all_tenants(storage, &bill.id, after.as_ref(), PAGE).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let known = self.known(&rows).await?;
            let mut found = Vec::new();
            for row in rows {
                let place = RowPlace {
                    kind: row.kind,
                    number: row.number().to_owned(),
                    line: row.line,
                };
                let again = after
                    .as_ref()
                    .is_some_and(|last| last.kind == place.kind && last.number == place.number);
                let occurrence = if again {
                    Occurrence::Again
                } else {
                    Occurrence::First
                };
                self.compare_row(&row, &known, occurrence, &mut found)
                    .await?;
                after = Some(place);
            }
            self.note_all(seen, &found).await?;
        }
    }

    async fn known(&self, rows: &[BillRow]) -> Result<Known, OperationError> {
        let storage = self.storage();
        let Some(provider) = rows.first().map(|row| &row.provider_id) else {
            return Err(OperationError::Internal("a page without rows".to_owned()));
        };
        let numbers = rows.iter().map(|row| row.out_trade_no.as_str()).collect();
        let routes = books::orders_of_numbers_all_tenants(storage, provider, numbers).await?;
        let distinct: HashMap<OrderId, Order> = routes
            .iter()
            .map(|route| (route.order.id.clone(), route.order.clone()))
            .collect();
        let distinct = distinct.into_values().collect();
        let mut payments: HashMap<String, Vec<LocalPayment>> = HashMap::new();
        for payment in books::payments_of_orders_all_tenants(storage, distinct).await? {
            let number = payment.out_trade_no.clone();
            payments.entry(number).or_default().push(payment);
        }
        let numbers: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.out_refund_no.as_deref())
            .collect();
        let refunds = if numbers.is_empty() {
            Vec::new()
        } else {
            books::refunds_of_numbers_all_tenants(storage, provider, numbers).await?
        };
        let local = refunds.iter().map(books::local_refund);
        Ok(Known {
            orders: routes
                .into_iter()
                .map(|route| (route.out_trade_no, route.order))
                .collect(),
            payments,
            refunds: local
                .map(|refund| (refund.out_refund_no.clone(), refund))
                .collect(),
        })
    }

    async fn compare_row(
        &self,
        row: &BillRow,
        known: &Known,
        occurrence: Occurrence,
        found: &mut Vec<Noted>,
    ) -> Result<(), OperationError> {
        let order = known.orders.get(&row.out_trade_no);
        let of_number = known.payments.get(&row.out_trade_no);
        let payment = of_number.and_then(|all| {
            let same = all
                .iter()
                .find(|one| one.transaction_id == row.transaction_id);
            same.or_else(|| all.first())
        });
        let refund = row
            .out_refund_no
            .as_ref()
            .and_then(|number| known.refunds.get(number));
        let (subject, at, finding) = if row.kind == RowKind::Refund {
            let at = refund.and_then(|refund| refund.accepted_at);
            let finding = judge_refund(row, refund, occurrence);
            (SubjectKind::Refund, at, finding)
        } else {
            let known = match (payment, order) {
                (Some(payment), _) => KnownPayment::Booked(payment),
                (None, Some(order)) => KnownPayment::Unpaid {
                    sub_mchid: order.sub_mchid.as_str(),
                },
                (None, None) => KnownPayment::Nobody,
            };
            let at = payment.map(|payment| payment.paid_at);
            let finding = judge_payment(row, known, occurrence);
            (SubjectKind::Payment, at, finding)
        };
        let order_id = order
            .map(|order| order.id.clone())
            .or_else(|| refund.map(|refund| refund.order_id.clone()));
        let noted = |subject, finding, is_explained| Noted {
            subject,
            number: row.number().to_owned(),
            line: row.line,
            tenant_id: row.tenant_id.clone(),
            order_id: order_id.clone(),
            finding,
            evidence: evidence(row),
            is_explained,
        };
        if let Some(finding) = finding {
            let is_boundary = finding.class == DiscrepancyClass::DayBoundary;
            let is_explained = match at.filter(|_| is_boundary) {
                Some(at) => {
                    let of = (&row.provider_id, row.day, Compared::Trades);
                    self.fix_waiting(of, row.number(), at).await?
                }
                None => false,
            };
            found.push(noted(subject, finding, is_explained));
        }
        if let Some((subject, finding)) = other_side(row) {
            found.push(noted(subject, finding, false));
        }
        Ok(())
    }

    /// Looks in the bill for each payment and refund of ours of its day.
    pub(super) async fn compare_books(
        &self,
        seen: &Seen<'_>,
        bill: &Bill,
    ) -> Result<(), OperationError> {
        let neighbours = self.neighbours(bill).await?;
        let span = (seen.run.day.start(), seen.run.day.end());
        let mut books = DayBooks::of(&seen.run.provider_id, span);
        while let Some(page) = books.next_all_tenants(self.storage(), PAGE).await? {
            let (kind, ours) = match page {
                BooksPage::Payments(payments) => {
                    let ours = payments.into_iter().map(of_payment);
                    (RowKind::Payment, ours.collect())
                }
                BooksPage::Refunds(refunds) => {
                    let ours = refunds.into_iter().filter_map(of_refund);
                    (RowKind::Refund, ours.collect())
                }
            };
            self.note_missing(seen, (bill, &neighbours), kind, ours)
                .await?;
        }
        Ok(())
    }

    async fn note_missing(
        &self,
        seen: &Seen<'_>,
        (bill, neighbours): (&Bill, &[BillId]),
        kind: RowKind,
        ours: Vec<Ours>,
    ) -> Result<(), OperationError> {
        if ours.is_empty() {
            return Ok(());
        }
        let numbers: Vec<&str> = ours.iter().map(|one| one.number.as_str()).collect();
        let storage = self.storage();
        let here = std::slice::from_ref(&bill.id);
        let here = bill_rows::having_all_tenants(storage, here, kind, &numbers).await?;
        let here: HashSet<String> = here.into_iter().collect();
        let missing: Vec<Ours> = ours
            .into_iter()
            .filter(|one| !here.contains(&one.number))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let numbers: Vec<&str> = missing.iter().map(|one| one.number.as_str()).collect();
        let there = bill_rows::having_all_tenants(storage, neighbours, kind, &numbers).await?;
        let there: HashSet<String> = there.into_iter().collect();
        let subject = if kind == RowKind::Refund {
            SubjectKind::Refund
        } else {
            SubjectKind::Payment
        };
        let found: Vec<Noted> = missing
            .into_iter()
            .map(|one| {
                let elsewhere = if there.contains(&one.number) {
                    Elsewhere::InNeighbour
                } else {
                    Elsewhere::Nowhere
                };
                let finding = judge_missing(subject, (one.fen, one.at), seen.run.day, elsewhere);
                missing_note(subject, one, finding, elsewhere)
            })
            .collect();
        self.note_all(seen, &found).await
    }

    /// The bills of the day before and after, as far as they are stored.
    async fn neighbours(&self, bill: &Bill) -> Result<Vec<BillId>, OperationError> {
        let mut found = Vec::new();
        for day in [bill.name.day.previous(), bill.name.day.next()] {
            let name = BillName {
                day,
                kind: BillKind::Trade,
                ..bill.name.clone()
            };
            let stored = bills::find_all_tenants(self.storage(), &name).await?;
            found.extend(stored.map(|stored| stored.id));
        }
        Ok(found)
    }
}

fn missing_note(subject: SubjectKind, one: Ours, finding: Finding, elsewhere: Elsewhere) -> Noted {
    Noted {
        subject,
        number: one.number,
        line: 0,
        tenant_id: Some(one.tenant_id),
        order_id: Some(one.order_id),
        finding,
        evidence: serde_json::json!({ "our_time": one.at.to_rfc3339() }).to_string(),
        is_explained: elsewhere == Elsewhere::InNeighbour,
    }
}

fn of_payment(payment: LocalPayment) -> Ours {
    Ours {
        tenant_id: payment.tenant_id,
        order_id: payment.order_id,
        number: payment.out_trade_no,
        fen: payment.fen,
        at: payment.paid_at,
    }
}

fn of_refund(refund: LocalRefund) -> Option<Ours> {
    Some(Ours {
        tenant_id: refund.tenant_id,
        order_id: refund.order_id,
        number: refund.out_refund_no,
        fen: refund.fen,
        at: refund.accepted_at?,
    })
}

/// The row as a person needs it; no openid is stored of it at all.
fn evidence(row: &BillRow) -> String {
    serde_json::json!({
        "line": row.line,
        "trade_time": row.trade_time.to_rfc3339(),
        "sub_mchid": row.sub_mchid,
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "wechat_refund_id": row.wechat_refund_id,
        "refund_status": row.refund_status,
        "fee_millifen": row.fee_millifen,
        "rate": row.rate,
    })
    .to_string()
}
