//! What a call gives back besides its value: enough to find it in WeChat's logs and in ours, and no secret.

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
    /// From the start of the first try to the end of the last.
    pub duration_ms: u64,
    /// 1 or 2; 0 if nothing was sent.
    pub tries: u8,
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
