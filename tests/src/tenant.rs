//! A tenant that can be paid: known here and at the simulated WeChat Pay.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tributary_domain::ids::{ProviderId, TenantId};
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::ApiKeyWish;
use wechatpay_sim::{NewApp, NewOpenid, NewSubMerchant, OpenidOf, SimHandle};

use crate::Api;

/// A tenant with one sub-merchant, one app, one user and one API key.
#[derive(Clone, Debug)]
pub struct TestTenant {
    /// Its id.
    pub id: TenantId,
    /// Its API key.
    pub api_key: String,
    /// Its access to the API.
    pub api: Api,
    /// Its sub-merchant.
    pub sub_mchid: String,
    /// Its app.
    pub sub_appid: String,
    /// The app's secret.
    pub app_secret: String,
    /// A user of the app.
    pub openid: String,
}

/// The provider that a tenant's sub-merchant stands under.
#[derive(Clone, Copy, Debug)]
pub struct Under<'a> {
    /// Its id here.
    pub provider: &'a ProviderId,
    /// Its number at WeChat.
    pub sp_mchid: &'a str,
}

impl TestTenant {
    /// Creates a tenant under a provider, at both sides.
    pub async fn create(
        operations: &Operations,
        simulator: &SimHandle,
        under: Under<'_>,
        api_url: &str,
    ) -> Self {
        let number = next_number();
        let sub_appid = format!("wx{number:016}");
        let openid = format!("openid-of-user-{number}");
        let app_secret = format!("{number:032x}");
        let made = simulator
            .sub_merchant(NewSubMerchant {
                sp_mchid: under.sp_mchid.to_owned(),
                sub_mchid: None,
                name: None,
                sub_appids: vec![NewApp {
                    appid: sub_appid.clone(),
                    secret: Some(app_secret.clone()),
                }],
                openids: vec![OpenidOf::OfApp(NewOpenid {
                    appid: sub_appid.clone(),
                    openid: Some(openid.clone()),
                })],
            })
            .expect("the simulator takes a sub-merchant");
        let tenant = operations
            .create_tenant(&Actor::system("test"), format!("Tenant {number}").as_str())
            .await
            .expect("a tenant");
        let sub_mchid = Mchid::parse(&made.sub_mchid).expect("a merchant number");
        let merchant = operations
            .create_sub_merchant(
                &Actor::system("test"),
                &tenant.id,
                under.provider,
                &sub_mchid,
                "Shop",
            )
            .await
            .expect("a sub-merchant");
        let appid = AppId::parse(&sub_appid).expect("an app id");
        operations
            .add_sub_app(
                &Actor::system("test"),
                &merchant,
                &appid,
                SubAppKind::MiniProgram,
                Some(&app_secret),
            )
            .await
            .expect("an app");
        let key = operations
            .create_api_key(
                &Actor::system("test"),
                &tenant.id,
                ApiKeyWish::new(Mode::Test, "test", Scope::ALL.to_vec()),
            )
            .await
            .expect("an API key");
        let api_key = key.secret.reveal().to_owned();
        Self {
            id: tenant.id,
            api: Api::new(api_url, Some(&api_key)),
            api_key,
            sub_mchid: made.sub_mchid,
            sub_appid,
            app_secret,
            openid,
        }
    }

    /// An order that nobody has placed before.
    pub fn order(&self, total: i64) -> Value {
        json!({
            "merchant_order_no": format!("no-{}", next_number()),
            "sub_mchid": self.sub_mchid,
            "sub_appid": self.sub_appid,
            "description": "A cup of tea",
            "amount": {"total": total, "currency": "CNY"},
            "payer": {"sub_openid": self.openid},
        })
    }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
