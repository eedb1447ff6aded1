//! AES-256-GCM piece by piece, for files that are larger than memory. What comes out before the end is unproven.

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{
    BlockCipherEncrypt as _, InnerIvInit as _, KeyInit as _, StreamCipher as _,
    StreamCipherCore as _, StreamCipherCoreWrapper,
};
use ctr::{Ctr32BE, CtrCore};
use ghash::universal_hash::UniversalHash as _;
use ghash::{Block, GHash};
use subtle::ConstantTimeEq as _;

use super::{AeadError, TAG_LENGTH};

/// GCM's own nonce length, which makes the first counter block without a hash.
const SHORT_NONCE: usize = 12;
const BLOCK_LENGTH: usize = 16;

/// Decrypts ciphertext followed by its tag, without associated data, as encrypted bills are.
///
/// The plain text of [`push`](Self::push) may be altered or foreign until [`finish`](Self::finish) has checked the tag.
pub struct OpeningStream {
    keystream: Ctr32BE<Aes256>,
    hash: GHash,
    mask: Block,
    /// The last bytes that came: always the tag's length at least, since any of them may be the tag.
    held: Vec<u8>,
    ciphertext_bytes: u64,
}

impl OpeningStream {
    /// Takes a key of 32 bytes and a nonce of 12 to 16.
    pub fn new(key: &[u8], nonce: &[u8]) -> Result<Self, AeadError> {
        let cipher = Aes256::new_from_slice(key).map_err(|_| AeadError::KeyLength)?;
        let mut hash_key = Block::default();
        cipher.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        let first = first_counter(&hash, nonce)?;
        let mut counter = CtrCore::inner_iv_init(cipher, &first);
        let mut mask = Block::default();
        counter.write_keystream_block(&mut mask);
        Ok(Self {
            keystream: StreamCipherCoreWrapper::from_core(counter),
            hash,
            mask,
            held: Vec::new(),
            ciphertext_bytes: 0,
        })
    }

    /// Takes the next bytes of the file and returns plain text that nothing vouches for yet.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, AeadError> {
        self.held.extend_from_slice(bytes);
        let ready = self.held.len().saturating_sub(TAG_LENGTH) / BLOCK_LENGTH * BLOCK_LENGTH;
        let mut text: Vec<u8> = self.held.drain(..ready).collect();
        self.decrypt(&mut text)?;
        Ok(text)
    }

    /// Checks the tag and returns the last bytes; now everything that was returned is proven.
    pub fn finish(mut self) -> Result<Vec<u8>, AeadError> {
        let last = self.held.len().checked_sub(TAG_LENGTH);
        let tag = self.held.split_off(last.ok_or(AeadError::Truncated)?);
        let mut text = std::mem::take(&mut self.held);
        self.decrypt(&mut text)?;
        let mut lengths = Block::default();
        let bits = self.ciphertext_bytes.checked_mul(8);
        let bits = bits.ok_or(AeadError::TooLong)?.to_be_bytes();
        let places = lengths.iter_mut().skip(BLOCK_LENGTH - bits.len());
        places.zip(bits).for_each(|(place, byte)| *place = byte);
        self.hash.update(&[lengths]);
        let mut expected = self.hash.finalize();
        let masked = expected.iter_mut().zip(&self.mask);
        masked.for_each(|(byte, mask)| *byte ^= mask);
        if expected.as_slice().ct_eq(&tag).into() {
            Ok(text)
        } else {
            Err(AeadError::Tag)
        }
    }

    /// Hashes the ciphertext and decrypts it in place; only the last piece may be other than whole blocks.
    fn decrypt(&mut self, text: &mut [u8]) -> Result<(), AeadError> {
        self.hash.update_padded(text);
        self.ciphertext_bytes += text.len() as u64;
        self.keystream
            .try_apply_keystream(text)
            .map_err(|_| AeadError::TooLong)
    }
}

/// Shows nothing of keys and text.
impl std::fmt::Debug for OpeningStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpeningStream")
            .field("ciphertext_bytes", &self.ciphertext_bytes)
            .finish_non_exhaustive()
    }
}

/// Makes the first counter block J0 (NIST SP 800-38D, section 7.1).
fn first_counter(hash: &GHash, nonce: &[u8]) -> Result<Block, AeadError> {
    let mut block = Block::default();
    match nonce.len() {
        SHORT_NONCE => {
            let one = std::iter::repeat_n(&0, BLOCK_LENGTH - SHORT_NONCE - 1).chain(&[1]);
            let bytes = nonce.iter().chain(one);
            block
                .iter_mut()
                .zip(bytes)
                .for_each(|(place, byte)| *place = *byte);
            Ok(block)
        }
        13..=BLOCK_LENGTH => {
            let mut hash = hash.clone();
            hash.update_padded(nonce);
            let bits = u8::try_from(nonce.len() * 8).map_err(|_| AeadError::NonceLength)?;
            if let Some(last) = block.last_mut() {
                *last = bits;
            }
            hash.update(&[block]);
            Ok(hash.finalize())
        }
        _ => Err(AeadError::NonceLength),
    }
}
