//! What went wrong with a call, and the three answers that callers need: again? unknown? who?

use crate::v3::{ErrorBody, InvalidRequest, VerifyError};

use super::codes::Certainty::Unknown;
use super::codes::Repeat::SameRequest;
use super::codes::{self, Verdict};
use super::{CallTrace, Explanation, Failure, SensitiveFieldError, TransportError};

/// Who must do something before the call can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The tenant or its sub-merchant: permissions, money, the pair of openid and app.
    Tenant,
    /// The service provider's staff: keys, certificates, bindings.
    Provider,
    /// WeChat: it is out of order.
    WeChat,
    /// Whoever runs and writes this program.
    Platform,
    /// Nobody: the program queries, waits or takes a new number by itself.
    Nobody,
}

impl Actor {
    /// Returns the name in lower case, as an API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Provider => "provider",
            Self::WeChat => "wechat",
            Self::Platform => "platform",
            Self::Nobody => "nobody",
        }
    }
}

/// A call without a usable answer.
#[derive(Debug, thiserror::Error)]
#[error("calling WeChat Pay: {} {}", trace.method, trace.path)]
pub struct CallError {
    /// What happened to the last try.
    #[source]
    pub kind: Box<CallErrorKind>,
    /// How the call went.
    pub trace: Box<CallTrace>,
    /// An earlier try of the same call may have taken effect.
    pub(super) earlier_try_unknown: bool,
}

/// What happened to a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The request breaks a limit; nothing was sent.
    #[error("the request is invalid")]
    Invalid(#[source] InvalidRequest),
    /// The request could not be signed; nothing was sent.
    #[error("signing the request")]
    Unsigned(#[source] crate::credentials::SigningError),
    /// A sensitive field could not be encrypted; nothing was sent.
    #[error("encrypting the request")]
    Unencrypted(#[source] SensitiveFieldError),
    /// No answer came.
    #[error("no answer came")]
    Transport(#[source] TransportError),
    /// WeChat refuses. Refusals are not signed, so nothing irreversible may rest on one alone.
    #[error("WeChat Pay refused with {status} {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The normalised code, empty if the body had none.
        code: String,
        /// WeChat's text.
        message: String,
        /// The field that WeChat complains about.
        detail_field: Option<String>,
    },
    /// Too many calls (429).
    #[error("WeChat Pay limits the rate: {message}")]
    RateLimited {
        /// The normalised code.
        code: String,
        /// WeChat's text.
        message: String,
    },
    /// WeChat is out of order (5xx).
    #[error("WeChat Pay failed with {status} {code}: {message}")]
    ServerError {
        /// The HTTP status.
        status: u16,
        /// The normalised code, empty if the body had none.
        code: String,
        /// WeChat's text.
        message: String,
    },
    /// Accepted and not finished (202): the same request again.
    #[error("WeChat Pay accepted the request and has not finished it")]
    Accepted {
        /// The normalised code, empty if the body had none.
        code: String,
        /// WeChat's text.
        message: String,
    },
    /// A 2xx whose signature is missing, wrong or made with an unknown key.
    #[error("the answer cannot be verified")]
    Unverified(#[source] VerifyError),
    /// An answer that is not what it should be.
    #[error("the answer is unusable: {0}")]
    Undecodable(&'static str),
}

impl CallError {
    pub(super) fn new(kind: CallErrorKind, trace: CallTrace, earlier_try_unknown: bool) -> Self {
        Self {
            kind: Box::new(kind),
            trace: Box::new(trace),
            earlier_try_unknown,
        }
    }

    /// Tells whether the same request (number and body) may be sent again, later and with a fresh signature.
    ///
    /// When [`who_must_act`](Self::who_must_act) names somebody, it helps only after they did.
    pub fn retryable(&self) -> bool {
        self.kind.verdict().repeat == SameRequest
    }

    /// Tells whether WeChat may have carried the request out: then query before deciding anything.
    pub fn outcome_unknown(&self) -> bool {
        self.earlier_try_unknown || self.kind.verdict().certainty == Unknown
    }

    /// Names who must act before the call can succeed.
    pub fn who_must_act(&self) -> Actor {
        self.kind.verdict().actor
    }

    /// Explains the error to a person.
    pub fn explanation(&self) -> Explanation {
        let request_id = self.trace.request_id.as_deref();
        let failure = self.kind.failure();
        failure.explain(self.status(), self.code(), request_id)
    }

    /// Returns WeChat's code in its normalised spelling.
    pub fn code(&self) -> Option<&str> {
        self.kind.code()
    }

    /// Returns WeChat's text for people; its wording changes, so never branch on it.
    pub fn message(&self) -> Option<&str> {
        match &*self.kind {
            CallErrorKind::Refused { message, .. }
            | CallErrorKind::RateLimited { message, .. }
            | CallErrorKind::ServerError { message, .. }
            | CallErrorKind::Accepted { message, .. }
                if !message.is_empty() =>
            {
                Some(message)
            }
            _ => None,
        }
    }

    /// Returns the field that WeChat, or our own check, complains about.
    pub fn field(&self) -> Option<&str> {
        match &*self.kind {
            CallErrorKind::Refused { detail_field, .. } => detail_field.as_deref(),
            CallErrorKind::Invalid(invalid) => Some(invalid.field),
            _ => None,
        }
    }

    /// Returns the HTTP status, if an answer came.
    pub fn status(&self) -> Option<u16> {
        self.trace.http_status
    }

    /// Tells whether the bill of that day is still being made: ask again in half an hour.
    pub fn statement_creating(&self) -> bool {
        self.code() == Some(codes::STATEMENT_CREATING)
    }

    /// Tells whether there was nothing to bill on that day, which is final after 10:00 of the next in Beijing.
    pub fn no_statement(&self) -> bool {
        self.code() == Some(codes::NO_STATEMENT_EXIST)
    }

    /// Returns the serial that no key is known for: refresh the key ring once, then query or repeat.
    pub fn unknown_serial(&self) -> Option<&str> {
        match &*self.kind {
            CallErrorKind::Unverified(VerifyError::UnknownSerial(serial)) => Some(serial),
            _ => None,
        }
    }
}

impl CallErrorKind {
    /// Sorts an answer that is not a success by its status.
    pub(super) fn from_status(status: u16, body: &[u8]) -> Self {
        let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let code = codes::normalise(&body.code).to_owned();
        let detail_field = body.detail_field().map(ToOwned::to_owned);
        let message = body.message;
        match status {
            202 => Self::Accepted { code, message },
            429 => Self::RateLimited {
                code: codes::FREQUENCY_LIMITED.to_owned(),
                message,
            },
            500.. => Self::ServerError {
                status,
                code,
                message,
            },
            300..400 => Self::Undecodable("WeChat Pay does not redirect"),
            _ => Self::Refused {
                status,
                code,
                message,
                detail_field,
            },
        }
    }

    /// Tells whether the backup host may do better at once.
    pub(super) fn deserves_second_try(&self) -> bool {
        match self {
            Self::Transport(TransportError::TooLarge | TransportError::Request(_)) => false,
            Self::Transport(_) | Self::ServerError { .. } => true,
            // WeChat probes its clients with wrong signatures and answers the repetition properly.
            Self::Unverified(error) => *error == VerifyError::BadSignature,
            _ => false,
        }
    }

    /// Returns why the call failed, in the terms of a record.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Invalid(_) => Failure::Invalid,
            Self::Unsigned(_) => Failure::NotSigned,
            Self::Unencrypted(_) => Failure::NotEncrypted,
            Self::Transport(error) => error.failure(),
            Self::Refused { .. } => Failure::Refused,
            Self::RateLimited { .. } => Failure::RateLimited,
            Self::ServerError { .. } => Failure::ServerError,
            Self::Accepted { .. } => Failure::Accepted,
            Self::Unverified(VerifyError::UnknownSerial(_)) => Failure::UnknownKey,
            Self::Unverified(VerifyError::ClockSkew) => Failure::ClockSkew,
            Self::Unverified(VerifyError::BadSignature) => Failure::BadSignature,
            Self::Unverified(_) => Failure::UnsignedAnswer,
            Self::Undecodable(_) => Failure::Unusable,
        }
    }

    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. }
            | Self::RateLimited { code, .. }
            | Self::ServerError { code, .. }
            | Self::Accepted { code, .. } => Some(code.as_str()).filter(|code| !code.is_empty()),
            _ => None,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let status = match self {
            Self::Refused { status, .. } | Self::ServerError { status, .. } => Some(*status),
            _ => None,
        };
        self.failure().verdict(status, self.code())
    }
}
