//! One search for everything that has a number or a name.

pub mod shapes;

use tributary_domain::endpoint::host_of;
use tributary_domain::ids::{DeliveryId, EndpointId, EventId, NotificationId, OrderId, TenantId};
use tributary_domain::order::Order;
use tributary_domain::refund::Refund;
use tributary_domain::staff::Permission;
use tributary_storage::lookups::{self, FoundMerchant};
use tributary_storage::printed_name::PrintedName;
use tributary_storage::{
    delivery_search, notification_search, order_search, provider_keys, refunds,
    tenant_certificates, tenants,
};

use crate::search::shapes::{Shape, fold, shapes};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// Things of one kind that one search shows.
const OF_ONE_KIND_MAX: u64 = 10;
/// Refunds of one order that a number is compared with.
const REFUNDS_LOOKED_AT_MAX: u64 = 50;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What kind of thing, such as `order`.
    pub kind: &'static str,
    /// Its id: where its page is.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Where it stands, or whose it is.
    pub note: String,
    /// By which kind of number or name it was found.
    pub matched: &'static str,
    /// Whose it is, when it is a tenant's.
    pub tenant_id: Option<TenantId>,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The text as it was understood.
    pub text: String,
    /// What it can be, the most certain first.
    pub shapes: Vec<Shape>,
    /// What was found, exact matches of the most certain shape first.
    pub hits: Vec<Hit>,
}

impl Operations {
    /// Looks a pasted text up, whatever it is. What the viewer may not read is not looked for.
    pub async fn search(&self, viewer: &Viewer, text: &str) -> Result<Found, OperationError> {
        let text = fold(text);
        let shapes = shapes(&text);
        let mut hits: Vec<Hit> = Vec::new();
        for shape in &shapes {
            for hit in self.look_up(viewer, *shape, &text).await? {
                let known = hits
                    .iter()
                    .any(|one| one.kind == hit.kind && one.id == hit.id);
                let seen = hit
                    .tenant_id
                    .as_ref()
                    .is_none_or(|tenant| viewer.sees(tenant));
                if !known && seen {
                    hits.push(hit);
                }
            }
        }
        Ok(Found { text, shapes, hits })
    }

    async fn look_up(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        match shape {
            Shape::OrderId
            | Shape::AttemptId
            | Shape::RefundId
            | Shape::TransactionId
            | Shape::WechatRefundId
            | Shape::Number => self.of_number(viewer, shape, text).await,
            Shape::RequestId => self.of_request(viewer, text).await,
            Shape::EventId => self.of_event(viewer, text).await,
            Shape::DeliveryId => self.of_delivery(viewer, text).await,
            Shape::EndpointId | Shape::Host => self.of_endpoint(viewer, shape, text).await,
            Shape::TenantId | Shape::Name => self.of_tenant(viewer, shape, text).await,
            Shape::SubMerchantId | Shape::Mchid | Shape::AppId => {
                self.of_merchant(viewer, shape, text).await
            }
            Shape::NotificationId => self.of_notification(viewer, text).await,
            Shape::PublicKeyId | Shape::CertificateSerial | Shape::Fingerprint => {
                self.of_key(viewer, shape, text).await
            }
            // What has no page of its own yet leads to the list that it stands in.
            Shape::LatePaymentId
            | Shape::ProviderId
            | Shape::AlarmId
            | Shape::DiscrepancyId
            | Shape::JobId => Ok(Vec::new()),
        }
    }

    async fn of_number(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        if !viewer.may(Permission::OrderRead) {
            return Ok(Vec::new());
        }
        let number = text
            .strip_prefix("att_")
            .filter(|_| shape == Shape::AttemptId);
        let orders = self.numbered_orders(viewer, number.unwrap_or(text)).await?;
        let mut hits = Vec::new();
        for order in &orders {
            let at = self.storage();
            let (tenant, id) = (&order.tenant_id, &order.id);
            let refunds = refunds::of_order(at, tenant, id, REFUNDS_LOOKED_AT_MAX).await?;
            hits.extend(refunds.iter().filter_map(|refund| refund_hit(refund, text)));
            hits.push(order_hit(order, text, shape));
        }
        Ok(hits)
    }

    async fn of_request(&self, viewer: &Viewer, text: &str) -> Result<Vec<Hit>, OperationError> {
        if !viewer.may(Permission::OrderRead) {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let found = lookups::orders_of_request_all_tenants(at, text, OF_ONE_KIND_MAX).await?;
        let mut hits = Vec::new();
        for (id, tenant) in found.iter().filter(|(_, tenant)| viewer.sees(tenant)) {
            let order = order_search::find(at, tenant, id).await?;
            hits.extend(order.map(|order| order_hit(&order, text, Shape::RequestId)));
        }
        Ok(hits)
    }

    async fn of_event(&self, viewer: &Viewer, text: &str) -> Result<Vec<Hit>, OperationError> {
        let Ok(id) = text.parse::<EventId>() else {
            return Ok(Vec::new());
        };
        if !viewer.may(Permission::OrderRead) {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let subjects = delivery_search::subjects_all_tenants(at, &[&id]).await?;
        let Some((_, subject)) = subjects.get(id.as_str()) else {
            return Ok(Vec::new());
        };
        let orders = self.numbered_orders(viewer, subject).await?;
        Ok(orders
            .iter()
            .map(|order| order_hit(order, text, Shape::EventId))
            .collect())
    }

    async fn of_delivery(&self, viewer: &Viewer, text: &str) -> Result<Vec<Hit>, OperationError> {
        let Ok(id) = text.parse::<DeliveryId>() else {
            return Ok(Vec::new());
        };
        if !viewer.may(Permission::WebhookRead) {
            return Ok(Vec::new());
        }
        let found = seen(self.delivery_seen(viewer, &id).await)?;
        let hit = found.map(|delivery| Hit {
            kind: "delivery",
            id: delivery.id.to_string(),
            title: delivery.event_kind,
            note: delivery.state.as_str().to_owned(),
            matched: Shape::DeliveryId.as_str(),
            tenant_id: Some(delivery.tenant_id),
        });
        Ok(hit.into_iter().collect())
    }

    async fn of_endpoint(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        if !viewer.may(Permission::WebhookRead) {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let found = if let Ok(id) = text.parse::<EndpointId>() {
            let endpoint = seen(self.endpoint_seen(viewer, &id).await)?;
            let found = endpoint.map(|one| (one.id, one.tenant_id, one.url));
            found.into_iter().collect()
        } else {
            let host = host_of(text);
            lookups::endpoints_of_host(at, viewer.tenant(), &host, OF_ONE_KIND_MAX).await?
        };
        let hits = found.into_iter().map(|(id, tenant, url)| Hit {
            kind: "endpoint",
            id: id.to_string(),
            title: url,
            note: tenant.to_string(),
            matched: shape.as_str(),
            tenant_id: Some(tenant),
        });
        Ok(hits.collect())
    }

    async fn of_tenant(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        if !viewer.may(Permission::TenantRead) {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let found = match text.parse::<TenantId>() {
            Ok(id) => {
                let tenant = tenants::find(at, &id).await?;
                tenant
                    .into_iter()
                    .map(|tenant| (tenant.id, tenant.name))
                    .collect()
            }
            Err(_) => lookups::tenants_of_name(at, viewer.tenant(), text, OF_ONE_KIND_MAX).await?,
        };
        let hits = found.into_iter().map(|(id, name)| Hit {
            kind: "tenant",
            id: id.to_string(),
            title: name,
            note: String::new(),
            matched: shape.as_str(),
            tenant_id: Some(id),
        });
        Ok(hits.collect())
    }

    async fn of_merchant(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        if !viewer.may(Permission::TenantRead) {
            return Ok(Vec::new());
        }
        let at = self.storage();
        let found = match shape {
            Shape::Mchid => {
                lookups::merchants_of_number(at, viewer.tenant(), text, OF_ONE_KIND_MAX).await?
            }
            Shape::AppId => {
                lookups::merchants_of_app(at, viewer.tenant(), text, OF_ONE_KIND_MAX).await?
            }
            _ => {
                let found = lookups::merchant_all_tenants(at, text).await?;
                found.into_iter().collect()
            }
        };
        let hit = |merchant: FoundMerchant| Hit {
            kind: "sub_merchant",
            id: merchant.id,
            title: merchant.name,
            note: format!("{} {}", merchant.sub_mchid, merchant.mode),
            matched: shape.as_str(),
            tenant_id: Some(merchant.tenant_id),
        };
        Ok(found.into_iter().map(hit).collect())
    }

    /// Keys of providers, which are nobody's tenant's affair, and certificates of tenants.
    async fn of_key(
        &self,
        viewer: &Viewer,
        shape: Shape,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        let (at, name) = (self.storage(), PrintedName::new(text));
        let mut hits = Vec::new();
        if viewer.may(Permission::ProviderRead) && viewer.tenant().is_none() {
            let keys = provider_keys::printed(at, &name, OF_ONE_KIND_MAX).await?;
            hits.extend(keys.into_iter().map(|key| Hit {
                kind: "provider_key",
                id: key.id.to_string(),
                title: key.serial,
                note: format!(
                    "{} {} {}",
                    key.kind.as_str(),
                    key.state.as_str(),
                    key.provider_id
                ),
                matched: shape.as_str(),
                tenant_id: None,
            }));
        }
        if viewer.may(Permission::CredentialRead) {
            let found = tenant_certificates::printed(at, viewer.tenant(), &name, OF_ONE_KIND_MAX);
            hits.extend(found.await?.into_iter().map(|certificate| Hit {
                kind: "tenant_certificate",
                id: certificate.id.to_string(),
                title: certificate.name,
                note: certificate.serial,
                matched: shape.as_str(),
                tenant_id: Some(certificate.tenant_id),
            }));
        }
        Ok(hits)
    }

    async fn of_notification(
        &self,
        viewer: &Viewer,
        text: &str,
    ) -> Result<Vec<Hit>, OperationError> {
        let may = viewer.may(Permission::NotificationRead) && viewer.tenant().is_none();
        let Some(id) = text.parse::<NotificationId>().ok().filter(|_| may) else {
            return Ok(Vec::new());
        };
        let found = notification_search::find_all_tenants(self.storage(), &id).await?;
        let hit = found.map(|notice| Hit {
            kind: "notification",
            id: notice.id.to_string(),
            title: notice.event_type,
            note: notice.state.as_str().to_owned(),
            matched: Shape::NotificationId.as_str(),
            tenant_id: None,
        });
        Ok(hit.into_iter().collect())
    }
}

/// What is not seen is not found, and that is no failure here.
fn seen<T>(found: Result<T, OperationError>) -> Result<Option<T>, OperationError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(OperationError::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

fn order_hit(order: &Order, text: &str, shape: Shape) -> Hit {
    let paid = order.payment.as_ref();
    let matched = if order.content.merchant_order_no.as_str() == text {
        "merchant_order_no"
    } else if paid.is_some_and(|payment| payment.transaction_id == text) {
        Shape::TransactionId.as_str()
    } else if shape == Shape::Number {
        "out_trade_no"
    } else {
        shape.as_str()
    };
    Hit {
        kind: "order",
        id: OrderId::to_string(&order.id),
        title: order.content.merchant_order_no.to_string(),
        note: order.state.as_str().to_owned(),
        matched,
        tenant_id: Some(order.tenant_id.clone()),
    }
}

/// A refund that the number itself names, and not only its order.
fn refund_hit(refund: &Refund, text: &str) -> Option<Hit> {
    let matched = if refund.id.as_str() == text {
        Shape::RefundId.as_str()
    } else if refund.content.merchant_refund_no.as_str() == text {
        "merchant_refund_no"
    } else if refund.out_refund_no.as_str() == text {
        "out_refund_no"
    } else if refund.facts.refund_id.as_deref() == Some(text) {
        Shape::WechatRefundId.as_str()
    } else {
        return None;
    };
    Some(Hit {
        kind: "refund",
        id: refund.id.to_string(),
        title: refund.content.merchant_refund_no.to_string(),
        note: refund.state.as_str().to_owned(),
        matched,
        tenant_id: Some(refund.tenant_id.clone()),
    })
}
