//! The handle of a running simulator: the control API as Rust methods, for tests in the same process.

use std::{net::SocketAddr, sync::Arc};

use poem::{
    Body,
    http::{HeaderMap, Method},
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    authentication::Wire,
    bills::{self, BillFault, BillQuery},
    control::{
        ChangeProvider, ChangeSubMerchant, ControlError, FaultWish, NewCode, NewFundFlow,
        NewOpenid, NewProvider, NewSubMerchant, ProviderKeys, SettleRefund, SubMerchantRefunds,
        SubMerchantView,
    },
    core::Core,
    faults::{Fault, Host, SeededFaults},
    ledger::{FundFlow, LedgerFilter, LedgerView},
    notifier,
    transactions::{PayOnClose, PayOrder},
    v3_routes::{self, Ending},
};

/// A request under `/v3` by a caller in the same process.
#[derive(Clone, Debug)]
pub struct LocalRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered to a [`LocalRequest`].
#[derive(Clone, Debug)]
pub struct LocalAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// A running simulator; dropping it stops it.
pub struct SimHandle {
    core: Arc<Core>,
    address: SocketAddr,
    backup_address: Option<SocketAddr>,
    /// Dropped to stop the servers.
    stop: Option<watch::Sender<()>>,
    servers: Vec<JoinHandle<()>>,
    notifier: Option<JoinHandle<()>>,
}

/// What serves a simulator: a listener with its server, or two.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) backup_address: Option<SocketAddr>,
    pub(crate) stop: watch::Sender<()>,
    pub(crate) servers: Vec<JoinHandle<()>>,
}

impl SimHandle {
    pub(crate) fn new(core: Arc<Core>, serving: Serving, notifier: Option<JoinHandle<()>>) -> Self {
        Self {
            core,
            address: serving.address,
            backup_address: serving.backup_address,
            stop: Some(serving.stop),
            servers: serving.servers,
            notifier,
        }
    }

    /// `http://127.0.0.1:port`, the host that a client is pointed at.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of the backup host, when the configuration asked for one.
    pub fn backup_url(&self) -> Option<String> {
        self.backup_address
            .map(|address| format!("http://{address}"))
    }

    /// The bound address.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Everything that WeChat believes.
    pub fn ledger(&self) -> LedgerView {
        self.core.view(&LedgerFilter::default())
    }

    /// What WeChat believes, filtered.
    pub fn ledger_of(&self, filter: &LedgerFilter) -> LedgerView {
        self.core.view(filter)
    }

    /// Whether a provider is known, as after a restart with a state file.
    pub fn has_provider(&self, sp_mchid: &str) -> bool {
        self.core.ledger().provider(sp_mchid).is_some()
    }

    /// Creates a provider; makes RSA keys on a thread of its own.
    pub async fn provider(&self, wish: NewProvider) -> Result<ProviderKeys, ControlError> {
        let core = Arc::clone(&self.core);
        let made = tokio::task::spawn_blocking(move || core.create_provider(wish)).await;
        made.unwrap_or_else(|_| Err(ControlError::Invalid("keys could not be made".to_owned())))
    }

    /// Changes a provider's keys or key mode.
    pub async fn change_provider(
        &self,
        sp_mchid: &str,
        change: ChangeProvider,
    ) -> Result<ProviderKeys, ControlError> {
        let (core, sp_mchid) = (Arc::clone(&self.core), sp_mchid.to_owned());
        let made =
            tokio::task::spawn_blocking(move || core.change_provider(&sp_mchid, change)).await;
        made.unwrap_or_else(|_| Err(ControlError::Invalid("keys could not be made".to_owned())))
    }

    /// Creates a sub-merchant, or adds apps and users to it.
    pub fn sub_merchant(&self, wish: NewSubMerchant) -> Result<SubMerchantView, ControlError> {
        self.core.create_sub_merchant(wish)
    }

    /// Changes how a sub-merchant's refunds go.
    pub fn change_sub_merchant(
        &self,
        sub_mchid: &str,
        change: &ChangeSubMerchant,
    ) -> Result<SubMerchantRefunds, ControlError> {
        self.core.change_sub_merchant(sub_mchid, change)
    }

    /// Makes a user of an app known; answers `{appid, openid}`.
    pub fn openid(&self, wish: NewOpenid) -> Value {
        self.core.register_openid(wish)
    }

    /// Issues a login code; answers `{code, openid}`.
    pub fn code(&self, wish: NewCode) -> Result<Value, ControlError> {
        self.core.issue_code(wish)
    }

    /// Pays an order; answers `{out_trade_no, transaction_id}`.
    pub fn pay(&self, out_trade_no: &str, wish: &PayOrder) -> Result<Value, ControlError> {
        self.core.pay_order(out_trade_no, wish)
    }

    /// Lets the next close of an order lose the race against its payment.
    pub fn pay_on_close(
        &self,
        out_trade_no: &str,
        wish: PayOnClose,
    ) -> Result<Value, ControlError> {
        self.core.pay_on_close(out_trade_no, wish)
    }

    /// Closes an order as WeChat's clean-up does.
    pub fn close(&self, out_trade_no: &str) -> Result<Value, ControlError> {
        self.core.close_order(out_trade_no, None)
    }

    /// Brings a refund to its result.
    pub fn settle_refund(
        &self,
        out_refund_no: &str,
        wish: &SettleRefund,
    ) -> Result<Value, ControlError> {
        self.core.settle_refund(out_refund_no, wish)
    }

    /// Moves the business clock forward.
    pub fn advance_clock(&self, advance_ms: i64) {
        self.core.advance_clock(advance_ms);
    }

    /// The business time, Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.core.clock.business_ms()
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.core.faults().add(fault);
        self.core.move_doors();
    }

    /// Draws faults from a seed from now on.
    pub fn seed_faults(&self, seeded: SeededFaults) -> Result<Value, ControlError> {
        self.core.add_faults(FaultWish::Seeded(seeded))
    }

    /// Ends every fault.
    pub fn clear_faults(&self) {
        self.core.clear_faults();
    }

    /// The faults in force, and how often each has happened.
    pub fn faults(&self) -> Value {
        self.core.describe_faults()
    }

    /// Answers a request as the server does, without a socket; `None` when a fault loses the answer.
    pub async fn answer(&self, request: &LocalRequest) -> Option<LocalAnswer> {
        let wire = Wire {
            method: request.method.as_str(),
            target: &request.target,
            headers: &request.headers,
            body: &request.body,
        };
        let (response, ending) = v3_routes::handle(&self.core, &wire, Host::Main).await;
        let (parts, body): (_, Body) = response.into_parts();
        let body = body.into_vec().await.unwrap_or_default();
        (ending == Ending::Whole).then(|| LocalAnswer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    }

    /// Adds a fault of bills.
    pub fn bill_fault(&self, fault: BillFault) -> Result<Value, ControlError> {
        self.core.add_bill_faults(vec![fault])
    }

    /// Ends every fault of bills.
    pub fn clear_bill_faults(&self) {
        self.core.bill_faults().clear();
    }

    /// The faults of bills in force.
    pub fn bill_faults(&self) -> Value {
        self.core.describe_bill_faults()
    }

    /// What a bill would say now; all of it, in memory.
    pub fn bill(&self, query: &BillQuery) -> Result<String, ControlError> {
        let contents = self.core.preview_bill(query)?;
        bills::text(&contents).map_err(|error| ControlError::Invalid(error.to_string()))
    }

    /// Moves money on a provider's own account.
    pub fn fund_flow(&self, wish: NewFundFlow) -> Result<FundFlow, ControlError> {
        self.core.add_fund_flow(wish)
    }

    /// Delivers every notification that is due now; answers how many deliveries were made.
    pub async fn run_due(&self) -> usize {
        notifier::run_due(&self.core).await
    }

    /// Stops serving and waits until it has stopped.
    pub async fn shutdown(mut self) {
        self.stop();
        for server in std::mem::take(&mut self.servers) {
            // The server ends by itself within its drain; a panic in it has been printed already.
            let _ = server.await;
        }
    }

    fn stop(&mut self) {
        self.stop.take();
        if let Some(notifier) = self.notifier.take() {
            notifier.abort();
        }
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
