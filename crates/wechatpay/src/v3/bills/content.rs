//! A bill's file, opened piece by piece in bounded memory: decrypt, decompress, hash. The end proves the whole.

use std::fmt;
use std::io::Write as _;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use flate2::write::MultiGzDecoder;

use super::Compression;
use crate::v3::aead::{AeadError, OpeningStream};

/// The largest piece of a file to push at once, in bytes; deflate makes at most 1,032 times as much of it.
pub const MOST_PIECE_BYTES: usize = 8 * 1024;

const SHA1_BYTES: usize = 20;

/// Content of a bill that nothing vouches for yet: it may be cut, altered or foreign.
///
/// Stage what is made of it, and throw that away unless the end yields a [`VerifiedContent`].
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Unverified(Vec<u8>);

impl Unverified {
    /// Returns the bytes, which only a later [`VerifiedContent`] proves.
    pub fn unverified_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn nothing() -> Self {
        Self(Vec::new())
    }
}

/// A bill's content is nobody's log material.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({} bytes)", self.0.len())
    }
}

/// The proof that a bill's content came whole and unaltered; only the end of a decoder makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct VerifiedContent {
    content_bytes: u64,
}

impl VerifiedContent {
    /// Returns how many bytes of content are proven.
    pub fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Proves no bytes at all.
    pub(crate) fn nothing() -> Self {
        Self { content_bytes: 0 }
    }

    /// Goes on with the proof of a bill's next part.
    pub(crate) fn extend(&mut self, next: &Self) {
        self.content_bytes = self.content_bytes.saturating_add(next.content_bytes);
    }
}

/// Why a file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// WeChat names a hash other than SHA-1, or something that is no hash.
    #[error("the hash is not SHA-1 in hex")]
    HashType,
    /// The key of an encrypted file was not made for this merchant's certificate, or is no key.
    #[error("the key of the file cannot be decrypted")]
    Key,
    /// The nonce of an encrypted file has an unusable length.
    #[error("the nonce of the file is unusable")]
    Nonce,
    /// The file is longer, packed or unpacked, than the caller allows.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The file is not gzip, is cut, or goes on with something else.
    #[error("the file is not a whole gzip file")]
    Gzip,
    /// The authenticated encryption does not match: the file is cut or altered, or the key is another one.
    #[error("decrypting the file")]
    Decrypt(#[source] AeadError),
    /// The content does not have the hash that WeChat announced.
    #[error("the content differs from its announced hash")]
    Hash,
}

/// Opens one file. Feed it with [`push`](Self::push), then [`finish`](Self::finish).
pub struct ContentDecoder {
    cipher: Option<OpeningStream>,
    unpack: Unpack,
    hash: Context,
    expected: [u8; SHA1_BYTES],
    file_bytes: u64,
    content_bytes: u64,
    most_bytes: u64,
}

enum Unpack {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    None,
}

impl ContentDecoder {
    /// Prepares for a file that is not encrypted; neither the file nor its content may exceed `most_bytes`.
    pub fn new(
        hash_type: &str,
        hash_value: &str,
        compression: Compression,
        most_bytes: u64,
    ) -> Result<Self, ContentError> {
        if !hash_type.eq_ignore_ascii_case("SHA1") {
            return Err(ContentError::HashType);
        }
        let mut expected = [0; SHA1_BYTES];
        hex::decode_to_slice(hash_value, &mut expected).map_err(|_| ContentError::HashType)?;
        Ok(Self {
            cipher: None,
            unpack: match compression {
                Compression::Gzip => Unpack::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                Compression::None => Unpack::None,
            },
            hash: Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            expected,
            file_bytes: 0,
            content_bytes: 0,
            most_bytes,
        })
    }

    /// Decrypts the file first, under its own key (32 bytes) and nonce.
    pub fn decrypting(mut self, key: &[u8], nonce: &str) -> Result<Self, ContentError> {
        let cipher = OpeningStream::new(key, nonce.as_bytes()).map_err(|error| match error {
            AeadError::KeyLength => ContentError::Key,
            _ => ContentError::Nonce,
        })?;
        self.cipher = Some(cipher);
        Ok(self)
    }

    /// Takes the next piece of the file, and returns what it unpacks to; with [`MOST_PIECE_BYTES`] at
    /// most, that is never more than 8 MiB.
    pub fn push(&mut self, piece: &[u8]) -> Result<Unverified, ContentError> {
        self.file_bytes += piece.len() as u64;
        self.check_size(self.file_bytes)?;
        let content = match &mut self.cipher {
            Some(cipher) => {
                let plain = cipher.push(piece).map_err(ContentError::Decrypt)?;
                self.unpack.push(&plain)?
            }
            None => self.unpack.push(piece)?,
        };
        self.count(content)
    }

    /// Checks that the file is whole; returns the last content and the proof of all of it.
    pub fn finish(mut self) -> Result<(Unverified, VerifiedContent), ContentError> {
        // The tag comes first: what does not match it is not even decompressed to its end.
        let last = match self.cipher.take() {
            Some(cipher) => cipher.finish().map_err(ContentError::Decrypt)?,
            None => Vec::new(),
        };
        let mut content = self.unpack.push(&last)?;
        content.extend(self.unpack.finish()?);
        let content = self.count(content)?;
        if self.hash.finish().as_ref() != self.expected {
            return Err(ContentError::Hash);
        }
        let content_bytes = self.content_bytes;
        Ok((content, VerifiedContent { content_bytes }))
    }

    fn count(&mut self, content: Vec<u8>) -> Result<Unverified, ContentError> {
        self.content_bytes += content.len() as u64;
        self.check_size(self.content_bytes)?;
        self.hash.update(&content);
        Ok(Unverified(content))
    }

    fn check_size(&self, bytes: u64) -> Result<(), ContentError> {
        if bytes > self.most_bytes {
            return Err(ContentError::TooLarge(self.most_bytes));
        }
        Ok(())
    }
}

impl Unpack {
    fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, ContentError> {
        match self {
            Self::Gzip(decoder) => {
                decoder.write_all(piece).map_err(|_| ContentError::Gzip)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::None => Ok(piece.to_vec()),
        }
    }

    fn finish(&mut self) -> Result<Vec<u8>, ContentError> {
        match self {
            Self::Gzip(decoder) => {
                decoder.try_finish().map_err(|_| ContentError::Gzip)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::None => Ok(Vec::new()),
        }
    }
}

impl fmt::Debug for ContentDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentDecoder")
            .field("file_bytes", &self.file_bytes)
            .field("content_bytes", &self.content_bytes)
            .field("most_bytes", &self.most_bytes)
            .finish_non_exhaustive()
    }
}
