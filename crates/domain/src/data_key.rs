//! How long a data key seals, and what becomes of it afterwards. The key itself is none of this crate's business.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::state_words::state_words;

/// How often one key may seal: far below the 2^32 random nonces that NIST SP 800-38D allows it.
pub const USES_MAX: i64 = 1 << 28;
/// How long one key seals, in days.
pub const SEALS_FOR_DAYS: i64 = 90;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

state_words! {
    /// What a data key is good for.
    DataKeyState {
        /// It seals and opens; an owner has one of these.
        Active = "active",
        /// It opens what it sealed, and seals nothing more.
        DecryptOnly = "decrypt_only",
        /// It is gone, and with it everything that it sealed.
        Destroyed = "destroyed",
    }
}

state_words! {
    /// Why a data key was destroyed.
    DataKeyEnd {
        /// Nothing was sealed by it any more.
        Unreferenced = "unreferenced",
        /// So that what it sealed is lost for good.
        Erased = "erased",
    }
}

/// Whether the next seal must be made by a new key.
pub fn is_worn(uses: i64, made_at: Timestamp, now: Timestamp) -> bool {
    uses >= USES_MAX || now.millis_since(made_at) >= SEALS_FOR_DAYS * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_worn_after_its_last_use_or_its_last_day() {
        let made = Timestamp::from_seconds(1_790_000_000);
        let last = made.plus_millis(SEALS_FOR_DAYS * DAY_MS);
        assert!(!is_worn(0, made, made));
        assert!(!is_worn(USES_MAX - 1, made, last.plus_millis(-1)));
        assert!(is_worn(USES_MAX, made, made));
        assert!(is_worn(0, made, last));
    }
}
