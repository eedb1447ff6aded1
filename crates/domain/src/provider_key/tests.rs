//! The life of a key, step by step, and when a person is told of its end.

use super::*;

const DAY: i64 = DAY_MS;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_790_000_000)
}

fn key(kind: KeyKind, state: KeyState) -> ProviderKey {
    ProviderKey {
        id: ProviderKeyId::new(now()),
        provider_id: ProviderId::new(now()),
        kind,
        state,
        serial: "AB".to_owned(),
        fingerprint: None,
        pem: None,
        not_before: None,
        not_after: None,
        added_at: now(),
        added_by: "somebody".to_owned(),
        approved_at: None,
        approved_by: None,
        changed_at: now(),
        counts: KeyCounts::default(),
        last_seen_at: None,
        warned_days: None,
    }
}

fn ending_in(days: i64, kind: KeyKind) -> ProviderKey {
    ProviderKey {
        not_after: Some(now().plus_millis(days * DAY)),
        ..key(kind, KeyState::Active)
    }
}

#[test]
fn a_key_goes_from_staged_to_retired_and_never_back_from_the_end() {
    let staged = key(KeyKind::MerchantCertificate, KeyState::Staged);
    let testing = staged.moved(KeyMove::Test, now()).unwrap();
    assert_eq!(testing.state, KeyState::Testing);
    let active = testing.moved(KeyMove::Activate, now()).unwrap();
    assert_eq!(active.moved(KeyMove::Test, now()).unwrap(), active);
    let retiring = active.moved(KeyMove::Replace, now()).unwrap();
    let back = retiring.moved(KeyMove::Activate, now()).unwrap();
    assert_eq!(back.state, KeyState::Active, "a switch can be taken back");
    let later = now().plus_millis(2 * DAY);
    let retired = retiring.moved(KeyMove::Retire, later).unwrap();
    assert_eq!(
        (retired.state, retired.changed_at),
        (KeyState::Retired, later)
    );
    for end in [KeyState::Retired, KeyState::Revoked] {
        let ended = key(KeyKind::MerchantCertificate, end);
        for to in [
            KeyMove::Test,
            KeyMove::Activate,
            KeyMove::Replace,
            KeyMove::Retire,
            KeyMove::Revoke,
        ] {
            assert_eq!(ended.moved(to, later), Err(KeyRefusal::State(end)));
        }
    }
    let refused = active.moved(KeyMove::Retire, later);
    assert_eq!(refused, Err(KeyRefusal::State(KeyState::Active)));
}

#[test]
fn a_key_that_was_of_use_today_does_not_retire() {
    let seen = |hours_ago: i64| ProviderKey {
        last_seen_at: Some(now().plus_millis(-hours_ago * 3_600_000)),
        changed_at: now().plus_millis(-3 * DAY),
        ..key(KeyKind::WechatPublicKey, KeyState::Retiring)
    };
    assert_eq!(seen(23).may_retire(now()), Err(KeyRefusal::StillInUse));
    assert_eq!(seen(25).may_retire(now()), Ok(()));
    let replaced_just_now = ProviderKey {
        changed_at: now(),
        ..seen(25)
    };
    assert_eq!(
        replaced_just_now.may_retire(now()),
        Err(KeyRefusal::StillInUse)
    );
}

#[test]
fn an_old_api_key_waits_for_late_notifications() {
    let replaced = |hours_ago: i64| ProviderKey {
        changed_at: now().plus_millis(-hours_ago * 3_600_000),
        ..key(KeyKind::ApiV3Key, KeyState::Retiring)
    };
    assert_eq!(
        replaced(47).may_retire(now()),
        Err(KeyRefusal::LateNotifications)
    );
    assert_eq!(replaced(48).may_retire(now()), Ok(()));
}

#[test]
fn an_expired_key_is_not_activated_and_needs_no_quiet_day_to_go() {
    let expired = ending_in(-1, KeyKind::MerchantCertificate);
    let staged = ProviderKey {
        state: KeyState::Staged,
        ..expired.clone()
    };
    assert_eq!(
        staged.moved(KeyMove::Activate, now()),
        Err(KeyRefusal::Expired)
    );
    let retiring = expired.moved(KeyMove::Replace, now()).unwrap();
    assert!(retiring.moved(KeyMove::Retire, now()).is_ok());
}

#[test]
fn each_warning_step_is_due_once() {
    let due = |days, kind| ending_in(days, kind).due_warning(now());
    for (days, step) in [
        (61, None),
        (60, Some(60)),
        (31, Some(60)),
        (30, Some(30)),
        (14, Some(14)),
        (7, Some(7)),
        (3, Some(3)),
        (1, Some(1)),
        (-5, Some(1)),
    ] {
        assert_eq!(due(days, KeyKind::MerchantCertificate), step, "{days}");
    }
    assert_eq!(due(180, KeyKind::PlatformCertificate), Some(180));
    assert_eq!(due(181, KeyKind::PlatformCertificate), None);
    let told = |warned| ProviderKey {
        warned_days: Some(warned),
        ..ending_in(20, KeyKind::MerchantCertificate)
    };
    assert_eq!(told(60).due_warning(now()), Some(30));
    assert_eq!(told(30).due_warning(now()), None);
    let retired = ProviderKey {
        state: KeyState::Retired,
        ..ending_in(1, KeyKind::MerchantCertificate)
    };
    assert_eq!(retired.due_warning(now()), None);
}

#[test]
fn in_live_mode_what_a_person_brings_needs_a_second_one() {
    for kind in KeyKind::ALL {
        let staged = key(*kind, KeyState::Staged);
        assert_eq!(staged.needs_approval(Mode::Live), kind.is_imported());
        assert!(!staged.needs_approval(Mode::Test));
    }
    // Taking a switch back is no new key.
    let retiring = key(KeyKind::MerchantCertificate, KeyState::Retiring);
    assert!(!retiring.needs_approval(Mode::Live));
}
