//! What interfaces show in place of a secret.

use sha2::{Digest, Sha256};

const SHOWN_DIGITS: usize = 16;

/// Gives the first 16 hexadecimal digits of the SHA-256 of a value.
pub fn fingerprint(value: &[u8]) -> String {
    let mut digits = hex::encode(Sha256::digest(value));
    digits.truncate(SHOWN_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_the_start_of_sha256() {
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea");
        assert_eq!(fingerprint(b""), "e3b0c44298fc1c14");
    }
}
