//! The demo at its first start: a provider at the simulated WeChat Pay and here, a tenant, what it needs to be paid.

use anyhow::bail;
use tributary_domain::ids::{ProviderId, TenantId};
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::ApiKeyWish;
use tributary_operations::endpoints::{EndpointPatch, NewEndpoint};
use tributary_operations::pages::LIMIT_MAX;
use wechatpay_sim::{
    KeyMode, NewApp, NewOpenid, NewSubMerchant, OpenidOf, RefundPolicy, RefundResult, SimHandle,
};

use super::facts::{DevFacts, ProviderFacts};
use crate::simulated;

/// Refunds of the demo arrive by themselves, as those of small amounts do within minutes.
const DEMO_REFUNDS: RefundPolicy = RefundPolicy {
    result: RefundResult::Success,
    after_ms: 3_000,
};

/// Where the parts of the demo are.
pub(super) struct Addresses {
    pub(super) api: String,
    pub(super) simulator: String,
    /// Where the simulator is WeChat's backup host.
    pub(super) backup: Option<String>,
    pub(super) receiver: String,
}

/// Creates everything and answers the facts.
pub(super) async fn create(
    operations: &Operations,
    simulator: &SimHandle,
    at: &Addresses,
) -> anyhow::Result<DevFacts> {
    let keys = simulator
        .provider(wechatpay_sim::NewProvider {
            name: Some("Demo provider".to_owned()),
            key_mode: Some(KeyMode::PublicKey),
            refund_policy: Some(DEMO_REFUNDS),
            ..wechatpay_sim::NewProvider::default()
        })
        .await?;
    let backup = at.backup.clone();
    let provider =
        simulated::adopt_provider_with_backup(operations, &keys, &at.simulator, backup).await?;
    let tenant = operations
        .create_tenant(&Actor::system("dev"), "Demo tenant")
        .await?;
    let (sub_mchid, sub_appid, demo_openid) = create_sub_merchant(
        operations,
        simulator,
        &keys.sp_mchid,
        (&tenant.id, &provider),
    )
    .await?;
    let key = operations
        .create_api_key(
            &Actor::system("dev"),
            &tenant.id,
            ApiKeyWish::new(Mode::Test, "demo", Scope::ALL.to_vec()),
        )
        .await?;
    let api_key = key.secret.reveal().to_owned();
    let webhook_secret = register_receiver(operations, &api_key, &at.receiver).await?;
    Ok(DevFacts {
        api_url: at.api.clone(),
        admin_url: format!("{}/admin/", at.api),
        docs_url: format!("{}/docs", at.api),
        sim_url: at.simulator.clone(),
        sim_backup_url: at.backup.clone(),
        tenant_id: tenant.id.to_string(),
        api_key,
        sub_mchid,
        sub_appid,
        demo_openid,
        webhook_secret,
        receiver_url: at.receiver.clone(),
        owner: None,
        provider: ProviderFacts {
            sp_mchid: keys.sp_mchid,
            sp_appid: keys.sp_appid,
            merchant_serial: keys.merchant_serial,
            merchant_private_key_pem: keys.merchant_private_key_pem.unwrap_or_default(),
            api_v3_key: keys.api_v3_key,
            wechatpay_public_key_id: keys.wechatpay_public_key_id,
            wechatpay_public_key_pem: keys.wechatpay_public_key_pem,
        },
    })
}

async fn create_sub_merchant(
    operations: &Operations,
    simulator: &SimHandle,
    sp_mchid: &str,
    (tenant, provider): (&TenantId, &ProviderId),
) -> anyhow::Result<(String, String, String)> {
    let appid = format!("wx{}", hex::encode(rand::random::<[u8; 8]>()));
    let secret = hex::encode(rand::random::<[u8; 16]>());
    let openid = format!("o{}", hex::encode(rand::random::<[u8; 13]>()));
    let made = simulator.sub_merchant(NewSubMerchant {
        sp_mchid: sp_mchid.to_owned(),
        sub_mchid: None,
        name: Some("支流茶馆 Tributary Teahouse".to_owned()),
        sub_appids: vec![NewApp {
            appid: appid.clone(),
            secret: Some(secret.clone()),
        }],
        openids: vec![OpenidOf::OfApp(NewOpenid {
            appid: appid.clone(),
            openid: Some(openid.clone()),
        })],
    })?;
    let sub_mchid = Mchid::parse(&made.sub_mchid)?;
    let merchant = operations
        .create_sub_merchant(
            &Actor::system("dev"),
            tenant,
            provider,
            &sub_mchid,
            "Tributary Teahouse",
        )
        .await?;
    operations
        .add_sub_app(
            &Actor::system("dev"),
            &merchant,
            &AppId::parse(&appid)?,
            SubAppKind::MiniProgram,
            Some(&secret),
        )
        .await?;
    Ok((made.sub_mchid, appid, openid))
}

/// Continues an earlier demo, whose parts may have moved to other addresses.
pub(super) async fn resume(
    operations: &Operations,
    earlier: DevFacts,
    at: &Addresses,
) -> anyhow::Result<DevFacts> {
    if earlier.sim_url != at.simulator {
        bail!(
            "this data folder belongs to a simulated WeChat Pay at {}: start with that \
             TRIBUTARY_SIM_LISTEN, or with another --data-dir",
            earlier.sim_url
        );
    }
    if earlier.sim_backup_url != at.backup {
        bail!(
            "this data folder belongs to a simulated WeChat Pay whose backup host is at {}: start with that \
             TRIBUTARY_SIM_BACKUP_LISTEN, or with another --data-dir",
            earlier.sim_backup_url.as_deref().unwrap_or("no address")
        );
    }
    if earlier.receiver_url != at.receiver {
        move_receiver(operations, &earlier, &at.receiver).await?;
    }
    Ok(DevFacts {
        api_url: at.api.clone(),
        admin_url: format!("{}/admin/", at.api),
        docs_url: format!("{}/docs", at.api),
        receiver_url: at.receiver.clone(),
        ..earlier
    })
}

/// Registers the demo receiver for everything, and answers the secret.
async fn register_receiver(
    operations: &Operations,
    api_key: &str,
    receiver_url: &str,
) -> anyhow::Result<String> {
    let caller = operations.authenticate(api_key, None).await?;
    let endpoint = NewEndpoint {
        url: webhook_url(receiver_url),
        description: "The demo's own receiver".to_owned(),
        filters: vec!["*".to_owned()],
        ..NewEndpoint::default()
    };
    let (_, secret) = operations.create_endpoint(&caller, endpoint).await?;
    Ok(secret.text().to_owned())
}

async fn move_receiver(
    operations: &Operations,
    earlier: &DevFacts,
    receiver_url: &str,
) -> anyhow::Result<()> {
    let caller = operations.authenticate(&earlier.api_key, None).await?;
    let known = webhook_url(&earlier.receiver_url);
    let page = operations.list_endpoints(&caller, None, LIMIT_MAX).await?;
    let Some(endpoint) = page.items.iter().find(|endpoint| endpoint.url == known) else {
        // The tenant removed it; that is the tenant's to decide.
        return Ok(());
    };
    let patch = EndpointPatch {
        url: Some(webhook_url(receiver_url)),
        ..EndpointPatch::default()
    };
    operations
        .update_endpoint(&caller, &endpoint.id.parse()?, patch)
        .await?;
    Ok(())
}

fn webhook_url(receiver_url: &str) -> String {
    format!("{receiver_url}/webhooks")
}
