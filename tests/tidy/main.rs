//! Reads the repository's own files and holds them to the house rules: who may know whom, how files
//! open, how long they get, what must never be committed. Each rule is a function from text to
//! faults, and has a test that shows it find one.

#![expect(
    clippy::expect_used,
    reason = "a repository that cannot be read fails the test, wherever it is noticed"
)]

mod committed;
mod manifests;
mod secrets;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds the repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the repository")
        .to_owned()
}

/// Lists what is committed or about to be, relative to the root.
fn repository_files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args([
            // A checkout that another user made is read, not trusted.
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git lists the repository's files");
    assert!(
        listed.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let mut files: Vec<PathBuf> = String::from_utf8(listed.stdout)
        .expect("file names are UTF-8")
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    assert!(files.len() > 20, "only {} files were found", files.len());
    files
}

/// Reads a file of the repository; `None` when it is not text.
fn read_text(file: &Path) -> Option<String> {
    let bytes = std::fs::read(root().join(file)).expect("a listed file is readable");
    String::from_utf8(bytes).ok()
}

/// Fails with one line per fault.
#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults:\n  {}",
        faults.len(),
        faults.join("\n  ")
    );
}
