//! What may be done with an order, and why not.

use tributary_domain::clock::Timestamp;
use tributary_domain::late_payment::{LatePayment, LatePaymentState};
use tributary_domain::money::Fen;
use tributary_domain::order::OrderState;
use tributary_domain::order_money::RefundRefusal;
use tributary_domain::staff::Permission;

use super::ListedOrder;
use crate::actions::{Action, WhyNot, action};
use crate::viewer::Viewer;

/// The least that can be refunded.
const ONE_FEN: i64 = 1;

pub(super) fn of_order(
    viewer: &Viewer,
    listed: &ListedOrder,
    late: &[LatePayment],
    now: Timestamp,
) -> Vec<Action> {
    let order = &listed.order;
    let held = late.iter().any(|one| one.state == LatePaymentState::Held);
    let nothing_held = || WhyNot::new("nothing_held", "没有待处置的款项。", "No money is held.");
    let nothing_failed = || {
        WhyNot::new(
            "nothing_failed",
            "没有失败的投递。",
            "No delivery has failed.",
        )
    };
    vec![
        action(viewer, "query", Permission::OrderQuery, None),
        action(
            viewer,
            "close",
            Permission::OrderClose,
            close_refused(order.state),
        ),
        action(
            viewer,
            "refund",
            Permission::RefundCreate,
            refund_refused(listed, now),
        ),
        action(
            viewer,
            "decide",
            Permission::LatePaymentDecide,
            (!held).then(nothing_held),
        ),
        action(
            viewer,
            "replay",
            Permission::WebhookReplay,
            (listed.telling.failed == 0).then(nothing_failed),
        ),
        action(viewer, "note", Permission::OrderRead, None),
    ]
}

fn close_refused(state: OrderState) -> Option<WhyNot> {
    if state == OrderState::Closed {
        return Some(WhyNot::new(
            "closed",
            "订单已关闭。",
            "The order is closed.",
        ));
    }
    state.has_money().then(|| {
        WhyNot::new(
            "paid",
            "订单已有付款，不能关闭。",
            "Money came in: it cannot be closed.",
        )
    })
}

fn refund_refused(listed: &ListedOrder, now: Timestamp) -> Option<WhyNot> {
    let least = Fen::new(ONE_FEN).ok()?;
    match listed.order.reserve_refund(least, now).err()? {
        RefundRefusal::State(_) => Some(WhyNot::new(
            "not_paid",
            "订单不在可退款的状态。",
            "The order is not in a state in which money can go back.",
        )),
        RefundRefusal::ExceedsPaid(_) => Some(WhyNot::new(
            "nothing_left",
            "已全部退款或正在退款。",
            "Nothing is left to give back.",
        )),
        RefundRefusal::TooOld => Some(WhyNot::new(
            "too_old",
            "付款已超过一年，微信支付不再受理退款。",
            "The payment is older than a year: WeChat Pay refunds it no more.",
        )),
        RefundRefusal::TooMany => Some(WhyNot::new(
            "too_many",
            "该订单的退款次数已达上限。",
            "The order has as many refunds as one can have.",
        )),
    }
}
