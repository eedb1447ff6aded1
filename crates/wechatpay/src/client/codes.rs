//! WeChat's error codes: one spelling for each, and what follows from it (WeChat partner docs: error codes).

mod table;

use super::Actor;
use table::{BROAD_NUMBERS, CODES, Entry, NUMBERS, Number};

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
        "SIGNERROR" => SIGN_ERROR,
        // The last one is WeChat's own misspelling.
        "RATELIMIT_EXCEEDED"
        | "RATELIMIT_EXCEED"
        | "RATE_LIMITED"
        | "FREQUENCY_LIMIT_EXCEED"
        | "FREQENCY_LIMIT" => FREQUENCY_LIMITED,
        "RESOURCE_NOT_EXIST" => RESOURCE_NOT_EXISTS,
        "BILL_NOT_EXIST" => NO_STATEMENT_EXIST,
        other => other,
    }
}

/// Looks up a normalised code; `None` means that the HTTP class decides.
pub(super) fn verdict(code: &str) -> Option<Verdict> {
    entry(code).map(|entry| entry.verdict)
}

/// Returns what a code says to a person, Chinese and English; a number behind a `Request-ID` may say it better.
pub(super) fn words(
    code: Option<&str>,
    request_id: Option<&str>,
) -> Option<(&'static str, &'static str)> {
    let number = request_id
        .and_then(|id| id.rsplit_once('-'))
        .map(|(_, number)| number);
    let by_number = |table: &'static [Number]| {
        let found = table.iter().find(|one| Some(one.digits) == number);
        found.map(|one| (one.zh, one.en))
    };
    let by_code = || entry(normalise(code?)).map(|entry| (entry.zh, entry.en));
    by_number(NUMBERS)
        .or_else(by_code)
        .or_else(|| by_number(BROAD_NUMBERS))
}

fn entry(code: &str) -> Option<&'static Entry> {
    CODES.iter().find(|entry| entry.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BROAD_NUMBERS, CODES, NUMBERS, Number, normalise, verdict, words};

    /// Every code on WeChat's pages, one a line, as WeChat spells it there.
    const PUBLISHED: &str = include_str!("../../testdata/published_codes.txt");

    fn published() -> impl Iterator<Item = &'static str> {
        let lines = PUBLISHED.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    fn numbers() -> impl Iterator<Item = &'static Number> {
        NUMBERS.iter().chain(BROAD_NUMBERS)
    }

    #[test]
    fn every_published_code_is_explained_in_both_languages_and_has_a_verdict() {
        assert!(published().count() > 90);
        for code in published() {
            let is_number = numbers().any(|number| number.digits == code);
            let request_id = format!("08F7-{code}");
            let (by_code, by_number) = (Some(code), Some(request_id.as_str()));
            let said = if is_number {
                words(None, by_number)
            } else {
                words(by_code, None)
            };
            let (zh, en) = said.unwrap_or_else(|| panic!("{code} is not explained"));
            assert!(!zh.is_ascii() && zh.ends_with('。'), "{code}: {zh}");
            assert!(en.is_ascii() && en.ends_with('.'), "{code}: {en}");
            assert!(is_number || verdict(normalise(code)).is_some(), "{code}");
        }
    }

    #[test]
    fn a_broad_number_does_not_hide_what_the_code_says() {
        let said = |code, number| words(Some(code), Some(number)).unwrap().1;
        let by_code = words(Some("NO_AUTH"), None).unwrap().1;
        assert_eq!(said("NO_AUTH", "08F7-268435464"), by_code);
        assert_ne!(said("NO_AUTH", "08F7-268448010"), by_code);
        assert_ne!(said("SOMETHING_NEW", "08F7-268435464"), by_code);
    }

    #[test]
    fn the_tables_hold_each_code_once_and_nothing_that_is_not_published() {
        let published: BTreeSet<&str> = published().map(normalise).collect();
        let mut seen = BTreeSet::new();
        let codes = CODES.iter().map(|entry| entry.code);
        for code in codes.chain(numbers().map(|number| number.digits)) {
            assert!(seen.insert(code), "{code} twice");
            assert!(published.contains(code), "{code} is not published");
        }
    }

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
            ("SIGNERROR", "SIGN_ERROR"),
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
