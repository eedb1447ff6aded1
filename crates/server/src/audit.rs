//! `tributary audit`: checks the log and shows what was found.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_operations::Operations;
use tributary_operations::audit::{AuditReport, KnownHead};

use crate::cli::{AuditCommand, VerifyAudit};

/// What a check prints, as far as a later one reads it.
#[derive(Deserialize)]
struct Printed {
    heads: Vec<KnownHead>,
}

/// Runs one command; answers what to show, and whether the log holds.
pub async fn run(operations: &Operations, command: AuditCommand) -> anyhow::Result<(Value, bool)> {
    let AuditCommand::Verify(VerifyAudit { known }) = command;
    let known = match known {
        Some(file) => read_known(&file)?,
        None => Vec::new(),
    };
    let report = operations.verify_audit(&known).await?;
    let holds = report.faults.is_empty();
    Ok((report_json(&report), holds))
}

fn read_known(file: &Path) -> anyhow::Result<Vec<KnownHead>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let printed: Printed = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what a check prints", file.display()))?;
    Ok(printed.heads)
}

fn report_json(report: &AuditReport) -> Value {
    let faults = report
        .faults
        .iter()
        .map(|fault| json!({"scope": fault.scope, "number": fault.number, "what": fault.what}));
    json!({
        "holds": report.faults.is_empty(),
        "entries": report.entries,
        "faults": faults.collect::<Vec<_>>(),
        "heads": report.heads,
    })
}
