//! One delivery of one notification: what is sent, what came back, what the schedule says next.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;

use super::{Letter, RETRY_STEPS_MS, message};
use crate::{
    core::{Core, Post},
    faults::{Asked, AskedKind, Fault, FaultKind, Host},
    ledger::{Attempt, AttemptKind, NotificationIndex, NotificationState},
    providers::Provider,
};

/// What a delivery needs, taken out of the ledger so that nothing waits for its lock.
pub(super) struct Plan {
    pub(super) provider: Arc<Provider>,
    pub(super) notify_url: String,
    pub(super) contents: message::Contents,
    out_trade_no: Option<String>,
    out_refund_no: Option<String>,
    deferred: bool,
    /// While pending; the schedule may still hold a time that is no longer true.
    next_attempt_ms: Option<i64>,
}

impl Plan {
    fn is_due(&self, core: &Core) -> bool {
        self.next_attempt_ms
            .is_some_and(|due_ms| due_ms <= core.clock.business_ms())
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            path: &self.notify_url,
            host: Host::Main,
            kind: AskedKind::Delivery,
            out_trade_no: self.out_trade_no.clone(),
            out_refund_no: self.out_refund_no.clone(),
            age_ms: None,
        }
    }
}

/// An answer's beginning is kept, enough to tell what the receiver thought.
const ANSWER_BYTES: usize = 256;
/// More of an answer is not read.
const ANSWER_LIMIT_BYTES: usize = 65_536;
const REORDERED_WAIT_MS: u64 = 5_000;
const LATE_WAIT_MS: u64 = 60_000;
const COPIES: u32 = 2;
const MOST_COPIES: u32 = 100;

/// Delivers what the schedule took out, unless a fault puts it off.
pub(super) async fn deliver(core: &Core, index: NotificationIndex) {
    let Some(plan) = plan(core, index).filter(|plan| plan.is_due(core)) else {
        return;
    };
    let fault = core.faults().draw(&plan.asked());
    if put_off(core, index, &plan, fault.as_ref()) {
        return;
    }
    let attempts = attempt(core, &plan, fault.as_ref()).await;
    finish(core, index, attempts);
    for held in core.schedule.release() {
        bring_forward(core, held);
    }
}

/// Delivers once more without faults and without touching the schedule.
pub(super) async fn deliver_again(core: &Core, index: NotificationIndex) {
    let Some(plan) = plan(core, index) else {
        return;
    };
    let attempt = send(core, &plan, AttemptKind::Genuine).await;
    core.ledger().update_notification(index, |notification| {
        if acknowledges(&attempt) {
            notification.state = NotificationState::Acknowledged;
            notification.next_attempt_ms = None;
        }
        notification.attempts.push(attempt);
    });
}

fn plan(core: &Core, index: NotificationIndex) -> Option<Plan> {
    let ledger = core.ledger();
    let notification = ledger.notification(index)?;
    Some(Plan {
        provider: ledger.provider(&notification.sp_mchid)?,
        notify_url: notification.notify_url.clone(),
        contents: message::Contents::of(&ledger, notification)?,
        out_trade_no: notification.subject.out_trade_no().map(str::to_owned),
        out_refund_no: notification.subject.out_refund_no().map(str::to_owned),
        deferred: notification.deferred,
        next_attempt_ms: notification.next_attempt_ms,
    })
}

/// Late and reordered notifications go back on the schedule, once.
fn put_off(core: &Core, index: NotificationIndex, plan: &Plan, fault: Option<&Fault>) -> bool {
    if plan.deferred {
        return false;
    }
    let wait_ms = match fault {
        Some(Fault {
            kind: FaultKind::NotificationLate,
            delay_ms,
            ..
        }) => delay_ms.unwrap_or(LATE_WAIT_MS),
        Some(Fault {
            kind: FaultKind::NotificationReordered,
            delay_ms,
            ..
        }) => {
            core.schedule.hold_back(index);
            delay_ms.unwrap_or(REORDERED_WAIT_MS)
        }
        _ => return false,
    };
    let wait_ms = i64::try_from(wait_ms).unwrap_or(i64::MAX);
    let due_ms = core.clock.business_ms().saturating_add(wait_ms);
    core.ledger().update_notification(index, |notification| {
        notification.deferred = true;
        notification.next_attempt_ms = Some(due_ms);
    });
    core.schedule.add(due_ms, index);
    true
}

/// A notification that was kept back may go: another has overtaken it.
fn bring_forward(core: &Core, index: NotificationIndex) {
    let now_ms = core.clock.business_ms();
    let mut waits = false;
    core.ledger().update_notification(index, |notification| {
        waits = notification.deliveries == 0 && notification.next_attempt_ms > Some(now_ms);
        if waits {
            notification.next_attempt_ms = Some(now_ms);
        }
    });
    if waits {
        core.schedule.add(now_ms, index);
    }
}

async fn attempt(core: &Core, plan: &Plan, fault: Option<&Fault>) -> Vec<Attempt> {
    let genuine = AttemptKind::Genuine;
    match fault.map(|fault| fault.kind) {
        Some(FaultKind::NotificationWithheld) => vec![withheld(core)],
        Some(FaultKind::NotificationDuplicated) => {
            let copies = fault
                .and_then(|fault| fault.copies)
                .unwrap_or(COPIES)
                .min(MOST_COPIES);
            let kinds = (0..copies.max(1)).map(|copy| {
                if copy == 0 {
                    genuine
                } else {
                    AttemptKind::Duplicate
                }
            });
            let sending = kinds.map(|kind| send(core, plan, kind));
            if matches!(core.post, Post::Local(_)) {
                // One after another, so that a simulation is the same each time.
                futures::stream::iter(sending)
                    .then(|sent| sent)
                    .collect()
                    .await
            } else {
                join_all(sending).await
            }
        }
        Some(FaultKind::NotificationForged) => {
            let forged = send(core, plan, AttemptKind::Forged).await;
            vec![forged, send(core, plan, genuine).await]
        }
        Some(FaultKind::NotificationProbe) => {
            let probe = send(core, plan, AttemptKind::Probe).await;
            vec![probe, send(core, plan, genuine).await]
        }
        Some(FaultKind::NotificationWrongSignature) => {
            vec![send(core, plan, AttemptKind::WronglySigned).await]
        }
        Some(FaultKind::NotificationUnknownSerial) => {
            vec![send(core, plan, AttemptKind::UnknownSerial).await]
        }
        _ => vec![send(core, plan, genuine).await],
    }
}

fn withheld(core: &Core) -> Attempt {
    Attempt {
        kind: AttemptKind::Withheld,
        at_ms: core.clock.business_ms(),
        serial: None,
        http_status: None,
        answer: None,
        error: Some("lost on the way".to_owned()),
    }
}

async fn send(core: &Core, plan: &Plan, kind: AttemptKind) -> Attempt {
    let at_ms = core.clock.business_ms();
    let mut attempt = Attempt {
        kind,
        at_ms,
        serial: None,
        http_status: None,
        answer: None,
        error: None,
    };
    let message = match message::write(core, plan, kind).await {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(%error, "a notification could not be written");
            attempt.error = Some("the notification could not be written".to_owned());
            return attempt;
        }
    };
    attempt.serial = Some(message.serial);
    let letter = Letter {
        kind,
        notify_url: plan.notify_url.clone(),
        headers: message.headers,
        body: message.body,
    };
    let answered = match &core.post {
        Post::Network(http) => answer(request(http, letter)).await,
        Post::Local(postman) => postman(letter).await.map(|status| (status, String::new())),
    };
    match answered {
        Ok((status, text)) => {
            attempt.http_status = Some(status);
            attempt.answer = (!text.is_empty()).then_some(text);
        }
        Err(error) => attempt.error = Some(error),
    }
    attempt
}

fn request(http: &reqwest::Client, letter: Letter) -> reqwest::RequestBuilder {
    let mut request = http
        .post(&letter.notify_url)
        .header("Content-Type", "application/json")
        .header("Accept", "*/*")
        .body(letter.body);
    for (name, value) in letter.headers {
        request = request.header(name, value);
    }
    request
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, String), String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let mut response = request.send().await.map_err(told)?;
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_LIMIT_BYTES {
            break;
        }
    }
    bytes.truncate(ANSWER_BYTES);
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Only the true message can be acknowledged; a 2xx to a forgery or a probe is the receiver's fault, and stays visible.
fn acknowledges(attempt: &Attempt) -> bool {
    let true_message = matches!(
        attempt.kind,
        AttemptKind::Genuine
            | AttemptKind::Duplicate
            | AttemptKind::WronglySigned
            | AttemptKind::UnknownSerial
    );
    true_message && matches!(attempt.http_status, Some(200 | 204))
}

/// Writes down the attempts and what the schedule says next.
fn finish(core: &Core, index: NotificationIndex, attempts: Vec<Attempt>) {
    let now_ms = core.clock.business_ms();
    let acknowledged = attempts.iter().any(acknowledges);
    let mut next_ms = None;
    core.ledger().update_notification(index, |notification| {
        let step = usize::try_from(notification.deliveries).unwrap_or(usize::MAX);
        notification.deliveries += 1;
        notification.attempts.extend(attempts);
        let already = notification.state == NotificationState::Acknowledged;
        next_ms = RETRY_STEPS_MS
            .get(step)
            .filter(|_| !acknowledged && !already)
            .map(|step_ms| now_ms.saturating_add(*step_ms));
        notification.next_attempt_ms = next_ms;
        notification.state = match next_ms {
            Some(_) => NotificationState::Pending,
            None if acknowledged || already => NotificationState::Acknowledged,
            None => NotificationState::Exhausted,
        };
    });
    if let Some(due_ms) = next_ms {
        core.schedule.add(due_ms, index);
    }
}
