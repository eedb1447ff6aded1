//! Orders as a tenant sees them.

use poem_openapi::{Enum, Object};
use tributary_domain::late_payment;
use tributary_domain::order;
use tributary_domain::order_content as content;
use tributary_operations::orders::view::{
    LatePaymentView, OrderView, PayParams as PayParamsView, PlacedView,
};
use tributary_operations::pages::Page;

/// Where an order stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "order::OrderState")]
pub(super) enum OrderState {
    Created,
    Paying,
    Unknown,
    Closing,
    Closed,
    Held,
    Paid,
    Refunding,
    PartiallyRefunded,
    Refunded,
}

/// An order.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Order {
    /// Our id of it: `ord_…`.
    id: String,
    /// Always `order`.
    object: String,
    /// Your own number of it.
    merchant_order_no: String,
    /// `live` or `test`.
    mode: String,
    /// Where it stands. `paid` means deliver; `held` means that late or wrong money waits for a decision.
    state: OrderState,
    /// WeChat's own word for its state, as last seen.
    trade_state: Option<String>,
    /// The sub-merchant that is paid.
    sub_mchid: String,
    /// The sub-merchant's app that the payer is in.
    sub_appid: Option<String>,
    /// What the payer reads.
    description: String,
    /// How much.
    amount: OrderAmount,
    /// Who pays.
    payer: OrderPayer,
    /// As you sent it.
    attach: Option<String>,
    /// As you sent it.
    goods_tag: Option<String>,
    /// The last moment to pay, when you set one (RFC 3339).
    time_expire: Option<String>,
    /// When the order ends unpaid (RFC 3339).
    expires_at: String,
    /// As you sent it.
    detail: Option<OrderDetail>,
    /// As you sent it.
    scene_info: Option<SceneInfo>,
    /// As you sent it.
    settle_info: Option<SettleInfo>,
    /// The number that WeChat sees; a new one for each attempt.
    out_trade_no: Option<String>,
    /// WeChat's number of the payment.
    transaction_id: Option<String>,
    /// When the payer paid (RFC 3339).
    success_time: Option<String>,
    /// How the payer paid, in WeChat's word: `JSAPI`.
    trade_type: Option<String>,
    /// The payer's bank, in WeChat's word.
    bank_type: Option<String>,
    /// Payments that came late, twice, or with another amount; left out in lists.
    late_payments: Option<Vec<LatePayment>>,
    /// When it was placed (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

/// How much, in fen.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct OrderAmount {
    /// Whole fen (1/100 yuan).
    total: i64,
    /// `CNY`.
    currency: String,
    /// What the payer paid after coupons, in fen; known once paid.
    payer_total: Option<i64>,
    /// What came in.
    paid: i64,
    /// What is on its way back to the payer.
    refunding: i64,
    /// What the payer has back.
    refunded: i64,
}

/// In which way a payment is not the ordinary one.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "late_payment::LateKind")]
enum LateKind {
    PaidLate,
    DuplicatePaid,
    AmountMismatch,
}

/// What became of it.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case", remote = "late_payment::LatePaymentState")]
enum LatePaymentState {
    Held,
    Accepted,
    Refunding,
    Refunded,
}

/// A payment that came after the close, a second time, or with another amount.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct LatePayment {
    /// Our id of it: `lpm_…`.
    id: String,
    /// In which way it is not the ordinary payment.
    kind: LateKind,
    /// What became of it, by your policy or by a person.
    state: LatePaymentState,
    /// WeChat's number of the payment.
    transaction_id: String,
    /// What came in, in whole fen.
    total: i64,
    /// When the payer paid (RFC 3339).
    success_time: String,
    /// The refund that gives it back: `ref_…`.
    refund_id: Option<String>,
}

/// Who pays: one of the two.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct OrderPayer {
    /// The payer's openid under the provider's app.
    sp_openid: Option<String>,
    /// The payer's openid under `sub_appid`.
    sub_openid: Option<String>,
}

/// The goods of an order, for single-item coupons: at most 6144 bytes of JSON.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct OrderDetail {
    /// The original price of the order in fen.
    cost_price: Option<i64>,
    /// The number of the receipt.
    invoice_id: Option<String>,
    /// The goods.
    goods_detail: Vec<GoodsDetail>,
}

/// One kind of goods.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct GoodsDetail {
    /// Your id of it.
    merchant_goods_id: String,
    /// WeChat's id of it.
    wechatpay_goods_id: Option<String>,
    /// Its name.
    goods_name: Option<String>,
    /// How many.
    quantity: i64,
    /// The price of one in fen.
    unit_price: i64,
}

/// Where the payment happens.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct SceneInfo {
    /// The payer's IPv4 or IPv6 address.
    payer_client_ip: String,
    /// The number of the terminal.
    device_id: Option<String>,
    /// The store.
    store_info: Option<StoreInfo>,
}

/// A store.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct StoreInfo {
    /// Its number.
    id: String,
    /// Its name.
    name: Option<String>,
    /// Its region code.
    area_code: Option<String>,
    /// Its address.
    address: Option<String>,
}

/// Settlement choices.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct SettleInfo {
    /// Whether the money is frozen until it is shared.
    profit_sharing: Option<bool>,
}

/// Everything `wx.requestPayment` needs. Hand it over unchanged.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct PayParams {
    /// The app that the payer is in.
    app_id: String,
    /// Seconds since 1970, as text.
    time_stamp: String,
    /// Random.
    nonce_str: String,
    /// `prepay_id=…`.
    package: String,
    /// `RSA`.
    sign_type: String,
    /// The provider's signature over the four above.
    pay_sign: String,
    /// Until when the parameters can be used (RFC 3339); after that place the order again.
    #[oai(rename = "expires_at")]
    expires_at: String,
}

/// An order and the parameters to pay it.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct PlacedOrder {
    /// The order.
    order: Order,
    /// What the payer's app needs; absent when the order can no longer be paid.
    pay_params: Option<PayParams>,
}

/// A page of orders, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct OrderPage {
    /// Always `list`.
    object: String,
    /// The orders.
    data: Vec<Order>,
    /// Whether there is a next page.
    has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

impl From<Page<OrderView>> for OrderPage {
    fn from(page: Page<OrderView>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl From<PlacedView> for PlacedOrder {
    fn from(placed: PlacedView) -> Self {
        Self {
            order: placed.order.into(),
            pay_params: placed.pay_params.map(Into::into),
        }
    }
}

impl From<PayParamsView> for PayParams {
    fn from(view: PayParamsView) -> Self {
        Self {
            app_id: view.app_id,
            time_stamp: view.time_stamp,
            nonce_str: view.nonce_str,
            package: view.package,
            sign_type: view.sign_type,
            pay_sign: view.pay_sign,
            expires_at: view.expires_at,
        }
    }
}

impl From<LatePaymentView> for LatePayment {
    fn from(view: LatePaymentView) -> Self {
        Self {
            id: view.id,
            kind: view.kind.into(),
            state: view.state.into(),
            transaction_id: view.transaction_id,
            total: view.total,
            success_time: view.success_time,
            refund_id: view.refund_id,
        }
    }
}

impl From<OrderView> for Order {
    fn from(view: OrderView) -> Self {
        let late: Vec<LatePayment> = view.late_payments.into_iter().map(Into::into).collect();
        Self {
            id: view.id.to_string(),
            object: view.object,
            merchant_order_no: view.merchant_order_no,
            mode: view.mode.as_str().to_owned(),
            state: view.state.into(),
            trade_state: view.trade_state,
            sub_mchid: view.sub_mchid,
            sub_appid: view.sub_appid,
            description: view.description,
            amount: OrderAmount {
                total: view.amount.total,
                currency: view.amount.currency,
                payer_total: view.amount.payer_total,
                paid: view.amount.paid,
                refunding: view.amount.refunding,
                refunded: view.amount.refunded,
            },
            payer: OrderPayer {
                sp_openid: view.payer.sp_openid,
                sub_openid: view.payer.sub_openid,
            },
            attach: view.attach,
            goods_tag: view.goods_tag,
            time_expire: view.time_expire,
            expires_at: view.expires_at,
            detail: view.detail.map(Into::into),
            scene_info: view.scene_info.map(Into::into),
            settle_info: view.settle_info.map(Into::into),
            out_trade_no: view.out_trade_no,
            transaction_id: view.transaction_id,
            success_time: view.success_time,
            trade_type: view.trade_type,
            bank_type: view.bank_type,
            late_payments: (!late.is_empty()).then_some(late),
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// Writes the conversions of an object that has the same fields here and in `domain`.
macro_rules! same_fields {
    ($($ours:ident = $theirs:ident { $($field:ident),* } $({ $($inner:ident),* })?;)*) => {$(
        impl From<content::$theirs> for $ours {
            fn from(value: content::$theirs) -> Self {
                Self {
                    $($field: value.$field,)*
                    $($($inner: value.$inner.into_iter().map(Into::into).collect(),)*)?
                }
            }
        }

        impl From<$ours> for content::$theirs {
            fn from(value: $ours) -> Self {
                Self {
                    $($field: value.$field,)*
                    $($($inner: value.$inner.into_iter().map(Into::into).collect(),)*)?
                }
            }
        }
    )*};
}

same_fields! {
    OrderDetail = Detail { cost_price, invoice_id } { goods_detail };
    GoodsDetail = GoodsDetail { merchant_goods_id, wechatpay_goods_id, goods_name, quantity, unit_price };
    StoreInfo = StoreInfo { id, name, area_code, address };
    SettleInfo = SettleInfo { profit_sharing };
}

impl From<content::SceneInfo> for SceneInfo {
    fn from(scene: content::SceneInfo) -> Self {
        Self {
            payer_client_ip: scene.payer_client_ip,
            device_id: scene.device_id,
            store_info: scene.store_info.map(Into::into),
        }
    }
}

impl From<SceneInfo> for content::SceneInfo {
    fn from(scene: SceneInfo) -> Self {
        Self {
            payer_client_ip: scene.payer_client_ip,
            device_id: scene.device_id,
            store_info: scene.store_info.map(Into::into),
        }
    }
}
