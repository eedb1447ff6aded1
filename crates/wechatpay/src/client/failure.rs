//! Why a try failed: one word for records, what follows from it, and what it says to a person.

use super::Actor;
use super::codes::Certainty::{Definite, Unknown};
use super::codes::Repeat::{No, SameRequest};
use super::codes::{self, Verdict};

/// Why a try of a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The request breaks a limit; nothing was sent.
    Invalid,
    /// The request could not be signed; nothing was sent.
    NotSigned,
    /// A sensitive field could not be encrypted; nothing was sent.
    NotEncrypted,
    /// The request could not be put together; nothing was sent.
    NotSent,
    /// No connection was made; nothing was sent.
    NotConnected,
    /// The time was up.
    TimedOut,
    /// The connection broke.
    ConnectionBroken,
    /// The answer is too large.
    TooLarge,
    /// WeChat refused.
    Refused,
    /// WeChat limits the rate.
    RateLimited,
    /// WeChat is out of order.
    ServerError,
    /// WeChat accepted the request and has not finished it.
    Accepted,
    /// The answer is signed with a key that is not known.
    UnknownKey,
    /// The answer's timestamp is too far from our clock.
    ClockSkew,
    /// The answer's signature is wrong.
    BadSignature,
    /// The answer carries no readable signature.
    UnsignedAnswer,
    /// The answer is not what it should be.
    Unusable,
}

/// What an error means to a person, who must act, and whether repeating helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The cause in plain Chinese.
    pub zh: &'static str,
    /// The cause in plain English.
    pub en: &'static str,
    /// Who must act before the call can succeed.
    pub who_must_act: Actor,
    /// Whether the same request may be sent again.
    pub retryable: bool,
}

impl Failure {
    const ALL: [Self; 17] = [
        Self::Invalid,
        Self::NotSigned,
        Self::NotEncrypted,
        Self::NotSent,
        Self::NotConnected,
        Self::TimedOut,
        Self::ConnectionBroken,
        Self::TooLarge,
        Self::Refused,
        Self::RateLimited,
        Self::ServerError,
        Self::Accepted,
        Self::UnknownKey,
        Self::ClockSkew,
        Self::BadSignature,
        Self::UnsignedAnswer,
        Self::Unusable,
    ];

    /// Returns the word for records and figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotSigned => "not_signed",
            Self::NotEncrypted => "not_encrypted",
            Self::NotSent => "not_sent",
            Self::NotConnected => "not_connected",
            Self::TimedOut => "timed_out",
            Self::ConnectionBroken => "connection_broken",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Accepted => "accepted",
            Self::UnknownKey => "unknown_key",
            Self::ClockSkew => "clock_skew",
            Self::BadSignature => "bad_signature",
            Self::UnsignedAnswer => "unsigned_answer",
            Self::Unusable => "unusable",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Explains a failure; WeChat's number behind the `Request-ID` and its code say more than the status does.
    pub fn explain(
        self,
        status: Option<u16>,
        code: Option<&str>,
        request_id: Option<&str>,
    ) -> Explanation {
        let words = match self {
            Self::Refused | Self::RateLimited | Self::ServerError | Self::Accepted => {
                codes::words(code, request_id)
            }
            _ => None,
        };
        let (zh, en) = words.unwrap_or_else(|| self.words(status));
        let verdict = self.verdict(status, code);
        Explanation {
            zh,
            en,
            who_must_act: verdict.actor,
            retryable: verdict.repeat == SameRequest,
        }
    }

    pub(super) fn verdict(self, status: Option<u16>, code: Option<&str>) -> Verdict {
        let by_code = || code.and_then(codes::verdict);
        let by_code = || by_code().unwrap_or_else(|| status_verdict(status.unwrap_or_default()));
        match self {
            Self::Invalid | Self::NotSigned | Self::NotSent => {
                Verdict::new(Definite, No, Actor::Platform)
            }
            Self::NotEncrypted => Verdict::new(Definite, No, Actor::Provider),
            Self::NotConnected => Verdict::new(Definite, SameRequest, Actor::Platform),
            Self::TimedOut => Verdict::new(Unknown, SameRequest, Actor::WeChat),
            Self::ConnectionBroken | Self::ClockSkew | Self::UnsignedAnswer => {
                Verdict::new(Unknown, SameRequest, Actor::Platform)
            }
            Self::TooLarge | Self::Unusable => Verdict::new(Unknown, No, Actor::Platform),
            Self::Refused => by_code(),
            Self::RateLimited | Self::Accepted | Self::BadSignature => {
                Verdict::new(Unknown, SameRequest, Actor::Nobody)
            }
            // Whatever the code says, a 5xx proves nothing.
            Self::ServerError => Verdict {
                certainty: Unknown,
                ..by_code()
            },
            Self::UnknownKey => Verdict::new(Unknown, SameRequest, Actor::Provider),
        }
    }

    /// What is to be said when no code says more.
    fn words(self, status: Option<u16>) -> (&'static str, &'static str) {
        match self {
            Self::Invalid => (
                "请求不符合微信支付的限制，没有发出。",
                "The request breaks a limit of WeChat Pay and was not sent.",
            ),
            Self::NotSigned => (
                "请求无法签名，没有发出；请检查商户私钥。",
                "The request could not be signed and was not sent; check the merchant's private key.",
            ),
            Self::NotEncrypted => (
                "敏感字段无法加密，请求没有发出；请检查微信支付公钥或平台证书。",
                "A sensitive field could not be encrypted and nothing was sent; check WeChat Pay's public key or platform certificate.",
            ),
            Self::NotSent => (
                "请求无法组装，没有发出。",
                "The request could not be put together and was not sent.",
            ),
            Self::NotConnected => (
                "无法连接微信支付，请求没有发出；请检查网络。",
                "WeChat Pay could not be reached and nothing was sent; check the network.",
            ),
            Self::TimedOut => (
                "等待微信支付应答超时，结果未知；系统会查询或用同一单号重试。",
                "WeChat Pay did not answer in time, so the outcome is unknown; the platform queries or repeats under the same number.",
            ),
            Self::ConnectionBroken => (
                "与微信支付的连接中断，没有收到应答，结果未知；系统会查询或用同一单号重试。",
                "The connection broke before an answer came, so the outcome is unknown; the platform queries or repeats under the same number.",
            ),
            Self::TooLarge => (
                "应答过大，未被接受，结果未知。",
                "The answer was too large to be read, so the outcome is unknown.",
            ),
            Self::Accepted => (
                "微信支付已受理，尚未完成；系统会用相同参数再次请求。",
                "WeChat Pay accepted the request and has not finished it; the platform repeats it unchanged.",
            ),
            Self::RateLimited => (
                "请求过于频繁；写操作可能已受理，系统会放慢并用同一单号重试。",
                "Too many requests; a write may have been accepted, and the platform repeats it more slowly under the same number.",
            ),
            Self::ServerError => (
                "微信支付系统异常，结果未知；系统会查询或用同一单号重试。",
                "WeChat Pay had a fault and the outcome is unknown; the platform queries or repeats under the same number.",
            ),
            Self::Refused => refusal_words(status),
            Self::UnknownKey
            | Self::ClockSkew
            | Self::BadSignature
            | Self::UnsignedAnswer
            | Self::Unusable => self.answer_words(),
        }
    }

    /// What is wrong with an answer that came.
    fn answer_words(self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownKey => (
                "应答由未知的微信支付公钥或平台证书签名，未被采信，结果未知；请核对公钥配置。",
                "The answer is signed with a key that is not known here and is not believed, so the outcome is unknown; check WeChat's public key.",
            ),
            Self::ClockSkew => (
                "应答的时间戳与服务器时间相差超过五分钟，未被采信；请校准服务器时间。",
                "The answer's time is more than five minutes from ours and it is not believed; set the server's clock.",
            ),
            Self::BadSignature => (
                "应答签名验证失败，未被采信，结果未知；可能是微信的签名探测，系统会重试。",
                "The answer's signature is wrong and it is not believed, so the outcome is unknown; it may be one of WeChat's probes, and the platform repeats.",
            ),
            Self::UnsignedAnswer => (
                "应答缺少有效签名，未被采信，结果未知；请检查中间的代理。",
                "The answer has no usable signature and is not believed, so the outcome is unknown; look for a proxy in between.",
            ),
            _ => (
                "应答内容与预期不符，未被采信，结果未知。",
                "The answer is not what was expected and is not believed, so the outcome is unknown.",
            ),
        }
    }
}

/// Decides by HTTP class when the code says nothing.
fn status_verdict(status: u16) -> Verdict {
    match status {
        401 => Verdict::new(Definite, No, Actor::Provider),
        403 => Verdict::new(Definite, No, Actor::Tenant),
        404 => Verdict::new(Definite, No, Actor::Nobody),
        // Request timeout and too early say nothing about the business.
        408 | 425 => Verdict::new(Unknown, SameRequest, Actor::Nobody),
        500.. => Verdict::new(Unknown, SameRequest, Actor::WeChat),
        _ => Verdict::new(Definite, No, Actor::Platform),
    }
}

fn refusal_words(status: Option<u16>) -> (&'static str, &'static str) {
    match status {
        Some(401) => (
            "微信支付不认可服务商的签名或证书；请检查密钥、证书和时间。",
            "WeChat Pay did not accept the provider's signature or certificate; check keys, certificate and clock.",
        ),
        Some(403) => (
            "微信支付拒绝了请求：权限不足或违反业务规则；请看 message。",
            "WeChat Pay refused: a permission is missing or a business rule is broken; read the message.",
        ),
        Some(404) => (
            "微信支付没有找到请求的对象。",
            "WeChat Pay did not find what was asked for.",
        ),
        _ => (
            "微信支付拒绝了请求，错误码未收录；请看 message。",
            "WeChat Pay refused with a code that this version does not know; read the message.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_word_that_reads_back_and_words_in_both_languages() {
        for failure in Failure::ALL {
            assert_eq!(Failure::parse(failure.as_str()), Some(failure));
            let said = failure.explain(Some(418), None, None);
            assert!(!said.zh.is_ascii() && said.en.is_ascii(), "{failure:?}");
        }
        assert_eq!(Failure::parse("something else"), None);
    }

    #[test]
    fn the_number_behind_the_request_id_says_more_than_the_code() {
        let said =
            |request_id| Failure::Refused.explain(Some(400), Some("INVALID_REQUEST"), request_id);
        let by_code = said(Some("08F7-0"));
        let by_number = said(Some("08F7-268443701"));
        assert_eq!(by_code, said(None));
        assert!(by_number.en.contains("no longer, under this provider"));
        // Observed numbers decide nothing.
        assert_eq!(by_number.who_must_act, by_code.who_must_act);
        assert_eq!(by_number.retryable, by_code.retryable);
    }

    #[test]
    fn an_unknown_code_is_explained_by_its_status() {
        let said = Failure::Refused.explain(Some(401), Some("SOMETHING_NEW"), None);
        assert!(said.en.contains("signature or certificate"));
        assert_eq!(said.who_must_act, Actor::Provider);
    }
}
