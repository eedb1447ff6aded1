//! Money: whole fen of one currency. No floating point, no unchecked arithmetic.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A non-negative amount in fen (1/100 yuan).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Fen(i64);

/// Why an amount was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Below zero.
    #[error("an amount is never negative")]
    Negative,
    /// Above what an order may carry, or the sum does not fit.
    #[error("the amount is larger than {} fen", Fen::MAX.0)]
    TooLarge,
}

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that one amount may be: WeChat's `int` ends at 2^31 - 1 fen, about 21 million yuan.
    pub const MAX: Self = Self(2_147_483_647);

    /// Checks and wraps an amount in fen.
    pub const fn new(fen: i64) -> Result<Self, MoneyError> {
        if fen < 0 {
            Err(MoneyError::Negative)
        } else if fen > Self::MAX.0 {
            Err(MoneyError::TooLarge)
        } else {
            Ok(Self(fen))
        }
    }

    /// The amount as a number of fen.
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The sum, unless it leaves the range.
    pub const fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::new(sum),
            None => Err(MoneyError::TooLarge),
        }
    }

    /// The difference, unless it falls below zero.
    pub const fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Self::new(rest),
            None => Err(MoneyError::Negative),
        }
    }
}

impl TryFrom<i64> for Fen {
    type Error = MoneyError;

    fn try_from(fen: i64) -> Result<Self, MoneyError> {
        Self::new(fen)
    }
}

impl From<Fen> for i64 {
    fn from(fen: Fen) -> i64 {
        fen.0
    }
}

impl fmt::Display for Fen {
    /// Writes yuan with two decimals, such as `8.88`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The currencies that mainland WeChat Pay settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// Renminbi.
    #[serde(rename = "CNY")]
    Cny,
}

impl Currency {
    /// The ISO 4217 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
        }
    }

    /// Reads an ISO 4217 code; upper case only, as WeChat does.
    pub fn parse(text: &str) -> Option<Self> {
        (text == "CNY").then_some(Self::Cny)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_sides_of_each_boundary_are_covered() {
        assert_eq!(Fen::new(-1), Err(MoneyError::Negative));
        assert_eq!(Fen::new(0), Ok(Fen::ZERO));
        assert_eq!(Fen::new(2_147_483_647), Ok(Fen::MAX));
        assert_eq!(Fen::new(2_147_483_648), Err(MoneyError::TooLarge));
        assert_eq!(Fen::new(i64::MIN), Err(MoneyError::Negative));
    }

    #[test]
    fn yuan_are_written_exactly() {
        assert_eq!(Fen::new(888).unwrap().to_string(), "8.88");
        assert_eq!(Fen::new(5).unwrap().to_string(), "0.05");
        assert_eq!(Fen::new(10_000).unwrap().to_string(), "100.00");
    }

    proptest! {
        #[test]
        fn adding_then_subtracting_gives_the_amount_back(a in 0i64..1_000_000_000, b in 0i64..1_000_000_000) {
            let (a, b) = (Fen::new(a).unwrap(), Fen::new(b).unwrap());
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }
    }
}
