//! Bills: ask for them. WeChat answers with locations that are good for five minutes, so ask anew for every download.

use std::fmt;

use crate::v3::bills::{
    BillLocation, Compression, EncryptedBillList, EncryptedBillLocation, FundFlowBillRequest,
    SubMerchantFundFlowBillRequest, TradeBillRequest,
};

use super::call::{Call, unusable};
use super::{Answer, CallError, Client};

const TRADE_BILL: &str = "/v3/bill/tradebill";
const FUND_FLOW_BILL: &str = "/v3/bill/fundflowbill";
const SUB_MERCHANT_FUND_FLOW_BILL: &str = "/v3/bill/sub-merchant-fundflowbill";

/// The most parts that a bill may have; at 16 GB each there are never so many.
const MOST_PARTS: usize = 64;

/// A bill that can be downloaded, by the merchant that asked for it and within five minutes.
#[derive(Clone, PartialEq, Eq)]
pub struct Bill {
    pub(super) parts: Vec<BillPart>,
    pub(super) compression: Compression,
    /// Another merchant's signature would be refused.
    pub(super) mchid: String,
}

/// One file of a bill.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BillPart {
    pub(super) file: BillLocation,
    pub(super) seal: Option<Seal>,
}

/// What an encrypted file is opened with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) encrypt_key: String,
    pub(super) nonce: String,
}

impl Client {
    /// Asks for a day's payments and refunds.
    pub async fn trade_bill(&self, request: &TradeBillRequest) -> Result<Answer<Bill>, CallError> {
        let call = Call::get(TRADE_BILL, Some(request.query()));
        let valid = request.validate((self.0.clock)());
        valid.map_err(|e| call.refuse(e))?;
        self.locate(&call, request.compression).await
    }

    /// Asks for a day's movements on the provider's own account; at most three such calls a second.
    pub async fn fund_flow_bill(
        &self,
        request: &FundFlowBillRequest,
    ) -> Result<Answer<Bill>, CallError> {
        let call = Call::get(FUND_FLOW_BILL, Some(request.query()));
        let valid = request.validate((self.0.clock)());
        valid.map_err(|e| call.refuse(e))?;
        self.locate(&call, request.compression).await
    }

    /// Asks for a day's movements on a sub-merchant's account, encrypted for the merchant's certificate.
    pub async fn sub_merchant_fund_flow_bill(
        &self,
        request: &SubMerchantFundFlowBillRequest,
    ) -> Result<Answer<Bill>, CallError> {
        let call = Call::get(SUB_MERCHANT_FUND_FLOW_BILL, Some(request.query()));
        let valid = request.validate((self.0.clock)());
        valid.map_err(|e| call.refuse(e))?;
        let answer: Answer<EncryptedBillList> = self.fetch(&call).await?;
        let Some(parts) = parts_in_order(&answer.value) else {
            return Err(unusable(
                answer,
                "the bill's parts are not 1 to their number",
            ));
        };
        let bill = self.bill(parts, request.compression);
        Ok(answer.map(|_| bill))
    }

    async fn locate(
        &self,
        call: &Call<'_>,
        compression: Compression,
    ) -> Result<Answer<Bill>, CallError> {
        let answer: Answer<BillLocation> = self.fetch(call).await?;
        Ok(answer.map(|file| self.bill(vec![BillPart { file, seal: None }], compression)))
    }

    fn bill(&self, parts: Vec<BillPart>, compression: Compression) -> Bill {
        Bill {
            parts,
            compression,
            mchid: self.0.merchant.mchid.clone(),
        }
    }
}

/// Sorts the parts; `None` if one is missing, comes twice, or there are none or too many.
fn parts_in_order(list: &EncryptedBillList) -> Option<Vec<BillPart>> {
    let mut locations: Vec<&EncryptedBillLocation> = list.download_bill_list.iter().collect();
    locations.sort_by_key(|location| location.bill_sequence);
    let in_order = (1..)
        .zip(&locations)
        .all(|(sequence, location): (u32, _)| location.bill_sequence == sequence);
    let announced = usize::try_from(list.download_bill_count).ok()?;
    let countable = (1..=MOST_PARTS).contains(&locations.len());
    if !in_order || !countable || announced != locations.len() {
        return None;
    }
    Some(locations.into_iter().map(part).collect())
}

fn part(location: &EncryptedBillLocation) -> BillPart {
    BillPart {
        file: BillLocation {
            hash_type: location.hash_type.clone(),
            hash_value: location.hash_value.clone(),
            download_url: location.download_url.clone(),
        },
        seal: Some(Seal {
            encrypt_key: location.encrypt_key.clone(),
            nonce: location.nonce.clone(),
        }),
    }
}

/// The URLs carry tokens, and the keys are keys.
impl fmt::Debug for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bill")
            .field("parts", &self.parts.len())
            .field("compression", &self.compression)
            .field("mchid", &self.mchid)
            .finish_non_exhaustive()
    }
}
