//! Whose clock says what is due and when a lease ends.
//!
//! Several nodes share a PostgreSQL, and their clocks differ: its own decides. A SQLite file has one process, whose
//! clock may be set back; here it then stands still until it has caught up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::Value;
use sea_orm::sea_query::Expr;
use tributary_domain::clock::SharedClock;

/// Hands out the present, as SQL or as a value.
#[derive(Clone, Debug)]
pub(crate) enum LeaseClock {
    /// The database's, asked by this piece of SQL.
    Database(&'static str),
    /// A process's.
    Process(Arc<ForwardClock>),
}

/// A clock that never goes back.
#[derive(Debug)]
pub(crate) struct ForwardClock {
    clock: SharedClock,
    latest: AtomicI64,
}

impl LeaseClock {
    pub(crate) fn of_process(clock: SharedClock) -> Self {
        Self::Process(Arc::new(ForwardClock {
            clock,
            latest: AtomicI64::new(i64::MIN),
        }))
    }

    /// The present in milliseconds, for a statement.
    pub(crate) fn now(&self) -> Expr {
        match self {
            Self::Database(sql) => Expr::cust(*sql),
            Self::Process(clock) => Expr::value(clock.now_ms()),
        }
    }

    /// The present in milliseconds where the process knows it; NULL where the database does.
    pub(crate) fn bound(&self) -> Value {
        match self {
            Self::Database(_) => Value::BigInt(None),
            Self::Process(clock) => clock.now_ms().into(),
        }
    }
}

impl ForwardClock {
    fn now_ms(&self) -> i64 {
        let now = self.clock.now().as_millis();
        now.max(self.latest.fetch_max(now, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tributary_domain::clock::{Clock, Timestamp};

    use super::*;

    #[derive(Debug)]
    struct Settable(Mutex<i64>);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(*self.0.lock().unwrap())
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still_until_it_has_caught_up() {
        let wall = Arc::new(Settable(Mutex::new(5_000)));
        let clock = LeaseClock::of_process(wall.clone());
        let mut seen = Vec::new();
        for shown in [5_000, 6_000, 1_000, 5_999, 6_001] {
            *wall.0.lock().unwrap() = shown;
            seen.push(clock.bound());
        }
        assert_eq!(
            seen,
            [5_000_i64, 6_000, 6_000, 6_000, 6_001].map(Value::from)
        );
    }
}
