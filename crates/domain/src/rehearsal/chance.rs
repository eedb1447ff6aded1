//! Chance from a seed: the same seed on the same thread draws the same numbers.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Lets this thread draw from a seed from now on.
pub fn seed(seed: u64) {
    STATE.set(Some(seed));
}

/// Lets this thread draw from the system again.
pub fn forget_seed() {
    STATE.set(None);
}

pub(super) fn is_seeded() -> bool {
    STATE.get().is_some()
}

/// The next number, where this thread has a seed (splitmix64).
pub fn draw() -> Option<u64> {
    let state = STATE.get()?.wrapping_add(0x9E37_79B9_7F4A_7C15);
    STATE.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    Some(mixed ^ (mixed >> 31))
}
