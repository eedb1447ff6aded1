//! `tributary admin`: the arguments about API keys and certificates.

use std::path::PathBuf;

use clap::Args;

use super::ModeName;

/// What a new credential opens.
#[derive(Debug, Args)]
pub struct Grant {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which world it opens
    #[arg(long)]
    pub mode: ModeName,
    /// What people call it
    #[arg(long)]
    pub name: String,
    /// What it may do, separated by commas; everything when left out
    #[arg(long, value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// When it stops working, RFC 3339
    #[arg(long)]
    pub expires_at: Option<String>,
}

/// A new API key.
#[derive(Debug, Args)]
pub struct CreateApiKey {
    /// What it opens.
    #[command(flatten)]
    pub grant: Grant,
    /// Networks (CIDR) that it may be used from, separated by commas; from everywhere when left out
    #[arg(long, value_delimiter = ',')]
    pub networks: Vec<String>,
}

/// An API key to replace.
#[derive(Debug, Args)]
pub struct RollApiKey {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which one, key_…
    #[arg(long)]
    pub key: String,
    /// How long the old key works on: 0, 1, 24 or 72
    #[arg(long, default_value_t = 24)]
    pub overlap_hours: u32,
}

/// An API key to withdraw.
#[derive(Debug, Args)]
pub struct RevokeApiKey {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which one, key_…
    #[arg(long)]
    pub key: String,
}

/// A certificate to issue; it lasts a year when no end is given.
#[derive(Debug, Args)]
pub struct IssueCertificate {
    /// What it opens.
    #[command(flatten)]
    pub grant: Grant,
    /// The request, PEM; `-` reads standard input
    #[arg(long)]
    pub csr_file: PathBuf,
}

/// A public key to register; it works until it is withdrawn when no end is given.
#[derive(Debug, Args)]
pub struct RegisterPublicKey {
    /// What it opens.
    #[command(flatten)]
    pub grant: Grant,
    /// The RSA public key, PEM; `-` reads standard input
    #[arg(long)]
    pub public_key_file: PathBuf,
}

/// A certificate or a public key to withdraw.
#[derive(Debug, Args)]
pub struct RevokeCertificate {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which one, crt_…
    #[arg(long)]
    pub certificate: String,
}

/// Whose credentials to list.
#[derive(Debug, Args)]
pub struct ListCredentials {
    /// Whose, ten_…
    #[arg(long)]
    pub tenant: String,
}
