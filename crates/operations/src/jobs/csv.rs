//! Files that spreadsheets open: UTF-8 with its mark, and no cell that one would run as a formula.

/// What tells a spreadsheet that the file is UTF-8.
pub(super) const MARK: &str = "\u{feff}";

/// Writes one line.
pub(super) fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    let mut line = cells.join(",");
    line.push_str("\r\n");
    line
}

/// A cell in quotes; what a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_quote_ends_one() {
        for (cell, written) in [
            ("T-1", "\"T-1\""),
            (
                "=HYPERLINK(\"http://x\")",
                "\"'=HYPERLINK(\"\"http://x\"\")\"",
            ),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("\t=1", "\"'\t=1\""),
            ("a,\"b\"\n", "\"a,\"\"b\"\"\n\""),
        ] {
            assert_eq!(quoted(cell), written, "{cell:?}");
        }
        let cells = ["a".to_owned(), "b".to_owned()];
        assert_eq!(line(&cells), "\"a\",\"b\"\r\n");
    }
}
