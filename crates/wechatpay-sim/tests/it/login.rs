//! `jscode2session`: codes serve once, for five minutes, for one app.

use serde_json::{Value, json};
use wechatpay_sim::NewCode;

use crate::harness::{PLACE, SUB_APP, SUB_SECRET, World};

async fn exchange(world: &World, query: &str) -> Value {
    let reply = world
        .send("GET", &format!("/sns/jscode2session?{query}"), &[], "")
        .await
        .unwrap();
    assert_eq!(reply.status, 200, "WeChat answers 200 to everything here");
    reply.json()
}

fn code(world: &World, errcode: Option<i64>) -> String {
    let wish = NewCode {
        appid: SUB_APP.to_owned(),
        openid: None,
        unionid: None,
        errcode,
    };
    world.sim.code(wish).unwrap()["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn login(code: &str) -> String {
    format!("appid={SUB_APP}&secret={SUB_SECRET}&js_code={code}&grant_type=authorization_code")
}

#[tokio::test]
async fn a_code_gives_an_openid_that_can_pay() {
    let world = World::new().await;
    let issued = world
        .control(
            "POST",
            "/codes",
            &json!({"appid": SUB_APP, "unionid": "u1"}),
        )
        .await
        .json();
    let session = exchange(&world, &login(issued["code"].as_str().unwrap())).await;
    assert_eq!(session["openid"], issued["openid"]);
    assert_eq!(session["unionid"], "u1");
    assert!(session.get("errcode").is_none());
    assert_eq!(session["session_key"].as_str().unwrap().len(), 24);
    let mut order = world.order("T0000001");
    order["payer"] = json!({"sub_openid": session["openid"]});
    assert_eq!(world.post(PLACE, &order).await.status, 200);
}

#[tokio::test]
async fn a_code_serves_once_and_for_five_minutes() {
    let world = World::new().await;
    let used = code(&world, None);
    exchange(&world, &login(&used)).await;
    assert_eq!(exchange(&world, &login(&used)).await["errcode"], 40163);
    let in_time = code(&world, None);
    let too_late = code(&world, None);
    world.sim.advance_clock(300_000);
    assert!(exchange(&world, &login(&in_time)).await["openid"].is_string());
    world.sim.advance_clock(1);
    assert_eq!(exchange(&world, &login(&too_late)).await["errcode"], 40029);
}

#[tokio::test]
async fn wrong_and_missing_parameters_have_wechats_codes() {
    let world = World::new().await;
    let good = login(&code(&world, None));
    for (query, errcode) in [
        (good.replace("appid=", "x="), 41002),
        (good.replace("secret=", "x="), 41004),
        (good.replace("js_code=", "x="), 41008),
        (good.replace("authorization_code", "code"), 40002),
        (good.replace(SUB_APP, "wx0000000000000000"), 40013),
        (good.replace(SUB_SECRET, "wrong"), 40125),
        (login("unknown"), 40029),
    ] {
        assert_eq!(
            exchange(&world, &query).await["errcode"],
            errcode,
            "{query}"
        );
    }
    assert!(
        exchange(&world, &good).await["openid"].is_string(),
        "no refusal used the code up"
    );
}

#[tokio::test]
async fn a_code_of_another_app_is_invalid() {
    let world = World::new().await;
    let foreign = NewCode {
        appid: crate::harness::SP_APP.to_owned(),
        openid: None,
        unionid: None,
        errcode: None,
    };
    let foreign = world.sim.code(foreign).unwrap()["code"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(exchange(&world, &login(&foreign)).await["errcode"], 40029);
}

#[tokio::test]
async fn a_code_can_be_told_to_fail() {
    let world = World::new().await;
    for errcode in [-1, 40226, 45011] {
        let failing = code(&world, Some(errcode));
        assert_eq!(exchange(&world, &login(&failing)).await["errcode"], errcode);
    }
}
