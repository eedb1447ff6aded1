//! What a report about a refund means: the decision behind the one door, as `settlement` is for payments.

use crate::clock::Timestamp;
use crate::refund::{Refund, RefundFacts, RefundState};
use crate::rehearsal::{Sabotage, is_broken};

/// What WeChat says about one refund number, verified but not yet compared with anything of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundObservation {
    /// The provider's merchant number, when WeChat said it.
    pub sp_mchid: Option<String>,
    /// The sub-merchant's number, when WeChat said it.
    pub sub_mchid: Option<String>,
    /// Our order number at WeChat.
    pub out_trade_no: String,
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// Our refund number at WeChat.
    pub out_refund_no: String,
    /// WeChat's number of the refund.
    pub refund_id: String,
    /// WeChat's state of it, verbatim.
    pub status: String,
    /// The way back.
    pub channel: Option<String>,
    /// The receiving account in WeChat's words.
    pub user_received_account: Option<String>,
    /// When WeChat accepted it, when WeChat said so.
    pub create_time: Option<Timestamp>,
    /// When the payer had the money.
    pub success_time: Option<Timestamp>,
    /// What is refunded, in fen.
    pub refund: i64,
    /// The whole payment, in fen.
    pub total: i64,
    /// What the payer gets, in fen.
    pub payer_refund: Option<i64>,
}

/// What follows from an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundVerdict {
    /// Nothing new.
    Unchanged,
    /// WeChat accepted it.
    Processing,
    /// The payer has the money.
    Success,
    /// It did not happen.
    Closed,
    /// The way back failed.
    Abnormal,
}

/// Why an observation is kept but not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundMismatch {
    /// Another sub-merchant.
    #[error("sub_mchid differs")]
    SubMchid,
    /// Another payment.
    #[error("the payment differs")]
    Payment,
    /// Another amount.
    #[error("amount differs")]
    Amount,
    /// It would leave an end that was certain.
    #[error("a refund that came to its end comes to another")]
    LeavesEnd,
    /// A state that no page of WeChat's documents names.
    #[error("unknown refund status")]
    Status,
}

impl RefundMismatch {
    /// A stable word for storage and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SubMchid => "refund_sub_mchid_mismatch",
            Self::Payment => "refund_payment_mismatch",
            Self::Amount => "refund_amount_mismatch",
            Self::LeavesEnd => "refund_leaves_end",
            Self::Status => "unknown_refund_status",
        }
    }
}

/// Compares what WeChat says with what we know, and decides.
pub fn settle_refund(
    refund: &Refund,
    seen: &RefundObservation,
) -> Result<RefundVerdict, RefundMismatch> {
    check_identity(refund, seen)?;
    let (state, verdict) = match seen.status.as_str() {
        "PROCESSING" => (RefundState::Processing, RefundVerdict::Processing),
        "SUCCESS" => (RefundState::Success, RefundVerdict::Success),
        "CLOSED" => (RefundState::Closed, RefundVerdict::Closed),
        "ABNORMAL" => (RefundState::Abnormal, RefundVerdict::Abnormal),
        _ => return Err(RefundMismatch::Status),
    };
    if refund.state == state && is_broken(Sabotage::RefundSettledTwice) {
        return Ok(verdict);
    }
    if refund.state == state {
        return Ok(RefundVerdict::Unchanged);
    }
    // We took WeChat's refusal for the end, and there is a refund after all: what WeChat has is the truth.
    if refund.was_closed_by_us() {
        return Ok(verdict);
    }
    if state.rank() > refund.state.rank() {
        return Ok(verdict);
    }
    if state.rank() == refund.state.rank() {
        return Err(RefundMismatch::LeavesEnd);
    }
    // An older fact that came late.
    Ok(RefundVerdict::Unchanged)
}

/// WeChat's word and numbers, as they are kept with the refund.
pub fn facts(known: &RefundFacts, seen: &RefundObservation) -> RefundFacts {
    let known = known.clone();
    RefundFacts {
        refund_id: Some(seen.refund_id.clone()),
        status: Some(seen.status.clone()),
        channel: seen.channel.clone().or(known.channel),
        user_received_account: seen
            .user_received_account
            .clone()
            .or(known.user_received_account),
        success_time: seen.success_time.or(known.success_time),
        payer_refund: seen.payer_refund.or(known.payer_refund),
        accepted_at: seen.create_time.or(known.accepted_at),
    }
}

fn check_identity(refund: &Refund, seen: &RefundObservation) -> Result<(), RefundMismatch> {
    let sub_mchid = seen.sub_mchid.as_deref();
    if sub_mchid.is_some_and(|theirs| theirs != refund.sub_mchid.as_str()) {
        return Err(RefundMismatch::SubMchid);
    }
    if seen.out_trade_no != refund.out_trade_no.as_str()
        || seen.transaction_id != refund.transaction_id
    {
        return Err(RefundMismatch::Payment);
    }
    if seen.refund != refund.content.refund.as_i64() || seen.total != refund.total.as_i64() {
        return Err(RefundMismatch::Amount);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::refund::tests::refund;

    fn seen(status: &str) -> RefundObservation {
        RefundObservation {
            sp_mchid: Some("1900000109".into()),
            sub_mchid: Some("1900000110".into()),
            out_trade_no: "123456".into(),
            transaction_id: "4200000000202601010000000001".into(),
            out_refund_no: "R123456".into(),
            refund_id: "50000000382019052709732678859".into(),
            status: status.into(),
            channel: None,
            user_received_account: Some("支付用户零钱".into()),
            create_time: None,
            success_time: None,
            refund: 300,
            total: 888,
            payer_refund: Some(300),
        }
    }

    #[test]
    fn whatever_differs_from_the_refund_is_not_applied() {
        let differs = |change: fn(&mut RefundObservation)| {
            let mut seen = seen("SUCCESS");
            change(&mut seen);
            settle_refund(&refund(RefundState::Sent), &seen).unwrap_err()
        };
        assert_eq!(
            differs(|s| s.sub_mchid = Some("1".into())),
            RefundMismatch::SubMchid
        );
        assert_eq!(
            differs(|s| s.out_trade_no = "1".into()),
            RefundMismatch::Payment
        );
        assert_eq!(
            differs(|s| s.transaction_id = "1".into()),
            RefundMismatch::Payment
        );
        assert_eq!(differs(|s| s.refund = 301), RefundMismatch::Amount);
        assert_eq!(differs(|s| s.total = 889), RefundMismatch::Amount);
        assert_eq!(
            differs(|s| s.status = "GONE".into()),
            RefundMismatch::Status
        );
    }

    #[test]
    fn a_success_after_an_abnormal_refund_is_ordinary() {
        let verdict = settle_refund(&refund(RefundState::Abnormal), &seen("SUCCESS"));
        assert_eq!(verdict, Ok(RefundVerdict::Success));
    }

    #[test]
    fn an_end_is_never_left() {
        let mut success = refund(RefundState::Success);
        success.facts = facts(&success.facts, &seen("SUCCESS"));
        let closed = settle_refund(&success, &seen("CLOSED"));
        assert_eq!(closed, Err(RefundMismatch::LeavesEnd));
        let older = settle_refund(&success, &seen("ABNORMAL"));
        assert_eq!(older, Ok(RefundVerdict::Unchanged));
    }

    #[test]
    fn a_refund_that_we_took_for_refused_is_what_wechat_says_it_is() {
        let closed = refund(RefundState::Closed);
        for (status, verdict) in [
            ("PROCESSING", RefundVerdict::Processing),
            ("ABNORMAL", RefundVerdict::Abnormal),
            ("SUCCESS", RefundVerdict::Success),
        ] {
            assert_eq!(
                settle_refund(&closed, &seen(status)),
                Ok(verdict),
                "{status}"
            );
        }
        assert_eq!(
            settle_refund(&closed, &seen("CLOSED")),
            Ok(RefundVerdict::Unchanged)
        );
        let mut by_wechat = closed;
        by_wechat.facts = facts(&by_wechat.facts, &seen("CLOSED"));
        let success = settle_refund(&by_wechat, &seen("SUCCESS"));
        assert_eq!(success, Err(RefundMismatch::LeavesEnd));
    }

    proptest! {
        /// Reports in any order and number: certainty only grows, and there is one end at most.
        #[test]
        fn no_sequence_of_reports_moves_a_refund_back(words in proptest::collection::vec(
            prop_oneof![Just("PROCESSING"), Just("SUCCESS"), Just("CLOSED"), Just("ABNORMAL")],
            1..20,
        )) {
            let mut now = refund(RefundState::Sent);
            let mut ends = 0;
            for word in words {
                let before = now.state;
                if let Ok(verdict) = settle_refund(&now, &seen(word)) {
                    now.state = match verdict {
                        RefundVerdict::Unchanged => now.state,
                        RefundVerdict::Processing => RefundState::Processing,
                        RefundVerdict::Abnormal => RefundState::Abnormal,
                        RefundVerdict::Success => RefundState::Success,
                        RefundVerdict::Closed => RefundState::Closed,
                    };
                    if now.state != before {
                        now.facts = facts(&now.facts, &seen(word));
                        ends += u32::from(!now.state.is_open());
                    }
                }
                prop_assert!(now.state.rank() >= before.rank());
            }
            prop_assert!(ends <= 1);
        }
    }
}
