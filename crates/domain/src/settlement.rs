//! What a report about money means for an order: the one decision behind the one door.
//!
//! A notification, a query and later a bill row become the same `TransactionObservation`. `settle` compares it with
//! the order and says what follows. It changes nothing itself.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::late_payment::LateKind;
use crate::merchant::AppId;
use crate::money::Fen;
use crate::order::{Attempt, AttemptState, Order, OrderState, Payment};
use crate::rehearsal::{Sabotage, is_broken};

/// Where a report came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// WeChat told us.
    Notification,
    /// We asked WeChat.
    Query,
    /// We compared the books with WeChat's bill.
    Reconciliation,
    /// The tenant's program caused it, through our API.
    Api,
    /// A person caused it, in the console or on the command line.
    Person,
    /// The platform itself caused it.
    System,
}

impl Source {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Query => "query",
            Self::Reconciliation => "reconciliation",
            Self::Api => "api",
            Self::Person => "person",
            Self::System => "system",
        }
    }
}

/// What WeChat says about one order number, verified but not yet compared with anything of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionObservation {
    /// The provider's merchant number.
    pub sp_mchid: String,
    /// The sub-merchant's number.
    pub sub_mchid: String,
    /// The provider's app id, when WeChat said it.
    pub sp_appid: Option<String>,
    /// The sub-merchant's app id, when WeChat said it.
    pub sub_appid: Option<String>,
    /// Our order number at WeChat.
    pub out_trade_no: String,
    /// WeChat's `trade_state`, verbatim.
    pub trade_state: String,
    /// WeChat's number of the payment.
    pub transaction_id: Option<String>,
    /// `JSAPI` and its neighbours.
    pub trade_type: Option<String>,
    /// The payer's bank.
    pub bank_type: Option<String>,
    /// When it was paid.
    pub success_time: Option<Timestamp>,
    /// Order amount in fen.
    pub total: Option<i64>,
    /// What the payer paid in fen.
    pub payer_total: Option<i64>,
    /// Currency code.
    pub currency: Option<String>,
}

/// What follows from an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Unchanged,
    /// The order is not paid yet; only WeChat's word is new.
    StillOpen,
    /// The order is paid.
    Paid(Payment),
    /// Money came in, but not in the ordinary way: the tenant's policy decides.
    Late(LateMoney),
    /// The order can no longer be paid.
    Closed,
}

/// A payment that is not the ordinary one of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateMoney {
    /// In which way.
    pub kind: LateKind,
    /// What came in.
    pub total: Fen,
    /// How it was paid.
    pub payment: Payment,
}

/// Why an observation is kept but not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another provider number.
    #[error("sp_mchid differs")]
    SpMchid,
    /// Another sub-merchant number.
    #[error("sub_mchid differs")]
    SubMchid,
    /// Another app id.
    #[error("appid differs")]
    AppId,
    /// Another amount.
    #[error("amount differs")]
    Amount,
    /// Another currency.
    #[error("currency differs")]
    Currency,
    /// Paid, and a fact without which it cannot be booked is absent.
    #[error("{0} is missing from a paid transaction")]
    Missing(&'static str),
    /// WeChat says closed for an order that it said was paid.
    #[error("closed after paid")]
    ClosedAfterPaid,
    /// A state that no page of WeChat's documents names.
    #[error("unknown trade_state")]
    TradeState,
}

impl Mismatch {
    /// A stable word for storage and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SpMchid => "sp_mchid_mismatch",
            Self::SubMchid => "sub_mchid_mismatch",
            Self::AppId => "appid_mismatch",
            Self::Amount => "amount_mismatch",
            Self::Currency => "currency_mismatch",
            Self::Missing(_) => "missing_field",
            Self::ClosedAfterPaid => "closed_after_paid",
            Self::TradeState => "unknown_trade_state",
        }
    }
}

/// Compares what WeChat says with what we know, and decides.
pub fn settle(
    order: &Order,
    attempt: &Attempt,
    seen: &TransactionObservation,
) -> Result<Verdict, Mismatch> {
    check_identity(order, seen)?;
    match seen.trade_state.as_str() {
        // REFUND: WeChat says so once any refund was made; the payment itself still stands.
        "SUCCESS" | "REFUND" => settle_paid(order, attempt, seen),
        "CLOSED" | "REVOKED" => match order.state {
            // Another attempt than the one that was paid may well be closed.
            state
                if state.has_money()
                    && is_payment_of(order, attempt)
                    && !is_broken(Sabotage::PaidGoesBack) =>
            {
                Err(Mismatch::ClosedAfterPaid)
            }
            OrderState::Closed => Ok(Verdict::Unchanged),
            _ => Ok(Verdict::Closed),
        },
        "NOTPAY" | "USERPAYING" | "PAYERROR" | "ACCEPT" => Ok(if order.state.is_open() {
            Verdict::StillOpen
        } else {
            Verdict::Unchanged
        }),
        _ => Err(Mismatch::TradeState),
    }
}

fn check_identity(order: &Order, seen: &TransactionObservation) -> Result<(), Mismatch> {
    if seen.sp_mchid != order.sp_mchid.as_str() {
        return Err(Mismatch::SpMchid);
    }
    if seen.sub_mchid != order.sub_mchid.as_str() {
        return Err(Mismatch::SubMchid);
    }
    let sp_appid_ok = seen
        .sp_appid
        .as_deref()
        .is_none_or(|id| id == order.sp_appid.as_str());
    let ours = order.content.sub_appid.as_ref().map(AppId::as_str);
    let sub_appid_ok = seen.sub_appid.as_deref().is_none_or(|id| Some(id) == ours);
    if sp_appid_ok && sub_appid_ok {
        Ok(())
    } else {
        Err(Mismatch::AppId)
    }
}

fn settle_paid(
    order: &Order,
    attempt: &Attempt,
    seen: &TransactionObservation,
) -> Result<Verdict, Mismatch> {
    let total = seen.total.ok_or(Mismatch::Missing("amount.total"))?;
    let total = Fen::new(total).map_err(|_| Mismatch::Amount)?;
    if total == Fen::ZERO {
        return Err(Mismatch::Amount);
    }
    // An answer may leave the currency out; then it is the default, CNY.
    if seen.currency.as_deref().unwrap_or("CNY") != order.content.currency.as_str() {
        return Err(Mismatch::Currency);
    }
    let transaction_id = seen
        .transaction_id
        .clone()
        .ok_or(Mismatch::Missing("transaction_id"))?;
    if let Some(known) = &order.payment
        && known.transaction_id == transaction_id
    {
        let same = known.attempt_id == attempt.id && order.money.paid == total;
        return if same {
            Ok(Verdict::Unchanged)
        } else {
            Err(Mismatch::Amount)
        };
    }
    let late = late_kind(order, attempt, total);
    let payment = Payment {
        transaction_id,
        success_time: seen.success_time.ok_or(Mismatch::Missing("success_time"))?,
        payer_total: seen.payer_total.and_then(|fen| Fen::new(fen).ok()),
        bank_type: seen.bank_type.clone(),
        trade_type: seen.trade_type.clone(),
        attempt_id: attempt.id.clone(),
        late,
        learned: None,
    };
    Ok(match late {
        Some(kind) => Verdict::Late(LateMoney {
            kind,
            total,
            payment,
        }),
        None => Verdict::Paid(payment),
    })
}

fn is_payment_of(order: &Order, attempt: &Attempt) -> bool {
    let payment = order.payment.as_ref();
    payment.is_none_or(|payment| payment.attempt_id == attempt.id)
}

/// In which way a payment is not the ordinary one of its order, when it is not.
fn late_kind(order: &Order, attempt: &Attempt, total: Fen) -> Option<LateKind> {
    let closed = order.state == OrderState::Closed || attempt.state == AttemptState::Closed;
    if order.payment.is_some() {
        Some(LateKind::DuplicatePaid)
    } else if total != order.content.total && !is_broken(Sabotage::AmountNotCompared) {
        Some(LateKind::AmountMismatch)
    } else if closed {
        Some(LateKind::PaidLate)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{AttemptId, OrderId, ProviderId, SubMerchantId, TenantId};
    use crate::merchant::{Mchid, OutTradeNo};
    use crate::order_content::{OrderContent, OrderRequest};
    use crate::order_money::OrderMoney;
    use crate::tenant::Mode;

    fn order(state: OrderState) -> (Order, Attempt) {
        let now = Timestamp::from_seconds(1_767_225_600);
        let content = OrderContent::parse(OrderRequest {
            merchant_order_no: "T1".into(),
            sub_mchid: Some("1900000110".into()),
            sub_appid: Some("wx2222222222222222".into()),
            description: "tea".into(),
            total: 888,
            sub_openid: Some("o1".into()),
            ..OrderRequest::default()
        })
        .unwrap();
        let order = Order {
            id: OrderId::new(now),
            tenant_id: TenantId::new(now),
            mode: Mode::Test,
            provider_id: ProviderId::new(now),
            sub_merchant_id: SubMerchantId::new(now),
            sp_mchid: Mchid::parse("1900000109").unwrap(),
            sp_appid: AppId::parse("wx1111111111111111").unwrap(),
            sub_mchid: Mchid::parse("1900000110").unwrap(),
            content,
            state,
            trade_state: None,
            payment: None,
            money: OrderMoney::NONE,
            expires_at: now.plus_millis(3_600_000),
            created_at: now,
            updated_at: now,
            event_seq: 1,
            next_poll_at: None,
            polls: 0,
            payer_hash: None,
        };
        let attempt = Attempt {
            id: AttemptId::new(now),
            tenant_id: order.tenant_id.clone(),
            order_id: order.id.clone(),
            provider_id: order.provider_id.clone(),
            out_trade_no: OutTradeNo::parse("123456").unwrap(),
            body: Vec::new(),
            state: AttemptState::Prepared,
            prepay_id: Some("wx1".into()),
            prepared_at: Some(now),
            created_at: now,
        };
        (order, attempt)
    }

    fn paid() -> TransactionObservation {
        TransactionObservation {
            sp_mchid: "1900000109".into(),
            sub_mchid: "1900000110".into(),
            sp_appid: Some("wx1111111111111111".into()),
            sub_appid: Some("wx2222222222222222".into()),
            out_trade_no: "123456".into(),
            trade_state: "SUCCESS".into(),
            transaction_id: Some("4200000000202601010000000001".into()),
            trade_type: Some("JSAPI".into()),
            bank_type: Some("OTHERS".into()),
            success_time: Some(Timestamp::from_seconds(1_767_225_700)),
            total: Some(888),
            payer_total: Some(800),
            currency: Some("CNY".into()),
        }
    }

    fn settled(state: OrderState, seen: &TransactionObservation) -> Result<Verdict, Mismatch> {
        let (order, attempt) = order(state);
        settle(&order, &attempt, seen)
    }

    #[test]
    fn a_payment_that_fits_pays_every_open_order() {
        for state in OrderState::ALL.iter().filter(|state| state.is_open()) {
            assert!(
                matches!(settled(*state, &paid()), Ok(Verdict::Paid(_))),
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_refunded_transaction_was_paid() {
        let seen = TransactionObservation {
            trade_state: "REFUND".into(),
            ..paid()
        };
        assert!(matches!(
            settled(OrderState::Paying, &seen),
            Ok(Verdict::Paid(_))
        ));
    }

    #[test]
    fn a_payment_after_the_close_is_late_and_never_dropped() {
        assert_eq!(late(OrderState::Closed, &paid()), LateKind::PaidLate);
    }

    fn late(state: OrderState, seen: &TransactionObservation) -> LateKind {
        match settled(state, seen) {
            Ok(Verdict::Late(money)) => {
                assert_eq!(money.payment.late, Some(money.kind));
                assert_eq!(Some(money.total.as_i64()), seen.total);
                money.kind
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_payment_of_another_amount_never_pays_the_order() {
        for total in [1, 887, 889] {
            let seen = TransactionObservation {
                total: Some(total),
                ..paid()
            };
            assert_eq!(late(OrderState::Paying, &seen), LateKind::AmountMismatch);
            assert_eq!(late(OrderState::Closed, &seen), LateKind::AmountMismatch);
        }
    }

    #[test]
    fn whatever_differs_from_the_order_is_not_applied() {
        let differs = |change: fn(&mut TransactionObservation)| {
            let mut seen = paid();
            change(&mut seen);
            settled(OrderState::Paying, &seen).unwrap_err()
        };
        assert_eq!(differs(|s| s.total = Some(-1)), Mismatch::Amount);
        assert_eq!(
            differs(|s| s.currency = Some("USD".into())),
            Mismatch::Currency
        );
        assert_eq!(differs(|s| s.sp_mchid = "1".into()), Mismatch::SpMchid);
        assert_eq!(differs(|s| s.sub_mchid = "1".into()), Mismatch::SubMchid);
        assert_eq!(
            differs(|s| s.sub_appid = Some("wx3".into())),
            Mismatch::AppId
        );
        assert_eq!(
            differs(|s| s.sp_appid = Some("wx3".into())),
            Mismatch::AppId
        );
        assert_eq!(
            differs(|s| s.total = None),
            Mismatch::Missing("amount.total")
        );
        assert_eq!(
            differs(|s| s.transaction_id = None),
            Mismatch::Missing("transaction_id")
        );
        assert_eq!(
            differs(|s| s.trade_state = "HAPPY".into()),
            Mismatch::TradeState
        );
    }

    #[test]
    fn a_repeated_payment_says_nothing_new_and_a_second_one_is_told_apart() {
        let (mut order, attempt) = order(OrderState::Paying);
        let Ok(Verdict::Paid(payment)) = settle(&order, &attempt, &paid()) else {
            panic!()
        };
        order.state = OrderState::Paid;
        order.payment = Some(payment);
        order.money.paid = order.content.total;
        assert_eq!(settle(&order, &attempt, &paid()), Ok(Verdict::Unchanged));
        let other = TransactionObservation {
            transaction_id: Some("42".into()),
            ..paid()
        };
        let Ok(Verdict::Late(money)) = settle(&order, &attempt, &other) else {
            panic!()
        };
        assert_eq!(money.kind, LateKind::DuplicatePaid);
        let closed = TransactionObservation {
            trade_state: "CLOSED".into(),
            ..paid()
        };
        assert_eq!(
            settle(&order, &attempt, &closed),
            Err(Mismatch::ClosedAfterPaid)
        );
        let open = TransactionObservation {
            trade_state: "NOTPAY".into(),
            ..paid()
        };
        assert_eq!(settle(&order, &attempt, &open), Ok(Verdict::Unchanged));
    }

    fn after(order: &Order, verdict: Verdict) -> Order {
        let mut next = order.clone();
        match verdict {
            Verdict::Unchanged | Verdict::StillOpen => {}
            Verdict::Closed => next.state = OrderState::Closed,
            Verdict::Paid(payment) => {
                next.state = OrderState::Paid;
                next.money.paid = next.content.total;
                next.payment = Some(payment);
            }
            Verdict::Late(money) => {
                next.state = OrderState::Held;
                next.money.paid = money.total;
                next.payment = Some(money.payment);
            }
        }
        next
    }

    proptest! {
        /// Reports in any order and number: paid never goes back, and the payment is booked at most once.
        #[test]
        fn no_sequence_of_reports_unpays_an_order(words in proptest::collection::vec(
            prop_oneof![Just("NOTPAY"), Just("SUCCESS"), Just("REFUND"), Just("CLOSED"), Just("USERPAYING")],
            1..20,
        )) {
            let (mut order, attempt) = order(OrderState::Paying);
            let mut bookings = 0;
            for word in words {
                let seen = TransactionObservation { trade_state: word.into(), ..paid() };
                let before = order.clone();
                if let Ok(verdict) = settle(&order, &attempt, &seen) {
                    bookings += u32::from(matches!(verdict, Verdict::Paid(_) | Verdict::Late(_)));
                    order = after(&order, verdict);
                }
                prop_assert!(order.state.rank() >= before.state.rank());
                prop_assert!(before.payment.is_none() || order.payment == before.payment);
            }
            prop_assert!(bookings <= 1);
        }
    }
}
