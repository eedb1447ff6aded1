//! The command line: what can be asked of the binary. Secrets are read from files or standard input, because a
//! command's arguments are visible to every user of the machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod admin;
mod audit;
pub mod credentials;
mod keys;
mod provider_keys;

pub use admin::{
    AddSubApp, AdminArgs, AdminCommand, CloseDiscrepancy, CreateOwner, CreateProvider,
    CreateSubMerchant, CreateTenant, DecideLatePayment, DecisionName, Discrepancies, ModeName,
    Reconcile, ReconciliationDay, SetLatePolicy, SetTenantState, SubAppKindName, TenantStateName,
};
pub use audit::{AuditArgs, AuditCommand, VerifyAudit};
pub use keys::{DestroyOwner, KeysArgs, KeysCommand, RotateDek};
pub use provider_keys::{
    ActivateKey, ImportKey, KeyKindName, KeyShares, MerchantKeyFiles, OfProvider, RetireKey,
    RevokeKey, TestKeys,
};

/// A platform for WeChat Pay service providers.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the API, takes WeChat's notifications, delivers webhooks
    Serve(ConfigArgs),
    /// Brings the database's schema up to date
    Migrate(ConfigArgs),
    /// Reads the configuration, reports every fault, prints it without secrets
    CheckConfig(ConfigArgs),
    /// Checks database, keys, the way to WeChat and the clock, one line each
    Doctor(ConfigArgs),
    /// Runs a simulated WeChat Pay alone
    Sim(SimArgs),
    /// Runs everything on this machine: platform, simulated WeChat Pay, a demo tenant with a webhook receiver
    Dev(DevArgs),
    /// Prints the OpenAPI document of an API
    Openapi {
        /// Which API
        document: Document,
    },
    /// Creates and lists providers, tenants, sub-merchants and API keys
    Admin(AdminArgs),
    /// Rotates, checks and destroys the keys of the vault, while everything goes on
    Keys(KeysArgs),
    /// Checks the audit log
    Audit(AuditArgs),
}

/// Which OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// The tenants' API.
    Tenant,
    /// The API of the admin UI.
    Admin,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// A TOML file with what differs from the defaults
    #[arg(long, env = "TRIBUTARY_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address and port of the API
    #[arg(long)]
    pub listen: Option<String>,
    /// sqlite://… or postgres://…, without a password: arguments are visible to others
    #[arg(long)]
    pub database_url: Option<String>,
    /// The address under which WeChat reaches this installation
    #[arg(long)]
    pub public_url: Option<String>,
}

impl ConfigArgs {
    /// The flags as settings.
    pub fn settings(&self) -> BTreeMap<String, String> {
        [
            ("listen", &self.listen),
            ("database.url", &self.database_url),
            ("public_url", &self.public_url),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect()
    }
}

/// How to run the simulator.
#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// Address and port
    #[arg(long, env = "TRIBUTARY_SIM_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Address and port of WeChat's backup host; without it there is none
    #[arg(long, env = "TRIBUTARY_SIM_BACKUP_LISTEN")]
    pub backup_listen: Option<SocketAddr>,
    /// A file that keeps everything across restarts
    #[arg(long)]
    pub state_file: Option<PathBuf>,
    /// Decides which faults strike when several could
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How to run everything on this machine.
#[derive(Clone, Debug, Args)]
pub struct DevArgs {
    /// Everything is kept here
    #[arg(long, default_value = "./data/dev")]
    pub data_dir: PathBuf,
    /// Address and port of the API
    #[arg(long, env = "TRIBUTARY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address and port of the simulated WeChat Pay
    #[arg(long, env = "TRIBUTARY_SIM_LISTEN", default_value = "127.0.0.1:8090")]
    pub sim_listen: SocketAddr,
    /// Address and port of its backup host; without it there is none
    #[arg(long, env = "TRIBUTARY_SIM_BACKUP_LISTEN")]
    pub sim_backup_listen: Option<SocketAddr>,
    /// Begin with a demo tenant and nothing else: no orders, refunds, staff and troubles of the last days
    #[arg(long)]
    pub no_demo_data: bool,
    /// Which events are logged
    #[arg(long, env = "TRIBUTARY_LOG_FILTER", default_value = "warn")]
    pub log_filter: String,
}
