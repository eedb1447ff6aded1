//! What a movement on a sub-merchant's account means for our books: each one is a payment or refund of ours, or it is
//! not for us to judge, or it differs. This code is pure and changes nothing.

use crate::bill::BillDay;
use crate::clock::Timestamp;
use crate::reconciliation::{DiscrepancyClass, Finding, LocalPayment, LocalRefund, Occurrence};

/// What moved the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    /// A payment came in.
    Payment,
    /// A refund went out.
    Refund,
    /// A share of a payment went to somebody, or came back.
    ProfitSharing,
    /// Fees, withdrawals, top-ups: the books have no such thing.
    Other,
}

impl MovementKind {
    /// Reads 业务类型 (WeChat partner docs: fund-flow bill format).
    pub fn of(business_type: &str) -> Self {
        match business_type {
            "交易" => Self::Payment,
            "退款" => Self::Refund,
            other if other.contains("分账") => Self::ProfitSharing,
            _ => Self::Other,
        }
    }
}

/// A movement on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The line in the file, from 1.
    pub line: i64,
    /// What moved it.
    pub kind: MovementKind,
    /// 业务凭证号: the number that we, or somebody else, gave.
    pub number: String,
    /// 资金流水单号.
    pub flow_id: String,
    /// 业务类型 as WeChat writes it.
    pub business_type: String,
    /// 记账时间.
    pub booked_at: Timestamp,
    /// How much, in fen; below zero when it left the account.
    pub fen: i64,
}

/// What our books have under a movement's number, as it moves the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The sub-merchant.
    pub sub_mchid: String,
    /// How much, in fen; below zero for a refund.
    pub fen: i64,
    /// When.
    pub at: Timestamp,
    /// The amount that WeChat settles, where coupons make it another than ours; with the same sign.
    pub settled_fen: Option<i64>,
}

impl Booked {
    /// A payment of ours.
    pub fn payment(payment: &LocalPayment) -> Self {
        Self {
            sub_mchid: payment.sub_mchid.clone(),
            fen: payment.fen,
            at: payment.paid_at,
            settled_fen: None,
        }
    }

    /// A refund of ours, once WeChat accepted it.
    pub fn refund(refund: &LocalRefund) -> Option<Self> {
        Some(Self {
            sub_mchid: refund.sub_mchid.clone(),
            fen: refund.fen.saturating_neg(),
            at: refund.accepted_at?,
            settled_fen: None,
        })
    }
}

/// What a movement comes to: by how much the bill counts it, and what differs, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What it counts in the bill's sum, in fen.
    pub counted_fen: i64,
    /// What differs.
    pub finding: Option<Finding>,
}

/// Judges a payment, refund or share on the account of `sub_mchid`.
pub fn judge_movement(
    movement: &Movement,
    booked: Option<&Booked>,
    occurrence: Occurrence,
    (sub_mchid, day): (&str, BillDay),
) -> Judged {
    let differs = |class, local_fen| Judged {
        counted_fen: movement.fen,
        finding: Some(Finding {
            class,
            local_fen,
            bill_fen: movement.fen,
        }),
    };
    let of_ours = booked.filter(|booked| booked.sub_mchid == sub_mchid);
    let Some(booked) = of_ours.filter(|_| occurrence == Occurrence::First) else {
        return differs(DiscrepancyClass::FundFlow, 0);
    };
    let local_fen = if day.contains(booked.at) {
        booked.fen
    } else {
        0
    };
    if movement.fen != booked.fen && Some(movement.fen) != booked.settled_fen {
        return differs(DiscrepancyClass::FundFlow, local_fen);
    }
    if local_fen != booked.fen {
        return differs(DiscrepancyClass::DayBoundary, local_fen);
    }
    Judged {
        counted_fen: booked.fen,
        finding: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "1900000110";

    fn day() -> BillDay {
        "2026-01-01".parse().unwrap()
    }

    fn movement(fen: i64) -> Movement {
        Movement {
            line: 2,
            kind: MovementKind::of("交易"),
            number: "N1".to_owned(),
            flow_id: "F1".to_owned(),
            business_type: "交易".to_owned(),
            booked_at: day().at_millis(1_000),
            fen,
        }
    }

    fn booked(fen: i64) -> Booked {
        Booked {
            sub_mchid: SUB.to_owned(),
            fen,
            at: day().at_millis(1_000),
            settled_fen: None,
        }
    }

    fn judged(movement: &Movement, booked: Option<&Booked>) -> (i64, Option<(&'static str, i64)>) {
        let judged = judge_movement(movement, booked, Occurrence::First, (SUB, day()));
        let found = judged.finding;
        let found = found.map(|found| (found.class.as_str(), found.delta_fen()));
        (judged.counted_fen, found)
    }

    #[test]
    fn the_kinds_are_told_apart_by_what_wechat_calls_them() {
        use MovementKind as Kind;
        let kinds =
            ["交易", "退款", "分账", "分账回退", "扣除交易手续费", "提现"].map(MovementKind::of);
        let expected = [
            Kind::Payment,
            Kind::Refund,
            Kind::ProfitSharing,
            Kind::ProfitSharing,
            Kind::Other,
            Kind::Other,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_movement_is_ours_to_the_fen_or_differs_by_what_it_counts() {
        assert_eq!(judged(&movement(888), Some(&booked(888))), (888, None));
        assert_eq!(
            judged(&movement(887), Some(&booked(888))),
            (887, Some(("R14", 1)))
        );
        assert_eq!(judged(&movement(-5), None), (-5, Some(("R14", 5))));
        let again = judge_movement(
            &movement(888),
            Some(&booked(888)),
            Occurrence::Again,
            (SUB, day()),
        );
        assert_eq!(again.finding.map(|found| found.delta_fen()), Some(-888));
        let other = Booked {
            sub_mchid: "1900000111".to_owned(),
            ..booked(888)
        };
        assert_eq!(
            judged(&movement(888), Some(&other)),
            (888, Some(("R14", -888)))
        );
    }

    #[test]
    fn what_coupons_leave_to_be_settled_agrees_with_the_whole_amount() {
        let coupon = Booked {
            settled_fen: Some(800),
            ..booked(888)
        };
        assert_eq!(judged(&movement(800), Some(&coupon)), (888, None));
        assert_eq!(
            judged(&movement(799), Some(&coupon)),
            (799, Some(("R14", 89)))
        );
    }

    #[test]
    fn what_was_paid_on_another_day_is_a_matter_of_midnight() {
        let before = Booked {
            at: day().start().plus_millis(-1),
            ..booked(888)
        };
        assert_eq!(
            judged(&movement(888), Some(&before)),
            (888, Some(("R15", -888)))
        );
    }
}
