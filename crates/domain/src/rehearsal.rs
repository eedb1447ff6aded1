//! What only a rehearsal does to the platform: chance from a seed, commits that fail, rules broken on purpose, ends at
//! a named line. A release build has none of it; every question below is then answered by a constant.

#[cfg(debug_assertions)]
mod chance;
#[cfg(debug_assertions)]
mod commits;
mod crash_points;
#[cfg(debug_assertions)]
mod forgetting;
mod sabotage;

#[cfg(debug_assertions)]
pub use chance::{draw, forget_seed, seed};
#[cfg(debug_assertions)]
pub use commits::{
    CommitFate, Pause, decide_commits, fate_of_commit, leave_commits_alone, pause,
    pause_transactions,
};
#[cfg(debug_assertions)]
pub use crash_points::{CrashPlan, arm};
pub use crash_points::{CrashPoint, crash_point};
#[cfg(debug_assertions)]
pub use forgetting::{are_tenants_forgotten, forget_tenants, remember_tenants};
#[cfg(debug_assertions)]
pub use sabotage::sabotage;
pub use sabotage::{Sabotage, is_broken};

/// Any number: from the seed of a rehearsal if there is one, else by `usual`.
pub fn draw_or(usual: impl FnOnce() -> u64) -> u64 {
    #[cfg(debug_assertions)]
    if let Some(drawn) = chance::draw() {
        return drawn;
    }
    usual()
}

/// How many things may be done at the same time: one, where a seed decides the order of everything.
pub fn width(usual: usize) -> usize {
    #[cfg(debug_assertions)]
    if chance::is_seeded() {
        return 1;
    }
    usual
}
