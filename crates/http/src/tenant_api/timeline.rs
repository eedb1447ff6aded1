//! The timeline of an order, on a page or as a file.

mod objects;

use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Enum, OpenApi};
use tributary_domain::ids::OrderId;
use tributary_domain::tenant::Scope;

use super::{Tag, path_id};
use crate::auth::Authenticated;
use crate::json::Json;
use crate::problem::Problem;

use objects::OrderTimeline;

/// The operation on timelines.
pub(crate) struct TimelineApi;

/// Whether the answer is for saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum Download {
    #[oai(rename = "1")]
    Yes,
    #[oai(rename = "0")]
    No,
}

/// A timeline, with a file name when it was asked for as a file.
#[derive(ApiResponse)]
enum TimelineAnswer {
    /// The timeline.
    #[oai(status = 200)]
    Shown(
        Json<OrderTimeline>,
        /// The name to save it under, with `download=1`.
        #[oai(header = "content-disposition")]
        Option<String>,
    ),
}

#[OpenApi(tag = "Tag::Orders")]
impl TimelineApi {
    /// Read an order's timeline
    ///
    /// Everything that happened to the order, oldest first: each call to WeChat Pay with its `Request-ID`, each
    /// notification with its verdict, each change with what it rests on, each attempt to tell you. No openid and no
    /// secret is in it, so the file of `download=1` can be attached to a ticket at WeChat Pay as it is. Calls are kept
    /// for 90 days, attempts to tell you for 30. Needs the scope `orders:read`.
    #[oai(
        path = "/v1/orders/:order_id/timeline",
        method = "get",
        operation_id = "getOrderTimeline"
    )]
    async fn get_order_timeline(
        &self,
        auth: Authenticated,
        /// The id of the order.
        order_id: Path<String>,
        /// `1` gives the answer a file name, so that a browser saves it.
        download: Query<Option<Download>>,
    ) -> Result<TimelineAnswer, Problem> {
        let session = auth.allow(Scope::OrdersRead)?;
        let id: OrderId = path_id(&order_id)?;
        let timeline = session
            .operations
            .order_timeline(&session.caller, &id)
            .await?;
        let file = format!("attachment; filename=\"order_{id}_timeline.json\"");
        let file = (download.0 == Some(Download::Yes)).then_some(file);
        Ok(TimelineAnswer::Shown(Json(timeline.into()), file))
    }
}
