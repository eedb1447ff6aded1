//! One sentence for each entry, as one would tell it to a colleague.

use super::{
    AlarmFacts, AttemptFacts, CallFacts, DecisionFacts, DeliveryFacts, EventFacts,
    NotificationFacts,
};
use crate::upstream_calls::CallPurpose;

pub(super) fn of_attempt(facts: &AttemptFacts) -> String {
    format!(
        "The order got the number {} for WeChat Pay.",
        facts.out_trade_no
    )
}

pub(super) fn of_prepared(facts: &AttemptFacts) -> String {
    format!(
        "WeChat Pay took the order {}: the payer can pay for two hours.",
        facts.out_trade_no
    )
}

pub(super) fn of_call(facts: &CallFacts) -> String {
    let what = match CallPurpose::parse(&facts.purpose) {
        Some(CallPurpose::Prepay) => "Placing the order at WeChat Pay".to_owned(),
        Some(CallPurpose::QueryOrder) => "Asking WeChat Pay about the order".to_owned(),
        Some(CallPurpose::CloseOrder) => "Closing the order at WeChat Pay".to_owned(),
        Some(CallPurpose::Refund) => "Asking WeChat Pay for a refund".to_owned(),
        Some(CallPurpose::QueryRefund) => "Asking WeChat Pay about a refund".to_owned(),
        Some(CallPurpose::RedirectRefund) => "Sending the refund another way".to_owned(),
        Some(CallPurpose::Certificates) => "Fetching WeChat Pay's certificates".to_owned(),
        Some(CallPurpose::KeyTest) => "Testing keys".to_owned(),
        Some(CallPurpose::Bill) => "Asking for a bill".to_owned(),
        None => format!("{} {}", facts.method, facts.path),
    };
    let which = match facts.try_number {
        0 | 1 => String::new(),
        number => format!(", try {number}"),
    };
    let Some(explained) = &facts.explained else {
        return match &facts.said {
            Some(said) => format!("{what}{which}: it says {said}."),
            None => format!("{what}{which}: done."),
        };
    };
    if facts.outcome == "tried_again" {
        let why = facts.failure.as_deref().unwrap_or_default();
        return format!("{what}: no usable answer ({why}); it was tried again at once.");
    }
    let code = facts.code.as_deref().map(|code| format!(" {code}."));
    let code = code.unwrap_or_default();
    format!("{what}{which}:{code} {}", explained.cause.en)
}

pub(super) fn of_notification(facts: &NotificationFacts) -> String {
    let verdict = facts.verdict.as_deref().unwrap_or_default();
    let told = &facts.event_type;
    match facts.state {
        "received" => {
            format!("WeChat Pay notified us ({told}); it is kept and still to be applied.")
        }
        "quarantined" => format!(
            "WeChat Pay notified us ({told}); it does not fit the order ({verdict}), so it is kept and not applied."
        ),
        _ if verdict == "unchanged" => {
            format!("WeChat Pay notified us ({told}); that was known already.")
        }
        _ => format!("WeChat Pay notified us ({told}); the verdict is {verdict}."),
    }
}

pub(super) fn of_decision(facts: &DecisionFacts) -> String {
    let who = match facts.decided_by.as_str() {
        "policy" => "The tenant's policy",
        person => person,
    };
    let what = match facts.state {
        "accepted" => "the tenant keeps it",
        "held" => "it was to go back, could not, and waits for a person again",
        _ => "it goes back to the payer",
    };
    let why = facts.reason.as_deref().map(|reason| format!(" ({reason})"));
    let why = why.unwrap_or_default();
    format!("{who} decided about the {} money: {what}{why}.", facts.late)
}

pub(super) fn of_alarm(facts: &AlarmFacts) -> String {
    format!(
        "Something does not fit ({}); a person at the provider is to look.",
        facts.alarm
    )
}

/// When WeChat had not notified us by then, what a query found is worth a word.
pub(super) fn of_event_without_notice(facts: &EventFacts) -> String {
    let said = of_event(facts);
    if facts.source == "query" && facts.transaction_id.is_some() {
        format!("{said} No notification had come by then.")
    } else {
        said
    }
}

pub(super) fn of_event(facts: &EventFacts) -> String {
    let (thing, recorded) = if facts.event_type.starts_with("refund.") {
        ("The refund", "A refund was recorded.")
    } else {
        ("The order", "The order was recorded.")
    };
    let Some(from) = &facts.from_state else {
        return match facts.source.as_str() {
            "person" if facts.event_type.starts_with("refund.") => {
                "A refund was recorded that a person asked for.".to_owned()
            }
            _ => recorded.to_owned(),
        };
    };
    let why = match facts.source.as_str() {
        "notification" => "WeChat Pay's notification",
        "query" => "WeChat Pay's answer to our question",
        "reconciliation" => "WeChat Pay's bill",
        "api" => "a request through the API",
        "person" => "a person",
        _ => "the platform itself",
    };
    let to = &facts.to_state;
    match (facts.event_type.as_str(), &facts.transaction_id) {
        ("order.unknown" | "refund.unknown", _) => {
            format!("{thing} went from {from} to {to}: nobody knows whether WeChat Pay took it.")
        }
        ("order.duplicate_paid", _) => {
            "The order was paid a second time; the second payment has a decision of its own."
                .to_owned()
        }
        (kind, Some(number)) if kind.starts_with("order.") => {
            let paid_at = facts.success_time.as_deref().unwrap_or("an unknown time");
            format!(
                "The order went from {from} to {to} by {why}: payment {number}, paid at {paid_at}."
            )
        }
        _ => format!("{thing} went from {from} to {to} by {why}."),
    }
}

/// What the log calls an act, as one tells it without a name.
pub(super) fn of_act(action: &str) -> String {
    let what = match action {
        "order.queried" => "had WeChat Pay asked about the order",
        "order.close.asked" => "had the order closed",
        "refund.requested" => "asked for a refund",
        "refund.queried" => "had WeChat Pay asked about a refund",
        "refund.redirected" => "sent a refund another way",
        "approval.asked" => "asked for a refund that a second person is to let go",
        "approval.approved" => "let a refund go that somebody else had asked for",
        "approval.rejected" => "refused a refund that somebody else had asked for",
        "late_payment.decided" => "decided what becomes of money that came late",
        other => return format!("A person acted: {other}."),
    };
    format!("A person {what}.")
}

pub(super) fn of_delivery(facts: &DeliveryFacts) -> String {
    let what = format!(
        "Webhook {} to {}, try {}",
        facts.event_type, facts.endpoint_id, facts.number
    );
    match (&facts.error_class, facts.status) {
        (None, Some(status)) => format!("{what}: it was taken ({status})."),
        (None, None) => format!("{what}: it was taken."),
        (Some(_), Some(status)) => format!("{what}: the receiver answered {status}."),
        (Some(class), None) => format!("{what}: no answer ({class})."),
    }
}
