//! Bills: what is asked for, what WeChat answers, how a file is opened and how its rows are read. Nothing here calls.
//!
//! The order of use: a request gives a location, [`content`] decrypts, decompresses and proves the file, [`trade`] and
//! [`fund_flow`] read rows from its bytes. Rows come before the proof does: publish nothing before `finish`.

pub mod content;
pub mod decimal;
pub mod fund_flow;
mod lines;
mod parse_error;
pub mod parser;
pub mod requests;
pub mod trade;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use content::{ContentDecoder, ContentError, Unverified, VerifiedContent};
pub use fund_flow::{FlowDirection, FundFlowBillParser, FundFlowRow, FundFlowSummary};
pub use parse_error::{BillParseError, CellProblem};
pub use requests::{
    AccountType, Compression, FundFlowBillRequest, SubMerchantFundFlowBillRequest,
    TradeBillRequest, TradeBillType,
};
pub use trade::{BillRefund, TradeBillParser, TradeBillSummary, TradeRow};

/// The answer of `tradebill` and `fundflowbill`: where one file is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLocation {
    /// `SHA1`.
    pub hash_type: String,
    /// SHA-1 in hex over the decompressed content.
    pub hash_value: String,
    /// Good for five minutes; its token lets whoever signs as the same merchant download.
    pub download_url: String,
}

/// The answer of `sub-merchant-fundflowbill`: one encrypted file per part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedBillList {
    /// How many parts there are.
    pub download_bill_count: u32,
    /// The parts, in any order.
    #[serde(default)]
    pub download_bill_list: Vec<EncryptedBillLocation>,
}

/// Where one encrypted part is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedBillLocation {
    /// From 1; the plain texts are joined in this order.
    pub bill_sequence: u32,
    /// As in [`BillLocation`].
    pub download_url: String,
    /// The part's key, RSA-OAEP for the merchant's certificate, in base64.
    pub encrypt_key: String,
    /// The part's nonce, 12 to 16 characters.
    pub nonce: String,
    /// `SHA1`.
    pub hash_type: String,
    /// SHA-1 in hex over the decrypted and decompressed content.
    pub hash_value: String,
}

/// A download's token is as good as a password for five minutes.
impl fmt::Debug for BillLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillLocation")
            .field("hash_type", &self.hash_type)
            .field("hash_value", &self.hash_value)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EncryptedBillLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedBillLocation")
            .field("bill_sequence", &self.bill_sequence)
            .field("hash_type", &self.hash_type)
            .field("hash_value", &self.hash_value)
            .finish_non_exhaustive()
    }
}
