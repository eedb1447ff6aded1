//! Why an operation did not do what it was asked.

use serde::{Deserialize, Serialize};
use tributary_domain::field::FieldError;
use tributary_domain::order_money::RefundRefusal;
use tributary_domain::provider_key::KeyRefusal;
use tributary_domain::staff::Permission;
use tributary_domain::tenant::{Scope, TenantState};
use tributary_storage::StorageError;
use tributary_vault::VaultError;
use wechatpay::client::Explanation;

/// What an error at WeChat means, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainWords {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl From<Explanation> for PlainWords {
    fn from(said: Explanation) -> Self {
        Self {
            zh: said.zh.to_owned(),
            en: said.en.to_owned(),
        }
    }
}

/// What an answer that was kept without words says.
impl Default for PlainWords {
    fn default() -> Self {
        Self {
            zh: "请看 message。".to_owned(),
            en: "Read the message.".to_owned(),
        }
    }
}

/// What WeChat said, in a form that can be shown to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamError {
    /// WeChat's HTTP status, when an answer came.
    pub status: Option<u16>,
    /// WeChat's code, spelling folded.
    pub code: Option<String>,
    /// WeChat's words; never to be parsed.
    pub message: Box<str>,
    /// What it means.
    #[serde(default)]
    pub cause: Box<PlainWords>,
    /// The field of the request that WeChat named, as a JSON pointer into ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Box<str>>,
    /// WeChat's number of the call, for its support.
    pub request_id: Option<String>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// `tenant`, `provider`, `wechat`, `platform` or `nobody`.
    pub who_must_act: String,
}

/// Why a login code was not exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProblem {
    /// WeChat's error number, when it gave one.
    pub errcode: Option<i64>,
    /// What went wrong, for people.
    pub message: String,
    /// What it means.
    pub cause: Box<PlainWords>,
    /// Whether the same code may be tried again.
    pub retryable: bool,
    /// `tenant`, `provider`, `wechat`, `platform` or `nobody`.
    pub who_must_act: &'static str,
    /// Whether the tenant can mend it.
    pub tenant_can_act: bool,
}

/// Why an operation did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The request breaks limits; every fault is listed.
    #[error("the request is not valid")]
    Invalid(Vec<FieldError>),
    /// There is no such thing, or it is another tenant's.
    #[error("not found")]
    NotFound,
    /// The caller's key may not do this.
    #[error("the key lacks the scope {0}")]
    Forbidden(Scope),
    /// The order number was used for other content.
    #[error("the order number was used for other content")]
    OrderConflict {
        /// The order that has the number.
        order_id: String,
    },
    /// The refund number was used for other content.
    #[error("the refund number was used for other content")]
    RefundConflict {
        /// The refund that has the number.
        refund_id: String,
    },
    /// The order cannot be refunded as asked.
    #[error("not refundable: {0}")]
    NotRefundable(RefundRefusal),
    /// The thing is in a state that does not allow this.
    #[error("not possible in the state {state}")]
    StateConflict {
        /// The state it is in.
        state: String,
    },
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used with another request")]
    IdempotencyKeyReused,
    /// The same request is being worked on.
    #[error("the same request is in progress")]
    IdempotencyInFlight,
    /// The delivery is being sent right now.
    #[error("the delivery is being sent")]
    DeliveryInFlight,
    /// There may be no more of these.
    #[error("at most {max} {what}")]
    LimitReached {
        /// Of what.
        what: &'static str,
        /// How many.
        max: u64,
    },
    /// WeChat refused for good.
    #[error("WeChat refused")]
    Upstream(UpstreamError),
    /// WeChat refused for good when the same request came before, and the refusal was kept under its key.
    #[error("WeChat refused before")]
    RefusedBefore(UpstreamError),
    /// Nobody knows yet whether WeChat did it. Never a failure.
    #[error("the outcome at WeChat is unknown")]
    UpstreamUnknown(UpstreamError),
    /// WeChat asks us to slow down.
    #[error("WeChat is busy")]
    UpstreamBusy(UpstreamError),
    /// The provider's budget at WeChat is used up for the moment: nothing was sent.
    #[error("the provider's budget at WeChat is used up for the moment")]
    BudgetSpent,
    /// A login code was not exchanged.
    #[error("the login code was not exchanged")]
    LoginFailed(LoginProblem),
    /// Name, password, code or invitation do not fit; which, is not told.
    #[error("the credentials are not valid")]
    InvalidCredentials,
    /// The password fits, and a second factor is needed besides.
    #[error("a second factor is required")]
    SecondFactorRequired,
    /// The person must enrol a second factor before anything else.
    #[error("a second factor must be enrolled first")]
    EnrolmentRequired,
    /// Too many tries.
    #[error("too many tries")]
    TooManyAttempts {
        /// How long to wait.
        wait_ms: i64,
    },
    /// The session is over, or was never one.
    #[error("the session is over")]
    SignedOut,
    /// The call does not come from a page of ours.
    #[error("the call comes from another site")]
    CrossSite,
    /// The person's roles do not grant this.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The person must prove its presence first.
    #[error("a fresh proof of presence is required")]
    StepUpRequired,
    /// Nobody decides about a request of their own.
    #[error("the request is the person's own")]
    OwnRequest,
    /// Whoever asked invited the account that would decide, and could have come in its place.
    #[error("whoever asked invited the person")]
    InvitedByRequester,
    /// A second person must approve first.
    #[error("an approval is required: {how}")]
    ApprovalRequired {
        /// How to ask for it.
        how: String,
    },
    /// Somebody changed it since it was read.
    #[error("it was changed in the meantime")]
    VersionConflict,
    /// There is too much to do at this moment.
    #[error("too busy at this moment")]
    Busy,
    /// The tenant takes no orders at this time.
    #[error("the tenant is {}", .0.as_str())]
    TenantInactive(TenantState),
    /// The database failed us.
    #[error("the database failed")]
    Storage(#[from] StorageError),
    /// A key of a provider cannot be moved as asked.
    #[error("the key stays as it is: {0}")]
    KeyRefused(#[from] KeyRefusal),
    /// A secret could not be sealed or opened.
    #[error("a secret could not be used")]
    Vault(#[from] VaultError),
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl OperationError {
    /// Whether the database is out of reach or too busy, so that the same request may succeed in a while.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Storage(error) => error.is_unavailable(),
            _ => false,
        }
    }

    /// Whether the request was refused for good, so that nothing of it is under way.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Invalid(_)
                | Self::NotFound
                | Self::RefundConflict { .. }
                | Self::NotRefundable(_)
                | Self::StateConflict { .. }
                | Self::IdempotencyKeyReused
                | Self::Upstream(_)
                | Self::RefusedBefore(_)
                | Self::TenantInactive(_)
        )
    }

    /// One fault in one field.
    pub fn invalid(field: &str, reason: &str) -> Self {
        Self::Invalid(vec![FieldError::new(field, reason)])
    }
}

impl From<&wechatpay::client::CallError> for UpstreamError {
    fn from(error: &wechatpay::client::CallError) -> Self {
        Self {
            status: error.status(),
            code: error.code().map(str::to_owned),
            message: error
                .message()
                .map_or_else(|| error.to_string().into(), Box::from),
            cause: Box::new(error.explanation().into()),
            field: named_field(error),
            request_id: error.trace.request_id.clone(),
            retryable: error.retryable(),
            who_must_act: error.who_must_act().as_str().to_owned(),
        }
    }
}

/// The field that WeChat named, or the one that a code is always about.
fn named_field(error: &wechatpay::client::CallError) -> Option<Box<str>> {
    // Some pages write `/payer/sub_openid`, others `payer.sub_openid` or a bare name.
    let as_pointer = |field: &str| format!("/{}", field.trim_start_matches('/').replace('.', "/"));
    let by_code = || match error.code()? {
        "OPENID_MISMATCH" => Some("/payer".to_owned()),
        "APPID_MCHID_NOT_MATCH" => Some("/sub_appid".to_owned()),
        _ => None,
    };
    error
        .field()
        .map(as_pointer)
        .or_else(by_code)
        .map(String::into_boxed_str)
}
