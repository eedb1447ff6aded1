//! Which problem each error is.

use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::{HeaderName, StatusCode, header};
use poem_openapi::error::{AuthorizationError, ParseParamError, ParsePathError};
use tributary_domain::field::FieldError;
use tributary_domain::order_money::RefundRefusal;
use tributary_domain::provider_key::KeyRefusal;
use tributary_domain::tenant::Scope;
use tributary_operations::credentials::AuthError;
use tributary_operations::{LoginProblem, OperationError, UpstreamError};

use super::{PlainWords, Problem, ProblemCode, WechatCause};

/// WeChat's own advice after FREQUENCY_LIMITED is to slow down; a second clears most of its windows.
const RETRY_AFTER_SECONDS: u32 = 1;
/// By then the sweeper has asked WeChat at least once about an unknown outcome.
const RETRY_AFTER_UNKNOWN_SECONDS: u32 = 5;
/// Says that the answer was given before under the same idempotency key.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How to sign a request that was not accepted.
const SIGNATURE_SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        use ProblemCode as Code;
        match error {
            OperationError::Invalid(errors) => Self::invalid(errors),
            OperationError::NotFound => Self::of(Code::NotFound),
            OperationError::OrderConflict { order_id } => Self::of(Code::OrderConflict).detail(
                format!("the number is taken by {order_id} with other content"),
            ),
            OperationError::RefundConflict { refund_id } => Self::of(Code::RefundConflict).detail(
                format!("the number is taken by {refund_id} with other content"),
            ),
            OperationError::NotRefundable(refusal) => not_refundable(refusal),
            OperationError::StateConflict { state } => {
                Self::of(Code::StateConflict).detail(format!("its state is {state}"))
            }
            OperationError::KeyRefused(KeyRefusal::Unapproved) => {
                Self::of(Code::ApprovalRequired).detail(KeyRefusal::Unapproved.to_string())
            }
            OperationError::KeyRefused(refusal) => {
                Self::of(Code::StateConflict).detail(refusal.to_string())
            }
            OperationError::IdempotencyKeyReused => Self::of(Code::IdempotencyKeyReused),
            OperationError::IdempotencyInFlight => {
                Self::of(Code::IdempotencyInFlight).retry_after(RETRY_AFTER_SECONDS)
            }
            OperationError::DeliveryInFlight => {
                Self::of(Code::DeliveryInFlight).retry_after(RETRY_AFTER_SECONDS)
            }
            OperationError::LimitReached { what, max } => {
                Self::of(Code::LimitReached).detail(format!("at most {max} {what}"))
            }
            OperationError::Upstream(cause) => refused_by_wechat(cause),
            OperationError::RefusedBefore(cause) => {
                refused_by_wechat(cause).header(IDEMPOTENT_REPLAYED, "true")
            }
            OperationError::UpstreamUnknown(cause) => Self::of(Code::OutcomeUnknown)
                .wechat(cause.into())
                .retry_after(RETRY_AFTER_UNKNOWN_SECONDS),
            OperationError::UpstreamBusy(cause) => Self::of(Code::WechatBusy)
                .wechat(cause.into())
                .retry_after(RETRY_AFTER_SECONDS),
            OperationError::BudgetSpent => Self::of(Code::Busy).retry_after(RETRY_AFTER_SECONDS),
            OperationError::TenantInactive(state) => {
                Self::of(Code::TenantInactive).detail(format!("the tenant is {}", state.as_str()))
            }
            OperationError::Forbidden(scope) => forbidden(scope),
            error @ (OperationError::InvalidCredentials
            | OperationError::SecondFactorRequired
            | OperationError::EnrolmentRequired
            | OperationError::TooManyAttempts { .. }
            | OperationError::SignedOut
            | OperationError::CrossSite
            | OperationError::PermissionDenied(_)
            | OperationError::StepUpRequired
            | OperationError::OwnRequest
            | OperationError::InvitedByRequester
            | OperationError::ApprovalRequired { .. }
            | OperationError::VersionConflict) => of_staff(error),
            OperationError::LoginFailed(cause) => {
                let by_tenant = cause.tenant_can_act;
                refused(Code::LoginFailed, cause, by_tenant)
            }
            error if error.is_unavailable() => Self::of(Code::Unavailable)
                .cause(&error)
                .retry_after(RETRY_AFTER_SECONDS),
            error => Self::of(Code::Internal).cause(&error),
        }
    }
}

/// What only people meet, who sign in.
fn of_staff(error: OperationError) -> Problem {
    use ProblemCode as Code;
    match error {
        OperationError::InvalidCredentials => {
            Problem::of(Code::InvalidCredentials).header(header::WWW_AUTHENTICATE, "Bearer")
        }
        OperationError::SecondFactorRequired => {
            Problem::of(Code::SecondFactorRequired).header(header::WWW_AUTHENTICATE, "Bearer")
        }
        OperationError::EnrolmentRequired => Problem::of(Code::SecondFactorEnrolmentRequired),
        OperationError::TooManyAttempts { wait_ms } => {
            let seconds = u32::try_from(wait_ms.max(0) / 1000).unwrap_or(u32::MAX);
            Problem::of(Code::TooManyAttempts).retry_after(seconds.saturating_add(1))
        }
        OperationError::CrossSite => Problem::of(Code::CrossSiteRefused),
        OperationError::PermissionDenied(permission) => Problem::of(Code::PermissionDenied)
            .detail(format!("the permission {permission} is missing")),
        OperationError::StepUpRequired => Problem::of(Code::StepUpRequired),
        OperationError::OwnRequest => Problem::of(Code::OwnRequest),
        OperationError::InvitedByRequester => {
            Problem::of(Code::OwnRequest).detail("whoever asked invited your account")
        }
        OperationError::ApprovalRequired { how } => Problem::of(Code::ApprovalRequired).detail(how),
        OperationError::VersionConflict => Problem::of(Code::VersionConflict),
        _ => unauthorized(),
    }
}

/// Too much names the field; everything else is about the order.
fn not_refundable(refusal: RefundRefusal) -> Problem {
    let mut problem = Problem::of(ProblemCode::NotRefundable).detail(refusal.to_string());
    if matches!(refusal, RefundRefusal::ExceedsPaid(_)) {
        let fault = FieldError::new("/amount/refund", refusal.to_string());
        problem.0.errors.push(fault);
    }
    problem
}

/// A refusal names the field that WeChat named.
fn refused_by_wechat(cause: UpstreamError) -> Problem {
    let by_tenant = cause.who_must_act == "tenant";
    let field = cause.field.as_deref();
    let fault = field.map(|field| FieldError::new(field, cause.message.clone()));
    let mut problem = refused(ProblemCode::WechatRefused, cause, by_tenant);
    problem.0.errors.extend(fault);
    problem
}

/// A definite refusal: 422 when the tenant can mend it, else 502.
fn refused(code: ProblemCode, cause: impl Into<WechatCause>, by_tenant: bool) -> Problem {
    let problem = Problem::of(code).wechat(cause.into());
    if by_tenant {
        problem
    } else {
        problem.status(StatusCode::BAD_GATEWAY)
    }
}

impl From<UpstreamError> for WechatCause {
    fn from(cause: UpstreamError) -> Self {
        Self {
            code: cause.code,
            message: cause.message.into(),
            cause: (*cause.cause).into(),
            request_id: cause.request_id,
            retryable: cause.retryable,
            who_must_act: cause.who_must_act,
        }
    }
}

impl From<AuthError> for Problem {
    /// Unknown, expired and revoked look alike, so that nobody learns which keys once existed.
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unknown | AuthError::Ended => unauthorized(),
            AuthError::Address => Self::of(ProblemCode::AddressNotAllowed),
            AuthError::Signature(reason) => Self::of(ProblemCode::SignatureRefused)
                .detail(reason)
                .header(header::WWW_AUTHENTICATE, SIGNATURE_SCHEME),
            AuthError::Unavailable(cause) => Self::of(ProblemCode::Unavailable)
                .cause(&cause)
                .retry_after(RETRY_AFTER_SECONDS),
        }
    }
}

impl From<LoginProblem> for WechatCause {
    fn from(problem: LoginProblem) -> Self {
        Self {
            code: problem.errcode.map(|errcode| errcode.to_string()),
            message: problem.message,
            cause: (*problem.cause).into(),
            request_id: None,
            retryable: problem.retryable,
            who_must_act: problem.who_must_act.to_owned(),
        }
    }
}

pub(super) fn unauthorized() -> Problem {
    Problem::of(ProblemCode::Unauthorized).header(header::WWW_AUTHENTICATE, "Bearer")
}

fn forbidden(scope: Scope) -> Problem {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    Problem::of(ProblemCode::InsufficientScope)
        .detail(format!("the credential lacks the scope {scope}"))
        .header(header::WWW_AUTHENTICATE, &challenge)
}

impl From<poem::Error> for Problem {
    fn from(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        if let Some(fault) = error.downcast_ref::<ParseParamError>() {
            return Self::invalid_field(fault.name, plain_reason(&fault.reason));
        }
        let is_no_path = error.is::<poem::error::ParsePathError>() || error.is::<ParsePathError>();
        if is_no_path || error.is::<NotFoundError>() {
            return Self::of(ProblemCode::NotFound);
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::of(ProblemCode::MethodNotAllowed);
        }
        if error.is::<AuthorizationError>() {
            return unauthorized();
        }
        by_status(&error)
    }
}

/// What the framework refuses on its own account keeps its kind of status.
fn by_status(error: &poem::Error) -> Problem {
    match error.status() {
        StatusCode::NOT_FOUND => Problem::of(ProblemCode::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Problem::of(ProblemCode::MethodNotAllowed),
        StatusCode::UNAUTHORIZED => unauthorized(),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of(ProblemCode::BodyTooLarge),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::of(ProblemCode::UnsupportedMediaType),
        status if status.is_client_error() => {
            Problem::of(ProblemCode::ValidationFailed).detail(error.to_string())
        }
        _ => {
            let mut problem = Problem::of(ProblemCode::Internal);
            problem.0.cause = Some(error.to_string());
            problem
        }
    }
}

/// The framework's reason without the names of its types.
fn plain_reason(reason: &str) -> &str {
    if reason.contains("valid enumeration value") {
        return "must be one of the words that the document lists";
    }
    let plain = reason.split_once("\": ").map_or(reason, |(_, plain)| plain);
    plain.split(" (occurred while").next().unwrap_or(plain)
}

/// What `errors` holds in the document's example of a code.
pub(super) fn example_errors(code: ProblemCode) -> Option<FieldError> {
    match code {
        ProblemCode::ValidationFailed => {
            Some(FieldError::new("/amount/total", "must be at least 1 fen"))
        }
        ProblemCode::MalformedJson => Some(FieldError::new(
            "/amount/total",
            "the key appears twice at line 1 column 58",
        )),
        _ => None,
    }
}

/// What `wechat` holds in the document's example of a code.
pub(super) fn example_wechat(code: ProblemCode, status: StatusCode) -> Option<WechatCause> {
    let tenant_acts = status == StatusCode::UNPROCESSABLE_ENTITY;
    let (word, message, retryable, who_must_act) = match (code, tenant_acts) {
        (ProblemCode::WechatRefused, true) => ("NO_AUTH", "商户无权限", false, "tenant"),
        (ProblemCode::WechatRefused, false) => ("PARAM_ERROR", "参数错误", false, "platform"),
        (ProblemCode::LoginFailed, true) => ("40029", "the login code is invalid", false, "nobody"),
        (ProblemCode::LoginFailed, false) => ("41002", "the appid is missing", false, "platform"),
        (ProblemCode::WechatBusy, _) => ("FREQUENCY_LIMITED", "频率超限", true, "nobody"),
        (ProblemCode::OutcomeUnknown, _) => ("SYSTEM_ERROR", "系统错误", true, "wechat"),
        _ => return None,
    };
    Some(WechatCause {
        code: Some(word.to_owned()),
        message: message.to_owned(),
        cause: example_words(word),
        // Logins have none.
        request_id: (code != ProblemCode::LoginFailed)
            .then(|| String::from("08F7D5A9C50610C3011898B4E34520C0A60828E8D303-268578704")),
        retryable,
        who_must_act: who_must_act.to_owned(),
    })
}

fn example_words(code: &str) -> PlainWords {
    let (zh, en) = match code {
        "NO_AUTH" => (
            "没有权限：该产品未开通、子商户未授权给服务商，或账户被限制。",
            "Not permitted: the product is not opened, the sub-merchant has not authorised the provider, or the \
             account is restricted.",
        ),
        "FREQUENCY_LIMITED" => (
            "请求过于频繁；写操作可能已受理，系统会放慢并用同一单号重试。",
            "Too many requests; a write may have been accepted, and the platform repeats it more slowly under the \
             same number.",
        ),
        "SYSTEM_ERROR" => (
            "微信支付系统异常，结果未知；系统会用同一单号、相同参数重试并查询。",
            "WeChat Pay had a fault and the outcome is unknown; the platform repeats the same request under the \
             same number and queries.",
        ),
        "40029" => (
            "登录凭证 code 无效、已过期或属于其他小程序；请用户重新 wx.login。",
            "The login code is invalid, expired or of another app; the user logs in again.",
        ),
        _ => (
            "请求参数有误；需修正后再发，原样重试无效。",
            "A field of the request is wrong; it must be mended, and repeating it changes nothing.",
        ),
    };
    PlainWords {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(who_must_act: &str) -> UpstreamError {
        UpstreamError {
            code: Some("PARAM_ERROR".into()),
            message: "wrong".into(),
            cause: Box::default(),
            field: None,
            request_id: None,
            retryable: false,
            who_must_act: who_must_act.into(),
            status: None,
        }
    }

    fn status_of(problem: &Problem) -> u16 {
        problem.0.status.as_u16()
    }

    #[test]
    fn a_refusal_is_the_callers_fault_only_when_the_caller_can_mend_it() {
        let by_tenant = Problem::from(OperationError::Upstream(upstream("tenant")));
        let by_platform = Problem::from(OperationError::Upstream(upstream("platform")));
        assert_eq!(status_of(&by_tenant), 422);
        assert_eq!(status_of(&by_platform), 502);
        assert_eq!(by_platform.code(), ProblemCode::WechatRefused);
    }

    #[test]
    fn a_refusal_names_the_field_that_wechat_named() {
        let cause = UpstreamError {
            field: Some("/payer".into()),
            ..upstream("tenant")
        };
        let problem = Problem::from(OperationError::Upstream(cause));
        assert_eq!(problem.errors(), [FieldError::new("/payer", "wrong")]);
        assert!(problem.0.wechat.is_some());
    }

    #[test]
    fn an_unknown_outcome_is_504_and_says_when_to_come_back() {
        let problem = Problem::from(OperationError::UpstreamUnknown(upstream("nobody")));
        assert_eq!(status_of(&problem), 504);
        let (name, value) = &problem.0.headers[0];
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("retry-after", "5")
        );
    }

    #[test]
    fn what_the_framework_refuses_keeps_its_status() {
        let cases: [(poem::Error, u16); 4] = [
            (NotFoundError.into(), 404),
            (MethodNotAllowedError.into(), 405),
            (AuthorizationError.into(), 401),
            (poem::error::ReadBodyError::PayloadTooLarge.into(), 413),
        ];
        for (error, status) in cases {
            assert_eq!(status_of(&Problem::from(error)), status);
        }
    }

    #[test]
    fn a_faulty_parameter_is_named_without_type_names() {
        let error = ParseParamError {
            name: "limit",
            reason: String::from(
                r#"failed to parse "limit": must be 1 to 100 (occurred while parsing "optional_limit")"#,
            ),
        };
        let problem = Problem::from(poem::Error::from(error));
        assert_eq!(
            problem.0.errors[0],
            FieldError::new("limit", "must be 1 to 100")
        );
    }
}
