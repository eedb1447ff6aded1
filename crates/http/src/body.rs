//! Reads a request body within its limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use poem::Body;

use crate::problem::{Problem, ProblemCode};

/// The largest body that is read.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A sender within this multiple of the limit gets to finish, since closing on it would hide the answer from it.
const DRAIN_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;
/// How long the body of a tenant's request may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// More than the limit.
    #[error("the body is larger than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection failed.
    #[error("the body ended early")]
    Interrupted,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let code = match error {
            BodyError::TooLarge => ProblemCode::BodyTooLarge,
            BodyError::TooSlow | BodyError::Interrupted => ProblemCode::RequestTimeout,
        };
        Problem::of(code).detail(error.to_string())
    }
}

/// Reads the body of a tenant's request.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    Ok(read_within(body, READ_TIMEOUT).await?)
}

/// Reads a body of at most [`BODY_BYTES_MAX`] bytes that arrives within `limit`.
pub(crate) async fn read_within(body: Body, limit: Duration) -> Result<Bytes, BodyError> {
    tokio::time::timeout(limit, collect(body))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(body: Body) -> Result<Bytes, BodyError> {
    let mut chunks = body.into_bytes_stream();
    let mut kept = BytesMut::new();
    let mut seen: usize = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| BodyError::Interrupted)?;
        seen = seen.saturating_add(chunk.len());
        if seen <= BODY_BYTES_MAX {
            kept.extend_from_slice(&chunk);
        } else if seen > DRAIN_BYTES_MAX {
            break;
        }
    }
    if seen > BODY_BYTES_MAX {
        return Err(BodyError::TooLarge);
    }
    Ok(kept.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_of_the_limit_is_read_and_one_byte_more_is_not() {
        let read = async |size: usize| read(Body::from_bytes(vec![b'x'; size].into())).await;
        assert_eq!(read(BODY_BYTES_MAX).await.unwrap().len(), BODY_BYTES_MAX);
        let problem = read(BODY_BYTES_MAX + 1).await.unwrap_err();
        assert_eq!(problem.code(), ProblemCode::BodyTooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let endless = Body::from_bytes_stream(futures::stream::pending::<std::io::Result<Bytes>>());
        let error = read_within(endless, Duration::from_secs(3)).await;
        assert!(matches!(error, Err(BodyError::TooSlow)));
    }
}
