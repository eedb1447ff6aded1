//! What goes wrong in the demo's past, each in the way in which it goes wrong at a provider.

use anyhow::bail;
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_operations::OperationError;
use tributary_operations::orders::view::OrderView;
use wechatpay_sim::{
    BillFault, BillFaultKind, ChangeProvider, ChangeSubMerchant, Fault, FaultKind, LedgerFilter,
    PayOnClose, PayOrder, RefundResult, RowChange, RowKind, SettleRefund, TradeState,
};

use super::cast::{Cast, Goods, Shop};
use super::stage::{MINUTE_MS, Stage, number};

const PREPAY_PATH: &str = "/pay/partner/transactions/jsapi";
/// What a guest pays for a week; above what one person may give back alone.
const DEAR: Goods = ("湖景套房包周（含早餐）", 1_288_000);
/// After so long the platform asks about a payment that nobody told it of.
const ASKED_MS: i64 = 2 * MINUTE_MS;
/// WeChat tells again what was not taken.
const TOLD_AGAIN_MS: i64 = MINUTE_MS;
/// Another APIv3 key than the platform knows, as when somebody changed it in WeChat's console alone.
const OTHER_API_V3_KEY: &str = "changed-in-the-console-and-alone";

/// An order whose webhooks fail until they are given up.
pub(super) async fn untold_order(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    paid(stage, &cast.flowers).await?;
    stage.after(MINUTE_MS).await
}

/// Money goes back: a part, all of it, to nobody, and not for want of money.
pub(super) async fn with_refunds(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    let (tea, books, greens, flowers) = (&cast.tea, &cast.books, &cast.greens, &cast.flowers);
    let part = paid(stage, tea).await?;
    let whole = paid(stage, greens).await?;
    let abnormal = paid(stage, books).await?;
    let held = paid(stage, flowers).await?;
    stage.after(MINUTE_MS).await?;
    stage.refund(tea, &part, (500, "少放了一份小料")).await?;
    let all = (whole.amount.total, "商品缺货，全额退款");
    stage.refund(greens, &whole, all).await?;
    let refund = stage
        .refund(books, &abnormal, (1_000, "优惠券补差"))
        .await?;
    let result = SettleRefund {
        result: RefundResult::Abnormal,
        sp_mchid: None,
    };
    stage
        .simulator
        .settle_refund(&refund.out_refund_no, &result)?;
    refund_without_money(stage, flowers, &held).await?;
    stage.after(2 * MINUTE_MS).await?;
    stage.refund(tea, &part, (300, "再退一份")).await?;
    stage.after(2 * MINUTE_MS).await
}

/// The sub-merchant has withdrawn its money; the refund is held until there is some again.
async fn refund_without_money(
    stage: &mut Stage,
    shop: &Shop,
    order: &OrderView,
) -> anyhow::Result<()> {
    let empty = ChangeSubMerchant {
        refund_balance: Some(Some(0)),
        ..ChangeSubMerchant::default()
    };
    let sub_mchid = &shop.main()?.sub_mchid;
    stage.simulator.change_sub_merchant(sub_mchid, &empty)?;
    stage.refund(shop, order, (2_000, "花材不新鲜")).await?;
    Ok(())
}

/// A notification that never comes: the platform asks. A close that comes too late: the order is paid.
pub(super) async fn with_payments(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    let order = usual(stage, &cast.tea).await?;
    stage
        .simulator
        .fault(Fault::of(FaultKind::NotificationWithheld).on_order(number(&order)?));
    stage.pay(&order)?;
    paid(stage, &cast.flowers).await?;
    let books = &cast.books;
    let raced = usual(stage, books).await?;
    let wish = PayOnClose::default();
    stage.simulator.pay_on_close(number(&raced)?, wish)?;
    let closed = stage
        .operations()
        .close_order(&books.caller, &raced.id)
        .await;
    if let Err(error) = closed
        && !matches!(error, OperationError::StateConflict { .. })
    {
        return Err(error.into());
    }
    stage.after(ASKED_MS).await?;
    stage.simulator.clear_faults();
    Ok(())
}

/// The bill of a day lacks a payment, has one of another amount, and one that nobody made.
pub(super) fn with_bills(stage: &Stage, cast: &Cast, day: BillDay) -> anyhow::Result<()> {
    let sp_mchid = &cast.provider.keys.sp_mchid;
    let filter = LedgerFilter::default();
    let mut orders = stage.simulator.ledger_of(&filter).orders;
    orders.retain(|order| {
        let paid_ms = order.payment.as_ref().map(|payment| payment.success_ms);
        let within = paid_ms.is_some_and(|ms| day.contains(Timestamp::from_millis(ms)));
        order.sp_mchid == *sp_mchid && order.trade_state == TradeState::Success && within
    });
    let [dropped, changed, ..] = orders.as_slice() else {
        bail!("too little was sold on {day} for its bill to differ");
    };
    let fault = |kind, only: Option<&String>| BillFault {
        sp_mchid: Some(sp_mchid.clone()),
        date: Some(day.to_string()),
        rows: Some(RowKind::Payment),
        out_trade_no: only.cloned(),
        ..BillFault::of(kind)
    };
    let change = RowChange {
        amount_total: Some(changed.amount_total + 100),
        ..RowChange::default()
    };
    for fault in [
        fault(BillFaultKind::Drop, Some(&dropped.out_trade_no)),
        BillFault {
            set: change,
            ..fault(BillFaultKind::Change, Some(&changed.out_trade_no))
        },
        fault(BillFaultKind::Add, None),
    ] {
        stage.simulator.bill_fault(fault)?;
    }
    Ok(())
}

/// Money that comes after the close, by every tenant's own policy, and money of another amount.
pub(super) async fn with_late_money(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    let mut closed = Vec::new();
    for shop in [&cast.tea, &cast.books, &cast.hotel] {
        let order = usual(stage, shop).await?;
        let operations = stage.operations();
        operations.close_order(&shop.caller, &order.id).await?;
        closed.push(order);
    }
    let short = usual(stage, &cast.greens).await?;
    stage.after(MINUTE_MS).await?;
    for order in &closed {
        stage.pay_as(order, &late(None))?;
    }
    stage.pay_as(&short, &late(Some(short.amount.total - 80)))?;
    stage.after(MINUTE_MS).await?;
    // What goes back has arrived by then.
    stage.after(2 * MINUTE_MS).await
}

fn late(amount_total: Option<i64>) -> PayOrder {
    PayOrder {
        force: true,
        amount_total,
        ..PayOrder::default()
    }
}

/// The APIv3 key was changed at WeChat and not here: what it told meanwhile cannot be read; then it is changed back.
pub(super) async fn with_notifications(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    let (keys, shop) = (&cast.older.keys, &cast.hotel);
    let order = usual(stage, shop).await?;
    change_api_v3_key(stage, &keys.sp_mchid, OTHER_API_V3_KEY).await?;
    stage.pay(&order)?;
    stage.after(0).await?;
    change_api_v3_key(stage, &keys.sp_mchid, &keys.api_v3_key).await?;
    stage.after(TOLD_AGAIN_MS).await
}

async fn change_api_v3_key(stage: &Stage, sp_mchid: &str, key: &str) -> anyhow::Result<()> {
    let change = ChangeProvider {
        api_v3_key: Some(key.to_owned()),
        ..ChangeProvider::default()
    };
    stage.simulator.change_provider(sp_mchid, change).await?;
    Ok(())
}

/// One order that WeChat refuses, and one whose answer is lost twice.
pub(super) async fn with_prepays(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    let refused = Fault {
        status: Some(403),
        code: Some("NO_AUTH".to_owned()),
        message: Some("商户暂无权限使用此功能".to_owned()),
        ..Fault::of(FaultKind::Refuse)
    };
    fail_prepay(stage, &cast.flowers, refused.times(1)).await?;
    let lost = Fault::of(FaultKind::LostAnswer).times(2);
    fail_prepay(stage, &cast.greens, lost).await
}

async fn fail_prepay(stage: &mut Stage, shop: &Shop, fault: Fault) -> anyhow::Result<()> {
    stage.simulator.fault(fault.on_path(PREPAY_PATH));
    let placed = stage.try_order(shop, shop.main()?, shop.usual()?).await?;
    stage.simulator.clear_faults();
    match placed {
        Ok(_) | Err(OperationError::Upstream(_) | OperationError::UpstreamUnknown(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An order whose refund needs two people.
pub(super) async fn dear_order(stage: &mut Stage, cast: &Cast) -> anyhow::Result<OrderView> {
    stage.paid(&cast.hotel, cast.hotel.main()?, DEAR).await
}

/// Orders that wait for their payers as the demo begins.
pub(super) async fn waiting_orders(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    for shop in [&cast.tea, &cast.hotel, &cast.books] {
        usual(stage, shop).await?;
    }
    Ok(())
}

async fn usual(stage: &mut Stage, shop: &Shop) -> anyhow::Result<OrderView> {
    stage.order(shop, shop.main()?, shop.usual()?).await
}

async fn paid(stage: &mut Stage, shop: &Shop) -> anyhow::Result<OrderView> {
    stage.paid(shop, shop.main()?, shop.usual()?).await
}
