//! WeChat's platform certificates roll over while money moves: they are fetched in time, by one caller, and a download
//! that fails stops nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_domain::clock::SharedClock;
use tributary_domain::provider_key::{KeyKind, KeyState, KeyUse};
use tributary_operations::Operations;
use tributary_server::platform::{Platform, PlatformConfig};
use tributary_tests::platform::kek;
use tributary_tests::{Api, TestPlatform, scenario};
use wechatpay_sim::{ChangeProvider, Fault, FaultKind};

use crate::provider_keys::{Switched, assert_all_paid, by, next_hour, other_node};

const HOUR_MS: i64 = 3_600_000;
const HOURS_OF_A_DAY: i64 = 24;
/// Longer than the pause between two looks for an unknown serial.
const PAUSE_MS: i64 = 61_000;

impl Switched {
    /// WeChat publishes a new certificate, which signs after so long; answers its serial.
    async fn roll_over(&self, p: &TestPlatform, after_ms: i64) -> String {
        let change = ChangeProvider {
            rotate_platform_certificate_after_ms: Some(after_ms),
            ..ChangeProvider::default()
        };
        self.at_wechat(p, change).await.platform_serial
    }

    /// When the certificates of this provider were asked for, the first first.
    async fn fetches(&self, p: &TestPlatform) -> Vec<i64> {
        p.settle().await;
        let sql = format!(
            "SELECT started_at FROM upstream_calls WHERE provider_id = '{}' AND purpose = 'certificates' \
             ORDER BY started_at",
            self.id
        );
        let rows = p.database.query(&sql).await.into_iter();
        rows.map(|row| row.try_get_by_index(0).expect("an instant"))
            .collect()
    }

    /// The certificates that verify now.
    async fn trusted(&self, p: &TestPlatform) -> BTreeSet<String> {
        let keys = p.platform.operations().provider_keys(&by(), &self.id).await;
        let keys = keys.expect("the ring").into_iter();
        keys.filter(|key| key.kind == KeyKind::PlatformCertificate)
            .filter(|key| matches!(key.state, KeyState::Active | KeyState::Retiring))
            .map(|key| key.serial)
            .collect()
    }
}

async fn refresh(operations: &Operations) -> usize {
    operations.refresh_certificates().await.expect("a refresh")
}

async fn alarms(p: &TestPlatform) -> i64 {
    let sql = "SELECT COUNT(*) FROM alarms WHERE kind = 'unknown_serial'";
    p.database.count(sql).await
}

scenario!(
    platform_certificates_roll_over_under_traffic_in_overlap_and_nothing_is_lost,
    rolls_over
);
async fn rolls_over(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let operations = p.platform.operations();
    refresh(operations).await;
    let old = s.keys.platform_serial.clone();
    let mut orders = s.traffic(p).await;
    let new = s.roll_over(p, HOURS_OF_A_DAY * HOUR_MS).await;
    for hour in 1..HOURS_OF_A_DAY {
        next_hour(p).await;
        refresh(operations).await;
        if hour == 8 {
            let both = BTreeSet::from([old.clone(), new.clone()]);
            assert_eq!(
                s.trusted(p).await,
                both,
                "WeChat signs with the old one still"
            );
            orders.extend(s.traffic(p).await);
            assert_eq!(s.share(p, KeyUse::Answer, &new).await, 0);
        }
    }
    let fetches = s.fetches(p).await;
    let gaps = fetches.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.max().expect("fetches") <= 8 * HOUR_MS, "{fetches:?}");
    // The last orders under the old one are placed a moment before the other takes over, and are told of after it.
    let left = HOURS_OF_A_DAY * HOUR_MS - 1_000 - (HOURS_OF_A_DAY - 1) * HOUR_MS;
    p.clock.advance_millis(left);
    orders.extend(s.traffic(p).await);
    p.clock.advance_millis(2_000);
    orders.extend(s.traffic(p).await);
    assert_all_paid(p, &s.tenant, &orders).await;
    next_hour(p).await;
    orders.extend(s.traffic(p).await);
    assert_all_paid(p, &s.tenant, &orders).await;
    assert_eq!(s.share(p, KeyUse::Answer, &new).await, 1_000);
    assert_eq!(alarms(p).await, 0, "no serial was unknown");
    assert_eq!(s.fetches(p).await.len(), fetches.len(), "nobody had to ask");
    let replaced = s.key_of(p, &old).await;
    let retiring = operations.retire_key(&by(), &replaced.id).await;
    assert_eq!(retiring.expect("another is left").state, KeyState::Retiring);
    let orders = s.traffic(p).await;
    assert_all_paid(p, &s.tenant, &orders).await;
}

scenario!(
    a_certificate_that_nobody_knows_is_fetched_once_for_all_who_meet_it,
    single_flight
);
async fn single_flight(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    refresh(p.platform.operations()).await;
    let mut orders = s.traffic(p).await;
    p.settle().await;
    let before = s.fetches(p).await.len();
    let new = s.roll_over(p, 0).await;
    p.clock.advance_millis(PAUSE_MS);
    // Each of these answers is signed by a key that is not here yet.
    orders.extend(s.traffic(p).await);
    assert_all_paid(p, &s.tenant, &orders).await;
    assert_eq!(s.fetches(p).await.len(), before + 1);
    assert!(s.trusted(p).await.contains(&new));
}

scenario!(
    certificates_that_are_due_are_fetched_by_one_node,
    by_one_node
);
async fn by_one_node(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    let (here, there) = (p.platform.operations(), other_node(p).await);
    refresh(here).await;
    let before = s.fetches(p).await.len();
    p.clock.advance_millis(8 * HOUR_MS);
    let (one, other) = futures::join!(refresh(here), refresh(&there));
    assert_eq!(one + other, 2, "one turn of each of the two providers");
    there.write_upstream_calls().await.expect("calls are noted");
    assert_eq!(s.fetches(p).await.len(), before + 1);
}

scenario!(
    a_start_without_certificates_to_be_had_works_with_those_that_are_known,
    cannot_be_fetched
);
async fn cannot_be_fetched(p: &TestPlatform) {
    let s = Switched::begin(p).await;
    refresh(p.platform.operations()).await;
    let known = s.trusted(p).await;
    p.clock.advance_millis(8 * HOUR_MS);
    let broken = Fault::of(FaultKind::ServerError).on_path("/v3/certificates");
    p.simulator.fault(broken);
    let clock = Arc::clone(&p.clock) as SharedClock;
    let config = PlatformConfig::testing(p.database.url.clone(), kek(), clock);
    let started = Platform::build(config).await.expect("the platform starts");
    let operations = started.operations();
    assert_eq!(
        refresh(operations).await,
        0,
        "no provider's could be fetched"
    );
    let api = Api::new(&started.api_url(), Some(&s.tenant.api_key));
    let order = s.tenant.order(100);
    api.place_order(&order).await.placed();
    // An account with WeChat's public key alone needs none.
    let api = Api::new(&started.api_url(), Some(&p.tenant.api_key));
    api.place_order(&p.tenant.order(100)).await.placed();
    // They are asked for again soon, and not at once.
    assert_eq!(refresh(operations).await, 0);
    p.simulator.clear_faults();
    let new = s.roll_over(p, HOUR_MS).await;
    p.clock.advance_millis(HOUR_MS / 4);
    assert_eq!(refresh(operations).await, 2);
    let mut both = known;
    both.insert(new);
    assert_eq!(s.trusted(p).await, both);
    started.shutdown().await.expect("an orderly stop");
}
