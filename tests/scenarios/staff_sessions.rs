//! Sessions of people under attack: guessed, stolen, ridden on from another site.

use reqwest::Method;
use serde_json::json;
use tributary_tests::staff::{PASSWORD, cookie_of, send};
use tributary_tests::{Api, TestPlatform, scenario};

const SESSION: &str = "/admin/v1/session";
const MINUTE_MS: i64 = 60_000;

scenario!(two_tabs_renew_at_once_and_a_thief_ends_the_session, tabs);
async fn tabs(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let first = p.renew(&owner.cookie, &owner.csrf).await;
    let second = p.renew(&owner.cookie, &owner.csrf).await;
    let next = cookie_of(&first, "__Host-tributary").expect("a cookie");
    assert_ne!(next, owner.cookie);
    assert_eq!(
        cookie_of(&second, "__Host-tributary").as_deref(),
        Some(&*next)
    );
    let set = first.headers.get_all("set-cookie").iter();
    for line in set.map(|line| line.to_str().expect("text")) {
        assert!(
            line.contains("; Secure;") && line.contains("Path=/;"),
            "{line}"
        );
        assert!(!line.contains("Domain"), "{line}");
    }
    p.clock.advance_millis(2 * MINUTE_MS);
    let stolen = p.renew(&owner.cookie, &owner.csrf).await;
    stolen.problem(401, "unauthorized");
    p.renew(&next, &owner.csrf)
        .await
        .problem(401, "unauthorized");
    owner
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let owner = p.signed_in_again(&owner).await;
    let said = owner
        .api
        .get("/admin/v1/audit?action=session.token_reused")
        .await
        .ok();
    assert_eq!(said["data"].as_array().expect("entries").len(), 1);
}

scenario!(
    a_session_ends_when_it_lies_unused_and_after_half_a_day,
    ends
);
async fn ends(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    p.clock.advance_millis(5 * MINUTE_MS);
    owner
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let mut cookie = owner.cookie.clone();
    // The first renewal comes half an hour after signing in, short of a minute.
    for time in 0..24 {
        let pause = if time == 0 { 24 } else { 29 };
        p.clock.advance_millis(pause * MINUTE_MS);
        let renewed = p.renew(&cookie, &owner.csrf).await;
        let given = cookie_of(&renewed, "__Host-tributary");
        cookie = given.unwrap_or_else(|| panic!("renewal {time}: {}", renewed.text));
    }
    p.clock.advance_millis(29 * MINUTE_MS);
    p.renew(&cookie, &owner.csrf)
        .await
        .problem(401, "unauthorized");
    let idle = p.signed_in_again(&owner).await;
    p.clock.advance_millis(30 * MINUTE_MS);
    p.renew(&idle.cookie, &idle.csrf)
        .await
        .problem(401, "unauthorized");
}

scenario!(
    signing_out_ends_the_session_and_takes_the_cookies_back,
    signs_out
);
async fn signs_out(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let other = p.signed_in_again(&owner).await;
    let listed = owner.api.get("/admin/v1/sessions").await.ok();
    let data = listed["data"].as_array().expect("sessions").clone();
    assert_eq!(data.len(), 2, "{listed}");
    let current = |session: &&serde_json::Value| session["current"] == true;
    assert_eq!(data.iter().filter(current).count(), 1);
    let (url, cookie) = (
        p.platform.api_url(),
        format!("__Host-tributary={}", other.cookie),
    );
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", url.as_str()),
        ("x-csrf-token", other.csrf.as_str()),
    ];
    let out = p
        .browser()
        .send(Method::DELETE, SESSION, &headers, None)
        .await;
    assert_eq!(out.status, 204, "{}", out.text);
    assert_eq!(cookie_of(&out, "__Host-tributary").as_deref(), Some(""));
    other
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    let own = data.iter().find(current).expect("this one")["id"].clone();
    let path = format!("/admin/v1/sessions/{}", own.as_str().expect("an id"));
    let ended = owner.api.send(Method::DELETE, &path, &[], None).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    owner
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
}

scenario!(
    guessing_is_slowed_down_and_locks_nobody_out_for_good,
    guesses
);
async fn guesses(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let guess = async |email: &str| {
        let body = json!({"email": email, "password": "a guess of many"});
        p.sign_in(&body).await
    };
    // A name that nobody has is treated like one that somebody has.
    for email in [owner.email.as_str(), "nobody@example.com"] {
        for _ in 0..5 {
            guess(email).await.problem(401, "invalid_credentials");
        }
        let blocked = guess(email).await;
        let wait: i64 = blocked.headers["retry-after"]
            .to_str()
            .expect("text")
            .parse()
            .expect("seconds");
        assert!((1..=61).contains(&wait), "{wait}");
        blocked.problem(429, "too_many_attempts");
    }
    let right = json!({"email": owner.email, "password": PASSWORD, "otp": "000000"});
    p.sign_in(&right).await.problem(429, "too_many_attempts");
    p.clock.advance_millis(MINUTE_MS);
    guess(&owner.email)
        .await
        .problem(401, "invalid_credentials");
    p.clock.advance_millis(MINUTE_MS);
    guess(&owner.email).await.problem(429, "too_many_attempts");
    p.clock.advance_millis(MINUTE_MS);
    p.signed_in_again(&owner).await;
    // The count begins anew.
    guess(&owner.email)
        .await
        .problem(401, "invalid_credentials");
}

scenario!(a_code_is_good_once, codes);
async fn codes(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let without = json!({"email": owner.email, "password": PASSWORD});
    p.sign_in(&without)
        .await
        .problem(401, "second_factor_required");
    let with = json!({"email": owner.email, "password": PASSWORD, "otp": p.code(&owner)});
    p.sign_in(&with).await.ok();
    p.sign_in(&with).await.problem(401, "invalid_credentials");
    let both = json!({"email": "a@b.cd", "password": "x", "otp": "1", "recovery_code": "2"});
    p.sign_in(&both).await.problem(422, "validation_failed");
}

scenario!(another_password_ends_the_other_sessions, password);
async fn password(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let other = p.signed_in_again(&owner).await;
    let change = async |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        send(&other.api, Method::POST, "/admin/v1/me/password", &body).await
    };
    let next = "another way to the river";
    assert!(
        change(PASSWORD, "too short")
            .await
            .names_field("/new_password")
    );
    assert!(
        change(PASSWORD, "owner@example.com!")
            .await
            .names_field("/new_password")
    );
    change("not the password", next)
        .await
        .problem(401, "invalid_credentials");
    assert_eq!(change(PASSWORD, next).await.status, 204);
    owner
        .api
        .get("/admin/v1/me")
        .await
        .problem(401, "unauthorized");
    other.api.get("/admin/v1/me").await.ok();
    let old = json!({"email": owner.email, "password": PASSWORD, "otp": p.code(&owner)});
    p.sign_in(&old).await.problem(401, "invalid_credentials");
    let new = json!({"email": owner.email, "password": next, "otp": p.code(&owner)});
    p.sign_in(&new).await.ok();
}

scenario!(a_page_of_another_site_is_refused, cross_site);
async fn cross_site(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let foreign = [("origin", "https://evil.example")];
    let refused = owner
        .api
        .send(Method::GET, "/admin/v1/me", &foreign, None)
        .await;
    refused.problem(403, "cross_site_refused");
    let url = p.platform.api_url();
    let own = [("origin", url.as_str())];
    let mine = owner
        .api
        .send(Method::GET, "/admin/v1/me", &own, None)
        .await;
    assert!(mine.headers.get("access-control-allow-origin").is_none());
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(mine.headers[name], value);
    }
    assert!(mine.headers["content-security-policy"].to_str().is_ok());
    mine.ok();
    let fetched = [("sec-fetch-site", "cross-site")];
    let refused = owner
        .api
        .send(Method::GET, "/admin/v1/me", &fetched, None)
        .await;
    refused.problem(403, "cross_site_refused");
    p.renew(&owner.cookie, "wrong")
        .await
        .problem(403, "cross_site_refused");
    let cookie = format!("__Host-tributary={}", owner.cookie);
    let path = "/admin/v1/session/refresh";
    for headers in [
        vec![("cookie", cookie.as_str()), ("origin", url.as_str())],
        vec![
            ("cookie", cookie.as_str()),
            ("x-csrf-token", owner.csrf.as_str()),
        ],
    ] {
        let refused = p.browser().send(Method::POST, path, &headers, None).await;
        refused.problem(403, "cross_site_refused");
    }
    let asked = p
        .browser()
        .send(Method::OPTIONS, "/admin/v1/me", &foreign, None)
        .await;
    assert!(asked.headers.get("access-control-allow-origin").is_none());
}

scenario!(a_token_of_another_kind_opens_nothing, foreign_tokens);
async fn foreign_tokens(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    for key in [
        p.tenant.api_key.as_str(),
        owner.cookie.as_str(),
        "",
        "a.b.c",
    ] {
        let api = Api::new(&p.platform.api_url(), Some(key));
        api.get("/admin/v1/me").await.problem(401, "unauthorized");
    }
    let answer = owner.api.get("/v1/me").await;
    answer.problem(401, "unauthorized");
}
