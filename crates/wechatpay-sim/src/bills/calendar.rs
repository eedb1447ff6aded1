//! Days in Beijing, and which of them a bill may be asked for when.

use jiff::{Span, Timestamp, civil::Date};

use crate::{
    clock::{BEIJING, beijing},
    refusal::Refusal,
};

const HOUR_MS: i64 = 3_600_000;
/// Bills of a day are made from nine o'clock of the next on.
const MAKING_HOUR: i64 = 9;
/// Bills are kept so long.
const HISTORY_MONTHS: i64 = 3;

/// A day in Beijing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(Date);

impl Day {
    /// Reads `yyyy-MM-DD` and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(place, byte)| match place {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        shaped.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// The day of an instant.
    pub(crate) fn of(at_ms: i64) -> Self {
        let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(BEIJING.to_datetime(instant).date())
    }

    pub(crate) fn start_ms(self) -> i64 {
        let midnight = self.0.at(0, 0, 0, 0);
        BEIJING
            .to_timestamp(midnight)
            .map_or(0, Timestamp::as_millisecond)
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    pub(crate) fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0))
    }

    pub(crate) fn contains(self, at_ms: i64) -> bool {
        (self.start_ms()..self.next().start_ms()).contains(&at_ms)
    }

    /// Writes `yyyy-MM-DD`.
    pub(crate) fn text(self) -> String {
        self.0.to_string()
    }

    /// Writes an instant as bills do; fast for instants of this day, which are nearly all of its bill.
    pub(crate) fn time_text(self, date: &str, at_ms: i64) -> String {
        let of_day_ms = at_ms - self.start_ms();
        if !self.contains(at_ms) {
            return beijing(at_ms, "%Y-%m-%d %H:%M:%S");
        }
        let second = of_day_ms / 1_000;
        let (hours, minutes) = (second / 3_600, second / 60 % 60);
        format!("{date} {hours:02}:{minutes:02}:{:02}", second % 60)
    }
}

/// Only days that are over, and of the last three months.
pub(crate) fn check(day: Day, now_ms: i64) -> Result<(), Refusal> {
    let today = Day::of(now_ms);
    if day >= today {
        return Err(Refusal::invalid_request("账单日期不能为当天或未来日期"));
    }
    let oldest = today.0.checked_sub(Span::new().months(HISTORY_MONTHS));
    if oldest.is_ok_and(|oldest| day.0 < oldest) {
        return Err(Refusal::invalid_request("仅支持查询三个月内的账单"));
    }
    Ok(())
}

/// When the bills of a day are ready: from nine to ten o'clock, each provider at its own minute of each day.
pub(crate) fn ready_ms(sp_mchid: &str, day: Day) -> i64 {
    let spread = sp_mchid
        .bytes()
        .chain(day.text().bytes())
        .fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % HOUR_MS);
    day.next().start_ms() + MAKING_HOUR * HOUR_MS + spread
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-31T16:00:00Z, midnight in Beijing.
    const MIDNIGHT_MS: i64 = 1_774_972_800_000;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let day = Day::parse("2026-04-01").unwrap();
        assert_eq!(day.start_ms(), MIDNIGHT_MS);
        assert_eq!(Day::of(MIDNIGHT_MS), day);
        assert_eq!(Day::of(MIDNIGHT_MS - 1), day.previous());
        assert_eq!(
            day.time_text("2026-04-01", MIDNIGHT_MS + 3_723_000),
            "2026-04-01 01:02:03"
        );
        assert_eq!(
            day.time_text("2026-04-01", MIDNIGHT_MS - 1_000),
            "2026-03-31 23:59:59"
        );
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        for wrong in ["2026-4-1", "20260401", "2026-04-31", "2026/04/01", "today"] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn three_months_are_kept_and_today_is_not_over() {
        let allowed = |text| check(Day::parse(text).unwrap(), MIDNIGHT_MS).is_ok();
        assert!(!allowed("2026-04-01"));
        assert!(allowed("2026-03-31"));
        assert!(allowed("2026-01-01"));
        assert!(!allowed("2025-12-31"));
    }

    #[test]
    fn bills_are_ready_between_nine_and_ten() {
        let day = Day::parse("2026-03-31").unwrap();
        for sp_mchid in ["1900000109", "1900000110", "1230000109"] {
            let ready_ms = ready_ms(sp_mchid, day);
            assert!((9 * HOUR_MS..10 * HOUR_MS).contains(&(ready_ms - MIDNIGHT_MS)));
        }
    }
}
