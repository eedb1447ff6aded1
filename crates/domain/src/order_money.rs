//! What came in for an order and what went back: refunded and refunding together never exceed what was paid.

use crate::clock::Timestamp;
use crate::money::{Fen, MoneyError};
use crate::order::OrderState;
use crate::rehearsal::{Sabotage, is_broken};

/// Refunds that one order may have ("WeChat partner docs: refund").
pub const REFUNDS_MAX: i64 = 50;
/// Until how long after the payment it can be refunded ("WeChat partner docs: refund": one year).
pub const REFUND_WINDOW_MS: i64 = 365 * 24 * 3_600_000;
/// Refunds of one order keep this distance ("WeChat partner docs: refund": a minute).
pub const REFUND_DISTANCE_MS: i64 = 60_000;

/// The sums of one order, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderMoney {
    /// What the payer's payment was worth; zero until paid.
    pub paid: Fen,
    /// On its way back.
    pub refunding: Fen,
    /// Back with the payer.
    pub refunded: Fen,
    /// Refunds that were asked for and not refused.
    pub refunds: i64,
    /// When a refund was last sent to WeChat.
    pub last_refund_at: Option<Timestamp>,
}

/// Why an order cannot be refunded as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// Nothing is paid, or it is not decided what becomes of the money.
    #[error("the order is {}", .0.as_str())]
    State(OrderState),
    /// More than what is left.
    #[error("only {} fen of the payment are left to refund", .0.as_i64())]
    ExceedsPaid(Fen),
    /// The fiftieth was the last.
    #[error("an order has at most {REFUNDS_MAX} refunds")]
    TooMany,
    /// Too long ago.
    #[error("an order can be refunded until one year after it was paid")]
    TooOld,
}

impl OrderMoney {
    /// Nothing paid, nothing refunded.
    pub const NONE: Self = Self {
        paid: Fen::ZERO,
        refunding: Fen::ZERO,
        refunded: Fen::ZERO,
        refunds: 0,
        last_refund_at: None,
    };

    /// What was paid and neither went back nor is on its way.
    pub fn left(&self) -> Fen {
        let gone = self.refunding.checked_add(self.refunded);
        gone.and_then(|gone| self.paid.checked_sub(gone))
            .unwrap_or(Fen::ZERO)
    }

    /// Sets an amount aside for a refund.
    pub fn reserve(self, fen: Fen) -> Result<Self, RefundRefusal> {
        if self.refunds >= REFUNDS_MAX {
            return Err(RefundRefusal::TooMany);
        }
        let exceeds = |_: MoneyError| RefundRefusal::ExceedsPaid(self.left());
        let is_too_much = self.left() < fen && !is_broken(Sabotage::RefundSumsUnguarded);
        if fen == Fen::ZERO || is_too_much {
            return Err(RefundRefusal::ExceedsPaid(self.left()));
        }
        let after = Self {
            refunding: self.refunding.checked_add(fen).map_err(exceeds)?,
            refunds: self.refunds.saturating_add(1),
            ..self
        };
        after.assert_sound();
        Ok(after)
    }

    /// A refund arrived: its amount is no longer on its way.
    pub fn refunded(self, fen: Fen) -> Result<Self, MoneyError> {
        let after = Self {
            refunding: self.refunding.checked_sub(fen)?,
            refunded: self.refunded.checked_add(fen)?,
            ..self
        };
        after.assert_sound();
        Ok(after)
    }

    /// A refund did not happen: its amount may be refunded again.
    pub fn released(self, fen: Fen) -> Result<Self, MoneyError> {
        let after = Self {
            refunding: self.refunding.checked_sub(fen)?,
            ..self
        };
        after.assert_sound();
        Ok(after)
    }

    /// A refund that WeChat never took: its amount may be refunded again, and it does not count.
    pub fn withdrawn(self, fen: Fen) -> Result<Self, MoneyError> {
        let after = self.released(fen)?;
        Ok(Self {
            refunds: after.refunds.saturating_sub(1).max(0),
            ..after
        })
    }

    /// The state of a paid order with these sums.
    pub fn state(&self) -> OrderState {
        if self.refunded == Fen::ZERO {
            OrderState::Paid
        } else if self.refunded == self.paid {
            OrderState::Refunded
        } else {
            OrderState::PartiallyRefunded
        }
    }

    fn assert_sound(&self) {
        let gone = self
            .refunding
            .as_i64()
            .saturating_add(self.refunded.as_i64());
        assert!(
            gone <= self.paid.as_i64() || is_broken(Sabotage::RefundSumsUnguarded),
            "refunded and refunding never exceed what was paid"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fen(amount: i64) -> Fen {
        Fen::new(amount).unwrap()
    }

    fn paid(amount: i64) -> OrderMoney {
        OrderMoney {
            paid: fen(amount),
            ..OrderMoney::NONE
        }
    }

    #[test]
    fn what_is_set_aside_cannot_be_set_aside_again() {
        let money = paid(888).reserve(fen(800)).unwrap();
        let refused = Err(RefundRefusal::ExceedsPaid(fen(88)));
        assert_eq!(money.reserve(fen(89)), refused);
        assert_eq!(money.reserve(fen(88)).unwrap().left(), Fen::ZERO);
        assert_eq!(money.reserve(Fen::ZERO), refused);
    }

    #[test]
    fn a_refund_that_did_not_happen_gives_its_amount_back() {
        let money = paid(888).reserve(fen(888)).unwrap();
        assert_eq!(money.released(fen(888)).unwrap().left(), fen(888));
        assert!(money.released(fen(889)).is_err());
    }

    #[test]
    fn the_state_follows_what_arrived_and_not_what_is_on_its_way() {
        let money = paid(888).reserve(fen(300)).unwrap();
        assert_eq!(money.state(), OrderState::Paid);
        let money = money.refunded(fen(300)).unwrap();
        assert_eq!(money.state(), OrderState::PartiallyRefunded);
        let money = money.reserve(fen(588)).unwrap().refunded(fen(588)).unwrap();
        assert_eq!(money.state(), OrderState::Refunded);
    }

    #[test]
    fn a_refund_that_wechat_never_took_is_none_of_the_fifty() {
        let money = paid(888).reserve(fen(1)).unwrap();
        assert_eq!(money.withdrawn(fen(1)).unwrap().refunds, 0);
        assert_eq!(money.released(fen(1)).unwrap().refunds, 1);
    }

    #[test]
    fn the_fifty_first_refund_is_refused() {
        let mut money = paid(888);
        for _ in 0..REFUNDS_MAX {
            money = money.reserve(fen(1)).unwrap();
        }
        assert_eq!(money.reserve(fen(1)), Err(RefundRefusal::TooMany));
    }

    proptest! {
        #[test]
        fn no_sequence_of_refunds_gives_back_more_than_was_paid(
            total in 1i64..10_000,
            steps in proptest::collection::vec((1i64..4_000, 0u8..3), 1..60),
        ) {
            let mut money = paid(total);
            let mut open = Vec::new();
            for (amount, what) in steps {
                match (what, open.last().copied()) {
                    (0, _) => if let Ok(after) = money.reserve(fen(amount)) {
                        open.push(amount);
                        money = after;
                    },
                    (1, Some(last)) => { money = money.refunded(fen(last)).unwrap(); open.pop(); }
                    (2, Some(last)) => { money = money.released(fen(last)).unwrap(); open.pop(); }
                    _ => {}
                }
                prop_assert_eq!(money.refunding.as_i64(), open.iter().sum::<i64>());
                prop_assert!(money.refunding.as_i64() + money.refunded.as_i64() <= total);
            }
        }
    }
}
