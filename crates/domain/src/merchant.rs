//! Providers, sub-merchants, apps, and the texts by which WeChat names them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{ProviderId, RefundId, SubAppId, SubMerchantId, TenantId};
use crate::state_words::state_words;
use crate::tenant::Mode;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(pub(crate) &'static str);

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident, $check:expr, $rule:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(TextError($rule)) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

fn bytes_in(text: &str, range: std::ops::RangeInclusive<usize>, ok: fn(u8) -> bool) -> bool {
    range.contains(&text.len()) && text.bytes().all(ok)
}

text_types! {
    /// A merchant number at WeChat Pay (`sp_mchid`, `sub_mchid`).
    Mchid, |t| bytes_in(t, 1..=32, |b| b.is_ascii_digit()), "must be 1 to 32 digits";
    /// An app id at WeChat (`sp_appid`, `sub_appid`).
    AppId, |t| bytes_in(t, 1..=32, |b| b.is_ascii_alphanumeric()), "must be 1 to 32 letters and digits";
    /// A user's id in the scope of one app id; opaque.
    OpenId, |t| bytes_in(t, 1..=128, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b)), "must be 1 to 128 of 0-9 A-Z a-z _ -";
    /// The tenant's own order number.
    MerchantOrderNo,
        |t| bytes_in(t, 1..=64, |b| b.is_ascii_alphanumeric() || b"_-|*@.".contains(&b)),
        "must be 1 to 64 characters of 0-9 A-Z a-z _ - | * @ .";
    /// The tenant's own refund number.
    MerchantRefundNo,
        |t| bytes_in(t, 1..=64, |b| b.is_ascii_alphanumeric() || b"_-|*@.".contains(&b)),
        "must be 1 to 64 characters of 0-9 A-Z a-z _ - | * @ .";
    /// What WeChat sees as refund number; made by us, one per refund, the same on every try.
    OutRefundNo,
        |t| bytes_in(t, 1..=64, |b| b.is_ascii_alphanumeric() || b"_-|*@".contains(&b)),
        "must be 1 to 64 characters of 0-9 A-Z a-z _ - | * @";
    /// What WeChat sees as order number; made by us, one per attempt (WeChat partner docs: 6 to 32 characters).
    OutTradeNo,
        |t| bytes_in(t, 6..=32, |b| b.is_ascii_alphanumeric() || b"_-|*".contains(&b)),
        "must be 6 to 32 characters of 0-9 A-Z a-z _ - | *";
}

impl OutRefundNo {
    /// The number of a refund at WeChat is the body of its id: a number from a WeChat ticket leads to its row.
    pub fn from_id(id: &RefundId) -> Self {
        Self(id.body().to_owned())
    }
}

impl MerchantRefundNo {
    /// The number of a refund that no tenant asked for is its own id.
    pub fn from_id(id: &RefundId) -> Self {
        Self(id.to_string())
    }
}

/// A WeChat Pay merchant account that calls WeChat, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Our id of it.
    pub id: ProviderId,
    /// What a person calls it.
    pub name: String,
    /// Its merchant number.
    pub sp_mchid: Mchid,
    /// Its app id.
    pub sp_appid: AppId,
    /// Whether it talks to WeChat or to a simulator.
    pub mode: Mode,
    /// Where its calls go.
    pub api_url: String,
    /// Where a call goes a second time when the first host fails.
    pub backup_api_url: Option<String>,
    /// Where mini-program logins go.
    pub login_url: String,
    /// The opaque part of its notification path; selects a key set and authenticates nothing.
    pub route_token: String,
    /// When it was added.
    pub created_at: Timestamp,
}

state_words! {
    /// Whether a sub-merchant takes orders.
    SubMerchantState {
        /// It does.
        Active = "active",
        /// A person stopped it: no new orders; refunds go on.
        Suspended = "suspended",
    }
}

state_words! {
    /// What kind of app a `sub_appid` is.
    SubAppKind {
        /// A mini-program.
        MiniProgram = "mini_program",
        /// An official account (公众号).
        OfficialAccount = "official_account",
        /// A mobile app.
        App = "app",
    }
}

state_words! {
    /// Whether WeChat knows that the app belongs to the sub-merchant: WeChat tells nobody, so a person confirms it.
    AppBinding {
        /// Nobody has looked.
        Unconfirmed = "unconfirmed",
        /// Somebody saw it bound in WeChat's console.
        Bound = "bound",
        /// Somebody saw that it is not, or no more.
        Unbound = "unbound",
    }
}

/// Apps that WeChat binds to one sub-merchant at most ("WeChat partner docs: bind appid").
pub const SUB_APPS_MAX: u64 = 5;
/// A rate is counted in ten-thousandths: 60 is 0.60 %.
pub const RATE_UNIT: u32 = 10_000;

/// A `sub_mchid` under a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubMerchant {
    /// Our id of it.
    pub id: SubMerchantId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Under which provider.
    pub provider_id: ProviderId,
    /// Which of the two worlds it lives in: its provider's.
    pub mode: Mode,
    /// Its merchant number.
    pub sub_mchid: Mchid,
    /// What a person calls it.
    pub name: String,
    /// Whether it takes orders.
    pub state: SubMerchantState,
    /// WeChat's fee in ten-thousandths, as agreed; absent when nobody wrote it down.
    pub rate: Option<u32>,
    /// What people should know about it.
    pub note: Option<String>,
    /// Rises with every change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A `sub_appid` bound to a sub-merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubApp {
    /// Our id of it.
    pub id: SubAppId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Bound to which sub-merchant.
    pub sub_merchant_id: SubMerchantId,
    /// Its app id.
    pub appid: AppId,
    /// What kind of app.
    pub kind: SubAppKind,
    /// Whether it is bound at WeChat.
    pub binding: AppBinding,
    /// Who says so, and since when.
    pub confirmed: Option<Confirmed>,
    /// Whether a login secret is kept for it.
    pub has_secret: bool,
    /// The start of the secret's hash, so that people can tell two apart.
    pub secret_fingerprint: Option<String>,
    /// Rises with every change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A fact that a person vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

state_words! {
    /// What must be true before a sub-merchant can take money. WeChat tells most of it to nobody.
    ReadinessFact {
        /// The sub-merchant has signed with WeChat.
        ContractSigned = "contract_signed",
        /// At least one app is bound.
        AppBound = "app_bound",
        /// The page that calls the payment is registered.
        PaymentDirectory = "payment_directory",
        /// The payment product is granted to the provider.
        ProductAuthorised = "product_authorised",
        /// The provider may refund in its name.
        RefundAuthorised = "refund_authorised",
        /// The tenant's server hears of what happens.
        EndpointHealthy = "endpoint_healthy",
        /// A payment went through.
        PaymentSeen = "payment_seen",
        /// A refund went through.
        RefundSeen = "refund_seen",
    }
}

impl ReadinessFact {
    /// Whether a person can vouch for it; the others are seen in the traffic only.
    pub const fn can_be_confirmed(self) -> bool {
        !matches!(
            self,
            Self::EndpointHealthy | Self::PaymentSeen | Self::RefundSeen
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_held_to_wechats_limits() {
        assert!(Mchid::parse("1900000109").is_ok());
        assert!(Mchid::parse("19000001O9").is_err());
        assert!(Mchid::parse("").is_err());
        assert!(OutTradeNo::parse("12345").is_err());
        let refund = RefundId::new(Timestamp::from_seconds(1_767_225_600));
        let number = OutRefundNo::from_id(&refund);
        assert_eq!(OutRefundNo::parse(number.as_str()), Ok(number));
        let number = MerchantRefundNo::from_id(&refund);
        assert_eq!(MerchantRefundNo::parse(number.as_str()), Ok(number));
        assert!(OutTradeNo::parse("123456").is_ok());
        assert!(OutTradeNo::parse(&"1".repeat(33)).is_err());
        assert!(MerchantOrderNo::parse("订单1").is_err());
        assert!(OpenId::parse("o with space").is_err());
    }
}
