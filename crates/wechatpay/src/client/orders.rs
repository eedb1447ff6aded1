//! Orders in partner mode: prepay, query, close.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::v3::request::{Problem, check};
use crate::v3::{CloseRequest, FrozenBody, InvalidRequest, JsapiPrepay, Prepay, Transaction};

use super::call::{Call, unusable};
use super::{Answer, CallError, Client};

const TRANSACTIONS: &str = "/v3/pay/partner/transactions";

/// What may stand in a path or a query value as it is; `*` may, `|` may not.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'*');

impl Client {
    /// Checks an order and serialises it once. Store the result: repeating a prepay needs the same bytes.
    pub fn prepare_jsapi(&self, order: &JsapiPrepay) -> Result<FrozenBody, InvalidRequest> {
        order.validate()?;
        if order.sp_mchid != self.0.merchant.mchid {
            let problem = Problem::DiffersFrom("the merchant number that signs");
            return Err(InvalidRequest {
                field: "/sp_mchid",
                problem,
            });
        }
        FrozenBody::freeze(order)
    }

    /// Places an order of an official account or a mini-program; the same bytes give the same order again.
    pub async fn prepay_jsapi(&self, order: &FrozenBody) -> Result<Answer<Prepay>, CallError> {
        let call = Call::post(format!("{TRANSACTIONS}/jsapi"), order.as_bytes());
        let answer: Answer<Prepay> = self.fetch(&call).await?;
        if answer.value.prepay_id.is_empty() {
            return Err(unusable(answer, "the prepay_id is empty"));
        }
        Ok(answer)
    }

    /// Queries an order by the merchant's number; the only way to find an unpaid one.
    pub async fn query_by_out_trade_no(
        &self,
        sub_mchid: &str,
        out_trade_no: &str,
    ) -> Result<Answer<Transaction>, CallError> {
        let path = format!("{TRANSACTIONS}/out-trade-no/{}", encode(out_trade_no));
        let call = Call::get(path, Some(self.identity(sub_mchid)));
        check::number("/out_trade_no", out_trade_no, b"|*", (1, 32)).map_err(|e| call.refuse(e))?;
        let answer = self.query(&call, sub_mchid).await?;
        if answer.value.out_trade_no != out_trade_no {
            return Err(unusable(answer, "the answer is about another order"));
        }
        Ok(answer)
    }

    /// Queries a paid order by WeChat's number.
    pub async fn query_by_transaction_id(
        &self,
        sub_mchid: &str,
        transaction_id: &str,
    ) -> Result<Answer<Transaction>, CallError> {
        let path = format!("{TRANSACTIONS}/id/{}", encode(transaction_id));
        let call = Call::get(path, Some(self.identity(sub_mchid)));
        check::number("/transaction_id", transaction_id, b"", (1, 32))
            .map_err(|e| call.refuse(e))?;
        let answer = self.query(&call, sub_mchid).await?;
        if answer.value.transaction_id.as_deref() != Some(transaction_id) {
            return Err(unusable(answer, "the answer is about another order"));
        }
        Ok(answer)
    }

    /// Closes an unpaid order. Success alone does not prove that it existed or is closed: query afterwards.
    pub async fn close(
        &self,
        sub_mchid: &str,
        out_trade_no: &str,
    ) -> Result<Answer<()>, CallError> {
        let close = CloseRequest {
            sp_mchid: self.0.merchant.mchid.clone(),
            sub_mchid: sub_mchid.to_owned(),
        };
        let path = format!("{TRANSACTIONS}/out-trade-no/{}/close", encode(out_trade_no));
        let checked = check::number("/out_trade_no", out_trade_no, b"|*", (1, 32));
        let body = checked.and_then(|()| FrozenBody::freeze(&close));
        let body = body.map_err(|invalid| Call::post(path.clone(), b"").refuse(invalid))?;
        let reply = self.exchange(&Call::post(path, body.as_bytes())).await?;
        Ok(Answer {
            value: (),
            trace: reply.trace,
        })
    }

    /// The signature of an answer does not cover the question, so the answer must say whom it is about.
    async fn query(
        &self,
        call: &Call<'_>,
        sub_mchid: &str,
    ) -> Result<Answer<Transaction>, CallError> {
        let mut answer: Answer<Transaction> = self.fetch(call).await?;
        let order = &answer.value;
        answer.trace.said = Some(order.trade_state.as_str().to_owned());
        if order.sp_mchid != self.0.merchant.mchid || order.sub_mchid != sub_mchid {
            return Err(unusable(answer, "the answer is about another merchant"));
        }
        Ok(answer)
    }

    fn identity(&self, sub_mchid: &str) -> String {
        let sp_mchid = encode(&self.0.merchant.mchid);
        format!("sp_mchid={sp_mchid}&sub_mchid={}", encode(sub_mchid))
    }
}

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
