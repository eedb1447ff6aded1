//! What a tenant sends to refund an order. Limits are checked in `domain`, and written into the document.

use poem_openapi::{Enum, Object};
use tributary_domain::field::FieldError;
use tributary_domain::refund_content as content;
use tributary_operations::refunds::abnormal::{OtherWay, Payee};

use super::objects::RefundGoods;

/// A refund to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub(super) struct NewRefund {
    /// Our id of the order; this or `merchant_order_no`.
    order_id: Option<String>,
    /// Your own number of the order; this or `order_id`.
    merchant_order_no: Option<String>,
    /// Your own number of the refund, unique per mode: up to 64 characters of `0-9 A-Z a-z _ - | * @ .`.
    merchant_refund_no: String,
    /// How much.
    amount: NewRefundAmount,
    /// What the payer is told: at most 80 bytes of UTF-8, without emoji.
    reason: Option<String>,
    /// Which account of the sub-merchant pays. Leave it out to take what is not settled yet first.
    funds_account: Option<NewRefundAccount>,
    /// Which goods.
    goods_detail: Option<Vec<RefundGoods>>,
}

/// How much is to be refunded.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct NewRefundAmount {
    /// Whole fen (1/100 yuan), at most what is left of the payment.
    refund: i64,
    /// `CNY`, the only currency.
    currency: Option<String>,
}

/// An account of a sub-merchant.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
enum NewRefundAccount {
    /// What it may withdraw.
    Available,
    /// What is not settled yet.
    Unsettled,
}

/// Where the money of an abnormal refund goes.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(crate) struct RefundRedirection {
    /// `user_bank_card`: to a card of the payer's, with the three fields below. `merchant_bank_card`: to the
    /// sub-merchant's settlement account, without them; the sub-merchant then pays the payer itself.
    pub(crate) r#type: RedirectionType,
    /// The payer's bank, in WeChat's word.
    pub(crate) bank_type: Option<String>,
    /// The number of the payer's card.
    pub(crate) bank_account: Option<String>,
    /// The name of the card's holder.
    pub(crate) real_name: Option<String>,
}

impl std::fmt::Debug for RefundRedirection {
    /// Whose card it is, is nobody's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefundRedirection")
            .field("type", &self.r#type)
            .finish_non_exhaustive()
    }
}

/// A way for an abnormal refund.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum RedirectionType {
    /// To a card of the payer's.
    UserBankCard,
    /// To the sub-merchant's settlement account.
    MerchantBankCard,
}

impl RefundRedirection {
    /// The payee is whole or absent, as the type demands.
    pub(crate) fn into_way(self) -> Result<OtherWay, Vec<FieldError>> {
        let given = [
            ("/bank_type", self.bank_type.is_some()),
            ("/bank_account", self.bank_account.is_some()),
            ("/real_name", self.real_name.is_some()),
        ];
        let (wanted, reason) = match self.r#type {
            RedirectionType::UserBankCard => (true, "must be given for user_bank_card"),
            RedirectionType::MerchantBankCard => (false, "must be left out for merchant_bank_card"),
        };
        let faulty = given.iter().filter(|(_, is_given)| *is_given != wanted);
        let faults: Vec<FieldError> = faulty
            .map(|(field, _)| FieldError::new(*field, reason))
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(match (self.bank_type, self.bank_account, self.real_name) {
            (Some(bank_type), Some(bank_account), Some(real_name)) => {
                OtherWay::UserBankCard(Payee {
                    bank_type,
                    bank_account: bank_account.into(),
                    real_name: real_name.into(),
                })
            }
            _ => OtherWay::MerchantBankCard,
        })
    }
}

impl From<NewRefund> for content::RefundRequest {
    fn from(refund: NewRefund) -> Self {
        let account = |account| match account {
            NewRefundAccount::Available => content::FundsAccount::Available,
            NewRefundAccount::Unsettled => content::FundsAccount::Unsettled,
        };
        let goods = refund.goods_detail.unwrap_or_default();
        Self {
            order_id: refund.order_id,
            merchant_order_no: refund.merchant_order_no,
            merchant_refund_no: refund.merchant_refund_no,
            refund: refund.amount.refund,
            currency: refund.amount.currency,
            reason: refund.reason,
            funds_account: refund
                .funds_account
                .map(|word| account(word).as_str().to_owned()),
            goods_detail: goods.into_iter().map(Into::into).collect(),
        }
    }
}
