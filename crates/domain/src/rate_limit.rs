//! How often a caller may ask: the generic cell rate algorithm (GCRA), whose whole state is one instant per caller.
//!
//! It is a bucket that leaks evenly: `burst` requests at once, and after that one every `1 / rate` seconds.

use crate::clock::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MILLI: i64 = 1_000;

/// So many requests at once, and so many a second after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    per_second: u32,
    burst: u32,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many more would be admitted at this instant.
    pub remaining: u32,
    /// How long until the whole burst is there again, in milliseconds.
    pub full_in_ms: i64,
    /// For a request that is refused: how long until one would be admitted, in milliseconds.
    pub refused_for_ms: Option<i64>,
}

impl Quota {
    /// Takes a rate and a burst; of each at least one.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        const fn at_least_one(n: u32) -> u32 {
            if n == 0 { 1 } else { n }
        }
        Self {
            per_second: at_least_one(per_second),
            burst: at_least_one(burst),
        }
    }

    /// The same, this many times as large.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        Self::new(
            self.per_second.saturating_mul(factor),
            self.burst.saturating_mul(factor),
        )
    }

    /// How many may come at once.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// How many seconds an empty bucket takes to fill, rounded up.
    pub const fn window_seconds(self) -> u32 {
        self.burst.div_ceil(self.per_second)
    }

    /// The time between two requests at the steady rate, rounded up: never more than the rate.
    const fn interval_us(self) -> i64 {
        let rate = self.per_second as i64;
        (MICROS_PER_SECOND + rate - 1) / rate
    }

    const fn full_us(self) -> i64 {
        self.interval_us().saturating_mul(self.burst as i64)
    }
}

/// The state of one caller: the theoretical arrival time of the request after the last admitted one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    arrival_us: i64,
}

impl Cell {
    /// Admits or refuses a request at this instant. One that is refused costs nothing.
    pub fn ask(&mut self, quota: Quota, now: Timestamp) -> Verdict {
        let now_us = now.as_millis().saturating_mul(MICROS_PER_MILLI);
        let (interval, full) = (quota.interval_us(), quota.full_us());
        // More than a whole burst ahead it can only be when the clock was set back: that must lock nobody out.
        let latest = now_us.saturating_add(full);
        let arrival = self.arrival_us.clamp(now_us, latest);
        let after = arrival.saturating_add(interval);
        let excess = after.saturating_sub(latest);
        self.arrival_us = if excess > 0 { arrival } else { after };
        let left = latest.saturating_sub(self.arrival_us);
        Verdict {
            remaining: u32::try_from(left / interval).unwrap_or(0),
            full_in_ms: to_millis(self.arrival_us.saturating_sub(now_us)),
            refused_for_ms: (excess > 0).then(|| to_millis(excess)),
        }
    }
}

/// Rounded up, so that whoever waits so long has waited enough.
const fn to_millis(us: i64) -> i64 {
    us.saturating_add(MICROS_PER_MILLI - 1) / MICROS_PER_MILLI
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn admitted(cell: &mut Cell, quota: Quota, now: Timestamp) -> bool {
        cell.ask(quota, now).refused_for_ms.is_none()
    }

    #[test]
    fn a_burst_is_admitted_at_once_and_counted_down() {
        let (mut cell, quota) = (Cell::default(), Quota::new(50, 100));
        for left in (0..100).rev() {
            let verdict = cell.ask(quota, START);
            assert_eq!((verdict.remaining, verdict.refused_for_ms), (left, None));
        }
        let refused = cell.ask(quota, START);
        assert_eq!((refused.remaining, refused.full_in_ms), (0, 2_000));
        assert_eq!(refused.refused_for_ms, Some(20));
        assert_eq!(quota.window_seconds(), 2);
    }

    #[test]
    fn after_a_burst_the_rate_is_kept_to_the_millisecond() {
        let (mut cell, quota) = (Cell::default(), Quota::new(50, 100));
        for _ in 0..100 {
            assert!(admitted(&mut cell, quota, START));
        }
        let at = |ms| START.plus_millis(ms);
        assert!(!admitted(&mut cell, quota, at(19)));
        assert!(admitted(&mut cell, quota, at(20)));
        assert!(!admitted(&mut cell, quota, at(39)));
        assert!(admitted(&mut cell, quota, at(40)));
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let (mut cell, quota) = (Cell::default(), Quota::new(1, 1));
        assert!(admitted(&mut cell, quota, START));
        for ms in 0..1_000 {
            assert!(!admitted(&mut cell, quota, START.plus_millis(ms)));
        }
        assert!(admitted(&mut cell, quota, START.plus_millis(1_000)));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (mut cell, quota) = (Cell::default(), Quota::new(1, 2));
        for _ in 0..2 {
            assert!(admitted(&mut cell, quota, START));
        }
        let hour_ago = START.plus_millis(-3_600_000);
        assert_eq!(cell.ask(quota, hour_ago).refused_for_ms, Some(1_000));
        assert!(admitted(&mut cell, quota, hour_ago.plus_millis(1_000)));
    }

    /// The textbook's form: a request at `t` conforms when `t >= TAT - tau`, and then `TAT = max(t, TAT) + T`.
    fn by_the_formula(quota: Quota, arrivals_ms: &[i64]) -> Vec<bool> {
        let interval = quota.interval_us();
        let tau = interval * (i64::from(quota.burst) - 1);
        let mut expected_at = i64::MIN / 2;
        let conforms = |at: &i64| {
            let at = at * MICROS_PER_MILLI;
            let conforms = at >= expected_at - tau;
            if conforms {
                expected_at = at.max(expected_at) + interval;
            }
            conforms
        };
        arrivals_ms.iter().map(conforms).collect()
    }

    proptest::proptest! {
        #[test]
        fn it_is_the_textbooks_algorithm(
            (rate, burst) in (1_u32..2_000, 1_u32..200),
            gaps in proptest::collection::vec(0_i64..500, 1..400),
        ) {
            let quota = Quota::new(rate, burst);
            let mut at = START.as_millis();
            let arrivals: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let mut cell = Cell::default();
            let seen: Vec<bool> = arrivals
                .iter()
                .map(|at| admitted(&mut cell, quota, Timestamp::from_millis(*at)))
                .collect();
            proptest::prop_assert_eq!(seen, by_the_formula(quota, &arrivals));
        }

        #[test]
        fn whoever_waits_as_told_is_admitted(rate in 1_u32..2_000, burst in 1_u32..200, asks in 1_u32..500) {
            let (mut cell, quota) = (Cell::default(), Quota::new(rate, burst));
            let refused = (0..asks).find_map(|_| cell.ask(quota, START).refused_for_ms);
            if let Some(ms) = refused {
                proptest::prop_assert!(admitted(&mut cell, quota, START.plus_millis(ms)));
            }
        }
    }
}
