//! Lines, headers and cells: what trade and fund-flow bills have in common. A cell begins with one backtick, so cells
//! are parted where a comma and a backtick meet; a comma alone belongs to a merchant's text.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::decimal::{self, AMOUNT_DECIMALS, FEE_DECIMALS};
use super::{BillParseError, CellProblem};

const BYTE_ORDER_MARK: char = '\u{feff}';
const TIME_SHAPE: &[u8; 19] = b"0000-00-00 00:00:00";
const SEPARATOR: &str = ",`";

/// A line of column names.
#[derive(Debug)]
pub struct Header {
    line: u64,
    names: Vec<String>,
}

/// A column by its name, and where it is if the header has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    position: Option<usize>,
}

/// The cells of one row.
#[derive(Debug)]
pub struct Record<'a> {
    pub(super) line: u64,
    cells: Vec<&'a str>,
}

impl Header {
    pub(super) fn parse(line: u64, text: &str) -> Self {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let names = text.split(',').map(|name| {
            let name = name.trim();
            let name = name.strip_prefix('`').unwrap_or(name);
            // Parentheses come half-width and full-width.
            name.replace('（', "(").replace('）', ")")
        });
        Self {
            line,
            names: names.collect(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Finds a column that need not be there.
    pub(super) fn optional(&self, name: &'static str) -> Result<Column, BillParseError> {
        let mut found = self.names.iter().enumerate();
        let mut found = found.by_ref().filter(|(_, known)| *known == name);
        let position = found.next().map(|(position, _)| position);
        if found.next().is_some() {
            return Err(BillParseError::RepeatedColumn {
                line: self.line,
                column: name,
            });
        }
        Ok(Column { name, position })
    }

    /// Finds a column without which the rows mean nothing.
    pub(super) fn required(&self, name: &'static str) -> Result<Column, BillParseError> {
        let column = self.optional(name)?;
        if column.position.is_none() {
            return Err(BillParseError::MissingColumn {
                line: self.line,
                column: name,
            });
        }
        Ok(column)
    }
}

impl<'a> Record<'a> {
    /// Splits a row; exactly one backtick is taken off each cell.
    pub(super) fn split(line: u64, text: &'a str, width: usize) -> Result<Self, BillParseError> {
        let text = text
            .strip_prefix('`')
            .ok_or(BillParseError::NotARow { line })?;
        let mut cells = Vec::with_capacity(width);
        cells.extend(text.split(SEPARATOR));
        if cells.len() != width {
            return Err(BillParseError::CellCount {
                line,
                expected: width,
                found: cells.len(),
            });
        }
        Ok(Self { line, cells })
    }

    /// Returns a cell; empty if the bill does not have the column.
    pub(super) fn text(&self, column: &Column) -> &'a str {
        let cell = column.position.and_then(|place| self.cells.get(place));
        cell.copied().unwrap_or_default()
    }

    pub(super) fn required_text(&self, column: &Column) -> Result<String, BillParseError> {
        match self.text(column) {
            "" => Err(self.fault(column, CellProblem::Empty)),
            text => Ok(text.to_owned()),
        }
    }

    pub(super) fn optional_text(&self, column: &Column) -> Option<String> {
        Some(self.text(column))
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
    }

    /// Returns a number that WeChat writes as `0` where there is none.
    pub(super) fn optional_number(&self, column: &Column) -> Option<String> {
        Some(self.text(column))
            .filter(|text| !matches!(*text, "" | "0"))
            .map(ToOwned::to_owned)
    }

    /// Reads fen that are not negative.
    pub(super) fn amount_fen(&self, column: &Column) -> Result<i64, BillParseError> {
        let fen = self.signed_fen(column)?;
        if fen < 0 {
            return Err(self.fault(column, CellProblem::Negative));
        }
        Ok(fen)
    }

    /// Reads fen that are not negative; `None` without the column or with an empty cell.
    pub(super) fn optional_fen(&self, column: &Column) -> Result<Option<i64>, BillParseError> {
        if self.text(column).is_empty() {
            return Ok(None);
        }
        self.amount_fen(column).map(Some)
    }

    pub(super) fn signed_fen(&self, column: &Column) -> Result<i64, BillParseError> {
        decimal::parse(self.text(column), AMOUNT_DECIMALS).map_err(|p| self.fault(column, p))
    }

    /// Reads a fee in thousandths of a fen; `None` without the column or with an empty cell.
    pub(super) fn optional_millifen(&self, column: &Column) -> Result<Option<i64>, BillParseError> {
        match self.text(column) {
            "" => Ok(None),
            text => decimal::parse(text, FEE_DECIMALS)
                .map(Some)
                .map_err(|problem| self.fault(column, problem)),
        }
    }

    pub(super) fn count(&self, column: &Column) -> Result<i64, BillParseError> {
        let count = decimal::parse(self.text(column), 0);
        let count = count.map_err(|problem| self.fault(column, problem))?;
        if count < 0 {
            return Err(self.fault(column, CellProblem::Negative));
        }
        Ok(count)
    }

    /// Reads Beijing time as Unix milliseconds.
    pub(super) fn time_ms(&self, column: &Column) -> Result<i64, BillParseError> {
        match self.text(column) {
            "" => Err(self.fault(column, CellProblem::Empty)),
            text => beijing_ms(text).ok_or_else(|| self.fault(column, CellProblem::NotATime)),
        }
    }

    pub(super) fn optional_time_ms(&self, column: &Column) -> Result<Option<i64>, BillParseError> {
        if self.text(column).is_empty() {
            return Ok(None);
        }
        self.time_ms(column).map(Some)
    }

    pub(super) fn fault(&self, column: &Column, problem: CellProblem) -> BillParseError {
        BillParseError::Cell {
            line: self.line,
            column: column.name,
            problem,
        }
    }

    /// Adds a row's amount to a running sum.
    pub(super) fn add(
        &self,
        sum: &mut i64,
        column: &Column,
        amount: i64,
    ) -> Result<(), BillParseError> {
        *sum = sum.checked_add(amount).ok_or(BillParseError::SumTooLarge {
            line: self.line,
            column: column.name,
        })?;
        Ok(())
    }

    /// Compares what the summary states with what the rows counted.
    pub(super) fn check(
        &self,
        column: &Column,
        stated: i64,
        counted: i64,
    ) -> Result<(), BillParseError> {
        if stated == counted {
            return Ok(());
        }
        Err(BillParseError::SummaryDiffers {
            line: self.line,
            column: column.name,
            stated,
            counted,
        })
    }

    /// Compares a sum of fen; a column that is not there states nothing.
    pub(super) fn check_fen(&self, column: &Column, counted: i64) -> Result<(), BillParseError> {
        if column.position.is_none() {
            return Ok(());
        }
        self.check(column, self.signed_fen(column)?, counted)
    }
}

fn beijing_ms(text: &str) -> Option<i64> {
    let same_shape = |(shape, byte): (&u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => *other == byte,
    };
    if text.len() != TIME_SHAPE.len() || !TIME_SHAPE.iter().zip(text.bytes()).all(same_shape) {
        return None;
    }
    let time: DateTime = text.parse().ok()?;
    let instant = Offset::constant(8).to_timestamp(time).ok()?;
    Some(instant.as_millisecond())
}
