//! Faults that a test asks for: one by one, each so many times, or drawn from a seed.

mod seeded;

use serde::{Deserialize, Serialize};

use seeded::Draws;
pub use seeded::SeededFaults;

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
    /// `status`, `code` and `message` as given; nothing took effect, but with `after_applying` it did.
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
    /// The request takes effect, and half of the answer's body arrives.
    HalfAnswer,
    /// The request takes effect; the answer is signed, 2xx, and JSON of another shape.
    Garbled,
    /// A query, or a refund of a payment, is told that what exists does not; with `within_ms`, while it is so young.
    NotFound,
    /// Connections to `host` are reset or refused; nothing takes effect.
    HostDown,
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

/// Which of the simulator's two listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// `api.mch.weixin.qq.com`.
    #[default]
    Main,
    /// `api2.wechatpay.cn`.
    Backup,
}

/// How a host is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Down {
    /// Connections are made, and reset when a request under `/v3` comes; the control API stays within reach.
    #[default]
    Reset,
    /// Nothing listens: connections are refused, the control API's too.
    Refused,
}

/// What sort of request or delivery a fault would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedKind {
    /// A notification on its way.
    Delivery,
    /// A query of an order or a refund.
    Query,
    /// A request that moves money back.
    Refund,
    /// Any other request.
    Other,
}

/// What faults choose by: what a request or a delivery is about.
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) host: Host,
    pub(crate) kind: AskedKind,
    pub(crate) out_trade_no: Option<String>,
    pub(crate) out_refund_no: Option<String>,
    /// For how long that which is looked for has existed; absent when nothing is looked for, or it does not exist.
    pub(crate) age_ms: Option<i64>,
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
    /// For `server_error` and `refuse`: answer it only after the request took effect.
    #[serde(default)]
    pub after_applying: bool,
    /// For `notification_duplicated`.
    #[serde(default)]
    pub copies: Option<u32>,
    /// For `not_found`: only while what is looked for is younger.
    #[serde(default)]
    pub within_ms: Option<i64>,
    /// For `host_down`.
    #[serde(default)]
    pub host: Host,
    /// For `host_down`.
    #[serde(default)]
    pub down: Down,
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
            within_ms: None,
            host: Host::Main,
            down: Down::Reset,
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

    /// The same fault, only while what is looked for is younger.
    pub fn within(mut self, within_ms: i64) -> Self {
        self.within_ms = Some(within_ms);
        self
    }

    /// The same fault, of this host and in this way.
    pub fn at_host(mut self, host: Host, down: Down) -> Self {
        (self.host, self.down) = (host, down);
        self
    }

    /// Whether it closes a listener, rather than meeting one request after another.
    pub(crate) fn closes(&self) -> Option<Host> {
        (self.kind == FaultKind::HostDown && self.down == Down::Refused).then_some(self.host)
    }

    fn concerns(&self, asked: &Asked<'_>) -> bool {
        self.count != Some(0)
            && self.kind.concerns_notifications() == (asked.kind == AskedKind::Delivery)
            && self
                .path
                .as_deref()
                .is_none_or(|part| asked.path.contains(part))
            && (self.out_trade_no.is_none() || self.out_trade_no == asked.out_trade_no)
            && self.can_happen(asked)
    }

    /// What a kind needs beyond the choice: something to deny, or the host that is down.
    fn can_happen(&self, asked: &Asked<'_>) -> bool {
        match self.kind {
            FaultKind::NotFound => asked
                .age_ms
                .is_some_and(|age_ms| self.within_ms.is_none_or(|within_ms| age_ms < within_ms)),
            FaultKind::HostDown => self.host == asked.host,
            _ => true,
        }
    }

    fn happen(&mut self) -> Self {
        self.happened += 1;
        self.count = self.count.map(|count| count.saturating_sub(1));
        self.clone()
    }
}

/// All faults in force.
#[derive(Default)]
pub(crate) struct FaultBook {
    faults: Vec<Fault>,
    seeded: Option<Draws>,
}

impl FaultBook {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn seed(&mut self, seeded: SeededFaults) {
        self.seeded = Some(Draws::new(seeded));
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty() && self.seeded.is_none()
    }

    pub(crate) fn list(&self) -> (&[Fault], Option<&SeededFaults>) {
        (&self.faults, self.seeded.as_ref().map(Draws::seeded))
    }

    /// Whether a fault keeps this host's listener closed.
    pub(crate) fn closes(&self, host: Host) -> bool {
        self.faults.iter().any(|fault| fault.closes() == Some(host))
    }

    /// What goes wrong with this request or delivery, if anything.
    pub(crate) fn draw(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        let fitting = self.faults.iter_mut().find(|fault| fault.concerns(asked));
        match fitting {
            Some(fault) => Some(fault.happen()),
            None => self.seeded.as_mut()?.draw(asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, kind: AskedKind) -> Asked<'_> {
        Asked {
            path,
            host: Host::Main,
            kind,
            out_trade_no: None,
            out_refund_no: None,
            age_ms: None,
        }
    }

    #[test]
    fn a_counted_fault_happens_so_often_and_no_more() {
        let mut book = FaultBook::default();
        book.add(Fault::of(FaultKind::LostAnswer).times(2).on_path("/jsapi"));
        assert!(book.draw(&asked("/v3/refund", AskedKind::Other)).is_none());
        assert!(book.draw(&asked("/v3/jsapi", AskedKind::Other)).is_some());
        assert!(
            book.draw(&asked("http://x/jsapi", AskedKind::Delivery))
                .is_none()
        );
        assert!(book.draw(&asked("/v3/jsapi", AskedKind::Other)).is_some());
        assert!(book.draw(&asked("/v3/jsapi", AskedKind::Other)).is_none());
    }

    #[test]
    fn what_exists_is_denied_while_it_is_young_and_what_does_not_exist_never() {
        let mut book = FaultBook::default();
        book.add(Fault::of(FaultKind::NotFound).within(1_000));
        let mut of_age = |age_ms| {
            let asked = Asked {
                age_ms,
                ..asked("/v3/query", AskedKind::Query)
            };
            book.draw(&asked).is_some()
        };
        assert!(of_age(Some(999)));
        assert!(!of_age(Some(1_000)));
        assert!(!of_age(None));
    }
}
