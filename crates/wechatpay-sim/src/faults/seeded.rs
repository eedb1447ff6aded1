//! Faults drawn from a seed. Whatever is drawn, a caller that repeats and asks gets every order and refund to its end.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Asked, AskedKind, Fault, FaultKind};

/// Faults drawn from a seed: the same seed and the same calls fail in the same way, in whatever order they arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededFaults {
    /// Where the draws begin.
    pub seed: u64,
    /// Of 100 requests or deliveries, so many fail.
    pub rate_percent: u32,
    /// The kinds to draw from; absent means all.
    #[serde(default)]
    pub kinds: Vec<FaultKind>,
    /// Upper bound of the waits, drawn as well.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

/// Kinds drawn when a seed names none.
const MIXTURE: &[FaultKind] = &[
    FaultKind::LostAnswer,
    FaultKind::Delay,
    FaultKind::ServerError,
    FaultKind::FrequencyLimited,
    FaultKind::NotEnough,
    FaultKind::Refuse,
    FaultKind::Accepted,
    FaultKind::UnsignedAnswer,
    FaultKind::WrongSignature,
    FaultKind::UnknownSerial,
    FaultKind::ProbeAnswer,
    FaultKind::HalfAnswer,
    FaultKind::Garbled,
    FaultKind::NotFound,
    FaultKind::HostDown,
    FaultKind::NotificationWithheld,
    FaultKind::NotificationDuplicated,
    FaultKind::NotificationReordered,
    FaultKind::NotificationLate,
    FaultKind::NotificationForged,
    FaultKind::NotificationWrongSignature,
    FaultKind::NotificationUnknownSerial,
    FaultKind::NotificationProbe,
];

/// What a drawn `refuse` says: refusals under older spellings that all mean "again, later".
const PASSING_REFUSALS: [(u16, &str, &str); 4] = [
    (429, "RATELIMIT_EXCEEDED", "请求频率超限"),
    (500, "SYSTEMERROR", "系统错误"),
    (500, "BANK_ERROR", "银行系统异常"),
    (502, "SERVICE_UNAVAILABLE", "服务暂不可用"),
];

/// The upper bound of seeded waits when none is named.
const SEEDED_DELAY_MS: u64 = 200;

/// A drawn `not_found` denies what is younger than this.
const SEEDED_WITHIN_MS: i64 = 5_000;

/// A seed, and how often each request or delivery came by, so that a repetition draws anew.
pub(super) struct Draws {
    seeded: SeededFaults,
    occurrences: HashMap<u64, u64>,
}

impl Draws {
    pub(super) fn new(seeded: SeededFaults) -> Self {
        Self {
            seeded,
            occurrences: HashMap::new(),
        }
    }

    pub(super) fn seeded(&self) -> &SeededFaults {
        &self.seeded
    }

    pub(super) fn draw(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        let key = key(self.seeded.seed, asked);
        let occurrence = self.occurrences.entry(key).or_default();
        *occurrence += 1;
        let draw = hash(key, &[&occurrence.to_string()]);
        if draw % 100 >= u64::from(self.seeded.rate_percent) {
            return None;
        }
        let fault = self.fault(self.kind(draw, asked)?, draw, asked);
        fault.can_happen(asked).then_some(fault)
    }

    fn kind(&self, draw: u64, asked: &Asked<'_>) -> Option<FaultKind> {
        let kinds = match self.seeded.kinds.as_slice() {
            [] => MIXTURE,
            named => named,
        };
        // By what the call is, never by when it comes, so that a seed repeats itself.
        let fits = |kind: &FaultKind| {
            kind.concerns_notifications() == (asked.kind == AskedKind::Delivery)
                && match kind {
                    FaultKind::NotEnough => asked.kind == AskedKind::Refund,
                    // To deny a payment that is to be refunded would end the refund, not delay it.
                    FaultKind::NotFound => asked.kind == AskedKind::Query,
                    _ => true,
                }
        };
        let fitting: Vec<FaultKind> = kinds.iter().copied().filter(fits).collect();
        let choice = usize::try_from((draw >> 8) % 1024).unwrap_or_default();
        fitting.get(choice.checked_rem(fitting.len())?).copied()
    }

    fn fault(&self, kind: FaultKind, draw: u64, asked: &Asked<'_>) -> Fault {
        let longest_ms = self.seeded.delay_ms.unwrap_or(SEEDED_DELAY_MS).max(1);
        let mut fault = Fault::of(kind).delayed_by((draw >> 20) % longest_ms);
        fault.after_applying = kind == FaultKind::ServerError && (draw >> 40).is_multiple_of(2);
        fault.host = asked.host;
        match kind {
            FaultKind::NotFound => fault.within_ms = Some(SEEDED_WITHIN_MS),
            FaultKind::Refuse => {
                let choice = usize::try_from((draw >> 44) % 4).unwrap_or_default();
                if let Some((status, code, message)) = PASSING_REFUSALS.get(choice) {
                    fault.status = Some(*status);
                    fault.code = Some((*code).to_owned());
                    fault.message = Some((*message).to_owned());
                }
            }
            _ => {}
        }
        fault
    }
}

/// Names a request by what it is about, so that its draws do not depend on what came before it.
fn key(seed: u64, asked: &Asked<'_>) -> u64 {
    let side = match asked.kind {
        AskedKind::Delivery => "n",
        _ => "a",
    };
    let order = asked.out_trade_no.as_deref().unwrap_or("");
    let mut parts = vec![side, asked.path, order];
    parts.extend(asked.out_refund_no.as_deref());
    hash(seed, &parts)
}

/// FNV-1a with a finishing mix: small, stable across versions, and spread enough for draws.
fn hash(seed: u64, parts: &[&str]) -> u64 {
    let mut state = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::*;

    fn drawn(seeded: &SeededFaults, numbers: impl Iterator<Item = u32>) -> Vec<Option<FaultKind>> {
        let mut draws = Draws::new(seeded.clone());
        let mut drawn: Vec<_> = numbers
            .map(|number| {
                let asked = Asked {
                    path: "/p",
                    host: Host::Main,
                    kind: AskedKind::Other,
                    out_trade_no: Some(number.to_string()),
                    out_refund_no: None,
                    age_ms: None,
                };
                (number, draws.draw(&asked).map(|fault| fault.kind))
            })
            .collect();
        drawn.sort_by_key(|(number, _)| *number);
        drawn.into_iter().map(|(_, kind)| kind).collect()
    }

    fn seeded(kinds: Vec<FaultKind>) -> SeededFaults {
        SeededFaults {
            seed: 7,
            rate_percent: 30,
            kinds,
            delay_ms: None,
        }
    }

    #[test]
    fn a_seed_draws_the_same_faults_in_any_order_of_calls() {
        let forwards = drawn(&seeded(vec![]), 0..200);
        assert_eq!(forwards, drawn(&seeded(vec![]), (0..200).rev()));
        let failing = forwards.iter().flatten().count();
        assert!(
            (30..90).contains(&failing),
            "{failing} of 200 at 30 percent"
        );
    }

    #[test]
    fn money_is_short_for_refunds_alone() {
        let faults = drawn(&seeded(vec![FaultKind::NotEnough]), 0..200);
        assert!(faults.iter().all(Option::is_none));
    }
}
