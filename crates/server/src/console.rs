//! What a person sees on the terminal. A closed pipe (`tributary … | head`) is no error.

use std::io::Write;

/// Writes a line to standard output.
pub fn say(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
    drop(written);
}

/// Writes a line to standard error.
pub fn complain(text: impl AsRef<str>) {
    let written = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
    drop(written);
}

/// An error and its causes in one line.
pub fn chain(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
