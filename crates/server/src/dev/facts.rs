//! `dev.json`: everything a program needs to use the demo, and what a second start takes up again.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The demo as `dev.json` states it. Its secrets open nothing but this machine's demo.
#[derive(Clone, Deserialize, Serialize)]
pub struct DevFacts {
    /// Where the API is.
    pub api_url: String,
    /// Where the admin UI is.
    pub admin_url: String,
    /// Where the API is described.
    pub docs_url: String,
    /// Where the simulated WeChat Pay is.
    pub sim_url: String,
    /// Where it is WeChat's backup host, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim_backup_url: Option<String>,
    /// The demo tenant.
    pub tenant_id: String,
    /// Its API key.
    pub api_key: String,
    /// Its sub-merchant.
    pub sub_mchid: String,
    /// Its app.
    pub sub_appid: String,
    /// A user of its app.
    pub demo_openid: String,
    /// What its webhooks are signed with.
    pub webhook_secret: String,
    /// Where its webhooks go; also a page.
    pub receiver_url: String,
    /// The demo provider.
    pub provider: ProviderFacts,
    /// The demo's owner of the platform; absent in folders of before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerFacts>,
}

/// What the demo's owner signs in with, drawn at the first start.
#[derive(Clone, Deserialize, Serialize)]
pub struct OwnerFacts {
    /// The name.
    pub email: String,
    /// The password.
    pub password: String,
    /// The secret of the second factor, for a telephone or `oathtool --totp -b`.
    pub totp_secret: String,
}

/// The demo provider with the keys that a WeChat Pay SDK needs.
#[derive(Clone, Deserialize, Serialize)]
pub struct ProviderFacts {
    /// Its merchant number.
    pub sp_mchid: String,
    /// Its app.
    pub sp_appid: String,
    /// Serial of its API certificate.
    pub merchant_serial: String,
    /// Its private key.
    pub merchant_private_key_pem: String,
    /// Its APIv3 key.
    pub api_v3_key: String,
    /// Id of the simulated WeChat Pay's public key.
    pub wechatpay_public_key_id: String,
    /// That key.
    pub wechatpay_public_key_pem: String,
}

impl std::fmt::Debug for DevFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevFacts")
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

/// Where the demo's past is made, and nobody looks.
const PAST_UNFINISHED: &str = "past.unfinished";
/// The past once it is whole: from then on it belongs to the folder.
const PAST: &str = "past";

/// The folder that holds a demo.
#[derive(Clone, Debug)]
pub(super) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the folder, for its owner alone.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("creating the folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("finding the folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// The platform's database.
    pub(super) fn database_url(&self) -> String {
        format!("sqlite://{}", self.0.join("tributary.db").display())
    }

    /// What the simulated WeChat Pay believes.
    pub(super) fn simulator_state(&self) -> PathBuf {
        self.0.join("simulator.journal")
    }

    /// The key-encryption key's file, made at the first start.
    pub(super) fn key_file(&self) -> anyhow::Result<PathBuf> {
        use base64::Engine;
        let path = self.0.join("kek");
        if !path.exists() {
            let key: [u8; 32] = rand::random();
            let text = base64::engine::general_purpose::STANDARD.encode(key);
            write_private(&path, text.as_bytes())?;
        }
        Ok(path)
    }

    /// Whether nothing was ever kept here.
    pub(super) fn is_fresh(&self) -> bool {
        let kept = ["kek", "tributary.db", "simulator.journal", "dev.json"];
        kept.iter().all(|name| !self.0.join(name).exists())
    }

    /// An empty folder for the past; whatever a start left there that was killed on the way is gone.
    pub(super) fn begin_past(&self) -> anyhow::Result<Self> {
        let path = self.0.join(PAST_UNFINISHED);
        remove_folder(&path)?;
        Self::create(&path)
    }

    /// Makes the past this folder's own. One rename decides; what follows it, the next start would finish.
    pub(super) fn keep_past(&self) -> anyhow::Result<()> {
        let path = self.0.join(PAST);
        fs::rename(self.0.join(PAST_UNFINISHED), &path)
            .with_context(|| format!("keeping {}", path.display()))?;
        self.take_over_past()
    }

    /// Finishes what a start began that was killed: a whole past is taken over, half of one is thrown away.
    pub(super) fn take_over_past(&self) -> anyhow::Result<()> {
        remove_folder(&self.0.join(PAST_UNFINISHED))?;
        let path = self.0.join(PAST);
        if !path.exists() {
            return Ok(());
        }
        let take_over = || -> std::io::Result<()> {
            for file in fs::read_dir(&path)? {
                let file = file?;
                fs::rename(file.path(), self.0.join(file.file_name()))?;
            }
            fs::remove_dir(&path)
        };
        take_over().with_context(|| format!("taking over {}", path.display()))
    }

    /// Where the facts are written.
    pub(super) fn facts_file(&self) -> PathBuf {
        self.0.join("dev.json")
    }

    /// The facts of an earlier start.
    pub(super) fn read_facts(&self) -> anyhow::Result<Option<DevFacts>> {
        let path = self.facts_file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let facts = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged: use another --data-dir, or delete the folder",
                path.display()
            )
        })?;
        Ok(Some(facts))
    }

    /// Writes the facts, whole or not at all.
    pub(super) fn write_facts(&self, facts: &DevFacts) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(facts).context("writing dev.json")? + "\n";
        write_private(&self.facts_file(), text.as_bytes())
    }
}

fn remove_folder(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes beside the target and renames, so that a reader never sees half a file.
fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_file_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(&folder.path().join("dev")).unwrap();
        let path = data.key_file().unwrap();
        let first = fs::read(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read(data.key_file().unwrap()).unwrap(), first);
    }

    #[test]
    fn half_a_past_is_thrown_away_and_a_whole_one_is_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name())
                .collect::<Vec<_>>()
        };
        let half = data.begin_past().unwrap();
        half.key_file().unwrap();
        data.take_over_past().unwrap();
        assert!(data.is_fresh() && names().is_empty());
        let whole = data.begin_past().unwrap();
        let key = fs::read(whole.key_file().unwrap()).unwrap();
        fs::rename(
            folder.path().join(PAST_UNFINISHED),
            folder.path().join(PAST),
        )
        .unwrap();
        data.take_over_past().unwrap();
        data.take_over_past().unwrap();
        assert_eq!(names(), ["kek"]);
        assert_eq!(fs::read(data.key_file().unwrap()).unwrap(), key);
        assert!(!data.is_fresh());
    }

    #[test]
    fn damaged_facts_are_an_error_and_absent_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        assert!(data.read_facts().unwrap().is_none());
        fs::write(data.facts_file(), "{").unwrap();
        assert!(
            data.read_facts()
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }
}
