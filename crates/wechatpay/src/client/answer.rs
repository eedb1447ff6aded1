//! What a call gives back besides its value: enough to find it in WeChat's logs and in ours, and no secret.

use super::{CallErrorKind, Failure};

/// The verified answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What WeChat said.
    pub value: T,
    /// How the call went.
    pub trace: CallTrace,
}

/// How a call went; after a second try the facts are those of the second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallTrace {
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// Host and port of the last try.
    pub host: String,
    /// The status, if an answer came.
    pub http_status: Option<u16>,
    /// WeChat's `Request-ID`, which its support asks for.
    pub request_id: Option<String>,
    /// The serial of the key that the answer says it was signed with.
    pub key_serial: Option<String>,
    /// How many seconds our clock is ahead of the `Date` of the last answer that had one.
    pub ahead_seconds: Option<i64>,
    /// From the start of the first try to the end of the last.
    pub duration_ms: u64,
    /// 1 or 2; 0 if nothing was sent.
    pub tries: u8,
    /// WeChat's own word for the state of what was asked about, when the answer names one.
    pub said: Option<String>,
    /// Every try, first to last.
    pub log: Vec<Try>,
}

/// One try of a call: what a ticket to WeChat's support needs, and no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Try {
    /// Host and port.
    pub host: String,
    /// From the start of the call to the start of this try.
    pub after_ms: u64,
    /// From the start of this try to its end.
    pub duration_ms: u64,
    /// The status, if an answer came.
    pub http_status: Option<u16>,
    /// WeChat's code in its normalised spelling, if it gave one.
    pub code: Option<String>,
    /// WeChat's `Request-ID`.
    pub request_id: Option<String>,
    /// The serial of the key that the answer says it was signed with.
    pub key_serial: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

impl CallTrace {
    /// Notes how the try that just ended went.
    pub(super) fn note_try(&mut self, after_ms: u64, failed: Option<&CallErrorKind>) {
        self.log.push(Try {
            host: self.host.clone(),
            after_ms,
            duration_ms: self.duration_ms.saturating_sub(after_ms),
            http_status: self.http_status,
            code: failed.and_then(CallErrorKind::code).map(ToOwned::to_owned),
            request_id: self.request_id.clone(),
            key_serial: self.key_serial.clone(),
            failure: failed.map(CallErrorKind::failure),
        });
    }

    /// Notes that the last try failed after all, by what its verified answer says.
    pub(super) fn fail_last_try(&mut self, kind: &CallErrorKind) {
        if let Some(last) = self.log.last_mut() {
            last.code = kind.code().map(ToOwned::to_owned);
            last.failure = Some(kind.failure());
        }
    }
}

impl<T> Answer<T> {
    /// Replaces the value and keeps the trace.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            trace: self.trace,
        }
    }
}
