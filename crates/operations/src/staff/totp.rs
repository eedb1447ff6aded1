//! Time-based one-time passwords (RFC 6238: SHA-1, six digits, steps of 30 seconds), and how a secret is handed over.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use tributary_domain::clock::Timestamp;
use tributary_domain::staff_member::Email;
use zeroize::Zeroizing;

const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 1_000_000;
/// Clocks of telephones are off by no more than a step.
const WINDOW: [i64; 3] = [-1, 0, 1];
/// RFC 4226 asks for 128 bits at least and recommends 160.
pub(crate) const SECRET_BYTES: usize = 20;
/// RFC 4648.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step near `now` whose code this is. The caller refuses one that was used before.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let present = now.as_seconds().div_euclid(STEP_SECONDS);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    // Every step is computed, whichever fits.
    let steps = WINDOW.map(|offset| {
        let step = present.saturating_add(offset);
        let fits = code_of(&key, step).as_bytes().ct_eq(code.as_bytes());
        bool::from(fits).then_some(step)
    });
    steps.into_iter().flatten().next()
}

/// The code that a telephone with this secret shows at `now`: for the demo and for tests, which have no telephone.
pub fn code_at(secret_base32: &str, now: Timestamp) -> Option<String> {
    let secret = from_base32(secret_base32)?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    Some(code_of(&key, now.as_seconds().div_euclid(STEP_SECONDS)))
}

/// RFC 4226, section 5.3.
fn code_of(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let part = tag.get(offset..offset + 4).unwrap_or_default();
    let number = part.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % DIGITS)
}

/// The secret as people type it.
pub(crate) fn base32(secret: &[u8]) -> String {
    let bit = |n: usize| {
        let byte = secret.get(n / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - n % 8) & 1)
    };
    let digits = (0..(secret.len() * 8).div_ceil(5)).map(|digit| {
        let value = (0..5).fold(0, |value, n| value << 1 | bit(digit * 5 + n));
        BASE32.get(value).map_or('A', |c| char::from(*c))
    });
    digits.collect()
}

fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let value = BASE32.iter().position(|known| *known == digit)?;
        held = (held << 5 | u32::try_from(value).ok()?) & 0xffff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            secret.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(secret)
}

/// The secret as telephones scan it.
pub(crate) fn otpauth_url(email: &Email, secret: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(email.as_str().as_bytes()).collect();
    format!(
        "otpauth://totp/Tributary:{name}?secret={secret}&issuer=Tributary&algorithm=SHA1&digits=6&period=30"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn the_published_codes_are_ours() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = step_of(SECRET, code, at(seconds));
            assert_eq!(step, Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_before_and_after_its_own() {
        for (seconds, fits) in [(29, true), (30, true), (89, true), (90, false)] {
            let step = step_of(SECRET, "287082", at(seconds));
            assert_eq!(step.is_some(), fits, "{seconds}");
        }
        assert_eq!(step_of(SECRET, "287082", at(-10_000)), None);
        for bad in ["", "287083", "2870820", " 287082", "28708"] {
            assert_eq!(step_of(SECRET, bad, at(59)), None, "{bad}");
        }
    }

    /// RFC 4648, section 10, without padding.
    #[test]
    fn base32_is_the_published_one() {
        for (text, encoded) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(text.as_bytes()), encoded);
            assert_eq!(from_base32(encoded).unwrap().as_slice(), text.as_bytes());
        }
    }

    #[test]
    fn a_telephone_shows_the_code_that_is_taken() {
        let code = code_at(&base32(SECRET), at(59)).unwrap();
        assert_eq!(code, "287082");
        assert_eq!(code_at("no base 32!", at(59)), None);
    }

    #[test]
    fn an_address_is_escaped_for_the_telephone() {
        let email = Email::parse("li+pay@example.com").unwrap();
        let url = otpauth_url(&email, "MZXW6YTB");
        assert!(
            url.starts_with("otpauth://totp/Tributary:li%2Bpay%40example.com?secret=MZXW6YTB&")
        );
    }
}
