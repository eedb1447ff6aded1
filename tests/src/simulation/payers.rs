//! What payers do, what WeChat tells and does by itself, and the passing of time.

use std::sync::Arc;

use wechatpay_sim::{Fault, FaultKind, Order, PayOrder, TradeState};

use super::weather::Weather;
use super::world::World;

const NOTIFICATION_FAULTS: [FaultKind; 8] = [
    FaultKind::NotificationWithheld,
    FaultKind::NotificationDuplicated,
    FaultKind::NotificationReordered,
    FaultKind::NotificationLate,
    FaultKind::NotificationForged,
    FaultKind::NotificationWrongSignature,
    FaultKind::NotificationUnknownSerial,
    FaultKind::NotificationProbe,
];

impl World {
    fn pay_one(&self, wanted: impl Fn(&Order) -> bool, force: bool) {
        let orders = self.simulator.ledger().orders;
        let fitting: Vec<Order> = orders.into_iter().filter(wanted).collect();
        let Some(order) = self.draw(|dice| dice.pick(&fitting)) else {
            return;
        };
        let other_amount = self.draw(|dice| dice.chance(4));
        let wish = PayOrder {
            amount_total: other_amount.then_some(order.amount_total + 1),
            force,
            ..PayOrder::default()
        };
        let paid = self.simulator.pay(&order.out_trade_no, &wish);
        let (number, amount) = (
            &order.out_trade_no,
            wish.amount_total.unwrap_or(order.amount_total),
        );
        self.tell(|| format!("somebody pays {amount} for {number}: {}", paid.is_ok()));
    }

    pub(super) fn pay(&self) {
        self.pay_one(|order| order.trade_state == TradeState::NotPay, false);
    }

    /// A payment that was under way when the order ended.
    pub(super) fn pay_late(&self) {
        let late =
            |order: &Order| matches!(order.trade_state, TradeState::Closed | TradeState::NotPay);
        self.pay_one(late, true);
    }

    /// The order that changed last is paid, however it stands, and WeChat says so at once.
    pub(super) async fn pay_and_tell(self: &Arc<Self>) {
        let orders = self.simulator.ledger().orders;
        let unpaid = orders.iter().filter(|order| order.payment.is_none());
        let Some(newest) = unpaid.max_by_key(|order| (order.updated_ms, &order.out_trade_no))
        else {
            return;
        };
        let number = newest.out_trade_no.clone();
        self.pay_one(|order| order.out_trade_no == number, true);
        self.notify().await;
    }

    pub(super) fn close_at_wechat(&self) {
        let orders = self.simulator.ledger().orders;
        let open = orders
            .into_iter()
            .filter(|order| order.trade_state == TradeState::NotPay);
        let numbers: Vec<String> = open.map(|order| order.out_trade_no).collect();
        if let Some(number) = self.draw(|dice| dice.pick(&numbers)) {
            let closed = self.simulator.close(&number).is_ok();
            self.tell(|| format!("WeChat closes {number}: {closed}"));
        }
    }

    /// WeChat sends what is due, and some of it goes wrong.
    pub(super) async fn notify(self: &Arc<Self>) {
        let percent = self.chance().weather.notices;
        while self.draw(|dice| dice.chance(percent)) {
            let kind = self
                .draw(|dice| dice.pick(&NOTIFICATION_FAULTS))
                .expect("there are kinds");
            let delay_ms = self.draw(|dice| dice.between(1..=90_000)).unsigned_abs();
            let fault = Fault::of(kind).times(1).delayed_by(delay_ms);
            self.tell(|| format!("   ({kind:?})"));
            self.simulator.fault(fault);
        }
        let sent = self.simulator.run_due().await;
        self.tell(|| format!("WeChat delivers {sent} notifications"));
    }

    /// An old letter comes once more, byte for byte.
    pub(super) async fn replay(self: &Arc<Self>) {
        let letters: Vec<_> = self.log().letters.iter().cloned().collect();
        if let Some(letter) = self.draw(|dice| dice.pick(&letters)) {
            self.tell(|| "an old notification comes once more".to_owned());
            drop(Arc::clone(self).receive(letter).await);
        }
    }

    pub(super) fn change_weather(&self) {
        let weather = self.draw(Weather::draw);
        self.chance().weather = weather;
        self.tell(|| format!("the weather is {weather:?}"));
    }

    pub(super) fn wait(&self) {
        let ms = self.draw(|dice| match dice.below(20) {
            0..=6 => dice.between(1..=40),
            7..=12 => dice.between(500..=20_000),
            13..=17 => dice.between(30_000..=200_000),
            18 => dice.between(600_000..=2_400_000),
            _ => dice.between(3_000_000..=9_000_000),
        });
        self.clock.advance_millis(ms);
        self.tell(|| format!("time passes: {ms} ms"));
    }
}
