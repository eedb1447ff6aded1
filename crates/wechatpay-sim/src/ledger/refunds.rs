//! Refunds and what became of them.

use serde::{Deserialize, Serialize};

use super::{Ledger, Record, RefundIndex};

/// WeChat's state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RefundStatus {
    /// Accepted.
    Processing,
    /// The money is with the user.
    Success,
    /// Not executed; the amount may be refunded again.
    Closed,
    /// The original way failed; the money is neither here nor there.
    Abnormal,
}

impl RefundStatus {
    /// WeChat's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success => "SUCCESS",
            Self::Closed => "CLOSED",
            Self::Abnormal => "ABNORMAL",
        }
    }
}

/// What a refund comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RefundResult {
    /// The money is with the user.
    Success,
    /// Not executed.
    Closed,
    /// The original way failed.
    Abnormal,
}

impl From<RefundResult> for RefundStatus {
    fn from(result: RefundResult) -> Self {
        match result {
            RefundResult::Success => Self::Success,
            RefundResult::Closed => Self::Closed,
            RefundResult::Abnormal => Self::Abnormal,
        }
    }
}

/// The result that refunds come to by themselves, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPolicy {
    /// `SUCCESS`, `CLOSED` or `ABNORMAL`.
    pub result: RefundResult,
    /// Business time between acceptance and result.
    #[serde(default)]
    pub after_ms: u32,
}

impl RefundPolicy {
    /// The result of a refund that is accepted now.
    pub(crate) fn planned(self, now_ms: i64) -> PlannedResult {
        PlannedResult {
            result: self.result,
            at_ms: now_ms.saturating_add(i64::from(self.after_ms)),
        }
    }

    /// What follows an application for an abnormal refund: the other way does not fail as the first did.
    pub(crate) fn after_application(self) -> Self {
        let result = match self.result {
            RefundResult::Abnormal => RefundResult::Success,
            other => other,
        };
        Self { result, ..self }
    }
}

/// A result to come, in business time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedResult {
    /// What it will be.
    pub result: RefundResult,
    /// When.
    pub at_ms: i64,
}

/// Another way for the money of an abnormal refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherWay {
    /// WeChat's `channel`.
    pub channel: String,
    /// WeChat's `user_received_account`.
    pub received_account: String,
}

/// One refund of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refund {
    /// The service provider.
    pub sp_mchid: String,
    /// The sub-merchant whose money goes back.
    pub sub_mchid: String,
    /// The order refunded.
    pub out_trade_no: String,
    /// WeChat's number of its payment.
    pub transaction_id: String,
    /// The number that the provider gave.
    pub out_refund_no: String,
    /// WeChat's number.
    pub refund_id: String,
    /// Where the result is notified; absent means nowhere in V3's form.
    pub notify_url: Option<String>,
    /// Refunded, in fen.
    pub amount_refund: i64,
    /// The order's total, in fen.
    pub amount_total: i64,
    /// The account that the request named.
    pub funds_account: Option<String>,
    /// SHA-256 of the request's parameters; a repetition must have the same.
    pub parameters_digest: String,
    /// Business time of acceptance.
    pub created_ms: i64,
    /// Business time of the last change.
    pub updated_ms: i64,
    /// Business time of success.
    pub success_ms: Option<i64>,
    /// WeChat's state.
    pub status: RefundStatus,
    /// The result that a policy will bring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedResult>,
    /// Where the money goes since an abnormal refund was applied for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_way: Option<OtherWay>,
}

impl Ledger {
    pub(crate) fn refund(&self, index: RefundIndex) -> Option<&Refund> {
        self.refunds.get(index.0)
    }

    pub(crate) fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter()
    }

    pub(crate) fn find_refund(&self, sp_mchid: &str, out_refund_no: &str) -> Option<RefundIndex> {
        self.refunds_by_number
            .get(&(sp_mchid.to_owned(), out_refund_no.to_owned()))
            .copied()
    }

    /// Refunds of any provider with this number.
    pub(crate) fn refunds_numbered(&self, out_refund_no: &str) -> &[RefundIndex] {
        self.refunds_by_bare_number
            .get(out_refund_no)
            .map_or(&[], Vec::as_slice)
    }

    /// The refund with WeChat's number.
    pub(crate) fn find_refund_by_id(&self, refund_id: &str) -> Option<RefundIndex> {
        self.refunds_by_id.get(refund_id).copied()
    }

    /// Refunds whose result is planned, with its time.
    pub(crate) fn planned_refunds(&self) -> impl Iterator<Item = (i64, RefundIndex)> + '_ {
        self.refunds
            .iter()
            .enumerate()
            .filter_map(|(place, refund)| Some((refund.planned?.at_ms, RefundIndex(place))))
    }

    /// Files a new refund, or its newer form.
    pub(crate) fn keep_refund(&mut self, refund: Refund) {
        let key = (refund.sp_mchid.clone(), refund.out_refund_no.clone());
        let index = if let Some(index) = self.refunds_by_number.get(&key) {
            *index
        } else {
            let index = RefundIndex(self.refunds.len());
            self.refunds_by_bare_number
                .entry(key.1.clone())
                .or_default()
                .push(index);
            self.refunds_by_number.insert(key, index);
            self.refunds_by_id.insert(refund.refund_id.clone(), index);
            index
        };
        if self.journal.is_kept() {
            self.journal
                .write(&Record::Refund(Box::new(refund.clone())));
        }
        match self.refunds.get_mut(index.0) {
            Some(slot) => *slot = refund,
            None => self.refunds.push(refund),
        }
    }
}
