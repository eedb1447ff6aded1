//! The layers in their order, and every fault named at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;

use super::*;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tributary.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

const USABLE: [(&str, &str); 2] = [
    (
        "TRIBUTARY_KEK",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    ),
    ("TRIBUTARY_PUBLIC_URL", "https://pay.example.com"),
];

fn usable() -> Sources {
    Sources {
        environment: texts(&USABLE),
        ..Sources::default()
    }
}

#[test]
fn defaults_and_a_key_and_an_address_are_enough() {
    let config = Config::load(&usable()).unwrap();
    config.validate().unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.metrics_listen, None);
    assert!(!config.webhooks.allow_loopback);
}

#[test]
fn file_environment_and_flags_override_each_other_in_this_order() {
    let (_folder, path) =
        file_with("listen = '127.0.0.1:1'\n[database]\npool = 2\nurl = 'sqlite://a'\n");
    let mut sources = Sources {
        file: Some(path),
        ..usable()
    };
    assert_eq!(Config::load(&sources).unwrap().database.pool, 2);
    sources.environment.extend(texts(&[
        ("TRIBUTARY_DATABASE_POOL", "3"),
        ("TRIBUTARY_LISTEN", "127.0.0.1:2"),
    ]));
    sources.flags = texts(&[("listen", "127.0.0.1:3")]);
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.database.pool, 3);
    assert_eq!(config.database.url.expose(), "sqlite://a");
    assert_eq!(config.listen.port(), 3);
}

#[test]
fn limits_that_cannot_be_are_named_and_a_tenant_may_have_its_own() {
    let tenant = TenantId::new(Timestamp::from_seconds(1_790_000_000));
    let with = |pairs: &[(&str, &str)]| {
        let mut sources = usable();
        sources.environment.extend(texts(pairs));
        Config::load(&sources).unwrap()
    };
    let factors = format!("limits.tenant_factors = ['{tenant}=4']");
    let (_folder, path) = file_with(&factors);
    let sources = Sources {
        file: Some(path),
        ..usable()
    };
    let config = Config::load(&sources).unwrap();
    config.validate().unwrap();
    let factors = config.limits.to_limits().factors;
    assert_eq!(factors.get(&tenant), Some(&4));

    let broken = with(&[
        ("TRIBUTARY_LIMITS_WRITES_PER_SECOND", "0"),
        ("TRIBUTARY_LIMITS_READS_BURST", "100000"),
        ("TRIBUTARY_LIMITS_REQUESTS_AT_ONCE", "0"),
        ("TRIBUTARY_LIMITS_ROOM_WAIT_MS", "60000"),
    ]);
    let ConfigFaults(faults) = broken.validate().unwrap_err();
    for name in [
        "writes_per_second",
        "reads_burst",
        "requests_at_once",
        "room_wait_ms",
    ] {
        let named = |fault: &String| fault.contains(&format!("limits.{name}"));
        assert!(faults.iter().any(named), "{name}: {faults:?}");
    }
}

#[test]
fn every_unknown_name_and_every_wrong_type_is_reported_at_once() {
    let (_folder, path) = file_with("listne = 'x'\n[database]\npool = 'many'\n");
    let mut sources = Sources {
        file: Some(path),
        ..usable()
    };
    sources.environment.extend(texts(&[
        ("TRIBUTARY_TIMEOUTS_WEBHOOK_MS", "long"),
        ("TRIBUTARY_DATABSE_URL", "x"),
        ("TRIBUTARY_TEST_POSTGRES", "not ours to judge"),
    ]));
    let ConfigFaults(faults) = Config::load(&sources).unwrap_err();
    assert_eq!(faults.len(), 4, "{faults:?}");
    for part in [
        "listne",
        "database.pool must be of type integer",
        "TRIBUTARY_DATABSE_URL",
        "WEBHOOK_MS",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "{part}: {faults:?}"
        );
    }
}

#[test]
fn every_unusable_value_is_reported_at_once() {
    let sources = Sources {
        environment: texts(&[
            ("TRIBUTARY_PUBLIC_URL", "http://pay.example.com"),
            ("TRIBUTARY_DATABASE_URL", "mysql://x"),
            ("TRIBUTARY_DATABASE_POOL", "0"),
            ("TRIBUTARY_WEBHOOKS_ALLOWED_NETWORKS", "10.0.0.0/8, nowhere"),
            ("TRIBUTARY_TIMEOUTS_SHUTDOWN_MS", "0"),
        ]),
        ..Sources::default()
    };
    let ConfigFaults(faults) = Config::load(&sources).unwrap().validate().unwrap_err();
    assert_eq!(faults.len(), 6, "{faults:?}");
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("head -c 32 /dev/urandom"))
    );
}

#[test]
fn loopback_may_be_plain_http_and_nothing_else() {
    for (url, usable) in [
        ("http://127.0.0.1:8080", true),
        ("http://[::1]:8080", true),
        ("http://localhost", true),
        ("http://10.0.0.1", false),
        ("ftp://127.0.0.1", false),
        ("https://pay.example.com/?a=1", false),
        ("", false),
    ] {
        let mut sources = self::usable();
        sources
            .environment
            .extend(texts(&[("TRIBUTARY_PUBLIC_URL", url)]));
        let valid = Config::load(&sources).unwrap().validate().is_ok();
        assert_eq!(valid, usable, "{url}");
    }
}

#[test]
fn no_endpoint_may_lead_back_to_us() {
    let mut sources = usable();
    sources.environment.extend(texts(&[
        ("TRIBUTARY_PUBLIC_URL", "https://Pay.Example.com/base"),
        ("TRIBUTARY_WEBHOOKS_OWN_HOSTS", "console.example.com"),
    ]));
    let policy = Config::load(&sources).unwrap().address_policy();
    for (url, usable) in [
        ("https://pay.example.com/v1/orders", false),
        ("https://PAY.example.COM:8443/", false),
        ("https://console.example.com/", false),
        ("https://shop.example.com/", true),
    ] {
        assert_eq!(policy.check_url(url).is_ok(), usable, "{url}");
    }
}

#[test]
fn two_sources_of_the_key_are_refused() {
    let mut sources = usable();
    sources
        .environment
        .extend(texts(&[("TRIBUTARY_KEK_FILE", "/etc/kek")]));
    let ConfigFaults(faults) = Config::load(&sources).unwrap().validate().unwrap_err();
    assert!(faults[0].contains("more than one source"));
}

#[test]
fn what_is_shown_holds_no_password_and_reads_back() {
    let mut sources = usable();
    sources.environment.extend(texts(&[(
        "TRIBUTARY_DATABASE_URL",
        "postgres://app:hunter2@db/tributary?password=hunter2",
    )]));
    let config = Config::load(&sources).unwrap();
    let shown = config.to_redacted_toml();
    for secret in ["hunter2", USABLE[0].1] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!format!("{config:?}").contains(secret));
    }
    assert!(shown.contains("postgres://app:***@db/tributary"));
    let (_folder, path) = file_with(&shown);
    let again = Sources {
        file: Some(path),
        ..usable()
    };
    assert_eq!(
        Config::load(&again).unwrap().database.pool,
        config.database.pool
    );
}

#[test]
fn an_attempt_of_a_webhook_must_end_well_before_its_claim() {
    let with = |ms: &str| {
        let mut sources = usable();
        sources
            .environment
            .extend(texts(&[("TRIBUTARY_TIMEOUTS_WEBHOOK_MS", ms)]));
        Config::load(&sources).unwrap().validate()
    };
    with("30000").unwrap();
    let faults = with("30001").unwrap_err();
    assert_eq!(
        faults.0,
        ["timeouts.webhook_ms must lie between 1 and 30000"]
    );
}

#[test]
fn addresses_that_webhooks_come_from_are_told_and_checked() {
    let mut sources = usable();
    let name = "TRIBUTARY_WEBHOOKS_SOURCE_ADDRESSES".to_owned();
    let stated = "198.51.100.16/28, 2001:db8::7".to_owned();
    sources.environment.insert(name.clone(), stated);
    let config = Config::load(&sources).unwrap();
    config.validate().unwrap();
    let told: Vec<String> = config
        .source_addresses()
        .iter()
        .map(Network::to_string)
        .collect();
    assert_eq!(told, ["198.51.100.16/28", "2001:db8::7/128"]);
    assert!(
        config
            .to_redacted_toml()
            .contains("source_addresses = [\"198.51.100.16/28\"")
    );
    sources.environment.insert(name, "our-office".to_owned());
    let faults = Config::load(&sources).unwrap().validate().unwrap_err();
    assert!(
        faults.0[0].contains("webhooks.source_addresses"),
        "{faults}"
    );
}

#[test]
fn a_second_key_that_only_opens_has_one_source_and_is_never_shown() {
    let mut sources = usable();
    let second = "cc".repeat(32);
    sources
        .environment
        .insert("TRIBUTARY_KEK_ALSO".to_owned(), second.clone());
    let config = Config::load(&sources).unwrap();
    config.validate().unwrap();
    let shown = config.to_redacted_toml();
    assert!(shown.contains("# TRIBUTARY_KEK_ALSO is set"));
    assert!(!shown.contains(&second) && !format!("{config:?}").contains(&second));
    sources
        .environment
        .extend(texts(&[("TRIBUTARY_KEK_ALSO_FILE", "/etc/kek")]));
    let faults = Config::load(&sources).unwrap().validate().unwrap_err();
    assert_eq!(faults.0.len(), 1, "{faults}");
    assert!(faults.0[0].contains("second key-encryption key"));
}
