//! WeChat's error codes: one spelling for each, and what follows from it (WeChat partner docs: error codes).

use super::Actor;

/// The order is paid: query it.
pub const ORDER_PAID: &str = "ORDER_PAID";
/// The order is closed: place a new number.
pub const ORDER_CLOSED: &str = "ORDER_CLOSED";
/// The number was used with other parameters: query it.
pub const OUT_TRADE_NO_USED: &str = "OUT_TRADE_NO_USED";
/// There is no such order; right after a timed-out prepay that is not final.
pub const ORDER_NOT_EXIST: &str = "ORDER_NOT_EXIST";
/// There is no such refund, or no platform certificate.
pub const RESOURCE_NOT_EXISTS: &str = "RESOURCE_NOT_EXISTS";
/// Too many calls; the outcome of a write is unknown.
pub const FREQUENCY_LIMITED: &str = "FREQUENCY_LIMITED";
/// Something failed at WeChat; the outcome is unknown.
pub const SYSTEM_ERROR: &str = "SYSTEM_ERROR";
/// The signature, the certificate or the clock is wrong.
pub const SIGN_ERROR: &str = "SIGN_ERROR";
/// A field is wrong.
pub const PARAM_ERROR: &str = "PARAM_ERROR";
/// The state of order or merchant does not allow it.
pub const INVALID_REQUEST: &str = "INVALID_REQUEST";
/// The sub-merchant's money does not suffice: the same refund number later.
pub const NOT_ENOUGH: &str = "NOT_ENOUGH";
/// A product is not opened or not authorised.
pub const NO_AUTH: &str = "NO_AUTH";
/// The bill is being made: ask again in half an hour.
pub const STATEMENT_CREATING: &str = "STATEMENT_CREATING";
/// There was nothing to bill on that day; final after 10:00 of the next.
pub const NO_STATEMENT_EXIST: &str = "NO_STATEMENT_EXIST";

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) certainty: Certainty,
    pub(super) repeat: Repeat,
    pub(super) actor: Actor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    Definite,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    SameRequest,
    No,
}

impl Verdict {
    pub(super) fn new(certainty: Certainty, repeat: Repeat, actor: Actor) -> Self {
        Self {
            certainty,
            repeat,
            actor,
        }
    }
}

/// Folds WeChat's spellings of one code into the one used here; an unknown code stays as it is.
pub fn normalise(code: &str) -> &str {
    match code {
        "NOAUTH" => NO_AUTH,
        "RULELIMIT" => "RULE_LIMIT",
        "SYSTEMERROR" => SYSTEM_ERROR,
        "NOTENOUGH" => NOT_ENOUGH,
        "ORDERNOTEXIST" => ORDER_NOT_EXIST,
        "ORDERPAID" => ORDER_PAID,
        "ORDERCLOSED" => ORDER_CLOSED,
        "ACCOUNTERROR" => "ACCOUNT_ERROR",
        "BANKERROR" => "BANK_ERROR",
        // The last one is WeChat's own misspelling.
        "RATELIMIT_EXCEEDED" | "RATE_LIMITED" | "FREQUENCY_LIMIT_EXCEED" | "FREQENCY_LIMIT" => {
            FREQUENCY_LIMITED
        }
        "BILL_NOT_EXIST" => NO_STATEMENT_EXIST,
        "RESOURCE_NOT_EXIST" => RESOURCE_NOT_EXISTS,
        other => other,
    }
}

/// Looks up a normalised code; `None` means that the HTTP class decides.
pub(super) fn verdict(code: &str) -> Option<Verdict> {
    use Certainty::{Definite, Unknown};
    use Repeat::{No, SameRequest};
    let (certainty, repeat, actor) = match code {
        PARAM_ERROR | "INVALID_TRANSACTIONID" => (Definite, No, Actor::Platform),
        INVALID_REQUEST
        | NO_AUTH
        | "RULE_LIMIT"
        | "TRADE_ERROR"
        | "ACCOUNT_ERROR"
        | "USER_ACCOUNT_ABNORMAL"
        | "REQUEST_BLOCKED"
        | "OPENID_MISMATCH"
        | "TRADE_OVERDUE"
        | "REFUND_FEE_MISMATCH" => (Definite, No, Actor::Tenant),
        "APPID_MCHID_NOT_MATCH" | "MCH_NOT_EXISTS" | SIGN_ERROR => (Definite, No, Actor::Provider),
        // The program goes on by itself: it queries, or takes a new number.
        ORDER_PAID | ORDER_CLOSED | OUT_TRADE_NO_USED | ORDER_NOT_EXIST | RESOURCE_NOT_EXISTS
        | NO_STATEMENT_EXIST => (Definite, No, Actor::Nobody),
        NOT_ENOUGH => (Definite, SameRequest, Actor::Tenant),
        STATEMENT_CREATING | "ORDER_NOT_READY" => (Definite, SameRequest, Actor::Nobody),
        FREQUENCY_LIMITED | "USERPAYING" => (Unknown, SameRequest, Actor::Nobody),
        SYSTEM_ERROR | "BANK_ERROR" | "SERVICE_UNAVAILABLE" | "BIZERR_NEED_RETRY" => {
            (Unknown, SameRequest, Actor::WeChat)
        }
        _ => return None,
    };
    Some(Verdict {
        certainty,
        repeat,
        actor,
    })
}

#[cfg(test)]
mod tests {
    use super::{normalise, verdict};

    #[test]
    fn every_alias_is_folded_and_every_folded_code_has_a_verdict() {
        let aliases = [
            ("NOAUTH", "NO_AUTH"),
            ("RULELIMIT", "RULE_LIMIT"),
            ("SYSTEMERROR", "SYSTEM_ERROR"),
            ("NOTENOUGH", "NOT_ENOUGH"),
            ("ORDERNOTEXIST", "ORDER_NOT_EXIST"),
            ("ORDERPAID", "ORDER_PAID"),
            ("ORDER_PAID", "ORDER_PAID"),
            ("ORDERCLOSED", "ORDER_CLOSED"),
            ("ACCOUNTERROR", "ACCOUNT_ERROR"),
            ("BANKERROR", "BANK_ERROR"),
            ("RATELIMIT_EXCEEDED", "FREQUENCY_LIMITED"),
            ("RATE_LIMITED", "FREQUENCY_LIMITED"),
            ("FREQUENCY_LIMIT_EXCEED", "FREQUENCY_LIMITED"),
            ("FREQENCY_LIMIT", "FREQUENCY_LIMITED"),
            ("RESOURCE_NOT_EXIST", "RESOURCE_NOT_EXISTS"),
            ("BILL_NOT_EXIST", "NO_STATEMENT_EXIST"),
            ("RESOURCE_NOT_EXISTS", "RESOURCE_NOT_EXISTS"),
        ];
        for (seen, folded) in aliases {
            assert_eq!(normalise(seen), folded);
            assert!(verdict(folded).is_some(), "{folded}");
            assert_eq!(normalise(folded), folded);
        }
        assert_eq!(normalise("SOMETHING_NEW"), "SOMETHING_NEW");
        assert_eq!(verdict("SOMETHING_NEW"), None);
    }
}
