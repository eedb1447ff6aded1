//! A mini-program's code becomes an openid; the session key stays with us.

use serde_json::json;
use tributary_tests::{TestPlatform, TestTenant, scenario};
use wechatpay_sim::NewCode;

fn issue(p: &TestPlatform, tenant: &TestTenant, openid: &str) -> String {
    let wish: NewCode =
        serde_json::from_value(json!({"appid": tenant.sub_appid, "openid": openid}))
            .expect("a wish");
    let issued = p.simulator.code(wish).expect("the simulator issues a code");
    issued["code"].as_str().expect("a code").to_owned()
}

scenario!(code_becomes_an_openid_without_the_session_key, exchanges);
async fn exchanges(p: &TestPlatform) {
    let code = issue(p, &p.tenant, "openid-of-a-new-user");
    let answer = p.tenant.api.log_in(&p.tenant.sub_appid, &code).await;
    assert!(!answer.text.contains("session_key"));
    assert_eq!(answer.ok()["openid"], "openid-of-a-new-user");
}

scenario!(used_code_is_refused, used);
async fn used(p: &TestPlatform) {
    let code = issue(p, &p.tenant, &p.tenant.openid);
    p.tenant.api.log_in(&p.tenant.sub_appid, &code).await.ok();
    p.tenant
        .api
        .log_in(&p.tenant.sub_appid, &code)
        .await
        .problem(422, "login_failed");
}

scenario!(
    app_of_another_tenant_is_refused_naming_the_field,
    foreign_app
);
async fn foreign_app(p: &TestPlatform) {
    let other = p.another_tenant().await;
    let code = issue(p, &other, &other.openid);
    let answer = p.tenant.api.log_in(&other.sub_appid, &code).await;
    assert!(answer.names_field("/sub_appid"), "{}", answer.text);
    answer.problem(422, "validation_failed");
    // The code was not spent.
    other.api.log_in(&other.sub_appid, &code).await.ok();
}

scenario!(
    openid_of_another_app_is_refused_before_wechat_is_called,
    wrong_pair
);
async fn wrong_pair(p: &TestPlatform) {
    let code = issue(p, &p.tenant, "openid-under-the-sub-app");
    p.tenant.api.log_in(&p.tenant.sub_appid, &code).await.ok();
    let mut body = p.tenant.order(100);
    // Seen under the sub-merchant's app, and now called the provider's user.
    body["payer"] = json!({"sp_openid": "openid-under-the-sub-app"});
    let answer = p.tenant.api.place_order(&body).await;
    assert!(answer.names_field("/payer/sp_openid"), "{}", answer.text);
    answer.problem(422, "validation_failed");
    assert!(p.simulator.ledger().orders.is_empty());
}

scenario!(
    sub_openid_without_a_sub_app_is_refused_naming_the_field,
    no_app
);
async fn no_app(p: &TestPlatform) {
    let mut body = p.tenant.order(100);
    body.as_object_mut()
        .expect("an object")
        .shift_remove("sub_appid");
    let answer = p.tenant.api.place_order(&body).await;
    assert!(
        answer.names_field("/sub_appid") || answer.names_field("/payer/sub_openid"),
        "{}",
        answer.text
    );
    answer.problem(422, "validation_failed");
}
