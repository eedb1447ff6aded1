//! What a request is about, for the faults that choose by it.

use serde_json::Value;

use super::Call;
use crate::{
    authentication::Wire,
    core::Core,
    faults::{Asked, AskedKind, Fault, Host},
    ledger::{Ledger, Order, Refund},
    transactions,
};

/// Looks for what the request is about only when something may go wrong at all.
pub(super) fn draw_fault(core: &Core, wire: &Wire<'_>, call: &Call, host: Host) -> Option<Fault> {
    if core.faults().is_empty() {
        return None;
    }
    let now_ms = core.clock.business_ms();
    let subject = call.subject(&core.ledger(), wire.body);
    core.faults().draw(&Asked {
        path: wire.path(),
        host,
        kind: call.asked_kind(),
        out_trade_no: subject.out_trade_no,
        out_refund_no: subject.out_refund_no,
        age_ms: subject
            .since_ms
            .map(|since_ms| now_ms.saturating_sub(since_ms)),
    })
}

/// What a request is about, as far as it can be told before anybody is known.
#[derive(Default)]
struct AskedSubject {
    out_trade_no: Option<String>,
    out_refund_no: Option<String>,
    /// Since when that which is looked for exists.
    since_ms: Option<i64>,
}

impl AskedSubject {
    fn numbered(out_trade_no: &str) -> Self {
        Self {
            out_trade_no: Some(out_trade_no.to_owned()),
            ..Self::default()
        }
    }

    /// A payment begins anew what an order is asked about.
    fn order(order: &Order) -> Self {
        let paid_ms = order.payment.as_ref().map(|payment| payment.success_ms);
        Self {
            since_ms: Some(paid_ms.unwrap_or(order.created_ms)),
            ..Self::numbered(&order.out_trade_no)
        }
    }

    fn refund(refund: &Refund) -> Self {
        Self {
            out_refund_no: Some(refund.out_refund_no.clone()),
            since_ms: Some(refund.created_ms),
            ..Self::numbered(&refund.out_trade_no)
        }
    }
}

impl Call {
    fn asked_kind(&self) -> AskedKind {
        match self {
            Self::QueryByTransaction(_) | Self::QueryByNumber(_) | Self::QueryRefund(_) => {
                AskedKind::Query
            }
            Self::Refund | Self::ApplyAbnormalRefund(_) => AskedKind::Refund,
            _ => AskedKind::Other,
        }
    }

    /// What a request is about, for faults that concern one order, one refund or young things.
    fn subject(&self, ledger: &Ledger, body: &[u8]) -> AskedSubject {
        let newest = |number: &str| {
            let index = ledger.orders_numbered(number).last();
            index.and_then(|index| ledger.order(*index))
        };
        match self {
            Self::Close(number) => AskedSubject::numbered(number),
            Self::QueryByNumber(number) => {
                newest(number).map_or_else(|| AskedSubject::numbered(number), AskedSubject::order)
            }
            Self::QueryByTransaction(id) => ledger
                .find_by_transaction(id)
                .and_then(|index| ledger.order(index))
                .map(AskedSubject::order)
                .unwrap_or_default(),
            Self::QueryRefund(number) => ledger
                .refunds_numbered(number)
                .last()
                .and_then(|index| ledger.refund(*index))
                .map(AskedSubject::refund)
                .unwrap_or_default(),
            Self::ApplyAbnormalRefund(id) => ledger
                .find_refund_by_id(id)
                .and_then(|index| ledger.refund(index))
                .map(|refund| AskedSubject {
                    since_ms: None,
                    ..AskedSubject::refund(refund)
                })
                .unwrap_or_default(),
            Self::PlaceJsapi | Self::Refund => {
                let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
                self.subject_of_body(ledger, &body)
            }
            _ => AskedSubject::default(),
        }
    }

    fn subject_of_body(&self, ledger: &Ledger, body: &Value) -> AskedSubject {
        let number = transactions::text(body, "out_trade_no");
        if matches!(self, Self::PlaceJsapi) {
            return number.map(AskedSubject::numbered).unwrap_or_default();
        }
        let by_id = transactions::text(body, "transaction_id")
            .and_then(|id| ledger.find_by_transaction(id));
        let by_number = || number.and_then(|number| ledger.orders_numbered(number).last().copied());
        let order = by_id
            .or_else(by_number)
            .and_then(|index| ledger.order(index));
        AskedSubject {
            out_refund_no: transactions::owned(body, "out_refund_no"),
            ..order.map(AskedSubject::order).unwrap_or_default()
        }
    }
}
