//! What shall happen once although it is asked for twice: `Idempotency-Key` of the admin API.

use poem::http::StatusCode;
use poem_openapi::ApiResponse;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use tributary_operations::idempotency::Idempotency;
use tributary_operations::staff::Begun;

use super::guards::StaffCall;
use crate::completion::to_completion;
use crate::json::Json;
use crate::problem::{Problem, ProblemCode};

/// An answer, and whether it was given before.
pub(crate) struct Once<T> {
    /// What was made.
    pub(crate) value: T,
    /// Whether this is the stored answer to an earlier request with the same key.
    pub(crate) replayed: bool,
}

/// Something that was made, now or when the same request came before.
#[derive(ApiResponse)]
pub(crate) enum Made<T: ToJSON> {
    /// It was made.
    #[oai(status = 201)]
    Created(
        Json<T>,
        /// `true` when this is the stored answer to an earlier request with the same Idempotency-Key.
        #[oai(header = "idempotent-replayed")]
        Option<bool>,
    ),
}

impl<T: ToJSON> From<Once<T>> for Made<T> {
    fn from(once: Once<T>) -> Self {
        Self::Created(Json(once.value), once.replayed.then_some(true))
    }
}

/// Does the work and keeps its answer, sealed, under the key; the same request again gets that answer.
///
/// A refusal frees the key. The work goes on when the caller hangs up.
pub(crate) async fn once<T, F>(
    call: StaffCall,
    key: Idempotency,
    work: impl FnOnce(StaffCall) -> F + Send + 'static,
) -> Result<Once<T>, Problem>
where
    T: ToJSON + ParseFromJSON + Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    to_completion(async move {
        let (operations, caller) = (call.operations.clone(), call.caller.clone());
        if let Begun::Before(answer) = operations.begin_request(&caller, &key).await? {
            return replay(&answer);
        }
        match work(call).await {
            Ok(value) => {
                let text = value.to_json().unwrap_or_default().to_string();
                let status = StatusCode::OK.as_u16();
                operations
                    .complete_request(&caller, &key, status, text.as_bytes())
                    .await?;
                Ok(Once {
                    value,
                    replayed: false,
                })
            }
            Err(problem) => {
                operations.release_request(&caller, &key).await?;
                Err(problem)
            }
        }
    })
    .await
}

fn replay<T: ParseFromJSON>(answer: &[u8]) -> Result<Once<T>, Problem> {
    let value = serde_json::from_slice(answer).ok();
    match T::parse_from_json(value) {
        Ok(value) => Ok(Once {
            value,
            replayed: true,
        }),
        // It was of another operation, or of an earlier version of this one.
        Err(_) => Err(Problem::of(ProblemCode::IdempotencyKeyReused)),
    }
}
