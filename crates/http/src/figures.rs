//! The process's figures for people: read from the metrics registry, summed up, and compared with an earlier look.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tributary_domain::clock::Timestamp;

/// Looks that are remembered, the first since the start among them.
const LOOKS_MAX: usize = 32;
/// Looks are remembered this far apart.
const LOOKS_APART_MS: i64 = 30_000;
/// What is shown is of about this long, where somebody looked then.
const WINDOW_MS: i64 = 5 * 60_000;
/// Ninety-five of a hundred.
const P95: (u64, u64) = (95, 100);

/// Gives the registry's figures in the text form of Prometheus.
type Read = Arc<dyn Fn() -> String + Send + Sync>;

/// The metrics registry of this process, and what it said at earlier looks.
#[derive(Clone)]
pub struct Figures {
    read: Read,
    looks: Arc<Mutex<VecDeque<(Timestamp, Sums)>>>,
    started_at: Timestamp,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").finish_non_exhaustive()
    }
}

/// What the process did between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How long the process runs.
    pub(crate) uptime_ms: i64,
    /// How long the rest is about.
    pub(crate) window_ms: i64,
    /// Requests by class of their status.
    pub(crate) requests: BTreeMap<String, u64>,
    /// Calls to WeChat by outcome.
    pub(crate) calls: BTreeMap<String, u64>,
    /// All but one in twenty of them took no longer; nothing when there was none.
    pub(crate) calls_p95_ms: Option<u64>,
    /// Attempts to deliver by outcome.
    pub(crate) deliveries: BTreeMap<String, u64>,
    /// WeChat's notifications by outcome.
    pub(crate) notifications: BTreeMap<String, u64>,
}

/// Sums since the start of the process: by kind and word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    counts: BTreeMap<(Kind, String), u64>,
    /// Calls to WeChat that took at most so many milliseconds.
    calls_within: BTreeMap<u64, u64>,
    calls: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Request,
    Call,
    Delivery,
    Notification,
}

impl Figures {
    /// The figures of a process that starts now.
    pub fn new(read: impl Fn() -> String + Send + Sync + 'static, started_at: Timestamp) -> Self {
        Self {
            read: Arc::new(read),
            looks: Arc::new(Mutex::new(VecDeque::from([(started_at, Sums::default())]))),
            started_at,
        }
    }

    /// What happened since a look about five minutes ago, or since the start.
    pub(crate) fn summary(&self, now: Timestamp) -> Summary {
        let sums = Sums::read(&(self.read)());
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |look: &(Timestamp, Sums)| now.millis_since(look.0) >= WINDOW_MS;
        // Of those that are old enough the newest is as good as all of them.
        while looks.get(1).is_some_and(is_old) {
            looks.pop_front();
        }
        let (since, before) = looks.front().cloned().unwrap_or((now, sums.clone()));
        let newest = looks.back().map_or(now, |look| look.0);
        if now.millis_since(newest) >= LOOKS_APART_MS && looks.len() < LOOKS_MAX {
            looks.push_back((now, sums.clone()));
        }
        drop(looks);
        let of = |kind| sums.since(&before, kind);
        Summary {
            uptime_ms: now.millis_since(self.started_at),
            window_ms: now.millis_since(since),
            requests: of(Kind::Request),
            calls: of(Kind::Call),
            calls_p95_ms: sums.p95_since(&before),
            deliveries: of(Kind::Delivery),
            notifications: of(Kind::Notification),
        }
    }
}

impl Sums {
    fn read(text: &str) -> Self {
        let mut sums = Self::default();
        for line in text.lines() {
            sums.add(line);
        }
        sums
    }

    /// Adds one line, `name{label="value",…} number`; what is not looked for is passed over.
    fn add(&mut self, line: &str) {
        let Some((series, number)) = line.rsplit_once(' ') else {
            return;
        };
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let (kind, word) = match name {
            "http_requests_total" => (
                Kind::Request,
                label(labels, "status").as_deref().map(class_of),
            ),
            "tributary_upstream_calls_total" => (Kind::Call, label(labels, "outcome")),
            "tributary_webhook_attempts_total" => (Kind::Delivery, label(labels, "outcome")),
            "tributary_notifications_total" => (Kind::Notification, label(labels, "outcome")),
            "tributary_upstream_call_seconds_bucket" => return self.add_bucket(labels, number),
            "tributary_upstream_call_seconds_count" => {
                self.calls = self.calls.saturating_add(number);
                return;
            }
            _ => return,
        };
        if let Some(word) = word {
            let sum = self.counts.entry((kind, word)).or_default();
            *sum = sum.saturating_add(number);
        }
    }

    fn add_bucket(&mut self, labels: &str, number: u64) {
        let bound = label(labels, "le").and_then(|text| text.parse::<f64>().ok());
        let Some(bound) = bound.filter(|bound| bound.is_finite()) else {
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounds are ten seconds at most, and none is negative"
        )]
        let ms = (bound * 1_000.0).round() as u64;
        let sum = self.calls_within.entry(ms).or_default();
        *sum = sum.saturating_add(number);
    }

    fn since(&self, before: &Self, kind: Kind) -> BTreeMap<String, u64> {
        let of_kind = self.counts.iter().filter(|((of, _), _)| *of == kind);
        let new = of_kind.map(|(key, sum)| {
            let earlier = before.counts.get(key).copied().unwrap_or_default();
            (key.1.clone(), sum.saturating_sub(earlier))
        });
        new.filter(|(_, count)| *count > 0).collect()
    }

    /// The bound below which all but one in twenty calls took; above the highest bound, that one.
    fn p95_since(&self, before: &Self) -> Option<u64> {
        let calls = self.calls.saturating_sub(before.calls);
        if calls == 0 {
            return None;
        }
        let enough = calls.saturating_mul(P95.0).div_ceil(P95.1);
        let within = |ms: &u64, sum: u64| {
            let earlier = before.calls_within.get(ms).copied().unwrap_or_default();
            sum.saturating_sub(earlier)
        };
        let reached = self
            .calls_within
            .iter()
            .find(|(ms, sum)| within(ms, **sum) >= enough);
        let highest = self.calls_within.last_key_value();
        reached.or(highest).map(|(ms, _)| *ms)
    }
}

/// The value of a label.
fn label(labels: &str, name: &str) -> Option<String> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.to_owned())
}

/// `2xx` of `204`.
fn class_of(status: &str) -> String {
    let first = status.chars().next().unwrap_or('?');
    format!("{first}xx")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(paid: u64, failed: u64, quick: u64) -> String {
        let calls = paid + failed;
        format!(
            "# TYPE http_requests_total counter\n\
             http_requests_total{{route=\"/v1/orders\",method=\"POST\",status=\"201\"}} {paid}\n\
             http_requests_total{{route=\"/v1/orders\",method=\"GET\",status=\"200\"}} 1\n\
             http_requests_total{{route=\"/v1/orders\",method=\"POST\",status=\"502\"}} {failed}\n\
             tributary_upstream_calls_total{{outcome=\"succeeded\"}} {paid}\n\
             tributary_upstream_call_seconds_bucket{{le=\"0.05\"}} {quick}\n\
             tributary_upstream_call_seconds_bucket{{le=\"0.5\"}} {calls}\n\
             tributary_upstream_call_seconds_bucket{{le=\"+Inf\"}} {calls}\n\
             tributary_upstream_call_seconds_count {calls}\n"
        )
    }

    #[test]
    fn a_summary_is_of_the_last_minutes_as_far_as_somebody_looked() {
        let said = Arc::new(Mutex::new(text(10, 0, 10)));
        let source = Arc::clone(&said);
        let at = |minutes: i64| Timestamp::from_seconds(1_790_000_000 + minutes * 60);
        let figures = Figures::new(move || source.lock().unwrap().clone(), at(0));
        let first = figures.summary(at(1));
        assert_eq!((first.window_ms, first.uptime_ms), (60_000, 60_000));
        assert_eq!(first.requests, BTreeMap::from([("2xx".to_owned(), 11)]));
        assert_eq!(first.calls_p95_ms, Some(50));
        *said.lock().unwrap() = text(18, 2, 12);
        let later = figures.summary(at(7));
        assert_eq!((later.window_ms, later.uptime_ms), (6 * 60_000, 7 * 60_000));
        let words = [("2xx".to_owned(), 8), ("5xx".to_owned(), 2)];
        assert_eq!(later.requests, BTreeMap::from(words));
        assert_eq!(later.calls, BTreeMap::from([("succeeded".to_owned(), 8)]));
        assert_eq!(later.calls_p95_ms, Some(500), "two of ten were quick");
        let quiet = figures.summary(at(13));
        assert_eq!((quiet.requests.len(), quiet.calls_p95_ms), (0, None));
    }
}
