//! A refund whose way back failed: sent another way, to a card of the payer's or to the sub-merchant.
//!
//! The payee's data pass through to WeChat, encrypted; nothing of them is kept.

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::RefundId;
use tributary_domain::refund::{Refund, RefundState};
use tributary_domain::settlement::Source;
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::Scope;
use tributary_storage::refunds;
use wechatpay::client::{CallErrorKind, Client};
use wechatpay::v3::abnormal_refunds::{AbnormalRefund, AbnormalRefundTarget};

pub use wechatpay::v3::abnormal_refunds::Payee;

use crate::audit::{self, Act};
use crate::budgets::{Spending, Urgency};
use crate::credentials::Caller;
use crate::observation::from_refund;
use crate::orders::upstream;
use crate::refund_limits::limit_of;
use crate::refund_search::RefundDetail;
use crate::refunds::send::lock_both;
use crate::refunds::view::{RefundView, refund_view};
use crate::refunds::wish;
use crate::staff::{StaffCaller, check_reason};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// How soon a refund that was sent another way is asked about.
const ASK_AFTER_MS: i64 = 60_000;

/// Where the money of an abnormal refund goes.
#[derive(Clone, Debug)]
pub enum OtherWay {
    /// To a card of the payer's.
    UserBankCard(Payee),
    /// To the sub-merchant's settlement account; the sub-merchant pays the payer itself.
    MerchantBankCard,
}

/// A person who sends a refund another way, and why.
struct Sender<'a> {
    by: &'a Actor,
    reason: &'a str,
}

impl OtherWay {
    /// The way in a stable word, without the payee.
    const fn as_str(&self) -> &'static str {
        match self {
            Self::UserBankCard(_) => "user_bank_card",
            Self::MerchantBankCard => "merchant_bank_card",
        }
    }
}

impl Operations {
    /// Sends an abnormal refund another way.
    pub async fn redirect_refund(
        &self,
        caller: &Caller,
        id: &RefundId,
        way: OtherWay,
    ) -> Result<RefundView, OperationError> {
        caller.require(Scope::RefundsWrite)?;
        let refund = self.find_refund(caller, id).await?;
        let now = self.send_another_way(refund, way, None).await?;
        Ok(refund_view(&now))
    }

    /// The same for a person. Needs `refund:create` and a fresh proof; the log says which way, and nothing of the payee.
    pub async fn redirect_refund_for(
        &self,
        caller: &StaffCaller,
        viewer: &Viewer,
        id: &RefundId,
        way: OtherWay,
        reason: &str,
    ) -> Result<RefundDetail, OperationError> {
        caller.require(Permission::RefundCreate)?;
        let refund = self.refund_seen(viewer, id).await?;
        caller.require_proof()?;
        // A card that somebody names is not the payer's for sure: above the limit that takes more than asking.
        let limit = limit_of(
            self.storage(),
            &AuditScope::Tenant(refund.tenant_id.clone()),
        )
        .await?;
        if refund.content.refund > limit {
            caller.require(Permission::RefundApprove)?;
        }
        let (by, reason) = (&caller.actor(), check_reason(reason)?);
        let sender = Sender { by, reason };
        self.send_another_way(refund, way, Some(&sender)).await?;
        self.refund_detail(viewer, id).await
    }

    /// Asks WeChat for another way, and gives the refund as it is then.
    async fn send_another_way(
        &self,
        refund: Refund,
        way: OtherWay,
        sender: Option<&Sender<'_>>,
    ) -> Result<Refund, OperationError> {
        let wechat_id = match (refund.state, refund.facts.refund_id.clone()) {
            (RefundState::Abnormal, Some(wechat_id)) => wechat_id,
            (state, _) => {
                return Err(OperationError::StateConflict {
                    state: state.as_str().to_owned(),
                });
            }
        };
        self.room_for(wish(&refund, Spending::Refund, Urgency::Asked))
            .await?;
        // Asked about soon, whatever becomes of the call.
        self.ask_soon(&refund, sender.map(|sender| (sender, &way)))
            .await?;
        let target = match way {
            OtherWay::UserBankCard(payee) => AbnormalRefundTarget::UserBankCard(payee),
            OtherWay::MerchantBankCard => AbnormalRefundTarget::MerchantBankCard,
        };
        let request = AbnormalRefund {
            sub_mchid: refund.sub_mchid.to_string(),
            out_refund_no: refund.out_refund_no.to_string(),
            target,
        };
        let handle = self.provider(&refund.provider_id).await?;
        let (wechat_id, request) = (wechat_id.as_str(), &request);
        let sent =
            |client: Client| async move { client.apply_abnormal_refund(wechat_id, request).await };
        let context = CallContext::refund(CallPurpose::RedirectRefund, &refund);
        let source = sender.map_or(Source::Api, |_| Source::Person);
        match self.call(&handle, &context, sent).await {
            Ok(answer) => {
                let seen = from_refund(&answer.value);
                let now = self.let_in(&refund, &seen, source).await?;
                Ok(now.map_or(refund, |now| *now))
            }
            Err(error) => Err(match &*error.kind {
                CallErrorKind::Invalid(fault) => {
                    OperationError::invalid(fault.field, &fault.problem.to_string())
                }
                _ => upstream(&error),
            }),
        }
    }

    /// Lets the refund be looked at soon; when a person sends it, no call is made that the log does not have.
    async fn ask_soon(
        &self,
        refund: &Refund,
        sent: Option<(&Sender<'_>, &OtherWay)>,
    ) -> Result<(), OperationError> {
        let tx = self.storage().begin().await?;
        let (_, before) = lock_both(&tx, refund).await?;
        if before.state != RefundState::Abnormal {
            return Err(OperationError::StateConflict {
                state: before.state.as_str().to_owned(),
            });
        }
        let after = Refund {
            next_try_at: Some(self.now().plus_millis(ASK_AFTER_MS)),
            tries: 0,
            ..before.clone()
        };
        refunds::update(&tx, &before, &after).await?;
        if let Some((sender, way)) = sent {
            let scope = AuditScope::Tenant(refund.tenant_id.clone());
            let act = Act {
                after: Some(json!({ "way": way.as_str() })),
                reason: Some(sender.reason),
                ..Act::new(scope, "refund.redirected", refund.id.as_str())
            };
            audit::record(&tx, sender.by, act, self.now()).await?;
        }
        Ok(tx.commit().await?)
    }
}
