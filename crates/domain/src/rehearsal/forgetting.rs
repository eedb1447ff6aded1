//! Finders that forget whose rows were asked for, so that it is seen whether the wall behind them stands alone.

use std::cell::Cell;

thread_local! {
    static FORGOTTEN: Cell<bool> = const { Cell::new(false) };
}

/// Lets statements on this thread forget the tenant that their finder named.
pub fn forget_tenants() {
    FORGOTTEN.set(true);
}

/// Lets statements on this thread name the tenant again.
pub fn remember_tenants() {
    FORGOTTEN.set(false);
}

/// Whether statements on this thread forget the tenant.
pub fn are_tenants_forgotten() -> bool {
    FORGOTTEN.get()
}
