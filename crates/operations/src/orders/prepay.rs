//! One prepay at WeChat: its frozen body, the call, and what the answer does to order and attempt.

use tributary_domain::clock::Timestamp;
use tributary_domain::event::EventType;
use tributary_domain::ids::AttemptId;
use tributary_domain::merchant::OutTradeNo;
use tributary_domain::order::{Attempt, AttemptState, Order, OrderState, next_poll_at};
use tributary_domain::order_content::{OrderContent, Payer};
use tributary_domain::rehearsal::{CrashPoint, Sabotage, crash_point, is_broken};
use tributary_domain::settlement::Source;
use tributary_storage::{StorageError, Tx, orders};
use wechatpay::client::Client;
use wechatpay::v3::request::FrozenBody;
use wechatpay::v3::transactions as wire;

use crate::notifications::KIND_TRANSACTION;
use crate::orders::upstream;
use crate::orders::view::{PayParams, prepay_end};
use crate::providers::ProviderHandle;
use crate::settlement::{Telling, change};
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::{OperationError, Operations};

const NONCE_CHARS: usize = 32;

/// What a prepay came to.
pub(crate) enum Prepaid {
    /// WeChat gave a `prepay_id`.
    Prepared {
        /// The handle.
        prepay_id: String,
    },
    /// WeChat says that the order is paid already: a query will tell.
    PaidAlready,
    /// No certain end, or a refusal.
    Failed(OperationError),
}

impl Operations {
    /// Makes a new attempt with a number that nobody used, and freezes its body.
    pub(crate) fn new_attempt(
        &self,
        order: &Order,
        handle: &ProviderHandle,
        now: Timestamp,
    ) -> Result<Attempt, OperationError> {
        let id = AttemptId::new(now);
        let out_trade_no = OutTradeNo::parse(id.body())
            .map_err(|error| OperationError::Internal(error.to_string()))?;
        let notify_url = format!(
            "{}/wechat/notify/{}/{KIND_TRANSACTION}",
            self.inner.public_url, handle.provider.route_token
        );
        let body = handle
            .client
            .prepare_jsapi(&wire_order(order, &out_trade_no, notify_url))
            .map_err(|fault| OperationError::Internal(format!("freezing a prepay: {fault}")))?;
        Ok(Attempt {
            id,
            tenant_id: order.tenant_id.clone(),
            order_id: order.id.clone(),
            provider_id: order.provider_id.clone(),
            out_trade_no,
            body: body.into_bytes(),
            // The row is committed before the call, so a crash leaves something to query.
            state: AttemptState::Sent,
            prepay_id: None,
            prepared_at: None,
            created_at: now,
        })
    }

    /// Sends the frozen body. Sending it again is safe: WeChat takes an identical repetition.
    pub(crate) async fn send_prepay(&self, handle: &ProviderHandle, attempt: &Attempt) -> Prepaid {
        let mut bytes = attempt.body.clone();
        if is_broken(Sabotage::BodyWrittenAnew) && attempt.state != AttemptState::Sent {
            bytes.push(b' ');
        }
        let body = &FrozenBody::from_bytes(bytes);
        let sent = |client: Client| async move { client.prepay_jsapi(body).await };
        let context = CallContext::attempt(CallPurpose::Prepay, attempt);
        let answer = self.call(handle, &context, sent).await;
        crash_point(CrashPoint::PrepayAnswered);
        match answer {
            Ok(answer) => Prepaid::Prepared {
                prepay_id: answer.value.prepay_id,
            },
            Err(error) if error.code() == Some("ORDER_PAID") => Prepaid::PaidAlready,
            Err(error) => {
                tracing::warn!(order.id = %attempt.order_id, code = error.code(),
                    request_id = error.trace.request_id.as_deref(),
                    outcome_unknown = error.outcome_unknown(),
                    error = &error as &dyn std::error::Error, "a prepay did not succeed");
                Prepaid::Failed(upstream(&error))
            }
        }
    }

    /// Sends an attempt again whose first sending had no certain end, and writes what came of it.
    pub(crate) async fn resend(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<(), OperationError> {
        let handle = self.provider(&order.provider_id).await?;
        match self.send_prepay(&handle, attempt).await {
            Prepaid::Prepared { prepay_id } => {
                let (after, handed) = prepared(order, attempt, &prepay_id, self.now());
                let tx = self.storage().begin().await?;
                write_prepared(&tx, (order, attempt), (&after, &handed)).await?;
                Ok(tx.commit().await?)
            }
            Prepaid::PaidAlready => self.query(order, attempt, Source::Query).await.map(drop),
            Prepaid::Failed(error) => Err(error),
        }
    }

    /// Signs what `wx.requestPayment` needs.
    pub(crate) fn pay_params(
        &self,
        handle: &ProviderHandle,
        order: &Order,
        prepay_id: &str,
        prepared_at: Timestamp,
    ) -> Result<PayParams, OperationError> {
        let appid = match (&order.content.payer, &order.content.sub_appid) {
            (Payer::SubOpenid(_), Some(sub_appid)) => sub_appid.as_str(),
            _ => order.sp_appid.as_str(),
        };
        let nonce = wechatpay::random_nonce(NONCE_CHARS);
        let signed = handle
            .client
            .pay_parameters(appid, prepay_id, self.now().as_seconds(), &nonce)
            .map_err(|error| {
                OperationError::Internal(format!("signing pay parameters: {error}"))
            })?;
        Ok(PayParams {
            app_id: signed.app_id,
            time_stamp: signed.time_stamp,
            nonce_str: signed.nonce_str,
            package: signed.package,
            sign_type: signed.sign_type,
            pay_sign: signed.pay_sign,
            expires_at: prepay_end(prepared_at).to_rfc3339(),
        })
    }
}

/// The attempt with its new handle, and the order that can be paid with it.
pub(crate) fn prepared(
    order: &Order,
    attempt: &Attempt,
    prepay_id: &str,
    now: Timestamp,
) -> (Order, Attempt) {
    let attempt = Attempt {
        state: AttemptState::Prepared,
        prepay_id: Some(prepay_id.to_owned()),
        prepared_at: Some(now),
        ..attempt.clone()
    };
    let order = Order {
        // A close that is under way goes on; the handle is kept for whoever looks into it.
        state: if order.state == OrderState::Closing {
            order.state
        } else {
            OrderState::Paying
        },
        updated_at: now,
        polls: 0,
        next_poll_at: Some(next_poll_at(now, now, order.expires_at)),
        ..order.clone()
    };
    (order, attempt)
}

/// Writes that a prepay is open. Nothing is told: `order.created` was, and the payer acts next.
pub(crate) async fn write_prepared(
    tx: &Tx,
    before: (&Order, &Attempt),
    after: (&Order, &Attempt),
) -> Result<(), StorageError> {
    // Everybody takes the order's row first and the attempt's second: no two can wait for each other.
    orders::update(tx, before.0, after.0).await?;
    orders::update_attempt(tx, before.1.state, after.1).await
}

/// Writes that nobody knows whether WeChat took the prepay; tells the tenant once.
pub(crate) async fn write_unknown(
    tx: &Tx,
    order: &Order,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Order, OperationError> {
    let unsure = Attempt {
        state: if is_broken(Sabotage::NewNumberAfterUnknown) {
            AttemptState::Rejected
        } else {
            AttemptState::Unknown
        },
        ..attempt.clone()
    };
    // The tries are counted from when the doubt began.
    let tries = match order.state {
        OrderState::Unknown => order.polls,
        _ => 0,
    };
    let mut after = Order {
        state: OrderState::Unknown,
        ..order.in_doubt(tries, now)
    };
    if order.state == OrderState::Unknown {
        orders::update(tx, order, &after).await?;
    } else {
        let kind = EventType::OrderUnknown;
        let telling = Telling {
            kind,
            source: Source::System,
            now,
            attempt: Some(&unsure),
            late_payments: &[],
        };
        change(tx, order, &mut after, &telling).await?;
    }
    orders::update_attempt(tx, attempt.state, &unsure).await?;
    Ok(after)
}

/// Writes that WeChat refused this attempt for good. The order itself may still get another.
pub(crate) async fn write_rejected(
    tx: &Tx,
    order: &Order,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), StorageError> {
    let rejected = Attempt {
        state: AttemptState::Rejected,
        ..attempt.clone()
    };
    let after = Order {
        state: OrderState::Created,
        updated_at: now,
        // Nothing is open at WeChat: the next look is the one that closes the order.
        next_poll_at: Some(order.expires_at.plus_millis(1000)),
        ..order.clone()
    };
    orders::update(tx, order, &after).await?;
    orders::update_attempt(tx, attempt.state, &rejected).await
}

fn wire_order(order: &Order, number: &OutTradeNo, notify_url: String) -> wire::JsapiPrepay {
    let content = &order.content;
    let (sp_openid, sub_openid) = match &content.payer {
        Payer::SpOpenid(id) => (Some(id.to_string()), None),
        Payer::SubOpenid(id) => (None, Some(id.to_string())),
    };
    wire::JsapiPrepay {
        sp_appid: order.sp_appid.to_string(),
        sp_mchid: order.sp_mchid.to_string(),
        sub_appid: content.sub_appid.as_ref().map(ToString::to_string),
        sub_mchid: order.sub_mchid.to_string(),
        description: content.description.clone(),
        out_trade_no: number.to_string(),
        time_expire: order.time_expire().map(Timestamp::to_rfc3339_beijing),
        attach: content.attach.clone(),
        notify_url,
        goods_tag: content.goods_tag.clone(),
        settle_info: content.settle_info.as_ref().map(|settle| wire::SettleInfo {
            profit_sharing: settle.profit_sharing,
        }),
        support_fapiao: None,
        limit_pay: None,
        amount: wire::OrderAmount {
            total: content.total.as_i64(),
            currency: Some(content.currency.as_str().to_owned()),
        },
        payer: wire::Payer {
            sp_openid,
            sub_openid,
        },
        detail: wire_detail(content),
        scene_info: wire_scene(content),
    }
}

fn wire_detail(content: &OrderContent) -> Option<wire::OrderDetail> {
    let detail = content.detail.as_ref()?;
    let goods = detail.goods_detail.iter().map(|goods| wire::Goods {
        merchant_goods_id: goods.merchant_goods_id.clone(),
        wechatpay_goods_id: goods.wechatpay_goods_id.clone(),
        goods_name: goods.goods_name.clone(),
        quantity: goods.quantity,
        unit_price: goods.unit_price,
    });
    Some(wire::OrderDetail {
        cost_price: detail.cost_price,
        invoice_id: detail.invoice_id.clone(),
        goods_detail: Some(goods.collect()),
    })
}

fn wire_scene(content: &OrderContent) -> Option<wire::SceneInfo> {
    let scene = content.scene_info.as_ref()?;
    Some(wire::SceneInfo {
        payer_client_ip: scene.payer_client_ip.clone(),
        device_id: scene.device_id.clone(),
        store_info: scene.store_info.as_ref().map(|store| wire::StoreInfo {
            id: store.id.clone(),
            name: store.name.clone(),
            area_code: store.area_code.clone(),
            address: store.address.clone(),
        }),
    })
}
