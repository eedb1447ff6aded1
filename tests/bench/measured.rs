//! What a list of durations comes to.

use anyhow::{Context as _, Result};

/// Half of them are at most the first; all but one in a hundred are at most the second.
pub(crate) fn percentiles(mut all: Vec<f64>) -> Result<(f64, f64)> {
    all.sort_by(f64::total_cmp);
    Ok((percentile(&all, 50)?, percentile(&all, 99)?))
}

fn percentile(sorted: &[f64], percent: usize) -> Result<f64> {
    let place = sorted.len().saturating_mul(percent) / 100;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .context("nothing was measured")
}
