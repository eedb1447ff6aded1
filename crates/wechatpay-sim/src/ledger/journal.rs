//! The state file: one JSON line per changed thing, the last line about a thing wins; compacted at start.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{App, FundFlow, Ledger, Notification, Order, Refund, SubMerchant};
use crate::providers::ProviderRecord;

/// One line of the state file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Provider(Box<ProviderRecord>),
    SubMerchant(SubMerchant),
    App { appid: String, app: App },
    Openid { appid: String, openid: String },
    Order(Box<Order>),
    Refund(Box<Refund>),
    FundFlow(FundFlow),
    Notification(Box<Notification>),
    Clock { offset_ms: i64 },
}

/// Where changes are written; without a file, nowhere.
#[derive(Default)]
pub(crate) struct Journal {
    file: Option<File>,
}

impl Journal {
    /// Appends one line; a line is one `write`, so that a killed process leaves whole lines but the last.
    pub(crate) fn write(&mut self, record: &Record) {
        let Some(file) = &mut self.file else { return };
        match serde_json::to_vec(record) {
            Ok(mut line) => {
                line.push(b'\n');
                if let Err(error) = file.write_all(&line) {
                    tracing::error!(%error, "writing the simulator's state file failed");
                }
            }
            Err(error) => tracing::error!(%error, "a record could not be serialised"),
        }
    }

    /// Whether changes are kept at all; spares the clone that a record costs.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.is_some()
    }
}

/// What an earlier run left behind, and the journal that goes on from there.
pub(crate) fn restore(path: &Path, seed: u64) -> anyhow::Result<(Ledger, i64)> {
    let mut ledger = Ledger::with_journal(Journal::default(), seed);
    let mut offset_ms = 0;
    if path.exists() {
        let file = open_private(path, false)?;
        for line in BufReader::new(file).split(b'\n') {
            let line = line.with_context(|| format!("reading {}", path.display()))?;
            // A torn last line is what a killed process leaves; its change was never answered.
            let Ok(record) = serde_json::from_slice::<Record>(&line) else {
                continue;
            };
            if let Record::Clock { offset_ms: kept } = &record {
                offset_ms = *kept;
            }
            ledger
                .replay(record)
                .context("taking over the state file")?;
        }
    }
    let journal = compact(path, &ledger, offset_ms)?;
    ledger.set_journal(journal);
    Ok((ledger, offset_ms))
}

/// Writes the whole state beside the file, then puts it in its place.
fn compact(path: &Path, ledger: &Ledger, offset_ms: i64) -> anyhow::Result<Journal> {
    let beside = sibling(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut writer = BufWriter::new(open_private(&beside, true)?);
    for record in ledger.records().chain([Record::Clock { offset_ms }]) {
        serde_json::to_writer(&mut writer, &record).context("compacting the state file")?;
        writer
            .write_all(b"\n")
            .context("compacting the state file")?;
    }
    let file = writer.into_inner().context("compacting the state file")?;
    file.sync_all().context("compacting the state file")?;
    fs::rename(&beside, path).with_context(|| format!("replacing {}", path.display()))?;
    Ok(Journal { file: Some(file) })
}

fn sibling(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Opens a file that only its owner may read: it holds private keys.
fn open_private(path: &Path, fresh: bool) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    if fresh {
        options.write(true).create(true).truncate(true);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}
