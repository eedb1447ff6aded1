//! Refunds: create and query. The same `out_refund_no` with the same bytes is the same refund.

use serde::Deserialize;

use crate::v3::abnormal_refunds::AbnormalRefundBody;
use crate::v3::request::check;
use crate::v3::{AbnormalRefund, FrozenBody, InvalidRequest, Refund, RefundRequest};

use super::call::{Call, unusable};
use super::orders::encode;
use super::{Answer, CallError, CallErrorKind, Client};

const REFUNDS: &str = "/v3/refund/domestic/refunds";

impl Client {
    /// Checks a refund and serialises it once. Store the result: repeating it needs the same bytes.
    pub fn prepare_refund(&self, refund: &RefundRequest) -> Result<FrozenBody, InvalidRequest> {
        refund.validate()?;
        FrozenBody::freeze(refund)
    }

    /// Asks for a refund; success means accepted, not refunded.
    pub async fn refund(&self, refund: &FrozenBody) -> Result<Answer<Refund>, CallError> {
        let answer: Answer<Refund> = self.fetch(&Call::post(REFUNDS, refund.as_bytes())).await?;
        let asked = serde_json::from_slice::<Asked>(refund.as_bytes());
        if asked.is_ok_and(|asked| asked.out_refund_no != answer.value.out_refund_no) {
            return Err(unusable(answer, "the answer is about another refund"));
        }
        Ok(answer)
    }

    /// Queries a refund by the merchant's number.
    pub async fn query_refund(
        &self,
        sub_mchid: &str,
        out_refund_no: &str,
    ) -> Result<Answer<Refund>, CallError> {
        let path = format!("{REFUNDS}/{}", encode(out_refund_no));
        let call = Call::get(path, Some(format!("sub_mchid={}", encode(sub_mchid))));
        check::number("/out_refund_no", out_refund_no, b"|*@", (1, 64))
            .map_err(|e| call.refuse(e))?;
        let answer: Answer<Refund> = self.fetch(&call).await?;
        if answer.value.out_refund_no != out_refund_no {
            return Err(unusable(answer, "the answer is about another refund"));
        }
        Ok(answer)
    }

    /// Sends the money of a refund in state `ABNORMAL` elsewhere; `refund_id` is WeChat's number.
    ///
    /// The payee is encrypted here, with the key that this client announces, and is never kept. Repeating the call
    /// encrypts anew; it stays the same refund because its numbers do. Success means accepted, not refunded.
    pub async fn apply_abnormal_refund(
        &self,
        refund_id: &str,
        refund: &AbnormalRefund,
    ) -> Result<Answer<Refund>, CallError> {
        let path = format!("{REFUNDS}/{}/apply-abnormal-refund", encode(refund_id));
        let mut call = Call::post(path, b"");
        check::number("/refund_id", refund_id, b"", (1, 32)).map_err(|e| call.refuse(e))?;
        refund.validate().map_err(|e| call.refuse(e))?;
        let body = AbnormalRefundBody::seal(refund, |plain| self.encrypt_sensitive(plain))
            .map_err(|e| call.unsent(CallErrorKind::Unencrypted(e)))?;
        let body = FrozenBody::freeze(&body).map_err(|e| call.refuse(e))?;
        call.body = body.as_bytes();
        let answer: Answer<Refund> = self.fetch(&call).await?;
        let told = &answer.value;
        if told.refund_id != refund_id || told.out_refund_no != refund.out_refund_no {
            return Err(unusable(answer, "the answer is about another refund"));
        }
        Ok(answer)
    }
}

/// The number that a frozen refund carries.
#[derive(Deserialize)]
struct Asked {
    out_refund_no: String,
}
