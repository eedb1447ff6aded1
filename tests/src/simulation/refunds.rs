//! Refunds and late money: what tenants ask for, what WeChat makes of it, what a person decides.

use std::sync::Arc;

use tributary_domain::ids::RefundId;
use tributary_domain::late_payment::{LateDecision, LatePolicy};
use tributary_domain::refund_content::RefundRequest;
use tributary_domain::staff::Actor;
use tributary_operations::OperationError;
use tributary_operations::idempotency::{Idempotency, fingerprint};
use tributary_operations::late_payments::Ruling;
use tributary_operations::refunds::Refunded;
use wechatpay_sim::{ChangeSubMerchant, RefundPolicy, RefundResult, RefundStatus, SettleRefund};

use super::actions::Action;
use super::node::Node;
use super::tenants::{Player, is_passing};
use super::world::World;

const ROUTE: &str = "POST /v1/refunds";
/// The answer about a refund whose outcome is not known yet.
const ACCEPTED: u16 = 202;
/// How soon WeChat ends a refund once the storm is over.
const CALM_RESULT_MS: u32 = 3_000;
const DECISIONS: [LateDecision; 3] = [
    LateDecision::Accept,
    LateDecision::Refund,
    LateDecision::Hold,
];

/// A refund that a tenant may ask for again.
#[derive(Clone, Debug)]
pub(super) struct RefundWish {
    request: RefundRequest,
    key: String,
    /// The first definite success under this key.
    promised: Option<Box<Refunded>>,
    /// Answered for good, well or badly.
    pub(super) is_over: bool,
}

type Answer = Result<Refunded, OperationError>;

impl World {
    pub(super) async fn act_on_refunds(
        self: &Arc<Self>,
        action: Action,
        node: &Node,
        player: &Player,
    ) {
        match action {
            Action::RefundNew => self.refund_new(node, player).await,
            Action::RefundAgain => self.refund_again(node, player).await,
            Action::RefundSameNumber => self.refund_same_number(node, player).await,
            Action::RefundOtherContent => self.refund_other_content(node, player).await,
            Action::RefundTooMuch => self.refund_too_much(node, player).await,
            Action::SyncRefund => self.sync_refund(node, player).await,
            Action::PollRefunds => drop(self.poll_refunds(node).await),
            Action::EndRefund => self.end_some_refund(),
            Action::Balance => self.change_balance(player),
            Action::LatePolicy => self.change_late_policy(node, player).await,
            Action::DecideLate => self.decide_late(node).await,
            other => unreachable!("{other:?} is about orders"),
        }
    }

    pub(super) async fn poll_refunds(self: &Arc<Self>, node: &Node) -> usize {
        self.task(node, "polls refunds", async |o| o.poll_due_refunds().await)
            .await
    }

    /// A part or the whole of an order, most often of one that was paid.
    async fn refund_new(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some((order, total)) = self.order_to_refund(player) else {
            return;
        };
        let fen = self.draw(|dice| match dice.below(3) {
            0 => total,
            _ => dice.between(1..=total),
        });
        let index = {
            let mut memory = player.memory();
            let number = memory.refunds.len();
            memory.refunds.push(RefundWish {
                request: RefundRequest {
                    order_id: Some(order),
                    merchant_refund_no: format!("back-{number}"),
                    refund: fen,
                    ..RefundRequest::default()
                },
                key: format!("back-key-{number}"),
                promised: None,
                is_over: false,
            });
            number
        };
        self.send_refund_wish(node, player, index).await;
    }

    /// One of the player's orders with its amount.
    fn order_to_refund(&self, player: &Player) -> Option<(String, i64)> {
        let placed = player.placed();
        let ledger = self.simulator.ledger();
        let is_paid = |number: &Option<String>| {
            let mut orders = ledger.orders.iter();
            orders.any(|order| {
                Some(&order.out_trade_no) == number.as_ref() && order.payment.is_some()
            })
        };
        let paid: Vec<(String, i64)> = placed
            .iter()
            .filter(|order| is_paid(&order.out_trade_no))
            .map(|order| (order.id.to_string(), order.amount.total))
            .collect();
        let any: Vec<(String, i64)> = placed
            .iter()
            .map(|order| (order.id.to_string(), order.amount.total))
            .collect();
        let from_paid = self.draw(|dice| dice.chance(90)) && !paid.is_empty();
        self.draw(|dice| dice.pick(if from_paid { &paid } else { &any }))
    }

    async fn refund_again(self: &Arc<Self>, node: &Node, player: &Player) {
        let count = player.memory().refunds.len();
        if count > 0 {
            let index = self.draw(|dice| dice.below(count.min(4)));
            self.send_refund_wish(node, player, count - 1 - index).await;
        }
    }

    /// Sends a remembered refund and compares the answer with what was promised.
    pub(super) async fn send_refund_wish(
        self: &Arc<Self>,
        node: &Node,
        player: &Player,
        index: usize,
    ) {
        let wish = player.memory().refunds[index].clone();
        let Some(answer) = self.ask_refund(node, player, &wish).await else {
            return;
        };
        let what = &wish.request.merchant_refund_no;
        match (&answer, &wish.promised) {
            (Ok(refunded), Some(promised)) => {
                if refunded.view != promised.view || !refunded.replayed {
                    self.complain(format!("{what} was promised otherwise under its key"));
                }
            }
            (Ok(refunded), None) => {
                let view = &refunded.view;
                if view.merchant_refund_no != *what || view.amount.refund != wish.request.refund {
                    self.complain(format!("{what} is answered with another refund"));
                }
            }
            (Err(OperationError::IdempotencyKeyReused), _) => {
                self.complain(format!("{what} is refused as another request"));
            }
            (Err(OperationError::RefundConflict { .. }), _) => {
                self.complain(format!("{what} is refused as another refund"));
            }
            (Err(error), Some(_)) if !is_passing(error) => {
                self.complain(format!("{what} was promised and is now refused: {error}"));
            }
            (Err(_), _) => {}
        }
        let mut memory = player.memory();
        let wish = &mut memory.refunds[index];
        wish.is_over |= match &answer {
            Ok(refunded) => refunded.status != ACCEPTED,
            Err(OperationError::Upstream(_)) => true,
            Err(error) => !is_passing(error),
        };
        if let (Ok(refunded), None) = (answer, &wish.promised)
            && refunded.status != ACCEPTED
        {
            wish.promised = Some(Box::new(refunded));
        }
    }

    /// The same number with the same content under a new key gives the same refund back.
    async fn refund_same_number(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(mut wish) = self.promised_refund(player) else {
            return;
        };
        wish.key = self.draw(|dice| format!("back-again-{}", dice.below(1_000_000)));
        let known = wish.promised.take().map(|refunded| refunded.view.id);
        if let Some(Ok(refunded)) = self.ask_refund(node, player, &wish).await
            && Some(&refunded.view.id) != known.as_ref()
        {
            let number = &wish.request.merchant_refund_no;
            self.complain(format!("{number} became another refund"));
        }
    }

    /// The same number with another amount is refused.
    async fn refund_other_content(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(mut wish) = self.promised_refund(player) else {
            return;
        };
        wish.key = self.draw(|dice| format!("back-other-{}", dice.below(1_000_000)));
        wish.request.refund += 1;
        if let Some(Ok(_)) = self.ask_refund(node, player, &wish).await {
            let number = &wish.request.merchant_refund_no;
            self.complain(format!("{number} was taken twice"));
        }
    }

    /// More than was ever paid is refused here, and WeChat never hears of it.
    async fn refund_too_much(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some((order, total)) = self.order_to_refund(player) else {
            return;
        };
        let number = self.draw(|dice| dice.below(1_000_000));
        let wish = RefundWish {
            request: RefundRequest {
                order_id: Some(order),
                merchant_refund_no: format!("too-much-{number}"),
                // A payer may have paid a fen too much.
                refund: total + 2,
                ..RefundRequest::default()
            },
            key: format!("too-much-key-{number}"),
            promised: None,
            is_over: true,
        };
        let answer = self.ask_refund(node, player, &wish).await;
        if matches!(answer, Some(Ok(_) | Err(OperationError::Upstream(_)))) {
            self.complain(format!("I10: more than was paid is refunded: {answer:?}"));
        }
    }

    async fn sync_refund(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(wish) = self.promised_refund(player) else {
            return;
        };
        let promised = wish.promised.expect("a promised refund");
        let id: RefundId = promised.view.id.parse().expect("a refund's id");
        let caller = player.caller.clone();
        let answer = self
            .asked(node, async |o| o.sync_refund(&caller, &id).await)
            .await;
        self.tell(|| match answer {
            Some(Ok(view)) => format!("a tenant syncs {id}: {}", view.state.as_str()),
            other => format!("a tenant syncs {id}: {:?}", other.map(Result::err)),
        });
    }

    /// One of the last refunds that were answered well.
    fn promised_refund(&self, player: &Player) -> Option<RefundWish> {
        let promised: Vec<RefundWish> = {
            let memory = player.memory();
            let newest = memory.refunds.iter().rev();
            newest
                .filter(|wish| wish.promised.is_some())
                .take(4)
                .cloned()
                .collect()
        };
        self.draw(|dice| dice.pick(&promised))
    }

    async fn ask_refund(
        self: &Arc<Self>,
        node: &Node,
        player: &Player,
        wish: &RefundWish,
    ) -> Option<Answer> {
        let request = wish.request.clone();
        let body = format!("{request:?}");
        let idempotency = Idempotency {
            key: wish.key.clone(),
            fingerprint: fingerprint("POST", "/v1/refunds", "", body.as_bytes()),
            route: ROUTE,
        };
        self.tell(|| {
            let (number, fen, order) = (
                &request.merchant_refund_no,
                request.refund,
                request.order_id.as_deref().unwrap_or_default(),
            );
            let tenant = &player.caller.tenant_name;
            format!(
                "{tenant} refunds {fen} of {order} as {number} at node {}",
                node.index
            )
        });
        let caller = player.caller.clone();
        let answer = self
            .asked(node, async |o| {
                o.create_refund(&caller, request, &idempotency).await
            })
            .await;
        self.tell(|| match &answer {
            Some(Ok(refunded)) => {
                let (id, state) = (&refunded.view.id, refunded.view.state.as_str());
                format!("   -> {} {id} {state}", refunded.status)
            }
            Some(Err(error)) => format!("   -> {error:?}"),
            None => "   -> nothing".to_owned(),
        });
        answer
    }
}

/// WeChat and the sub-merchants.
impl World {
    fn end_some_refund(&self) {
        let refunds = self.simulator.ledger().refunds;
        let open = refunds.iter().filter(|refund| is_open(refund.status));
        let numbers: Vec<String> = open.map(|refund| refund.out_refund_no.clone()).collect();
        let Some(number) = self.draw(|dice| dice.pick(&numbers)) else {
            return;
        };
        let result = self.draw(|dice| {
            dice.weighted(&[
                (6, RefundResult::Success),
                (2, RefundResult::Closed),
                (2, RefundResult::Abnormal),
            ])
        });
        self.end_refund(&number, result);
    }

    fn end_refund(&self, number: &str, result: RefundResult) {
        let wish = SettleRefund {
            result,
            sp_mchid: None,
        };
        let ended = self.simulator.settle_refund(number, &wish).is_ok();
        self.tell(|| format!("WeChat ends {number} as {result:?}: {ended}"));
    }

    /// The sub-merchant's money is spent, or is there again.
    fn change_balance(&self, player: &Player) {
        let balance = self.draw(|dice| dice.chance(50)).then_some(0);
        self.tell(|| format!("{} has {balance:?} fen for refunds", player.shop.sub_mchid));
        let change = ChangeSubMerchant {
            refund_balance: Some(balance),
            ..ChangeSubMerchant::default()
        };
        let changed = self
            .simulator
            .change_sub_merchant(&player.shop.sub_mchid, &change);
        changed.expect("a known sub-merchant");
    }

    /// Ends what is open, and everything that follows after a moment.
    pub(super) fn calm_refunds(&self) {
        let change = ChangeSubMerchant {
            refund_balance: Some(None),
            refund_policy: Some(Some(RefundPolicy {
                result: RefundResult::Success,
                after_ms: CALM_RESULT_MS,
            })),
            ..ChangeSubMerchant::default()
        };
        for player in &self.players {
            let sub_mchid = &player.shop.sub_mchid;
            let changed = self.simulator.change_sub_merchant(sub_mchid, &change);
            changed.expect("a known sub-merchant");
        }
        for refund in self.simulator.ledger().refunds {
            if is_open(refund.status) {
                self.end_refund(&refund.out_refund_no, RefundResult::Success);
            }
        }
    }
}

/// The provider's staff.
impl World {
    async fn change_late_policy(self: &Arc<Self>, node: &Node, player: &Player) {
        let decision = || {
            self.draw(|dice| dice.pick(&DECISIONS))
                .expect("there are some")
        };
        let policy = LatePolicy {
            paid_late: decision(),
            duplicate_paid: decision(),
            amount_mismatch: decision(),
        };
        self.tell(|| format!("{} has {policy:?}", player.caller.tenant_name));
        let tenant = player.caller.tenant_id.clone();
        drop(
            self.asked(node, async |o| {
                o.set_late_policy(&Actor::system("test"), &tenant, policy)
                    .await
            })
            .await,
        );
    }

    async fn decide_late(self: &Arc<Self>, node: &Node) {
        let held = self
            .asked(node, async |o| o.held_payments(None).await)
            .await;
        let Some(Ok(held)) = held else { return };
        let Some(late) = self.draw(|dice| dice.pick(&held.items)) else {
            return;
        };
        let accepts = self.draw(|dice| dice.chance(50));
        let ruling = Ruling {
            decision: if accepts {
                LateDecision::Accept
            } else {
                LateDecision::Refund
            },
            decided_by: "somebody".to_owned(),
            reason: "the payer called".to_owned(),
        };
        let (tenant, id) = (late.tenant_id, late.id);
        let decided = self
            .asked(node, async |o| {
                let by = Actor::operator("somebody");
                o.decide_late_payment(&by, &tenant, &id, &ruling).await
            })
            .await;
        self.tell(|| {
            format!(
                "a person decides {id} as {:?}: {decided:?}",
                ruling.decision
            )
        });
    }
}

const fn is_open(status: RefundStatus) -> bool {
    matches!(status, RefundStatus::Processing | RefundStatus::Abnormal)
}
