//! The demo's staff: they come by invitation, and do what two people or a person's judgement is needed for.

use anyhow::bail;
use tributary_domain::bill::BillDay;
use tributary_domain::ids::TenantId;
use tributary_domain::refund_content::RefundRequest;
use tributary_domain::staff::{Actor, Role};
use tributary_domain::staff_member::StaffScope;
use tributary_domain::tenant::Mode;
use tributary_operations::jobs::JobWish;
use tributary_operations::order_search::OrderQuery;
use tributary_operations::orders::view::OrderView;
use tributary_operations::refund_search::RefundQuery;
use tributary_operations::staff::{Invitation, NewStaff, StaffCaller};
use tributary_operations::viewer::{Reach, Viewer};
use tributary_operations::{OperationError, Operations};

use super::super::owner;
use super::cast::Cast;
use super::stage::{Stage, once};

const OWNER: (&str, &str) = ("zhou.min@zhiliu.example", "周敏");
const OPS: (&str, &str, Role) = ("lin.yue@zhiliu.example", "林岳", Role::PlatformOps);
const FINANCE: (&str, &str, Role) = ("chen.jing@zhiliu.example", "陈静", Role::PlatformFinance);
const SUPPORT: (&str, &str, Role) = ("he.yu@zhiliu.example", "何雨", Role::Support);
const CALLED: &str = "客人来电：行程取消，要求全额退款，已请财务复核。";
const CHECKED: &str = "已收到取消申请，待第二人审批。";
const AUDITOR: (&str, &str, Role) = ("wu.tong@zhiliu.example", "吴桐", Role::Auditor);

/// What is on the desks today: a refund that waits for a second person, notes, jobs, invitations.
pub(super) async fn work(stage: &Stage, cast: &Cast, dear: &OrderView) -> anyhow::Result<()> {
    let operations = stage.operations();
    let (email, name) = OWNER;
    let invited = operations
        .create_owner(&Actor::system("dev"), email, name)
        .await?;
    let owner = owner::come(operations, &invited).await?.0;
    let mut sessions = Vec::new();
    for person in [SUPPORT, FINANCE] {
        let invited = invite(operations, &owner, person, StaffScope::Provider).await?;
        sessions.push(owner::come(operations, &invited).await?.0);
    }
    let [support, finance] = sessions.as_slice() else {
        bail!("two people came and are not there");
    };
    note(operations, support, dear, CALLED).await?;
    ask_dear_refund(operations, support, dear).await?;
    note(operations, finance, dear, CHECKED).await?;
    start_jobs(stage, cast, finance).await?;
    for person in [OPS, AUDITOR] {
        invite(operations, &owner, person, StaffScope::Provider).await?;
    }
    invite_members(operations, &owner, cast).await?;
    for session in sessions.iter().chain([&owner]) {
        operations.end_session(session, &session.session_id).await?;
    }
    Ok(())
}

async fn invite_members(
    operations: &Operations,
    owner: &StaffCaller,
    cast: &Cast,
) -> anyhow::Result<()> {
    let of = |tenant: &TenantId| StaffScope::Tenant(tenant.clone());
    let tea = ("shen.yue@yunxi.example", "沈悦", Role::TenantOwner);
    let tea_dev = ("li.hang@yunxi.example", "李航", Role::TenantDev);
    let books = ("gu.yan@shiguang.example", "顾言", Role::TenantFinance);
    for (person, tenant) in [
        (tea, &cast.tea.tenant),
        (tea_dev, &cast.tea.tenant),
        (books, &cast.books.tenant),
    ] {
        invite(operations, owner, person, of(tenant)).await?;
    }
    Ok(())
}

async fn invite(
    operations: &Operations,
    by: &StaffCaller,
    (email, name, role): (&str, &str, Role),
    scope: StaffScope,
) -> anyhow::Result<Invitation> {
    let new = NewStaff {
        email: email.to_owned(),
        name: name.to_owned(),
        roles: vec![role],
        scope,
    };
    Ok(operations.invite_staff(by, new).await?)
}

async fn note(
    operations: &Operations,
    by: &StaffCaller,
    order: &OrderView,
    words: &str,
) -> anyhow::Result<()> {
    operations
        .note_order(&by.actor(), &viewer(by), &order.id, words)
        .await?;
    Ok(())
}

/// The whole of an order above the limit: a second person is asked.
async fn ask_dear_refund(
    operations: &Operations,
    by: &StaffCaller,
    order: &OrderView,
) -> anyhow::Result<()> {
    let request = RefundRequest {
        merchant_refund_no: "SJR-TUIFANG-1".to_owned(),
        refund: order.amount.total,
        reason: Some("行程取消，全额退款".to_owned()),
        ..RefundRequest::default()
    };
    let idem = once("SJR-TUIFANG-1", "POST /admin/v1/orders/{order_id}/refunds");
    let asked = operations
        .refund_order_for(by, &viewer(by), &order.id, request, &idem)
        .await;
    match asked {
        Err(OperationError::ApprovalRequired { .. }) => Ok(()),
        Ok(_) => bail!("a refund above the limit went through without a second person"),
        Err(error) => Err(error.into()),
    }
}

async fn start_jobs(stage: &Stage, cast: &Cast, by: &StaffCaller) -> anyhow::Result<()> {
    let earlier = BillDay::of(stage.now()).previous().previous();
    let wishes = [
        JobWish::ExportOrders(Box::new(OrderQuery::of_mode(Mode::Test))),
        JobWish::ExportRefunds(Box::new(RefundQuery::of_mode(Mode::Test))),
        JobWish::ReconcileDay(cast.older.id.clone(), earlier),
    ];
    for wish in wishes {
        stage
            .operations()
            .start_job(&by.actor(), &viewer(by), wish)
            .await?;
    }
    stage.after(0).await
}

fn viewer(caller: &StaffCaller) -> Viewer {
    Viewer::of_roles(Reach::Platform, &caller.roles)
}
