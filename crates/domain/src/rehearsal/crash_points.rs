//! Lines at which a process can be made to end as if it were killed.

/// A named line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// An order's intent is written and not committed.
    IntentBeforeCommit,
    /// An order's intent is committed and WeChat not called.
    IntentAfterCommit,
    /// WeChat answered a prepay, and nothing of it is written.
    PrepayAnswered,
    /// A prepay and the answer under its key are written and not committed.
    PrepayBeforeCommit,
    /// A prepay and the answer under its key are committed, and the tenant not answered.
    PrepayAfterCommit,
    /// An observation is applied and not committed.
    ObservationBeforeCommit,
    /// An observation is committed, and nobody answered.
    ObservationAfterCommit,
    /// An order is marked as closing, and WeChat not asked.
    ClosingMarked,
    /// WeChat took a close, and nobody asked for the proof.
    CloseAnswered,
    /// Deliveries are claimed and not committed.
    ClaimBeforeCommit,
    /// Deliveries are claimed, and none is sent.
    ClaimAfterCommit,
    /// A receiver answered, and nothing of it is written.
    DeliveryAnswered,
    /// Attempts are recorded and not committed.
    RecordBeforeCommit,
    /// Attempts are recorded.
    RecordAfterCommit,
    /// Events have numbers that are not committed.
    SequenceBeforeCommit,
    /// Events have committed numbers.
    SequenceAfterCommit,
    /// The intent of a refund is written and not committed.
    RefundIntentBeforeCommit,
    /// The intent of a refund is committed, and nothing is sent.
    RefundIntentAfterCommit,
    /// A refund is marked as sent, and WeChat not called.
    RefundMarkedSent,
    /// WeChat answered a refund, and nothing of it is written.
    RefundAnswered,
    /// A report about a refund is applied and not committed.
    RefundReportBeforeCommit,
    /// A report about a refund is committed, and nobody answered.
    RefundReportAfterCommit,
    /// Late money and the refund that gives it back are written and not committed.
    LateRefundBeforeCommit,
    /// A bill is downloaded, proven and sealed, and does not count yet.
    BillProven,
    /// What a bill and the books disagree about is written, and the day's figures are not.
    DifferencesNoted,
    /// A repair went through the one door, and its difference is still open.
    RepairBooked,
    /// Tenants are told of a day, and the day is not marked as compared.
    DayTold,
    /// A step of a job is done and not committed.
    JobStepBeforeCommit,
    /// A step of a job is committed.
    JobStepAfterCommit,
}

impl CrashPoint {
    /// Every named line.
    pub const ALL: [Self; 29] = [
        Self::IntentBeforeCommit,
        Self::IntentAfterCommit,
        Self::PrepayAnswered,
        Self::PrepayBeforeCommit,
        Self::PrepayAfterCommit,
        Self::ObservationBeforeCommit,
        Self::ObservationAfterCommit,
        Self::ClosingMarked,
        Self::CloseAnswered,
        Self::ClaimBeforeCommit,
        Self::ClaimAfterCommit,
        Self::DeliveryAnswered,
        Self::RecordBeforeCommit,
        Self::RecordAfterCommit,
        Self::SequenceBeforeCommit,
        Self::SequenceAfterCommit,
        Self::RefundIntentBeforeCommit,
        Self::RefundIntentAfterCommit,
        Self::RefundMarkedSent,
        Self::RefundAnswered,
        Self::RefundReportBeforeCommit,
        Self::RefundReportAfterCommit,
        Self::LateRefundBeforeCommit,
        Self::BillProven,
        Self::DifferencesNoted,
        Self::RepairBooked,
        Self::DayTold,
        Self::JobStepBeforeCommit,
        Self::JobStepAfterCommit,
    ];

    /// Those that only bills and jobs come by, and no order.
    pub const OF_LONG_WORK: [Self; 6] = [
        Self::JobStepBeforeCommit,
        Self::JobStepAfterCommit,
        Self::BillProven,
        Self::DifferencesNoted,
        Self::RepairBooked,
        Self::DayTold,
    ];
}

#[cfg(debug_assertions)]
mod armed {
    use std::str::FromStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::CrashPoint;

    static ARMED: OnceLock<(CrashPoint, AtomicU32)> = OnceLock::new();

    /// Where the process ends, and at the how manieth passage.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CrashPlan {
        /// The line.
        pub point: CrashPoint,
        /// The passage, from 1.
        pub passage: u32,
    }

    /// The text names no line, or no passage.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
    #[error("not a crash point: Name or Name:passage")]
    pub struct ParseCrashPlanError;

    impl FromStr for CrashPlan {
        type Err = ParseCrashPlanError;

        fn from_str(text: &str) -> Result<Self, ParseCrashPlanError> {
            let (name, passage) = text.split_once(':').unwrap_or((text, "1"));
            let mut points = CrashPoint::ALL.into_iter();
            Ok(Self {
                point: points
                    .find(|point| format!("{point:?}") == name)
                    .ok_or(ParseCrashPlanError)?,
                passage: passage.parse().map_err(|_| ParseCrashPlanError)?,
            })
        }
    }

    /// Lets this process end as planned; only the first plan of a process counts.
    pub fn arm(plan: CrashPlan) {
        drop(ARMED.set((plan.point, AtomicU32::new(plan.passage))));
    }

    /// Ends the process here, when that was planned.
    pub fn crash_point(point: CrashPoint) {
        if let Some((armed, left)) = ARMED.get()
            && *armed == point
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

#[cfg(debug_assertions)]
pub use armed::{CrashPlan, arm, crash_point};

/// Ends the process here, when that was planned: never.
#[cfg(not(debug_assertions))]
pub const fn crash_point(_: CrashPoint) {}
