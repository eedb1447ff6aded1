//! When a failed delivery is tried again: a visible list of delays, jitter, and the receiver's wish within bounds.

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The longest that a receiver may put us off by `retry-after`.
const MAX_RETRY_AFTER_MS: u64 = HOUR;
/// Jitter spreads each delay over 80 % to 120 % of its base.
const JITTER_MIN_PERMILLE: u64 = 800;
const JITTER_SPAN_PERMILLE: u64 = 401;

const STANDARD: [u64; 13] = [
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    12 * HOUR,
    16 * HOUR,
    16 * HOUR,
];

const WECHAT: [u64; 15] = [
    15 * SECOND,
    15 * SECOND,
    30 * SECOND,
    3 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    3 * HOUR,
    3 * HOUR,
    6 * HOUR,
    6 * HOUR,
];

/// The delays between the attempts of one delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    delays_ms: &'static [u64],
}

impl Schedule {
    /// Fourteen attempts over 71 h 42 min 35 s.
    pub fn standard() -> Self {
        Self {
            delays_ms: &STANDARD,
        }
    }

    /// WeChat Pay's own fifteen retries over 24 h 4 min, for receivers that were built for them.
    pub fn wechat() -> Self {
        Self { delays_ms: &WECHAT }
    }

    /// Returns how many automatic attempts a delivery gets.
    pub fn max_attempts(&self) -> u32 {
        u32::try_from(self.delays_ms.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// Returns the time to wait after the failed attempt number `attempt` (from 1), or nothing when it was the last.
    ///
    /// `entropy` is any random number; it picks the jitter. A `retry_after_ms` can only make the wait longer, up to one
    /// hour or the scheduled delay, whichever is longer.
    pub fn next_delay_ms(
        &self,
        attempt: u32,
        entropy: u64,
        retry_after_ms: Option<u64>,
    ) -> Option<u64> {
        let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
        let base = self.delays_ms.get(index)?;
        let factor = JITTER_MIN_PERMILLE + entropy % JITTER_SPAN_PERMILLE;
        let scheduled = base * factor / 1_000;
        let asked = retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS);
        Some(scheduled.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Picks a jitter factor of exactly one.
    const NO_JITTER: u64 = 200;

    fn total_ms(schedule: Schedule) -> u64 {
        (1..)
            .map_while(|attempt| schedule.next_delay_ms(attempt, NO_JITTER, None))
            .sum()
    }

    #[test]
    fn standard_has_fourteen_attempts_over_71h42m35s() {
        assert_eq!(Schedule::standard().max_attempts(), 14);
        assert_eq!(
            total_ms(Schedule::standard()),
            (71 * 3600 + 42 * 60 + 35) * SECOND
        );
    }

    #[test]
    fn wechat_has_fifteen_retries_over_24h4m() {
        assert_eq!(Schedule::wechat().max_attempts(), 16);
        assert_eq!(total_ms(Schedule::wechat()), (24 * 60 + 4) * MINUTE);
    }

    #[test]
    fn after_the_last_attempt_there_is_no_next() {
        let schedule = Schedule::standard();
        assert!(schedule.next_delay_ms(13, 0, None).is_some());
        assert_eq!(schedule.next_delay_ms(14, 0, Some(1)), None);
        assert_eq!(schedule.next_delay_ms(u32::MAX, 0, None), None);
        assert_eq!(schedule.next_delay_ms(0, 0, None), None);
    }

    #[test]
    fn jitter_reaches_both_ends_and_no_further() {
        let schedule = Schedule::standard();
        assert_eq!(schedule.next_delay_ms(1, 0, None), Some(4_000));
        assert_eq!(schedule.next_delay_ms(1, 400, None), Some(6_000));
        assert_eq!(schedule.next_delay_ms(1, 401, None), Some(4_000));
    }

    #[test]
    fn retry_after_is_clamped_between_the_schedule_and_an_hour() {
        let schedule = Schedule::standard();
        assert_eq!(
            schedule.next_delay_ms(1, NO_JITTER, Some(1_000)),
            Some(5_000)
        );
        assert_eq!(
            schedule.next_delay_ms(1, NO_JITTER, Some(90_000)),
            Some(90_000)
        );
        assert_eq!(
            schedule.next_delay_ms(1, NO_JITTER, Some(u64::MAX)),
            Some(HOUR)
        );
        assert_eq!(
            schedule.next_delay_ms(9, NO_JITTER, Some(u64::MAX)),
            Some(8 * HOUR)
        );
    }

    proptest! {
        #[test]
        fn every_delay_stays_within_a_fifth_of_its_base(attempt in 1_u32..=13, entropy: u64) {
            let schedule = Schedule::standard();
            let base = schedule.next_delay_ms(attempt, NO_JITTER, None).unwrap();
            let delay = schedule.next_delay_ms(attempt, entropy, None).unwrap();
            prop_assert!(delay * 10 >= base * 8 && delay * 10 <= base * 12);
        }
    }
}
