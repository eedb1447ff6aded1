//! The timeline of an order, on a page or as a file.

mod objects;

use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Enum, OpenApi};
use tributary_domain::cursor::TimelinePlace;
use tributary_domain::ids::OrderId;
use tributary_domain::tenant::Scope;

use super::{Tag, path_id};
use crate::auth::Authenticated;
use crate::json::Json;
use crate::pagination::Parameters;
use crate::problem::Problem;

use objects::OrderTimeline;

/// The operation on timelines.
pub(crate) struct TimelineApi;

/// Whether the answer is for saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Download {
    #[oai(rename = "1")]
    Yes,
    #[oai(rename = "0")]
    No,
}

impl Download {
    /// The header that makes a browser save an order's timeline, where that is asked for.
    pub(crate) fn file(asked: Option<Self>, order: &OrderId) -> Option<String> {
        let file = || format!("attachment; filename=\"order_{order}_timeline.json\"");
        (asked == Some(Self::Yes)).then(file)
    }
}

/// Reads where a page of a timeline begins.
pub(crate) fn timeline_place(given: &mut Parameters, text: Option<&str>) -> Option<TimelinePlace> {
    given.parse("cursor", text, |text| {
        TimelinePlace::read(text).ok_or("must be a next_cursor of this timeline")
    })
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
    /// for 90 days, attempts to tell you for 30. A page holds at most 1000 entries; `next_cursor` leads on. Needs the scope `orders:read`.
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
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<TimelineAnswer, Problem> {
        let session = auth.allow(Scope::OrdersRead)?;
        let id: OrderId = path_id(&order_id)?;
        let mut given = Parameters::default();
        let after = timeline_place(&mut given, cursor.0.as_deref());
        given.finish()?;
        let timeline = session
            .operations
            .order_timeline(&session.caller, &id, after.as_ref())
            .await?;
        let file = Download::file(download.0, &id);
        Ok(TimelineAnswer::Shown(Json(timeline.into()), file))
    }
}
