//! No operation of the admin API works for nobody, and none of those on people for a role that lacks its permission.
//!
//! What reaches across tenants is in `staff_isolation.rs`.

use serde_json::json;
use tributary_tests::{Answer, Api, TestPlatform, scenario};

use crate::admin_document::{self, Operation, operations};

/// Whoever comes to these has nothing yet.
const OPEN: [&str; 2] = ["createSession", "acceptInvitation"];

/// Operations with the permission that they need.
const NEEDS: [(&str, &str); 16] = [
    ("listStaff", "staff:read"),
    ("getStaff", "staff:read"),
    ("listStaffSessions", "staff:read"),
    ("inviteStaff", "staff:write"),
    ("updateStaff", "staff:write"),
    ("renewInvitation", "staff:write"),
    ("suspendStaff", "staff:write"),
    ("reactivateStaff", "staff:write"),
    ("reinviteStaff", "staff:write"),
    ("resetSecondFactor", "staff:write"),
    ("endStaffSessions", "staff:write"),
    ("askOwnership", "staff:write"),
    ("listAudit", "audit:read"),
    ("verifyAudit", "audit:read"),
    ("exportAudit", "audit:export"),
    ("updateRefundLimit", "refund:approve"),
];

/// Tries an operation with a body that is not even read.
async fn call(api: &Api, operation: &Operation) -> Answer {
    let body = json!({"x": 1});
    let body = operation.has_body.then_some(&body);
    let path = operation.path.replace(['{', '}'], "");
    admin_document::call(api, operation.method.clone(), &path, body).await
}

scenario!(no_admin_operation_works_for_nobody, nobody);
async fn nobody(p: &TestPlatform) {
    let guarded = |operation: &Operation| !OPEN.contains(&operation.id.as_str());
    for operation in operations().into_iter().filter(guarded) {
        for token in [None, Some("x"), Some(p.tenant.api_key.as_str())] {
            let api = Api::new(&p.platform.api_url(), token);
            let answer = call(&api, &operation).await;
            assert_eq!(answer.status, 401, "{}: {}", operation.id, answer.text);
            answer.problem(401, "unauthorized");
        }
    }
}

scenario!(
    no_operation_on_people_works_without_its_permission,
    without_permission
);
async fn without_permission(p: &TestPlatform) {
    let owner = p.owner("owner@example.com").await;
    let tenant = p.tenant.id.to_string();
    let roles = ["tenant_viewer"];
    let viewer = p
        .invited(&owner, "viewer@example.com", &roles, Some(&tenant))
        .await;
    let support = p
        .invited(&owner, "support@example.com", &["support"], None)
        .await;
    let operations = operations();
    for (name, permission) in NEEDS {
        let operation = operations.iter().find(|operation| operation.id == name);
        let operation = operation.unwrap_or_else(|| panic!("{name} is no operation"));
        for person in [&viewer, &support] {
            let told = call(&person.api, operation).await;
            let told = told.problem(403, "permission_denied");
            let detail = told["detail"].as_str().expect("a detail");
            assert!(detail.contains(permission), "{name}: {detail}");
        }
    }
}
