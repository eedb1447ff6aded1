//! Reads, out of an HTTP client's error, which kind of failure it was.

use std::error::Error;
use std::io;

use crate::address_guard::ResolveFailure;
use crate::outcome::ErrorClass;

/// Returns the class of an attempt that brought no response.
pub(super) fn classify(error: &reqwest::Error) -> ErrorClass {
    if let Some(failure) = find::<ResolveFailure>(error) {
        return match failure {
            ResolveFailure::Lookup(_) | ResolveFailure::Empty => ErrorClass::DnsError,
            ResolveFailure::TimedOut => ErrorClass::DnsTimeout,
            ResolveFailure::Blocked => ErrorClass::BlockedAddress,
        };
    }
    if error.is_connect() {
        return connect_class(error);
    }
    if error.is_timeout() {
        return ErrorClass::TimeoutHeaders;
    }
    if error.is_builder() {
        return ErrorClass::Internal;
    }
    // hyper keeps the kind private and speaks only through this text; a test holds the two together.
    if chain(error).contains("message head is too large") {
        return ErrorClass::TooLarge;
    }
    ErrorClass::Reset
}

fn connect_class(error: &reqwest::Error) -> ErrorClass {
    if error.is_timeout() {
        return ErrorClass::ConnectTimeout;
    }
    match find::<io::Error>(error).map(innermost_kind) {
        Some(io::ErrorKind::TimedOut) => ErrorClass::ConnectTimeout,
        // rustls reports its errors as invalid data, and a peer that hangs up as an unexpected end.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => ErrorClass::TlsError,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => ErrorClass::Reset,
        _ => ErrorClass::ConnectRefused,
    }
}

/// Returns the kind of an I/O error that may be wrapped in others, which `source` would step over.
fn innermost_kind(error: &io::Error) -> io::ErrorKind {
    let mut error = error;
    while let Some(inner) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<io::Error>())
    {
        error = inner;
    }
    error.kind()
}

/// Returns the error's text with all its causes, for our log.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
