//! What WeChat believes: providers, sub-merchants, orders, payments, refunds, notifications.
//!
//! Every lookup on the way of an order is by hash map, so that the cost per order does not grow with the ledger.
//! Each change is written to the journal, when there is one, before its lock is released.

mod fund_flows;
mod journal;
mod notifications;
mod orders;
mod refunds;
mod registry;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

pub use fund_flows::{Account, FundFlow};
pub(crate) use journal::{Journal, Record, restore};
pub use notifications::{Attempt, AttemptKind, Notification, NotificationState, Subject};
pub use orders::{Order, Payment, Prepay, TradeState};
pub use refunds::{OtherWay, PlannedResult, Refund, RefundPolicy, RefundResult, RefundStatus};
pub(crate) use registry::{App, LoginCode, SubMerchant};
pub use view::{LedgerFilter, LedgerView};

use crate::{ids::Ids, providers::Provider};

/// Place of an order in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OrderIndex(usize);

/// Place of a refund in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RefundIndex(usize);

/// Place of a notification in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NotificationIndex(pub(crate) usize);

/// (sp_mchid, number): numbers are unique under a service provider.
type NumberKey = (String, String);

/// Everything the simulator knows, behind one lock; no work inside it waits for anything.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) ids: Ids,
    journal: Journal,
    providers: HashMap<String, Arc<Provider>>,
    sub_merchants: HashMap<NumberKey, SubMerchant>,
    apps: HashMap<String, App>,
    codes: HashMap<String, LoginCode>,
    orders: Vec<Order>,
    orders_by_number: HashMap<NumberKey, OrderIndex>,
    orders_by_transaction: HashMap<String, OrderIndex>,
    orders_by_prepay: HashMap<String, OrderIndex>,
    orders_by_bare_number: HashMap<String, Vec<OrderIndex>>,
    refunds: Vec<Refund>,
    refunds_by_number: HashMap<NumberKey, RefundIndex>,
    refunds_by_id: HashMap<String, RefundIndex>,
    refunds_by_bare_number: HashMap<String, Vec<RefundIndex>>,
    fund_flows: Vec<FundFlow>,
    notifications: Vec<Notification>,
    notifications_by_number: HashMap<String, Vec<NotificationIndex>>,
}

impl Ledger {
    /// An empty ledger that writes its changes to `journal`.
    pub(crate) fn with_journal(journal: Journal, seed: u64) -> Self {
        Self {
            journal,
            ids: Ids::new(seed),
            ..Self::default()
        }
    }

    /// Takes over one record of an earlier run.
    pub(crate) fn replay(&mut self, record: Record) -> anyhow::Result<()> {
        match record {
            Record::Provider(provider) => {
                self.keep_provider(Arc::new(Provider::from_record(*provider)?));
            }
            Record::SubMerchant(sub_merchant) => self.keep_sub_merchant(sub_merchant),
            Record::App { appid, app } => self.keep_app(&appid, app),
            Record::Openid { appid, openid } => self.add_openid(&appid, &openid),
            Record::Order(order) => self.keep_order(*order),
            Record::Refund(refund) => self.keep_refund(*refund),
            Record::FundFlow(flow) => self.add_fund_flow(flow),
            Record::Notification(notification) => self.keep_notification(*notification),
            Record::Clock { .. } => {}
        }
        Ok(())
    }

    /// Everything as records, to begin a compact journal with.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let providers = self
            .providers
            .values()
            .map(|p| Record::Provider(Box::new(p.record().clone())));
        let subs = self
            .sub_merchants
            .values()
            .cloned()
            .map(Record::SubMerchant);
        let apps = self.apps.iter().map(|(appid, app)| Record::App {
            appid: appid.clone(),
            app: app.clone(),
        });
        let orders = self
            .orders
            .iter()
            .cloned()
            .map(|order| Record::Order(Box::new(order)));
        let refunds = self
            .refunds
            .iter()
            .cloned()
            .map(|refund| Record::Refund(Box::new(refund)));
        let notices = self
            .notifications
            .iter()
            .cloned()
            .map(|n| Record::Notification(Box::new(n)));
        providers
            .chain(subs)
            .chain(apps)
            .chain(orders)
            .chain(refunds)
            .chain(self.fund_flows.iter().cloned().map(Record::FundFlow))
            .chain(notices)
    }

    /// Notes where the business clock stands, for the next run.
    pub(crate) fn note_clock(&mut self, offset_ms: i64) {
        self.journal.write(&Record::Clock { offset_ms });
    }

    /// Points the journal at a freshly compacted file.
    pub(crate) fn set_journal(&mut self, journal: Journal) {
        self.journal = journal;
    }
}
