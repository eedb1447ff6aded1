//! The cashier: what it shows, what it checks, what its buttons do.

use serde_json::json;
use wechatpay_sim::TradeState;

use crate::harness::{PLACE, Reply, SP_APP, SUB_APP, World};

/// The pay parameters of a prepay id, signed as the documents say.
fn parameters(world: &World, prepay_id: &str, appid: &str) -> Vec<(&'static str, String)> {
    let (timestamp, nonce) = (world.now_s().to_string(), world.nonce());
    let package = format!("prepay_id={prepay_id}");
    let message = format!("{appid}\n{timestamp}\n{nonce}\n{package}\n");
    vec![
        ("appId", appid.to_owned()),
        ("timeStamp", timestamp),
        ("nonceStr", nonce),
        ("package", package),
        ("signType", "RSA".to_owned()),
        ("paySign", world.merchant.sign(message.as_bytes()).unwrap()),
    ]
}

fn encode(parameters: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

async fn show(world: &World, prepay_id: &str, parameters: &[(&str, String)]) -> Reply {
    let target = format!("/cashier/{prepay_id}?{}", encode(parameters));
    world.send("GET", &target, &[], "").await.unwrap()
}

async fn press(world: &World, prepay_id: &str, button: &str, values: &[(&str, String)]) -> String {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let target = format!("/cashier/{prepay_id}/{button}");
    text(
        &world
            .send("POST", &target, &headers, &encode(values))
            .await
            .unwrap(),
    )
}

fn text(reply: &Reply) -> String {
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body.clone()).unwrap()
}

fn state(world: &World) -> TradeState {
    world.sim.ledger().orders[0].trade_state
}

#[tokio::test]
async fn the_page_shows_merchant_description_and_amount_and_pays() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["amount"]["total"] = json!(123_405);
    let reply = world.post(PLACE, &order).await;
    let prepay_id = reply.json()["prepay_id"].as_str().unwrap().to_owned();
    let values = parameters(&world, &prepay_id, SUB_APP);
    let page = text(&show(&world, &prepay_id, &values).await);
    for shown in [
        "支流小店",
        "Image形象店-深圳腾大-QQ公仔",
        "1234.05",
        "立即支付",
        "取消",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let paid = press(&world, &prepay_id, "pay", &values).await;
    assert!(paid.contains("支付成功"), "{paid}");
    assert_eq!(state(&world), TradeState::Success);
    assert_eq!(world.sim.run_due().await, 1);
    assert_eq!(world.receiver.received().len(), 1);
}

#[tokio::test]
async fn cancelling_leaves_the_order_payable() {
    let world = World::new().await;
    let prepay_id = world.place("T0000001").await;
    let values = parameters(&world, &prepay_id, SUB_APP);
    assert!(
        press(&world, &prepay_id, "cancel", &values)
            .await
            .contains("已取消支付")
    );
    assert_eq!(state(&world), TradeState::NotPay);
    assert!(
        press(&world, &prepay_id, "pay", &values)
            .await
            .contains("支付成功")
    );
}

#[tokio::test]
async fn a_wrong_or_missing_parameter_makes_paying_impossible() {
    let world = World::new().await;
    let prepay_id = world.place("T0000001").await;
    let other_id = world.place("T0000002").await;
    let good = parameters(&world, &prepay_id, SUB_APP);
    for name in [
        "appId",
        "timeStamp",
        "nonceStr",
        "package",
        "signType",
        "paySign",
    ] {
        let missing: Vec<_> = good
            .iter()
            .filter(|(known, _)| *known != name)
            .cloned()
            .collect();
        let mut altered = good.clone();
        for (_, value) in altered.iter_mut().filter(|(known, _)| *known == name) {
            value.push('x');
        }
        for values in [missing, altered] {
            let page = text(&show(&world, &prepay_id, &values).await);
            assert!(page.contains("支付验证签名失败"), "{name}: {page}");
            assert!(!page.contains("立即支付"), "{name}");
            let refused = press(&world, &prepay_id, "pay", &values).await;
            assert!(refused.contains("支付验证签名失败"), "{name}");
        }
    }
    let page = text(&show(&world, &other_id, &good).await);
    assert!(
        page.contains("支付验证签名失败"),
        "another order's parameters"
    );
    assert!(
        world
            .sim
            .ledger()
            .orders
            .iter()
            .all(|o| o.trade_state == TradeState::NotPay)
    );
}

#[tokio::test]
async fn the_app_must_be_the_payers() {
    let world = World::new().await;
    let prepay_id = world.place("T0000001").await;
    let values = parameters(&world, &prepay_id, SP_APP);
    let page = text(&show(&world, &prepay_id, &values).await);
    assert!(page.contains("appid与prepay_id不匹配"), "{page}");
}

#[tokio::test]
async fn a_prepay_id_lives_two_hours() {
    let world = World::new().await;
    let prepay_id = world.place("T0000001").await;
    let values = parameters(&world, &prepay_id, SUB_APP);
    world.sim.advance_clock(2 * 3_600_000);
    assert!(text(&show(&world, &prepay_id, &values).await).contains("立即支付"));
    world.sim.advance_clock(1);
    assert!(text(&show(&world, &prepay_id, &values).await).contains("支付已过期"));
    assert!(
        press(&world, &prepay_id, "pay", &values)
            .await
            .contains("支付已过期")
    );
    assert_eq!(state(&world), TradeState::NotPay);
}

#[tokio::test]
async fn a_paid_and_a_closed_order_say_so() {
    let world = World::new().await;
    let prepay_id = world.place("T0000001").await;
    let values = parameters(&world, &prepay_id, SUB_APP);
    press(&world, &prepay_id, "pay", &values).await;
    assert!(
        press(&world, &prepay_id, "pay", &values)
            .await
            .contains("该订单已支付")
    );
    assert_eq!(world.sim.ledger().notifications.len(), 1);
    let closed_id = world.place("T0000002").await;
    world.sim.close("T0000002").unwrap();
    let values = parameters(&world, &closed_id, SUB_APP);
    assert!(text(&show(&world, &closed_id, &values).await).contains("该订单已关闭"));
}

#[tokio::test]
async fn hostile_text_is_escaped_and_nothing_can_be_loaded() {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["description"] = json!("<script>alert(1)</script>\"'&");
    let reply = world.post(PLACE, &order).await;
    let prepay_id = reply.json()["prepay_id"].as_str().unwrap().to_owned();
    let shown = show(&world, &prepay_id, &parameters(&world, &prepay_id, SUB_APP)).await;
    assert!(!text(&shown).contains("<script"));
    let policy = shown.header("Content-Security-Policy").unwrap();
    assert!(policy.contains("default-src 'none'"));
    let html = text(&shown);
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("src="));
}

#[tokio::test]
async fn an_unknown_prepay_id_is_told_in_words() {
    let world = World::new().await;
    let page = text(&show(&world, "wx0000", &[]).await);
    assert!(page.contains("预支付交易会话不存在或已失效"), "{page}");
}
