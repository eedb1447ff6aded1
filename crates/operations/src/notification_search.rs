//! WeChat's notifications as staff look for them: what came, what became of it, which check failed, and once more.

use std::collections::BTreeMap;

use serde_json::json;
use tributary_domain::audit::AuditScope;
use tributary_domain::ids::NotificationId;
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::notification_search;
pub use tributary_storage::notification_search::NotificationQuery;
pub use tributary_storage::notifications::{NotificationState, StoredNotification};
use wechatpay::v3::notification::Envelope;
use wechatpay::v3::verification::{self, SignatureHeaders};

use crate::actions::{Action, WhyNot, action};
use crate::audit::{self, Act};
use crate::notifications::KIND_ECHO;
use crate::pages::{Place, Searched, check_limit, placed};
use crate::providers::open::OpenedRing;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// One thing that must be true of a notification before it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which, in a stable word.
    pub name: &'static str,
    /// Whether it holds with the keys of today; absent when an earlier one failed.
    pub holds: Option<bool>,
}

/// A notification whole.
#[derive(Clone, Debug)]
pub struct NotificationDetail {
    /// The notification.
    pub notice: StoredNotification,
    /// The headers that came with it.
    pub headers: BTreeMap<String, String>,
    /// What must be true of it, in the order in which it is looked at.
    pub checks: Vec<Check>,
    /// What may be done with it.
    pub actions: Vec<Action>,
}

impl Operations {
    /// Looks for notifications, newest first. Needs `notification:read`; the inbox is the platform's.
    pub async fn search_notifications(
        &self,
        viewer: &Viewer,
        query: &NotificationQuery,
        place: Option<&Place>,
        limit: Option<u64>,
    ) -> Result<Searched<StoredNotification>, OperationError> {
        viewer.require(Permission::NotificationRead)?;
        let limit = check_limit(limit)?;
        if viewer.tenant().is_some() {
            return Ok(placed(Vec::new(), None, self.now()));
        }
        let at = self.storage();
        let found = notification_search::search_all_tenants(at, query, place, limit).await?;
        Ok(placed(found.items, found.next, self.now()))
    }

    /// Shows a notification whole. Needs `notification:read`.
    pub async fn notification_detail(
        &self,
        viewer: &Viewer,
        id: &NotificationId,
    ) -> Result<NotificationDetail, OperationError> {
        viewer.require(Permission::NotificationRead)?;
        let notice = self.notification_seen(viewer, id).await?;
        // Not the client: a provider without a key to sign with is told things, too.
        let ring = self.ring(&notice.provider_id).await?;
        let headers: BTreeMap<String, String> =
            serde_json::from_str(&notice.headers).unwrap_or_default();
        let checks = checks(&ring, &headers, &notice);
        let actions = vec![action(
            viewer,
            "reprocess",
            Permission::NotificationReprocess,
            reprocess_refused(&notice),
        )];
        Ok(NotificationDetail {
            notice,
            headers,
            checks,
            actions,
        })
    }

    /// Lets a kept notification in once more, through the one door. Needs `notification:reprocess`.
    pub async fn reprocess_notification(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &NotificationId,
    ) -> Result<NotificationDetail, OperationError> {
        viewer.require(Permission::NotificationReprocess)?;
        let notice = self.notification_seen(viewer, id).await?;
        if reprocess_refused(&notice).is_some() {
            let state = notice.state.as_str().to_owned();
            return Err(OperationError::StateConflict { state });
        }
        let act = Act {
            before: Some(json!({ "state": notice.state.as_str(), "verdict": notice.verdict })),
            ..Act::new(
                AuditScope::Platform,
                "notification.reprocessed",
                notice.id.as_str(),
            )
        };
        let tx = self.storage().begin().await?;
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        match self.apply_kept(&notice).await {
            // It is as unreadable as it was: the checks say in which way.
            Ok(()) | Err(OperationError::Internal(_)) => {}
            Err(error) => return Err(error),
        }
        self.notification_detail(viewer, id).await
    }

    async fn notification_seen(
        &self,
        viewer: &Viewer,
        id: &NotificationId,
    ) -> Result<StoredNotification, OperationError> {
        let found = notification_search::find_all_tenants(self.storage(), id).await?;
        let seen = found.filter(|_| viewer.tenant().is_none());
        seen.ok_or(OperationError::NotFound)
    }
}

fn reprocess_refused(notice: &StoredNotification) -> Option<WhyNot> {
    (notice.state == NotificationState::Applied)
        .then(|| WhyNot::new("applied", "通知已处理。", "The notification was applied."))
}

/// What the receiver looks at, looked at again.
fn checks(
    ring: &OpenedRing,
    headers: &BTreeMap<String, String>,
    notice: &StoredNotification,
) -> Vec<Check> {
    let header = |name: &str| {
        let known = headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| value.as_str())
    };
    let signed = SignatureHeaders::from_fn(header);
    let received = notice.received_at.as_seconds();
    // What a key under test signed is kept only when it is the callback of a self-test.
    let is_echo = notice.verdict.as_deref() == Some(KIND_ECHO);
    let keys = if is_echo {
        &ring.with_testing
    } else {
        &ring.trusted
    };
    let signature = verification::verify(keys, &signed, &notice.body, received).is_ok();
    let envelope = Envelope::parse(&notice.body).ok();
    let decrypts = envelope
        .as_ref()
        .is_some_and(|envelope| ring.decrypt(envelope).is_some());
    let was_routed = is_echo || notice.order_id.is_some();
    let applied = notice.state == NotificationState::Applied;
    let mut failed = false;
    let all = [
        ("signature", signature),
        ("envelope", envelope.is_some()),
        ("decryption", decrypts),
        ("routing", was_routed),
        ("comparison", applied),
    ];
    all.map(|(name, holds)| {
        let shown = (!failed).then_some(holds);
        failed = failed || !holds;
        Check { name, holds: shown }
    })
    .to_vec()
}
