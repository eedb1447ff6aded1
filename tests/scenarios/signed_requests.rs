//! Requests that a tenant's key signed: taken once, over exactly their bytes, and answered under the platform's key.

use serde_json::Value;
use tributary_domain::clock::SharedClock;
use tributary_domain::credential::TenantCertificate;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::OperationError;
use tributary_operations::credentials::CertificateWish;
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_tests::platform::kek;
use tributary_tests::signer::{
    Signer, Unsigned, bytes, certificate_request, check_answer, every_scope, get,
};
use tributary_tests::{TestPlatform, scenario};
use wechatpay::credentials::generate_pem;

const ME: &str = "/v1/me";

async fn signer(p: &TestPlatform) -> Signer {
    let operations = p.platform.operations();
    Signer::enrol(
        operations,
        &p.tenant.id,
        every_scope(),
        &p.platform.api_url(),
    )
    .await
}

scenario!(a_signed_order_is_placed_and_every_answer_verifies, placed);
async fn placed(p: &TestPlatform) {
    let signer = signer(p).await;
    let ring = signer.platform_keys().await;
    let me = signer.call(get(ME, p.now())).await;
    check_answer(&ring, &me, p.now()).expect("the answer is the platform's");
    let me = me.ok();
    assert_eq!(me["tenant_id"], p.tenant.id.as_str());
    assert_eq!(me["certificate"]["serial"], signer.merchant.serial);
    assert_eq!(me["api_key"], Value::Null);
    let body = bytes(&p.tenant.order(888));
    let order = Unsigned {
        method: "POST",
        path: "/v1/orders",
        body: &body,
        at: p.now(),
    };
    let placed = signer.call(order).await;
    check_answer(&ring, &placed, p.now()).expect("the answer is the platform's");
    let order = placed.placed();
    let id = order["id"].as_str().expect("an id");
    let path = format!("/v1/orders?limit=1&merchant_order_no={}", "x%20y");
    for (path, status) in [
        (format!("/v1/orders/{id}"), 200),
        (path, 422),
        ("/v1/orders/ord_0".to_owned(), 404),
        ("/v1/nothing".to_owned(), 404),
    ] {
        let answer = signer.call(get(&path, p.now())).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        check_answer(&ring, &answer, p.now()).expect("an error is the platform's as well");
        assert!(check_answer(&ring, &answer, p.now().plus_millis(301_000)).is_err());
    }
}

scenario!(a_signed_request_counts_once_on_all_nodes, replayed);
async fn replayed(p: &TestPlatform) {
    let signer = signer(p).await;
    let clock = p.clock.clone() as SharedClock;
    let config = PlatformConfig::testing(p.database.url.clone(), kek(), clock);
    let other = Platform::build(config).await.expect("a second node");
    let elsewhere = Signer::new(&PEM_OF_NOBODY, signer.certificate.clone(), &other.api_url());
    let request = get(ME, p.now());
    let authorization = signer.sign(request, "a-nonce-of-its-own");
    elsewhere.send(request, &authorization).await.ok();
    for node in [&signer, &elsewhere] {
        let answer = node.send(request, &authorization).await;
        let ring = node.platform_keys().await;
        check_answer(&ring, &answer, p.now()).expect("a refusal is the platform's as well");
        let problem = answer.problem(401, "signature_refused");
        assert!(
            problem["detail"]
                .as_str()
                .expect("a detail")
                .contains("nonce")
        );
    }
    // Within its time the nonce stays spent, whenever it was signed; afterwards the clock refuses.
    let late = Unsigned {
        at: p.now().plus_millis(299_000),
        ..request
    };
    let authorization = signer.sign(late, "another-nonce");
    signer.send(late, &authorization).await.ok();
    p.clock.advance_millis(598_000);
    assert_eq!(
        p.platform
            .operations()
            .forget_spent_nonces()
            .await
            .expect("swept"),
        1
    );
    let again = signer.send(late, &authorization).await;
    assert!(again.text.contains("nonce"), "{}", again.text);
    p.clock.advance_millis(62_000);
    assert_eq!(
        p.platform
            .operations()
            .forget_spent_nonces()
            .await
            .expect("swept"),
        1
    );
    let again = signer.send(late, &authorization).await;
    assert!(again.text.contains("five minutes"), "{}", again.text);
    again.problem(401, "signature_refused");
    assert_eq!(
        p.database
            .count("SELECT COUNT(*) FROM request_nonces")
            .await,
        0
    );
    other.shutdown().await.expect("an orderly stop");
}

/// The second node's caller signs nothing itself.
static PEM_OF_NOBODY: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| generate_pem().expect("a key pair").0);

scenario!(what_was_not_signed_is_not_taken, altered);
#[expect(clippy::too_many_lines, reason = "a table of alterations")]
async fn altered(p: &TestPlatform) {
    let signer = signer(p).await;
    let body = bytes(&p.tenant.order(1));
    let signed = Unsigned {
        method: "POST",
        path: "/v1/orders?a=1",
        body: &body,
        at: p.now(),
    };
    let other_body = [&body[..], b" "].concat();
    for sent in [
        Unsigned {
            path: "/v1/orders?a=2",
            ..signed
        },
        Unsigned {
            path: "/v1/orders",
            ..signed
        },
        Unsigned {
            path: "/v1/%6frders?a=1",
            ..signed
        },
        Unsigned {
            method: "PATCH",
            ..signed
        },
        Unsigned {
            body: &other_body,
            ..signed
        },
        Unsigned {
            body: b"",
            ..signed
        },
    ] {
        let authorization = signer.sign(signed, &wechatpay::random_nonce(32));
        let answer = signer.send(sent, &authorization).await;
        assert_eq!(answer.status, 401, "{sent:?}: {}", answer.text);
        answer.problem(401, "signature_refused");
    }
    for seconds in [-301, 301] {
        let at = p.now().plus_millis(seconds * 1_000);
        let answer = signer.call(Unsigned { at, ..signed }).await;
        answer.problem(401, "signature_refused");
    }
    let fine = signer.sign(signed, "nonce-of-the-altered");
    let timestamp = format!("timestamp=\"{}\"", p.now().as_seconds());
    for (from, to) in [
        ("nonce-of-the-altered", "nonce-of-somebody"),
        (timestamp.as_str(), "timestamp=\"1\""),
        (timestamp.as_str(), ""),
        ("mchid=", "mchid=\"x\",mchid="),
        (signer.merchant.serial.as_str(), "0"),
        (signer.merchant.mchid.as_str(), "1900000109"),
        ("nonce-of-the-altered", "short"),
        ("nonce-of-the-altered", "with space in it"),
        ("signature=\"", "signature=\"!"),
    ] {
        let answer = signer.send(signed, &fine.replace(from, to)).await;
        assert_eq!(answer.status, 401, "{from} as {to}: {}", answer.text);
        answer.problem(401, "signature_refused");
    }
    assert_eq!(p.database.count("SELECT COUNT(*) FROM orders").await, 0);
    assert_eq!(
        p.database
            .count("SELECT COUNT(*) FROM request_nonces")
            .await,
        0
    );
    signer.send(signed, &fine).await.placed();
}

scenario!(a_certificate_opens_its_own_tenant_mode_and_scopes, bounded);
async fn bounded(p: &TestPlatform) {
    let operations = p.platform.operations();
    let wish = CertificateWish {
        scopes: vec![Scope::OrdersRead],
        ..every_scope()
    };
    let reader = Signer::enrol(operations, &p.tenant.id, wish, &p.platform.api_url()).await;
    let ring = reader.platform_keys().await;
    let refused = reader.call(get("/v1/refunds", p.now())).await;
    check_answer(&ring, &refused, p.now()).expect("a refusal is the platform's as well");
    refused.problem(403, "insufficient_scope");
    let order = p.order(100).await;
    let path = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
    reader.call(get(&path, p.now())).await.ok();
    let wish = CertificateWish {
        mode: Mode::Live,
        ..every_scope()
    };
    let live = Signer::enrol(operations, &p.tenant.id, wish, &p.platform.api_url()).await;
    live.call(get(&path, p.now()))
        .await
        .problem(404, "not_found");
    let thief = p.another_tenant().await;
    let stolen = Signer::enrol(operations, &thief.id, every_scope(), &p.platform.api_url()).await;
    stolen
        .call(get(&path, p.now()))
        .await
        .problem(404, "not_found");
    // Another's number beside one's own certificate names no certificate at all, and nobody signs that.
    let mut impostor = stolen.clone();
    impostor.merchant.mchid = p.tenant.id.to_string();
    let answer = impostor.call(get(&path, p.now())).await;
    assert!(check_answer(&ring, &answer, p.now()).is_err());
    assert!(answer.headers.get("wechatpay-signature").is_none());
    answer.problem(401, "signature_refused");
}

scenario!(a_certificate_ends_when_it_expires_or_is_revoked, ended);
async fn ended(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = Actor::system("test");
    let wish = CertificateWish {
        expires_at: Some(p.now().plus_millis(60_000)),
        ..every_scope()
    };
    let short = Signer::enrol(operations, &p.tenant.id, wish, &p.platform.api_url()).await;
    let revoked = signer(p).await;
    short.call(get(ME, p.now())).await.ok();
    revoked.call(get(ME, p.now())).await.ok();
    let id = &revoked.certificate.id;
    let foreign = p.another_tenant().await.id;
    let missing = operations.revoke_certificate(&by, &foreign, id).await;
    assert!(matches!(missing, Err(OperationError::NotFound)));
    operations
        .revoke_certificate(&by, &p.tenant.id, id)
        .await
        .expect("revoked");
    p.clock.advance_millis(60_000);
    for ended in [&short, &revoked] {
        let answer = ended.call(get(ME, p.now())).await;
        answer.problem(401, "signature_refused");
    }
    operations.write_credential_uses().await.expect("written");
    let listed = operations.list_certificates(&by, &p.tenant.id).await;
    let listed: Vec<TenantCertificate> = listed.expect("a list");
    assert_eq!(listed.len(), 2);
    assert!(
        listed
            .iter()
            .all(|one| one.last_use.is_some_and(|last| last.address.is_some()))
    );
    let audited = "SELECT COUNT(*) FROM audit_entries WHERE action LIKE 'certificate.%'";
    assert_eq!(p.database.count(audited).await, 3);
}

scenario!(
    a_registered_public_key_signs_and_belongs_to_one_alone,
    registered
);
async fn registered(p: &TestPlatform) {
    let operations = p.platform.operations();
    let by = Actor::system("test");
    let (private, public) = generate_pem().expect("a key pair");
    let kept = operations
        .register_public_key(&by, &p.tenant.id, every_scope(), &public)
        .await
        .expect("registered");
    assert!(kept.serial.starts_with("PUB_KEY_ID_"), "{}", kept.serial);
    let signer = Signer::new(&private, kept, &p.platform.api_url());
    let ring = signer.platform_keys().await;
    let me = signer.call(get(ME, p.now())).await;
    check_answer(&ring, &me, p.now()).expect("the answer is the platform's");
    assert_eq!(me.ok()["certificate"]["id"], signer.certificate.id.as_str());
    // The signature names neither tenant nor mode nor serial, so one pair has one of each.
    let thief = p.another_tenant().await.id;
    let taken = operations.register_public_key(&by, &thief, every_scope(), &public);
    assert_names("/public_key", taken.await);
    let request = certificate_request(&private);
    let taken = operations.issue_certificate(&by, &p.tenant.id, every_scope(), &request);
    assert_names("/csr", taken.await);
    for pem in ["", "no PEM", private.as_str(), &"x".repeat(20_000)] {
        let refused = operations.register_public_key(&by, &thief, every_scope(), pem);
        assert_names("/public_key", refused.await);
        let refused = operations.issue_certificate(&by, &thief, every_scope(), pem);
        assert_names("/csr", refused.await);
    }
    let nothing = CertificateWish {
        scopes: vec![],
        ..every_scope()
    };
    let (_, other) = generate_pem().expect("a key pair");
    let refused = operations.register_public_key(&by, &thief, nothing, &other);
    assert_names("/scopes", refused.await);
}

#[track_caller]
fn assert_names(field: &str, outcome: Result<TenantCertificate, OperationError>) {
    let Err(OperationError::Invalid(faults)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(faults[0].field, field, "{faults:?}");
}
