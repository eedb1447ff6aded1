//! The invariants, each a function over what a run left. None of them knows what the platform's code looks like.

mod money;
mod refunds;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tributary_domain::endpoint::any_filter_matches;
use wechatpay_sim::{AttemptKind, TradeState};

pub(super) use refunds::sums_are_within_paid;
use routes::Routes;

use super::evidence::{Evidence, OrderRow};

/// A lane never has more in flight.
const LANE_CAP: usize = 8;
/// So often a delivery is tried by its schedule before it may fail.
const ATTEMPTS_BY_SCHEDULE: usize = 14;
const OPEN_ORDER: [&str; 4] = ["created", "paying", "unknown", "closing"];
const OPEN_ATTEMPT: [&str; 4] = ["new", "sent", "unknown", "prepared"];

/// What was found, by the invariant that it breaks.
pub type Violations = Vec<(&'static str, String)>;

type Check = fn(&Evidence) -> Vec<String>;

/// Every invariant with its check.
pub const INVARIANTS: &[(&str, Check)] = &[
    ("everything comes to its end", everything_ended),
    ("nobody saw what nobody may see", nobody_complains),
    (
        "I1 an acknowledged notification is kept, byte for byte",
        acknowledged_is_kept,
    ),
    ("I1 only WeChat is believed", only_wechat_is_believed),
    (
        "I2 a payment is exactly one transition",
        money::a_payment_is_one_transition,
    ),
    (
        "I2 nothing is paid that WeChat does not call paid",
        money::nothing_paid_for_free,
    ),
    (
        "I2 the money is the same on both sides",
        money::money_agrees,
    ),
    (
        "I10 a refund is one refund at WeChat",
        refunds::a_refund_is_one_refund,
    ),
    (
        "I10 the sums of an order are those of its refunds",
        refunds::sums_are_those_of_the_refunds,
    ),
    (
        "I14 late money goes where it was decided",
        refunds::late_money_goes_its_way,
    ),
    (
        "I15 no refund is closed without evidence",
        refunds::none_closed_without_evidence,
    ),
    (
        "I3 the last event tells how a refund stands",
        refunds::last_event_tells_the_state,
    ),
    (
        "I12 a refund that is not over has a next step",
        refunds::everything_has_a_next_step,
    ),
    (
        "I3 the events of a subject are numbered without a hole",
        events_are_consecutive,
    ),
    (
        "I3 the last event tells the state",
        last_event_tells_the_state,
    ),
    (
        "I4 every endpoint that wants an event has its delivery",
        every_event_is_delivered_for,
    ),
    (
        "I5 what is open is queued, and nothing else",
        open_is_queued,
    ),
    ("I6 a delivery is finished once", finished_once),
    ("I7 what was posted was recorded", posts_were_recorded),
    ("I8 nothing is sent after its end", nothing_after_the_end),
    (
        "I11 nobody hears of another's orders",
        nobody_hears_of_others,
    ),
    (
        "I12 what is not over has a next step",
        everything_has_a_next_step,
    ),
    (
        "I15 nothing has failed without evidence",
        nothing_failed_without_evidence,
    ),
    (
        "I15 nothing is closed that can be paid",
        nothing_closed_is_payable,
    ),
    ("I16 no secret stands in the clear", no_secret_in_the_clear),
    ("I17 every webhook is signed", every_post_is_signed),
    ("I18 the feed has no hole", feed_has_no_hole),
    ("I18 no reader misses an event", no_reader_misses_an_event),
    ("one open attempt at a time", one_open_attempt),
    ("one number is placed with one body", one_body_per_number),
];

/// Checks everything.
pub fn check(evidence: &Evidence) -> Violations {
    let found = |(name, check): &(&'static str, Check)| {
        let name = *name;
        check(evidence).into_iter().map(move |what| (name, what))
    };
    INVARIANTS.iter().flat_map(found).collect()
}

/// The run came to rest within its bound once every fault had ended.
fn everything_ended(evidence: &Evidence) -> Vec<String> {
    let stuck = (!evidence.drained).then(|| "work is left that never ends".to_owned());
    stuck.into_iter().collect()
}

/// What the players noted on the way.
fn nobody_complains(evidence: &Evidence) -> Vec<String> {
    evidence.complaints.clone()
}

/// I1: every notification answered with 2xx is in the inbox with the same bytes.
fn acknowledged_is_kept(evidence: &Evidence) -> Vec<String> {
    let kept: BTreeSet<&[u8]> = evidence
        .rows
        .notifications
        .iter()
        .map(|row| row.body.as_slice())
        .collect();
    let lost = evidence.notices.iter().filter(|notice| {
        let body = notice.body.as_deref();
        notice.acknowledged && body.is_some_and(|body| !kept.contains(body))
    });
    lost.map(|notice| format!("{:?} was acknowledged and is not kept", notice.kind))
        .collect()
}

/// I1, the other side: a forgery, a probe or a wrong signature is never acknowledged.
fn only_wechat_is_believed(evidence: &Evidence) -> Vec<String> {
    let true_kind = |kind| matches!(kind, AttemptKind::Genuine | AttemptKind::Duplicate);
    let believed = evidence
        .notices
        .iter()
        .filter(|one| one.acknowledged && !true_kind(one.kind));
    believed
        .map(|notice| format!("{:?} was acknowledged", notice.kind))
        .collect()
}

/// I3: the events of every subject are numbered from 1 without a hole, and an order counts as many as it has.
fn events_are_consecutive(evidence: &Evidence) -> Vec<String> {
    let mut subjects: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for event in &evidence.rows.events {
        let subject = (event.tenant_id.as_str(), event.subject_id.as_str());
        subjects.entry(subject).or_default().push(event.seq);
    }
    let mut faults = Vec::new();
    for ((_, subject), mut numbers) in subjects.clone() {
        numbers.sort_unstable();
        // Pings of an endpoint are numbered by their time.
        if !subject.starts_with("ep_") && !numbers.iter().copied().eq(1..=count(&numbers)) {
            faults.push(format!("{subject} has the events {numbers:?}"));
        }
    }
    let rows = &evidence.rows;
    let orders = rows.orders.iter();
    let orders = orders.map(|order| (&order.tenant_id, &order.id, order.event_seq));
    let refunds = rows.refunds.iter();
    let refunds = refunds.map(|refund| (&refund.tenant_id, &refund.id, refund.event_seq));
    for (tenant, id, seq) in orders.chain(refunds) {
        let events = subjects.get(&(tenant.as_str(), id.as_str()));
        let events = events.map_or(0, |numbers| count(numbers));
        if events != seq {
            faults.push(format!("{id} counts {seq} events and has {events}"));
        }
    }
    faults
}

fn count<T>(all: &[T]) -> i64 {
    i64::try_from(all.len()).expect("a small number")
}

/// I3: what the tenant heard last about an order that is over is where the order stands.
fn last_event_tells_the_state(evidence: &Evidence) -> Vec<String> {
    let mut last: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for event in &evidence.rows.events {
        let newest = last.entry(event.subject_id.as_str()).or_default();
        *newest = (*newest).max((event.seq, event.kind.as_str()));
    }
    let over = evidence.rows.orders.iter();
    let over = over.filter(|order| !OPEN_ORDER.contains(&order.state.as_str()));
    let silent = over.filter(|order| {
        let told = last.get(order.id.as_str()).map_or("", |(_, kind)| kind);
        match order.state.as_str() {
            "closed" => told != "order.closed",
            _ => !money::TELLING.contains(&told),
        }
    });
    silent
        .map(|order| format!("{} is {}, and nobody was told", order.id, order.state))
        .collect()
}

/// I4: each event has one delivery for each endpoint of its tenant and mode whose filter lets it through.
fn every_event_is_delivered_for(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let made: BTreeSet<(&str, &str)> = rows
        .deliveries
        .iter()
        .map(|delivery| (delivery.event_id.as_str(), delivery.endpoint_id.as_str()))
        .collect();
    let mut faults = Vec::new();
    for event in rows
        .events
        .iter()
        .filter(|event| event.subject_type != "endpoint")
    {
        for endpoint in &rows.endpoints {
            let filters: Vec<String> = serde_json::from_str(&endpoint.filters).expect("filters");
            let wants = endpoint.tenant_id == event.tenant_id
                && endpoint.mode == event.mode
                && any_filter_matches(&filters, &event.kind);
            if wants && !made.contains(&(event.id.as_str(), endpoint.id.as_str())) {
                faults.push(format!(
                    "{} of {} never goes to {}",
                    event.kind, event.subject_id, endpoint.id
                ));
            }
        }
    }
    faults
}

/// I5: an open delivery stands in the queue, with a time; a finished one does not.
fn open_is_queued(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let queued: BTreeSet<&str> = rows
        .delivery_queue
        .iter()
        .map(|row| row.delivery_id.as_str())
        .collect();
    let wrong = rows
        .deliveries
        .iter()
        .filter(|delivery| (delivery.state == "open") != queued.contains(delivery.id.as_str()));
    wrong
        .map(|delivery| format!("{} is {}", delivery.id, delivery.state))
        .collect()
}

/// I6: a delivery has arrived at most once by the log of its attempts.
fn finished_once(evidence: &Evidence) -> Vec<String> {
    let mut arrived: BTreeMap<&str, usize> = BTreeMap::new();
    for sent in &evidence.rows.delivery_attempts {
        // Whoever asks by hand for what has arrived gets it again.
        if sent.trigger_kind == "auto"
            && sent
                .status
                .is_some_and(|status| (200..300).contains(&status))
        {
            *arrived.entry(sent.delivery_id.as_str()).or_default() += 1;
        }
    }
    let twice = arrived.into_iter().filter(|(_, times)| *times > 1);
    twice
        .map(|(delivery, times)| format!("{delivery} has arrived {times} times"))
        .collect()
}

/// I7: a receiver never gets more than the log tells, but for what a process took with it when it ended.
fn posts_were_recorded(evidence: &Evidence) -> Vec<String> {
    let Some(unrecorded) = &evidence.unrecorded else {
        return Vec::new();
    };
    let mut posted: BTreeMap<&str, usize> = BTreeMap::new();
    for post in &evidence.posts {
        *posted
            .entry(post.header("webhook-delivery-id"))
            .or_default() += 1;
    }
    for sent in &evidence.rows.delivery_attempts {
        let posted = posted.entry(sent.delivery_id.as_str()).or_default();
        *posted = posted.saturating_sub(1);
    }
    let more = posted
        .into_iter()
        .filter(|(delivery, left)| *left > unrecorded.get(*delivery).copied().unwrap_or(0));
    more.map(|(delivery, left)| format!("{delivery} was posted {left} times more than recorded"))
        .collect()
}

/// I8: no attempt by the schedule begins after the end of its delivery.
fn nothing_after_the_end(evidence: &Evidence) -> Vec<String> {
    let ends: BTreeMap<&str, i64> = evidence
        .rows
        .deliveries
        .iter()
        .filter(|delivery| delivery.state == "succeeded")
        .filter_map(|delivery| Some((delivery.id.as_str(), delivery.finished_at?)))
        .collect();
    let late = evidence.rows.delivery_attempts.iter().filter(|sent| {
        let end = ends.get(sent.delivery_id.as_str());
        sent.trigger_kind == "auto" && end.is_some_and(|end| sent.started_at > *end)
    });
    late.map(|sent| format!("attempt {} of {}", sent.number, sent.delivery_id))
        .collect()
}

/// I11: what a tenant's endpoint receives is about that tenant.
fn nobody_hears_of_others(evidence: &Evidence) -> Vec<String> {
    let foreign = evidence.posts.iter().filter(|post| {
        let body: Value = serde_json::from_slice(&post.body).unwrap_or_default();
        body["tenant_id"] != post.tenant.as_str()
    });
    foreign
        .map(|post| {
            format!(
                "{} heard of another's {}",
                post.tenant,
                post.header("webhook-id")
            )
        })
        .collect()
}

/// I12: every open order, every open attempt of a paid one, and every notification that waits has a time at which
/// somebody looks at it. What is closed was looked at once more, unless it waits for a person.
fn everything_has_a_next_step(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let open = open_attempts(evidence);
    let disputed = rows.disputed();
    let orders = rows.orders.iter().filter(|order| {
        let is_open = OPEN_ORDER.contains(&order.state.as_str());
        let has_look = order.next_poll_at.is_some();
        let may_wait = order.state == "closed" && disputed.contains(order.id.as_str());
        (is_open || open.contains_key(order.id.as_str())) != has_look && !(has_look && may_wait)
    });
    let orders = orders.map(|order| {
        format!(
            "{} is {}, polled at {:?}",
            order.id, order.state, order.next_poll_at
        )
    });
    let notices = rows
        .notifications
        .iter()
        .filter(|notice| (notice.state == "received") != notice.next_try_at.is_some());
    orders
        .chain(notices.map(|notice| format!("{} is {}", notice.notice_id, notice.state)))
        .collect()
}

/// I15: an attempt counts as refused only where WeChat refused it, and a delivery as failed only by its schedule.
fn nothing_failed_without_evidence(evidence: &Evidence) -> Vec<String> {
    let rows = &evidence.rows;
    let mut faults = Vec::new();
    for attempt in rows
        .attempts
        .iter()
        .filter(|attempt| attempt.state == "rejected")
    {
        let refused = evidence.refused.as_ref();
        let was_refused = refused.is_none_or(|refused| refused.contains(&attempt.out_trade_no));
        let is_there = evidence
            .ledger
            .orders
            .iter()
            .any(|order| order.out_trade_no == attempt.out_trade_no);
        if !was_refused || is_there {
            faults.push(format!("{} counts as refused", attempt.out_trade_no));
        }
    }
    for delivery in rows
        .deliveries
        .iter()
        .filter(|delivery| delivery.state == "failed")
    {
        let sent = rows
            .delivery_attempts
            .iter()
            .filter(|sent| sent.delivery_id == delivery.id);
        let by_hand = sent.clone().any(|sent| sent.trigger_kind != "auto");
        let poisonous = delivery.last_error.as_deref() == Some("quarantined");
        if sent.count() < ATTEMPTS_BY_SCHEDULE && !poisonous && !by_hand {
            faults.push(format!("{} has failed", delivery.id));
        }
    }
    faults
}

/// I15: an order that is closed here cannot be paid at WeChat under any of its numbers.
fn nothing_closed_is_payable(evidence: &Evidence) -> Vec<String> {
    let routes = Routes::of(evidence);
    let open = evidence
        .ledger
        .orders
        .iter()
        .filter(|order| order.trade_state == TradeState::NotPay);
    let payable = open.filter(|order| {
        routes
            .find(&order.out_trade_no)
            .is_some_and(|(ours, _)| ours.state == "closed")
    });
    payable
        .map(|order| format!("{} is closed here and open at WeChat", order.out_trade_no))
        .collect()
}

/// I16: no planted secret stands in the database, nor in what a receiver got.
fn no_secret_in_the_clear(evidence: &Evidence) -> Vec<String> {
    let dump = String::from_utf8_lossy(&evidence.dump);
    let posted: String = evidence
        .posts
        .iter()
        .map(|post| String::from_utf8_lossy(&post.body))
        .collect();
    let found = evidence
        .secrets
        .iter()
        .filter(|(_, secret)| dump.contains(secret.as_str()) || posted.contains(secret.as_str()));
    found.map(|(name, _)| name.clone()).collect()
}

/// I17: every webhook carries an HMAC over its id, its time and its bytes by the secret of its endpoint.
fn every_post_is_signed(evidence: &Evidence) -> Vec<String> {
    let unsigned = evidence.posts.iter().filter(|post| {
        let key = STANDARD
            .decode(post.secret.trim_start_matches("whsec_"))
            .expect("a secret");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key");
        let head = format!(
            "{}.{}.",
            post.header("webhook-id"),
            post.header("webhook-timestamp")
        );
        mac.update(head.as_bytes());
        mac.update(&post.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        post.header("webhook-signature") != expected
    });
    unsigned
        .map(|post| format!("{} is not signed", post.header("webhook-delivery-id")))
        .collect()
}

/// I18: the feed of a tenant in one mode is numbered from 1 without a hole.
fn feed_has_no_hole(evidence: &Evidence) -> Vec<String> {
    let mut feeds: BTreeMap<(&str, &str), Vec<Option<i64>>> = BTreeMap::new();
    for event in &evidence.rows.events {
        let feed = (event.tenant_id.as_str(), event.mode.as_str());
        feeds.entry(feed).or_default().push(event.feed_seq);
    }
    let mut faults = Vec::new();
    for ((tenant, _), mut numbers) in feeds {
        numbers.sort_unstable();
        if !numbers.iter().copied().eq((1..=count(&numbers)).map(Some)) {
            faults.push(format!("the feed of {tenant} has the numbers {numbers:?}"));
        }
    }
    faults
}

/// I18: whoever reads a feed page by page has read every event of it once, in the order of its numbers.
fn no_reader_misses_an_event(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    for (tenant, read) in &evidence.read {
        let mut feed: Vec<(Option<i64>, &str)> = evidence
            .rows
            .events
            .iter()
            .filter(|event| event.tenant_id == *tenant)
            .map(|event| (event.feed_seq, event.id.as_str()))
            .collect();
        feed.sort_unstable();
        let all: Vec<&str> = feed.into_iter().map(|(_, id)| id).collect();
        if *read != all {
            faults.push(format!(
                "{tenant} read {} of {} events, or in another order",
                read.len(),
                all.len()
            ));
        }
    }
    faults
}

/// At most one attempt of an order is open, and none is when the order is over.
fn one_open_attempt(evidence: &Evidence) -> Vec<String> {
    let open = open_attempts(evidence);
    let most = |order: &OrderRow| usize::from(OPEN_ORDER.contains(&order.state.as_str()));
    let many = evidence.rows.orders.iter().filter(|order| {
        let open = open.get(order.id.as_str()).copied().unwrap_or(0);
        open > most(order)
    });
    many.map(|order| format!("{} is {} with open attempts", order.id, order.state))
        .collect()
}

/// How many attempts of each order are open.
fn open_attempts(evidence: &Evidence) -> BTreeMap<&str, usize> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let attempts = evidence.rows.attempts.iter();
    for attempt in attempts.filter(|attempt| OPEN_ATTEMPT.contains(&attempt.state.as_str())) {
        *open.entry(attempt.order_id.as_str()).or_default() += 1;
    }
    open
}

/// Every try to place one number at WeChat sends the same bytes.
fn one_body_per_number(evidence: &Evidence) -> Vec<String> {
    let many = evidence
        .bodies
        .iter()
        .filter(|(_, bodies)| bodies.len() > 1);
    many.map(|(number, bodies)| format!("{number} was placed with {} bodies", bodies.len()))
        .collect()
}

/// I9, looked at right after each claim: the most that one lane had in flight.
pub(super) fn lane_is_full(in_flight: usize) -> Option<String> {
    (in_flight > LANE_CAP).then(|| format!("I9: a lane has {in_flight} in flight"))
}
