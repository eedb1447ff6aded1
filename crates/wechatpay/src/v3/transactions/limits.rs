//! WeChat's published limits on a JSAPI order (WeChat partner docs: JSAPI order).

use std::net::IpAddr;

use super::{Goods, JsapiPrepay, OrderDetail, SceneInfo};
use crate::v3::request::{InvalidRequest, Problem, check};

/// No published limit; far below where sums of orders could overflow.
const MOST_FEN: i64 = 1_000_000_000_000;
const MOST_GOODS: usize = 6000;
const MOST_DETAIL_BYTES: usize = 6144;
const LIMIT_PAY: [&str; 4] = ["no_balance", "no_credit", "no_debit", "balance_only"];

type Checked = Result<(), InvalidRequest>;

pub(super) fn check(order: &JsapiPrepay) -> Checked {
    check::number("/sp_appid", &order.sp_appid, b"", (1, 32))?;
    check::number("/sp_mchid", &order.sp_mchid, b"", (1, 32))?;
    check::number("/sub_mchid", &order.sub_mchid, b"", (1, 32))?;
    if order.sub_mchid == order.sp_mchid {
        return fail(
            "/sub_mchid",
            Problem::NotA("a sub-merchant of the service provider"),
        );
    }
    if let Some(sub_appid) = &order.sub_appid {
        check::number("/sub_appid", sub_appid, b"", (1, 32))?;
    }
    check::text("/description", &order.description, 127)?;
    check::number("/out_trade_no", &order.out_trade_no, b"|*", (6, 32))?;
    check::date_time("/time_expire", order.time_expire.as_deref())?;
    check::optional_text("/attach", order.attach.as_deref(), 128)?;
    check::notify_url("/notify_url", &order.notify_url, 255)?;
    check::optional_text("/goods_tag", order.goods_tag.as_deref(), 32)?;
    check::amount("/amount/total", order.amount.total, MOST_FEN)?;
    check::currency("/amount/currency", order.amount.currency.as_deref())?;
    check_payer(order)?;
    check_limit_pay(order.limit_pay.as_deref().unwrap_or_default())?;
    order.detail.as_ref().map_or(Ok(()), check_detail)?;
    order.scene_info.as_ref().map_or(Ok(()), check_scene)
}

fn check_payer(order: &JsapiPrepay) -> Checked {
    match (&order.payer.sp_openid, &order.payer.sub_openid) {
        (None, None) => fail("/payer", Problem::Required),
        (Some(_), Some(_)) => fail(
            "/payer/sub_openid",
            Problem::NotTogetherWith("/payer/sp_openid"),
        ),
        (Some(openid), None) => check::number("/payer/sp_openid", openid, b"", (1, 128)),
        (None, Some(_)) if order.sub_appid.is_none() => fail("/sub_appid", Problem::Required),
        (None, Some(openid)) => check::number("/payer/sub_openid", openid, b"", (1, 128)),
    }
}

fn check_limit_pay(ways: &[String]) -> Checked {
    if ways.iter().all(|way| LIMIT_PAY.contains(&way.as_str())) {
        return Ok(());
    }
    fail(
        "/limit_pay",
        Problem::NotA("one of no_balance, no_credit, no_debit, balance_only"),
    )
}

fn check_detail(detail: &OrderDetail) -> Checked {
    if detail.cost_price.is_some_and(|fen| fen < 0) {
        return fail("/detail/cost_price", Problem::BelowMinimum(0));
    }
    check::optional_text("/detail/invoice_id", detail.invoice_id.as_deref(), 32)?;
    let goods = detail.goods_detail.as_deref();
    if goods.is_some_and(<[Goods]>::is_empty) {
        return fail("/detail/goods_detail", Problem::TooShort(1));
    }
    let goods = goods.unwrap_or_default();
    if goods.len() > MOST_GOODS {
        return fail("/detail/goods_detail", Problem::TooLong(MOST_GOODS));
    }
    goods.iter().try_for_each(check_goods)?;
    let bytes = serde_json::to_vec(detail).map_or(usize::MAX, |json| json.len());
    if bytes > MOST_DETAIL_BYTES {
        return fail("/detail", Problem::TooLong(MOST_DETAIL_BYTES));
    }
    Ok(())
}

fn check_goods(goods: &Goods) -> Checked {
    let id = &goods.merchant_goods_id;
    check::number("/detail/goods_detail/merchant_goods_id", id, b"", (1, 32))?;
    let id = goods.wechatpay_goods_id.as_deref();
    check::optional_text("/detail/goods_detail/wechatpay_goods_id", id, 32)?;
    let name = goods.goods_name.as_deref();
    check::optional_text("/detail/goods_detail/goods_name", name, 256)?;
    check::amount("/detail/goods_detail/quantity", goods.quantity, MOST_FEN)?;
    if goods.unit_price < 0 {
        return fail("/detail/goods_detail/unit_price", Problem::BelowMinimum(0));
    }
    Ok(())
}

fn check_scene(scene: &SceneInfo) -> Checked {
    if scene.payer_client_ip.parse::<IpAddr>().is_err() {
        return fail(
            "/scene_info/payer_client_ip",
            Problem::NotA("an IP address"),
        );
    }
    check::optional_text("/scene_info/device_id", scene.device_id.as_deref(), 32)?;
    let Some(store) = &scene.store_info else {
        return Ok(());
    };
    check::text("/scene_info/store_info/id", &store.id, 32)?;
    check::optional_text("/scene_info/store_info/name", store.name.as_deref(), 256)?;
    check::optional_text(
        "/scene_info/store_info/area_code",
        store.area_code.as_deref(),
        32,
    )?;
    check::optional_text(
        "/scene_info/store_info/address",
        store.address.as_deref(),
        512,
    )
}

fn fail(field: &'static str, problem: Problem) -> Checked {
    Err(InvalidRequest { field, problem })
}
