//! Where the key-encryption key comes from. The trait is the seam for a key-management service; the
//! environment itself is read by the binary, which hands the value in.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::envelope::KEY_LEN;
use crate::error::VaultError;
use crate::fingerprint::fingerprint;

/// More than any spelling of 32 bytes needs.
const MATERIAL_LIMIT_BYTES: u64 = 1024;
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
const COMMAND_POLL: Duration = Duration::from_millis(10);

/// Gives the key-encryption key at start.
pub trait KeySource {
    /// Reads the key, once.
    fn kek(&self) -> Result<Kek, VaultError>;
}

/// The key-encryption key; zeroised when dropped, and neither printable nor cloneable.
pub struct Kek {
    id: String,
    bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl Kek {
    /// Takes a key under a name of the caller's choice.
    pub fn new(id: &str, bytes: [u8; KEY_LEN]) -> Self {
        Self {
            id: id.to_owned(),
            bytes: Zeroizing::new(bytes),
        }
    }

    /// Names the key; stored beside every data key that it wraps.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.bytes
    }

    /// Names the key after its own hash, so that one key has one name wherever it was read from.
    fn named_by_hash(bytes: &[u8; KEY_LEN]) -> Self {
        let mut labelled = Zeroizing::new(b"tributary kek id:".to_vec());
        labelled.extend_from_slice(bytes);
        Self::new(&format!("kek_{}", fingerprint(&labelled)), *bytes)
    }
}

/// A value that the binary found in the environment; as secret as the key in it.
pub struct EnvironmentValue(Zeroizing<String>);

impl EnvironmentValue {
    /// Takes base64 (with or without padding, also the URL alphabet) or 64 hexadecimal digits.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl KeySource for EnvironmentValue {
    fn kek(&self) -> Result<Kek, VaultError> {
        parse_material(self.0.as_bytes(), "the environment")
    }
}

/// A file outside the database that only its owner may read.
#[derive(Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// Takes a path to 32 raw bytes, or to their base64 or hexadecimal spelling.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl KeySource for KeyFile {
    fn kek(&self) -> Result<Kek, VaultError> {
        let failed = |source| VaultError::KeyFile {
            path: self.0.clone(),
            source,
        };
        let file = File::open(&self.0).map_err(failed)?;
        refuse_exposed(&file, &self.0)?;
        let material = read_bounded(file).map_err(failed)?;
        parse_material(&material, &self.0.display().to_string())
    }
}

/// Looks at the file that is open, not at the path, which could be swapped in between.
#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;

    let failed = |source| VaultError::KeyFile {
        path: path.to_owned(),
        source,
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::KeyFileExposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &File, _: &Path) -> Result<(), VaultError> {
    Ok(())
}

/// A program that prints the key: the helper of a key-management service. No shell is involved.
#[derive(Debug)]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
    limit: Duration,
}

impl KeyCommand {
    /// Takes a program and its arguments; it must print the key within 30 seconds.
    pub fn new(program: &str, arguments: &[String]) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            limit: COMMAND_LIMIT,
        }
    }

    fn failed(&self, source: std::io::Error) -> VaultError {
        VaultError::KeyCommand {
            program: self.program.clone(),
            source,
        }
    }

    fn timed_out(&self) -> VaultError {
        let limit_ms = self.limit.as_millis();
        VaultError::KeyCommandTimeout {
            program: self.program.clone(),
            limit_ms,
        }
    }

    fn start(&self) -> Result<(Child, ChildStdout), VaultError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| self.failed(source))?;
        let stdout = child.stdout.take().ok_or_else(|| self.timed_out())?;
        Ok((child, stdout))
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, VaultError> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = child.try_wait().map_err(|source| self.failed(source))? {
                return Ok(status);
            }
            if waited >= self.limit {
                child.kill().map_err(|source| self.failed(source))?;
                child.wait().map_err(|source| self.failed(source))?;
                return Err(self.timed_out());
            }
            thread::sleep(COMMAND_POLL);
            waited = waited.saturating_add(COMMAND_POLL);
        }
    }
}

impl KeySource for KeyCommand {
    fn kek(&self) -> Result<Kek, VaultError> {
        let (mut child, stdout) = self.start()?;
        let (sender, receiver) = mpsc::channel();
        // A thread reads, because a program that fills the pipe would otherwise never end. A grandchild
        // may keep the pipe open for ever, so the thread is not joined.
        thread::spawn(move || sender.send(read_bounded(stdout)));
        let status = self.wait(&mut child)?;
        if !status.success() {
            let program = self.program.clone();
            return Err(VaultError::KeyCommandStatus { program, status });
        }
        let material = receiver
            .recv_timeout(self.limit)
            .map_err(|_| self.timed_out())?
            .map_err(|source| self.failed(source))?;
        parse_material(&material, &self.program)
    }
}

fn read_bounded(source: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Full capacity from the start, so that growing leaves no copy of the key behind.
    let mut material = Zeroizing::new(Vec::with_capacity(4096));
    source
        .take(MATERIAL_LIMIT_BYTES)
        .read_to_end(&mut material)?;
    Ok(material)
}

fn parse_material(material: &[u8], origin: &str) -> Result<Kek, VaultError> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    if decode(material, &mut bytes) {
        return Ok(Kek::named_by_hash(&bytes));
    }
    Err(VaultError::KekForm {
        origin: origin.to_owned(),
    })
}

/// Decodes whichever form it is; the forms cannot be confused, because their lengths differ.
fn decode(material: &[u8], into: &mut [u8; KEY_LEN]) -> bool {
    // Random bytes are never all printable; 32 printable ones are a password, and no key.
    if material.len() == KEY_LEN && !material.iter().all(u8::is_ascii_graphic) {
        into.copy_from_slice(material);
        return true;
    }
    let text = material.trim_ascii();
    if text.len() == 2 * KEY_LEN {
        return hex::decode_to_slice(text, into).is_ok();
    }
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .any(|alphabet| {
            let lenient = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            // The estimate for 32 bytes may exceed 32, hence the spare room.
            let mut buffer = Zeroizing::new([0; KEY_LEN + 3]);
            match GeneralPurpose::new(alphabet, lenient).decode_slice(text, buffer.as_mut_slice()) {
                Ok(KEY_LEN) => {
                    into.iter_mut()
                        .zip(buffer.iter())
                        .for_each(|(to, from)| *to = *from);
                    true
                }
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests;
