//! Deliveries and endpoints as staff and members of a tenant look for them, and what they do with them.

use serde_json::{Value, json};
use tributary_domain::audit::AuditScope;
use tributary_domain::clock::Timestamp;
use tributary_domain::delivery::Delivery;
use tributary_domain::endpoint::{Endpoint, EndpointState};
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, OrderId, RefundId};
use tributary_domain::staff::{Actor, Permission};
use tributary_storage::deliveries::{self, LoggedAttempt};
pub use tributary_storage::delivery_search::{DeliveryQuery, EndpointQuery, Subject};
use tributary_storage::{delivery_search, endpoints, lookups};

use crate::actions::{Action, WhyNot, action};
use crate::audit::{self, Act};
use crate::endpoints::EndpointView;
use crate::order_search::distinct;
use crate::pages::{Place, Searched, check_limit, placed};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// A delivery in a list.
#[derive(Clone, Debug)]
pub struct ListedDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// The tenant's name.
    pub tenant_name: String,
    /// What it tells about; absent when the event is gone.
    pub subject: Option<Subject>,
}

/// A delivery whole.
#[derive(Clone, Debug)]
pub struct InspectedDelivery {
    /// As in a list.
    pub listed: ListedDelivery,
    /// Its endpoint's URL; absent when the endpoint is gone.
    pub url: Option<String>,
    /// Its attempts, first to last.
    pub attempts: Vec<LoggedAttempt>,
    /// What it carries, payers masked for who may not see them.
    pub body: Option<Value>,
    /// What may be done with it.
    pub actions: Vec<Action>,
}

/// An endpoint in a list.
#[derive(Clone, Debug)]
pub struct ListedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The tenant's name.
    pub tenant_name: String,
    /// How many deliveries wait for it.
    pub waiting: i64,
    /// Since when the oldest of them is due.
    pub oldest_due_at: Option<Timestamp>,
}

/// An endpoint whole.
#[derive(Clone, Debug)]
pub struct EndpointDetail {
    /// As in a list.
    pub listed: ListedEndpoint,
    /// As its tenant sees it, with the fingerprints of its secrets.
    pub view: EndpointView,
    /// What may be done with it.
    pub actions: Vec<Action>,
}

impl Operations {
    /// Looks for deliveries, newest first. Needs `webhook:read`.
    pub async fn search_deliveries(
        &self,
        viewer: &Viewer,
        query: &DeliveryQuery,
        place: Option<&Place>,
        limit: Option<u64>,
    ) -> Result<Searched<ListedDelivery>, OperationError> {
        viewer.require(Permission::WebhookRead)?;
        let limit = check_limit(limit)?;
        let at = self.storage();
        let query = match self.with_owner_of_subject(viewer, query).await {
            // Nothing was told of what is not there.
            Err(OperationError::NotFound) => return Ok(placed(Vec::new(), None, self.now())),
            other => &other?,
        };
        let found = match viewer.tenant() {
            Some(tenant) => delivery_search::search(at, tenant, query, place, limit).await?,
            None => delivery_search::search_all_tenants(at, query, place, limit).await?,
        };
        let listed = self.listed_deliveries(found.items).await?;
        Ok(placed(listed, found.next, self.now()))
    }

    /// Shows a delivery whole. Needs `webhook:read`.
    pub async fn inspect_delivery(
        &self,
        viewer: &Viewer,
        id: &DeliveryId,
    ) -> Result<InspectedDelivery, OperationError> {
        viewer.require(Permission::WebhookRead)?;
        let delivery = self.delivery_seen(viewer, id).await?;
        let (at, tenant) = (self.storage(), delivery.tenant_id.clone());
        let attempts = deliveries::attempts(at, &tenant, id).await?;
        let endpoint =
            delivery_search::find_endpoint_all_tenants(at, &delivery.endpoint_id).await?;
        let body = self.shown_body(viewer, &delivery).await?;
        let actions = vec![action(
            viewer,
            "replay",
            Permission::WebhookReplay,
            replay_refused(endpoint.as_ref(), &delivery.event_kind),
        )];
        let mut listed = self.listed_deliveries(vec![delivery]).await?;
        let listed = listed.pop().ok_or(OperationError::NotFound)?;
        Ok(InspectedDelivery {
            listed,
            url: endpoint.map(|endpoint| endpoint.url),
            attempts,
            body,
            actions,
        })
    }

    /// Sends a delivery again now: the same id and bytes, a fresh timestamp. Needs `webhook:replay`.
    pub async fn replay_delivery(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &DeliveryId,
    ) -> Result<InspectedDelivery, OperationError> {
        viewer.require(Permission::WebhookReplay)?;
        let delivery = self.delivery_seen(viewer, id).await?;
        let tx = self.storage().begin().await?;
        self.resend_in(&tx, &delivery.tenant_id, delivery.mode, id)
            .await?;
        let act = Act {
            before: Some(json!({ "state": delivery.state.as_str() })),
            ..Act::new(
                AuditScope::Tenant(delivery.tenant_id.clone()),
                "delivery.replayed",
                id.as_str(),
            )
        };
        audit::record(&tx, by, act, self.now()).await?;
        tx.commit().await?;
        self.inspect_delivery(viewer, id).await
    }

    /// Lists endpoints, newest first. Needs `webhook:read`.
    pub async fn search_endpoints(
        &self,
        viewer: &Viewer,
        query: &EndpointQuery,
        before: Option<&EndpointId>,
        limit: Option<u64>,
    ) -> Result<Searched<ListedEndpoint>, OperationError> {
        viewer.require(Permission::WebhookRead)?;
        let limit = check_limit(limit)?;
        let (at, longer) = (self.storage(), limit.saturating_add(1));
        let mut found = match viewer.tenant() {
            Some(tenant) => delivery_search::endpoints(at, tenant, query, before, longer).await?,
            None => delivery_search::endpoints_all_tenants(at, query, before, longer).await?,
        };
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let last = found.last().filter(|_| more);
        let next = last.map(|endpoint| Place {
            at: None,
            id: endpoint.id.to_string(),
        });
        let listed = self.listed_endpoints(found).await?;
        Ok(placed(listed, next, self.now()))
    }

    /// Shows an endpoint whole. Needs `webhook:read`.
    pub async fn endpoint_detail(
        &self,
        viewer: &Viewer,
        id: &EndpointId,
    ) -> Result<EndpointDetail, OperationError> {
        viewer.require(Permission::WebhookRead)?;
        let endpoint = self.endpoint_seen(viewer, id).await?;
        let view = self.view_of(&endpoint).await?;
        let actions = endpoint_actions(viewer, endpoint.state);
        let mut listed = self.listed_endpoints(vec![endpoint]).await?;
        let listed = listed.pop().ok_or(OperationError::NotFound)?;
        Ok(EndpointDetail {
            listed,
            view,
            actions,
        })
    }

    /// Pauses, disables or serves an endpoint again; what waits is held, what is held is released. Needs
    /// `webhook:write`.
    pub async fn set_endpoint_state(
        &self,
        by: &Actor,
        viewer: &Viewer,
        id: &EndpointId,
        state: EndpointState,
    ) -> Result<EndpointDetail, OperationError> {
        viewer.require(Permission::WebhookWrite)?;
        let known = self.endpoint_seen(viewer, id).await?;
        let (tenant, mode, now) = (&known.tenant_id, known.mode, self.now());
        let tx = self.storage().begin().await?;
        let before = endpoints::lock(&tx, tenant, mode, id).await?;
        let before = before.ok_or(OperationError::NotFound)?;
        let manual = state == EndpointState::Disabled;
        let after = Endpoint {
            state,
            disabled_reason: manual.then(|| "manual".to_owned()),
            updated_at: now,
            ..before.clone()
        };
        endpoints::update(&tx, &after).await?;
        match (before.state.is_served(), after.state.is_served()) {
            (true, false) => {
                deliveries::hold_waiting(&tx, tenant, id).await?;
            }
            (false, true) => {
                deliveries::release_held(&tx, tenant, id).await?;
            }
            _ => {}
        }
        let act = Act {
            before: Some(json!({ "state": before.state.as_str() })),
            after: Some(json!({ "state": after.state.as_str() })),
            ..Act::new(
                AuditScope::Tenant(tenant.clone()),
                "endpoint.state.changed",
                id.as_str(),
            )
        };
        audit::record(&tx, by, act, now).await?;
        tx.commit().await?;
        self.endpoint_detail(viewer, id).await
    }

    pub(crate) async fn delivery_seen(
        &self,
        viewer: &Viewer,
        id: &DeliveryId,
    ) -> Result<Delivery, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => delivery_search::find(at, tenant, id).await?,
            None => delivery_search::find_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    pub(crate) async fn endpoint_seen(
        &self,
        viewer: &Viewer,
        id: &EndpointId,
    ) -> Result<Endpoint, OperationError> {
        let at = self.storage();
        let found = match viewer.tenant() {
            Some(tenant) => delivery_search::find_endpoint(at, tenant, id).await?,
            None => delivery_search::find_endpoint_all_tenants(at, id).await?,
        };
        found.ok_or(OperationError::NotFound)
    }

    /// Events are indexed by their tenant, so a subject needs its owner.
    async fn with_owner_of_subject(
        &self,
        viewer: &Viewer,
        query: &DeliveryQuery,
    ) -> Result<DeliveryQuery, OperationError> {
        let mut query = query.clone();
        let Some(subject) = &query.subject else {
            return Ok(query);
        };
        let order: Option<OrderId> = subject.parse().ok();
        let refund: Option<RefundId> = subject.parse().ok();
        if let Some(order) = order {
            query.tenant_id = Some(self.order_seen(viewer, &order).await?.tenant_id);
        } else if let Some(refund) = refund {
            query.tenant_id = Some(self.refund_seen(viewer, &refund).await?.tenant_id);
        }
        Ok(query)
    }

    async fn listed_deliveries(
        &self,
        deliveries: Vec<Delivery>,
    ) -> Result<Vec<ListedDelivery>, OperationError> {
        let at = self.storage();
        let tenants = distinct(deliveries.iter().map(|delivery| &delivery.tenant_id));
        let names = lookups::tenant_names_all_tenants(at, &tenants).await?;
        let events: Vec<&EventId> = deliveries
            .iter()
            .map(|delivery| &delivery.event_id)
            .collect();
        let subjects = delivery_search::subjects_all_tenants(at, &events).await?;
        let listed = deliveries.into_iter().map(|delivery| ListedDelivery {
            tenant_name: names
                .get(delivery.tenant_id.as_str())
                .cloned()
                .unwrap_or_default(),
            subject: subjects.get(delivery.event_id.as_str()).cloned(),
            delivery,
        });
        Ok(listed.collect())
    }

    async fn listed_endpoints(
        &self,
        endpoints: Vec<Endpoint>,
    ) -> Result<Vec<ListedEndpoint>, OperationError> {
        let at = self.storage();
        let tenants = distinct(endpoints.iter().map(|endpoint| &endpoint.tenant_id));
        let names = lookups::tenant_names_all_tenants(at, &tenants).await?;
        let ids: Vec<&EndpointId> = endpoints.iter().map(|endpoint| &endpoint.id).collect();
        let waiting = delivery_search::waiting_all_tenants(at, &ids).await?;
        let listed = endpoints.into_iter().map(|endpoint| {
            let waits = waiting.get(endpoint.id.as_str());
            ListedEndpoint {
                tenant_name: names
                    .get(endpoint.tenant_id.as_str())
                    .cloned()
                    .unwrap_or_default(),
                waiting: waits.map_or(0, |(count, _)| *count),
                oldest_due_at: waits.map(|(_, oldest)| Timestamp::from_millis(*oldest)),
                endpoint,
            }
        });
        Ok(listed.collect())
    }

    /// The body of a delivery's event; who may not see payers sees them masked.
    async fn shown_body(
        &self,
        viewer: &Viewer,
        delivery: &Delivery,
    ) -> Result<Option<Value>, OperationError> {
        let (at, tenant) = (self.storage(), &delivery.tenant_id);
        let found = delivery_search::body(at, tenant, &delivery.event_id).await?;
        let Some((full, _)) = found else {
            return Ok(None);
        };
        let parsed: Option<Value> = serde_json::from_str(&full).ok();
        Ok(parsed.map(|mut body| {
            mask_payers(viewer, &mut body);
            body
        }))
    }
}

/// Replaces every openid in a body by what the viewer may see.
fn mask_payers(viewer: &Viewer, body: &mut Value) {
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(openid) if name.ends_with("openid") => {
                        *openid = viewer.payer(openid);
                    }
                    other => mask_payers(viewer, other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_payers(viewer, item)),
        _ => {}
    }
}

fn replay_refused(endpoint: Option<&Endpoint>, event_kind: &str) -> Option<WhyNot> {
    let Some(endpoint) = endpoint else {
        return Some(WhyNot::new(
            "endpoint_gone",
            "端点已删除。",
            "The endpoint was removed.",
        ));
    };
    if !endpoint.state.is_served() {
        return Some(WhyNot::new(
            "endpoint_not_served",
            "端点未启用。",
            "The endpoint is not served.",
        ));
    }
    let wanted = tributary_domain::endpoint::any_filter_matches(&endpoint.filters, event_kind);
    (!wanted && event_kind != "ping").then(|| {
        WhyNot::new(
            "not_subscribed",
            "端点不再订阅此类事件。",
            "The endpoint no longer listens to events of this type.",
        )
    })
}

fn endpoint_actions(viewer: &Viewer, state: EndpointState) -> Vec<Action> {
    let already = || {
        WhyNot::new(
            "already",
            "端点已处于该状态。",
            "The endpoint is in this state.",
        )
    };
    let refused = |is: bool| is.then(already);
    let write = Permission::WebhookWrite;
    vec![
        action(
            viewer,
            "pause",
            write,
            refused(state == EndpointState::Paused),
        ),
        action(viewer, "resume", write, refused(state.is_served())),
        action(
            viewer,
            "disable",
            write,
            refused(state == EndpointState::Disabled),
        ),
        action(viewer, "recover", Permission::WebhookRecover, None),
    ]
}

#[cfg(test)]
mod tests {
    use tributary_domain::staff::Role;

    use super::*;
    use crate::viewer::Reach;

    #[test]
    fn openids_are_masked_wherever_they_stand_in_a_body() {
        let support = Viewer::of_roles(Reach::Platform, &[Role::Support]);
        let openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
        let mut body = json!({"data": [{"payer": {"sub_openid": openid}}], "total": 1});
        mask_payers(&support, &mut body);
        assert_eq!(body["data"][0]["payer"]["sub_openid"], "oUpF****eS6o");
        assert_eq!(body["total"], 1);
    }
}
