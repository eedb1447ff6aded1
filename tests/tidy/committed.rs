//! What must not be in any committed file: the address of a package registry or of a machine, or a
//! lock file that pins where a package was once downloaded.

use std::path::Path;

use crate::{assert_none, read_text, repository_files};

/// Split, so that this file does not find itself.
const FORBIDDEN: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("ftp.debian", ".org"),
    concat!("/wo", "rk/"),
];

fn text_faults(file: &Path, text: &str) -> Vec<String> {
    // Cargo's lock file always calls the default registry by this one name, wherever it downloads from.
    let exempt = |line: &str| file.ends_with("Cargo.lock") && line.starts_with("source = ");
    text.lines()
        .enumerate()
        .filter(|(_, line)| !exempt(line))
        .flat_map(|(index, line)| {
            FORBIDDEN
                .iter()
                .filter(|word| line.contains(**word))
                .map(move |word| format!("{}:{}: names {word}", file.display(), index + 1))
        })
        .collect()
}

fn lock_fault(file: &Path, text: &str) -> Option<String> {
    let pinned = file.ends_with("package-lock.json") && text.contains("\"resolved\"");
    pinned.then(|| format!("{}: pins a download address", file.display()))
}

#[test]
fn no_committed_file_names_a_registry_or_a_machine() {
    let faults: Vec<String> = repository_files()
        .iter()
        .filter_map(|file| Some((file, read_text(file)?)))
        .flat_map(|(file, text)| text_faults(file, &text))
        .collect();
    assert_none(&faults);
}

#[test]
fn no_package_lock_pins_a_download_address() {
    let faults: Vec<String> = repository_files()
        .iter()
        .filter_map(|file| lock_fault(file, &read_text(file)?))
        .collect();
    assert_none(&faults);
}

#[test]
fn registry_and_machine_are_found() {
    for word in FORBIDDEN {
        let text = format!("fine\nsee {word}x\n");
        assert_eq!(
            text_faults(Path::new("README.md"), &text),
            [format!("README.md:2: names {word}")]
        );
    }
}

#[test]
fn lock_file_of_cargo_may_use_the_name_that_cargo_gives() {
    let source = format!(
        "source = \"registry+https://github.com/rust-lang/{}-index\"\n",
        FORBIDDEN[0]
    );
    assert_none(&text_faults(Path::new("Cargo.lock"), &source));
    assert_eq!(text_faults(Path::new("other.lock"), &source).len(), 1);
}

#[test]
fn pinned_download_address_is_found() {
    let text = "{ \"resolved\": \"http://127.0.0.1/x.tgz\" }";
    assert!(lock_fault(Path::new("admin-ui/package-lock.json"), text).is_some());
    assert_eq!(lock_fault(Path::new("notes.json"), text), None);
}
