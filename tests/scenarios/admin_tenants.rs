//! Tenants, sub-merchants and apps as staff manage them over the admin API, and as a tenant's members see them.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::ids::TenantId;
use tributary_tests::api::fresh_key;
use tributary_tests::staff::PASSWORD;
use tributary_tests::{Answer, Api, Person, TestPlatform, scenario};

use crate::staff_isolation::{Member, come, owner, send};

/// Somebody with this role, of a tenant or of the platform.
async fn with_role(
    p: &TestPlatform,
    owner: &Member,
    role: &str,
    tenant: Option<&TenantId>,
) -> Member {
    let email = format!("{role}@example.com");
    let mut wish = json!({"email": email, "name": "Somebody", "roles": [role]});
    if let Some(tenant) = tenant {
        wish["tenant_id"] = json!(tenant);
    }
    let invited = owner.api.post("/admin/v1/staff", &wish, &fresh_key()).await;
    let invited = invited.ok();
    let token = invited["invitation_token"].as_str().expect("a token");
    come(p, &email, token).await
}

async fn made(api: &Api, path: &str, body: &Value) -> Value {
    let made = api.post(path, body, &fresh_key()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

async fn edit(api: &Api, path: &str, tag: Option<&str>, patch: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(tag.map(|tag| ("if-match", tag)));
    let body = Some(patch.to_string().into_bytes());
    api.send(Method::PATCH, path, &headers, body).await
}

fn tag(answer: &Answer) -> String {
    let tag = answer.headers.get("etag").expect("an ETag");
    tag.to_str().expect("a text").to_owned()
}

/// The path of the sub-merchant that the platform's tenant has, and of its app.
async fn paths(p: &TestPlatform, api: &Api) -> (String, String) {
    let list = format!("/admin/v1/sub-merchants?tenant_id={}", p.tenant.id);
    let list = api.get(&list).await.ok();
    let id = list["data"][0]["id"].as_str().expect("a sub-merchant");
    let merchant = format!("/admin/v1/sub-merchants/{id}");
    let apps = api.get(&format!("{merchant}/sub-apps")).await.ok();
    let app = apps["data"][0]["id"].as_str().expect("an app");
    let app = format!("{merchant}/sub-apps/{app}");
    (merchant, app)
}

fn action<'a>(object: &'a Value, name: &str) -> &'a Value {
    let actions = object["actions"].as_array().expect("actions");
    let found = actions.iter().find(|action| action["name"] == name);
    found.expect("the action")
}

/// As if everybody had signed in long ago.
async fn let_proofs_end(p: &TestPlatform) {
    p.database
        .execute("UPDATE staff_sessions SET proven_at = 1")
        .await;
}

scenario!(
    an_owner_makes_a_tenant_with_its_sub_merchant_and_its_app,
    from_nothing
);
async fn from_nothing(p: &TestPlatform) {
    let owner = owner(p).await;
    let wish =
        json!({"name": "Tea House", "invited": true, "settings": {"webhook_schedule": "wechat"}});
    let key = fresh_key();
    let tenant = owner.api.post("/admin/v1/tenants", &wish, &key).await.ok();
    let again = owner.api.post("/admin/v1/tenants", &wish, &key).await.ok();
    assert_eq!(tenant["id"], again["id"]);
    assert_eq!(tenant["state"], "invited");
    assert_eq!(tenant["settings"], json!({"webhook_schedule": "wechat"}));
    assert_eq!(action(&tenant, "activate")["allowed"], true);
    assert!(action(&tenant, "suspend")["why_not"].is_string());
    let wish = json!({
        "tenant_id": tenant["id"], "provider_id": p.provider, "sub_mchid": "1999999999",
        "name": "West Lake",
    });
    let merchant = made(&owner.api, "/admin/v1/sub-merchants", &wish).await;
    assert_eq!(
        (&merchant["mode"], &merchant["state"]),
        (&json!("test"), &json!("active"))
    );
    let apps = format!(
        "/admin/v1/sub-merchants/{}/sub-apps",
        merchant["id"].as_str().expect("an id")
    );
    let wish = json!({"appid": "wx9999", "kind": "mini_program", "secret": "never-shown"});
    let app = made(&owner.api, &apps, &wish).await;
    assert_eq!(app["has_secret"], true);
    assert!(app["secret_fingerprint"].is_string());
    for path in [
        &apps,
        &format!("{apps}/{}", app["id"].as_str().expect("an id")),
    ] {
        let shown = owner.api.get(path).await;
        assert!(shown.status.is_success() && !shown.text.contains("never-shown"));
    }
    for (filter, count) in [
        ("state=active", 1),
        ("state=suspended", 0),
        ("mode=live", 0),
    ] {
        let id = tenant["id"].as_str().expect("an id");
        let list = format!("/admin/v1/sub-merchants?tenant_id={id}&{filter}");
        let found = owner.api.get(&list).await.ok();
        assert_eq!(
            found["data"].as_array().map(Vec::len),
            Some(count),
            "{filter}"
        );
    }
    let by = &owner.id;
    let sql = format!(
        "SELECT COUNT(*) FROM audit_entries WHERE entry LIKE '%{by}%' \
         AND action IN ('tenant.created', 'sub_merchant.created', 'sub_app.added')"
    );
    assert_eq!(p.database.count(&sql).await, 3);
}

scenario!(a_sub_merchant_of_nobody_names_its_field, of_nobody);
async fn of_nobody(p: &TestPlatform) {
    let owner = owner(p).await;
    let nobody = "ten_01JAE2M4Q8W3N7R5T9V1X6Z0BA";
    let no_provider = "prv_01JAE2M4Q8W3N7R5T9V1X6Z0BA";
    for (tenant, provider, field) in [
        (json!(nobody), json!(p.provider), "/tenant_id"),
        (json!(p.tenant.id), json!(no_provider), "/provider_id"),
    ] {
        let wish = json!({
            "tenant_id": tenant, "provider_id": provider, "sub_mchid": "1999999999", "name": "A shop",
        });
        let path = "/admin/v1/sub-merchants";
        let refused = owner.api.post(path, &wish, &fresh_key()).await;
        assert!(refused.names_field(field), "{}", refused.text);
    }
}

scenario!(an_edit_of_what_changed_meanwhile_is_refused, stale);
async fn stale(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, app) = paths(p, &owner.api).await;
    let tenant = format!("/admin/v1/tenants/{}", p.tenant.id);
    let named = json!({"name": "Another name"});
    for (path, patch) in [
        (&tenant, &named),
        (&merchant, &named),
        (&app, &json!({"binding": "bound"})),
    ] {
        let read = tag(&owner.api.get(path).await);
        let first = edit(&owner.api, path, Some(&read), patch).await;
        assert!(first.status.is_success(), "{}", first.text);
        assert_ne!(tag(&first), read);
        let second = edit(&owner.api, path, Some(&read), patch).await;
        second.problem(412, "version_conflict");
        let blind = edit(&owner.api, path, None, patch).await;
        blind.problem(428, "precondition_required");
    }
    let seen = owner.api.get(&app).await.ok();
    assert_eq!(
        (&seen["binding"], &seen["confirmed_by"]),
        (&json!("bound"), &json!(owner.id))
    );
}

scenario!(staff_suspend_a_tenant_and_it_orders_nothing, suspended);
async fn suspended(p: &TestPlatform) {
    let owner = owner(p).await;
    let state = format!("/admin/v1/tenants/{}/state", p.tenant.id);
    let wish = json!({"state": "suspended", "reason": "complaints"});
    let suspended = send(&owner.api, Method::POST, &state, &wish).await.ok();
    assert_eq!(suspended["state"], "suspended");
    let refused = p.tenant.api.place_order(&p.tenant.order(100)).await;
    refused.problem(403, "tenant_inactive");
    let again = send(&owner.api, Method::POST, &state, &wish).await;
    again.problem(409, "state_conflict");
    let mute = json!({"state": "active", "reason": " "});
    let mute = send(&owner.api, Method::POST, &state, &mute).await;
    assert!(mute.names_field("/reason"), "{}", mute.text);
    let back = json!({"state": "active", "reason": "settled"});
    send(&owner.api, Method::POST, &state, &back).await.ok();
    p.order(100).await;
}

scenario!(a_state_and_a_secret_need_a_fresh_proof, proof);
async fn proof(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, app) = paths(p, &owner.api).await;
    let_proofs_end(p).await;
    let state = format!("/admin/v1/tenants/{}/state", p.tenant.id);
    let wish = json!({"state": "closed", "reason": "asked for"});
    let refused = send(&owner.api, Method::POST, &state, &wish).await;
    refused.problem(403, "step_up_required");
    let secret = json!({"secret": "another"});
    let refused = send(&owner.api, Method::PATCH, &app, &secret).await;
    refused.problem(403, "step_up_required");
    let with_secret = json!({"appid": "wx9999", "kind": "app", "secret": "another"});
    let apps = format!("{merchant}/sub-apps");
    let refused = owner.api.post(&apps, &with_secret, &fresh_key()).await;
    refused.problem(403, "step_up_required");
    let kind = json!({"kind": "official_account"});
    send(&owner.api, Method::PATCH, &app, &kind).await.ok();
}

scenario!(staff_suspend_a_sub_merchant_and_it_takes_no_order, no_shop);
async fn no_shop(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, _) = paths(p, &owner.api).await;
    let state = format!("{merchant}/state");
    let wish = json!({"state": "suspended", "reason": "winter"});
    let suspended = send(&owner.api, Method::POST, &state, &wish).await.ok();
    assert_eq!(action(&suspended, "activate")["allowed"], true);
    let refused = p.tenant.api.place_order(&p.tenant.order(100)).await;
    assert!(refused.names_field("/sub_mchid"), "{}", refused.text);
}

scenario!(a_member_sees_its_own_tenant_alone, member_sees);
async fn member_sees(p: &TestPlatform) {
    let owner = owner(p).await;
    let (foreign, foreign_app) = paths(p, &owner.api).await;
    let other = p.another_tenant().await;
    let member = with_role(p, &owner, "tenant_viewer", Some(&other.id)).await;
    let api = &member.api;
    let tenants = api.get("/admin/v1/tenants").await.ok();
    assert_eq!(tenants["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(tenants["data"][0]["id"], json!(other.id));
    let none = api.get("/admin/v1/tenants?state=closed").await.ok();
    assert_eq!(none["data"], json!([]));
    for path in [
        &format!("/admin/v1/tenants/{}", p.tenant.id),
        &format!("/admin/v1/sub-merchants?tenant_id={}", p.tenant.id),
        &foreign,
        &foreign_app,
        &format!("{foreign}/sub-apps"),
        &format!("{foreign}/readiness"),
    ] {
        api.get(path).await.problem(404, "not_found");
    }
    let own = api.get("/admin/v1/sub-merchants").await.ok();
    assert_eq!(own["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["data"][0]["tenant_id"], json!(other.id));
    // Nor may it change its own.
    let path = format!("/admin/v1/tenants/{}", other.id);
    let refused = send(api, Method::PATCH, &path, &json!({"name": "Mine"})).await;
    refused.problem(403, "permission_denied");
}

scenario!(
    what_staff_note_about_a_sub_merchant_is_not_for_its_tenant,
    note
);
async fn note(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, _) = paths(p, &owner.api).await;
    let patch = json!({"note": "Watch this one.", "rate": 60});
    let noted = send(&owner.api, Method::PATCH, &merchant, &patch)
        .await
        .ok();
    assert_eq!(
        (&noted["note"], &noted["rate"]),
        (&json!("Watch this one."), &json!(60))
    );
    let member = with_role(p, &owner, "tenant_viewer", Some(&p.tenant.id)).await;
    for path in [merchant.as_str(), "/admin/v1/sub-merchants"] {
        let seen = member.api.get(path).await;
        assert!(seen.status.is_success(), "{}", seen.text);
        assert!(!seen.text.contains("Watch"), "{}", seen.text);
    }
}

scenario!(support_sees_tenants_and_changes_nothing, support);
async fn support(p: &TestPlatform) {
    let owner = owner(p).await;
    let support = with_role(p, &owner, "support", None).await;
    let (merchant, app) = paths(p, &support.api).await;
    let tenant = format!("/admin/v1/tenants/{}", p.tenant.id);
    let seen = support.api.get(&tenant).await.ok();
    for action in seen["actions"].as_array().expect("actions") {
        assert_eq!(action["allowed"], false, "{action}");
    }
    let state = json!({"state": "suspended", "reason": "because"});
    let named = json!({"name": "Another"});
    for (method, path, body) in [
        (Method::PATCH, tenant.clone(), &named),
        (Method::POST, format!("{tenant}/state"), &state),
        (Method::PATCH, merchant.clone(), &named),
        (Method::POST, format!("{merchant}/state"), &state),
        (
            Method::PUT,
            format!("{merchant}/readiness/app_bound"),
            &json!({"holds": true}),
        ),
        (Method::PATCH, app, &json!({"kind": "app"})),
    ] {
        let refused = send(&support.api, method, &path, body).await;
        refused.problem(403, "permission_denied");
    }
    let wish = json!({"name": "Mine"});
    let refused = support
        .api
        .post("/admin/v1/tenants", &wish, &fresh_key())
        .await;
    refused.problem(403, "permission_denied");
}

scenario!(staff_vouch_for_a_fact_and_take_it_back, vouched);
async fn vouched(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, _) = paths(p, &owner.api).await;
    let fact = |name: &str| format!("{merchant}/readiness/{name}");
    let facts = format!("{merchant}/readiness");
    let put = async |name: &str, tag: Option<&str>, holds: bool| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let body = Some(json!({ "holds": holds }).to_string().into_bytes());
        owner
            .api
            .send(Method::PUT, &fact(name), &headers, body)
            .await
    };
    let say = async |name: &str, holds: bool| {
        let read = tag(&owner.api.get(&facts).await);
        put(name, Some(&read), holds).await
    };
    let blind = put("contract_signed", None, true).await;
    blind.problem(428, "precondition_required");
    let before = tag(&owner.api.get(&facts).await);
    let line = |list: &Value| {
        let lines = list["data"].as_array().expect("lines").clone();
        let line = lines
            .into_iter()
            .find(|line| line["fact"] == "contract_signed");
        line.expect("the fact")
    };
    let kept = line(&say("contract_signed", true).await.ok());
    assert_eq!(
        (&kept["source"], &kept["confirmed_by"]),
        (&json!("person"), &json!(owner.id))
    );
    let late = put("contract_signed", Some(&before), false).await;
    late.problem(412, "version_conflict");
    // Taken back twice is taken back.
    for _ in 0..2 {
        let gone = line(&say("contract_signed", false).await.ok());
        assert_eq!(
            (&gone["source"], &gone["holds"]),
            (&json!("nothing"), &json!(false))
        );
    }
    let read = owner.api.get(&format!("{merchant}/readiness")).await.ok();
    assert_eq!(line(&read)["holds"], false);
    say("payment_seen", true)
        .await
        .problem(422, "validation_failed");
    say("lucky_day", true).await.problem(404, "not_found");
    let sql =
        "SELECT COUNT(*) FROM audit_entries WHERE action = 'sub_merchant.readiness.confirmed'";
    assert_eq!(p.database.count(sql).await, 2);
}

scenario!(a_closed_tenant_gets_nothing_new, closed_gets_nothing);
async fn closed_gets_nothing(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, _) = paths(p, &owner.api).await;
    let tenant = format!("/admin/v1/tenants/{}", p.tenant.id);
    let invited = json!({
        "email": "late@example.com", "name": "Late", "roles": ["tenant_viewer"], "tenant_id": p.tenant.id,
    });
    let key = fresh_key();
    let asked = owner.api.post("/admin/v1/staff", &invited, &key);
    let asked = asked.await.ok();
    let wish = json!({"state": "closed", "reason": "has left"});
    send(&owner.api, Method::POST, &format!("{tenant}/state"), &wish)
        .await
        .ok();
    let shop = json!({
        "tenant_id": p.tenant.id, "provider_id": p.provider, "sub_mchid": "1999999999", "name": "A shop",
    });
    let app = json!({"appid": "wx9999", "kind": "app"});
    let credential = json!({"mode": "test", "name": "A key", "scopes": ["orders:read"]});
    let other = json!({
        "email": "other@example.com", "name": "Other", "roles": ["tenant_viewer"], "tenant_id": p.tenant.id,
    });
    for (path, body) in [
        ("/admin/v1/sub-merchants".to_owned(), shop),
        (format!("{merchant}/sub-apps"), app),
        (format!("{tenant}/api-keys"), credential),
        ("/admin/v1/staff".to_owned(), other),
    ] {
        let refused = owner.api.post(&path, &body, &fresh_key()).await;
        refused.problem(409, "state_conflict");
    }
    let token = json!({"token": asked["invitation_token"], "password": PASSWORD});
    let accept = "/admin/v1/invitations/accept";
    let refused = send(&owner.api, Method::POST, accept, &token).await;
    refused.problem(401, "invalid_credentials");
}

scenario!(
    closing_a_tenant_puts_its_members_out_and_no_other,
    closed_out
);
async fn closed_out(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let other = p.another_tenant().await;
    let viewer = ["tenant_viewer"];
    let leaves = p.invited(
        &owner,
        "leaves@example.com",
        &viewer,
        Some(p.tenant.id.as_str()),
    );
    let leaves = leaves.await;
    let stays = p.invited(
        &owner,
        "stays@example.com",
        &viewer,
        Some(other.id.as_str()),
    );
    let stays = stays.await;
    let state = format!("/admin/v1/tenants/{}/state", p.tenant.id);
    let wish = json!({"state": "suspended", "reason": "complaints"});
    send(&owner.api, Method::POST, &state, &wish).await.ok();
    // Who is suspended takes no orders; its people still see what becomes of the money.
    leaves.api.get("/admin/v1/orders").await.ok();
    let wish = json!({"state": "closed", "reason": "has left"});
    send(&owner.api, Method::POST, &state, &wish).await.ok();
    leaves
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let renewed = p.renew(&leaves.cookie, &leaves.csrf).await;
    renewed.problem(401, "unauthorized");
    let signs_in = json!({"email": leaves.email, "password": PASSWORD});
    p.sign_in(&signs_in)
        .await
        .problem(401, "invalid_credentials");
    stays.api.get("/admin/v1/me").await.ok();
    let open = "SELECT COUNT(*) FROM staff_sessions WHERE ended_at IS NULL";
    assert_eq!(p.database.count(open).await, 2);
}

scenario!(a_rate_is_written_down_and_taken_away, rate_cleared);
async fn rate_cleared(p: &TestPlatform) {
    let owner = owner(p).await;
    let (merchant, _) = paths(p, &owner.api).await;
    for (patch, rate) in [
        (json!({"rate": 60}), json!(60)),
        (json!({"note": "Renewed."}), json!(60)),
        (json!({"rate": null}), Value::Null),
    ] {
        let read = tag(&owner.api.get(&merchant).await);
        let edited = edit(&owner.api, &merchant, Some(&read), &patch).await.ok();
        assert_eq!(edited["rate"], rate, "{patch}");
    }
    let read = tag(&owner.api.get(&merchant).await);
    let unnamed = edit(&owner.api, &merchant, Some(&read), &json!({"name": null})).await;
    assert!(unnamed.names_field("/name"), "{}", unnamed.text);
}

scenario!(a_name_is_looked_for_as_it_is_written, by_name);
async fn by_name(p: &TestPlatform) {
    let owner = owner(p).await;
    for name in ["50% Tea", "50 Cups", "a_b", "axb", "wow!"] {
        made(&owner.api, "/admin/v1/tenants", &json!({"name": name})).await;
    }
    for (part, found) in [
        ("50%25", json!(["50% Tea"])),
        ("a_b", json!(["a_b"])),
        ("!", json!(["wow!"])),
        ("CUPS", json!(["50 Cups"])),
        ("%25", json!(["50% Tea"])),
    ] {
        let path = format!("/admin/v1/tenants?name={part}");
        let list = owner.api.get(&path).await.ok();
        let names = list["data"].as_array().expect("tenants").iter();
        let names: Vec<&Value> = names.map(|tenant| &tenant["name"]).collect();
        assert_eq!(json!(names), found, "{part}");
    }
}

scenario!(
    what_a_tenant_keeps_shorter_goes_earlier_and_no_other_tenants,
    kept_shorter
);
async fn kept_shorter(p: &TestPlatform) {
    const DAY_SECONDS: i64 = 86_400;
    let owner = owner(p).await;
    let other = p.another_tenant().await;
    for tenant in [&p.tenant, &other] {
        p.register(tenant, "hook", &["order.*"]).await;
        let order = tenant.order(100);
        tenant.api.place_order(&order).await.placed();
    }
    p.settle().await;
    let tenant = format!("/admin/v1/tenants/{}", p.tenant.id);
    let read = tag(&owner.api.get(&tenant).await);
    let patch = |days: i64| json!({"settings": {"events_kept_days": days}});
    for days in [6, 91] {
        let refused = edit(&owner.api, &tenant, Some(&read), &patch(days)).await;
        let field = "/settings/events_kept_days";
        assert!(refused.names_field(field), "{}", refused.text);
    }
    edit(&owner.api, &tenant, Some(&read), &patch(7)).await.ok();
    let rows = async |table: &str, tenant: &TenantId| {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = '{tenant}'");
        p.database.count(&sql).await
    };
    let tables = ["events", "deliveries", "delivery_attempts"];
    let purge = async || {
        let operations = p.platform.operations();
        operations.purge_as_agreed().await.expect("it is purged")
    };
    let before = rows("events", &other.id).await;
    p.advance_seconds(6 * DAY_SECONDS).await;
    assert_eq!(purge().await, 0);
    // Six days later another order's events are young.
    let order = p.tenant.order(100);
    p.tenant.api.place_order(&order).await.placed();
    p.settle().await;
    p.advance_seconds(DAY_SECONDS + 1).await;
    assert!(purge().await > 0);
    assert_eq!(purge().await, 0);
    for table in tables {
        assert!(rows(table, &p.tenant.id).await > 0, "{table}");
        assert!(rows(table, &other.id).await >= before, "{table}");
    }
    let old = p.now().plus_millis(-7 * DAY_SECONDS * 1_000).as_millis();
    let sql = format!(
        "SELECT COUNT(*) FROM events WHERE tenant_id = '{}' AND occurred_at < {old}",
        p.tenant.id
    );
    assert_eq!(p.database.count(&sql).await, 0);
}

scenario!(of_two_who_choose_the_refund_limit_one_is_told, two_limits);
async fn two_limits(p: &TestPlatform) {
    let owner = owner(p).await;
    let of_tenant = format!("/admin/v1/refund-limit?tenant_id={}", p.tenant.id);
    for path in ["/admin/v1/refund-limit", &of_tenant] {
        let read = tag(&owner.api.get(path).await);
        let wish = json!({"amount": 5_000, "reason": "a smaller shop"});
        let first = edit(&owner.api, path, Some(&read), &wish).await;
        assert_ne!(tag(&first), read);
        first.ok();
        let second = edit(&owner.api, path, Some(&read), &wish).await;
        second.problem(412, "version_conflict");
        let blind = edit(&owner.api, path, None, &wish).await;
        blind.problem(428, "precondition_required");
    }
}

scenario!(
    who_may_refund_lowers_the_limit_and_does_not_raise_it,
    own_limit
);
async fn own_limit(p: &TestPlatform) {
    let owner = p.owner("first@example.com").await;
    let roles = ["platform_finance"];
    let finance = p.invited(&owner, "wu@example.com", &roles, None).await;
    let path = "/admin/v1/refund-limit";
    let choose = async |person: &Person, amount: i64| {
        let read = tag(&person.api.get(path).await);
        let wish = json!({"amount": amount, "reason": "as agreed"});
        edit(&person.api, path, Some(&read), &wish).await
    };
    choose(&finance, 5_000).await.ok();
    let raised = choose(&finance, 5_001).await;
    raised.problem(403, "permission_denied");
    choose(&owner, 5_001).await.ok();
}
