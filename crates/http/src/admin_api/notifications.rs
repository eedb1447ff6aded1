//! WeChat's notifications: what came, what became of it, and once more.

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{NotificationId, OrderId, ProviderId};
use tributary_domain::staff::Permission;
use tributary_operations::notification_search::{
    NotificationDetail, NotificationQuery, NotificationState, StoredNotification,
};
use tributary_operations::pages::Searched;

use super::Tag;
use super::actions::{self, AllowedAction};
use super::guards::May;
use crate::completion::to_completion;
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

type Reader = May<{ Permission::NotificationRead as usize }>;
type Reprocessor = May<{ Permission::NotificationReprocess as usize }>;

/// The operations on notifications.
pub(crate) struct NotificationsApi;

/// A notification in a list.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct NotificationObject {
    /// Its id: `ntf_…`.
    id: String,
    /// Always `notification`.
    object: String,
    /// To which provider.
    provider_id: String,
    /// WeChat's id, the same on its retries.
    notice_id: String,
    /// WeChat's word for what happened.
    event_type: String,
    /// `received`, `applied` or `quarantined`.
    state: String,
    /// Why, in a stable word.
    verdict: Option<String>,
    /// Whose order it was about.
    tenant_id: Option<String>,
    /// Which order it was about.
    order_id: Option<String>,
    /// How often applying it failed.
    tries: i64,
    /// When it is applied next (RFC 3339).
    next_try_at: Option<String>,
    /// SHA-256 of the body, in hex.
    body_sha256: String,
    /// When it came (RFC 3339).
    received_at: String,
}

impl From<StoredNotification> for NotificationObject {
    fn from(notice: StoredNotification) -> Self {
        Self {
            id: notice.id.to_string(),
            object: String::from("notification"),
            provider_id: notice.provider_id.to_string(),
            notice_id: notice.notice_id,
            event_type: notice.event_type,
            state: notice.state.as_str().to_owned(),
            verdict: notice.verdict,
            tenant_id: notice.tenant_id.map(|id| id.to_string()),
            order_id: notice.order_id.map(|id| id.to_string()),
            tries: notice.tries,
            next_try_at: notice.next_try_at.map(Timestamp::to_rfc3339),
            body_sha256: notice.body_sha256,
            received_at: notice.received_at.to_rfc3339(),
        }
    }
}

/// A page of notifications, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct NotificationPage {
    /// Always `list`.
    object: String,
    /// The notifications.
    data: Vec<NotificationObject>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
    /// When this was looked up (RFC 3339).
    as_of: String,
}

impl From<Searched<StoredNotification>> for NotificationPage {
    fn from(found: Searched<StoredNotification>) -> Self {
        Self {
            object: String::from("list"),
            data: found.items.into_iter().map(Into::into).collect(),
            has_more: found.next_cursor.is_some(),
            next_cursor: found.next_cursor,
            as_of: found.as_of.to_rfc3339(),
        }
    }
}

/// A header as it came.
#[derive(Debug, Object)]
struct NotificationHeader {
    /// Its name, lower case.
    name: String,
    /// Its value.
    value: String,
}

/// One thing that must be true of a notification.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct NotificationCheck {
    /// `signature`, `envelope`, `decryption`, `routing` or `comparison`.
    name: String,
    /// Whether it holds with the keys of today; absent when an earlier one failed.
    holds: Option<bool>,
}

/// A notification whole.
#[derive(Debug, Object)]
struct NotificationWhole {
    /// As in a list.
    notification: NotificationObject,
    /// The headers that came with it.
    headers: Vec<NotificationHeader>,
    /// The body as it came: what it says is encrypted.
    body: String,
    /// What must be true of it, in the order in which it is looked at.
    checks: Vec<NotificationCheck>,
    /// What you may do with it.
    actions: Vec<AllowedAction>,
}

impl From<NotificationDetail> for NotificationWhole {
    fn from(detail: NotificationDetail) -> Self {
        let headers = detail
            .headers
            .into_iter()
            .map(|(name, value)| NotificationHeader { name, value });
        let checks = detail.checks.into_iter().map(|check| NotificationCheck {
            name: check.name.to_owned(),
            holds: check.holds,
        });
        Self {
            body: String::from_utf8_lossy(&detail.notice.body).into_owned(),
            notification: detail.notice.into(),
            headers: headers.collect(),
            checks: checks.collect(),
            actions: actions::shown(detail.actions),
        }
    }
}

#[OpenApi(tag = "Tag::Notifications")]
impl NotificationsApi {
    /// List notifications
    ///
    /// What WeChat told us, the newest first. The inbox is the platform's: a member of a tenant finds it empty. Needs
    /// the permission `notification:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(
        path = "/admin/v1/notifications",
        method = "get",
        operation_id = "listNotifications"
    )]
    async fn list_notifications(
        &self,
        auth: Reader,
        /// Only to this provider.
        provider_id: Query<Option<String>>,
        /// Only in this state.
        #[oai(name = "state")]
        notification_state: Query<Option<String>>,
        /// Only with this verdict.
        verdict: Query<Option<String>>,
        /// Only with WeChat's word for what happened.
        event_type: Query<Option<String>>,
        /// Only with WeChat's id.
        notice_id: Query<Option<String>>,
        /// Only about this order.
        order_id: Query<Option<String>>,
        /// Only at this time or later (RFC 3339).
        from: Query<Option<String>>,
        /// Only before this time (RFC 3339).
        to: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many notifications a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<NotificationPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let query = NotificationQuery {
            provider_id: given.parse(
                "provider_id",
                provider_id.0.as_deref(),
                str::parse::<ProviderId>,
            ),
            state: given.word(
                "state",
                notification_state.0.as_deref(),
                NotificationState::parse,
            ),
            verdict: given.short("verdict", verdict.0.as_deref()),
            event_type: given.short("event_type", event_type.0.as_deref()),
            notice_id: given.short("notice_id", notice_id.0.as_deref()),
            order_id: given.parse("order_id", order_id.0.as_deref(), str::parse::<OrderId>),
            from: given.time("from", from.0.as_deref()),
            to: given.time("to", to.0.as_deref()),
        };
        let place = given.place::<NotificationId>(cursor.0.as_deref());
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let found = operations
            .search_notifications(&viewer, &query, place.as_ref(), limit)
            .await?;
        Ok(Json(found.into()))
    }

    /// Read a notification
    ///
    /// With its headers, its body and what was checked. Needs the permission `notification:read`.
    #[oai(
        path = "/admin/v1/notifications/:notification_id",
        method = "get",
        operation_id = "getNotification"
    )]
    async fn get_notification(
        &self,
        auth: Reader,
        /// The id of the notification.
        notification_id: Path<String>,
    ) -> Result<Json<NotificationWhole>, Problem> {
        let call = auth.0;
        let id: NotificationId = path_id(&notification_id)?;
        let detail = call
            .operations
            .notification_detail(&call.viewer(), &id)
            .await?;
        Ok(Json(detail.into()))
    }

    /// Let a notification in again
    ///
    /// Through the same door as when it came. Needs the permission `notification:reprocess`.
    #[oai(
        path = "/admin/v1/notifications/:notification_id/reprocess",
        method = "post",
        operation_id = "reprocessNotification"
    )]
    async fn reprocess_notification(
        &self,
        auth: Reprocessor,
        /// The id of the notification.
        notification_id: Path<String>,
    ) -> Result<Json<NotificationWhole>, Problem> {
        let call = auth.0;
        let id: NotificationId = path_id(&notification_id)?;
        let detail = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations
                .reprocess_notification(&by, &viewer, &id)
                .await
        });
        Ok(Json(detail.await?.into()))
    }
}
