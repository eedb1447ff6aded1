//! Why a bill was not read: always the line, and the column where there is one; never the content of a cell.

/// Why a bill was not read. A parser that gave one gives it again for whatever follows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillParseError {
    /// There is no line of column names.
    #[error("the bill has no header")]
    NoHeader,
    /// A column that the rows cannot do without is not in the header.
    #[error("line {line}: the header lacks the column {column}")]
    MissingColumn {
        /// From 1.
        line: u64,
        /// The column's name.
        column: &'static str,
    },
    /// A column is there twice, so that a value would be ambiguous.
    #[error("line {line}: the header has the column {column} twice")]
    RepeatedColumn {
        /// From 1.
        line: u64,
        /// The column's name.
        column: &'static str,
    },
    /// A line is longer than any bill's.
    #[error("line {line}: longer than {most_bytes} bytes")]
    LineTooLong {
        /// From 1.
        line: u64,
        /// The limit.
        most_bytes: usize,
    },
    /// A line is not UTF-8.
    #[error("line {line}: not UTF-8")]
    NotUtf8 {
        /// From 1.
        line: u64,
    },
    /// A row has more or fewer cells than the header has columns.
    #[error("line {line}: {found} cells under {expected} columns")]
    CellCount {
        /// From 1.
        line: u64,
        /// The columns of the header.
        expected: usize,
        /// The cells of the row.
        found: usize,
    },
    /// A line begins with no backtick and is no summary header either.
    #[error("line {line}: neither a row nor the summary's header")]
    NotARow {
        /// From 1.
        line: u64,
    },
    /// A cell is not what its column holds.
    #[error("line {line}, column {column}: {problem}")]
    Cell {
        /// From 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What is wrong with it.
        problem: CellProblem,
    },
    /// A sum leaves the range of 64 bits.
    #[error("line {line}, column {column}: the sum is too large")]
    SumTooLarge {
        /// From 1.
        line: u64,
        /// The column's name.
        column: &'static str,
    },
    /// The bill ends before its summary.
    #[error("the bill ends before its summary, after line {line}")]
    NoSummary {
        /// The last line that came.
        line: u64,
    },
    /// Something follows the summary.
    #[error("line {line}: something follows the summary")]
    AfterSummary {
        /// From 1.
        line: u64,
    },
    /// The summary says something else than the rows.
    #[error("line {line}, column {column}: the summary says {stated}, the rows {counted}")]
    SummaryDiffers {
        /// From 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// In fen, in thousandths of a fen, or a number of rows.
        stated: i64,
        /// In the same unit.
        counted: i64,
    },
    /// The proof is about a content of another length than was read.
    #[error("{parsed_bytes} bytes were read, {proven_bytes} are proven")]
    ProofDiffers {
        /// What the parser was given.
        parsed_bytes: u64,
        /// What the proof covers.
        proven_bytes: u64,
    },
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellProblem {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is not `yyyy-MM-dd HH:mm:ss`.
    #[error("is not a time as yyyy-MM-dd HH:mm:ss")]
    NotATime,
    /// It is not a decimal number.
    #[error("is not a decimal number")]
    NotANumber,
    /// It has more decimals than its unit allows.
    #[error("has more than {0} decimals")]
    TooManyDecimals(u32),
    /// It is below zero where that makes no sense.
    #[error("is negative")]
    Negative,
    /// It leaves the range of 64 bits.
    #[error("is too large")]
    TooLarge,
}
