//! Opening a bill's file: the stream against another implementation, gzip, the hash, the limit, and damage.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use wechatpay::server::{bill_hash, pack_bill, seal_bill_part};
use wechatpay::v3::aead::{self, AeadError, OpeningStream};
use wechatpay::v3::bills::content::MOST_PIECE_BYTES;
use wechatpay::v3::bills::{Compression, ContentDecoder, ContentError};

use crate::vectors::{merchant, set_k, text};

const PLENTY: u64 = 64 * 1024 * 1024;
const KEY: &[u8; 32] = b"FEDCBA9876543210FEDCBA9876543210";

/// Opens a whole file in pieces and returns the proven content.
pub(crate) fn open(
    mut decoder: ContentDecoder,
    file: &[u8],
    piece: usize,
) -> Result<Vec<u8>, ContentError> {
    let mut content = Vec::new();
    for piece in file.chunks(piece) {
        content.extend_from_slice(decoder.push(piece)?.unverified_bytes());
    }
    let (last, proof) = decoder.finish()?;
    content.extend_from_slice(last.unverified_bytes());
    assert_eq!(proof.content_bytes(), content.len() as u64);
    Ok(content)
}

fn decoder(content: &[u8], compression: Compression) -> ContentDecoder {
    ContentDecoder::new("SHA1", &bill_hash(content), compression, PLENTY).unwrap()
}

fn open_gzip(content: &[u8], file: &[u8]) -> Result<Vec<u8>, ContentError> {
    open(decoder(content, Compression::Gzip), file, MOST_PIECE_BYTES)
}

fn stream(nonce: &[u8], file: &[u8], piece: usize) -> Result<Vec<u8>, AeadError> {
    let mut stream = OpeningStream::new(KEY, nonce)?;
    let mut plain = Vec::new();
    for piece in file.chunks(piece) {
        plain.extend(stream.push(piece)?);
    }
    plain.extend(stream.finish()?);
    Ok(plain)
}

/// Bytes without a pattern of their own.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

#[test]
fn the_stream_opens_what_the_other_implementation_seals_for_every_size_and_nonce() {
    let sizes = (0..70).chain([127, 128, 129, 4095, 4096, 4097, 65_537]);
    for size in sizes {
        let plain = noise(size);
        for length in 12..=16 {
            let nonce = &b"a8607ef79034c49c"[..length];
            let file = aead::seal_bytes(KEY, nonce, &plain).unwrap();
            for piece in [1, 15, 16, 17, 1000, 100_000] {
                let opened = stream(nonce, &file, piece);
                assert_eq!(
                    opened.as_deref(),
                    Ok(plain.as_slice()),
                    "{size} {length} {piece}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn the_stream_agrees_with_the_other_implementation_on_any_bytes(
        nonce in prop::collection::vec(any::<u8>(), 12..=16),
        file in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1..40_usize,
    ) {
        prop_assert_eq!(stream(&nonce, &file, piece), aead::open_bytes(KEY, &nonce, b"", &file));
        let sealed = aead::seal_bytes(KEY, &nonce, &file).unwrap();
        prop_assert_eq!(stream(&nonce, &sealed, piece).unwrap(), file);
    }

    #[test]
    fn any_bytes_are_opened_or_refused(
        file in prop::collection::vec(any::<u8>(), 0..400), piece in 1..100_usize,
    ) {
        prop_assert_eq!(open(decoder(b"x", Compression::Gzip), &file, piece), Err(ContentError::Gzip));
        let sealed = decoder(b"x", Compression::Gzip).decrypting(KEY, "123456789012").unwrap();
        prop_assert!(open(sealed, &file, piece).is_err());
    }

    #[test]
    fn the_way_a_file_is_cut_changes_nothing(
        content in prop::collection::vec(any::<u8>(), 0..3000), piece in 1..500_usize,
    ) {
        for compression in [Compression::Gzip, Compression::None] {
            let file = pack_bill(&content, compression).unwrap();
            prop_assert_eq!(&open(decoder(&content, compression), &file, piece).unwrap(), &content);
        }
    }
}

#[test]
fn each_altered_or_missing_byte_of_an_encrypted_file_is_found() {
    let nonce = b"a8607ef79034c49c";
    let file = aead::seal_bytes(KEY, nonce, &noise(50)).unwrap();
    for index in 0..file.len() {
        let mut altered = file.clone();
        altered[index] ^= 1;
        assert_eq!(stream(nonce, &altered, 7), Err(AeadError::Tag), "{index}");
        let cut = stream(nonce, &file[..index], 7);
        assert!(matches!(cut, Err(AeadError::Tag | AeadError::Truncated)));
    }
    assert_eq!(stream(b"b8607ef79034c49c", &file, 7), Err(AeadError::Tag));
}

#[test]
fn b1_opens_piece_by_piece_and_its_hash_may_be_in_capitals() {
    let set = set_k();
    let bill = &set["encrypted_bill"];
    let key = merchant()
        .private_key
        .decrypt_oaep(text(bill, "/encrypt_key"))
        .unwrap();
    let file = BASE64_STANDARD.decode(text(bill, "/file_base64")).unwrap();
    let hash = text(bill, "/hash_value").to_uppercase();
    for piece in 1..=file.len() {
        let decoder = ContentDecoder::new("SHA1", &hash, Compression::Gzip, PLENTY).unwrap();
        let decoder = decoder.decrypting(&key, text(bill, "/nonce")).unwrap();
        let content = open(decoder, &file, piece).unwrap();
        assert_eq!(content, text(bill, "/plain_csv").as_bytes());
    }
}

#[test]
fn what_the_server_side_seals_the_client_side_opens() {
    let content = noise(100_000);
    let packed = pack_bill(&content, Compression::Gzip).unwrap();
    let sealed = seal_bill_part(&merchant().private_key.public_key(), &packed).unwrap();
    let key = merchant()
        .private_key
        .decrypt_oaep(&sealed.encrypt_key)
        .unwrap();
    let decoder = decoder(&content, Compression::Gzip);
    let decoder = decoder.decrypting(&key, &sealed.nonce).unwrap();
    assert_eq!(open(decoder, &sealed.file, 8192).unwrap(), content);
    assert_eq!((key.len(), sealed.nonce.len()), (32, 16));
}

#[test]
fn a_gzip_file_that_is_cut_altered_or_followed_by_something_is_refused() {
    let content = noise(3000);
    let file = pack_bill(&content, Compression::Gzip).unwrap();
    for length in 0..file.len() {
        let cut = open_gzip(&content, &file[..length]);
        assert_eq!(cut, Err(ContentError::Gzip), "{length} bytes");
    }
    for index in (10..file.len()).step_by(7) {
        let mut altered = file.clone();
        altered[index] ^= 0x10;
        // Some bits of a gzip file mean nothing; what they pad is the same content.
        let opened = open_gzip(&content, &altered);
        assert!(opened.is_err() || opened == Ok(content.clone()), "{index}");
    }
    let followed = [file.as_slice(), b"more"].concat();
    assert_eq!(open_gzip(&content, &followed), Err(ContentError::Gzip));
}

#[test]
fn a_gzip_file_may_have_several_members() {
    let content = noise(3000);
    let (one, two) = content.split_at(1000);
    let file = [
        pack_bill(one, Compression::Gzip).unwrap(),
        pack_bill(two, Compression::Gzip).unwrap(),
    ]
    .concat();
    for piece in [1, 100, 8192] {
        let opened = open(decoder(&content, Compression::Gzip), &file, piece);
        assert_eq!(opened.as_ref(), Ok(&content));
    }
}

#[test]
fn another_content_than_the_announced_is_refused_at_the_end() {
    for compression in [Compression::Gzip, Compression::None] {
        let file = pack_bill(b"other", compression).unwrap();
        let opened = open(decoder(b"content", compression), &file, 100);
        assert_eq!(opened, Err(ContentError::Hash));
    }
}

#[test]
fn a_bomb_stops_at_the_limit_and_memory_stays_small() {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 80_000, "{} bytes unfold to 64 MiB", bomb.len());
    let limit = 3_000_000;
    let mut decoder =
        ContentDecoder::new("SHA1", &bill_hash(b""), Compression::Gzip, limit).unwrap();
    let mut pieces = bomb.chunks(MOST_PIECE_BYTES);
    let error = pieces.find_map(|piece| match decoder.push(piece) {
        Ok(content) => {
            assert!(content.unverified_bytes().len() <= 1032 * MOST_PIECE_BYTES);
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!(error, Some(ContentError::TooLarge(limit)));
}

#[test]
fn the_limit_is_the_last_size_that_is_taken() {
    let content = noise(1000);
    for compression in [Compression::Gzip, Compression::None] {
        let file = pack_bill(&content, compression).unwrap();
        let largest = content.len().max(file.len()) as u64;
        let with_limit =
            |limit| ContentDecoder::new("SHA1", &bill_hash(&content), compression, limit).unwrap();
        assert!(open(with_limit(largest), &file, 100).is_ok());
        let beyond = open(with_limit(largest - 1), &file, 100);
        assert_eq!(beyond, Err(ContentError::TooLarge(largest - 1)));
    }
}

/// A file of empty members unfolds to nothing however long it is.
#[test]
fn the_packed_size_is_limited_too() {
    let nothing = pack_bill(b"", Compression::Gzip).unwrap();
    let file = nothing.repeat(200);
    let decoder = ContentDecoder::new("SHA1", &bill_hash(b""), Compression::Gzip, 1000).unwrap();
    let opened = open(decoder, &file, 100);
    assert_eq!(opened, Err(ContentError::TooLarge(1000)));
}

#[test]
fn other_hashes_keys_and_nonces_are_refused_before_anything_is_read() {
    let hash = bill_hash(b"");
    let refused = [
        ("SHA256", hash.as_str()),
        ("", &hash),
        ("SHA1", ""),
        ("SHA1", &hash[1..]),
        ("SHA1", "not hex, but of the right length: 40 ch."),
    ];
    for (hash_type, hash_value) in refused {
        let decoder = ContentDecoder::new(hash_type, hash_value, Compression::None, PLENTY);
        assert_eq!(decoder.err(), Some(ContentError::HashType), "{hash_value}");
    }
    let with = |key: &[u8], nonce| decoder(b"", Compression::None).decrypting(key, nonce).err();
    assert_eq!(with(&KEY[1..], "123456789012"), Some(ContentError::Key));
    assert_eq!(with(KEY, "12345678901"), Some(ContentError::Nonce));
    assert_eq!(with(KEY, "12345678901234567"), Some(ContentError::Nonce));
    assert_eq!(with(KEY, "1234567890123456"), None);
}
