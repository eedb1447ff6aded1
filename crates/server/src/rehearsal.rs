//! Debug builds only: lets a test end the process at a named line.

use anyhow::Context;
use tributary_domain::rehearsal;

/// `TRIBUTARY_TEST_CRASH_AT=Name` or `Name:passage`.
const VARIABLE: &str = "TRIBUTARY_TEST_CRASH_AT";

/// Arms the line that the environment names, if it names one.
pub(crate) fn arm() -> anyhow::Result<()> {
    if let Some(text) = std::env::var_os(VARIABLE) {
        let text = text.to_string_lossy();
        rehearsal::arm(text.parse().with_context(|| format!("{VARIABLE}={text}"))?);
    }
    Ok(())
}
