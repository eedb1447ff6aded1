//! A tenant as it acts: it remembers what it asked for and what it was promised, and notices when a promise is broken.

use std::sync::{Arc, Mutex, MutexGuard};

use tributary_domain::ids::OrderId;
use tributary_domain::order_content::OrderRequest;
use tributary_operations::OperationError;
use tributary_operations::credentials::Caller;
use tributary_operations::idempotency::{Idempotency, fingerprint};
use tributary_operations::orders::place::Placed;
use tributary_operations::orders::view::OrderView;

use super::node::Node;
use super::refunds::RefundWish;
use super::world::World;

const ROUTE: &str = "POST /v1/orders";

/// Who is paid, and by whom.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) sub_mchid: String,
    pub(super) sub_appid: String,
    pub(super) openid: String,
}

/// A tenant.
pub(super) struct Player {
    pub(super) caller: Caller,
    pub(super) shop: Shop,
    memory: Mutex<Memory>,
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) wishes: Vec<Wish>,
    pub(super) refunds: Vec<RefundWish>,
    /// The feed as far as it was read, and where to go on.
    pub(super) read: Vec<String>,
    pub(super) cursor: Option<i64>,
}

/// A request that the tenant may send again.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) request: OrderRequest,
    pub(super) key: String,
    /// The first success under this key.
    pub(super) promised: Option<Box<Placed>>,
    /// Answered for good, well or badly.
    pub(super) is_over: bool,
}

impl Player {
    pub(super) fn new(caller: Caller, shop: Shop) -> Self {
        Self {
            caller,
            shop,
            memory: Mutex::default(),
        }
    }

    pub(super) fn tenant(&self) -> String {
        self.caller.tenant_id.to_string()
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no tenant panicked")
    }

    pub(super) fn read(&self) -> Vec<String> {
        self.memory().read.clone()
    }

    /// The orders that the tenant knows of.
    pub(super) fn orders(&self) -> Vec<OrderId> {
        let placed = self.placed();
        placed.into_iter().map(|order| order.id).collect()
    }

    /// The same, as they were answered.
    pub(super) fn placed(&self) -> Vec<OrderView> {
        let memory = self.memory();
        let promised = memory
            .wishes
            .iter()
            .filter_map(|wish| wish.promised.as_ref());
        promised.map(|placed| placed.view.order.clone()).collect()
    }

    /// A request for an order that nobody has asked for, under a key that nobody has used.
    pub(super) fn new_wish(&self, world: &World) -> Wish {
        let number = self.memory().wishes.len();
        let total = world.draw(|dice| dice.between(1..=1000));
        let minutes = world.draw(|dice| dice.between(2..=180));
        Wish {
            request: OrderRequest {
                merchant_order_no: format!("no-{number}"),
                sub_mchid: Some(self.shop.sub_mchid.clone()),
                sub_appid: Some(self.shop.sub_appid.clone()),
                description: "A cup of tea".to_owned(),
                total,
                sub_openid: Some(self.shop.openid.clone()),
                time_expire: Some(world.now().plus_millis(minutes * 60_000).to_rfc3339()),
                ..OrderRequest::default()
            },
            key: format!("key-{number}"),
            promised: None,
            is_over: false,
        }
    }
}

impl Wish {
    fn idempotency(&self) -> Idempotency {
        let body = format!("{:?}", self.request);
        Idempotency {
            key: self.key.clone(),
            fingerprint: fingerprint("POST", "/v1/orders", "", body.as_bytes()),
            route: ROUTE,
        }
    }
}

/// What a tenant heard of a request.
type Answer = Result<Placed, OperationError>;

impl World {
    /// A new order.
    pub(super) async fn place_new(self: &Arc<Self>, node: &Node, player: &Player) {
        let wish = player.new_wish(self);
        let index = {
            let mut memory = player.memory();
            memory.wishes.push(wish);
            memory.wishes.len() - 1
        };
        self.send_wish(node, player, index).await;
    }

    /// One of the requests so far, exactly as it was.
    pub(super) async fn place_again(self: &Arc<Self>, node: &Node, player: &Player) {
        let count = player.memory().wishes.len();
        if count > 0 {
            let index = self.draw(|dice| dice.below(count.min(4)));
            self.send_wish(node, player, count - 1 - index).await;
        }
    }

    /// Sends a remembered request and compares the answer with what was promised.
    pub(super) async fn send_wish(self: &Arc<Self>, node: &Node, player: &Player, index: usize) {
        let wish = player.memory().wishes[index].clone();
        let answer = self.place(node, player, &wish).await;
        let Some(answer) = answer else { return };
        let what = &wish.request.merchant_order_no;
        match (&answer, &wish.promised) {
            (Ok(placed), Some(promised)) => {
                if placed.view != promised.view || !placed.replayed {
                    self.complain(format!("{what} was promised otherwise under its key"));
                }
            }
            (Ok(placed), None) => {
                let order = &placed.view.order;
                if order.merchant_order_no != *what || order.amount.total != wish.request.total {
                    self.complain(format!("{what} is answered with another order"));
                }
            }
            (Err(OperationError::IdempotencyKeyReused), _) => {
                self.complain(format!("{what} is refused as another request"));
            }
            (Err(OperationError::OrderConflict { .. }), _) => {
                self.complain(format!("{what} is refused as another order"));
            }
            (Err(error), Some(_)) if !is_passing(error) => {
                self.complain(format!("{what} was promised and is now refused: {error}"));
            }
            (Err(_), _) => {}
        }
        let mut memory = player.memory();
        let wish = &mut memory.wishes[index];
        wish.is_over |= answer
            .as_ref()
            .map_or_else(|error| !is_passing(error), |_| true);
        if let (Ok(placed), None) = (answer, &wish.promised) {
            wish.promised = Some(Box::new(placed));
        }
    }

    /// The same number with the same content under a new key gives the same order back.
    pub(super) async fn place_same_number(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(wish) = self.promised(player) else {
            return;
        };
        let key = self.draw(|dice| format!("again-{}", dice.below(1_000_000)));
        let again = Wish {
            key,
            promised: None,
            ..wish.clone()
        };
        let known = wish.promised.map(|placed| placed.view.order.id);
        if let Some(Ok(placed)) = self.place(node, player, &again).await
            && Some(&placed.view.order.id) != known.as_ref()
        {
            self.complain(format!(
                "{} became another order",
                wish.request.merchant_order_no
            ));
        }
    }

    /// The same number with other content is refused.
    pub(super) async fn place_other_content(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(mut wish) = self.promised(player) else {
            return;
        };
        wish.key = self.draw(|dice| format!("other-{}", dice.below(1_000_000)));
        wish.request.total += 1;
        if let Some(Ok(_)) = self.place(node, player, &wish).await {
            self.complain(format!(
                "{} was taken twice",
                wish.request.merchant_order_no
            ));
        }
    }

    /// The same key with another request is refused.
    pub(super) async fn place_other_under_key(self: &Arc<Self>, node: &Node, player: &Player) {
        let Some(mut wish) = self.promised(player) else {
            return;
        };
        wish.request = player.new_wish(self).request;
        wish.request.merchant_order_no =
            format!("stray-{}", self.draw(|dice| dice.below(1_000_000)));
        if let Some(Ok(_)) = self.place(node, player, &wish).await {
            self.complain(format!("{} was used for two requests", wish.key));
        }
    }

    /// One of the last requests that were answered well.
    fn promised(&self, player: &Player) -> Option<Wish> {
        let promised: Vec<Wish> = {
            let memory = player.memory();
            let newest = memory.wishes.iter().rev();
            newest
                .filter(|wish| wish.promised.is_some())
                .take(4)
                .cloned()
                .collect()
        };
        self.draw(|dice| dice.pick(&promised))
    }

    async fn place(self: &Arc<Self>, node: &Node, player: &Player, wish: &Wish) -> Option<Answer> {
        let (request, idempotency) = (wish.request.clone(), wish.idempotency());
        let (number, total) = (request.merchant_order_no.clone(), request.total);
        self.tell(|| {
            format!(
                "{} places {number} for {total} under {} at node {}",
                player.caller.tenant_name, wish.key, node.index
            )
        });
        let answer = self
            .asked(node, |operations| {
                let caller = player.caller.clone();
                async move { Box::pin(operations.place_order(&caller, request, &idempotency)).await }
            })
            .await;
        self.tell(|| match &answer {
            Some(Ok(placed)) => {
                let order = &placed.view.order;
                format!(
                    "   -> {} {} {:?}",
                    placed.status,
                    order.state.as_str(),
                    order.out_trade_no
                )
            }
            Some(Err(error)) => format!("   -> {error:?}"),
            None => "   -> nothing".to_owned(),
        });
        answer
    }

    /// Asks a node for something; an error that no fault explains is a fault of the platform.
    pub(super) async fn asked<T, W: Future<Output = Result<T, OperationError>>>(
        self: &Arc<Self>,
        node: &Node,
        work: impl FnOnce(tributary_operations::Operations) -> W,
    ) -> Option<Result<T, OperationError>> {
        let before = self.chance().faults;
        let answer = node.as_process(self, work).await;
        let clean = self.chance().faults == before;
        if let Some(Err(error)) = &answer
            && clean
            && is_internal(error)
        {
            self.complain(format!("an error without a fault: {error:?}"));
        }
        answer
    }
}

/// An error after which the same request is to be sent again.
pub(super) fn is_passing(error: &OperationError) -> bool {
    matches!(
        error,
        OperationError::IdempotencyInFlight
            | OperationError::UpstreamUnknown(_)
            | OperationError::UpstreamBusy(_)
            | OperationError::BudgetSpent
            | OperationError::Storage(_)
            | OperationError::Internal(_)
            | OperationError::StateConflict { .. }
    ) || matches!(error, OperationError::Upstream(refusal) if refusal.who_must_act != "tenant")
}

fn is_internal(error: &OperationError) -> bool {
    matches!(
        error,
        OperationError::Storage(_) | OperationError::Vault(_) | OperationError::Internal(_)
    )
}
