//! The parser's engine: bytes in, rows out, and a summary that was checked against the rows.

use super::lines::{Header, Record};
use super::{BillParseError, VerifiedContent};

/// The longest line of a bill, in bytes; the longest known is below two thousand.
pub const MOST_LINE_BYTES: usize = 64 * 1024;

/// A kind of bill; implemented by this crate only.
pub trait Format: sealed::Layout {}

impl<F: sealed::Layout> Format for F {}

pub(super) mod sealed {
    use super::{BillParseError, Header, Record};

    /// What is particular to a kind of bill.
    pub trait Layout {
        /// Where the columns are.
        type Columns;
        /// One row.
        type Row;
        /// The sums over the rows.
        type Summary: Default;
        /// The summary's column with the number of rows, by which its header is known.
        const COUNT: &'static str;

        /// Finds the columns.
        fn columns(&self, header: &Header) -> Result<Self::Columns, BillParseError>;
        /// Reads one row and adds it to the sums.
        fn read(
            columns: &Self::Columns,
            record: &Record<'_>,
            sums: &mut Self::Summary,
        ) -> Result<Self::Row, BillParseError>;
        /// Compares the summary's row with the sums.
        fn check(
            header: &Header,
            record: &Record<'_>,
            sums: &Self::Summary,
        ) -> Result<(), BillParseError>;
    }
}

/// Reads a bill from pieces of any size; how it is cut never changes the result.
///
/// Rows are handed out before the bill's end has proven them: stage them, and publish after [`finish`](Self::finish).
#[derive(Debug)]
pub struct BillParser<F: Format> {
    format: F,
    partial: Vec<u8>,
    line: u64,
    parsed_bytes: u64,
    stage: Stage<F::Columns>,
    sums: F::Summary,
    failed: Option<BillParseError>,
}

#[derive(Debug)]
enum Stage<C> {
    Header,
    Rows { columns: C, width: usize },
    Summary(Header),
    Done,
}

impl<F: Format> BillParser<F> {
    pub(super) fn with_format(format: F) -> Self {
        Self {
            format,
            partial: Vec::new(),
            line: 0,
            parsed_bytes: 0,
            stage: Stage::Header,
            sums: F::Summary::default(),
            failed: None,
        }
    }

    /// Takes the next bytes and returns the rows that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<F::Row>, BillParseError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.parsed_bytes += bytes.len() as u64;
        let mut rows = Vec::new();
        let outcome = self.read(bytes, &mut rows);
        outcome.inspect_err(|error| self.failed = Some(error.clone()))?;
        Ok(rows)
    }

    /// Ends the bill: the content must be proven, and the summary must agree with the rows.
    pub fn finish(mut self, proof: &VerifiedContent) -> Result<F::Summary, BillParseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            let mut rows = Vec::new();
            self.read_line(&line, &mut rows)?;
            // A row without its line end is followed by no summary, so nothing is lost with it.
        }
        match self.stage {
            Stage::Done => {}
            Stage::Header => return Err(BillParseError::NoHeader),
            Stage::Rows { .. } | Stage::Summary(_) => {
                return Err(BillParseError::NoSummary { line: self.line });
            }
        }
        if self.parsed_bytes != proof.content_bytes() {
            return Err(BillParseError::ProofDiffers {
                parsed_bytes: self.parsed_bytes,
                proven_bytes: proof.content_bytes(),
            });
        }
        Ok(self.sums)
    }

    fn read(&mut self, bytes: &[u8], rows: &mut Vec<F::Row>) -> Result<(), BillParseError> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(end) = piece.strip_suffix(b"\n") else {
                return self.keep(piece);
            };
            if self.partial.is_empty() {
                self.read_line(end, rows)?;
            } else {
                self.keep(end)?;
                let mut line = std::mem::take(&mut self.partial);
                self.read_line(&line, rows)?;
                line.clear();
                self.partial = line;
            }
        }
        Ok(())
    }

    /// Keeps the beginning of a line until its end comes.
    fn keep(&mut self, piece: &[u8]) -> Result<(), BillParseError> {
        check_length(self.line + 1, self.partial.len() + piece.len())?;
        self.partial.extend_from_slice(piece);
        Ok(())
    }

    fn read_line(&mut self, bytes: &[u8], rows: &mut Vec<F::Row>) -> Result<(), BillParseError> {
        self.line += 1;
        let line = self.line;
        check_length(line, bytes.len())?;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BillParseError::NotUtf8 { line })?;
        match &self.stage {
            Stage::Header => {
                let header = Header::parse(line, text);
                let columns = self.format.columns(&header)?;
                let width = header.width();
                self.stage = Stage::Rows { columns, width };
            }
            Stage::Rows { columns, width } if text.starts_with('`') => {
                let record = Record::split(line, text, *width)?;
                rows.push(F::read(columns, &record, &mut self.sums)?);
            }
            Stage::Rows { .. } => {
                let header = Header::parse(line, text);
                if !header.has(F::COUNT) {
                    return Err(BillParseError::NotARow { line });
                }
                self.stage = Stage::Summary(header);
            }
            Stage::Summary(header) => {
                let record = Record::split(line, text, header.width())?;
                F::check(header, &record, &self.sums)?;
                self.stage = Stage::Done;
            }
            Stage::Done => return Err(BillParseError::AfterSummary { line }),
        }
        Ok(())
    }
}

fn check_length(line: u64, bytes: usize) -> Result<(), BillParseError> {
    if bytes > MOST_LINE_BYTES {
        return Err(BillParseError::LineTooLong {
            line,
            most_bytes: MOST_LINE_BYTES,
        });
    }
    Ok(())
}
