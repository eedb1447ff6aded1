//! Ids: distinct types, a prefix that a person recognises, sortable by time of creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
#[cfg(debug_assertions)]
use crate::rehearsal;

/// Crockford's base 32: no I, L, O, U, so that nobody misreads an id.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BODY_LEN: usize = 26;

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ followed by 26 characters of 0-9 A-Z without I, L, O, U")]
pub struct ParseIdError {
    prefix: &'static str,
}

/// 26 characters that sort by time: a version 7 UUID in base 32.
pub fn sortable_text(now: Timestamp) -> String {
    let ms = u64::try_from(now.as_millis()).unwrap_or(0);
    #[cfg(debug_assertions)]
    if let (Some(high), Some(low)) = (rehearsal::draw(), rehearsal::draw()) {
        let mut random = [0_u8; 10];
        for (byte, drawn) in random
            .iter_mut()
            .zip(high.to_be_bytes().into_iter().chain(low.to_be_bytes()))
        {
            *byte = drawn;
        }
        let id = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
        return encode(id.as_u128());
    }
    let nanos = u32::try_from(ms % 1000)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    let stamp = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1000, nanos);
    encode(Uuid::new_v7(stamp).as_u128())
}

fn encode(value: u128) -> String {
    (0..BODY_LEN)
        .rev()
        .map(|place| {
            let digit = (value >> (5 * place)) & 31;
            usize::try_from(digit)
                .ok()
                .and_then(|d| ALPHABET.get(d))
                .map_or('0', |b| char::from(*b))
        })
        .collect()
}

fn body_is_valid(body: &str) -> bool {
    body.len() == BODY_LEN && body.bytes().all(|b| ALPHABET.contains(&b))
}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new id that sorts after all made before `now`.
            pub fn new(now: Timestamp) -> Self {
                Self(format!("{}_{}", $prefix, sortable_text(now)))
            }

            /// The whole id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id without its prefix.
            pub fn body(&self) -> &str {
                self.0.get($prefix.len() + 1..).unwrap_or_default()
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                match text.strip_prefix(concat!($prefix, "_")) {
                    Some(body) if body_is_valid(body) => Ok(Self(text.to_owned())),
                    _ => Err(ParseIdError { prefix: $prefix }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

id_types! {
    /// A tenant: our customer.
    TenantId = "ten";
    /// A WeChat Pay merchant account that calls WeChat.
    ProviderId = "prv";
    /// A key of a provider's ring, WeChat's or the merchant's.
    ProviderKeyId = "pky";
    /// One self-test of a provider's keys.
    KeyTestId = "kts";
    /// A `sub_mchid` under a provider.
    SubMerchantId = "sub";
    /// A `sub_appid` bound to a sub-merchant.
    SubAppId = "app";
    /// An API key of a tenant.
    ApiKeyId = "key";
    /// A certificate of a tenant, or a public key that it registered.
    CertificateId = "crt";
    /// A key pair of the platform's own.
    SigningKeyId = "sgn";
    /// An order: what a tenant wants paid.
    OrderId = "ord";
    /// One prepay at WeChat for an order.
    AttemptId = "att";
    /// A refund.
    RefundId = "ref";
    /// A payment that came late, twice, or with another amount.
    LatePaymentId = "lpm";
    /// What we tell a tenant.
    EventId = "evt";
    /// One event on its way to one endpoint.
    DeliveryId = "dlv";
    /// A tenant's URL.
    EndpointId = "ep";
    /// A secret of an endpoint.
    EndpointSecretId = "eps";
    /// A notification from WeChat as we keep it.
    NotificationId = "ntf";
    /// Something a person must look at.
    AlarmId = "alm";
    /// What a person wrote beside an order.
    OrderNoteId = "nte";
    /// One call to WeChat, with all its tries.
    UpstreamCallId = "upc";
    /// A person who manages the platform or a tenant.
    StaffId = "stf";
    /// A person's stay between signing in and out.
    SessionId = "ses";
    /// What one person asks and another must approve.
    ApprovalId = "apr";
    /// Long work in the background that a person started.
    JobId = "job";
    /// A bill of WeChat's as we keep it.
    BillId = "bil";
    /// The comparison of one provider's day with its bill.
    ReconciliationId = "rec";
    /// One difference between our books and a bill.
    DiscrepancyId = "dsc";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = OrderId::new(Timestamp::from_millis(1_767_225_600_000));
        let late = OrderId::new(Timestamp::from_millis(1_767_225_600_001));
        assert!(early < late);
        assert_eq!(early.as_str().parse::<OrderId>().unwrap(), early);
        assert_eq!(early.as_str().len(), 30);
        assert_eq!(format!("ord_{}", early.body()), early.as_str());
    }

    #[test]
    fn an_id_of_another_kind_or_a_damaged_one_is_refused() {
        let order = OrderId::new(Timestamp::from_millis(1));
        assert!(order.as_str().parse::<AttemptId>().is_err());
        assert!("ord_".parse::<OrderId>().is_err());
        assert!("ord_0000000000000000000000000I".parse::<OrderId>().is_err());
        assert!(
            "ord_00000000000000000000000000é"
                .parse::<OrderId>()
                .is_err()
        );
    }

    #[test]
    fn the_largest_value_keeps_its_length() {
        assert_eq!(encode(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(encode(0), "00000000000000000000000000");
    }
}
