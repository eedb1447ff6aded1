//! `tributary admin`: what provider staff do until there is an admin API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ConfigArgs;
use super::credentials::{
    CreateApiKey, IssueCertificate, ListCredentials, RegisterPublicKey, RevokeApiKey,
    RevokeCertificate, RollApiKey,
};
use super::provider_keys::{
    ActivateKey, ImportKey, KeyShares, MerchantKeyFiles, OfProvider, RetireKey, RevokeKey, TestKeys,
};

/// Which world: real money or the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// Real money.
    Live,
    /// A simulator.
    Test,
}

/// An administrative command and how to show its result.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Prints JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What provider staff can do.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Makes an owner of the platform: prints an invitation, or takes a password
    CreateOwner(CreateOwner),
    /// Adds a WeChat Pay service provider with its keys
    CreateProvider(Box<CreateProvider>),
    /// Puts a key into a provider's ring, staged
    ImportKey(Box<ImportKey>),
    /// Lists a provider's keys and its last self-tests
    Keys(OfProvider),
    /// Tests a provider's keys at WeChat: sign, verify, decrypt, callback
    TestKeys(TestKeys),
    /// Brings a tested key into use; the one it replaces retires
    ActivateKey(ActivateKey),
    /// Lets a key go that is of no use any more
    RetireKey(RetireKey),
    /// Withdraws a key at once
    RevokeKey(RevokeKey),
    /// Names WeChat's public key in every request, so that answers are signed with it
    PreferPublicKey(OfProvider),
    /// Takes prefer-public-key back: requests name the platform certificate again
    RollBackPublicKey(OfProvider),
    /// Shows which key signed, verified and decrypted how much of the traffic
    KeyShares(KeyShares),
    /// Adds a tenant
    CreateTenant(CreateTenant),
    /// Activates, suspends or closes a tenant
    SetTenantState(SetTenantState),
    /// Gives a tenant a sub-merchant of a provider
    CreateSubMerchant(CreateSubMerchant),
    /// Binds an app to a sub-merchant, with its AppSecret when it shall log users in
    AddSubApp(AddSubApp),
    /// Makes an API key and prints it, once
    CreateApiKey(CreateApiKey),
    /// Makes the key that takes the place of another, and prints it, once
    RollApiKey(RollApiKey),
    /// Withdraws an API key; it stops working within seconds
    RevokeApiKey(RevokeApiKey),
    /// Issues a certificate for a tenant's request (PKCS#10)
    IssueCertificate(IssueCertificate),
    /// Registers a public key that a tenant signs its requests with
    RegisterPublicKey(RegisterPublicKey),
    /// Withdraws a certificate or a public key; it stops working within seconds
    RevokeCertificate(RevokeCertificate),
    /// Lists a tenant's API keys and certificates, and when they were last used
    ListCredentials(ListCredentials),
    /// Compares a provider's day with WeChat's bill now
    Reconcile(Reconcile),
    /// Lists what differs from WeChat's bills
    Discrepancies(Discrepancies),
    /// Puts a discrepancy away, with a name and a reason
    CloseDiscrepancy(CloseDiscrepancy),
    /// Shows a tenant's day: paid at WeChat, known, told, delivered
    ReconciliationDay(ReconciliationDay),
    /// Lists everything, without secrets
    List,
    /// Sets what becomes of a tenant's money that comes late, twice, or with another amount
    SetLatePolicy(SetLatePolicy),
    /// Lists the late money that waits for a decision
    HeldPayments,
    /// Decides about late money that is held
    DecideLatePayment(DecideLatePayment),
    /// Lists what a person must look at, the newest first
    Alarms,
}

/// What is to become of late money.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DecisionName {
    /// The tenant keeps it
    Accept,
    /// It goes back to the payer
    Refund,
    /// A person decides
    Hold,
}

/// A tenant's policy; what is left out stays at its default.
#[derive(Debug, Args)]
pub struct SetLatePolicy {
    /// Whose, ten_…
    #[arg(long)]
    pub tenant: String,
    /// For a payment after the close
    #[arg(long, default_value = "accept")]
    pub paid_late: DecisionName,
    /// For a second payment of one order
    #[arg(long, default_value = "accept")]
    pub duplicate_paid: DecisionName,
    /// For a payment of another amount
    #[arg(long, default_value = "hold")]
    pub amount_mismatch: DecisionName,
}

/// A decision about held money.
#[derive(Debug, Args)]
pub struct DecideLatePayment {
    /// Whose, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which one, lpm_…
    #[arg(long)]
    pub payment: String,
    /// accept or refund
    #[arg(long)]
    pub decision: DecisionName,
    /// Who decides
    #[arg(long)]
    pub by: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// A new provider. Every `-file` may be `-` for standard input, one of them at a time.
#[derive(Debug, Args)]
pub struct CreateProvider {
    /// What people call it
    #[arg(long)]
    pub name: String,
    /// Its merchant number
    #[arg(long)]
    pub sp_mchid: String,
    /// Its app id
    #[arg(long)]
    pub sp_appid: String,
    /// live moves money at WeChat, test talks to a simulator
    #[arg(long)]
    pub mode: ModeName,
    /// Its private key and certificate
    #[command(flatten)]
    pub merchant: MerchantKeyFiles,
    /// Its APIv3 key, 32 characters
    #[arg(long)]
    pub api_v3_key_file: PathBuf,
    /// Id of WeChat's public key, PUB_KEY_ID_…
    #[arg(long, requires = "public_key_file")]
    pub public_key_id: Option<String>,
    /// WeChat's public key, PEM
    #[arg(long, requires = "public_key_id")]
    pub public_key_file: Option<PathBuf>,
    /// Where calls go; WeChat's own address in live mode
    #[arg(long, required_if_eq("mode", "test"))]
    pub api_url: Option<String>,
    /// Where a call goes a second time
    #[arg(long)]
    pub backup_api_url: Option<String>,
    /// Where logins go; WeChat's own address in live mode, the api-url in test mode
    #[arg(long)]
    pub login_url: Option<String>,
}

/// An owner of the platform. There is no other way to the first one, and no password that is known beforehand.
#[derive(Debug, Args)]
pub struct CreateOwner {
    /// What the person will sign in with
    #[arg(long)]
    pub email: String,
    /// What others call the person; the e-mail address when left out
    #[arg(long)]
    pub name: Option<String>,
    /// The password; `-` reads standard input. Without it an invitation is printed, once
    #[arg(long)]
    pub password_file: Option<PathBuf>,
}

/// A new tenant.
#[derive(Debug, Args)]
pub struct CreateTenant {
    /// What people call it
    #[arg(long)]
    pub name: String,
}

/// Where a tenant is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TenantStateName {
    /// Everything works
    Active,
    /// No new orders; refunds, notifications and webhooks go on
    Suspended,
    /// For good: its keys open nothing any more
    Closed,
}

/// A tenant to be brought into another state.
#[derive(Debug, Args)]
pub struct SetTenantState {
    /// Which one, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Into which state
    #[arg(long)]
    pub state: TenantStateName,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// What kind an app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SubAppKindName {
    /// A mini-program
    MiniProgram,
    /// An official account
    OfficialAccount,
    /// A mobile app
    App,
}

/// A new sub-merchant.
#[derive(Debug, Args)]
pub struct CreateSubMerchant {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Under which provider, prv_…
    #[arg(long)]
    pub provider: String,
    /// Its merchant number
    #[arg(long)]
    pub sub_mchid: String,
    /// What people call it
    #[arg(long)]
    pub name: String,
}

/// An app of a sub-merchant.
#[derive(Debug, Args)]
pub struct AddSubApp {
    /// Whose it is, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which world the sub-merchant lives in
    #[arg(long)]
    pub mode: ModeName,
    /// The sub-merchant's number
    #[arg(long)]
    pub sub_mchid: String,
    /// The app id
    #[arg(long)]
    pub sub_appid: String,
    /// What kind it is
    #[arg(long, default_value = "mini-program")]
    pub kind: SubAppKindName,
    /// The AppSecret; `-` reads standard input
    #[arg(long)]
    pub app_secret_file: Option<PathBuf>,
}

/// A day to compare.
#[derive(Debug, Args)]
pub struct Reconcile {
    /// Whose, prv_…
    #[arg(long)]
    pub provider: String,
    /// Which day in Beijing, such as 2026-01-31
    #[arg(long)]
    pub date: String,
    /// Tries again every half minute until the bill is there
    #[arg(long)]
    pub wait: bool,
}

/// Which discrepancies to list, the oldest first.
#[derive(Debug, Args)]
pub struct Discrepancies {
    /// Only of this provider, prv_…
    #[arg(long)]
    pub provider: Option<String>,
    /// Only of this day
    #[arg(long)]
    pub date: Option<String>,
    /// open, explained, fixed or closed
    #[arg(long)]
    pub state: Option<String>,
    /// Where the page before ended
    #[arg(long)]
    pub cursor: Option<String>,
}

/// A discrepancy that needs nobody any more.
#[derive(Debug, Args)]
pub struct CloseDiscrepancy {
    /// Which one, dsc_…
    #[arg(long)]
    pub discrepancy: String,
    /// Who looked at it
    #[arg(long)]
    pub actor: String,
    /// Why it needs nobody any more
    #[arg(long)]
    pub reason: String,
}

/// A day of a tenant.
#[derive(Debug, Args)]
pub struct ReconciliationDay {
    /// Whose, ten_…
    #[arg(long)]
    pub tenant: String,
    /// Which world
    #[arg(long)]
    pub mode: ModeName,
    /// Which day in Beijing
    #[arg(long)]
    pub date: String,
}
