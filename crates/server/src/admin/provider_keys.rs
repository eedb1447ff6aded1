//! `tributary admin …`: the keys of a provider.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::merchant::Mchid;
use tributary_domain::provider_key::{KeyTest, KeyTestState, KeyTestStep, ProviderKey};
use tributary_domain::staff::Actor;
use tributary_operations::Operations;
use tributary_operations::provider_keys::KeyProof;
use tributary_operations::provider_keys::material::{MerchantFiles, NewKey};

use super::{read_bytes, read_line, read_secret};
use crate::cli::{
    ActivateKey, ImportKey, KeyKindName, KeyShares, MerchantKeyFiles, OfProvider, RetireKey,
    RevokeKey, TestKeys,
};

/// Between two looks for WeChat's callbacks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Reads a merchant's files; `owner` is the password that WeChat gives a `.p12`.
pub(super) fn merchant_files(
    files: &MerchantKeyFiles,
    owner: &Mchid,
) -> anyhow::Result<MerchantFiles> {
    let read = if let Some(file) = &files.p12_file {
        let password = match &files.p12_password_file {
            Some(file) => read_line(file)?,
            None => owner.to_string().into(),
        };
        MerchantFiles::from_p12(&read_bytes(file)?, &password)?
    } else {
        let Some(key) = &files.private_key_file else {
            bail!("name --private-key-file, or --p12-file");
        };
        let certificate = files.certificate_file.as_deref().map(read_secret);
        MerchantFiles {
            private_key: read_secret(key)?,
            certificate: certificate.transpose()?.map(|text| text.to_string()),
            serial: None,
        }
    };
    Ok(MerchantFiles {
        serial: files.merchant_serial.clone(),
        ..read
    })
}

pub(super) async fn import(
    operations: &Operations,
    by: &Actor,
    args: ImportKey,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let key_file = || args.key_file.as_deref().context("name --key-file");
    let new = match args.kind {
        KeyKindName::MerchantCertificate => {
            let providers = operations.list_providers().await?;
            let owner = providers.into_iter().find(|one| one.id == provider);
            let owner = owner.context("there is no such provider")?.sp_mchid;
            NewKey::MerchantCertificate(merchant_files(&args.merchant, &owner)?)
        }
        KeyKindName::ApiV3Key => NewKey::ApiV3Key(read_line(key_file()?)?),
        KeyKindName::V2Key => NewKey::V2Key(read_line(key_file()?)?),
        KeyKindName::WechatPublicKey => NewKey::WechatPublicKey {
            id: args.public_key_id.clone().context("name --public-key-id")?,
            pem: read_secret(key_file()?)?.to_string(),
        },
    };
    let key = operations.import_key(by, &provider, &new).await?;
    Ok(key_json(&key))
}

pub(super) async fn list(
    operations: &Operations,
    by: &Actor,
    args: OfProvider,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let keys = operations.provider_keys(by, &provider).await?;
    let tests = operations.key_tests(by, &provider).await?;
    Ok(json!({
        "keys": keys.iter().map(key_json).collect::<Vec<_>>(),
        "tests": tests.iter().map(test_json).collect::<Vec<_>>(),
    }))
}

/// Fails when a test is red, or when its callback did not come while this waited.
pub(super) async fn test(
    operations: &Operations,
    by: &Actor,
    args: TestKeys,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let begun = operations.test_keys(by, &provider).await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(args.wait_seconds.into());
    let mut seen = begun;
    while seen.iter().any(|test| test.state == KeyTestState::Waiting)
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(LOOK_EVERY).await;
        let newest = operations.key_tests(by, &provider).await?;
        for test in &mut seen {
            if let Some(now) = newest.iter().find(|one| one.id == test.id) {
                test.clone_from(now);
            }
        }
    }
    // This process ends now, and with it what it counted.
    operations.write_key_usage().await?;
    operations.write_upstream_calls().await?;
    let wrong: Vec<String> = seen.iter().filter_map(complaint).collect();
    if !wrong.is_empty() {
        bail!("the self-test is not green: {}", wrong.join("; "));
    }
    Ok(json!({ "tests": seen.iter().map(test_json).collect::<Vec<_>>() }))
}

/// What is wrong with a test, in one line.
fn complaint(test: &KeyTest) -> Option<String> {
    let mode = test.key_mode.as_str();
    match test.state {
        KeyTestState::Green => None,
        KeyTestState::Waiting => Some(format!("{mode} waits for WeChat's callback")),
        KeyTestState::Red => {
            let step = test.failed_step.map_or("unknown", KeyTestStep::as_str);
            let detail = test.detail.as_deref().unwrap_or_default();
            Some(format!("{mode} failed at {step}: {detail}"))
        }
    }
}

pub(super) async fn activate(
    operations: &Operations,
    by: &Actor,
    args: ActivateKey,
) -> anyhow::Result<Value> {
    let key: ProviderKeyId = args.key.parse().context("key")?;
    let proof = match args.untested_because {
        Some(reason) => KeyProof::Waived { reason },
        None => KeyProof::SelfTest,
    };
    let approver = args.approved_by.as_deref().map(Actor::operator);
    let active = operations.activate_key(by, &key, &proof, approver.as_ref());
    Ok(key_json(&active.await?))
}

pub(super) async fn retire(
    operations: &Operations,
    by: &Actor,
    args: RetireKey,
) -> anyhow::Result<Value> {
    let key: ProviderKeyId = args.key.parse().context("key")?;
    Ok(key_json(&operations.retire_key(by, &key).await?))
}

pub(super) async fn revoke(
    operations: &Operations,
    by: &Actor,
    args: RevokeKey,
) -> anyhow::Result<Value> {
    let key: ProviderKeyId = args.key.parse().context("key")?;
    let revoked = operations.revoke_key(by, &key, &args.reason).await?;
    Ok(key_json(&revoked))
}

pub(super) async fn prefer_public_key(
    operations: &Operations,
    by: &Actor,
    args: OfProvider,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let preferred = operations.prefer_public_key(by, &provider).await?;
    Ok(json!({ "provider_id": provider, "preferred_serial": preferred.serial }))
}

pub(super) async fn roll_back(
    operations: &Operations,
    by: &Actor,
    args: OfProvider,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let preferred = operations.prefer_certificate(by, &provider).await?;
    Ok(json!({ "provider_id": provider, "preferred_serial": preferred.serial }))
}

pub(super) async fn shares(
    operations: &Operations,
    by: &Actor,
    args: KeyShares,
) -> anyhow::Result<Value> {
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let shares = operations.key_shares(by, &provider, args.hours).await?;
    let shown: Vec<Value> = shares
        .iter()
        .map(|share| {
            json!({
                "purpose": share.purpose,
                "serial": share.serial,
                "passed": share.passed,
                "failed": share.failed,
                "permille": share.permille,
            })
        })
        .collect();
    Ok(json!({ "key_shares": shown }))
}

fn key_json(key: &ProviderKey) -> Value {
    json!({
        "key_id": key.id,
        "provider_id": key.provider_id,
        "kind": key.kind,
        "state": key.state,
        "serial": key.serial,
        "fingerprint": key.fingerprint,
        "not_before": key.not_before.map(Timestamp::to_rfc3339),
        "not_after": key.not_after.map(Timestamp::to_rfc3339),
        "added_at": key.added_at.to_rfc3339(),
        "added_by": key.added_by,
        "approved_at": key.approved_at.map(Timestamp::to_rfc3339),
        "approved_by": key.approved_by,
        "signed": key.counts.signed,
        "verified": key.counts.verified,
        "failed": key.counts.failed,
        "last_seen_at": key.last_seen_at.map(Timestamp::to_rfc3339),
    })
}

fn test_json(test: &KeyTest) -> Value {
    json!({
        "test_id": test.id,
        "key_mode": test.key_mode,
        "state": test.state,
        "failed_step": test.failed_step,
        "detail": test.detail,
        "merchant_key": test.merchant_key,
        "platform_key": test.platform_key,
        "api_key": test.api_key,
        "started_at": test.started_at.to_rfc3339(),
        "finished_at": test.finished_at.map(Timestamp::to_rfc3339),
    })
}
