//! Decimal yuan to integers, digit by digit: no float, no rounding.

use super::CellProblem;

/// Decimals of an amount: yuan to fen.
pub const AMOUNT_DECIMALS: u32 = 2;
/// Decimals of a service fee: yuan to thousandths of a fen.
pub const FEE_DECIMALS: u32 = 5;

/// Reads `-?digits(.digits)?` with at most `decimals` decimals as a number of 10^-decimals.
pub fn parse(text: &str, decimals: u32) -> Result<i64, CellProblem> {
    if text.is_empty() {
        return Err(CellProblem::Empty);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(CellProblem::NotANumber),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let mut both = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !both.all(|byte| byte.is_ascii_digit()) {
        return Err(CellProblem::NotANumber);
    }
    let places = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    let missing = decimals
        .checked_sub(places)
        .ok_or(CellProblem::TooManyDecimals(decimals))?;
    let mut value = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = push_digit(value, i64::from(digit - b'0'))?;
    }
    for _ in 0..missing {
        value = push_digit(value, 0)?;
    }
    Ok(if negative { -value } else { value })
}

/// Counts the decimals that a text shows.
pub(super) fn decimals_of(text: &str) -> usize {
    text.split_once('.')
        .map_or(0, |(_, fraction)| fraction.len())
}

fn push_digit(value: i64, digit: i64) -> Result<i64, CellProblem> {
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(digit))
        .ok_or(CellProblem::TooLarge)
}
