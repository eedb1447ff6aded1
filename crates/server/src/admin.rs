//! `tributary admin`: turns arguments into operations, and results into lines or JSON.

mod credentials;
mod owners;
mod provider_keys;
mod reconciliation;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tributary_domain::ids::{LatePaymentId, ProviderId, TenantId};
use tributary_domain::late_payment::{LateDecision, LatePayment, LatePolicy};
use tributary_domain::merchant::{AppId, Mchid, Provider, SubAppKind, SubMerchant};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, TenantState};
use tributary_operations::alarms::Alarm;
use tributary_operations::late_payments::Ruling;
use tributary_operations::providers::NewProvider;
use tributary_operations::{OperationError, Operations};
use zeroize::Zeroizing;

use crate::cli::{
    AddSubApp, AdminCommand, CreateProvider, CreateSubMerchant, DecideLatePayment, DecisionName,
    ModeName, SetLatePolicy, SetTenantState, SubAppKindName, TenantStateName,
};

/// Larger than any key file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

impl From<DecisionName> for LateDecision {
    fn from(name: DecisionName) -> Self {
        match name {
            DecisionName::Accept => Self::Accept,
            DecisionName::Refund => Self::Refund,
            DecisionName::Hold => Self::Hold,
        }
    }
}

impl From<SubAppKindName> for SubAppKind {
    fn from(name: SubAppKindName) -> Self {
        match name {
            SubAppKindName::MiniProgram => Self::MiniProgram,
            SubAppKindName::OfficialAccount => Self::OfficialAccount,
            SubAppKindName::App => Self::App,
        }
    }
}

impl From<TenantStateName> for TenantState {
    fn from(name: TenantStateName) -> Self {
        match name {
            TenantStateName::Active => Self::Active,
            TenantStateName::Suspended => Self::Suspended,
            TenantStateName::Closed => Self::Closed,
        }
    }
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Live => Self::Live,
            ModeName::Test => Self::Test,
        }
    }
}

/// Runs one command and answers what to show.
pub async fn run(operations: &Operations, command: AdminCommand) -> anyhow::Result<Value> {
    carry_out(operations, &operator(), command)
        .await
        .map_err(explain)
}

/// Whoever has the command line, by the name that the machine knows.
pub(crate) fn operator() -> Actor {
    #[expect(
        clippy::disallowed_methods,
        reason = "the name of the user is no setting"
    )]
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    Actor::operator(user.as_deref().unwrap_or("unknown"))
}

/// Names the faulty fields, which the error keeps apart from its text.
pub(crate) fn explain(error: anyhow::Error) -> anyhow::Error {
    let Some(OperationError::Invalid(faults)) = error.downcast_ref() else {
        return error;
    };
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.field.trim_start_matches('/'), fault.reason))
        .collect();
    anyhow::anyhow!("{}", faults.join("; "))
}

async fn carry_out(
    operations: &Operations,
    by: &Actor,
    command: AdminCommand,
) -> anyhow::Result<Value> {
    match command {
        AdminCommand::CreateProvider(args) => create_provider(operations, by, *args).await,
        AdminCommand::ImportKey(args) => provider_keys::import(operations, by, *args).await,
        AdminCommand::Keys(args) => provider_keys::list(operations, by, args).await,
        AdminCommand::TestKeys(args) => provider_keys::test(operations, by, args).await,
        AdminCommand::ActivateKey(args) => provider_keys::activate(operations, by, args).await,
        AdminCommand::RetireKey(args) => provider_keys::retire(operations, by, args).await,
        AdminCommand::RevokeKey(args) => provider_keys::revoke(operations, by, args).await,
        AdminCommand::PreferPublicKey(args) => {
            provider_keys::prefer_public_key(operations, by, args).await
        }
        AdminCommand::RollBackPublicKey(args) => {
            provider_keys::roll_back(operations, by, args).await
        }
        AdminCommand::KeyShares(args) => provider_keys::shares(operations, by, args).await,
        AdminCommand::CreateOwner(args) => owners::create(operations, by, args).await,
        AdminCommand::CreateTenant(args) => {
            let tenant = operations.create_tenant(by, args.name.as_str()).await?;
            Ok(json!({"tenant_id": tenant.id, "name": tenant.name}))
        }
        AdminCommand::CreateSubMerchant(args) => create_sub_merchant(operations, by, args).await,
        AdminCommand::SetTenantState(args) => set_tenant_state(operations, by, args).await,
        AdminCommand::AddSubApp(args) => add_sub_app(operations, by, args).await,
        AdminCommand::CreateApiKey(args) => credentials::create_key(operations, by, args).await,
        AdminCommand::RollApiKey(args) => credentials::roll_key(operations, by, args).await,
        AdminCommand::RevokeApiKey(args) => credentials::revoke_key(operations, by, args).await,
        AdminCommand::IssueCertificate(args) => credentials::issue(operations, by, args).await,
        AdminCommand::RegisterPublicKey(args) => credentials::register(operations, by, args).await,
        AdminCommand::RevokeCertificate(args) => credentials::revoke(operations, by, args).await,
        AdminCommand::ListCredentials(args) => credentials::list(operations, by, args).await,
        AdminCommand::Reconcile(args) => reconciliation::reconcile(operations, args).await,
        AdminCommand::Discrepancies(args) => reconciliation::discrepancies(operations, args).await,
        AdminCommand::CloseDiscrepancy(args) => reconciliation::close(operations, by, args).await,
        AdminCommand::ReconciliationDay(args) => reconciliation::day(operations, args).await,
        AdminCommand::List => list(operations).await,
        AdminCommand::SetLatePolicy(args) => set_late_policy(operations, by, args).await,
        AdminCommand::HeldPayments => {
            let held = operations.held_payments(None).await?;
            let shown: Vec<Value> = held.items.iter().map(late_payment_json).collect();
            Ok(json!({ "held_payments": shown, "more": held.next_cursor.is_some() }))
        }
        AdminCommand::DecideLatePayment(args) => decide_late_payment(operations, by, args).await,
        AdminCommand::Alarms => {
            let alarms = operations.alarms().await?;
            Ok(json!({ "alarms": alarms.iter().map(alarm_json).collect::<Vec<_>>() }))
        }
    }
}

/// Shows a result to a person: one `key: value` a line, lists indented.
pub fn render(result: &Value) -> String {
    let mut lines = Vec::new();
    render_into(result, 0, &mut lines);
    lines.join("\n")
}

fn render_into(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let Value::Object(members) = value else {
        return;
    };
    let indent = "  ".repeat(depth);
    for (name, member) in members {
        match member {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lines.push(format!("{indent}{name}:"));
                for item in items {
                    render_into(item, depth + 1, lines);
                    lines.push(String::new());
                }
            }
            Value::String(text) => lines.push(format!("{indent}{name}: {text}")),
            other => lines.push(format!("{indent}{name}: {other}")),
        }
    }
}

async fn create_provider(
    operations: &Operations,
    by: &Actor,
    args: CreateProvider,
) -> anyhow::Result<Value> {
    let sp_mchid = Mchid::parse(&args.sp_mchid).context("sp-mchid")?;
    let public_key = match (args.public_key_id, &args.public_key_file) {
        (Some(id), Some(file)) => Some((id, read_secret(file)?.to_string())),
        _ => None,
    };
    let new = NewProvider {
        name: args.name,
        merchant: provider_keys::merchant_files(&args.merchant, &sp_mchid)?,
        sp_mchid,
        sp_appid: AppId::parse(&args.sp_appid).context("sp-appid")?,
        mode: args.mode.into(),
        login_url: args.login_url.or_else(|| args.api_url.clone()),
        api_url: args.api_url,
        backup_api_url: args.backup_api_url,
        api_v3_key: read_line(&args.api_v3_key_file)?,
        public_key,
    };
    let provider = operations.create_provider(by, new).await?;
    Ok(provider_json(&provider))
}

async fn set_tenant_state(
    operations: &Operations,
    by: &Actor,
    args: SetTenantState,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let changed = operations
        .set_tenant_state(by, &tenant, args.state.into(), &args.reason)
        .await?;
    Ok(json!({"tenant_id": changed.id, "name": changed.name, "state": changed.state}))
}

async fn create_sub_merchant(
    operations: &Operations,
    by: &Actor,
    args: CreateSubMerchant,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let provider: ProviderId = args.provider.parse().context("provider")?;
    let sub_mchid = Mchid::parse(&args.sub_mchid).context("sub-mchid")?;
    let merchant = operations
        .create_sub_merchant(by, &tenant, &provider, &sub_mchid, &args.name)
        .await?;
    Ok(merchant_json(&merchant))
}

async fn add_sub_app(
    operations: &Operations,
    by: &Actor,
    args: AddSubApp,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let appid = AppId::parse(&args.sub_appid).context("sub-appid")?;
    let mode = Mode::from(args.mode);
    let merchants = operations.list_sub_merchants(&tenant).await?;
    let merchant = merchants
        .iter()
        .find(|one| one.mode == mode && one.sub_mchid.as_str() == args.sub_mchid)
        .with_context(|| format!("the tenant has no sub-merchant {} there", args.sub_mchid))?;
    let secret = args.app_secret_file.as_deref().map(read_line).transpose()?;
    let app = operations
        .add_sub_app(
            by,
            merchant,
            &appid,
            args.kind.into(),
            secret.as_ref().map(|secret| secret.as_str()),
        )
        .await?;
    Ok(json!({
        "sub_app_id": app.id,
        "sub_mchid": merchant.sub_mchid,
        "sub_appid": app.appid,
        "has_secret": app.has_secret,
    }))
}

async fn list(operations: &Operations) -> anyhow::Result<Value> {
    let providers = operations.list_providers().await?;
    let mut tenants = Vec::new();
    for tenant in operations.list_tenants().await? {
        let merchants = operations.list_sub_merchants(&tenant.id).await?;
        tenants.push(json!({
            "tenant_id": tenant.id,
            "name": tenant.name,
            "sub_merchants": merchants.iter().map(merchant_json).collect::<Vec<_>>(),
        }));
    }
    Ok(json!({
        "providers": providers.iter().map(provider_json).collect::<Vec<_>>(),
        "tenants": tenants,
    }))
}

async fn set_late_policy(
    operations: &Operations,
    by: &Actor,
    args: SetLatePolicy,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let policy = LatePolicy {
        paid_late: args.paid_late.into(),
        duplicate_paid: args.duplicate_paid.into(),
        amount_mismatch: args.amount_mismatch.into(),
    };
    operations.set_late_policy(by, &tenant, policy).await?;
    Ok(json!({ "tenant_id": tenant, "late_policy": policy }))
}

async fn decide_late_payment(
    operations: &Operations,
    by: &Actor,
    args: DecideLatePayment,
) -> anyhow::Result<Value> {
    let tenant: TenantId = args.tenant.parse().context("tenant")?;
    let payment: LatePaymentId = args.payment.parse().context("payment")?;
    let ruling = Ruling {
        decision: args.decision.into(),
        decided_by: args.by,
        reason: args.reason,
    };
    let decided = operations
        .decide_late_payment(by, &tenant, &payment, &ruling)
        .await?;
    Ok(late_payment_json(&decided))
}

fn late_payment_json(late: &LatePayment) -> Value {
    json!({
        "late_payment_id": late.id,
        "tenant_id": late.tenant_id,
        "mode": late.mode,
        "order_id": late.order_id,
        "kind": late.kind,
        "state": late.state,
        "transaction_id": late.transaction_id,
        "total_fen": late.total,
        "success_time": late.success_time.to_rfc3339(),
        "decided_by": late.decided_by,
        "reason": late.reason,
        "refund_id": late.refund_id,
    })
}

fn alarm_json(alarm: &Alarm) -> Value {
    json!({
        "alarm_id": alarm.id,
        "raised_at": alarm.raised_at.to_rfc3339(),
        "kind": alarm.kind,
        "tenant_id": alarm.tenant_id,
        "provider_id": alarm.provider_id,
        "order_id": alarm.order_id,
        "detail": alarm.detail,
    })
}

fn provider_json(provider: &Provider) -> Value {
    json!({
        "provider_id": provider.id,
        "name": provider.name,
        "mode": provider.mode,
        "sp_mchid": provider.sp_mchid,
        "sp_appid": provider.sp_appid,
        "api_url": provider.api_url,
        "notify_path": format!("/wechat/notify/{}/", provider.route_token),
    })
}

fn merchant_json(merchant: &SubMerchant) -> Value {
    json!({
        "sub_merchant_id": merchant.id,
        "tenant_id": merchant.tenant_id,
        "provider_id": merchant.provider_id,
        "mode": merchant.mode,
        "sub_mchid": merchant.sub_mchid,
        "name": merchant.name,
    })
}

/// Reads a secret from a file, or from standard input when the name is `-`.
fn read_bytes(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if path.as_os_str() == "-" {
        std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
    } else {
        let file =
            std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)
    };
    read.with_context(|| format!("reading {}", path.display()))?;
    Ok(bytes)
}

/// The same where the secret is text.
fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let bytes = read_bytes(path)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.with_context(|| format!("{} is not text", path.display()))?;
    let text = Zeroizing::new(text.to_owned());
    if text.trim().is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(text)
}

/// The same, without the line end that an editor leaves behind.
fn read_line(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(read_secret(path)?.trim().to_owned()))
}
