//! What a member of another tenant may do with each operation of the admin API.

use serde_json::{Value, json};

/// A span that holds everything that a test does, and is short enough for each kind of figure.
const SPAN: &str = "from=2026-09-20T00:00:00Z&to=2026-09-24T00:00:00Z";

/// What a foreigner may do with an operation.
pub(crate) enum Foreign {
    /// The path or the body names a thing of the victim: not found. Holds the query and the body.
    Absent(String, Value),
    /// No member of a tenant may do it: refused by the permission that the document names.
    Platform,
    /// Lists and figures: nothing of the victim's is in them, whatever filter names it. Holds queries to try them with.
    Shows(Vec<String>),
    /// It acts on the caller's own account or session, and nothing in a request can name anything of another's.
    OwnAccount,
    /// A scenario of its own tries it; the test here cannot.
    Elsewhere,
}

fn absent(body: Value) -> Foreign {
    Foreign::Absent(String::new(), body)
}

fn shows(query: &str) -> Foreign {
    Foreign::Shows(vec![query.to_owned()])
}

/// The entry of an operation for whoever is not of the tenant; there is none for an operation that nobody has thought
/// about.
pub(crate) fn entry(operation: &str, tenant: &str) -> Option<Foreign> {
    people(operation, tenant)
        .or_else(|| merchants(operation))
        .or_else(|| platforms(operation))
        .or_else(|| money(operation))
        .or_else(|| telling(operation))
        .or_else(|| books(operation))
}

fn people(operation: &str, tenant: &str) -> Option<Foreign> {
    Some(match operation {
        "createSession" | "deleteSession" | "refreshSession" | "stepUpSession" | "offerTotp"
        | "confirmTotp" | "changePassword" | "acceptInvitation" => Foreign::OwnAccount,
        "getStaffMe" | "listSessions" | "listPermissions" | "listStaff" | "listApprovals"
        | "getRefundLimit" | "listAudit" | "exportAudit" | "verifyAudit" => shows(""),
        "endSession" | "getStaff" | "listStaffSessions" | "renewInvitation" | "getApproval" => {
            absent(json!({}))
        }
        "updateStaff" => absent(json!({"name": "Mine now"})),
        "suspendStaff" | "reactivateStaff" | "resetSecondFactor" | "endStaffSessions"
        | "reinviteStaff" | "askOwnership" | "approveApproval" | "rejectApproval" => {
            absent(json!({"reason": "because"}))
        }
        "inviteStaff" => absent(json!({
            "email": "spy@example.com", "name": "A spy", "roles": ["tenant_viewer"],
            "tenant_id": tenant,
        })),
        "updateRefundLimit" => Foreign::Absent(
            format!("tenant_id={tenant}"),
            json!({"amount": 1, "reason": "because"}),
        ),
        _ => return None,
    })
}

fn merchants(operation: &str) -> Option<Foreign> {
    let credential = |shown: Value| {
        let mut wish = json!({"mode": "test", "name": "mine", "scopes": ["orders:read"]});
        if let (Some(wish), Some(shown)) = (wish.as_object_mut(), shown.as_object()) {
            wish.extend(shown.clone());
        }
        absent(wish)
    };
    Some(match operation {
        "listTenants" | "listSubMerchants" => shows(""),
        "getTenant" | "getSubMerchant" | "getReadiness" | "listSubApps" | "getSubApp"
        | "listApiKeys" | "revokeApiKey" | "listCertificates" | "getCertificate"
        | "revokeCertificate" => absent(json!({})),
        "createApiKey" => credential(json!({})),
        "rollApiKey" => absent(json!({"overlap_hours": 0})),
        "issueCertificate" => credential(json!({"csr": "x"})),
        "registerPublicKey" => credential(json!({"public_key": "x"})),
        _ => return None,
    })
}

fn platforms(operation: &str) -> Option<Foreign> {
    Some(match operation {
        "createTenant"
        | "updateTenant"
        | "setTenantState"
        | "createSubMerchant"
        | "updateSubMerchant"
        | "setSubMerchantState"
        | "confirmReadiness"
        | "addSubApp"
        | "updateSubApp"
        | "listProviders"
        | "createProvider"
        | "listProviderKeys"
        | "importProviderKey"
        | "testProviderKeys"
        | "listKeyTests"
        | "getKeyShares"
        | "preferPublicKey"
        | "rollBackPublicKey"
        | "approveProviderKey"
        | "activateProviderKey"
        | "retireProviderKey"
        | "revokeProviderKey"
        | "listNotifications"
        | "getNotification"
        | "reprocessNotification"
        | "reconcileDay"
        | "getSystem" => Foreign::Platform,
        _ => return None,
    })
}

fn money(operation: &str) -> Option<Foreign> {
    Some(match operation {
        "search" => shows("q=nothing-of-the-kind"),
        "listOrders" | "sumOrders" | "listRefunds" | "sumRefunds" => shows("mode=test"),
        // What is in the file is seen once the job is done, so a scenario waits for it.
        "exportOrders" | "exportRefunds" => Foreign::Elsewhere,
        "getOrder" | "getOrderTimeline" | "queryOrder" | "closeOrder" | "listOrderNotes"
        | "getRefund" | "queryRefund" => absent(json!({})),
        "createOrderRefund" => absent(json!({"refund": 1, "reason": "because"})),
        "redirectRefund" => absent(json!({
            "type": "merchant_bank_card", "reason": "because",
        })),
        "addOrderNote" => absent(json!({"words": "Mine now"})),
        "getOrderStatistics" => {
            let by = ["hour", "day", "tenant", "sub_merchant"];
            Foreign::Shows(by.map(|by| format!("mode=test&{SPAN}&by={by}")).to_vec())
        }
        "getHealthStatistics" => shows("mode=test&since=2026-09-21T00:00:00Z"),
        _ => return None,
    })
}

fn telling(operation: &str) -> Option<Foreign> {
    let window = json!({"from": "2026-09-21T00:00:00Z", "to": "2026-09-22T00:00:00Z"});
    Some(match operation {
        "listDeliveries" | "listWebhookEndpoints" => shows("mode=test"),
        "getDelivery"
        | "replayDelivery"
        | "getWebhookEndpoint"
        | "pauseWebhookEndpoint"
        | "resumeWebhookEndpoint"
        | "disableWebhookEndpoint" => absent(json!({})),
        "planRecovery" | "recoverDeliveries" => absent(window),
        // A stream does not end for minutes; `changes_stream` listens to one.
        "watchChanges" => Foreign::Elsewhere,
        "getInbox" => shows(""),
        "listAlarms" => Foreign::Shows(vec!["state=open".into(), "state=resolved".into()]),
        "listLatePayments" => {
            let states = ["held", "accepted", "refunding", "refunded"];
            Foreign::Shows(states.map(|state| format!("state={state}")).to_vec())
        }
        "resolveAlarm" => absent(json!({"resolution": "Nothing to see"})),
        "decideLatePayment" => absent(json!({"decision": "refund", "reason": "because"})),
        _ => return None,
    })
}

fn books(operation: &str) -> Option<Foreign> {
    Some(match operation {
        "listReconciliationDays" | "listBills" => shows("mode=test"),
        "listDiscrepancies" | "listJobs" => shows(""),
        "getReconciliationDay"
        | "closeReconciliationDay"
        | "getDiscrepancy"
        | "getBillContent"
        | "getJob"
        | "getJobResult"
        | "pauseJob"
        | "resumeJob"
        | "cancelJob" => absent(json!({})),
        "assignDiscrepancy" => absent(json!({"assignee": "me"})),
        "explainDiscrepancy" => absent(json!({"reason": "because", "evidence": "none"})),
        "closeDiscrepancy" => absent(json!({"reason": "because"})),
        _ => return None,
    })
}
