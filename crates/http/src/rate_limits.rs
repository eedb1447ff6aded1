//! The tenants' limits on the wire: a call is counted once it is known whose it is, and its answer says what is left.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` names the limit, its quota and its
//! window, `RateLimit` what remains and in how many seconds all of it is there again.

use std::sync::{Arc, OnceLock};

use poem::http::{HeaderName, HeaderValue, Method};
use poem::{Request, Response};
use tributary_operations::Operations;
use tributary_operations::credentials::Caller;
use tributary_operations::rate_limits::{Admission, RouteClass};

use crate::problem::{Problem, ProblemCode};

/// Names the limit that a call counts against.
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Says what is left of it.
pub(crate) const STATE: HeaderName = HeaderName::from_static("ratelimit");
/// A file takes seconds, whatever its length.
const RETRY_AFTER_EXPORT_SECONDS: u32 = 5;
const MILLIS_PER_SECOND: i64 = 1_000;

/// What the limit said, carried beside a request to where its answer is finished.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note(Arc<OnceLock<Admission>>);

impl Note {
    /// Tells the caller what is left.
    pub(crate) fn write(&self, response: &mut Response) {
        let Some(admission) = self.0.get() else {
            return;
        };
        let headers = response.headers_mut();
        for (name, value) in [(POLICY, policy(admission)), (STATE, state(admission))] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.entry(name).or_insert(value);
            }
        }
    }
}

/// Counts the call against the caller's limit, and refuses it when that is used up.
pub(crate) fn admit(
    request: &Request,
    operations: &Operations,
    caller: &Caller,
) -> Result<(), Problem> {
    let admission = operations.admit(caller, class_of(request.method()));
    if let Some(Note(note)) = request.data::<Note>() {
        // Whoever authenticates a call twice is answered with the first count.
        let _ = note.set(admission);
    }
    match admission.verdict.refused_for_ms {
        None => Ok(()),
        Some(ms) => Err(Problem::of(ProblemCode::RateLimited)
            .detail(format!(
                "at most {} {} at once, and in {} s as many again",
                admission.quota.burst(),
                admission.class.as_str(),
                admission.quota.window_seconds(),
            ))
            .retry_after(u32::try_from(seconds(ms)).unwrap_or(u32::MAX))),
    }
}

/// A tenant that takes as many files as it may already.
pub(crate) fn too_many_exports(at_once: u32) -> Problem {
    Problem::of(ProblemCode::RateLimited)
        .detail(format!("at most {at_once} files at the same time"))
        .retry_after(RETRY_AFTER_EXPORT_SECONDS)
        .header(
            POLICY,
            &format!("\"exports\";q={at_once};qu=\"concurrent-requests\""),
        )
        .header(STATE, "\"exports\";r=0")
}

fn class_of(method: &Method) -> RouteClass {
    if method.is_safe() {
        RouteClass::Reads
    } else {
        RouteClass::Writes
    }
}

fn policy(admission: &Admission) -> String {
    let (name, quota) = (admission.class.as_str(), admission.quota);
    format!(
        "\"{name}\";q={};w={}",
        quota.burst(),
        quota.window_seconds()
    )
}

fn state(admission: &Admission) -> String {
    let (name, verdict) = (admission.class.as_str(), admission.verdict);
    format!(
        "\"{name}\";r={};t={}",
        verdict.remaining,
        seconds(verdict.full_in_ms)
    )
}

/// Whole seconds, rounded up.
const fn seconds(ms: i64) -> i64 {
    (ms + MILLIS_PER_SECOND - 1) / MILLIS_PER_SECOND
}
