//! The life of tenants, sub-merchants and apps: what each state allows, and what people vouch for.

use serde_json::json;
use tributary_domain::merchant::{
    AppBinding, AppId, ReadinessFact, SubAppKind, SubMerchant, SubMerchantState,
};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{TenantSettings, TenantState};
use tributary_operations::OperationError;
use tributary_operations::merchants::{Claim, Evidence, RateChange, SubAppPatch, SubMerchantPatch};
use tributary_operations::tenants::TenantPatch;
use tributary_tests::{TestPlatform, scenario};

fn li() -> Actor {
    Actor::operator("li")
}

async fn merchant(p: &TestPlatform) -> SubMerchant {
    let all = p.platform.operations().list_sub_merchants(&p.tenant.id);
    all.await.expect("a list").remove(0)
}

async fn become_(p: &TestPlatform, state: TenantState) {
    let operations = p.platform.operations();
    let by = li();
    operations
        .set_tenant_state(&by, &p.tenant.id, state, "asked for")
        .await
        .expect("the state changes");
}

async fn agree(p: &TestPlatform, settings: TenantSettings) {
    let patch = TenantPatch {
        settings: Some(settings),
        ..TenantPatch::default()
    };
    let operations = p.platform.operations();
    let by = li();
    let changed = operations.change_tenant(&by, &p.tenant.id, None, patch);
    changed.await.expect("the settings change");
}

scenario!(
    a_suspended_tenant_orders_nothing_and_its_money_goes_on,
    suspended
);
async fn suspended(p: &TestPlatform) {
    let under_way = p.order(500).await;
    let paid = p.paid_order(300).await;
    become_(p, TenantState::Suspended).await;
    let refused = p.tenant.api.place_order(&p.tenant.order(100)).await;
    refused.problem(403, "tenant_inactive");
    p.pay(&under_way);
    p.settle().await;
    assert_eq!(p.seen(&under_way).await["state"], "paid");
    let refund = json!({
        "order_id": paid["id"], "merchant_refund_no": "back-1",
        "amount": {"refund": 300, "currency": "CNY"},
    });
    p.tenant.api.create_refund(&refund).await.ok();
    become_(p, TenantState::Active).await;
    p.order(100).await;
}

scenario!(the_key_of_a_closed_tenant_opens_nothing, closed);
async fn closed(p: &TestPlatform) {
    let order = p.order(500).await;
    become_(p, TenantState::Closed).await;
    p.tenant.api.me().await.problem(401, "unauthorized");
    // What was under way is still written down.
    p.pay(&order);
    p.settle().await;
    let sql = "SELECT COUNT(*) FROM orders WHERE state = 'paid'";
    assert_eq!(p.database.count(sql).await, 1);
    let operations = p.platform.operations();
    let by = li();
    let again = operations.set_tenant_state(&by, &p.tenant.id, TenantState::Active, "mistake");
    let refused = again.await.expect_err("closed is for good");
    assert!(matches!(refused, OperationError::StateConflict { .. }));
}

scenario!(an_order_ends_when_it_was_agreed_with_the_tenant, agreed_end);
async fn agreed_end(p: &TestPlatform) {
    let settings = TenantSettings {
        order_expires_after_minutes: Some(30),
        ..TenantSettings::default()
    };
    agree(p, settings).await;
    let body = p.tenant.order(100);
    let order = p.tenant.api.place_order(&body).await.placed();
    let in_half_an_hour = p.now().plus_millis(30 * 60_000);
    assert_eq!(order["expires_at"], in_half_an_hour.to_rfc3339());
    // The same request a minute later is the same order, although its end would be another.
    p.advance_seconds(60).await;
    let again = p.tenant.api.place_order(&body).await.placed();
    assert_eq!(again["id"], order["id"]);
    p.advance_seconds(31 * 60).await;
    assert_eq!(p.seen(&order).await["state"], "closed");
}

scenario!(a_new_endpoint_takes_the_tenants_own_schedule, schedule);
async fn schedule(p: &TestPlatform) {
    let settings = TenantSettings {
        webhook_schedule: Some("wechat".to_owned()),
        ..TenantSettings::default()
    };
    agree(p, settings).await;
    let endpoint = p.register(&p.tenant, "hook", &["order.paid"]).await;
    assert_eq!(endpoint["schedule"], "wechat");
}

scenario!(a_wrong_setting_names_its_field, wrong_settings);
async fn wrong_settings(p: &TestPlatform) {
    let patch = TenantPatch {
        name: Some(" ".to_owned()),
        settings: Some(TenantSettings {
            order_expires_after_minutes: Some(0),
            webhook_schedule: Some("hourly".to_owned()),
            webhook_api_version: Some("1999-01-01".to_owned()),
            events_kept_days: Some(6),
        }),
        ..TenantPatch::default()
    };
    let operations = p.platform.operations();
    let by = li();
    let refused = operations.change_tenant(&by, &p.tenant.id, None, patch);
    let Err(OperationError::Invalid(faults)) = refused.await else {
        panic!("the settings were taken");
    };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_ref()).collect();
    let expected = [
        "/name",
        "/settings/order_expires_after_minutes",
        "/settings/webhook_schedule",
        "/settings/events_kept_days",
        "/settings/webhook_api_version",
    ];
    assert_eq!(fields, expected);
}

scenario!(of_two_editors_the_slower_one_is_told, slower_editor);
async fn slower_editor(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = li();
    let seen = operations.tenant(&p.tenant.id).await.expect("a tenant");
    let patch = |name: &str| TenantPatch {
        name: Some(name.to_owned()),
        ..TenantPatch::default()
    };
    let first = operations.change_tenant(&by, &seen.id, Some(seen.version), patch("First"));
    first.await.expect("the first one");
    let second = operations.change_tenant(&by, &seen.id, Some(seen.version), patch("Second"));
    let refused = second.await.expect_err("the second one");
    assert!(matches!(refused, OperationError::VersionConflict));
    let now = operations.tenant(&p.tenant.id).await.expect("a tenant");
    assert_eq!(now.name, "First");
}

scenario!(a_suspended_sub_merchant_takes_no_order, suspended_merchant);
async fn suspended_merchant(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = li();
    let merchant = merchant(p).await;
    let suspended = SubMerchantState::Suspended;
    operations
        .set_sub_merchant_state(&by, &merchant, suspended, "complaints")
        .await
        .expect("it is suspended");
    let refused = p.tenant.api.place_order(&p.tenant.order(100)).await;
    assert!(refused.names_field("/sub_mchid"), "{}", refused.text);
    let patch = SubMerchantPatch {
        rate: RateChange::Set(10_001),
        ..SubMerchantPatch::default()
    };
    let refused = operations.change_sub_merchant(&by, &merchant, None, patch);
    assert!(matches!(refused.await, Err(OperationError::Invalid(_))));
}

scenario!(a_sub_merchant_has_five_apps_at_most, five_apps);
async fn five_apps(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = li();
    let merchant = merchant(p).await;
    let adding = (0..8).map(async |number| {
        let appid = AppId::parse(&format!("wx{number:016}")).expect("an app id");
        let kind = SubAppKind::OfficialAccount;
        operations
            .add_sub_app(&by, &merchant, &appid, kind, None)
            .await
    });
    let added = futures::future::join_all(adding).await;
    // One was there before.
    assert_eq!(added.iter().filter(|one| one.is_ok()).count(), 4);
    let refused = added.iter().filter_map(|one| one.as_ref().err());
    for refusal in refused {
        assert!(
            matches!(refusal, OperationError::LimitReached { max: 5, .. }),
            "{refusal:?}"
        );
    }
    assert_eq!(operations.sub_apps(&merchant).await.expect("apps").len(), 5);
}

scenario!(
    a_binding_is_what_somebody_saw_and_the_log_knows_who,
    binding
);
async fn binding(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = li();
    let merchant = merchant(p).await;
    let app = operations
        .sub_apps(&merchant)
        .await
        .expect("apps")
        .remove(0);
    assert_eq!(
        (app.binding, app.confirmed.clone()),
        (AppBinding::Unconfirmed, None)
    );
    let patch = SubAppPatch {
        binding: Some(AppBinding::Bound),
        secret: Some("another-secret".to_owned().into()),
        ..SubAppPatch::default()
    };
    assert!(!format!("{patch:?}").contains("another-secret"));
    let changed = operations.change_sub_app(&by, &app, Some(app.version), patch);
    let changed = changed.await.expect("it changes");
    let confirmed = changed.confirmed.expect("somebody");
    assert_eq!(
        (confirmed.by.as_str(), confirmed.at),
        ("operator:li", p.now())
    );
    assert_ne!(changed.secret_fingerprint, app.secret_fingerprint);
    let sql = "SELECT COUNT(*) FROM audit_entries WHERE action = 'sub_app.changed'";
    assert_eq!(p.database.count(sql).await, 1);
    let sql = "SELECT COUNT(*) FROM audit_entries WHERE entry LIKE '%another-secret%'";
    assert_eq!(p.database.count(sql).await, 0);
}

scenario!(
    readiness_is_vouched_for_until_the_traffic_shows_it,
    readiness
);
async fn readiness(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = li();
    let merchant = merchant(p).await;
    let evidence = async |fact: ReadinessFact| {
        let lines = operations.readiness(&merchant).await.expect("lines");
        let line = lines.into_iter().find(|line| line.fact == fact);
        line.expect("a line for each fact").evidence
    };
    let claim = |fact| Claim { fact, holds: true };
    let signed = ReadinessFact::ContractSigned;
    assert_eq!(evidence(signed).await, Evidence::Nothing);
    operations
        .confirm_readiness(&by, &merchant, None, claim(signed))
        .await
        .expect("it is kept");
    assert!(matches!(evidence(signed).await, Evidence::Person(_)));
    let seen_only = ReadinessFact::PaymentSeen;
    let refused = operations.confirm_readiness(&by, &merchant, None, claim(seen_only));
    assert!(matches!(refused.await, Err(OperationError::Invalid(_))));
    p.register(&p.tenant, "hook", &["order.paid"]).await;
    p.paid_order(100).await;
    for fact in [signed, seen_only, ReadinessFact::EndpointHealthy] {
        assert!(
            matches!(evidence(fact).await, Evidence::Traffic(_)),
            "{fact:?}"
        );
    }
    assert_eq!(
        evidence(ReadinessFact::RefundAuthorised).await,
        Evidence::Nothing
    );
}
