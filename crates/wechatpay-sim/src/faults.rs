//! Faults that a test asks for: one by one, each so many times, or drawn from a seed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request takes effect, then the connection is cut.
    LostAnswer,
    /// The answer comes after `delay_ms`.
    Delay,
    /// `status` (500) and `SYSTEM_ERROR`; with `after_applying` the request took effect.
    ServerError,
    /// 429 `FREQUENCY_LIMITED`; nothing took effect.
    FrequencyLimited,
    /// 403 `NOT_ENOUGH`: the sub-merchant's money does not suffice.
    NotEnough,
    /// `status`, `code` and `message` as given; nothing took effect.
    Refuse,
    /// 202: accepted, not finished; nothing took effect.
    Accepted,
    /// A 2xx answer without any `Wechatpay-` header.
    UnsignedAnswer,
    /// A 2xx answer whose signature is of other bytes.
    WrongSignature,
    /// A 2xx answer that names a serial nobody knows.
    UnknownSerial,
    /// A 2xx answer with a `WECHATPAY/SIGNTEST/` signature.
    ProbeAnswer,
    /// A delivery is lost; the schedule goes on.
    NotificationWithheld,
    /// A delivery is sent `copies` (2) times at once.
    NotificationDuplicated,
    /// The first delivery waits until another notification has gone before it, at most `delay_ms` (5000).
    NotificationReordered,
    /// The first delivery comes `delay_ms` (60000) of business time late.
    NotificationLate,
    /// A forgery precedes the genuine delivery.
    NotificationForged,
    /// A delivery carries a wrong signature; the schedule goes on.
    NotificationWrongSignature,
    /// A delivery names a serial nobody knows; the schedule goes on.
    NotificationUnknownSerial,
    /// A SIGNTEST probe precedes the genuine delivery.
    NotificationProbe,
}

impl FaultKind {
    /// Whether it concerns deliveries rather than answers.
    pub(crate) fn concerns_notifications(self) -> bool {
        matches!(
            self,
            Self::NotificationWithheld
                | Self::NotificationDuplicated
                | Self::NotificationReordered
                | Self::NotificationLate
                | Self::NotificationForged
                | Self::NotificationWrongSignature
                | Self::NotificationUnknownSerial
                | Self::NotificationProbe
        )
    }
}

/// One fault to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many times; absent means until it is deleted.
    #[serde(default)]
    pub count: Option<u32>,
    /// Only requests (or notify URLs) that contain this text.
    #[serde(default)]
    pub path: Option<String>,
    /// Only this order.
    #[serde(default)]
    pub out_trade_no: Option<String>,
    /// For the kinds that wait.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// For `server_error` and `refuse`.
    #[serde(default)]
    pub status: Option<u16>,
    /// For `refuse`.
    #[serde(default)]
    pub code: Option<String>,
    /// For `refuse`.
    #[serde(default)]
    pub message: Option<String>,
    /// For `server_error`: answer it only after the request took effect.
    #[serde(default)]
    pub after_applying: bool,
    /// For `notification_duplicated`.
    #[serde(default)]
    pub copies: Option<u32>,
    /// How many times it has happened.
    #[serde(default, skip_deserializing)]
    pub happened: u64,
}

impl Fault {
    /// A fault of this kind for everything, until deleted.
    pub fn of(kind: FaultKind) -> Self {
        Self {
            kind,
            count: None,
            path: None,
            out_trade_no: None,
            delay_ms: None,
            status: None,
            code: None,
            message: None,
            after_applying: false,
            copies: None,
            happened: 0,
        }
    }

    /// The same fault, so many times only.
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// The same fault, for requests or notify URLs that contain this text.
    pub fn on_path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The same fault, for one order.
    pub fn on_order(mut self, out_trade_no: &str) -> Self {
        self.out_trade_no = Some(out_trade_no.to_owned());
        self
    }

    /// The same fault, waiting so long.
    pub fn delayed_by(mut self, delay_ms: u64) -> Self {
        self.delay_ms = Some(delay_ms);
        self
    }

    fn concerns(&self, path: &str, out_trade_no: Option<&str>) -> bool {
        self.count != Some(0)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self
                .out_trade_no
                .as_deref()
                .is_none_or(|number| out_trade_no == Some(number))
    }

    fn happen(&mut self) -> Self {
        self.happened += 1;
        self.count = self.count.map(|count| count.saturating_sub(1));
        self.clone()
    }
}

/// Faults drawn from a seed: the same seed and the same calls fail in the same way, in whatever order they arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededFaults {
    /// Where the draws begin.
    pub seed: u64,
    /// Of 100 requests or deliveries, so many fail.
    pub rate_percent: u32,
    /// The kinds to draw from; absent means a mixture that leaves every order recoverable.
    #[serde(default)]
    pub kinds: Vec<FaultKind>,
    /// Upper bound of the waits, drawn as well.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

/// Kinds drawn when a seed names none.
const MIXTURE: &[FaultKind] = &[
    FaultKind::LostAnswer,
    FaultKind::Delay,
    FaultKind::ServerError,
    FaultKind::FrequencyLimited,
    FaultKind::UnsignedAnswer,
    FaultKind::WrongSignature,
    FaultKind::UnknownSerial,
    FaultKind::ProbeAnswer,
    FaultKind::NotificationWithheld,
    FaultKind::NotificationDuplicated,
    FaultKind::NotificationReordered,
    FaultKind::NotificationLate,
    FaultKind::NotificationForged,
    FaultKind::NotificationWrongSignature,
    FaultKind::NotificationUnknownSerial,
    FaultKind::NotificationProbe,
];

/// The upper bound of seeded waits when none is named.
const SEEDED_DELAY_MS: u64 = 200;

/// All faults in force.
#[derive(Default)]
pub(crate) struct FaultBook {
    faults: Vec<Fault>,
    seeded: Option<SeededFaults>,
    /// How often each request or delivery came by, so that a repetition draws anew.
    occurrences: HashMap<u64, u64>,
}

impl FaultBook {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn seed(&mut self, seeded: SeededFaults) {
        self.occurrences.clear();
        self.seeded = Some(seeded);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty() && self.seeded.is_none()
    }

    pub(crate) fn list(&self) -> (&[Fault], Option<&SeededFaults>) {
        (&self.faults, self.seeded.as_ref())
    }

    /// What goes wrong with this request, if anything.
    pub(crate) fn for_answer(&mut self, path: &str, out_trade_no: Option<&str>) -> Option<Fault> {
        self.draw(false, path, out_trade_no)
    }

    /// What goes wrong with this delivery, if anything.
    pub(crate) fn for_notification(&mut self, url: &str, key: Option<&str>) -> Option<Fault> {
        self.draw(true, url, key)
    }

    fn draw(&mut self, notice: bool, path: &str, out_trade_no: Option<&str>) -> Option<Fault> {
        let asked = self.faults.iter_mut().find(|fault| {
            fault.kind.concerns_notifications() == notice && fault.concerns(path, out_trade_no)
        });
        if let Some(fault) = asked {
            return Some(fault.happen());
        }
        self.draw_seeded(notice, path, out_trade_no)
    }

    fn draw_seeded(&mut self, notice: bool, path: &str, number: Option<&str>) -> Option<Fault> {
        let seeded = self.seeded.as_ref()?;
        let key = hash(
            seeded.seed,
            &[if notice { "n" } else { "a" }, path, number.unwrap_or("")],
        );
        let occurrence = self.occurrences.entry(key).or_default();
        *occurrence += 1;
        let draw = hash(key, &[&occurrence.to_string()]);
        if draw % 100 >= u64::from(seeded.rate_percent) {
            return None;
        }
        let kinds = if seeded.kinds.is_empty() {
            MIXTURE
        } else {
            seeded.kinds.as_slice()
        };
        let fitting: Vec<FaultKind> = kinds
            .iter()
            .copied()
            .filter(|k| k.concerns_notifications() == notice)
            .collect();
        let choice = usize::try_from((draw >> 8) % 1024).unwrap_or_default();
        let kind = *fitting.get(choice.checked_rem(fitting.len())?)?;
        let longest_ms = seeded.delay_ms.unwrap_or(SEEDED_DELAY_MS).max(1);
        let mut fault = Fault::of(kind).delayed_by((draw >> 20) % longest_ms);
        fault.after_applying = (draw >> 40).is_multiple_of(2);
        Some(fault)
    }
}

/// FNV-1a with a finishing mix: small, stable across versions, and spread enough for draws.
fn hash(seed: u64, parts: &[&str]) -> u64 {
    let mut state = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_happens_so_often_and_no_more() {
        let mut book = FaultBook::default();
        book.add(Fault::of(FaultKind::LostAnswer).times(2).on_path("/jsapi"));
        assert!(book.for_answer("/v3/refund", None).is_none());
        assert!(book.for_answer("/v3/jsapi", None).is_some());
        assert!(book.for_notification("http://x/jsapi", None).is_none());
        assert!(book.for_answer("/v3/jsapi", None).is_some());
        assert!(book.for_answer("/v3/jsapi", None).is_none());
    }

    #[test]
    fn a_seed_draws_the_same_faults_in_any_order_of_calls() {
        let draws = |numbers: &mut dyn Iterator<Item = u32>| {
            let mut book = FaultBook::default();
            book.seed(SeededFaults {
                seed: 7,
                rate_percent: 30,
                kinds: vec![],
                delay_ms: None,
            });
            let mut drawn: Vec<_> = numbers
                .map(|n| {
                    (
                        n,
                        book.for_answer("/p", Some(&n.to_string())).map(|f| f.kind),
                    )
                })
                .collect();
            drawn.sort_by_key(|(n, _)| *n);
            drawn
        };
        let forwards = draws(&mut (0..200));
        assert_eq!(forwards, draws(&mut (0..200).rev()));
        let failing = forwards.iter().filter(|(_, kind)| kind.is_some()).count();
        assert!(
            (30..90).contains(&failing),
            "{failing} of 200 at 30 percent"
        );
    }
}
