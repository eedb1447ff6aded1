//! Rust files: how they open, how long they are, what they are called.

use std::path::{Component, Path};

use crate::{assert_none, read_text, repository_files};

/// More lines than this, unit tests not counted, and the file holds two ideas.
const MOST_LINES: usize = 600;
/// From here on a file is worth a look.
const WARN_LINES: usize = 450;
/// Names that say nothing and therefore collect everything.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "types", "misc",
];

fn opening_fault(file: &Path, text: &str) -> Option<String> {
    let opening = text.lines().next().unwrap_or_default();
    let says_something = opening
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.trim().is_empty());
    (!says_something).then(|| format!("{}: does not open with `//!`", file.display()))
}

fn name_fault(file: &Path) -> Option<String> {
    let mut named = file.with_extension("");
    if named.ends_with("mod") {
        return Some(format!(
            "{}: `foo.rs` beside `foo/` instead",
            file.display()
        ));
    }
    while let Some(name) = named.file_name().and_then(|name| name.to_str()) {
        if EMPTY_NAMES.contains(&name) {
            return Some(format!("{}: \"{name}\" names no idea", file.display()));
        }
        named.pop();
    }
    None
}

fn size_fault(file: &Path, text: &str) -> Option<String> {
    let lines = lines_outside_tests(file, text);
    (lines > MOST_LINES).then(|| format!("{}: {lines} lines, at most {MOST_LINES}", file.display()))
}

/// Counts lines, leaving out unit-test modules, inline or in a file of their own.
fn lines_outside_tests(file: &Path, text: &str) -> usize {
    if is_unit_test_file(file) {
        return 0;
    }
    let mut counted = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens_tests = line.trim() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.trim().starts_with("mod ") && next.ends_with('{'));
        if !opens_tests {
            counted += 1;
            continue;
        }
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let close = format!("{indent}}}");
        for inside in lines.by_ref() {
            if inside == close {
                break;
            }
        }
    }
    counted
}

/// Recognises `src/tests.rs`, `src/orders/tests.rs` and what lies in `src/tests/`, but not the
/// `tests/` package, whose files have the same budget as all others.
fn is_unit_test_file(file: &Path) -> bool {
    let below_src = file
        .components()
        .skip_while(|part| *part != Component::Normal("src".as_ref()));
    file.starts_with("crates")
        && below_src.skip(1).any(|part| {
            part == Component::Normal("tests".as_ref())
                || part == Component::Normal("tests.rs".as_ref())
        })
}

fn rust_files() -> Vec<(std::path::PathBuf, String)> {
    repository_files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let text = read_text(&file).expect("Rust is UTF-8");
            (file, text)
        })
        .collect()
}

#[test]
fn every_rust_file_opens_by_saying_what_it_is() {
    let faults: Vec<String> = rust_files()
        .iter()
        .filter_map(|(file, text)| opening_fault(file, text))
        .collect();
    assert_none(&faults);
}

#[test]
fn no_rust_file_outgrows_its_budget() {
    let files = rust_files();
    for (file, text) in &files {
        let lines = lines_outside_tests(file, text);
        if lines > WARN_LINES {
            println!("worth splitting: {} has {lines} lines", file.display());
        }
    }
    let faults: Vec<String> = files
        .iter()
        .filter_map(|(file, text)| size_fault(file, text))
        .collect();
    assert_none(&faults);
}

#[test]
fn no_rust_file_has_an_empty_name() {
    let faults: Vec<String> = rust_files()
        .iter()
        .filter_map(|(file, _)| name_fault(file))
        .collect();
    assert_none(&faults);
}

#[test]
fn missing_opening_is_found() {
    let file = Path::new("crates/x/src/lib.rs");
    for text in ["", "//!", "//!  \nfn x() {}", "use a::b;\n//! Late."] {
        assert!(opening_fault(file, text).is_some(), "{text:?}");
    }
    assert_eq!(opening_fault(file, "//! Orders.\n"), None);
}

#[test]
fn empty_name_is_found() {
    for file in [
        "crates/x/src/utils.rs",
        "crates/x/src/common/orders.rs",
        "crates/x/src/orders/mod.rs",
    ] {
        assert!(name_fault(Path::new(file)).is_some(), "{file}");
    }
    assert_eq!(name_fault(Path::new("crates/x/src/commonly.rs")), None);
}

#[test]
fn long_file_is_found_but_its_unit_tests_are_free() {
    let file = Path::new("crates/x/src/orders.rs");
    let code = "line\n".repeat(MOST_LINES);
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    line\n".repeat(MOST_LINES)
    );
    assert_eq!(size_fault(file, &format!("{code}{tests}")), None);
    assert!(size_fault(file, &format!("{code}{tests}line\n")).is_some());
    assert!(size_fault(file, &format!("{code}#[cfg(test)]\nfn x() {{}}\n")).is_some());
    let long = "line\n".repeat(2 * MOST_LINES);
    assert_eq!(
        size_fault(Path::new("crates/x/src/a/tests.rs"), &long),
        None
    );
    assert!(size_fault(Path::new("tests/scenarios/faults.rs"), &long).is_some());
}
