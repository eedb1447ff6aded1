//! Who may do what, by the document: an operation works for whoever has the permission that its description names, and
//! is refused to everybody else.

use std::collections::BTreeSet;

use serde_json::json;
use tributary_domain::credential::Overlap;
use tributary_domain::endpoint::EndpointState;
use tributary_domain::ids::{
    AlarmId, ApiKeyId, CertificateId, DeliveryId, DiscrepancyId, EndpointId, JobId, LatePaymentId,
    NotificationId, OrderId, ProviderKeyId, SessionId, StaffId,
};
use tributary_domain::late_payment::LateDecision;
use tributary_domain::staff::{Permission, Role};
use tributary_domain::staff_member::{Email, StaffScope};
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::OperationError;
use tributary_operations::credentials::ApiKeyWish;
use tributary_operations::jobs::{JobState, JobWish};
use tributary_operations::late_payments::Ruling;
use tributary_operations::order_search::OrderQuery;
use tributary_operations::provider_keys::KeyProof;
use tributary_operations::provider_keys::material::NewKey;
use tributary_operations::reconciliation::Closing;
use tributary_operations::staff::StaffCaller;
use tributary_operations::viewer::{Reach, Viewer};
use tributary_tests::{Answer, Person, TestPlatform, scenario};

use crate::admin_document::{Operation, call, operations};

/// Operations whose description names no permission, each with the reason.
const WITHOUT: [(&str, &str); 17] = [
    ("createSession", "whoever comes has nothing yet"),
    ("acceptInvitation", "whoever comes has nothing yet"),
    ("refreshSession", "the cookie is what is asked for"),
    ("deleteSession", "the cookie is what is asked for"),
    ("stepUpSession", "a person's own session"),
    ("listSessions", "a person's own sessions"),
    ("endSession", "a person's own session"),
    ("getStaffMe", "a person's own account"),
    ("offerTotp", "a person's own second factor"),
    ("confirmTotp", "a person's own second factor"),
    ("changePassword", "a person's own password"),
    (
        "listPermissions",
        "what there is to have, for whoever is signed in",
    ),
    (
        "listApprovals",
        "one's own requests, and those of kinds that one decides",
    ),
    (
        "getApproval",
        "one's own request, or one of a kind that one decides",
    ),
    ("approveApproval", "each kind needs its own permission"),
    ("rejectApproval", "each kind needs its own permission"),
    ("search", "looks only for what the person may read"),
];

/// Tries an operation on things that do not exist, with a body that nothing can be made of.
async fn tried(person: &Person, operation: &Operation) -> Answer {
    let body = json!({"x": 1});
    let body = operation.has_body.then_some(&body);
    let path = operation.path.replace(['{', '}'], "");
    call(&person.api, operation.method.clone(), &path, body).await
}

fn is_denied(answer: &Answer) -> bool {
    answer.body["code"] == "permission_denied"
}

/// One person of each role.
async fn everybody(p: &TestPlatform) -> Vec<(Role, Person)> {
    let owner = p.owner("owner@example.com").await;
    let mut people = Vec::new();
    for role in Role::ALL
        .iter()
        .copied()
        .filter(|role| *role != Role::PlatformOwner)
    {
        let (email, roles) = (format!("{role}@example.com"), [role.as_str()]);
        let tenant = role.is_of_tenant().then_some(p.tenant.id.as_str());
        people.push((role, p.invited(&owner, &email, &roles, tenant).await));
    }
    people.push((Role::PlatformOwner, owner));
    assert_eq!(people.len(), 9);
    people
}

scenario!(
    an_operation_works_for_who_has_its_permission_and_for_nobody_else,
    by_the_document
);
async fn by_the_document(p: &TestPlatform) {
    let people = everybody(p).await;
    let mut wrong = BTreeSet::new();
    // A stream does not end; it is tried below.
    let ends = |one: &&Operation| one.id != "watchChanges" && !one.needs.is_empty();
    for operation in operations().iter().filter(ends) {
        for (role, person) in &people {
            let answer = tried(person, operation).await;
            let may = operation.needs.iter().all(|needed| role.grants(*needed));
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            let is_named = || {
                operation
                    .needs
                    .iter()
                    .any(|needed| detail.contains(needed.as_str()))
            };
            let is_right = if may {
                !is_denied(&answer) && !answer.status.is_server_error()
            } else {
                answer.status == 403 && is_denied(&answer) && is_named()
            };
            if !is_right {
                wrong.insert(format!(
                    "{role} {}: {} {}",
                    operation.id, answer.status, answer.text
                ));
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
}

scenario!(a_stream_of_changes_opens_for_who_may_read_orders, stream);
async fn stream(p: &TestPlatform) {
    for (role, person) in everybody(p).await {
        let operation = operations()
            .into_iter()
            .find(|one| one.id == "watchChanges");
        let operation = operation.expect("the operation");
        let may = operation.needs.iter().all(|needed| role.grants(*needed));
        let answer = person.api.open(&operation.path).await;
        assert_eq!(answer.status() == 200, may, "{role}");
        assert_eq!(answer.status() == 403, !may, "{role}");
    }
}

#[test]
fn an_operation_that_names_no_permission_says_why_here() {
    let silent: BTreeSet<String> = operations()
        .into_iter()
        .filter(|one| one.needs.is_empty())
        .map(|one| one.id)
        .collect();
    let listed: BTreeSet<String> = WITHOUT.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(silent, listed);
}

/// A person who proved its presence and whose roles grant neither keys, nor credentials, nor decisions about money.
fn supporter(p: &TestPlatform) -> StaffCaller {
    StaffCaller {
        invited_by: None,
        staff_id: StaffId::new(p.now()),
        name: "Li Wei".to_owned(),
        email: Email::parse("li@example.com").expect("an address"),
        roles: vec![Role::Support],
        scope: StaffScope::Provider,
        session_id: SessionId::new(p.now()),
        is_proven: true,
        must_enrol: false,
        has_second_factor: true,
        ip: None,
        request_id: None,
    }
}

/// The permission for want of which an operation refused.
#[expect(
    clippy::needless_pass_by_value,
    reason = "called with what an operation just answered"
)]
fn wanting<T>(result: Result<T, OperationError>) -> Option<Permission> {
    match result {
        Err(OperationError::PermissionDenied(permission)) => Some(permission),
        _ => None,
    }
}

scenario!(
    an_operation_on_keys_of_a_provider_asks_whoever_calls_it,
    asks
);
async fn asks(p: &TestPlatform) {
    let (operations, by, now) = (p.platform.operations(), supporter(p), p.now());
    let provider = &p.provider;
    let key = ProviderKeyId::new(now);
    let new = NewKey::WechatPublicKey {
        id: p.keys.wechatpay_public_key_id.clone(),
        pem: p.keys.wechatpay_public_key_pem.clone(),
    };
    let import = Some(Permission::KeyImport);
    assert_eq!(
        wanting(operations.import_key(&by, provider, &new).await),
        import
    );
    assert_eq!(wanting(operations.test_keys(&by, provider).await), import);
    let proof = KeyProof::SelfTest;
    assert_eq!(
        wanting(operations.activate_key(&by, &key, &proof, None).await),
        import
    );
    assert_eq!(wanting(operations.retire_key(&by, &key).await), import);
    assert_eq!(
        wanting(operations.revoke_key(&by, &key, "stolen").await),
        import
    );
    let approve = Some(Permission::KeyApprove);
    assert_eq!(wanting(operations.approve_key(&by, &key).await), approve);
    let write = Some(Permission::ProviderWrite);
    assert_eq!(
        wanting(operations.prefer_public_key(&by, provider).await),
        write
    );
    assert_eq!(
        wanting(operations.prefer_certificate(&by, provider).await),
        write
    );

    // The name of a person alone, without its roles, is nobody who may.
    let named = by.actor();
    assert_eq!(wanting(operations.approve_key(&named, &key).await), approve);
}

scenario!(
    an_operation_on_credentials_and_held_money_asks_whoever_calls_it,
    asks_for_tenants
);
async fn asks_for_tenants(p: &TestPlatform) {
    let (operations, by, now) = (p.platform.operations(), supporter(p), p.now());
    let tenant = &p.tenant.id;
    let credential = Some(Permission::CredentialWrite);
    let wish = ApiKeyWish::new(Mode::Test, "mine", Scope::ALL.to_vec());
    assert_eq!(
        wanting(operations.create_api_key(&by, tenant, wish).await),
        credential
    );
    let id = ApiKeyId::new(now);
    let rolled = operations
        .roll_api_key(&by, tenant, &id, Overlap::None)
        .await;
    assert_eq!(wanting(rolled), credential);
    assert_eq!(
        wanting(operations.revoke_api_key(&by, tenant, &id).await),
        credential
    );
    let id = CertificateId::new(now);
    assert_eq!(
        wanting(operations.revoke_certificate(&by, tenant, &id).await),
        credential
    );

    let ruling = Ruling {
        decision: LateDecision::Accept,
        decided_by: by.staff_id.to_string(),
        reason: "because".to_owned(),
    };
    let id = LatePaymentId::new(now);
    let decided = operations
        .decide_late_payment(&by, tenant, &id, &ruling)
        .await;
    assert_eq!(wanting(decided), Some(Permission::LatePaymentDecide));
    let closing = Closing {
        actor: by.staff_id.to_string(),
        reason: "because".to_owned(),
    };
    let closed = operations
        .close_discrepancy(&by, &DiscrepancyId::new(now), &closing)
        .await;
    assert_eq!(wanting(closed), Some(Permission::ReconciliationClose));
}

scenario!(
    a_proof_of_presence_is_asked_for_by_the_operation_too,
    presence
);
async fn presence(p: &TestPlatform) {
    let operations = p.platform.operations();
    let owner = StaffCaller {
        roles: vec![Role::PlatformOwner],
        is_proven: false,
        ..supporter(p)
    };
    let key = ProviderKeyId::new(p.now());
    let wish = ApiKeyWish::new(Mode::Test, "mine", Scope::ALL.to_vec());
    for refused in [
        operations.approve_key(&owner, &key).await.map(drop),
        operations
            .revoke_key(&owner, &key, "stolen")
            .await
            .map(drop),
        operations
            .create_api_key(&owner, &p.tenant.id, wish)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(refused, Err(OperationError::StepUpRequired)),
            "{refused:?}"
        );
    }
}

scenario!(
    an_operation_on_what_people_see_asks_whoever_calls_it,
    asks_viewer
);
async fn asks_viewer(p: &TestPlatform) {
    use Permission as P;
    let (operations, now) = (p.platform.operations(), p.now());
    let (by, viewer) = (
        &supporter(p).actor(),
        &Viewer::of_roles(Reach::Platform, &[]),
    );
    let order = &OrderId::new(now);
    assert_eq!(
        wanting(operations.order_detail(viewer, order).await),
        Some(P::OrderRead)
    );
    assert_eq!(
        wanting(operations.ask_about_order_for(by, viewer, order).await),
        Some(P::OrderQuery)
    );
    assert_eq!(
        wanting(operations.close_order_for(by, viewer, order).await),
        Some(P::OrderClose)
    );
    let delivery = &DeliveryId::new(now);
    assert_eq!(
        wanting(operations.inspect_delivery(viewer, delivery).await),
        Some(P::WebhookRead)
    );
    assert_eq!(
        wanting(operations.replay_delivery(by, viewer, delivery).await),
        Some(P::WebhookReplay)
    );
    let (endpoint, paused) = (&EndpointId::new(now), EndpointState::Paused);
    let set = operations
        .set_endpoint_state(by, viewer, endpoint, paused)
        .await;
    assert_eq!(wanting(set), Some(P::WebhookWrite));
    let notice = &NotificationId::new(now);
    assert_eq!(
        wanting(operations.notification_detail(viewer, notice).await),
        Some(P::NotificationRead)
    );
    let again = operations.reprocess_notification(by, viewer, notice).await;
    assert_eq!(wanting(again), Some(P::NotificationReprocess));
    let alarm = &AlarmId::new(now);
    let resolved = operations.resolve_alarm(by, viewer, alarm, "a test").await;
    assert_eq!(wanting(resolved), Some(P::OrderQuery));
}

scenario!(
    an_operation_on_jobs_books_and_figures_asks_whoever_calls_it,
    asks_of_books
);
async fn asks_of_books(p: &TestPlatform) {
    use Permission as P;
    let (operations, now) = (p.platform.operations(), p.now());
    let (by, viewer) = (
        &supporter(p).actor(),
        &Viewer::of_roles(Reach::Platform, &[]),
    );
    let wish = JobWish::ExportOrders(Box::new(OrderQuery::of_mode(Mode::Test)));
    assert_eq!(
        wanting(operations.start_job(by, viewer, wish).await),
        Some(P::OrderExport)
    );
    let job = &JobId::new(now);
    assert_eq!(wanting(operations.job(viewer, job).await), Some(P::JobRead));
    assert_eq!(
        wanting(operations.job_result(viewer, job, 0).await),
        Some(P::OrderExport)
    );
    let steered = operations
        .steer_job(by, viewer, job, JobState::Cancelled)
        .await;
    assert_eq!(wanting(steered), Some(P::JobControl));
    let difference = &DiscrepancyId::new(now);
    assert_eq!(
        wanting(operations.desk_discrepancy(viewer, difference).await),
        Some(P::ReconciliationRead)
    );
    let assigned = operations
        .assign_discrepancy(by, viewer, difference, "li")
        .await;
    assert_eq!(wanting(assigned), Some(P::ReconciliationClose));
    assert_eq!(
        wanting(operations.system_state(viewer).await),
        Some(P::SystemRead)
    );
    let health = operations
        .health_statistics(viewer, Mode::Test, None, now)
        .await;
    assert_eq!(wanting(health), Some(P::StatisticsRead));
}
