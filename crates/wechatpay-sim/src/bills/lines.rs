//! How bills write: backticks, yuan, and text that cannot break a line.

use std::io::{self, Write};

/// Ends every line.
const LINE_END: &str = "\r\n";

/// Writes the names of columns.
pub(super) fn header<'n>(
    out: &mut dyn Write,
    names: impl IntoIterator<Item = &'n str>,
) -> io::Result<()> {
    let mut separator = "";
    for name in names {
        out.write_all(separator.as_bytes())?;
        out.write_all(name.as_bytes())?;
        separator = ",";
    }
    out.write_all(LINE_END.as_bytes())
}

/// Writes values, each after a backtick.
pub(super) fn values(
    out: &mut dyn Write,
    values: impl IntoIterator<Item = String>,
) -> io::Result<()> {
    let mut separator = "`";
    for value in values {
        out.write_all(separator.as_bytes())?;
        out.write_all(value.as_bytes())?;
        separator = ",`";
    }
    out.write_all(LINE_END.as_bytes())
}

/// An amount in fen as yuan with two digits.
pub(super) fn yuan(fen: i64) -> String {
    decimal(fen, 100)
}

/// A fee in hundred-thousandths of a yuan.
pub(super) fn fee(units: i64) -> String {
    decimal(units, 100_000)
}

fn decimal(amount: i64, unit: u64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let size = amount.unsigned_abs();
    let (whole, part) = (size / unit, size % unit);
    if unit == 100 {
        format!("{sign}{whole}.{part:02}")
    } else {
        format!("{sign}{whole}.{part:05}")
    }
}

/// Merchants' text as WeChat keeps it off the columns: a comma becomes `\ `, a line's end `\n`.
pub(super) fn harmless(text: &str) -> String {
    if !text.contains([',', '\n', '\r']) {
        return text.to_owned();
    }
    text.replace(',', "\\ ")
        .replace("\r\n", "\\n")
        .replace(['\n', '\r'], "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_in_yuan() {
        assert_eq!(yuan(1), "0.01");
        assert_eq!(yuan(123_456), "1234.56");
        assert_eq!(yuan(-5), "-0.05");
        assert_eq!(fee(-1_000), "-0.01000");
        assert_eq!(fee(0), "0.00000");
    }

    #[test]
    fn text_breaks_neither_column_nor_line() {
        assert_eq!(harmless("a,b\r\nc\nd"), "a\\ b\\nc\\nd");
        assert_eq!(harmless("plain"), "plain");
    }
}
