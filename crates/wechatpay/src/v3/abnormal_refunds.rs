//! A refund whose original way failed (`ABNORMAL`) and where its money goes instead.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::request::{InvalidRequest, Problem, check};

/// The banks that take such a refund to a payer's card (WeChat partner docs: abnormal refund).
pub const BANK_TYPES: [&str; 15] = [
    "CMB_DEBIT",
    "COMM_DEBIT",
    "ABC_DEBIT",
    "CCB_DEBIT",
    "ICBC_DEBIT",
    "BOC_DEBIT",
    "PAB_DEBIT",
    "SPDB_DEBIT",
    "CITIC_DEBIT",
    "CEB_DEBIT",
    "CMBC_DEBIT",
    "CIB_DEBIT",
    "GDB_DEBIT",
    "PSBC_DEBIT",
    "NBCB_DEBIT",
];

/// What fits into one RSA block of a 2048-bit key, in bytes.
const MOST_SENSITIVE_BYTES: usize = 214;

/// What is asked for a refund in state `ABNORMAL`.
#[derive(Debug, Clone)]
pub struct AbnormalRefund {
    /// The sub-merchant's number.
    pub sub_mchid: String,
    /// The merchant's number of the same refund.
    pub out_refund_no: String,
    /// Where the money goes.
    pub target: AbnormalRefundTarget,
}

/// Where the money of an abnormal refund goes.
#[derive(Debug, Clone)]
pub enum AbnormalRefundTarget {
    /// To a card of the payer's.
    UserBankCard(Payee),
    /// To the merchant's settlement account; the merchant then pays the payer itself.
    MerchantBankCard,
}

/// The payer's card. Account and name are wiped when dropped, and no `Debug` shows them.
#[derive(Clone)]
pub struct Payee {
    /// One of [`BANK_TYPES`].
    pub bank_type: String,
    /// The card's number in the clear.
    pub bank_account: Zeroizing<String>,
    /// The holder's name in the clear.
    pub real_name: Zeroizing<String>,
}

impl fmt::Debug for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payee")
            .field("bank_type", &self.bank_type)
            .field("bank_account", &"***")
            .field("real_name", &"***")
            .finish()
    }
}

impl AbnormalRefund {
    /// Checks WeChat's published limits and names the first field that breaks one, never its content.
    pub fn validate(&self) -> Result<(), InvalidRequest> {
        check::number("/sub_mchid", &self.sub_mchid, b"", (1, 32))?;
        check::number("/out_refund_no", &self.out_refund_no, b"|*@", (1, 64))?;
        let AbnormalRefundTarget::UserBankCard(payee) = &self.target else {
            return Ok(());
        };
        if !BANK_TYPES.contains(&payee.bank_type.as_str()) {
            return Err(InvalidRequest {
                field: "/bank_type",
                problem: Problem::NotA("a bank that takes abnormal refunds"),
            });
        }
        let account = &payee.bank_account;
        check::number("/bank_account", account, b"", (1, MOST_SENSITIVE_BYTES))?;
        check::text("/real_name", &payee.real_name, MOST_SENSITIVE_BYTES)
    }
}

/// The body of `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund` as it is on the wire.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbnormalRefundBody {
    /// The sub-merchant's number.
    pub sub_mchid: String,
    /// The merchant's number of the same refund.
    pub out_refund_no: String,
    /// `USER_BANK_CARD` or `MERCHANT_BANK_CARD`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One of [`BANK_TYPES`], for the payer's card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_type: Option<String>,
    /// The card's number, encrypted with the key that `Wechatpay-Serial` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_account: Option<String>,
    /// The holder's name, encrypted with the same key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_name: Option<String>,
}

impl AbnormalRefundBody {
    /// Writes a request down, its sensitive fields through `encrypt`.
    pub fn seal<E>(
        refund: &AbnormalRefund,
        encrypt: impl Fn(&str) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut body = Self {
            sub_mchid: refund.sub_mchid.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            kind: "MERCHANT_BANK_CARD".to_owned(),
            bank_type: None,
            bank_account: None,
            real_name: None,
        };
        if let AbnormalRefundTarget::UserBankCard(payee) = &refund.target {
            "USER_BANK_CARD".clone_into(&mut body.kind);
            body.bank_type = Some(payee.bank_type.clone());
            body.bank_account = Some(encrypt(&payee.bank_account)?);
            body.real_name = Some(encrypt(&payee.real_name)?);
        }
        Ok(body)
    }
}

/// Even the ciphertext of somebody's account stays out of logs.
impl fmt::Debug for AbnormalRefundBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbnormalRefundBody")
            .field("sub_mchid", &self.sub_mchid)
            .field("out_refund_no", &self.out_refund_no)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
