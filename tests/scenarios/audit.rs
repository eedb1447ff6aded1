//! The audit log: what is changed behind its back is found.

use tributary_domain::late_payment::LatePolicy;
use tributary_domain::staff::Actor;
use tributary_operations::audit::AuditReport;
use tributary_tests::{TestPlatform, scenario};

async fn checked(p: &TestPlatform) -> AuditReport {
    let operations = p.platform.operations();
    operations.verify_audit(&[]).await.expect("a report")
}

async fn faults(p: &TestPlatform) -> Vec<&'static str> {
    let report = checked(p).await;
    report.faults.iter().map(|fault| fault.what).collect()
}

async fn three_acts(p: &TestPlatform) -> String {
    let by = Actor::operator("li");
    let operations = p.platform.operations();
    let tenant = operations.create_tenant(&by, "Shop").await.expect("made");
    for _ in 0..2 {
        operations
            .set_late_policy(&by, &tenant.id, tenant.late_policy)
            .await
            .expect("set");
    }
    tenant.id.to_string()
}

scenario!(every_act_is_in_the_log_and_the_log_holds, recorded);
async fn recorded(p: &TestPlatform) {
    let before = checked(p).await;
    let tenant = three_acts(p).await;
    let report = checked(p).await;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!(report.entries, before.entries + 3);
    let head = report.heads.iter().find(|head| head.scope == tenant);
    assert_eq!(head.expect("the tenant's chain").number, 3);
    let said = p.database
        .query("SELECT entry FROM audit_entries WHERE action = 'tenant.created' ORDER BY at DESC, number LIMIT 1")
        .await;
    let entry: String = said[0].try_get_by_index(0).expect("a text");
    assert!(entry.contains(r#""actor":"operator:li""#), "{entry}");
}

scenario!(an_act_that_fails_leaves_no_entry, failed);
async fn failed(p: &TestPlatform) {
    let before = checked(p).await;
    let by = Actor::operator("li");
    let gone = "ten_00000000000000000000000000".parse().expect("an id");
    let refused = p
        .platform
        .operations()
        .set_late_policy(&by, &gone, LatePolicy::default())
        .await;
    assert!(refused.is_err());
    assert_eq!(checked(p).await, before);
}

scenario!(
    the_daily_check_tells_a_person_once_of_a_chain_that_broke,
    daily_check
);
async fn daily_check(p: &TestPlatform) {
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    let tenant = three_acts(p).await;
    let check = async || {
        let checked = p.platform.operations().check_audit_log().await;
        checked.expect("a check")
    };
    let alarms = async || {
        let sql = "SELECT COUNT(*) FROM alarms WHERE kind = 'audit_log_broken'";
        p.database.count(sql).await
    };
    assert_eq!((check().await, alarms().await), (0, 0));
    let sql = format!("DELETE FROM audit_entries WHERE scope = '{tenant}' AND number = 3");
    assert_eq!(p.database.execute(&sql).await, 1);
    p.clock.advance_millis(1_000);
    assert_eq!(check().await, 0, "it was checked today");
    for _ in 0..2 {
        p.advance_seconds(DAY_SECONDS).await;
        assert_eq!((check().await, alarms().await), (1, 1));
    }
}

scenario!(a_changed_entry_is_found, changed);
async fn changed(p: &TestPlatform) {
    let tenant = three_acts(p).await;
    let sql = format!(
        "UPDATE audit_entries SET entry = REPLACE(entry, 'operator:li', 'operator:wu')
          WHERE scope = '{tenant}' AND number = 2"
    );
    assert_eq!(p.database.execute(&sql).await, 1);
    assert_eq!(
        faults(p).await,
        ["the entry is not the one that was hashed"]
    );
}

scenario!(a_dropped_entry_is_found, dropped);
async fn dropped(p: &TestPlatform) {
    let tenant = three_acts(p).await;
    let sql = format!("DELETE FROM audit_entries WHERE scope = '{tenant}' AND number = 2");
    assert_eq!(p.database.execute(&sql).await, 1);
    assert_eq!(faults(p).await, ["an entry is missing"]);
}

scenario!(
    an_entry_that_was_cut_off_the_end_is_found_by_the_head_that_somebody_kept,
    cut_off
);
async fn cut_off(p: &TestPlatform) {
    let tenant = three_acts(p).await;
    let kept = checked(p).await.heads;
    let cut = format!("DELETE FROM audit_entries WHERE scope = '{tenant}' AND number = 3");
    assert_eq!(p.database.execute(&cut).await, 1);
    assert_eq!(faults(p).await, ["entries are missing at the end"]);
    // Who can write the head as well leaves no trace in the database.
    let mend = format!(
        "UPDATE audit_heads SET number = 2, hash = (SELECT hash FROM audit_entries
          WHERE scope = '{tenant}' AND number = 2) WHERE scope = '{tenant}'"
    );
    assert_eq!(p.database.execute(&mend).await, 1);
    assert_eq!(faults(p).await, [""; 0]);
    let report = p
        .platform
        .operations()
        .verify_audit(&kept)
        .await
        .expect("a report");
    assert_eq!(report.faults[0].what, "an entry that was there is gone");
}

scenario!(acts_at_the_same_time_are_chained_one_after_another, at_once);
async fn at_once(p: &TestPlatform) {
    let tenant = three_acts(p).await.parse().expect("an id");
    let (by, operations) = (Actor::operator("li"), p.platform.operations());
    let acts = (0..20).map(|_| operations.set_late_policy(&by, &tenant, LatePolicy::default()));
    for done in futures::future::join_all(acts).await {
        done.expect("set");
    }
    let report = checked(p).await;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let head = report
        .heads
        .iter()
        .find(|head| head.scope == tenant.as_str());
    assert_eq!(head.expect("the tenant's chain").number, 23);
}
