//! WeChat's refusals: HTTP status, `code`, a message in Chinese, and `detail` where WeChat gives one.

use std::borrow::Cow;

use serde_json::{Value, json};

/// An answer other than 2xx, as WeChat words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) detail: Option<Box<Value>>,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            detail: None,
        }
    }

    /// `PARAM_ERROR` with the field that is wrong, as a JSON pointer or a parameter's name.
    pub(crate) fn parameter(
        location: &str,
        field: &str,
        value: &Value,
        issue: impl Into<String>,
    ) -> Self {
        let issue = issue.into();
        let detail = json!({"field": field, "value": value, "issue": issue, "location": location});
        let message = format!("输入源“{field}”校验失败：{issue}");
        Self {
            detail: Some(Box::new(detail)),
            ..Self::new(400, "PARAM_ERROR", message)
        }
    }

    /// `PARAM_ERROR` about a member of the body.
    pub(crate) fn body(field: &str, value: &Value, issue: impl Into<String>) -> Self {
        Self::parameter("body", field, value, issue)
    }

    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "INVALID_REQUEST", message)
    }

    pub(crate) fn signature(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(401, "SIGN_ERROR", message)
    }

    pub(crate) fn frequency_limited() -> Self {
        Self::new(429, "FREQUENCY_LIMITED", "频率超限，请降低调用频率后重试")
    }

    pub(crate) fn not_enough() -> Self {
        Self::new(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    }

    pub(crate) fn system_error(status: u16) -> Self {
        let code = if status == 500 {
            "SYSTEM_ERROR"
        } else {
            "SERVICE_UNAVAILABLE"
        };
        Self::new(status, code, "系统异常，请稍后重试")
    }

    pub(crate) fn order_not_exist() -> Self {
        Self::new(404, "ORDER_NOT_EXIST", "订单不存在")
    }

    pub(crate) fn resource_not_exists(message: &'static str) -> Self {
        Self::new(404, "RESOURCE_NOT_EXISTS", message)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut envelope = json!({"code": self.code, "message": self.message});
        if let (Some(detail), Some(members)) = (&self.detail, envelope.as_object_mut()) {
            members.insert("detail".to_owned(), detail.as_ref().clone());
        }
        envelope
    }

    /// The number after the last `-` of `Request-ID`, WeChat's internal code.
    pub(crate) fn internal_code(&self) -> u32 {
        match self.code.as_ref() {
            "PARAM_ERROR" => 268_435_461,
            "SIGN_ERROR" => 268_443_699,
            "ORDER_NOT_EXIST" => 268_512_771,
            "FREQUENCY_LIMITED" => 268_447_840,
            "ORDERPAID" => 268_449_538,
            "OUT_TRADE_NO_USED" => 268_498_688,
            "APPID_MCHID_NOT_MATCH" => 268_445_527,
            "ORDER_CLOSED" => 268_447_914,
            _ => 268_435_464,
        }
    }
}
