//! Jobs: seen, paused, cancelled, their files fetched.

use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::{Path, Query};
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{ApiResponse, Object, OpenApi};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::JobId;
use tributary_domain::staff::Permission;
use tributary_operations::OperationError;
use tributary_operations::jobs::{Job, JobState, JobView};
use tributary_operations::pages::Page;

use super::Tag;
use super::actions::{self, AllowedAction};
use super::guards::{May, StaffCall};
use crate::completion::to_completion;
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

const CSV: &str = "text/csv";
const CSV_WITH_CHARSET: &str = "text/csv; charset=utf-8";
/// More pieces than any file has: a million rows at 500 a piece.
const PIECES_MAX: i64 = 2_100;

type Reader = May<{ Permission::JobRead as usize }>;
type Controller = May<{ Permission::JobControl as usize }>;

/// The operations on jobs.
pub(crate) struct JobsApi;

/// A job that was started.
#[derive(ApiResponse)]
pub(super) enum Accepted {
    /// It goes on in the background.
    #[oai(status = 202)]
    Started(Json<JobObject>),
}

/// A row that a job could not work on.
#[derive(Debug, Object)]
struct JobTrouble {
    /// Which.
    subject: String,
    /// Why.
    reason: String,
}

/// Long work in the background.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct JobObject {
    /// Its id: `job_…`.
    id: String,
    /// Always `job`.
    object: String,
    /// `export_orders`, `export_refunds`, `recover_deliveries` or `reconcile_day`.
    kind: String,
    /// `running`, `paused`, `cancelled`, `succeeded` or `failed`.
    state: String,
    /// `live` or `test`.
    mode: String,
    /// Whose affairs; absent when everybody's.
    tenant_id: Option<String>,
    /// Who started it, as the audit log names people.
    asked_by: String,
    /// Rows that are done.
    done: i64,
    /// How many rows there are, when that is known.
    total: Option<i64>,
    /// Rows that could not be worked on.
    troubles: i64,
    /// The first of them; in a list they are left out.
    trouble_rows: Option<Vec<JobTrouble>>,
    /// Why it cannot go on.
    failure: Option<String>,
    /// The name of its file.
    result_name: Option<String>,
    /// The bytes of its file.
    result_bytes: i64,
    /// Until when its file can be fetched (RFC 3339); absent while there is none.
    result_until: Option<String>,
    /// When it was started (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
    /// When it was over (RFC 3339).
    finished_at: Option<String>,
    /// What you may do with it; in a list it is left out.
    actions: Option<Vec<AllowedAction>>,
}

impl From<Job> for JobObject {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            object: String::from("job"),
            kind: job.kind.as_str().to_owned(),
            state: job.state.as_str().to_owned(),
            mode: job.mode.as_str().to_owned(),
            tenant_id: job.tenant_id.map(|id| id.to_string()),
            asked_by: job.asked_by,
            done: job.done,
            total: job.total,
            troubles: job.troubles,
            trouble_rows: None,
            failure: job.failure,
            result_name: job.result_name,
            result_bytes: job.result_bytes,
            result_until: None,
            created_at: job.created_at.to_rfc3339(),
            updated_at: job.updated_at.to_rfc3339(),
            finished_at: job.finished_at.map(Timestamp::to_rfc3339),
            actions: None,
        }
    }
}

impl From<JobView> for JobObject {
    fn from(view: JobView) -> Self {
        let troubles = view.troubles.into_iter().map(|one| JobTrouble {
            subject: one.subject,
            reason: one.reason,
        });
        Self {
            trouble_rows: Some(troubles.collect()),
            result_until: view.result_until.map(Timestamp::to_rfc3339),
            actions: Some(actions::shown(view.actions)),
            ..Self::from(view.job)
        }
    }
}

/// A page of jobs, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct JobPage {
    /// Always `list`.
    object: String,
    /// The jobs.
    data: Vec<JobObject>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

impl From<Page<Job>> for JobPage {
    fn from(page: Page<Job>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

/// A file that spreadsheets open.
pub(super) struct CsvFile {
    pub(super) name: String,
    pub(super) body: Body,
}

impl IntoResponse for CsvFile {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        let name = format!("attachment; filename=\"{}\"", self.name);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(CSV_WITH_CHARSET),
        );
        if let Ok(name) = HeaderValue::from_str(&name) {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }
}

impl ApiResponse for CsvFile {
    fn meta() -> MetaResponses {
        let text = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The file.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: CSV,
                    schema: text,
                }],
                headers: vec![],
            }],
        }
    }

    fn register(_: &mut Registry) {}
}

#[OpenApi(tag = "Tag::Jobs")]
impl JobsApi {
    /// List jobs
    ///
    /// The newest first; a member sees those of its tenant. Needs the permission `job:read`.
    #[oai(path = "/admin/v1/jobs", method = "get", operation_id = "listJobs")]
    async fn list_jobs(
        &self,
        auth: Reader,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many jobs a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<JobPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let before = given.parse("cursor", cursor.0.as_deref(), str::parse::<JobId>);
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let page = call
            .operations
            .list_jobs(&call.viewer(), before.as_ref(), limit)
            .await?;
        Ok(Json(page.into()))
    }

    /// Read a job
    ///
    /// With its progress. Needs the permission `job:read`.
    #[oai(
        path = "/admin/v1/jobs/:job_id",
        method = "get",
        operation_id = "getJob"
    )]
    async fn get_job(
        &self,
        auth: Reader,
        /// The id of the job.
        job_id: Path<String>,
    ) -> Result<Json<JobObject>, Problem> {
        let call = auth.0;
        let id: JobId = path_id(&job_id)?;
        let view = call.operations.job(&call.viewer(), &id).await?;
        Ok(Json(view.into()))
    }

    /// Fetch the file of a job
    ///
    /// For a day after the job is done. When whoever started the job had `payer:export`, the file says who paid, and is
    /// for those alone who have it too. The audit log says who fetched it. Needs the permission `order:export`.
    #[oai(
        path = "/admin/v1/jobs/:job_id/result",
        method = "get",
        operation_id = "getJobResult"
    )]
    async fn get_job_result(
        &self,
        auth: May<{ Permission::OrderExport as usize }>,
        /// The id of the job.
        job_id: Path<String>,
    ) -> Result<CsvFile, Problem> {
        let call = auth.0;
        let id: JobId = path_id(&job_id)?;
        // Read before the answer begins, so that one that is refused is refused whole.
        let (call, id, (name, first)) = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            let opened = call.operations.open_job_result(&by, &viewer, &id).await?;
            Ok::<_, OperationError>((call, id, opened))
        })
        .await?;
        let pieces = futures::stream::unfold((call, id, 0_i64, Some(first)), next_piece);
        let body = Body::from_bytes_stream(pieces);
        Ok(CsvFile { name, body })
    }

    /// Pause a job
    ///
    /// A step under way is undone. Needs the permission `job:control`.
    #[oai(
        path = "/admin/v1/jobs/:job_id/pause",
        method = "post",
        operation_id = "pauseJob"
    )]
    async fn pause_job(
        &self,
        auth: Controller,
        /// The id of the job.
        job_id: Path<String>,
    ) -> Result<Json<JobObject>, Problem> {
        steer(auth.0, &job_id, JobState::Paused).await
    }

    /// Resume a job
    ///
    /// It goes on where it stopped. Needs the permission `job:control`.
    #[oai(
        path = "/admin/v1/jobs/:job_id/resume",
        method = "post",
        operation_id = "resumeJob"
    )]
    async fn resume_job(
        &self,
        auth: Controller,
        /// The id of the job.
        job_id: Path<String>,
    ) -> Result<Json<JobObject>, Problem> {
        steer(auth.0, &job_id, JobState::Running).await
    }

    /// Cancel a job
    ///
    /// What is done stays done. Needs the permission `job:control`.
    #[oai(
        path = "/admin/v1/jobs/:job_id/cancel",
        method = "post",
        operation_id = "cancelJob"
    )]
    async fn cancel_job(
        &self,
        auth: Controller,
        /// The id of the job.
        job_id: Path<String>,
    ) -> Result<Json<JobObject>, Problem> {
        steer(auth.0, &job_id, JobState::Cancelled).await
    }
}

type Reading = (StaffCall, JobId, i64, Option<Vec<u8>>);

/// The pieces of a file, one after the other, each read when the one before was taken.
async fn next_piece(
    (call, id, number, read): Reading,
) -> Option<(Result<Vec<u8>, std::io::Error>, Reading)> {
    if number > PIECES_MAX {
        return None;
    }
    let piece = match read {
        Some(piece) => piece,
        None => match call
            .streamed(call.operations.job_result(&call.viewer(), &id, number))
            .await
        {
            Ok(Some(piece)) => piece,
            Ok(None) => return None,
            Err(error) => {
                let gone = Err(std::io::Error::other(error));
                return Some((gone, (call, id, PIECES_MAX + 1, None)));
            }
        },
    };
    Some((Ok(piece), (call, id, number + 1, None)))
}

async fn steer(call: StaffCall, id: &str, to: JobState) -> Result<Json<JobObject>, Problem> {
    let id: JobId = path_id(id)?;
    let view = to_completion(async move {
        let (by, viewer) = (call.caller.actor(), call.viewer());
        call.operations.steer_job(&by, &viewer, &id, to).await
    });
    Ok(Json(view.await?.into()))
}
