//! `tributary keys`: turns arguments into operations, and what they found into lines or JSON, and an exit code.

use std::process::ExitCode;

use serde_json::{Value, json};
use tributary_domain::staff::Actor;
use tributary_operations::Operations;
use tributary_operations::data_keys::{DataKeyRotation, Reach, Unreadable, VaultReport};

use crate::admin::{explain, operator};
use crate::cli::{DestroyOwner, KeysCommand, RotateDek};

/// Runs one command and answers what to show, with the exit code: failure when anything does not open.
pub async fn run(
    operations: &Operations,
    command: KeysCommand,
) -> anyhow::Result<(Value, ExitCode)> {
    carry_out(operations, &operator(), command)
        .await
        .map_err(explain)
}

async fn carry_out(
    operations: &Operations,
    by: &Actor,
    command: KeysCommand,
) -> anyhow::Result<(Value, ExitCode)> {
    match command {
        KeysCommand::RotateKek => {
            let done = operations.rotate_kek(by).await?;
            let shown = json!({
                "kek": done.kek_id,
                "rewrapped": done.rewrapped,
                "failed": done.failed.count,
                "failures": done.failed.named,
            });
            Ok((shown, code(&done.failed)))
        }
        KeysCommand::RotateDek(args) => {
            let done = rotate(operations, by, &args).await?;
            let shown = json!({
                "rotated": done.rotated,
                "sealed_again": done.resealed,
                "failed": done.failed.count,
                "failures": done.failed.named,
            });
            Ok((shown, code(&done.failed)))
        }
        KeysCommand::Verify => {
            let report = operations.verify_vault().await?;
            Ok((report_json(&report), code(&report.failed)))
        }
        KeysCommand::DestroyOwner(args) => destroy(operations, by, args).await,
    }
}

async fn rotate(
    operations: &Operations,
    by: &Actor,
    args: &RotateDek,
) -> anyhow::Result<DataKeyRotation> {
    let reach = if args.bills {
        Reach::Everything
    } else {
        Reach::Secrets
    };
    Ok(match &args.owner {
        Some(owner) => operations.rotate_data_key(by, owner, reach).await?,
        None => operations.rotate_all_data_keys(by, reach).await?,
    })
}

async fn destroy(
    operations: &Operations,
    by: &Actor,
    args: DestroyOwner,
) -> anyhow::Result<(Value, ExitCode)> {
    let destroyed = operations
        .destroy_owner(by, &args.owner, &args.confirm, &args.reason)
        .await?;
    let shown = json!({"owner": args.owner, "destroyed_keys": destroyed});
    Ok((shown, ExitCode::SUCCESS))
}

fn code(failed: &Unreadable) -> ExitCode {
    if failed.count == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report_json(report: &VaultReport) -> Value {
    let columns: Vec<Value> = report
        .columns
        .iter()
        .map(|one| json!({"column": one.name, "opened": one.opened, "erased": one.erased}))
        .collect();
    json!({
        "active_keys": report.active,
        "decrypt_only_keys": report.decrypt_only,
        "destroyed_keys": report.destroyed,
        "keys_under_another_kek": report.wrapped_otherwise,
        "sealed": columns,
        "failed": report.failed.count,
        "failures": report.failed.named,
    })
}
