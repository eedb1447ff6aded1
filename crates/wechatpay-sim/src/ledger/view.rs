//! The ledger as it is shown: everything, or what a filter leaves.

use serde::{Deserialize, Serialize};

use super::{Ledger, Notification, Order, OrderIndex, Refund};

/// Which part of the ledger to show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFilter {
    /// Changed at or after this business time, Unix milliseconds.
    pub since: Option<i64>,
    /// Orders in this `trade_state`.
    pub state: Option<String>,
    /// One order number.
    pub out_trade_no: Option<String>,
    /// One service provider.
    pub sp_mchid: Option<String>,
}

/// What WeChat believes.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerView {
    /// The business time now, Unix milliseconds: the next `since`.
    pub now_ms: i64,
    /// Orders with their payments, oldest first.
    pub orders: Vec<Order>,
    /// Refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Notifications with every attempt and its answer, oldest first.
    pub notifications: Vec<Notification>,
}

impl Ledger {
    /// Copies what the filter leaves.
    pub(crate) fn view(&self, filter: &LedgerFilter, now_ms: i64) -> LedgerView {
        LedgerView {
            now_ms,
            orders: self.filtered_orders(filter),
            refunds: self
                .refunds
                .iter()
                .filter(|r| filter.shows_refund(r, self))
                .cloned()
                .collect(),
            notifications: self.filtered_notifications(filter),
        }
    }

    fn filtered_orders(&self, filter: &LedgerFilter) -> Vec<Order> {
        match &filter.out_trade_no {
            Some(number) => self
                .orders_numbered(number)
                .iter()
                .filter_map(|index| self.order(*index))
                .filter(|order| filter.shows_order(order))
                .cloned()
                .collect(),
            None => self
                .orders
                .iter()
                .filter(|o| filter.shows_order(o))
                .cloned()
                .collect(),
        }
    }

    fn filtered_notifications(&self, filter: &LedgerFilter) -> Vec<Notification> {
        let shown = |notice: &&Notification| filter.shows_notification(notice, self);
        match &filter.out_trade_no {
            Some(number) => self
                .notifications_by_number
                .get(number)
                .into_iter()
                .flatten()
                .filter_map(|index| self.notification(*index))
                .filter(shown)
                .cloned()
                .collect(),
            None => self.notifications.iter().filter(shown).cloned().collect(),
        }
    }

    fn state_of(&self, sp_mchid: &str, out_trade_no: &str) -> Option<&'static str> {
        let index: OrderIndex = self.find_order(sp_mchid, out_trade_no)?;
        self.order(index).map(|order| order.trade_state.as_str())
    }
}

impl LedgerFilter {
    fn shows_order(&self, order: &Order) -> bool {
        self.since.is_none_or(|since| order.updated_ms >= since)
            && self
                .state
                .as_deref()
                .is_none_or(|state| order.trade_state.as_str() == state)
            && self
                .sp_mchid
                .as_deref()
                .is_none_or(|mchid| order.sp_mchid == mchid)
    }

    fn shows_refund(&self, refund: &Refund, ledger: &Ledger) -> bool {
        self.since.is_none_or(|since| refund.updated_ms >= since)
            && self.shows_owner(&refund.sp_mchid, Some(&refund.out_trade_no), ledger)
    }

    fn shows_notification(&self, notification: &Notification, ledger: &Ledger) -> bool {
        let changed_ms = notification
            .attempts
            .last()
            .map_or(notification.created_ms, |last| last.at_ms);
        self.since.is_none_or(|since| changed_ms >= since)
            && self.shows_owner(
                &notification.sp_mchid,
                notification.subject.out_trade_no(),
                ledger,
            )
    }

    fn shows_owner(&self, sp_mchid: &str, out_trade_no: Option<&str>, ledger: &Ledger) -> bool {
        self.sp_mchid
            .as_deref()
            .is_none_or(|mchid| sp_mchid == mchid)
            && self
                .out_trade_no
                .as_deref()
                .is_none_or(|number| out_trade_no == Some(number))
            && self.state.as_deref().is_none_or(|state| {
                out_trade_no.and_then(|number| ledger.state_of(sp_mchid, number)) == Some(state)
            })
    }
}
