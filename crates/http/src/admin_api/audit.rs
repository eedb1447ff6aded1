//! The audit log: searched, checked, exported. Nothing here changes or deletes an entry.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::Value;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;
use tributary_operations::audit_log::{AuditFilter, AuditListing, Chained, CheckedChain};

use super::Tag;
use super::guards::May;
use crate::completion::to_completion;
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;

const CSV: &str = "text/csv";
const CSV_WITH_CHARSET: &str = "text/csv; charset=utf-8";
const COLUMNS: &str =
    "time,scope,number,actor,action,target,reason,before,after,session,ip,request_id,hash";

type AuditReader = May<{ Permission::AuditRead as usize }>;
type AuditExporter = May<{ Permission::AuditExport as usize }>;

/// The operations on the audit log.
pub(crate) struct AuditApi;

/// What was done, by whom.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditEntry {
    /// Always `audit_entry`.
    object: String,
    /// Whose chain it is in: `platform`, or a tenant's id.
    scope: String,
    /// Its number in the chain, from 1.
    number: u64,
    /// When (RFC 3339).
    at: String,
    /// Who: `stf_…`, `key_…`, `operator:…` or `system:…`.
    actor: String,
    /// What, such as `staff.invited`.
    action: String,
    /// To which object.
    target: Option<String>,
    /// What it was before; secrets appear as fingerprints only.
    before: Option<Value>,
    /// What it is now.
    after: Option<Value>,
    /// Why, in the words of the person.
    reason: Option<String>,
    /// The session of the person.
    session: Option<String>,
    /// Where the request came from.
    ip: Option<String>,
    /// Names the request in the logs.
    request_id: Option<String>,
    /// Over the entry and the one before, in hexadecimal.
    hash: String,
}

/// A page of entries, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditPage {
    /// Always `list`.
    object: String,
    /// The entries.
    data: Vec<AuditEntry>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

/// Whether a chain holds.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditVerification {
    /// Whether nothing was changed, dropped or put in later, as far as the check went.
    holds: bool,
    /// Whether it went to the end; `tributary audit verify` always does.
    whole: bool,
    /// How many entries were checked.
    entries: u64,
    /// The last entry's number.
    head_number: u64,
    /// The last entry's hash; keep it elsewhere, and nothing before it can be cut off unnoticed.
    head_hash: Option<String>,
    /// At which number the chain breaks.
    broken_at: Option<u64>,
    /// How.
    what: Option<String>,
}

/// The entries as a file.
struct AuditFile(String);

impl IntoResponse for AuditFile {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        let headers = response.headers_mut();
        let csv = HeaderValue::from_static(CSV_WITH_CHARSET);
        headers.insert(header::CONTENT_TYPE, csv);
        let name = HeaderValue::from_static("attachment; filename=\"audit.csv\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
        response
    }
}

impl ApiResponse for AuditFile {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The entries as CSV, at most 10,000, the newest first.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: CSV,
                    schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(_registry: &mut Registry) {}
}

/// The filters of a list as they came.
struct Given {
    tenant_id: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl Given {
    fn into_listing(self, cursor: Option<String>, limit: u64) -> Result<AuditListing, Problem> {
        let mut given = Parameters::default();
        let listing = AuditListing {
            tenant_id: given.parse("tenant_id", self.tenant_id.as_deref(), |text| {
                text.parse::<TenantId>()
            }),
            filter: AuditFilter {
                since: given.time("since", self.since.as_deref()),
                until: given.time("until", self.until.as_deref()),
                actor: given.short("actor", self.actor.as_deref()),
                action: given.short("action", self.action.as_deref()),
                target: given.short("target", self.target.as_deref()),
            },
            cursor,
            limit,
        };
        given.finish()?;
        Ok(listing)
    }
}

#[OpenApi(tag = "Tag::Audit")]
impl AuditApi {
    /// List the audit log
    ///
    /// Everything that people and programs did, the newest first. Members of a tenant see their own chain. Needs the
    /// permission `audit:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/admin/v1/audit", method = "get", operation_id = "listAudit")]
    async fn list_audit(
        &self,
        auth: AuditReader,
        /// Only entries of this tenant's chain.
        tenant_id: Query<Option<String>>,
        /// Only what this actor did.
        actor: Query<Option<String>>,
        /// Only this action, such as `staff.invited`.
        action: Query<Option<String>>,
        /// Only what was done to this object.
        target: Query<Option<String>>,
        /// Only entries of this time or later (RFC 3339).
        since: Query<Option<String>>,
        /// Only entries before this time (RFC 3339).
        until: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many entries a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<AuditPage>, Problem> {
        let call = auth.0;
        let given = Given {
            tenant_id: tenant_id.0,
            actor: actor.0,
            action: action.0,
            target: target.0,
            since: since.0,
            until: until.0,
        };
        let listing = given.into_listing(cursor.0, Limit::or_default(limit.0))?;
        let page = call.operations.list_audit(&call.caller, listing).await?;
        Ok(Json(AuditPage {
            object: String::from("list"),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            data: page.items.into_iter().map(Into::into).collect(),
        }))
    }

    /// Export the audit log
    ///
    /// The same as a file for a spreadsheet, at most 10,000 entries. The export is an entry itself. Needs the permission
    /// `audit:export`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/audit/export",
        method = "get",
        operation_id = "exportAudit"
    )]
    async fn export_audit(
        &self,
        auth: AuditExporter,
        /// Only entries of this tenant's chain.
        tenant_id: Query<Option<String>>,
        /// Only what this actor did.
        actor: Query<Option<String>>,
        /// Only this action, such as `staff.invited`.
        action: Query<Option<String>>,
        /// Only what was done to this object.
        target: Query<Option<String>>,
        /// Only entries of this time or later (RFC 3339).
        since: Query<Option<String>>,
        /// Only entries before this time (RFC 3339).
        until: Query<Option<String>>,
    ) -> Result<AuditFile, Problem> {
        let call = auth.0;
        let given = Given {
            tenant_id: tenant_id.0,
            actor: actor.0,
            action: action.0,
            target: target.0,
            since: since.0,
            until: until.0,
        };
        let listing = given.into_listing(None, 0)?;
        let entries =
            to_completion(async move { call.operations.export_audit(&call.caller, listing).await });
        Ok(AuditFile(file_of(entries.await?)))
    }

    /// Check a chain of the audit log
    ///
    /// The platform's, or a tenant's; up to 100,000 entries. Needs the permission `audit:read`.
    #[oai(
        path = "/admin/v1/audit/verification",
        method = "get",
        operation_id = "verifyAudit"
    )]
    async fn verify_audit(
        &self,
        auth: AuditReader,
        /// The tenant whose chain is checked, in place of the platform's.
        tenant_id: Query<Option<String>>,
    ) -> Result<Json<AuditVerification>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let tenant = given.parse("tenant_id", tenant_id.0.as_deref(), |text| {
            text.parse::<TenantId>()
        });
        given.finish()?;
        let checked = call
            .operations
            .check_audit(&call.caller, tenant.as_ref())
            .await?;
        Ok(Json(checked.into()))
    }
}

impl From<Chained> for AuditEntry {
    fn from(chained: Chained) -> Self {
        let entry = chained.entry;
        Self {
            object: String::from("audit_entry"),
            scope: chained.scope.as_str().to_owned(),
            number: chained.number,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
            session: entry.session,
            ip: entry.ip,
            request_id: entry.request_id,
            hash: hexadecimal(&chained.hash),
        }
    }
}

impl From<CheckedChain> for AuditVerification {
    fn from(checked: CheckedChain) -> Self {
        let report = checked.report;
        let head = report.heads.into_iter().next();
        let fault = report.faults.into_iter().next();
        Self {
            holds: fault.is_none(),
            whole: checked.is_whole,
            entries: report.entries,
            head_number: head.as_ref().map_or(0, |head| head.number),
            head_hash: head.map(|head| head.hash),
            broken_at: fault.as_ref().map(|fault| fault.number),
            what: fault.map(|fault| fault.what.to_owned()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A byte order mark, so that spreadsheets read Chinese; then a line per entry.
fn file_of(entries: Vec<Chained>) -> String {
    let mut file = format!("\u{feff}{COLUMNS}\r\n");
    for entry in entries.into_iter().map(AuditEntry::from) {
        let number = entry.number.to_string();
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        let (before, after) = (text(&entry.before), text(&entry.after));
        let cells = [
            Some(entry.at.as_str()),
            Some(&entry.scope),
            Some(&number),
            Some(&entry.actor),
            Some(&entry.action),
            entry.target.as_deref(),
            entry.reason.as_deref(),
            before.as_deref(),
            after.as_deref(),
            entry.session.as_deref(),
            entry.ip.as_deref(),
            entry.request_id.as_deref(),
            Some(&entry.hash),
        ];
        let cells = cells.map(|cell| quoted(cell.unwrap_or_default()));
        file.push_str(&cells.join(","));
        file.push_str("\r\n");
    }
    file
}

/// A cell that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        for (cell, quoted_cell) in [
            ("", "\"\""),
            ("plain, text", "\"plain, text\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-1", "\"'-1\""),
        ] {
            assert_eq!(quoted(cell), quoted_cell);
        }
    }

    #[test]
    fn a_hash_is_shown_in_hexadecimal() {
        assert_eq!(hexadecimal(&[0, 10, 255]), "000aff");
    }
}
