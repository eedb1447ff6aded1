//! The value of the header `Idempotency-Key`.

/// The longest key, in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// Reads the key out of a header: quoted or bare, 1 to 255 visible ASCII characters.
///
/// `"abc"` and `abc` are the same key: the draft standard quotes it, most clients do not.
pub fn parse(header: &[u8]) -> Option<String> {
    let bare = header
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(header);
    let is_key = (1..=KEY_CHARS_MAX).contains(&bare.len()) && bare.iter().all(u8::is_ascii_graphic);
    is_key.then(|| String::from_utf8_lossy(bare).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_quoted_or_bare() {
        assert_eq!(parse(b"abc-1").as_deref(), Some("abc-1"));
        assert_eq!(parse(b"\"abc-1\"").as_deref(), Some("abc-1"));
    }

    #[test]
    fn a_key_has_1_to_255_visible_characters() {
        assert!(parse(&[b'k'; 255]).is_some());
        assert_eq!(parse(&[b'k'; 256]), None);
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"\"\""), None);
        assert_eq!(parse(b"two words"), None);
        assert_eq!(parse("ключ".as_bytes()), None);
    }
}
