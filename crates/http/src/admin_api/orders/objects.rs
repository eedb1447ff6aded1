//! Orders as staff are shown them.

use poem_openapi::Object;
use tributary_domain::clock::Timestamp;
use tributary_domain::late_payment::LatePayment;
use tributary_domain::order::Attempt;
use tributary_domain::refund_content::RefundRequest;
use tributary_operations::idempotency::Idempotency;
use tributary_operations::order_notes::OrderNote;
use tributary_operations::order_search::{ListedOrder, OrderDetail, OrderSums, Telling};
use tributary_operations::pages::Searched;

use crate::admin_api::actions::{self, AllowedAction};

/// How many deliveries about an order are in which state.
#[derive(Debug, Object)]
pub(super) struct ToldCounts {
    /// `delivered`, `waiting`, `failed` or `none`.
    state: String,
    /// On their way.
    open: i64,
    /// Held back.
    held: i64,
    /// Taken.
    succeeded: i64,
    /// Given up.
    failed: i64,
    /// Wanted by nobody any more.
    cancelled: i64,
}

impl From<Telling> for ToldCounts {
    fn from(told: Telling) -> Self {
        Self {
            state: told.told().as_str().to_owned(),
            open: told.open,
            held: told.held,
            succeeded: told.succeeded,
            failed: told.failed,
            cancelled: told.cancelled,
        }
    }
}

/// An order in a list. Money is fen.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ListedStaffOrder {
    /// Its id: `ord_…`.
    id: String,
    /// Always `order`.
    object: String,
    /// `live` or `test`.
    mode: String,
    /// Whose it is.
    tenant_id: String,
    /// The tenant's name.
    tenant_name: String,
    /// The tenant's own number.
    merchant_order_no: String,
    /// The number that WeChat sees, of the newest attempt.
    out_trade_no: Option<String>,
    /// WeChat's number of the payment.
    transaction_id: Option<String>,
    /// Paid to which sub-merchant.
    sub_mchid: String,
    /// The sub-merchant's name.
    sub_merchant_name: String,
    /// What the payer reads.
    description: String,
    /// Where it stands.
    state: String,
    /// WeChat's own word, as last seen.
    trade_state: Option<String>,
    /// What is asked, in fen.
    total: i64,
    /// What came in, in fen.
    paid: i64,
    /// What is on its way back, in fen.
    refunding: i64,
    /// What went back, in fen.
    refunded: i64,
    /// Always `CNY`.
    currency: String,
    /// `JSAPI` and its neighbours, once paid.
    trade_type: Option<String>,
    /// How we learned of the payment: `notification`, `query` or `reconciliation`.
    learned_from: Option<String>,
    /// Who pays, as you may see it.
    payer: String,
    /// Stands for the payer: look for it to find the payer's other orders with this tenant.
    payer_hash: Option<String>,
    /// How far the tenant was told.
    webhook: ToldCounts,
    /// When it was placed (RFC 3339).
    created_at: String,
    /// When it was paid (RFC 3339).
    paid_at: Option<String>,
    /// When it ends unpaid (RFC 3339).
    expires_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

impl From<ListedOrder> for ListedStaffOrder {
    fn from(listed: ListedOrder) -> Self {
        let order = listed.order;
        let payment = order.payment.as_ref();
        let learned = payment.and_then(|paid| paid.learned);
        Self {
            id: order.id.to_string(),
            object: String::from("order"),
            mode: order.mode.as_str().to_owned(),
            tenant_id: order.tenant_id.to_string(),
            tenant_name: listed.tenant_name,
            merchant_order_no: order.content.merchant_order_no.to_string(),
            out_trade_no: listed.out_trade_no,
            transaction_id: payment.map(|paid| paid.transaction_id.clone()),
            sub_mchid: order.sub_mchid.to_string(),
            sub_merchant_name: listed.merchant_name,
            description: order.content.description.clone(),
            state: order.state.as_str().to_owned(),
            trade_state: order.trade_state.clone(),
            total: order.content.total.as_i64(),
            paid: order.money.paid.as_i64(),
            refunding: order.money.refunding.as_i64(),
            refunded: order.money.refunded.as_i64(),
            currency: order.content.currency.as_str().to_owned(),
            trade_type: payment.and_then(|paid| paid.trade_type.clone()),
            learned_from: learned.map(|learned| learned.source.as_str().to_owned()),
            payer: listed.payer,
            payer_hash: order.payer_hash.clone(),
            webhook: listed.telling.into(),
            created_at: order.created_at.to_rfc3339(),
            paid_at: payment.map(|paid| paid.success_time.to_rfc3339()),
            expires_at: order.expires_at.to_rfc3339(),
            updated_at: order.updated_at.to_rfc3339(),
        }
    }
}

/// A page of orders, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffOrderPage {
    /// Always `list`.
    object: String,
    /// The orders.
    data: Vec<ListedStaffOrder>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl From<Searched<ListedOrder>> for StaffOrderPage {
    fn from(found: Searched<ListedOrder>) -> Self {
        Self {
            object: String::from("list"),
            data: found.items.into_iter().map(Into::into).collect(),
            has_more: found.next_cursor.is_some(),
            next_cursor: found.next_cursor,
            as_of: found.as_of.to_rfc3339(),
        }
    }
}

/// What a list of orders comes to. Money is fen.
#[derive(Debug, Object)]
pub(super) struct StaffOrderSums {
    /// How many orders.
    count: i64,
    /// What was asked for them.
    total: i64,
    /// What came in.
    paid: i64,
    /// What went back.
    refunded: i64,
    /// Whether all were looked at; otherwise these are the newest.
    complete: bool,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl StaffOrderSums {
    pub(super) fn new(sums: OrderSums, now: Timestamp) -> Self {
        Self {
            count: sums.count,
            total: sums.total_fen,
            paid: sums.paid_fen,
            refunded: sums.refunded_fen,
            complete: sums.complete,
            as_of: now.to_rfc3339(),
        }
    }
}

/// One prepay of an order.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffAttempt {
    /// Its id: `att_…`.
    id: String,
    /// The number that WeChat sees.
    out_trade_no: String,
    /// Where it stands.
    state: String,
    /// When WeChat gave what the payer needs (RFC 3339).
    prepared_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
}

impl From<Attempt> for StaffAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            out_trade_no: attempt.out_trade_no.to_string(),
            state: attempt.state.as_str().to_owned(),
            prepared_at: attempt.prepared_at.map(Timestamp::to_rfc3339),
            created_at: attempt.created_at.to_rfc3339(),
        }
    }
}

/// Money that came late, twice, or with another amount.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct OrderLatePayment {
    /// Its id: `lpm_…`.
    id: String,
    /// `paid_late`, `duplicate_paid` or `amount_mismatch`.
    kind: String,
    /// `held`, `accepted`, `refunding` or `refunded`.
    state: String,
    /// WeChat's number of the payment.
    transaction_id: String,
    /// What came in, in fen.
    total: i64,
    /// When the payer paid (RFC 3339).
    paid_at: String,
    /// Who decided: `policy` or a person.
    decided_by: Option<String>,
    /// Why.
    reason: Option<String>,
    /// The refund that gives it back.
    refund_id: Option<String>,
}

impl From<LatePayment> for OrderLatePayment {
    fn from(late: LatePayment) -> Self {
        Self {
            id: late.id.to_string(),
            kind: late.kind.as_str().to_owned(),
            state: late.state.as_str().to_owned(),
            transaction_id: late.transaction_id,
            total: late.total.as_i64(),
            paid_at: late.success_time.to_rfc3339(),
            decided_by: late.decided_by,
            reason: late.reason,
            refund_id: late.refund_id.map(|id| id.to_string()),
        }
    }
}

/// A note beside an order.
#[derive(Debug, Object)]
pub(crate) struct Note {
    /// Its id: `nte_…`.
    id: String,
    /// Who wrote it, as the audit log names people.
    author: String,
    /// What it says.
    words: String,
    /// When (RFC 3339).
    created_at: String,
}

impl From<OrderNote> for Note {
    fn from(note: OrderNote) -> Self {
        Self {
            id: note.id.to_string(),
            author: note.author,
            words: note.words,
            created_at: note.created_at.to_rfc3339(),
        }
    }
}

/// The notes beside an order, oldest first.
#[derive(Debug, Object)]
pub(super) struct NoteList {
    /// Always `list`.
    object: String,
    /// The notes.
    data: Vec<Note>,
    /// Always false: the list is whole.
    has_more: bool,
}

impl From<Vec<OrderNote>> for NoteList {
    fn from(notes: Vec<OrderNote>) -> Self {
        Self {
            object: String::from("list"),
            data: notes.into_iter().map(Into::into).collect(),
            has_more: false,
        }
    }
}

/// A note to be written.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewNote {
    /// What it says; no personal data.
    pub(super) words: String,
}

/// A refund that a person asks for.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewStaffRefund {
    /// How much, in fen.
    refund: i64,
    /// What the payer is told, and why in the audit log.
    reason: String,
    /// The tenant's number for it; one is made when it is left out.
    merchant_refund_no: Option<String>,
}

impl NewStaffRefund {
    /// The request; its number follows from the key, so that a retry is the same refund.
    pub(super) fn into_request(self, key: &Idempotency) -> RefundRequest {
        const DIGITS: usize = 24;
        let made = || {
            let digest =
                tributary_operations::idempotency::fingerprint("", "", "", key.key.as_bytes());
            let digits = hex::encode(digest);
            format!("staff-{}", digits.get(..DIGITS).unwrap_or_default())
        };
        RefundRequest {
            merchant_refund_no: self.merchant_refund_no.unwrap_or_else(made),
            refund: self.refund,
            reason: Some(self.reason),
            ..RefundRequest::default()
        }
    }
}

/// An order whole.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct StaffOrder {
    /// As in a list.
    order: ListedStaffOrder,
    /// What is wrong with it, the gravest first.
    problems: Vec<String>,
    /// From the order to the payment, in milliseconds.
    ordered_to_paid_ms: Option<i64>,
    /// From the payment until we knew of it, in milliseconds.
    paid_to_learned_ms: Option<i64>,
    /// Its attempts, oldest first.
    attempts: Vec<StaffAttempt>,
    /// The ids of its refunds, oldest first.
    refunds: Vec<String>,
    /// Money that came late, twice, or with another amount.
    late_payments: Vec<OrderLatePayment>,
    /// What people wrote beside it.
    notes: Vec<Note>,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
    /// The simulator's cashier, where an order in test mode is paid by hand while it can be; for whoever may ask WeChat
    /// about it.
    cashier_url: Option<String>,
}

impl From<OrderDetail> for StaffOrder {
    fn from(detail: OrderDetail) -> Self {
        Self {
            ordered_to_paid_ms: detail.ordered_to_paid_ms(),
            paid_to_learned_ms: detail.paid_to_learned_ms(),
            problems: detail
                .problems
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            attempts: detail.attempts.into_iter().map(Into::into).collect(),
            refunds: detail
                .refunds
                .iter()
                .map(|refund| refund.id.to_string())
                .collect(),
            late_payments: detail.late_payments.into_iter().map(Into::into).collect(),
            notes: detail.notes.into_iter().map(Into::into).collect(),
            actions: actions::shown(detail.actions),
            cashier_url: detail.cashier_url,
            order: detail.listed.into(),
        }
    }
}
