//! `tributary audit`: what an auditor does on the machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// A command about the audit log and how to show its result.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Prints JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be asked of the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Checks every chain of the log and prints its end; exits with 1 when one does not hold
    Verify(VerifyAudit),
}

/// How to check the log.
#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// What an earlier check printed with --json: the log must still contain it, so nothing was cut off its end
    #[arg(long)]
    pub known: Option<PathBuf>,
}
