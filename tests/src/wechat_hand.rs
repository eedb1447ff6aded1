//! WeChat's hand: signs and encrypts any notification as WeChat would, so that a test can let WeChat say what the
//! simulator never says.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::provider_key::{KeyCounts, KeyKind, KeyState, ProviderKey};
use tributary_storage::Storage;
use tributary_storage::provider_keys::{self, SealedSecret, StoredKey};
use wechatpay::credentials::{ApiV3Key, PrivateKey, generate_pem};
use wechatpay::server::{self, OutgoingNotification};
use wechatpay_sim::ProviderKeys;

use crate::TestTenant;

/// Requests go on naming the simulator's own, which the provider prefers.
const SERIAL: &str = "PUB_KEY_ID_00000000000000000000000000";

/// One pair for all tests of a process: making it takes a while.
static PAIR: LazyLock<(PrivateKey, String)> = LazyLock::new(|| {
    let (private, public) = generate_pem().expect("an RSA pair");
    (
        PrivateKey::from_pem(&private).expect("a private key"),
        public,
    )
});

/// Headers and body of one request.
pub type Signed = (Vec<(String, String)>, Vec<u8>);

/// A public key of WeChat's in use, as if a person had activated it long ago.
pub fn active_public_key(provider: &ProviderId, serial: &str, pem: &str) -> StoredKey {
    let long_ago = Timestamp::from_seconds(0);
    let key = ProviderKey {
        id: ProviderKeyId::new(long_ago),
        provider_id: provider.clone(),
        kind: KeyKind::WechatPublicKey,
        state: KeyState::Active,
        serial: serial.to_owned(),
        fingerprint: None,
        pem: Some(pem.to_owned()),
        not_before: None,
        not_after: None,
        added_at: long_ago,
        added_by: "tests".to_owned(),
        approved_at: None,
        approved_by: None,
        changed_at: long_ago,
        counts: KeyCounts::default(),
        last_seen_at: None,
        warned_days: None,
    };
    let secret = SealedSecret::None;
    StoredKey { key, secret }
}

/// A further key of WeChat's that the platform trusts.
#[derive(Clone, Debug)]
pub struct WeChatHand {
    api_v3_key: ApiV3Key,
    sp_mchid: String,
    sp_appid: String,
}

impl WeChatHand {
    /// Makes the key known to the platform's database, before its first use of the provider.
    pub async fn plant(database_url: &str, provider: &ProviderId, keys: &ProviderKeys) -> Self {
        let storage = Storage::connect(database_url, 1)
            .await
            .expect("the database answers");
        let key = active_public_key(provider, SERIAL, &PAIR.1);
        let tx = storage.begin().await.expect("a transaction");
        provider_keys::insert(&tx, &key)
            .await
            .expect("the key is kept");
        tx.commit().await.expect("the key is committed");
        storage.close().await.expect("the database closes");
        Self {
            api_v3_key: ApiV3Key::parse(&keys.api_v3_key).expect("an APIv3 key"),
            sp_mchid: keys.sp_mchid.clone(),
            sp_appid: keys.sp_appid.clone(),
        }
    }

    /// What WeChat says about a paid order of the tenant.
    pub fn paid(&self, tenant: &TestTenant, out_trade_no: &str, total: i64) -> Value {
        json!({
            "sp_appid": self.sp_appid,
            "sp_mchid": self.sp_mchid,
            "sub_appid": tenant.sub_appid,
            "sub_mchid": tenant.sub_mchid,
            "out_trade_no": out_trade_no,
            "transaction_id": "4200000000202611210000000001",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "success_time": "2026-09-21T21:33:20+08:00",
            "payer": {"sp_openid": "payer", "sub_openid": tenant.openid},
            "amount": {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
        })
    }

    /// One delivery of a notification: fresh nonces and ciphertext each time, the id as given.
    pub fn notification(&self, id: &str, plain: &Value, now: Timestamp) -> Signed {
        let plain = plain.to_string().into_bytes();
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let notification = OutgoingNotification {
            id,
            event_type: "TRANSACTION.SUCCESS",
            original_type: "transaction",
            summary: "支付成功",
            create_time: "2026-09-21T21:33:20+08:00",
            nonce: &nonce[..12],
            plain: &plain,
        };
        let body =
            server::encrypt_notification(&self.api_v3_key, &notification).expect("ciphertext");
        (self.sign(&body, now), body)
    }

    /// Signs any body.
    pub fn sign(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let signed = server::sign_answer(&PAIR.0, SERIAL, now.as_seconds(), &nonce, body);
        let headers = signed.expect("a signature").into_iter();
        headers
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
