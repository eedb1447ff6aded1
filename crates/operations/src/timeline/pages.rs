//! Pages of a timeline: a story may be longer than one answer, and is read on where the page before ended.

use tributary_domain::clock::Timestamp;
use tributary_domain::cursor::TimelinePlace;

/// Entries that a page of a timeline holds at most, the oldest first.
pub const TIMELINE_ENTRIES_MAX: usize = 1_000;
/// Rows of one kind that a page is made of: those that it shows, those of the page before that began in the same
/// instant, and one more, to know that there are more.
pub(super) const READ_MAX: u64 = 2_001;

/// What began at this instant or later is read for a page.
pub(super) fn since(after: Option<&TimelinePlace>) -> Timestamp {
    after.map_or(Timestamp::from_millis(0), |place| place.at)
}

/// The place behind everything that began at an instant.
pub(super) const fn behind(at: Timestamp) -> TimelinePlace {
    TimelinePlace {
        at,
        shown: u32::MAX,
    }
}

/// Cuts the page behind `after` out of entries in their order, and says where the next one begins.
pub(super) fn page<T>(
    entries: Vec<T>,
    after: Option<&TimelinePlace>,
    at: impl Fn(&T) -> Timestamp,
) -> (Vec<T>, Option<TimelinePlace>) {
    let mut to_skip = after.map_or(0, |place| place.shown);
    let is_new = |entry: &T| match after {
        Some(place) if at(entry) < place.at => false,
        Some(place) if at(entry) == place.at && to_skip > 0 => {
            to_skip -= 1;
            false
        }
        _ => true,
    };
    let mut shown: Vec<T> = entries.into_iter().filter(is_new).collect();
    let has_more = shown.len() > TIMELINE_ENTRIES_MAX;
    shown.truncate(TIMELINE_ENTRIES_MAX);
    let last = shown.last().map(&at).filter(|_| has_more);
    let next = last.map(|last| {
        let same = shown.iter().filter(|entry| at(entry) == last).count();
        let before = after.filter(|place| place.at == last);
        let same = u32::try_from(same).unwrap_or(u32::MAX);
        TimelinePlace {
            at: last,
            shown: before.map_or(0, |place| place.shown).saturating_add(same),
        }
    });
    (shown, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of which many begin in the same instant.
    fn story() -> Vec<(i64, i64)> {
        (0..3_456).map(|number| (number / 700, number)).collect()
    }

    #[test]
    fn pages_are_the_whole_story_once() {
        let at = |entry: &(i64, i64)| Timestamp::from_millis(entry.0);
        let (mut read, mut place) = (Vec::new(), None);
        for _ in 0..10 {
            let (entries, next) = page(story(), place.as_ref(), at);
            read.extend(entries);
            place = next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(read, story());
    }

    #[test]
    fn behind_an_instant_is_what_began_later() {
        let at = |entry: &(i64, i64)| Timestamp::from_millis(entry.0);
        let (entries, next) = page(story(), Some(&behind(Timestamp::from_millis(3))), at);
        assert_eq!(entries.first(), Some(&(4, 2_800)));
        assert_eq!(next, None);
    }
}
