//! What can go wrong with a key or a sealed value. No variant carries secret bytes.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A failure to read a key, to wrap or unwrap one, or to seal or open a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The key material is in none of the accepted forms.
    #[error(
        "reading the key-encryption key from {origin}: it must be 32 bytes, as base64 or as 64 hexadecimal digits"
    )]
    KekForm {
        /// Where the material came from.
        origin: String,
    },
    /// The key file could not be opened or read.
    #[error("reading the key-encryption key from {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The key file may be read by others than its owner.
    #[error("refusing the key file {}: mode {mode:04o} lets others read it; use 0400", path.display())]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key command could not be started or waited for.
    #[error("running the key command {program}")]
    KeyCommand {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The key command reported failure.
    #[error("running the key command {program}: it ended with {status}")]
    KeyCommandStatus {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The key command did not end in time and was killed.
    #[error("running the key command {program}: no answer within {limit_ms} ms")]
    KeyCommandTimeout {
        /// The program.
        program: String,
        /// The limit in milliseconds.
        limit_ms: u128,
    },
    /// The operating system gave no randomness.
    #[error("drawing random bytes")]
    Random {
        /// Why not.
        source: rand::rngs::SysError,
    },
    /// A data key's id is not `dk_` and 26 base-32 digits.
    #[error("reading a data key's id")]
    DataKeyId,
    /// A stored data key belongs to another key-encryption key.
    #[error(
        "unwrapping data key {data_key}: it is wrapped by key-encryption key {wanted}, {held} is loaded"
    )]
    OtherKek {
        /// The data key.
        data_key: String,
        /// The key-encryption key that wrapped it.
        wanted: String,
        /// The key-encryption key at hand.
        held: String,
    },
    /// A wrapped key has the wrong length.
    #[error("unwrapping a data key: {len} bytes instead of {expected}")]
    WrappedLength {
        /// The length found.
        len: usize,
        /// The only possible length.
        expected: usize,
    },
    /// A wrapped key did not authenticate: wrong key-encryption key, owner, id or bytes.
    #[error("unwrapping data key {data_key}: it does not authenticate")]
    Unwrap {
        /// The data key.
        data_key: String,
    },
    /// An owner has no data key of this id: the value was moved from another owner, or its key is lost.
    #[error("looking for data key {data_key}: {owner} has none of this id")]
    NoSuchDataKey {
        /// The data key.
        data_key: String,
        /// Whose it should be.
        owner: String,
    },
    /// A data key was destroyed, and with it everything that it sealed.
    #[error("unwrapping data key {data_key}: it was destroyed")]
    Destroyed {
        /// The data key.
        data_key: String,
    },
    /// A sealed value is too short to be one.
    #[error("opening a sealed value: {len} bytes, at least {least} needed")]
    BlobLength {
        /// The length found.
        len: usize,
        /// The length of an empty sealed value.
        least: usize,
    },
    /// A wrapped key or sealed value starts with an unknown layout byte.
    #[error("reading a sealed layout: unknown version {found}")]
    Layout {
        /// The byte found.
        found: u8,
    },
    /// A sealed value names another data key.
    #[error("opening {place}: it is sealed by data key {wanted}, not by {held}")]
    OtherDataKey {
        /// Table, column and row.
        place: String,
        /// The data key that sealed it.
        wanted: String,
        /// The data key at hand.
        held: String,
    },
    /// A sealed value did not authenticate: it was changed, or moved from another place or owner.
    #[error("opening {place}: it does not authenticate")]
    Open {
        /// Table, column and row.
        place: String,
    },
    /// A value or one of its authenticated fields exceeds what the cipher can take.
    #[error("sealing a value: it is too long")]
    TooLong,
}
