//! The stream of changes: what an open page should read again, for as long as its person is signed in.

use std::sync::Arc;
use std::time::Duration;

use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiResponse, Object};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tributary_domain::staff::Permission;
use tributary_operations::changes::{Change, Watch};
use tributary_operations::{OperationError, tenancy};

use crate::admin_api::guards::StaffCall;
use crate::problem::{Problem, ProblemCode};

const EVENT_STREAM: &str = "text/event-stream";
/// Pages that one process tells of changes at once.
const WATCHERS_MAX: usize = 64;
/// How often is looked.
const LOOK: Duration = Duration::from_secs(2);
/// Looks until a page must connect anew.
const LOOKS_MAX: u32 = 120;

/// One event of the stream of changes.
#[derive(Debug, Object)]
pub(super) struct ChangeEvent {
    /// `changed`, `job` or `inbox`.
    event: String,
    /// What it says, as JSON.
    data: String,
}

/// A stream of changes.
pub(super) struct ChangeStream(Body);

impl ChangeStream {
    /// Begins to tell somebody; refused while too many are told.
    pub(super) fn begin(call: StaffCall) -> Result<Self, Problem> {
        let permit = watchers().try_acquire_owned();
        let permit = permit.map_err(|_| Problem::of(ProblemCode::Unavailable))?;
        let watch = Watch::from(call.operations.now());
        let looking = Looking {
            call,
            watch,
            looks: 0,
            _permit: permit,
        };
        let stream = futures::stream::unfold(looking, look);
        Ok(Self(Body::from_bytes_stream(stream)))
    }
}

impl IntoResponse for ChangeStream {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl ApiResponse for ChangeStream {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Server-sent events: `changed`, `job` and `inbox`.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: EVENT_STREAM,
                    schema: ChangeEvent::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        ChangeEvent::register(registry);
    }
}

/// Pages that are told of changes by this process.
fn watchers() -> Arc<Semaphore> {
    static WATCHERS: std::sync::OnceLock<Arc<Semaphore>> = std::sync::OnceLock::new();
    Arc::clone(WATCHERS.get_or_init(|| Arc::new(Semaphore::new(WATCHERS_MAX))))
}

/// Somebody who watches.
struct Looking {
    call: StaffCall,
    watch: Watch,
    looks: u32,
    _permit: OwnedSemaphorePermit,
}

/// Waits, looks, and writes what changed; a comment when nothing did, so that a broken line is noticed.
async fn look(mut looking: Looking) -> Option<(Result<String, std::io::Error>, Looking)> {
    if looking.looks >= LOOKS_MAX {
        return None;
    }
    if looking.looks > 0 {
        tokio::time::sleep(LOOK).await;
    }
    looking.looks = looking.looks.saturating_add(1);
    // Who was suspended, signed out or given other roles meanwhile is told nothing more.
    let still_there = looking
        .call
        .operations
        .staff_still_there(&looking.call.caller);
    let still_there = match tenancy::platform(still_there).await {
        Ok(caller) => caller.filter(|caller| caller.may(Permission::OrderRead)),
        Err(error) => return Some(broken_off(looking, error)),
    };
    looking.call.caller = still_there?;
    let viewer = looking.call.viewer();
    let call = looking.call.clone();
    let looked = call.operations.changes(&viewer, &mut looking.watch);
    let found = call.streamed(looked).await;
    match found {
        Ok(changes) if changes.is_empty() => Some((Ok(String::from(": nothing\n\n")), looking)),
        Ok(changes) => {
            let text: String = changes.iter().map(written).collect();
            Some((Ok(text), looking))
        }
        Err(error) => Some(broken_off(looking, error)),
    }
}

/// The last of a stream that could not go on.
fn broken_off(
    mut looking: Looking,
    error: OperationError,
) -> (Result<String, std::io::Error>, Looking) {
    looking.looks = LOOKS_MAX;
    (Err(std::io::Error::other(error)), looking)
}

impl From<&Change> for ChangeEvent {
    fn from(change: &Change) -> Self {
        let (event, data): (&str, Value) = match change {
            Change::Subject {
                kind,
                id,
                tenant_id,
                event,
            } => (
                "changed",
                json!({ "kind": kind, "id": id, "tenant_id": tenant_id, "event": event }),
            ),
            Change::Job {
                id,
                state,
                done,
                total,
            } => (
                "job",
                json!({ "id": id, "state": state, "done": done, "total": total }),
            ),
            Change::Inbox(counts) => (
                "inbox",
                json!({ "alarms": counts.alarms, "held_payments": counts.held_payments }),
            ),
        };
        Self {
            event: event.to_owned(),
            data: data.to_string(),
        }
    }
}

fn written(change: &Change) -> String {
    let ChangeEvent { event, data } = change.into();
    format!("event: {event}\ndata: {data}\n\n")
}
