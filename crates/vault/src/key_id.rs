//! The id of a data key: 16 bytes inside a sealed blob, `dk_` and 26 base-32 digits as text.

use crate::envelope;
use crate::error::VaultError;

pub(crate) const KEY_ID_LEN: usize = 16;
const PREFIX: &str = "dk_";
const DIGITS: usize = 26;
/// Crockford's alphabet: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Names one data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(u128);

impl KeyId {
    pub(crate) fn random() -> Result<Self, VaultError> {
        let mut bytes = [0; KEY_ID_LEN];
        envelope::fill_random(&mut bytes)?;
        Ok(Self::from_bytes(bytes))
    }

    pub(crate) fn from_bytes(bytes: [u8; KEY_ID_LEN]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    pub(crate) fn to_bytes(self) -> [u8; KEY_ID_LEN] {
        self.0.to_be_bytes()
    }

    pub(crate) fn to_text(self) -> String {
        let digits = (0..DIGITS).rev().filter_map(|place| {
            let digit = usize::try_from((self.0 >> (5 * place)) & 31).ok()?;
            ALPHABET.get(digit).copied().map(char::from)
        });
        PREFIX.chars().chain(digits).collect()
    }

    /// Reads the one canonical spelling; upper case and overflow are refused.
    pub(crate) fn parse(text: &str) -> Result<Self, VaultError> {
        let digits = text.strip_prefix(PREFIX).ok_or(VaultError::DataKeyId)?;
        if digits.len() != DIGITS {
            return Err(VaultError::DataKeyId);
        }
        let mut value: u128 = 0;
        for character in digits.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|known| *known == character)
                .and_then(|index| u128::try_from(index).ok())
                .ok_or(VaultError::DataKeyId)?;
            value = value
                .checked_mul(32)
                .and_then(|shifted| shifted.checked_add(digit))
                .ok_or(VaultError::DataKeyId)?;
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_of_the_range_have_known_spellings() {
        assert_eq!(KeyId(0).to_text(), "dk_00000000000000000000000000");
        assert_eq!(KeyId(u128::MAX).to_text(), "dk_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn other_spellings_are_refused() {
        for wrong in [
            "",
            "dk_",
            "dk_0000000000000000000000000",
            "dk_000000000000000000000000000",
            "dk_0000000000000000000000000u",
            "dk_0000000000000000000000000A",
            "dk_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "dx_00000000000000000000000000",
            "dk_00000000000000000000000é",
        ] {
            assert!(
                matches!(KeyId::parse(wrong), Err(VaultError::DataKeyId)),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_round_trip(bytes: [u8; 16]) {
            let id = KeyId::from_bytes(bytes);
            prop_assert_eq!(id.to_bytes(), bytes);
            prop_assert_eq!(KeyId::parse(&id.to_text()).unwrap(), id);
        }
    }
}
