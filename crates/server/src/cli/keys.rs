//! `tributary keys`: what an operator does with the keys of the vault.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// A command about keys and how to show its result.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Prints JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What an operator can do with keys. All may be repeated, and go on where they were interrupted.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Wraps every data key again, under the key-encryption key of this configuration
    RotateKek,
    /// Makes new data keys and seals every secret again under them
    RotateDek(RotateDek),
    /// Opens every key and everything that is sealed; exit code 1 names what does not open
    Verify,
    /// Destroys every data key of a tenant or provider: its secrets are lost for good
    DestroyOwner(DestroyOwner),
}

/// Whose data keys to replace.
#[derive(Debug, Args)]
pub struct RotateDek {
    /// Only this owner's, ten_… or prv_…; of all others, those that are older than an hour
    #[arg(long)]
    pub owner: Option<String>,
    /// Seals the content of stored bills again too, which otherwise keeps its key until it is deleted
    #[arg(long)]
    pub bills: bool,
}

/// Whose data keys to destroy.
#[derive(Debug, Args)]
pub struct DestroyOwner {
    /// Whose, ten_… or prv_…
    #[arg(long)]
    pub owner: String,
    /// The same id once more
    #[arg(long)]
    pub confirm: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}
