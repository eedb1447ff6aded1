//! The client: one immutable value per merchant number, all of them over one shared connection pool.
//!
//! Nothing here waits or repeats beyond one second try; longer retries belong to who keeps the books.

mod answer;
mod bill_download;
mod bills;
mod call;
pub mod codes;
mod error;
mod failure;
mod orders;
mod refunds;
mod security;
mod transport;

use std::sync::Arc;

use reqwest::Url;

use crate::Clock;
use crate::credentials::{KeyRing, Merchant, SigningError};
use crate::v3::PayParameters;

pub use answer::{Answer, CallTrace, Try};
pub use bill_download::{BillDownload, BillError, BillStep};
pub use bills::Bill;
pub use error::{Actor, CallError, CallErrorKind};
pub use failure::{Explanation, Failure};
pub use security::SensitiveFieldError;
pub use transport::{Carried, Transport, TransportConfig, TransportError, Wire};

/// Where API v3 is. Only scheme, host and port of the URLs count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// The first try goes here.
    pub main: Url,
    /// The second try goes here; without it, to `main` again.
    pub backup: Option<Url>,
}

impl Hosts {
    /// Returns WeChat's main host and its backup in another region, which serves the same APIs.
    pub fn production() -> Result<Self, url::ParseError> {
        Ok(Self {
            main: "https://api.mch.weixin.qq.com".parse()?,
            backup: Some("https://api2.mch.weixin.qq.com".parse()?),
        })
    }

    /// Uses one host for both tries, as a simulator needs it.
    pub fn single(main: Url) -> Self {
        Self { main, backup: None }
    }
}

/// Calls WeChat Pay for one merchant number; cheap to clone, and nothing in it changes.
///
/// In partner mode the merchant is the service provider, and every call that concerns a sub-merchant takes its
/// `sub_mchid` as an argument.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    hosts: Hosts,
    merchant: Arc<Merchant>,
    key_ring: KeyRing,
    clock: Clock,
}

impl Client {
    /// Puts a client together; a changed key ring or merchant makes a new client over the same transport.
    pub fn new(
        transport: Transport,
        hosts: Hosts,
        merchant: Arc<Merchant>,
        key_ring: KeyRing,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            transport,
            hosts,
            merchant,
            key_ring,
            clock,
        }))
    }

    /// Returns the merchant that this client calls for.
    pub fn merchant(&self) -> &Merchant {
        &self.0.merchant
    }

    /// Returns the keys that answers are verified with.
    pub fn key_ring(&self) -> &KeyRing {
        &self.0.key_ring
    }

    /// Signs the parameters that raise the cashier; `appid` is [`JsapiPrepay::paying_appid`] of the order.
    ///
    /// [`JsapiPrepay::paying_appid`]: crate::v3::JsapiPrepay::paying_appid
    pub fn pay_parameters(
        &self,
        appid: &str,
        prepay_id: &str,
        timestamp: i64,
        nonce: &str,
    ) -> Result<PayParameters, SigningError> {
        PayParameters::sign(
            &self.0.merchant.private_key,
            appid,
            prepay_id,
            timestamp,
            nonce,
        )
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("mchid", &self.merchant.mchid)
            .field("hosts", &self.hosts)
            .field("keys", &self.key_ring.serials().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
