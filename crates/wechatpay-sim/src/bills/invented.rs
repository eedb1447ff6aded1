//! Rows that nothing in the ledger stands behind: drawn from a seed one by one, so that millions take no memory.

use super::{
    calendar::Day,
    faults::{RowChange, RowKind},
    rows::{RefundPart, TradeRow, fee},
};
use crate::{clock::compact_day, ids::openid_from};

const DAY_MS: u64 = 86_400_000;
const DEAREST_FEN: u64 = 100_000;

/// So many rows out of a seed; the same rows each time.
#[derive(Debug, Clone)]
pub(crate) struct Invented {
    pub(super) day: Day,
    pub(super) seed: u64,
    pub(super) count: u64,
    pub(super) kind: RowKind,
    pub(super) sp_mchid: String,
    pub(super) sp_appid: String,
    /// Whose they may be.
    pub(super) sub_mchids: Vec<String>,
    /// What all of them have in common.
    pub(super) set: RowChange,
}

impl Invented {
    pub(super) fn rows(&self) -> impl Iterator<Item = TradeRow> + '_ {
        let start_ms = self.day.start_ms();
        let compact = compact_day(start_ms);
        (0..self.count).map(move |place| self.row(place, start_ms, &compact))
    }

    fn row(&self, place: u64, start_ms: i64, compact: &str) -> TradeRow {
        let draw = |salt: u64| mix(self.seed ^ mix(place.wrapping_mul(8).wrapping_add(salt)));
        let step_ms = u128::from(place) * u128::from(DAY_MS) / u128::from(self.count.max(1));
        let at_ms = start_ms + i64::try_from(step_ms).unwrap_or_default();
        let fen = i64::try_from(draw(0) % DEAREST_FEN + 1).unwrap_or(1);
        let seed = self.seed % 0x1_0000_0000;
        let sub_merchants = u64::try_from(self.sub_mchids.len().max(1)).unwrap_or(1);
        let whose = usize::try_from(draw(1) % sub_merchants).unwrap_or_default();
        let sub_mchid = self.sub_mchids.get(whose).cloned();
        let refund = (self.kind == RowKind::Refund).then(|| RefundPart {
            applied_ms: at_ms,
            succeeded_ms: Some(at_ms),
            refund_id: format!("5030{:07}{compact}{place:010}", draw(3) % 10_000_000),
            out_refund_no: refund_number(seed, place),
            amount: fen,
            channel: "ORIGINAL".to_owned(),
            state: "SUCCESS".to_owned(),
        });
        let mut row = TradeRow {
            at_ms,
            sp_appid: self.sp_appid.clone(),
            sp_mchid: self.sp_mchid.clone(),
            sub_mchid: sub_mchid.unwrap_or_else(|| "1900000000".to_owned()),
            device_id: String::new(),
            transaction_id: format!("4200{:06}{compact}{place:010}", draw(4) % 1_000_000),
            out_trade_no: payment_number(seed, place),
            openid: openid_from(&[draw(5), draw(6), draw(7)]),
            trade_state: if refund.is_some() {
                "REFUND"
            } else {
                "SUCCESS"
            }
            .to_owned(),
            bank_type: "OTHERS".to_owned(),
            amount_total: if refund.is_some() { 0 } else { fen },
            fee: if refund.is_some() {
                -fee(fen)
            } else {
                fee(fen)
            },
            refund,
            description: "invented".to_owned(),
            attach: String::new(),
        };
        self.set.apply(&mut row);
        row
    }
}

/// The number of an invented order.
pub(super) fn payment_number(seed: u64, place: u64) -> String {
    format!("X{seed:08X}{place:012}")
}

/// The number of an invented refund.
pub(super) fn refund_number(seed: u64, place: u64) -> String {
    format!("XR{seed:08X}{place:012}")
}

/// The finish of SplitMix64.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
