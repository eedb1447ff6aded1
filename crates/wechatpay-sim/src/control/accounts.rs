//! Creating and changing providers, sub-merchants, apps and users.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{
    ChangeProvider, ChangeSubMerchant, ControlError, Controlled, NewApp, NewOpenid, NewProvider,
    NewSubMerchant, OpenidOf, ProviderKeys, SubMerchantRefunds, SubMerchantView,
};
use crate::{
    core::Core,
    ledger::SubMerchant,
    providers::{
        KeyMode, MerchantKeyRecord, Provider, ProviderRecord,
        keys::{self, PlatformCertificate},
    },
};

impl Core {
    /// Creates a provider and whatever was not given; slow, for it makes RSA keys.
    pub(crate) fn create_provider(&self, wish: NewProvider) -> Controlled<ProviderKeys> {
        let now_ms = self.clock.business_ms();
        let sp_mchid = {
            let mut ledger = self.ledger();
            let sp_mchid = wish
                .sp_mchid
                .unwrap_or_else(|| ledger.ids.merchant_number());
            if ledger.provider(&sp_mchid).is_some() {
                return Err(ControlError::Conflict(format!(
                    "provider {sp_mchid} exists"
                )));
            }
            sp_mchid
        };
        let merchant = self.merchant_key(
            &sp_mchid,
            wish.merchant_public_key_pem,
            wish.merchant_certificate_pem,
            wish.serial,
        )?;
        let sp_appid = wish.sp_appid.unwrap_or_else(|| self.ledger().ids.appid());
        let draw = self.ledger().ids.next();
        let record = ProviderRecord {
            name: wish.name.unwrap_or_else(|| format!("服务商{sp_mchid}")),
            sp_appids: vec![sp_appid.clone()],
            merchant_keys: vec![merchant.record],
            api_v3_key: wish.api_v3_key.unwrap_or_else(|| self.ledger().ids.nonce()),
            key_mode: wish.key_mode.unwrap_or(KeyMode::Certificate),
            callback_permille: permille(wish.callback_percentage)?.unwrap_or_default(),
            public_key: keys::named(
                keys::public_key_id(&sp_mchid, draw),
                self.key_pairs.take().map_err(invalid)?,
            ),
            certificates: vec![self.issue_certificate(now_ms)?],
            refund_policy: wish.refund_policy,
            sp_mchid,
        };
        let provider = Provider::from_record(record).map_err(invalid)?;
        let mut ledger = self.ledger();
        let mut app = ledger.app(&sp_appid).cloned().unwrap_or_default();
        if let Some(secret) = wish.sp_app_secret {
            app.secret = secret;
        } else if app.secret.is_empty() {
            app.secret = ledger.ids.nonce();
        }
        app.openids.extend(wish.openids);
        ledger.keep_app(&sp_appid, app);
        let answer = provider_keys(
            &provider,
            &ledger
                .app(&sp_appid)
                .map(|app| app.secret.clone())
                .unwrap_or_default(),
        );
        ledger.keep_provider(Arc::new(provider));
        Ok(ProviderKeys {
            merchant_private_key_pem: merchant.private_key_pem,
            merchant_certificate_pem: merchant.certificate_pem,
            ..answer
        })
    }

    /// Changes the key mode, keys or certificates of a provider.
    pub(crate) fn change_provider(
        &self,
        sp_mchid: &str,
        change: ChangeProvider,
    ) -> Controlled<ProviderKeys> {
        let now_ms = self.clock.business_ms();
        let mut record = self.known_provider(sp_mchid)?.record().clone();
        record.key_mode = change.key_mode.unwrap_or(record.key_mode);
        if let Some(permille) = permille(change.callback_percentage)? {
            record.callback_permille = permille;
        }
        record.refund_policy = change.refund_policy.unwrap_or(record.refund_policy);
        record.api_v3_key = change.api_v3_key.unwrap_or(record.api_v3_key);
        if change.merchant_public_key_pem.is_some() || change.merchant_certificate_pem.is_some() {
            let key = self.merchant_key(
                sp_mchid,
                change.merchant_public_key_pem,
                change.merchant_certificate_pem,
                change.serial,
            )?;
            record.merchant_keys.push(key.record);
        }
        if let Some(voided) = &change.void_serial {
            record.merchant_keys.retain(|key| &key.serial != voided);
        }
        if let Some(after_ms) = change.rotate_platform_certificate_after_ms {
            record
                .certificates
                .push(self.issue_certificate(now_ms.saturating_add(after_ms))?);
        }
        let provider = Provider::from_record(record).map_err(invalid)?;
        let mut ledger = self.ledger();
        let secret = provider
            .record()
            .sp_appids
            .first()
            .and_then(|appid| ledger.app(appid));
        let answer = provider_keys(
            &provider,
            &secret.map(|app| app.secret.clone()).unwrap_or_default(),
        );
        ledger.keep_provider(Arc::new(provider));
        Ok(answer)
    }

    /// Providers by their numbers and public parts.
    pub(crate) fn describe_providers(&self) -> Value {
        let ledger = self.ledger();
        let providers: Vec<Value> = ledger
            .providers()
            .map(|provider| {
                let record = provider.record();
                json!({
                    "sp_mchid": record.sp_mchid,
                    "name": record.name,
                    "sp_appids": record.sp_appids,
                    "merchant_serials":
                        record.merchant_keys.iter().map(|key| &key.serial).collect::<Vec<_>>(),
                    "key_mode": record.key_mode,
                    "wechatpay_public_key_id": record.public_key.serial,
                    "platform_serials":
                        record.certificates.iter().map(|c| &c.key.serial).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"providers": providers})
    }

    /// Creates a sub-merchant, or adds to it.
    pub(crate) fn create_sub_merchant(&self, wish: NewSubMerchant) -> Controlled<SubMerchantView> {
        self.known_provider(&wish.sp_mchid)?;
        let mut ledger = self.ledger();
        let sub_mchid = wish
            .sub_mchid
            .unwrap_or_else(|| ledger.ids.merchant_number());
        let known = ledger.sub_merchant(&wish.sp_mchid, &sub_mchid).cloned();
        let mut sub_merchant = known.unwrap_or_else(|| SubMerchant {
            sp_mchid: wish.sp_mchid.clone(),
            name: format!("商户{sub_mchid}"),
            sub_mchid,
            sub_appids: BTreeSet::new(),
            refund_balance: None,
            refunds_forbidden: false,
            refund_policy: None,
        });
        sub_merchant.name = wish.name.unwrap_or(sub_merchant.name);
        let first_appid = wish.sub_appids.first().map(|app| app.appid.clone());
        for wanted in wish.sub_appids {
            let mut app = ledger.app(&wanted.appid).cloned().unwrap_or_default();
            if let Some(secret) = wanted.secret {
                app.secret = secret;
            } else if app.secret.is_empty() {
                app.secret = ledger.ids.nonce();
            }
            ledger.keep_app(&wanted.appid, app);
            sub_merchant.sub_appids.insert(wanted.appid);
        }
        let default_app = first_appid.or_else(|| sub_merchant.sub_appids.first().cloned());
        for user in wish.openids {
            match (user, &default_app) {
                (OpenidOf::OfApp(NewOpenid { appid, openid }), _) => {
                    let openid = openid.unwrap_or_else(|| ledger.ids.openid());
                    ledger.add_openid(&appid, &openid);
                }
                (OpenidOf::Plain(openid), Some(appid)) => ledger.add_openid(appid, &openid),
                (OpenidOf::Plain(_), None) => {
                    let problem = "openids need an app: name sub_appids, or {appid, openid}";
                    return Err(ControlError::Invalid(problem.to_owned()));
                }
            }
        }
        let secret_of = |appid: &String| ledger.app(appid).map(|app| app.secret.clone());
        let sub_appids = sub_merchant
            .sub_appids
            .iter()
            .map(|appid| NewApp {
                appid: appid.clone(),
                secret: secret_of(appid),
            })
            .collect();
        let view = SubMerchantView {
            sp_mchid: sub_merchant.sp_mchid.clone(),
            sub_mchid: sub_merchant.sub_mchid.clone(),
            name: sub_merchant.name.clone(),
            sub_appids,
        };
        ledger.keep_sub_merchant(sub_merchant);
        Ok(view)
    }

    /// Changes how a sub-merchant's refunds go.
    pub(crate) fn change_sub_merchant(
        &self,
        sub_mchid: &str,
        change: &ChangeSubMerchant,
    ) -> Controlled<SubMerchantRefunds> {
        if let Some(Some(..0)) = change.refund_balance {
            let problem = "refund_balance is not negative";
            return Err(ControlError::Invalid(problem.to_owned()));
        }
        let mut ledger = self.ledger();
        let found = ledger
            .sub_merchants()
            .filter(|known| known.sub_mchid == sub_mchid)
            .filter(|known| {
                change
                    .sp_mchid
                    .as_ref()
                    .is_none_or(|sp| *sp == known.sp_mchid)
            })
            .min_by(|one, other| one.sp_mchid.cmp(&other.sp_mchid));
        let mut sub_merchant = found
            .cloned()
            .ok_or_else(|| ControlError::NotFound(format!("no sub-merchant {sub_mchid}")))?;
        if let Some(balance) = change.refund_balance {
            sub_merchant.refund_balance = balance;
        }
        if let Some(permitted) = change.refunds_permitted {
            sub_merchant.refunds_forbidden = !permitted;
        }
        if let Some(policy) = change.refund_policy {
            sub_merchant.refund_policy = policy;
        }
        ledger.keep_sub_merchant(sub_merchant.clone());
        Ok(SubMerchantRefunds {
            sp_mchid: sub_merchant.sp_mchid,
            sub_mchid: sub_merchant.sub_mchid,
            refund_balance: sub_merchant.refund_balance,
            refunds_permitted: !sub_merchant.refunds_forbidden,
            refund_policy: sub_merchant.refund_policy,
        })
    }

    /// Makes a user known, without a login.
    pub(crate) fn register_openid(&self, wish: NewOpenid) -> Value {
        let mut ledger = self.ledger();
        let openid = wish.openid.unwrap_or_else(|| ledger.ids.openid());
        ledger.add_openid(&wish.appid, &openid);
        json!({"appid": wish.appid, "openid": openid})
    }

    fn known_provider(&self, sp_mchid: &str) -> Controlled<Arc<Provider>> {
        self.ledger()
            .provider(sp_mchid)
            .ok_or_else(|| ControlError::NotFound(format!("no provider {sp_mchid}")))
    }

    fn draws(&self) -> [u64; 3] {
        let mut ledger = self.ledger();
        [ledger.ids.next(), ledger.ids.next(), ledger.ids.next()]
    }

    fn issue_certificate(&self, effective_ms: i64) -> Controlled<PlatformCertificate> {
        let now_ms = self.clock.business_ms();
        let pair = self.key_pairs.take().map_err(invalid)?;
        keys::issue_platform_certificate(pair, self.draws(), now_ms, effective_ms).map_err(invalid)
    }

    /// Takes the key that was given, or makes one with its certificate.
    fn merchant_key(
        &self,
        sp_mchid: &str,
        public_key_pem: Option<String>,
        certificate_pem: Option<String>,
        serial: Option<String>,
    ) -> Controlled<MerchantKey> {
        if let Some(pem) = certificate_pem {
            let certificate =
                wechatpay::credentials::Certificate::from_pem(&pem).map_err(invalid)?;
            let serial = serial.unwrap_or(certificate.serial);
            return Ok(MerchantKey::given(serial, pem));
        }
        if let Some(pem) = public_key_pem {
            let serial = serial.ok_or_else(|| {
                ControlError::Invalid("serial is required beside merchant_public_key_pem".into())
            })?;
            return Ok(MerchantKey::given(serial, pem));
        }
        let (private_key_pem, public_key_pem) = self.key_pairs.take().map_err(invalid)?;
        let now_ms = self.clock.business_ms();
        let (made_serial, certificate_pem) =
            keys::issue_merchant_certificate(&private_key_pem, sp_mchid, self.draws(), now_ms)
                .map_err(invalid)?;
        let serial = serial.unwrap_or(made_serial);
        Ok(MerchantKey {
            record: MerchantKeyRecord {
                serial,
                pem: public_key_pem,
            },
            private_key_pem: Some(private_key_pem),
            certificate_pem: Some(certificate_pem),
        })
    }
}

/// A merchant's key, with the private half when we made it.
struct MerchantKey {
    record: MerchantKeyRecord,
    private_key_pem: Option<String>,
    certificate_pem: Option<String>,
}

impl MerchantKey {
    fn given(serial: String, pem: String) -> Self {
        let record = MerchantKeyRecord { serial, pem };
        Self {
            record,
            private_key_pem: None,
            certificate_pem: None,
        }
    }
}

fn provider_keys(provider: &Provider, sp_app_secret: &str) -> ProviderKeys {
    let record = provider.record();
    let newest = record.certificates.last();
    let serial = record.merchant_keys.last().map(|key| key.serial.clone());
    ProviderKeys {
        sp_mchid: record.sp_mchid.clone(),
        sp_appid: record.sp_appids.first().cloned().unwrap_or_default(),
        sp_app_secret: sp_app_secret.to_owned(),
        merchant_serial: serial.unwrap_or_default(),
        merchant_private_key_pem: None,
        merchant_certificate_pem: None,
        api_v3_key: record.api_v3_key.clone(),
        key_mode: record.key_mode,
        wechatpay_public_key_id: record.public_key.serial.clone(),
        wechatpay_public_key_pem: record.public_key.public_key_pem.clone(),
        platform_certificate_pem: newest
            .map(|c| c.certificate_pem.clone())
            .unwrap_or_default(),
        platform_serial: newest.map(|c| c.key.serial.clone()).unwrap_or_default(),
    }
}

fn invalid(error: impl Into<anyhow::Error>) -> ControlError {
    ControlError::Invalid(format!("{:#}", error.into()))
}

/// A percentage in steps of 0.1 as a whole number of thousandths.
fn permille(percentage: Option<f64>) -> Controlled<Option<u32>> {
    let Some(percentage) = percentage else {
        return Ok(None);
    };
    if !(0.0..=100.0).contains(&percentage) {
        let problem = "callback_percentage is between 0 and 100";
        return Err(ControlError::Invalid(problem.to_owned()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000 by the check above"
    )]
    let permille = (percentage * 10.0).round() as u32;
    Ok(Some(permille))
}
