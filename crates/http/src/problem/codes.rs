//! The closed list of problem codes: what each means, and with which status it comes.

use poem_openapi::Enum;

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $statuses:expr, $title:literal;)*) => {
        /// What went wrong, in one word that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        #[oai(rename_all = "snake_case")]
        pub(crate) enum ProblemCode { $($(#[$doc])* $variant),* }

        impl ProblemCode {
            /// Every code there is.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word sent.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads the word.
            pub(crate) fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// The statuses it comes with; the first is the usual one.
            pub(crate) const fn statuses(self) -> &'static [u16] {
                match self { $(Self::$variant => &$statuses),* }
            }

            /// A short summary, the same at every occurrence.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

problem_codes! {
    /// The body is not strict JSON.
    MalformedJson = "malformed_json", [400], "The body is not JSON that can be read safely";
    /// `Idempotency-Key` is missing.
    IdempotencyKeyRequired = "idempotency_key_required", [400], "This call needs an Idempotency-Key header";
    /// No usable key or token.
    Unauthorized = "unauthorized", [401], "No valid key or token was given";
    /// E-mail, password, code or invitation do not fit.
    InvalidCredentials = "invalid_credentials", [401], "These credentials are not valid";
    /// The password fits; the second factor is missing.
    SecondFactorRequired = "second_factor_required", [401], "The second factor is required";
    /// The session may only enrol a second factor.
    SecondFactorEnrolmentRequired = "second_factor_enrolment_required", [403], "A second factor must be enrolled first";
    /// The proof of presence is too old.
    StepUpRequired = "step_up_required", [403], "This needs a fresh proof that it is you";
    /// The roles do not grant the permission.
    PermissionDenied = "permission_denied", [403], "Your roles do not allow this";
    /// A call of the browser that does not come from the platform's own pages.
    CrossSiteRefused = "cross_site_refused", [403], "The call does not come from this site";
    /// Who asks may not approve.
    OwnRequest = "own_request", [403], "Nobody approves a request of their own";
    /// A second person must approve first.
    ApprovalRequired = "approval_required", [409], "A second person must approve this first";
    /// A signed request that is not accepted.
    SignatureRefused = "signature_refused", [401], "The signature of the request is not accepted";
    /// The credential lacks a scope.
    InsufficientScope = "insufficient_scope", [403], "The credential lacks the scope that this call needs";
    /// The key is bound to other networks.
    AddressNotAllowed = "address_not_allowed", [403], "The API key may not be used from this address";
    /// The tenant is invited, suspended or closed.
    TenantInactive = "tenant_inactive", [403], "The tenant takes no orders in this mode at this time";
    /// Nothing here, or nothing of this tenant.
    NotFound = "not_found", [404], "There is nothing of yours at this address";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", [405], "This address does not take this method";
    /// The body came too slowly.
    RequestTimeout = "request_timeout", [408], "The request did not arrive in time";
    /// The number is taken by another order.
    OrderConflict = "order_conflict", [409], "An order with this merchant_order_no exists with other content";
    /// The number is taken by another refund.
    RefundConflict = "refund_conflict", [409], "A refund with this merchant_refund_no exists with other content";
    /// The order cannot be refunded as asked.
    NotRefundable = "not_refundable", [422], "The order cannot be refunded like this";
    /// The object is in a state that forbids the call.
    StateConflict = "state_conflict", [409], "The object is in a state that does not allow this";
    /// The first call with the key is still running.
    IdempotencyInFlight = "idempotency_in_flight", [409], "The first request with this Idempotency-Key is still running";
    /// The delivery is being sent.
    DeliveryInFlight = "delivery_in_flight", [409], "The delivery is being sent at this moment";
    /// A count is at its limit.
    LimitReached = "limit_reached", [409], "There may not be more of these";
    /// Somebody changed the object first.
    VersionConflict = "version_conflict", [412], "The object was changed in the meantime";
    /// More than 1 MiB.
    BodyTooLarge = "body_too_large", [413], "The body is larger than 1 MiB";
    /// Not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", [415], "The body must be application/json";
    /// A field or parameter is wrong; `errors` names each.
    ValidationFailed = "validation_failed", [422], "A field or parameter is not valid";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", [422], "The Idempotency-Key was used with another request";
    /// WeChat refused for good; `wechat` says why.
    WechatRefused = "wechat_refused", [422, 502], "WeChat Pay refused the call";
    /// WeChat did not accept the login code.
    LoginFailed = "login_failed", [422, 502], "WeChat did not accept the login";
    /// `If-Match` is missing.
    PreconditionRequired = "precondition_required", [428], "This call needs an If-Match header";
    /// Too many failed tries.
    TooManyAttempts = "too_many_attempts", [429], "Too many tries; wait before the next";
    /// The tenant asks too often.
    RateLimited = "rate_limited", [429], "Too many requests in too short a time";
    /// Our fault.
    Internal = "internal", [500], "Something went wrong on our side";
    /// WeChat limits the rate of calls.
    WechatBusy = "wechat_busy", [503], "WeChat Pay asks to slow down";
    /// The provider's budget at WeChat is used up for the moment.
    Busy = "busy", [503], "The provider may ask WeChat Pay no more at this moment; nothing was sent";
    /// We cannot serve now.
    Unavailable = "unavailable", [503], "The service cannot answer at this moment";
    /// WeChat may or may not have done it.
    OutcomeUnknown = "outcome_unknown", [504], "WeChat Pay gave no certain answer; the outcome is not known yet";
    /// We took too long; the work goes on.
    Timeout = "timeout", [504], "The answer took too long; the work may still complete";
}

impl ProblemCode {
    /// What tenants never meet.
    pub(crate) const FOR_STAFF_ONLY: &'static [Self] = &[
        Self::InvalidCredentials,
        Self::SecondFactorRequired,
        Self::SecondFactorEnrolmentRequired,
        Self::StepUpRequired,
        Self::PermissionDenied,
        Self::CrossSiteRefused,
        Self::OwnRequest,
        Self::ApprovalRequired,
        Self::VersionConflict,
        Self::PreconditionRequired,
        Self::TooManyAttempts,
    ];
    /// What staff never meet.
    pub(crate) const FOR_TENANTS_ONLY: &'static [Self] = &[
        Self::SignatureRefused,
        Self::AddressNotAllowed,
        Self::InsufficientScope,
        Self::LoginFailed,
        Self::RateLimited,
    ];

    /// What the caller does about it, for the table in the document.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::MalformedJson => "Mend the body; `errors[0].field` points at the place.",
            Self::IdempotencyKeyRequired => "Send a fresh key per order, the same key per retry.",
            Self::Unauthorized => {
                "Send `Authorization: Bearer …` with a key or token that is neither revoked nor expired."
            }
            Self::InvalidCredentials => {
                "Check e-mail, password and code; which of them is wrong is not told."
            }
            Self::SecondFactorRequired => "Send `otp` or `recovery_code` beside the password.",
            Self::SecondFactorEnrolmentRequired => {
                "Enrol with `POST /admin/v1/me/totp`; until then the session may do nothing else."
            }
            Self::StepUpRequired => {
                "Prove it with `POST /admin/v1/session/step-up`, then repeat the call within five minutes."
            }
            Self::PermissionDenied => "`detail` names the permission that is missing.",
            Self::CrossSiteRefused => {
                "Call from the platform's own pages, with `X-CSRF-Token` where a cookie is sent."
            }
            Self::OwnRequest => "Ask another person to decide.",
            Self::ApprovalRequired => "Ask for it; `detail` says how.",
            Self::VersionConflict => "Read the object again, and send the edit with its new ETag.",
            Self::PreconditionRequired => "Send the object's `ETag` in `If-Match`.",
            Self::TooManyAttempts => "Wait for `Retry-After` seconds.",
            Self::SignatureRefused => {
                "`detail` says what is wrong: the header, the clock, a nonce that came before, the certificate or the bytes."
            }
            Self::AddressNotAllowed => "Call from the networks that the key is bound to.",
            Self::InsufficientScope => "Use a key with the scope that `detail` names.",
            Self::TenantInactive => "Ask the platform; refunds and reads still work.",
            Self::NotFound => "Check the id, and that the key belongs to the same tenant and mode.",
            Self::MethodNotAllowed => "The header `Allow` lists the methods.",
            Self::RequestTimeout => "Send it again.",
            Self::OrderConflict => {
                "Use a new number, or send the same content; `detail` names the order."
            }
            Self::RefundConflict => {
                "Use a new number, or send the same content; `detail` names the refund."
            }
            Self::NotRefundable => "`detail` says what is left or why; nothing was stored.",
            Self::StateConflict => "Read the object; `detail` names its state.",
            Self::IdempotencyInFlight | Self::DeliveryInFlight => "Try again after `Retry-After`.",
            Self::LimitReached => "Delete one first.",
            Self::BodyTooLarge => "Send less.",
            Self::UnsupportedMediaType => "Send `Content-Type: application/json`.",
            Self::ValidationFailed => "Mend each field in `errors`; nothing was stored.",
            Self::IdempotencyKeyReused => "Use a new key for a new request.",
            Self::WechatRefused => {
                "422: mend what `wechat.message` says. 502: `wechat.who_must_act` must act; tell the platform."
            }
            Self::LoginFailed => {
                "Call `wx.login` again for a fresh code; with 502 tell the platform."
            }
            Self::Internal => {
                "Tell the platform the `request_id`. Repeating with the same Idempotency-Key is safe."
            }
            Self::RateLimited => {
                "Wait for `Retry-After`; `RateLimit` says what is left before it comes to this."
            }
            Self::WechatBusy | Self::Busy | Self::Unavailable => {
                "Try again after `Retry-After`, with the same Idempotency-Key."
            }
            Self::OutcomeUnknown | Self::Timeout => {
                "Repeat with the same Idempotency-Key, or read the order; never order anew under another number."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn the_word_in_the_schema_is_the_word_in_the_table() {
        for code in ProblemCode::ALL {
            assert_eq!(code.to_json().unwrap(), code.as_str());
            assert_eq!(ProblemCode::parse(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn every_code_comes_with_an_error_status() {
        for code in ProblemCode::ALL {
            assert!(!code.statuses().is_empty());
            assert!(
                code.statuses()
                    .iter()
                    .all(|status| (400..600).contains(status))
            );
        }
    }
}
