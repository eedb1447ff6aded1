//! Makes a provider of a simulated WeChat Pay known to the platform: for the demo, and for tests.

use anyhow::Context;
use tributary_domain::ids::ProviderId;
use tributary_domain::merchant::{AppId, Mchid};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::Mode;
use tributary_operations::Operations;
use tributary_operations::provider_keys::material::MerchantFiles;
use tributary_operations::providers::NewProvider;
use wechatpay_sim::{KeyMode, ProviderKeys};
use zeroize::Zeroizing;

/// Adds the provider with the keys that the simulator made for it.
pub async fn adopt_provider(
    operations: &Operations,
    keys: &ProviderKeys,
    sim_url: &str,
) -> anyhow::Result<ProviderId> {
    adopt_provider_with_backup(operations, keys, sim_url, None).await
}

/// The same where the simulator may have a backup host.
pub async fn adopt_provider_with_backup(
    operations: &Operations,
    keys: &ProviderKeys,
    sim_url: &str,
    backup_url: Option<String>,
) -> anyhow::Result<ProviderId> {
    let new = new_provider(keys, sim_url, backup_url)?;
    let provider = operations
        .create_provider(&Actor::system("dev"), new)
        .await?;
    Ok(provider.id)
}

/// A provider to be, with the keys that the simulator made for it.
pub(crate) fn new_provider(
    keys: &ProviderKeys,
    sim_url: &str,
    backup_url: Option<String>,
) -> anyhow::Result<NewProvider> {
    let private_key = keys.merchant_private_key_pem.clone();
    let public_key = match keys.key_mode {
        KeyMode::Certificate => None,
        _ => Some((
            keys.wechatpay_public_key_id.clone(),
            keys.wechatpay_public_key_pem.clone(),
        )),
    };
    Ok(NewProvider {
        name: format!("Simulated {}", keys.sp_mchid),
        sp_mchid: Mchid::parse(&keys.sp_mchid)?,
        sp_appid: AppId::parse(&keys.sp_appid)?,
        mode: Mode::Test,
        api_url: Some(sim_url.to_owned()),
        backup_api_url: backup_url,
        login_url: Some(sim_url.to_owned()),
        merchant: MerchantFiles {
            private_key: Zeroizing::new(private_key.context("the simulator made no private key")?),
            // Its clock may stand anywhere, so that its validity says nothing.
            certificate: None,
            serial: Some(keys.merchant_serial.clone()),
        },
        api_v3_key: Zeroizing::new(keys.api_v3_key.clone()),
        public_key,
    })
}
