//! The keys of a provider change while money moves: nothing is lost, nothing fails, and everybody can see how far it is.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;
use tributary_domain::clock::Clock as _;
use tributary_domain::ids::ProviderId;
use tributary_domain::provider_key::{
    KeyKind, KeyRefusal, KeyState, KeyTestState, KeyTestStep, KeyUse, ProviderKey,
};
use tributary_domain::staff::Actor;
use tributary_operations::provider_keys::KeyProof;
use tributary_operations::provider_keys::material::{MerchantFiles, NewKey};
use tributary_operations::{OperationError, Operations};
use tributary_server::simulated;
use tributary_tests::platform::number;
use tributary_tests::tenant::Under;
use tributary_tests::{TestPlatform, TestTenant, scenario};
use wechatpay_sim::{
    ChangeProvider, Fault, FaultKind, KeyMode, NewProvider, ProviderKeys, SimConfig, Simulator,
};

/// Orders of one burst, placed at once.
const BURST: usize = 8;
const DAY_SECONDS: i64 = 24 * 60 * 60;

pub(crate) fn by() -> Actor {
    Actor::system("tests")
}

/// A provider that begins with platform certificates, and a tenant under it.
pub(crate) struct Switched {
    pub(crate) id: ProviderId,
    pub(crate) keys: ProviderKeys,
    pub(crate) tenant: TestTenant,
}

impl Switched {
    pub(crate) async fn begin(p: &TestPlatform) -> Self {
        let wish = NewProvider {
            key_mode: Some(KeyMode::Certificate),
            ..NewProvider::default()
        };
        let keys = p.simulator.provider(wish).await.expect("a provider");
        let operations = p.platform.operations();
        let url = p.simulator.base_url();
        let id = simulated::adopt_provider(operations, &keys, &url)
            .await
            .expect("the platform takes the provider");
        let under = Under {
            provider: &id,
            sp_mchid: &keys.sp_mchid,
        };
        let api_url = p.platform.api_url();
        let tenant = TestTenant::create(operations, &p.simulator, under, &api_url).await;
        Self { id, keys, tenant }
    }

    pub(crate) async fn at_wechat(&self, p: &TestPlatform, change: ChangeProvider) -> ProviderKeys {
        let changed = p.simulator.change_provider(&self.keys.sp_mchid, change);
        changed.await.expect("WeChat changes the provider")
    }

    async fn mode(&self, p: &TestPlatform, key_mode: KeyMode, percentage: f64) {
        let change = ChangeProvider {
            key_mode: Some(key_mode),
            callback_percentage: Some(percentage),
            ..ChangeProvider::default()
        };
        self.at_wechat(p, change).await;
    }

    /// Places orders all at once and lets each be paid.
    pub(crate) async fn traffic(&self, p: &TestPlatform) -> Vec<Value> {
        let orders = (0..BURST).map(|_| async {
            let order = self.tenant.order(100);
            let placed = self.tenant.api.place_order(&order).await.placed();
            p.pay(&placed);
            placed
        });
        join_all(orders).await
    }

    /// The thousandths of one key in what went well since the last look.
    pub(crate) async fn share(&self, p: &TestPlatform, purpose: KeyUse, serial: &str) -> i64 {
        let shares = p.platform.operations().key_shares(&by(), &self.id, 1).await;
        let shares = shares.expect("the meter is read");
        let of_key = shares
            .iter()
            .find(|share| share.purpose == purpose && share.serial == serial);
        of_key.map_or(0, |share| share.permille)
    }

    async fn import_public_key(&self, p: &TestPlatform) -> ProviderKey {
        let new = NewKey::WechatPublicKey {
            id: self.keys.wechatpay_public_key_id.clone(),
            pem: self.keys.wechatpay_public_key_pem.clone(),
        };
        let operations = p.platform.operations();
        let imported = operations.import_key(&by(), &self.id, &new).await;
        imported.expect("the key is taken")
    }

    async fn test(&self, p: &TestPlatform) -> Vec<(KeyTestState, Option<KeyTestStep>)> {
        // Tests are told apart by when they began.
        p.clock.advance_millis(1_000);
        let operations = p.platform.operations();
        let begun = operations.test_keys(&by(), &self.id).await;
        let count = begun.expect("the keys are tested").len();
        p.settle().await;
        let tests = operations
            .key_tests(&by(), &self.id)
            .await
            .expect("the tests");
        let newest = tests.into_iter().take(count);
        newest.map(|test| (test.state, test.failed_step)).collect()
    }

    /// The key of this serial.
    pub(crate) async fn key_of(&self, p: &TestPlatform, serial: &str) -> ProviderKey {
        let keys = p.platform.operations().provider_keys(&by(), &self.id).await;
        let mut keys = keys.expect("the ring").into_iter();
        let found = keys.find(|key| key.serial == serial);
        found.expect("a key of this serial")
    }

    async fn key(&self, p: &TestPlatform, kind: KeyKind, state: KeyState) -> ProviderKey {
        let keys = p.platform.operations().provider_keys(&by(), &self.id).await;
        let mut keys = keys.expect("the ring").into_iter();
        keys.find(|key| key.kind == kind && key.state == state)
            .unwrap_or_else(|| panic!("no {kind:?} that is {state:?}"))
    }
}

/// A burst is over when everything that WeChat repeats has come: each order is paid, and was told once.
pub(crate) async fn assert_all_paid(p: &TestPlatform, tenant: &TestTenant, orders: &[Value]) {
    for _ in 0..4 {
        p.advance_seconds(60).await;
    }
    for order in orders {
        let id = order["id"].as_str().expect("an id");
        let seen = tenant.api.order(id).await.ok();
        assert_eq!(seen["state"], "paid", "{}", number(order));
    }
    let unapplied = "SELECT COUNT(*) FROM notifications WHERE state <> 'applied'";
    assert_eq!(p.database.count(unapplied).await, 0);
    let told = "SELECT COUNT(*) FROM (SELECT subject_id FROM events WHERE kind = 'order.paid' \
                GROUP BY subject_id HAVING COUNT(*) > 1) AS twice";
    assert_eq!(p.database.count(told).await, 0);
}

/// Ends the hour, so that the meter begins anew.
pub(crate) async fn next_hour(p: &TestPlatform) {
    p.advance_seconds(60 * 60).await;
}

scenario!(
    wechat_switches_to_public_keys_and_back_under_traffic_and_nothing_is_lost,
    switch_to_and_fro
);
async fn switch_to_and_fro(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let certificate = s.keys.platform_serial.clone();
    let mut orders = s.traffic(p).await;
    assert_all_paid(p, &s.tenant, &orders).await;
    assert_eq!(s.share(p, KeyUse::Answer, &certificate).await, 1_000);
    assert_eq!(s.share(p, KeyUse::Notification, &certificate).await, 1_000);
    take_up_public_key(p, &s, &mut orders).await;
    prefer_to_and_fro(p, &s, &mut orders).await;
    finish_and_take_back(p, &s, &mut orders).await;
    let unpaid = "SELECT COUNT(*) FROM orders WHERE state <> 'paid'";
    assert_eq!(p.database.count(unpaid).await, 0, "no order failed");
}

/// The console's switch begins: half of the notifications name a key that nobody here has activated yet.
async fn take_up_public_key(p: &TestPlatform, s: &Switched, orders: &mut Vec<Value>) {
    next_hour(p).await;
    let key = s.import_public_key(p).await;
    let (burst, ()) = futures::join!(s.traffic(p), s.mode(p, KeyMode::Switching, 50.0));
    orders.extend(burst);
    let tested = s.test(p).await;
    assert_eq!(tested, [(KeyTestState::Green, None); 2], "both modes");
    let active = p
        .platform
        .operations()
        .activate_key(&by(), &key.id, &KeyProof::SelfTest, None)
        .await
        .expect("a tested key is activated");
    assert_eq!(active.state, KeyState::Active);
    assert_all_paid(p, &s.tenant, orders).await;
    // Both kinds at once: answers follow our header, notifications WeChat's percentage.
    next_hour(p).await;
    for _ in 0..3 {
        orders.extend(s.traffic(p).await);
    }
    assert_all_paid(p, &s.tenant, orders).await;
    let certificate = &s.keys.platform_serial;
    assert_eq!(s.share(p, KeyUse::Answer, certificate).await, 1_000);
    let public = &s.keys.wechatpay_public_key_id;
    let half = s.share(p, KeyUse::Notification, public).await;
    assert!((200..=800).contains(&half), "{half} of 1000");
}

/// Our own preference is one call each way, while orders are placed.
async fn prefer_to_and_fro(p: &TestPlatform, s: &Switched, orders: &mut Vec<Value>) {
    let operations = p.platform.operations();
    for kind in [
        KeyKind::WechatPublicKey,
        KeyKind::PlatformCertificate,
        KeyKind::WechatPublicKey,
    ] {
        next_hour(p).await;
        let change = async {
            let preferred = match kind {
                KeyKind::WechatPublicKey => operations.prefer_public_key(&by(), &s.id).await,
                _ => operations.prefer_certificate(&by(), &s.id).await,
            };
            preferred.expect("a preference").serial
        };
        let (burst, serial) = futures::join!(s.traffic(p), change);
        orders.extend(burst);
        next_hour(p).await;
        orders.extend(s.traffic(p).await);
        assert_all_paid(p, &s.tenant, orders).await;
        assert_eq!(s.share(p, KeyUse::Answer, &serial).await, 1_000);
    }
}

/// The switch is finished, then taken back as far as WeChat can.
async fn finish_and_take_back(p: &TestPlatform, s: &Switched, orders: &mut Vec<Value>) {
    let public = &s.keys.wechatpay_public_key_id;
    let certificate = &s.keys.platform_serial;
    for (mode, percentage, answers, notices) in [
        (KeyMode::PublicKey, 100.0, public, public),
        (KeyMode::Switching, 10.0, public, certificate),
        (KeyMode::Certificate, 0.0, certificate, certificate),
    ] {
        let (burst, ()) = futures::join!(s.traffic(p), s.mode(p, mode, percentage));
        orders.extend(burst);
        p.settle().await;
        next_hour(p).await;
        orders.extend(s.traffic(p).await);
        assert_all_paid(p, &s.tenant, orders).await;
        assert_eq!(s.share(p, KeyUse::Answer, answers).await, 1_000);
        assert!(s.share(p, KeyUse::Notification, notices).await >= 500);
    }
}

scenario!(
    merchant_and_api_keys_change_under_traffic_and_the_old_ones_go_when_they_are_quiet,
    own_keys
);
async fn own_keys(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let operations = p.platform.operations();
    let mut orders = s.traffic(p).await;
    p.settle().await;
    let old = s
        .key(p, KeyKind::MerchantCertificate, KeyState::Active)
        .await;
    let new = import_merchant_key(p, &s).await;
    let untested = operations
        .activate_key(&by(), &new.id, &KeyProof::SelfTest, None)
        .await;
    assert!(matches!(
        untested,
        Err(OperationError::KeyRefused(KeyRefusal::Untested))
    ));
    assert_eq!(s.test(p).await.len(), 2, "both merchant keys are tested");
    let activated = async {
        let done = operations
            .activate_key(&by(), &new.id, &KeyProof::SelfTest, None)
            .await;
        done.expect("a tested key is activated");
    };
    let (burst, ()) = futures::join!(s.traffic(p), activated);
    orders.extend(burst);

    let api_key = import_api_key(p, &s).await;
    s.test(p).await;
    let burst = s.traffic(p).await;
    orders.extend(burst);
    // What is on its way was encrypted under the old key; the new one is in force at WeChat at once.
    let change = ChangeProvider {
        api_v3_key: Some(NEW_API_KEY.to_owned()),
        ..ChangeProvider::default()
    };
    s.at_wechat(p, change).await;
    orders.extend(s.traffic(p).await);
    let tested = s.test(p).await;
    assert_eq!(tested, [(KeyTestState::Green, None)]);
    operations
        .activate_key(&by(), &api_key.id, &KeyProof::SelfTest, None)
        .await
        .expect("a key that decrypted a callback is activated");
    assert_all_paid(p, &s.tenant, &orders).await;

    // The replaced keys are still trusted; they go after a day of silence, and not before.
    let early = operations.retire_key(&by(), &old.id).await;
    assert!(matches!(
        early,
        Err(OperationError::KeyRefused(KeyRefusal::StillInUse))
    ));
    p.advance_seconds(2 * DAY_SECONDS).await;
    let gone = operations.retire_key(&by(), &old.id).await;
    assert_eq!(gone.expect("a quiet key retires").state, KeyState::Retired);
    let void = ChangeProvider {
        void_serial: Some(old.serial.clone()),
        ..ChangeProvider::default()
    };
    s.at_wechat(p, void).await;
    let orders = s.traffic(p).await;
    assert_all_paid(p, &s.tenant, &orders).await;
    let counted = s
        .key(p, KeyKind::MerchantCertificate, KeyState::Active)
        .await;
    assert!(counted.counts.signed > 0 && counted.last_seen_at.is_some());
}

const NEW_API_KEY: &str = "fedcba9876543210fedcba9876543210";

/// A second merchant certificate, issued by WeChat for a key of ours.
async fn import_merchant_key(p: &TestPlatform, s: &Switched) -> ProviderKey {
    let (private, public) = wechatpay::credentials::generate_pem().expect("an RSA pair");
    let serial = "7A".repeat(20);
    let change = ChangeProvider {
        merchant_public_key_pem: Some(public),
        serial: Some(serial.clone()),
        ..ChangeProvider::default()
    };
    s.at_wechat(p, change).await;
    let new = NewKey::MerchantCertificate(MerchantFiles {
        private_key: private.into(),
        certificate: None,
        serial: Some(serial),
    });
    let imported = p.platform.operations().import_key(&by(), &s.id, &new).await;
    let imported = imported.expect("the key is taken");
    assert_eq!(imported.state, KeyState::Staged);
    let again = p.platform.operations().import_key(&by(), &s.id, &new).await;
    assert!(matches!(again, Err(OperationError::Invalid(_))));
    imported
}

async fn import_api_key(p: &TestPlatform, s: &Switched) -> ProviderKey {
    let new = NewKey::ApiV3Key(NEW_API_KEY.to_owned().into());
    let imported = p.platform.operations().import_key(&by(), &s.id, &new).await;
    imported.expect("the key is taken")
}

scenario!(a_red_self_test_names_the_step_that_failed, red_steps);
async fn red_steps(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    p.platform
        .operations()
        .refresh_certificates()
        .await
        .expect("certificates");
    assert_eq!(s.test(p).await, [(KeyTestState::Green, None)]);
    let echo = |kind| Fault::of(kind).on_path("/v3/security/echo");
    let unsigned = Fault {
        status: Some(401),
        code: Some("SIGN_ERROR".to_owned()),
        ..echo(FaultKind::Refuse)
    };
    for (fault, step) in [
        (unsigned.times(1), KeyTestStep::Sign),
        (
            echo(FaultKind::WrongSignature).times(2),
            KeyTestStep::Verify,
        ),
        (echo(FaultKind::Garbled).times(1), KeyTestStep::Decrypt),
        (echo(FaultKind::ServerError).times(2), KeyTestStep::Reach),
    ] {
        p.simulator.fault(fault);
        assert_eq!(s.test(p).await, [(KeyTestState::Red, Some(step))]);
    }
    p.simulator.fault(
        Fault::of(FaultKind::NotificationWithheld)
            .on_path("/echo")
            .times(100),
    );
    assert_eq!(s.test(p).await, [(KeyTestState::Waiting, None)]);
    p.advance_seconds(301).await;
    let operations = p.platform.operations();
    operations.test_due_keys().await.expect("overdue tests end");
    let tests = operations.key_tests(&by(), &s.id).await.expect("the tests");
    let overdue = tests
        .iter()
        .find(|test| test.failed_step == Some(KeyTestStep::Callback));
    assert!(overdue.is_some_and(|test| test.state == KeyTestState::Red));
    // One alarm, when it turned red; not one for each test that stays so.
    let alarms = format!(
        "SELECT COUNT(*) FROM alarms WHERE kind = 'key_test_failed' AND provider_id = '{}'",
        s.id
    );
    assert_eq!(p.database.count(&alarms).await, 1);
}

scenario!(
    the_schedule_tests_new_keys_and_every_day_and_one_node_at_a_time,
    schedule
);
async fn schedule(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let operations = p.platform.operations();
    operations
        .refresh_certificates()
        .await
        .expect("certificates");
    let run = async || operations.test_due_keys().await.expect("tests");
    // The platform's own provider, and this one.
    assert_eq!(run().await, 2);
    assert_eq!(run().await, 0);
    s.import_public_key(p).await;
    p.advance_seconds(1).await;
    assert_eq!(run().await, 1, "a change makes it the provider's turn");
    p.settle().await;
    let key = s.key(p, KeyKind::WechatPublicKey, KeyState::Testing).await;
    assert_eq!(key.added_by, by().who());
    p.advance_seconds(DAY_SECONDS).await;
    assert_eq!(run().await, 2);
}

scenario!(
    in_live_mode_a_key_of_wechats_is_believed_only_after_a_second_person_approved_it,
    approval
);
async fn approval(p: &TestPlatform) {
    let operations = p.platform.operations();
    let s = Switched::begin(p).await;
    let live = "UPDATE providers SET mode = 'live' WHERE id = '";
    p.database.execute(&format!("{live}{}'", s.id)).await;
    operations
        .refresh_certificates_of(&s.id)
        .await
        .expect("certificates");
    s.mode(p, KeyMode::Switching, 100.0).await;
    let key = s.import_public_key(p).await;
    assert_eq!(s.test(p).await.len(), 2);
    // Under test it is believed about the test alone: a payment that it signs is taken for a stranger's.
    let orders = s.traffic(p).await;
    p.settle().await;
    let unpaid = s.tenant.api.order(orders[0]["id"].as_str().expect("an id"));
    assert_eq!(unpaid.await.ok()["state"], "paying");
    for approver in [None, Some(by())] {
        let refused = operations
            .activate_key(&by(), &key.id, &KeyProof::SelfTest, approver.as_ref())
            .await;
        assert!(matches!(
            refused,
            Err(OperationError::KeyRefused(KeyRefusal::Unapproved))
        ));
    }
    let second = Actor::operator("second");
    let active = operations
        .activate_key(&by(), &key.id, &KeyProof::SelfTest, Some(&second))
        .await
        .expect("two people stand for it");
    assert_eq!(active.approved_by.as_deref(), Some("operator:second"));
    assert_all_paid(p, &s.tenant, &orders).await;
    let audited = "SELECT COUNT(*) FROM audit_entries WHERE action = 'provider.key.activated'";
    assert_eq!(p.database.count(audited).await, 1);
    let report = operations.verify_audit(&[]).await.expect("the log");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

scenario!(
    a_revoked_merchant_key_signs_nothing_and_notifications_still_come_in,
    revoked
);
async fn revoked(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let operations = p.platform.operations();
    let order = s.tenant.api.place_order(&s.tenant.order(1)).await.placed();
    p.pay(&order);
    let key = s
        .key(p, KeyKind::MerchantCertificate, KeyState::Active)
        .await;
    let unsaid = operations.revoke_key(&by(), &key.id, " ").await;
    assert!(matches!(unsaid, Err(OperationError::Invalid(_))));
    operations
        .revoke_key(&by(), &key.id, "it was on a stolen laptop")
        .await
        .expect("a key is revoked");
    p.settle().await;
    let seen = s.tenant.api.order(order["id"].as_str().expect("an id"));
    assert_eq!(seen.await.ok()["state"], "paid");
    let refused = s.tenant.api.place_order(&s.tenant.order(2)).await;
    assert_eq!(refused.status, 500, "nothing is left to sign with");
}

scenario!(
    another_node_forgets_a_changed_ring_at_its_next_look,
    two_nodes
);
async fn two_nodes(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let here = p.platform.operations();
    let there = other_node(p).await;
    there.check_provider(&s.id).await.expect("the keys open");
    assert_eq!(there.notice_changed_keys().await.expect("a look"), 0);
    let key = s
        .key(p, KeyKind::MerchantCertificate, KeyState::Active)
        .await;
    here.revoke_key(&by(), &key.id, "a rehearsal")
        .await
        .expect("a key is revoked");
    assert!(here.check_provider(&s.id).await.is_err());
    there.check_provider(&s.id).await.expect("held in memory");
    assert_eq!(there.notice_changed_keys().await.expect("a look"), 1);
    assert!(there.check_provider(&s.id).await.is_err());
}

pub(crate) async fn other_node(p: &TestPlatform) -> Operations {
    use tributary_domain::clock::SharedClock;
    use tributary_server::platform::{Platform, PlatformConfig};
    let clock = Arc::clone(&p.clock) as SharedClock;
    let kek = tributary_tests::platform::kek();
    let config = PlatformConfig::testing(p.database.url.clone(), kek, clock);
    let platform = Platform::build(config).await.expect("a second node");
    platform.operations().clone()
}

scenario!(
    a_person_is_told_once_of_an_unknown_serial_of_a_wrong_clock_and_of_each_step_to_an_end,
    told
);
async fn told(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let alarms = async |kind: &str| {
        let count = format!("SELECT COUNT(*) FROM alarms WHERE kind = '{kind}'");
        p.database.count(&count).await
    };
    p.simulator
        .fault(Fault::of(FaultKind::NotificationUnknownSerial).times(3));
    let orders = s.traffic(p).await;
    assert_all_paid(p, &s.tenant, &orders).await;
    assert_eq!(alarms("unknown_serial").await, 1);
    let unknown = s.share(p, KeyUse::Notification, "unknown").await;
    assert_eq!(unknown, 0, "what is unknown is counted as failed");

    let operations = p.platform.operations();
    let certificate = s
        .key(p, KeyKind::PlatformCertificate, KeyState::Active)
        .await;
    let end = certificate.not_after.expect("a certificate ends");
    for days in [180, 60, 30, 14, 7, 3, 1] {
        let at = end.plus_millis(-days * DAY_SECONDS * 1000);
        p.clock.advance_millis(at.millis_since(p.now()));
        for _ in 0..2 {
            operations.warn_of_ending_keys().await.expect("warnings");
        }
    }
    let of_this = format!(
        "SELECT COUNT(*) FROM alarms WHERE kind = 'key_expiring' AND provider_id = '{}'",
        s.id
    );
    assert_eq!(p.database.count(&of_this).await, 7);
    assert_eq!(alarms("clock_skew").await, 0);
    talk_to_a_slow_clock(p).await;
    assert_eq!(alarms("clock_skew").await, 1);
}

/// Another WeChat, whose clock is 40 seconds behind: signatures still verify.
async fn talk_to_a_slow_clock(p: &TestPlatform) {
    let clock = Arc::clone(&p.clock);
    let slow = Simulator::start(SimConfig {
        clock_ms: Arc::new(move || clock.now().as_millis() - 40_000),
        auto_deliver: false,
        ..SimConfig::default()
    });
    let slow = slow.await.expect("a second WeChat");
    let wish = NewProvider {
        sp_mchid: Some("1900009999".to_owned()),
        ..NewProvider::default()
    };
    let keys = slow.provider(wish).await.expect("a provider");
    let operations = p.platform.operations();
    let url = slow.base_url();
    let id = simulated::adopt_provider(operations, &keys, &url).await;
    let id = id.expect("the platform takes the provider");
    for _ in 0..2 {
        operations
            .refresh_certificates_of(&id)
            .await
            .expect("certificates");
    }
    p.settle().await;
    slow.shutdown().await;
}
