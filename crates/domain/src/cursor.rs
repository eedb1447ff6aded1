//! Cursors: where a page of a list begins, as a text that whoever reads on sends back.
//!
//! A text that is read as a place is the text that the place is written as, so that nobody comes to rely on another.

use std::fmt;
use std::str::FromStr;

use crate::audit::AuditScope;
use crate::clock::Timestamp;
use crate::ids::BillId;

/// Digits of a place in the feed at most: more numbers than a feed ever has.
const FEED_DIGITS_MAX: usize = 18;

/// A row of a list that goes by ids, alone or behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the list is sorted by before the id, if anything.
    pub at: Option<i64>,
    /// The row's id.
    pub id: String,
}

impl Place {
    /// Reads a place of a list of such ids.
    pub fn read<T: FromStr>(text: &str) -> Option<Self> {
        let (at, id) = match text.split_once('.') {
            Some((at, id)) => (Some(at.parse().ok()?), id),
            None => (None, text),
        };
        let _: T = id.parse().ok()?;
        let id = id.to_owned();
        exactly(Self { at, id }, text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at}.{}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// A row of the audit log: it goes by time, then by chain and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPosition {
    /// The entry's instant.
    pub at: Timestamp,
    /// Its chain.
    pub scope: AuditScope,
    /// Its number.
    pub number: u64,
}

impl AuditPosition {
    /// Reads a place of the audit log.
    pub fn read(text: &str) -> Option<Self> {
        let (at, rest) = text.split_once('.')?;
        let (number, scope) = rest.split_once('.')?;
        let place = Self {
            at: Timestamp::from_millis(at.parse().ok()?),
            number: number.parse().ok()?,
            scope: AuditScope::parse(scope)?,
        };
        exactly(place, text)
    }
}

impl fmt::Display for AuditPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, scope) = (self.at.as_millis(), self.scope.as_str());
        write!(f, "{at}.{}.{scope}", self.number)
    }
}

/// A row of a day's bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRowPlace {
    /// The bill.
    pub bill: BillId,
    /// The line in it.
    pub line: i64,
}

impl BillRowPlace {
    /// Reads a place among the rows of bills.
    pub fn read(text: &str) -> Option<Self> {
        let (bill, line) = text.split_once('.')?;
        let place = Self {
            bill: bill.parse().ok()?,
            line: line.parse().ok()?,
        };
        exactly(place, text)
    }
}

impl fmt::Display for BillRowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.bill, self.line)
    }
}

/// A place in an order's timeline, which has no ids of its own: behind so many entries of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelinePlace {
    /// The instant of the last entry that was shown.
    pub at: Timestamp,
    /// How many entries of that instant were shown.
    pub shown: u32,
}

impl TimelinePlace {
    /// Reads a place in a timeline.
    pub fn read(text: &str) -> Option<Self> {
        let (at, shown) = text.split_once('.')?;
        let place = Self {
            at: Timestamp::from_millis(at.parse().ok()?),
            shown: shown.parse().ok()?,
        };
        exactly(place, text)
    }
}

impl fmt::Display for TimelinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.as_millis(), self.shown)
    }
}

/// Reads a place in the feed: the number of an event, or 0 for the beginning.
pub fn read_feed_place(text: &str) -> Option<i64> {
    let place: i64 = text.parse().ok()?;
    let fits = place >= 0 && text.len() <= FEED_DIGITS_MAX;
    exactly(place, text).filter(|_| fits)
}

fn exactly<T: fmt::Display>(place: T, text: &str) -> Option<T> {
    (place.to_string() == text).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OrderId;

    const ORDER: &str = "ord_01JAE2M4Q8W3N7R5T9V1X6Z0BC";

    #[test]
    fn a_place_is_written_as_it_was_read() {
        let timed = format!("1790000000000.{ORDER}");
        for good in [ORDER, timed.as_str()] {
            let place = Place::read::<OrderId>(good).unwrap();
            assert_eq!(place.to_string(), good);
        }
        let padded = format!("007.{ORDER}");
        let signed = format!("+7.{ORDER}");
        for bad in ["", "7.", "ref_01JAE2M4Q8W3N7R5T9V1X6Z0BC", &padded, &signed] {
            assert_eq!(Place::read::<OrderId>(bad), None, "{bad}");
        }
    }

    #[test]
    fn places_of_other_lists_are_refused_unless_exact() {
        assert!(AuditPosition::read("1790000000000.7.platform").is_some());
        for bad in [
            "",
            "1.2",
            "a.b.platform",
            "1.-2.platform",
            "1.2.nobody",
            "1..platform",
            "1.02.platform",
        ] {
            assert_eq!(AuditPosition::read(bad), None, "{bad}");
        }
        assert!(BillRowPlace::read("bil_01JAE2M4Q8W3N7R5T9V1X6Z0BC.17").is_some());
        assert_eq!(
            BillRowPlace::read("bil_01JAE2M4Q8W3N7R5T9V1X6Z0BC.017"),
            None
        );
        assert!(TimelinePlace::read("1790000000000.2").is_some());
        assert_eq!(TimelinePlace::read("1790000000000.-2"), None);
        assert_eq!(read_feed_place("0"), Some(0));
        for bad in ["-1", "01", "+1", "", "9999999999999999999", "1 "] {
            assert_eq!(read_feed_place(bad), None, "{bad}");
        }
    }
}
