//! Orders and their attempts: the states, and which may follow which.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{AttemptId, OrderId, ProviderId, SubMerchantId, TenantId};
use crate::late_payment::LateKind;
use crate::merchant::{AppId, Mchid, OutTradeNo};
use crate::money::Fen;
use crate::order_content::{OrderContent, wechats_own_end};
use crate::order_money::{OrderMoney, REFUND_WINDOW_MS, RefundRefusal};
use crate::settlement::Source;
use crate::state_words::state_words;
use crate::tenant::Mode;

state_words! {
    /// Where an order stands.
    OrderState {
        /// Recorded; WeChat has not accepted a prepay yet.
        Created = "created",
        /// A prepay is open: the payer can pay.
        Paying = "paying",
        /// A call to WeChat had no certain end; a query will tell.
        Unknown = "unknown",
        /// We asked WeChat to close and have no proof yet.
        Closing = "closing",
        /// WeChat says closed. Nobody can pay any more.
        Closed = "closed",
        /// Late or wrong money came in; a person decides what becomes of it.
        Held = "held",
        /// Paid.
        Paid = "paid",
        /// Late or wrong money came in and goes back to the payer as a whole.
        Refunding = "refunding",
        /// Paid, and a part was given back.
        PartiallyRefunded = "partially_refunded",
        /// Paid, and everything was given back.
        Refunded = "refunded",
    }
}

state_words! {
    /// Where one prepay stands.
    AttemptState {
        /// Recorded, not sent.
        New = "new",
        /// Sent; the answer is on its way.
        Sent = "sent",
        /// Sent, and no certain answer came.
        Unknown = "unknown",
        /// WeChat gave a `prepay_id`.
        Prepared = "prepared",
        /// Paid.
        Success = "success",
        /// Closed at WeChat.
        Closed = "closed",
        /// WeChat refused it for good.
        Rejected = "rejected",
        /// Paid although the order was paid by another attempt.
        DuplicatePaid = "duplicate_paid",
    }
}

impl OrderState {
    /// Whether money may still come in the ordinary way.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Paying | Self::Unknown | Self::Closing
        )
    }

    /// Rank of certainty: a fact never moves an order to a lower rank.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Paying | Self::Unknown => 2,
            Self::Closing => 3,
            Self::Closed => 8,
            Self::Held => 9,
            Self::Paid | Self::Refunding | Self::PartiallyRefunded | Self::Refunded => 10,
        }
    }

    /// Whether money came in for it, whatever became of the money since.
    pub const fn has_money(self) -> bool {
        matches!(
            self,
            Self::Held | Self::Paid | Self::Refunding | Self::PartiallyRefunded | Self::Refunded
        )
    }
}

impl AttemptState {
    /// Whether WeChat may hold, or come to hold, a payable prepay for it.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::New | Self::Sent | Self::Unknown | Self::Prepared
        )
    }
}

/// How an order was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// When the payer paid.
    pub success_time: Timestamp,
    /// What the payer paid after coupons.
    pub payer_total: Option<Fen>,
    /// The payer's bank.
    pub bank_type: Option<String>,
    /// `JSAPI` and its neighbours.
    pub trade_type: Option<String>,
    /// The attempt that was paid.
    pub attempt_id: AttemptId,
    /// Why the money did not come in the ordinary way, when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<LateKind>,
    /// How we learned of it; payments of before do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
}

/// How and when we learned of a payment: how late WeChat is, and how often only our question finds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// From whom.
    pub source: Source,
    /// When.
    pub at: Timestamp,
}

/// What a tenant wants paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our id.
    pub id: OrderId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which world it lives in.
    pub mode: Mode,
    /// Through which provider.
    pub provider_id: ProviderId,
    /// Paid to which sub-merchant.
    pub sub_merchant_id: SubMerchantId,
    /// The provider's merchant number.
    pub sp_mchid: Mchid,
    /// The provider's app id.
    pub sp_appid: AppId,
    /// The sub-merchant's number.
    pub sub_mchid: Mchid,
    /// What is to be paid.
    pub content: OrderContent,
    /// Where it stands.
    pub state: OrderState,
    /// WeChat's own `trade_state`, as last seen.
    pub trade_state: Option<String>,
    /// How it was paid.
    pub payment: Option<Payment>,
    /// What came in and what went back.
    pub money: OrderMoney,
    /// When it ends unpaid.
    pub expires_at: Timestamp,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Number of the last event about it.
    pub event_seq: i64,
    /// When the sweeper looks next; absent exactly when nothing is left to find out.
    pub next_poll_at: Option<Timestamp>,
    /// How often it was looked at in a row without a certain answer.
    pub polls: i64,
    /// Stands for the payer where orders of one are looked for; absent in orders of before.
    pub payer_hash: Option<String>,
}

impl Order {
    /// When WeChat is told to end it; absent when that is WeChat's own seven days.
    pub fn time_expire(&self) -> Option<Timestamp> {
        let is_wechats_own = self.expires_at == wechats_own_end(self.created_at);
        let agreed = (!is_wechats_own).then_some(self.expires_at);
        self.content.time_expire.or(agreed)
    }
}

impl Order {
    /// Sets an amount of the payment aside for a refund that the tenant asks for.
    pub fn reserve_refund(&self, fen: Fen, now: Timestamp) -> Result<OrderMoney, RefundRefusal> {
        let payment = match (self.state, &self.payment) {
            (OrderState::Paid | OrderState::PartiallyRefunded, Some(payment)) => payment,
            // Nothing is left, which says more than the state.
            (OrderState::Refunded, _) => return Err(RefundRefusal::ExceedsPaid(Fen::ZERO)),
            (state, _) => return Err(RefundRefusal::State(state)),
        };
        if now.millis_since(payment.success_time) > REFUND_WINDOW_MS {
            return Err(RefundRefusal::TooOld);
        }
        self.money.reserve(fen)
    }

    /// The order as it waits for another look, `tries` looks after it began to be uncertain where it stands.
    pub fn in_doubt(&self, tries: i64, now: Timestamp) -> Self {
        Self {
            next_poll_at: Some(next_look_after_unknown(tries, now)),
            polls: tries.saturating_add(1),
            ..self.clone()
        }
    }
}

/// One prepay at WeChat for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Our id.
    pub id: AttemptId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// For which order.
    pub order_id: OrderId,
    /// Through which provider.
    pub provider_id: ProviderId,
    /// What WeChat sees as order number.
    pub out_trade_no: OutTradeNo,
    /// The exact bytes of the prepay: WeChat takes a repetition only when it is identical.
    pub body: Vec<u8>,
    /// Where it stands.
    pub state: AttemptState,
    /// WeChat's handle of the prepay.
    pub prepay_id: Option<String>,
    /// When `prepay_id` was issued; it is usable for two hours.
    pub prepared_at: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// How long a `prepay_id` is usable ("WeChat partner docs: JSAPI prepay").
pub const PREPAY_LIFETIME_MS: i64 = 2 * 3_600_000;
/// A `prepay_id` this close to its end is renewed rather than handed out.
const PREPAY_MARGIN_MS: i64 = 5 * 60_000;

impl Attempt {
    /// The `prepay_id`, when a payer still has time to use it.
    pub fn usable_prepay_id(&self, now: Timestamp) -> Option<&str> {
        let fresh = self
            .prepared_at
            .is_some_and(|at| now.millis_since(at) < PREPAY_LIFETIME_MS - PREPAY_MARGIN_MS);
        if fresh && self.state == AttemptState::Prepared {
            self.prepay_id.as_deref()
        } else {
            None
        }
    }
}

/// When the sweeper asks WeChat about an unpaid order: this long after its creation, then hourly.
///
/// WeChat advises a first query within a minute, then growing intervals.
const POLL_OFFSETS_MS: [i64; 5] = [60_000, 180_000, 300_000, 600_000, 1_800_000];
const POLL_EVERY_MS: i64 = 3_600_000;
/// A payment may have been under way while an order was closed, and its notification may be lost: one more look.
pub const LOOK_AFTER_CLOSE_MS: i64 = 10 * 60_000;

/// The next moment to ask about an open order that WeChat just answered about.
///
/// Never later than the order's expiry, so that an order is closed in time.
pub fn next_poll_at(created_at: Timestamp, now: Timestamp, expires_at: Timestamp) -> Timestamp {
    let offsets = POLL_OFFSETS_MS.iter();
    let at = offsets
        .map(|offset| created_at.plus_millis(*offset))
        .find(|at| *at > now)
        .unwrap_or_else(|| now.plus_millis(POLL_EVERY_MS))
        .max(now.plus_millis(1000));
    if now < expires_at {
        at.min(expires_at.plus_millis(1000))
    } else {
        at
    }
}

/// How soon the sweeper looks again after the `tries`-th call without a certain end.
pub fn next_look_after_unknown(tries: i64, now: Timestamp) -> Timestamp {
    let delay_ms = match tries {
        0 => 5_000,
        1 => 15_000,
        2..=12 => 60_000,
        _ => POLL_EVERY_MS,
    };
    now.plus_millis(delay_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_from_its_word() {
        for state in OrderState::ALL {
            assert_eq!(OrderState::parse(state.as_str()), Some(*state));
        }
        for state in AttemptState::ALL {
            assert_eq!(AttemptState::parse(state.as_str()), Some(*state));
        }
    }

    #[test]
    fn polls_follow_the_schedule_and_then_the_hour() {
        let created = Timestamp::from_seconds(1_000_000);
        let end = created.plus_millis(7 * 24 * 3_600_000);
        assert_eq!(
            next_poll_at(created, created, end),
            created.plus_millis(60_000)
        );
        let now = created.plus_millis(60_000);
        assert_eq!(
            next_poll_at(created, now, end),
            created.plus_millis(180_000)
        );
        let now = created.plus_millis(1_800_000);
        assert_eq!(next_poll_at(created, now, end), now.plus_millis(3_600_000));
        // What was slept through is not caught up with.
        let now = created.plus_millis(9 * 3_600_000);
        assert_eq!(next_poll_at(created, now, end), now.plus_millis(3_600_000));
    }

    #[test]
    fn the_expiry_is_never_slept_through() {
        let created = Timestamp::from_seconds(1_000_000);
        let end = created.plus_millis(90_000);
        let now = created.plus_millis(60_000);
        assert_eq!(next_poll_at(created, now, end), end.plus_millis(1000));
    }

    #[test]
    fn a_prepay_id_near_its_end_is_not_handed_out() {
        let made = Timestamp::from_seconds(1_000_000);
        let attempt = Attempt {
            id: AttemptId::new(made),
            tenant_id: TenantId::new(made),
            order_id: OrderId::new(made),
            provider_id: ProviderId::new(made),
            out_trade_no: OutTradeNo::parse("123456").unwrap(),
            body: Vec::new(),
            state: AttemptState::Prepared,
            prepay_id: Some("wx1".into()),
            prepared_at: Some(made),
            created_at: made,
        };
        assert_eq!(attempt.usable_prepay_id(made), Some("wx1"));
        assert_eq!(
            attempt.usable_prepay_id(made.plus_millis(PREPAY_LIFETIME_MS - 1)),
            None
        );
    }
}
