//! What one attempt means: the receiver's answer, or why there was none, as closed lists.

use thiserror::Error;

/// What the caller does next about a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// 2xx: the receiver has it.
    Delivered,
    /// 410: the receiver is gone; its endpoint is disabled and what is open is held.
    Gone,
    /// 429, 502, 503 or 504: try later, no sooner than the receiver asks.
    Overloaded {
        /// `retry-after` as asked, not yet clamped.
        retry_after_ms: Option<u64>,
    },
    /// 413: the next attempt is sent thin.
    TooLarge,
    /// `webhook-delivery: abort-message`: this delivery is not wanted.
    Aborted,
    /// `webhook-delivery: disable`: this endpoint wants nothing any more.
    Disabled,
    /// Everything else: try again by the schedule.
    Failed {
        /// The kind of failure.
        class: ErrorClass,
    },
}

/// The closed list of failure kinds that a tenant sees in its delivery log.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorClass {
    /// The name does not resolve.
    DnsError,
    /// The name did not resolve in time.
    DnsTimeout,
    /// The address or URL is not one that we send to.
    BlockedAddress,
    /// Nothing listens there, or no route leads there.
    ConnectRefused,
    /// No connection in time.
    ConnectTimeout,
    /// The TLS handshake failed.
    TlsError,
    /// The connection broke before a whole response head.
    Reset,
    /// No response head in time.
    TimeoutHeaders,
    /// A failing response whose body did not end in time.
    TimeoutBody,
    /// A 3xx, which is never followed.
    Redirect,
    /// Any other 4xx (or 1xx).
    Status4xx,
    /// Any other 5xx.
    Status5xx,
    /// The response head is over the cap.
    TooLarge,
    /// Our own egress proxy failed.
    ProxyError,
    /// We failed.
    Internal,
}

/// The text is not a class of the list.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an error class")]
pub struct UnknownErrorClass;

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::DnsError,
        Self::DnsTimeout,
        Self::BlockedAddress,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::TlsError,
        Self::Reset,
        Self::TimeoutHeaders,
        Self::TimeoutBody,
        Self::Redirect,
        Self::Status4xx,
        Self::Status5xx,
        Self::TooLarge,
        Self::ProxyError,
        Self::Internal,
    ];

    /// Returns the name used in the database, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DnsError => "dns_error",
            Self::DnsTimeout => "dns_timeout",
            Self::BlockedAddress => "blocked_address",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::TlsError => "tls_error",
            Self::Reset => "reset",
            Self::TimeoutHeaders => "timeout_headers",
            Self::TimeoutBody => "timeout_body",
            Self::Redirect => "redirect",
            Self::Status4xx => "status_4xx",
            Self::Status5xx => "status_5xx",
            Self::TooLarge => "too_large",
            Self::ProxyError => "proxy_error",
            Self::Internal => "internal",
        }
    }

    /// Tells whether the fault is ours, so that it must not count against the endpoint.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::ProxyError | Self::Internal)
    }
}

impl std::str::FromStr for ErrorClass {
    type Err = UnknownErrorClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or(UnknownErrorClass)
    }
}

impl Outcome {
    /// Reads a response: its status, then what its control headers ask.
    pub(crate) fn of_response(
        status: u16,
        control: Option<&str>,
        retry_after_ms: Option<u64>,
    ) -> Self {
        match (status, control) {
            (200..=299, _) => Self::Delivered,
            (_, Some("abort-message")) => Self::Aborted,
            (_, Some("disable")) => Self::Disabled,
            (300..=399, _) => Self::Failed {
                class: ErrorClass::Redirect,
            },
            (410, _) => Self::Gone,
            (413, _) => Self::TooLarge,
            (429 | 502 | 503 | 504, _) => Self::Overloaded { retry_after_ms },
            (500.., _) => Self::Failed {
                class: ErrorClass::Status5xx,
            },
            (_, _) => Self::Failed {
                class: ErrorClass::Status4xx,
            },
        }
    }
}

/// Returns the class that the log shows beside a response status; a success has none.
pub(crate) fn class_of_status(status: u16) -> Option<ErrorClass> {
    match status {
        200..=299 => None,
        300..=399 => Some(ErrorClass::Redirect),
        500.. => Some(ErrorClass::Status5xx),
        _ => Some(ErrorClass::Status4xx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_the_table_says() {
        let failed = |class| Outcome::Failed { class };
        let overloaded = Outcome::Overloaded {
            retry_after_ms: Some(7),
        };
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (299, Outcome::Delivered),
            (301, failed(ErrorClass::Redirect)),
            (308, failed(ErrorClass::Redirect)),
            (400, failed(ErrorClass::Status4xx)),
            (404, failed(ErrorClass::Status4xx)),
            (410, Outcome::Gone),
            (413, Outcome::TooLarge),
            (429, overloaded),
            (500, failed(ErrorClass::Status5xx)),
            (501, failed(ErrorClass::Status5xx)),
            (502, overloaded),
            (503, overloaded),
            (504, overloaded),
            (599, failed(ErrorClass::Status5xx)),
        ] {
            assert_eq!(
                Outcome::of_response(status, None, Some(7)),
                outcome,
                "{status}"
            );
        }
    }

    #[test]
    fn control_headers_speak_only_on_a_refusal() {
        assert_eq!(
            Outcome::of_response(400, Some("abort-message"), None),
            Outcome::Aborted
        );
        assert_eq!(
            Outcome::of_response(503, Some("disable"), None),
            Outcome::Disabled
        );
        assert_eq!(
            Outcome::of_response(200, Some("disable"), None),
            Outcome::Delivered
        );
        let unknown = Outcome::of_response(400, Some("explode"), None);
        assert_eq!(
            unknown,
            Outcome::Failed {
                class: ErrorClass::Status4xx
            }
        );
    }

    #[test]
    fn every_class_reads_back_from_its_name() {
        for class in ErrorClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("oops".parse::<ErrorClass>(), Err(UnknownErrorClass));
    }
}
