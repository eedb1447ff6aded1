//! Adding a provider with its first keys.

use rand::Rng as _;
use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_domain::field::FieldError;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::merchant::{AppId, Mchid, Provider};
use tributary_domain::provider_key::{KeyCounts, KeyState, ProviderKey};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::Mode;
use tributary_storage::provider_keys::SealedSecret;
use tributary_storage::providers::{self, StoredProvider};
use url::Url;
use zeroize::Zeroizing;

use super::open::{API_V3_KEY, PRIVATE_KEY, held_place};
use crate::provider_keys::acts;
use crate::provider_keys::material::{CheckedKey, MerchantFiles, NewKey};
use crate::staff::StaffCaller;
use crate::tenants::check_name;
use crate::{OperationError, Operations};

const ROUTE_TOKEN_BYTES: usize = 16;
const PRODUCTION_API: &str = "https://api.mch.weixin.qq.com";
const PRODUCTION_BACKUP_API: &str = "https://api2.mch.weixin.qq.com";
const PRODUCTION_LOGIN: &str = "https://api.weixin.qq.com";

/// A provider to be added, with its secrets in the clear.
pub struct NewProvider {
    /// What a person calls it.
    pub name: String,
    /// Its merchant number.
    pub sp_mchid: Mchid,
    /// Its app id.
    pub sp_appid: AppId,
    /// Whether it talks to WeChat or to a simulator.
    pub mode: Mode,
    /// Where its calls go; absent means WeChat's own hosts.
    pub api_url: Option<String>,
    /// Where a failed call goes a second time.
    pub backup_api_url: Option<String>,
    /// Where mini-program logins go; absent means WeChat's own host.
    pub login_url: Option<String>,
    /// Its private key with what belongs to it.
    pub merchant: MerchantFiles,
    /// Its APIv3 key.
    pub api_v3_key: Zeroizing<String>,
    /// WeChat's public key with its id; absent when the provider uses platform certificates.
    pub public_key: Option<(String, String)>,
}

impl std::fmt::Debug for NewProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProvider")
            .field("sp_mchid", &self.sp_mchid)
            .finish_non_exhaustive()
    }
}

/// The first keys of a provider, checked.
struct FirstKeys {
    merchant: CheckedKey,
    api_v3: CheckedKey,
    public: Option<CheckedKey>,
}

impl Operations {
    /// Adds a provider; its keys are checked, then sealed, and in use at once: nothing hangs on them yet.
    pub async fn create_provider(
        &self,
        by: &Actor,
        new: NewProvider,
    ) -> Result<Provider, OperationError> {
        self.add_provider(by, new, KeyState::Active).await
    }

    /// Adds a provider for a person who is signed in. Needs [`Permission::ProviderWrite`], [`Permission::KeyImport`] and a
    /// fresh proof.
    ///
    /// In live mode its keys are staged: each is approved by a second person and activated before it is used, and calls
    /// go to WeChat's own hosts. In test mode they are in use at once.
    pub async fn create_provider_as(
        &self,
        caller: &StaffCaller,
        new: NewProvider,
    ) -> Result<Provider, OperationError> {
        caller.require(Permission::ProviderWrite)?;
        caller.require(Permission::KeyImport)?;
        caller.require_proof()?;
        check_hosts(&new)?;
        let state = match new.mode {
            Mode::Live => KeyState::Staged,
            Mode::Test => KeyState::Active,
        };
        self.add_provider(&caller.actor(), new, state).await
    }

    async fn add_provider(
        &self,
        by: &Actor,
        new: NewProvider,
        state: KeyState,
    ) -> Result<Provider, OperationError> {
        check_name(&new.name)?;
        let now = self.now();
        let keys = check_keys(&new, now)?;
        let provider = provider_of(&new, now);
        let stored = self.seal_provider(&provider, &keys, now).await?;
        let tx = self.storage().begin().await?;
        match providers::insert(&tx, &stored).await {
            Err(error) if error.is_duplicate() => {
                return Err(OperationError::invalid(
                    "/sp_mchid",
                    "is taken in this mode",
                ));
            }
            other => other?,
        }
        let places = [
            (&keys.merchant, SealedSecret::HeldIn(PRIVATE_KEY.to_owned())),
            (&keys.api_v3, SealedSecret::HeldIn(API_V3_KEY.to_owned())),
        ];
        let public = keys.public.iter().map(|key| (key, SealedSecret::None));
        let created =
            json!({ "name": provider.name, "mode": provider.mode, "sp_mchid": provider.sp_mchid });
        let act = (&provider.id, "provider.created");
        acts::record_about_provider(&tx, by, act, (Value::Null, created), now).await?;
        for (checked, secret) in places.into_iter().chain(public) {
            let key = ProviderKey {
                state,
                ..checked.to_key(&provider.id, by, now)
            };
            acts::insert(&tx, by, (key, secret), now).await?;
        }
        tx.commit().await?;
        Ok(provider)
    }

    /// The first keys stay in the provider's own row, where they were before there were rings.
    async fn seal_provider(
        &self,
        provider: &Provider,
        keys: &FirstKeys,
        now: Timestamp,
    ) -> Result<StoredProvider, OperationError> {
        let row = provider.id.as_str();
        let sealed = async |column: &str, key: &CheckedKey| {
            let secret = key.secret.as_deref().map(String::as_bytes);
            let place = held_place(column, row);
            let secret = secret.unwrap_or_default();
            self.sealing()
                .seal(self.storage(), row, &place, secret, now)
                .await
        };
        Ok(StoredProvider {
            provider: provider.clone(),
            merchant_serial: keys.merchant.serial.clone(),
            preferred_serial: keys.public.as_ref().map(|key| key.serial.clone()),
            keys_version: 1,
            merchant_private_key: sealed(PRIVATE_KEY, &keys.merchant).await?,
            api_v3_key: sealed(API_V3_KEY, &keys.api_v3).await?,
            api_v3_key_previous: None,
        })
    }
}

fn provider_of(new: &NewProvider, now: Timestamp) -> Provider {
    let or =
        |url: &Option<String>, default: &str| url.clone().unwrap_or_else(|| default.to_owned());
    Provider {
        id: ProviderId::new(now),
        name: new.name.clone(),
        sp_mchid: new.sp_mchid.clone(),
        sp_appid: new.sp_appid.clone(),
        mode: new.mode,
        api_url: or(&new.api_url, PRODUCTION_API),
        backup_api_url: match &new.api_url {
            Some(_) => new.backup_api_url.clone(),
            None => Some(PRODUCTION_BACKUP_API.to_owned()),
        },
        login_url: or(&new.login_url, PRODUCTION_LOGIN),
        route_token: new_route_token(),
        created_at: now,
    }
}

/// Live keys sign for WeChat alone; a provider for tests names the simulator that it talks to.
fn check_hosts(new: &NewProvider) -> Result<(), OperationError> {
    let given = [
        ("/api_url", &new.api_url),
        ("/backup_api_url", &new.backup_api_url),
        ("/login_url", &new.login_url),
    ];
    if new.mode == Mode::Live {
        let named = given.into_iter().find(|(_, url)| url.is_some());
        return named.map_or(Ok(()), |(field, _)| {
            let reason = "is for test mode; live calls go to WeChat";
            Err(OperationError::invalid(field, reason))
        });
    }
    if new.api_url.is_none() {
        return Err(OperationError::invalid(
            "/api_url",
            "is needed in test mode",
        ));
    }
    // Keys of a provider for tests are in use without a second person.
    let wechats = |url: &&Option<String>| url.as_deref().is_some_and(is_wechats);
    match given.into_iter().find(|(_, url)| wechats(url)) {
        Some((field, _)) => Err(OperationError::invalid(field, "is WeChat's own host")),
        None => Ok(()),
    }
}

/// Whether a URL leads to WeChat itself, where money is real.
pub(crate) fn is_wechats(url: &str) -> bool {
    const DOMAINS: [&str; 3] = ["weixin.qq.com", "wechatpay.cn", "tenpay.com"];
    let Some(host) = Url::parse(url).ok().and_then(|url| {
        url.host_str()
            .map(|host| host.trim_end_matches('.').to_ascii_lowercase())
    }) else {
        return false;
    };
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Says exactly what is wrong with everything before anything is kept.
fn check_keys(new: &NewProvider, now: Timestamp) -> Result<FirstKeys, OperationError> {
    let mut faults = Vec::new();
    let mut checked = |key: &NewKey| match key.check(&new.sp_mchid, now) {
        Ok(checked) => Some(checked),
        Err(found) => {
            faults.extend(found);
            None
        }
    };
    let merchant = checked(&NewKey::MerchantCertificate(new.merchant.clone()));
    let api_v3 = checked(&NewKey::ApiV3Key(new.api_v3_key.clone()));
    let public = new.public_key.clone().and_then(|(id, pem)| {
        let key = NewKey::WechatPublicKey { id, pem };
        checked(&key)
    });
    for (field, url) in [
        ("/api_url", &new.api_url),
        ("/backup_api_url", &new.backup_api_url),
        ("/login_url", &new.login_url),
    ] {
        let is_web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let wrong = |url: &str| !url.parse().is_ok_and(is_web);
        if url.as_deref().is_some_and(wrong) {
            faults.push(FieldError::new(field, "must be a URL"));
        }
    }
    match (merchant, api_v3) {
        (Some(merchant), Some(api_v3)) if faults.is_empty() => Ok(FirstKeys {
            merchant,
            api_v3,
            public,
        }),
        _ => Err(OperationError::Invalid(faults)),
    }
}

fn new_route_token() -> String {
    let mut bytes = [0u8; ROUTE_TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

impl CheckedKey {
    /// The key as the ring keeps it, staged.
    pub(crate) fn to_key(&self, provider: &ProviderId, by: &Actor, now: Timestamp) -> ProviderKey {
        ProviderKey {
            id: ProviderKeyId::new(now),
            provider_id: provider.clone(),
            kind: self.kind,
            state: KeyState::Staged,
            serial: self.serial.clone(),
            fingerprint: Some(self.fingerprint.clone()),
            pem: self.pem.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
            added_at: now,
            added_by: by.who().to_owned(),
            approved_at: None,
            approved_by: None,
            changed_at: now,
            counts: KeyCounts::default(),
            last_seen_at: None,
            warned_days: None,
        }
    }
}
