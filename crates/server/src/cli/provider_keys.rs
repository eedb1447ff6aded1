//! `tributary admin …`: the arguments of what is done with the keys of a provider.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A merchant's private key and certificate, as WeChat's console hands them out.
#[derive(Debug, Args)]
pub struct MerchantKeyFiles {
    /// apiclient_key.pem: the private key, PKCS#8 or PKCS#1
    #[arg(long, conflicts_with = "p12_file")]
    pub private_key_file: Option<PathBuf>,
    /// apiclient_cert.pem: its certificate
    #[arg(long, conflicts_with = "p12_file")]
    pub certificate_file: Option<PathBuf>,
    /// Serial of the certificate; may be left out where the certificate is given
    #[arg(long)]
    pub merchant_serial: Option<String>,
    /// apiclient_cert.p12: both in one file
    #[arg(long)]
    pub p12_file: Option<PathBuf>,
    /// Its password; the merchant number when left out, as WeChat sets it
    #[arg(long, requires = "p12_file")]
    pub p12_password_file: Option<PathBuf>,
}

/// Which provider.
#[derive(Debug, Args)]
pub struct OfProvider {
    /// Which one, prv_…
    #[arg(long)]
    pub provider: String,
}

/// What kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKindName {
    /// The merchant's private key and certificate
    MerchantCertificate,
    /// The APIv3 key
    ApiV3Key,
    /// The V2 key
    V2Key,
    /// WeChat's public key
    WechatPublicKey,
}

/// A key to put into a ring. Every `-file` may be `-` for standard input, one of them at a time.
#[derive(Debug, Args)]
pub struct ImportKey {
    /// Whose, prv_…
    #[arg(long)]
    pub provider: String,
    /// What it is
    #[arg(long)]
    pub kind: KeyKindName,
    /// For merchant-certificate
    #[command(flatten)]
    pub merchant: MerchantKeyFiles,
    /// For api-v3-key and v2-key: 32 characters; for wechat-public-key: pub_key.pem
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// For wechat-public-key: its id, PUB_KEY_ID_…
    #[arg(long)]
    pub public_key_id: Option<String>,
}

/// Keys to test.
#[derive(Debug, Args)]
pub struct TestKeys {
    /// Whose, prv_…
    #[arg(long)]
    pub provider: String,
    /// Waits for WeChat's callbacks, so many seconds at most; the server must be running to receive them
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=300))]
    pub wait_seconds: u16,
}

/// A key to bring into use.
#[derive(Debug, Args)]
pub struct ActivateKey {
    /// Which one, pky_…
    #[arg(long)]
    pub key: String,
    /// Who else stands for it; required in live mode
    #[arg(long)]
    pub approved_by: Option<String>,
    /// Activates it without a green self-test, for this reason
    #[arg(long)]
    pub untested_because: Option<String>,
}

/// A key to let go.
#[derive(Debug, Args)]
pub struct RetireKey {
    /// Which one, pky_…
    #[arg(long)]
    pub key: String,
}

/// A key to withdraw.
#[derive(Debug, Args)]
pub struct RevokeKey {
    /// Which one, pky_…
    #[arg(long)]
    pub key: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// A meter to read.
#[derive(Debug, Args)]
pub struct KeyShares {
    /// Whose, prv_…
    #[arg(long)]
    pub provider: String,
    /// Over how many hours, the present one counted as one
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    pub hours: u16,
}
