//! Jobs: started by a person, done in steps by whichever node is free, seen while they go on, paused and cancelled.
//!
//! A step commits what it did together with how far it has come, under the job's fence: a crash repeats nothing, and a
//! step that somebody overtook is undone.

mod csv;
mod exports;
mod recover;

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{JobId, ProviderId, TenantId};
pub use tributary_domain::job::{Job, JobKind, JobState};
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::staff::{Actor, Permission};
use tributary_domain::tenant::Mode;
pub use tributary_storage::jobs::Trouble;
use tributary_storage::order_search::OrderQuery;
use tributary_storage::refund_search::RefundQuery;
use tributary_storage::{Tx, jobs, providers};

use crate::actions::{Action, WhyNot, action};
use crate::audit::{self, Act};
use crate::pages::{Page, check_limit, cut};
use crate::reconciliation::Outcome;
use crate::viewer::Viewer;
use crate::{OperationError, Operations, tenancy};

pub use recover::{RecoverCount, RecoverPlan, RecoverWish};

/// How long a step may take before another node does it.
const LEASE_MS: i64 = 60_000;
/// Jobs that one round works on.
const JOBS_AT_ONCE: u64 = 8;
/// How long the file of a job is kept.
pub const RESULT_KEPT_MS: i64 = 24 * 3_600_000;
const JOBS_KEPT_MS: i64 = 90 * 24 * 3_600_000;
const PURGED_AT_ONCE: u64 = 20;
/// Rows that could not be worked on and that are shown.
const TROUBLES_SHOWN_MAX: u64 = 100;
/// A bill that another node is fetching is asked about again after this long.
const BUSY_MS: i64 = 30_000;

/// What a person wants done.
#[derive(Clone, Debug)]
pub enum JobWish {
    /// A list of orders as a file.
    ExportOrders(Box<OrderQuery>),
    /// A list of refunds as a file.
    ExportRefunds(Box<RefundQuery>),
    /// The failed deliveries of an endpoint, again.
    Recover(RecoverWish),
    /// A day's bill, fetched and compared.
    ReconcileDay(ProviderId, BillDay),
}

impl JobWish {
    /// What whoever wants it needs.
    const fn permission(&self) -> Permission {
        match self {
            Self::ExportOrders(_) | Self::ExportRefunds(_) => Permission::OrderExport,
            Self::Recover(_) => Permission::WebhookRecover,
            Self::ReconcileDay(..) => Permission::BillPull,
        }
    }
}

/// A job with what may be done with it.
#[derive(Clone, Debug)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// Rows that it could not work on.
    pub troubles: Vec<Trouble>,
    /// Until when its file can be fetched.
    pub result_until: Option<Timestamp>,
    /// What may be done with it.
    pub actions: Vec<Action>,
}

/// What a job begins with.
struct Asked {
    wish: String,
    mode: Mode,
    tenant_id: Option<TenantId>,
    kind: JobKind,
    file: Option<&'static str>,
}

/// What a step came to.
enum Step {
    /// There is more to do, at this instant.
    More(Box<Job>, Timestamp),
    /// It is done.
    Done(Box<Job>),
    /// It cannot go on.
    Stuck(Box<Job>, String),
}

impl Operations {
    /// Starts a job. Needs the permission of what it does: `order:export`, `webhook:recover`, `bill:pull`.
    ///
    /// An endpoint has one recovery at a time: two would send the same deliveries twice.
    pub async fn start_job(
        &self,
        by: &Actor,
        viewer: &Viewer,
        wish: JobWish,
    ) -> Result<JobView, OperationError> {
        viewer.require(wish.permission())?;
        let now = self.now();
        let recovered = match &wish {
            JobWish::Recover(wish) => Some(wish.endpoint_id.clone()),
            _ => None,
        };
        let drafted = self.draft_job(by, viewer, wish, now).await?;
        let scope = scope_of(drafted.tenant_id.as_ref());
        let tx = self.storage().begin().await?;
        if let (Some(endpoint), Some(tenant)) = (&recovered, &drafted.tenant_id) {
            recover::hold_alone(&tx, tenant, drafted.mode, endpoint).await?;
        }
        jobs::insert(&tx, &drafted).await?;
        let act = Act {
            after: Some(json!({ "kind": drafted.kind, "wish": drafted.wish })),
            ..Act::new(scope, "job.started", drafted.id.as_str())
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.wakeups().jobs.notify_one();
        self.view_job(viewer, drafted).await
    }

    /// Lists jobs, newest first. Needs `job:read`.
    pub async fn list_jobs(
        &self,
        viewer: &Viewer,
        before: Option<&JobId>,
        limit: Option<u64>,
    ) -> Result<Page<Job>, OperationError> {
        viewer.require(Permission::JobRead)?;
        let limit = check_limit(limit)?;
        let (at, longer) = (self.storage(), limit.saturating_add(1));
        let rows = match viewer.tenant() {
            Some(tenant) => jobs::list(at, tenant, before, longer).await?,
            None => jobs::list_all_tenants(at, before, longer).await?,
        };
        Ok(cut(rows, limit, |job| job.id.to_string()))
    }

    /// Shows a job. Needs `job:read`.
    pub async fn job(&self, viewer: &Viewer, id: &JobId) -> Result<JobView, OperationError> {
        viewer.require(Permission::JobRead)?;
        let job = self.job_seen(viewer, id).await?;
        self.view_job(viewer, job).await
    }

    /// Opens the file that a job made: its name and first piece. The audit log says who did, and whether the file says
    /// who paid. Needs `order:export`, and `payer:export` where it does, whoever had it made.
    pub async fn open_job_result(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &JobId,
    ) -> Result<(String, Vec<u8>), OperationError> {
        let job = self.job_with_result(viewer, id).await?;
        let first = jobs::chunk_all_tenants(self.storage(), id, 0).await?;
        let (Some(name), Some(first)) = (&job.result_name, first) else {
            return Err(OperationError::NotFound);
        };
        let tx = self.storage().begin().await?;
        let act = Act {
            after: Some(json!({ "file": name, "payers": exports::names_payers(&job)? })),
            ..Act::new(
                scope_of(job.tenant_id.as_ref()),
                "job.result_fetched",
                id.as_str(),
            )
        };
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        Ok((name.clone(), first))
    }

    /// A further piece of an opened file; absent behind the last one. Needs what opening it needs.
    pub async fn job_result(
        &self,
        viewer: &Viewer,
        id: &JobId,
        number: i64,
    ) -> Result<Option<Vec<u8>>, OperationError> {
        self.job_with_result(viewer, id).await?;
        Ok(jobs::chunk_all_tenants(self.storage(), id, number).await?)
    }

    async fn job_with_result(&self, viewer: &Viewer, id: &JobId) -> Result<Job, OperationError> {
        viewer.require(Permission::OrderExport)?;
        let job = self.job_seen(viewer, id).await?;
        if job.result_name.is_none() || job.result_chunks == 0 || !job.state.is_over() {
            return Err(OperationError::NotFound);
        }
        if exports::names_payers(&job)? && !viewer.may(Permission::PayerExport) {
            return Err(OperationError::PermissionDenied(Permission::PayerExport));
        }
        Ok(job)
    }

    /// Pauses, resumes or cancels a job; a step under way is undone. Needs `job:control`.
    pub async fn steer_job(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &JobId,
        to: JobState,
    ) -> Result<JobView, OperationError> {
        viewer.require(Permission::JobControl)?;
        let before = self.job_seen(viewer, id).await?;
        let allowed = matches!(
            (before.state, to),
            (JobState::Running, JobState::Paused | JobState::Cancelled)
                | (JobState::Paused, JobState::Running | JobState::Cancelled)
        );
        if !allowed {
            let state = before.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let now = self.now();
        let after = Job {
            state: to,
            fence: before.fence.saturating_add(1),
            next_run_at: (to == JobState::Running).then_some(now),
            finished_at: to.is_over().then_some(now),
            updated_at: now,
            ..before.clone()
        };
        let tx = self.storage().begin().await?;
        jobs::update(&tx, &before, &after).await?;
        let act = Act {
            before: Some(json!({ "state": before.state })),
            after: Some(json!({ "state": after.state })),
            ..Act::new(
                scope_of(after.tenant_id.as_ref()),
                "job.steered",
                id.as_str(),
            )
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.wakeups().jobs.notify_one();
        self.view_job(viewer, after).await
    }

    /// Does a step of each job that is due; returns how many steps were done.
    pub async fn run_due_jobs(&self) -> Result<usize, OperationError> {
        let due = jobs::due_all_tenants(self.storage(), self.now(), JOBS_AT_ONCE).await?;
        let mut done = 0_usize;
        for job in due {
            match self.run_step_for_whose_it_is(job).await {
                Ok(()) => done = done.saturating_add(1),
                // Another node took it, or a person steered it: theirs counts.
                Err(OperationError::Storage(error)) if error.is_stale() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Deletes old files and old jobs.
    pub async fn purge_old_jobs(&self) -> Result<u64, OperationError> {
        let now = self.now();
        let tx = self.storage().begin().await?;
        let gone = jobs::purge_all_tenants(
            &tx,
            now.plus_millis(-RESULT_KEPT_MS),
            now.plus_millis(-JOBS_KEPT_MS),
            PURGED_AT_ONCE,
        );
        let gone = gone.await?;
        tx.commit().await?;
        Ok(gone)
    }

    async fn draft_job(
        &self,
        by: &Actor,
        viewer: &Viewer,
        wish: JobWish,
        now: Timestamp,
    ) -> Result<Job, OperationError> {
        let asked = self.asked(viewer, wish).await?;
        Ok(Job {
            id: JobId::new(now),
            tenant_id: asked.tenant_id,
            mode: asked.mode,
            kind: asked.kind,
            state: JobState::Running,
            asked_by: by.who().to_owned(),
            wish: asked.wish,
            place: None,
            done: 0,
            troubles: 0,
            total: None,
            failure: None,
            result_name: asked.file.map(str::to_owned),
            result_bytes: 0,
            result_chunks: 0,
            fence: 0,
            next_run_at: Some(now),
            created_at: now,
            updated_at: now,
            finished_at: None,
        })
    }

    /// Whose a job is and what it keeps of the wish; a member's stays within its tenant.
    async fn asked(&self, viewer: &Viewer, wish: JobWish) -> Result<Asked, OperationError> {
        let own = viewer.tenant().cloned();
        Ok(match wish {
            JobWish::ExportOrders(query) => Asked {
                wish: exports::order_wish(viewer, &query)?,
                mode: query.mode,
                tenant_id: own.or(query.tenant_id),
                kind: JobKind::ExportOrders,
                file: Some("orders.csv"),
            },
            JobWish::ExportRefunds(query) => Asked {
                wish: exports::refund_wish(&query)?,
                mode: query.mode,
                tenant_id: own.or(query.tenant_id),
                kind: JobKind::ExportRefunds,
                file: Some("refunds.csv"),
            },
            JobWish::Recover(wish) => {
                let (endpoint, wish) = self.recover_wish(viewer, &wish).await?;
                Asked {
                    wish,
                    mode: endpoint.mode,
                    tenant_id: Some(endpoint.tenant_id),
                    kind: JobKind::RecoverDeliveries,
                    file: None,
                }
            }
            JobWish::ReconcileDay(provider, day) => {
                if own.is_some() {
                    return Err(OperationError::NotFound);
                }
                let stored = providers::find(self.storage(), &provider).await?;
                let unknown =
                    || OperationError::invalid("/provider_id", "names nothing that there is");
                let mode = stored.ok_or_else(unknown)?.provider.mode;
                Asked {
                    wish: json!({ "provider_id": provider, "date": day }).to_string(),
                    mode,
                    tenant_id: None,
                    kind: JobKind::ReconcileDay,
                    file: None,
                }
            }
        })
    }

    /// Does a step of a tenant's job for that tenant alone, although the clock's work is the platform's.
    async fn run_step_for_whose_it_is(&self, due: Job) -> Result<(), OperationError> {
        let tenant = due.tenant_id.clone();
        let step = Box::pin(self.run_step(due));
        match tenant {
            Some(tenant) => tenancy::within(tenant, step).await,
            None => step.await,
        }
    }

    async fn run_step(&self, due: Job) -> Result<(), OperationError> {
        let taken = self.take(&due).await?;
        let tx = self.storage().begin().await?;
        let stepped = match taken.kind {
            JobKind::ExportOrders => self.export_orders_step(&tx, &taken).await,
            JobKind::ExportRefunds => self.export_refunds_step(&tx, &taken).await,
            JobKind::RecoverDeliveries => self.recover_step(&tx, &taken).await,
            JobKind::ReconcileDay => {
                // Its own transactions; what it does twice comes to the same.
                tx.rollback().await?;
                let step = self.reconcile_step(&taken).await?;
                let tx = self.storage().begin().await?;
                return self.conclude(tx, &taken, step).await;
            }
        };
        match stepped {
            Ok(step) => self.conclude(tx, &taken, step).await,
            Err(error) if error.is_unavailable() => Err(error),
            Err(OperationError::Storage(error)) if error.is_stale() => Err(error.into()),
            Err(error) => {
                tx.rollback().await?;
                tracing::error!(job.id = %taken.id, error = &error as &dyn std::error::Error,
                    "a job cannot go on");
                let tx = self.storage().begin().await?;
                let stuck = Step::Stuck(Box::new(taken.clone()), error.to_string());
                self.conclude(tx, &taken, stuck).await
            }
        }
    }

    /// Takes a step for oneself: who took the same raised the fence.
    async fn take(&self, due: &Job) -> Result<Job, OperationError> {
        let taken = Job {
            fence: due.fence.saturating_add(1),
            next_run_at: Some(self.now().plus_millis(LEASE_MS)),
            ..due.clone()
        };
        let tx = self.storage().begin().await?;
        jobs::update(&tx, due, &taken).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn conclude(&self, tx: Tx, taken: &Job, step: Step) -> Result<(), OperationError> {
        const FAILURE_CHARS_MAX: usize = 191;
        let now = self.now();
        let mut after = match step {
            Step::More(job, at) => Job {
                next_run_at: Some(at),
                ..*job
            },
            Step::Done(job) => Job {
                state: JobState::Succeeded,
                next_run_at: None,
                finished_at: Some(now),
                ..*job
            },
            Step::Stuck(job, why) => Job {
                state: JobState::Failed,
                failure: Some(why.chars().take(FAILURE_CHARS_MAX).collect()),
                next_run_at: None,
                finished_at: Some(now),
                ..*job
            },
        };
        after.updated_at = now;
        jobs::update(&tx, taken, &after).await?;
        crash_point(CrashPoint::JobStepBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::JobStepAfterCommit);
        Ok(())
    }

    async fn reconcile_step(&self, job: &Job) -> Result<Step, OperationError> {
        let wish: serde_json::Value = serde_json::from_str(&job.wish).unwrap_or_default();
        let text = |name: &str| wish.get(name).and_then(serde_json::Value::as_str);
        let provider = text("provider_id").and_then(|text| text.parse::<ProviderId>().ok());
        let day = text("date").and_then(|text| text.parse::<BillDay>().ok());
        let (Some(provider), Some(day)) = (provider, day) else {
            return Ok(Step::Stuck(
                Box::new(job.clone()),
                "the wish does not parse".to_owned(),
            ));
        };
        let done = Box::new(Job {
            done: 1,
            total: Some(1),
            ..job.clone()
        });
        Ok(match self.reconcile(&provider, day).await {
            Ok(Outcome::Completed(_)) => Step::Done(done),
            Ok(Outcome::Waiting(run)) => {
                let why = run
                    .failure
                    .unwrap_or_else(|| "the bill is not there yet".to_owned());
                Step::Stuck(Box::new(job.clone()), why)
            }
            Ok(Outcome::Busy) => Step::More(Box::new(job.clone()), self.now().plus_millis(BUSY_MS)),
            Err(error) => Step::Stuck(Box::new(job.clone()), error.to_string()),
        })
    }

    async fn job_seen(&self, viewer: &Viewer, id: &JobId) -> Result<Job, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => jobs::find(at, tenant, id).await?,
            None => jobs::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    async fn view_job(&self, viewer: &Viewer, job: Job) -> Result<JobView, OperationError> {
        let at = self.storage();
        let troubles = jobs::troubles_all_tenants(at, &job.id, TROUBLES_SHOWN_MAX).await?;
        let has_file = job.result_chunks > 0 && job.state == JobState::Succeeded;
        let until = job.finished_at.map(|at| at.plus_millis(RESULT_KEPT_MS));
        Ok(JobView {
            troubles,
            result_until: until.filter(|_| has_file),
            actions: actions(viewer, job.state),
            job,
        })
    }
}

fn actions(viewer: &Viewer, state: JobState) -> Vec<Action> {
    let over = || WhyNot::new("over", "任务已结束。", "The job is over.");
    let refused = |allowed: bool| (!allowed).then(over);
    let control = Permission::JobControl;
    vec![
        action(
            viewer,
            "pause",
            control,
            refused(state == JobState::Running),
        ),
        action(
            viewer,
            "resume",
            control,
            refused(state == JobState::Paused),
        ),
        action(viewer, "cancel", control, refused(!state.is_over())),
    ]
}

fn scope_of(tenant: Option<&TenantId>) -> AuditScope {
    match tenant {
        Some(tenant) => AuditScope::Tenant(tenant.clone()),
        None => AuditScope::Platform,
    }
}
