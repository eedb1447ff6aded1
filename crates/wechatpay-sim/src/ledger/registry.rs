//! Who there is: providers, sub-merchants with their apps, the openids of each app, login codes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Ledger, Record, RefundPolicy};
use crate::providers::Provider;

/// A sub-merchant as one provider has accepted it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SubMerchant {
    pub(crate) sp_mchid: String,
    pub(crate) sub_mchid: String,
    pub(crate) name: String,
    /// Apps bound to it under this provider.
    pub(crate) sub_appids: BTreeSet<String>,
    /// What of its money refunds may take, in fen; absent means all they want.
    #[serde(default)]
    pub(crate) refund_balance: Option<i64>,
    /// It has taken back its permission for the provider to refund.
    #[serde(default)]
    pub(crate) refunds_forbidden: bool,
    /// What its refunds come to by themselves; absent means what the provider's policy says.
    #[serde(default)]
    pub(crate) refund_policy: Option<RefundPolicy>,
}

/// A mini-program or official account: its secret and its users.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct App {
    pub(crate) secret: String,
    pub(crate) openids: HashSet<String>,
}

/// A code as `wx.login()` would hand out.
#[derive(Clone)]
pub(crate) struct LoginCode {
    pub(crate) appid: String,
    pub(crate) openid: String,
    pub(crate) unionid: Option<String>,
    pub(crate) issued_ms: i64,
    pub(crate) used: bool,
    /// Answer this error instead of a session.
    pub(crate) errcode: Option<i64>,
}

impl Ledger {
    pub(crate) fn provider(&self, sp_mchid: &str) -> Option<Arc<Provider>> {
        self.providers.get(sp_mchid).cloned()
    }

    pub(crate) fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// Files a provider, or its newer form.
    pub(crate) fn keep_provider(&mut self, provider: Arc<Provider>) {
        if self.journal.is_kept() {
            self.journal
                .write(&Record::Provider(Box::new(provider.record().clone())));
        }
        self.providers
            .insert(provider.record().sp_mchid.clone(), provider);
    }

    pub(crate) fn sub_merchant(&self, sp_mchid: &str, sub_mchid: &str) -> Option<&SubMerchant> {
        self.sub_merchants
            .get(&(sp_mchid.to_owned(), sub_mchid.to_owned()))
    }

    /// Whether anybody's sub-merchant, or a provider, has this number; asked only to word a refusal.
    pub(crate) fn knows_merchant(&self, mchid: &str) -> bool {
        self.providers.contains_key(mchid)
            || self
                .sub_merchants
                .keys()
                .any(|(_, sub_mchid)| sub_mchid == mchid)
    }

    pub(crate) fn sub_merchants(&self) -> impl Iterator<Item = &SubMerchant> {
        self.sub_merchants.values()
    }

    pub(crate) fn keep_sub_merchant(&mut self, sub_merchant: SubMerchant) {
        if self.journal.is_kept() {
            self.journal
                .write(&Record::SubMerchant(sub_merchant.clone()));
        }
        let key = (
            sub_merchant.sp_mchid.clone(),
            sub_merchant.sub_mchid.clone(),
        );
        self.sub_merchants.insert(key, sub_merchant);
    }

    /// What refunds of this sub-merchant come to by themselves.
    pub(crate) fn refund_policy(&self, sp_mchid: &str, sub_mchid: &str) -> Option<RefundPolicy> {
        let own = self
            .sub_merchant(sp_mchid, sub_mchid)
            .and_then(|sub_merchant| sub_merchant.refund_policy);
        own.or_else(|| self.providers.get(sp_mchid)?.record().refund_policy)
    }

    /// Adds to the money that refunds may take, or takes from it; nothing where no balance is kept.
    pub(crate) fn move_refund_balance(&mut self, sp_mchid: &str, sub_mchid: &str, fen: i64) {
        let Some(mut sub_merchant) = self.sub_merchant(sp_mchid, sub_mchid).cloned() else {
            return;
        };
        let Some(balance) = sub_merchant.refund_balance else {
            return;
        };
        sub_merchant.refund_balance = Some(balance.saturating_add(fen));
        self.keep_sub_merchant(sub_merchant);
    }

    pub(crate) fn app(&self, appid: &str) -> Option<&App> {
        self.apps.get(appid)
    }

    pub(crate) fn keep_app(&mut self, appid: &str, app: App) {
        if self.journal.is_kept() {
            self.journal.write(&Record::App {
                appid: appid.to_owned(),
                app: app.clone(),
            });
        }
        self.apps.insert(appid.to_owned(), app);
    }

    /// Makes a user of an app known.
    pub(crate) fn add_openid(&mut self, appid: &str, openid: &str) {
        if self.is_user_of(appid, openid) {
            return;
        }
        let app = self.apps.entry(appid.to_owned()).or_default();
        app.openids.insert(openid.to_owned());
        let (appid, openid) = (appid.to_owned(), openid.to_owned());
        self.journal.write(&Record::Openid { appid, openid });
    }

    pub(crate) fn is_user_of(&self, appid: &str, openid: &str) -> bool {
        self.apps
            .get(appid)
            .is_some_and(|app| app.openids.contains(openid))
    }

    pub(crate) fn add_code(&mut self, code: String, login: LoginCode) {
        self.codes.insert(code, login);
    }

    pub(crate) fn code_mut(&mut self, code: &str) -> Option<&mut LoginCode> {
        self.codes.get_mut(code)
    }
}
