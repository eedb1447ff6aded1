//! No memory of this process goes to a disk: keys are in it.

use anyhow::Context;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Turns core dumps off for the rest of the process's life.
pub(crate) fn turn_off() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("turning core dumps off")?;
    // A program that the kernel hands dumps to need not heed the limit; this the kernel heeds itself.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("turning core dumps off")?;
    Ok(())
}
