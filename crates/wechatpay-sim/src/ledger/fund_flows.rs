//! What moved on the providers' own accounts; sub-merchants' payments never touch them.

use serde::{Deserialize, Serialize};

use super::{Ledger, Record};

/// An account of a merchant; sub-merchants have `DEPOSIT` besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Account {
    /// The basic account.
    #[default]
    Basic,
    /// The operating account.
    Operation,
    /// The account that fees are taken from.
    Fees,
}

/// A movement on the provider's own account: sub-merchants' payments never touch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundFlow {
    /// The service provider.
    pub sp_mchid: String,
    /// Which of its accounts.
    pub account: Account,
    /// Business time.
    pub at_ms: i64,
    /// In fen; negative when it leaves the account.
    pub amount: i64,
    /// What it is called, such as 充值 or 提现.
    pub business_name: String,
    /// WeChat's number.
    pub flow_id: String,
    /// The provider's own number, if it gave one.
    pub voucher: String,
}

impl Ledger {
    pub(crate) fn fund_flows(&self) -> impl Iterator<Item = &FundFlow> {
        self.fund_flows.iter()
    }

    pub(crate) fn add_fund_flow(&mut self, flow: FundFlow) {
        if self.journal.is_kept() {
            self.journal.write(&Record::FundFlow(flow.clone()));
        }
        self.fund_flows.push(flow);
    }
}
