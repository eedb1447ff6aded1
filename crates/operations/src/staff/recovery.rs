//! Recovery codes: ten, each good once in place of a code of the telephone.

use rand::RngExt as _;
use tributary_domain::ids::StaffId;
use zeroize::Zeroizing;

use super::tokens::hash_of;
use crate::credentials::ShownOnce;

const CODES: usize = 10;
/// 80 bits: too many to try even for whoever has the hashes.
const CHARS: usize = 16;
const GROUP: usize = 4;
/// Crockford's base 32, as in ids.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// New codes.
pub(crate) fn new_codes() -> Vec<ShownOnce> {
    (0..CODES).map(|_| new_code()).collect()
}

fn new_code() -> ShownOnce {
    let mut code = String::with_capacity(CHARS + CHARS / GROUP);
    for place in 0..CHARS {
        if place > 0 && place % GROUP == 0 {
            code.push('-');
        }
        let digit = rand::rng().random_range(0..ALPHABET.len());
        code.push(ALPHABET.get(digit).map_or('0', |c| char::from(*c)));
    }
    ShownOnce::new(code)
}

/// What is kept of a code, however its owner types it.
pub(crate) fn hash_of_code(owner: &StaffId, code: &str) -> String {
    let typed: Zeroizing<String> = Zeroizing::new(
        code.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            })
            .collect(),
    );
    hash_of(&format!("recovery:{owner}"), &typed)
}

#[cfg(test)]
mod tests {
    use tributary_domain::clock::Timestamp;

    use super::*;

    #[test]
    fn codes_differ_and_are_read_however_they_are_typed() {
        let codes = new_codes();
        let mut texts: Vec<&str> = codes.iter().map(ShownOnce::reveal).collect();
        assert!(texts.iter().all(|code| code.len() == 19), "{}", texts.len());
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), CODES);
        let owner = StaffId::new(Timestamp::from_millis(0));
        let of = |code: &str| hash_of_code(&owner, code);
        assert_eq!(of("0A1B-CDEF-GH1J-KM0P"), of(" oalbcdef ghijkmop"));
        let other = StaffId::new(Timestamp::from_millis(1));
        assert_ne!(of("0A1B"), hash_of_code(&other, "0A1B"));
    }
}
