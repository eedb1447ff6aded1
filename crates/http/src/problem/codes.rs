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
    /// No usable API key.
    Unauthorized = "unauthorized", [401], "No valid API key was given";
    /// The API key lacks a scope.
    InsufficientScope = "insufficient_scope", [403], "The API key lacks the scope that this call needs";
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
    /// Our fault.
    Internal = "internal", [500], "Something went wrong on our side";
    /// WeChat limits the rate of calls.
    WechatBusy = "wechat_busy", [503], "WeChat Pay asks to slow down";
    /// We cannot serve now.
    Unavailable = "unavailable", [503], "The service cannot answer at this moment";
    /// WeChat may or may not have done it.
    OutcomeUnknown = "outcome_unknown", [504], "WeChat Pay gave no certain answer; the outcome is not known yet";
    /// We took too long; the work goes on.
    Timeout = "timeout", [504], "The answer took too long; the work may still complete";
}

impl ProblemCode {
    /// What the caller does about it, for the table in the document.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::MalformedJson => "Mend the body; `errors[0].field` points at the place.",
            Self::IdempotencyKeyRequired => "Send a fresh key per order, the same key per retry.",
            Self::Unauthorized => {
                "Send `Authorization: Bearer trb_…` with a key that is neither revoked nor expired."
            }
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
            Self::WechatBusy | Self::Unavailable => {
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
