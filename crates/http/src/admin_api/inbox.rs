//! What waits for a person: alarms, and money that is held.

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde_json::Value;
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{AlarmId, LatePaymentId};
use tributary_domain::late_payment::{LateDecision, LatePayment, LatePaymentState};
use tributary_domain::staff::Permission;
use tributary_operations::inbox::{AlarmFilter, AlarmState, SeenAlarm};
use tributary_operations::late_payments::Ruling;
use tributary_operations::pages::Page;

use super::Tag;
use super::guards::May;
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::tenant_api::path_id;

type OrderReader = May<{ Permission::OrderRead as usize }>;
type OrderAsker = May<{ Permission::OrderQuery as usize }>;
type Decider = May<{ Permission::LatePaymentDecide as usize }>;

/// The operations on what waits.
pub(crate) struct InboxApi;

/// How much waits for you; each is counted up to 1,000.
#[derive(Debug, Object)]
struct Inbox {
    /// Open alarms.
    alarms: u64,
    /// Held money to be decided about.
    held_payments: u64,
}

/// Something that a person must look at.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AlarmObject {
    /// Its id: `alm_…`.
    id: String,
    /// Always `alarm`.
    object: String,
    /// What kind, in a stable word.
    kind: String,
    /// `open` or `resolved`.
    state: String,
    /// Whose, when known.
    tenant_id: Option<String>,
    /// Through which provider, when known.
    provider_id: Option<String>,
    /// About which order, when known.
    order_id: Option<String>,
    /// What was seen.
    detail: Value,
    /// When it was raised (RFC 3339).
    raised_at: String,
    /// When somebody looked (RFC 3339).
    resolved_at: Option<String>,
    /// Who, as the audit log names people.
    resolved_by: Option<String>,
    /// What became of it.
    resolution: Option<String>,
}

impl From<SeenAlarm> for AlarmObject {
    fn from(seen: SeenAlarm) -> Self {
        let alarm = seen.alarm;
        Self {
            id: alarm.id.to_string(),
            object: String::from("alarm"),
            kind: alarm.kind,
            state: seen.state.as_str().to_owned(),
            tenant_id: alarm.tenant_id.map(|id| id.to_string()),
            provider_id: alarm.provider_id.map(|id| id.to_string()),
            order_id: alarm.order_id.map(|id| id.to_string()),
            detail: serde_json::from_str(&alarm.detail).unwrap_or(Value::String(alarm.detail)),
            raised_at: alarm.raised_at.to_rfc3339(),
            resolved_at: seen.resolved_at.map(Timestamp::to_rfc3339),
            resolved_by: seen.resolved_by,
            resolution: seen.resolution,
        }
    }
}

/// A page of alarms, the newest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct AlarmPage {
    /// Always `list`.
    object: String,
    /// The alarms.
    data: Vec<AlarmObject>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

/// What became of an alarm.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct Resolution {
    /// In your words.
    resolution: String,
}

/// Money that came late, twice, or with another amount.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct LatePaymentObject {
    /// Its id: `lpm_…`.
    id: String,
    /// Always `late_payment`.
    object: String,
    /// `live` or `test`.
    mode: String,
    /// Whose it is.
    tenant_id: String,
    /// The order that it was meant for.
    order_id: String,
    /// `paid_late`, `duplicate_paid` or `amount_mismatch`.
    kind: String,
    /// `held`, `accepted`, `refunding` or `refunded`.
    state: String,
    /// WeChat's number of the payment.
    transaction_id: String,
    /// What came in, in fen.
    total: i64,
    /// When the payer paid (RFC 3339).
    paid_at: String,
    /// Who decided: `policy` or a person.
    decided_by: Option<String>,
    /// Why.
    reason: Option<String>,
    /// The refund that gives it back.
    refund_id: Option<String>,
    /// When we learned of it (RFC 3339).
    created_at: String,
    /// When it last changed (RFC 3339).
    updated_at: String,
}

impl From<LatePayment> for LatePaymentObject {
    fn from(late: LatePayment) -> Self {
        Self {
            id: late.id.to_string(),
            object: String::from("late_payment"),
            mode: late.mode.as_str().to_owned(),
            tenant_id: late.tenant_id.to_string(),
            order_id: late.order_id.to_string(),
            kind: late.kind.as_str().to_owned(),
            state: late.state.as_str().to_owned(),
            transaction_id: late.transaction_id,
            total: late.total.as_i64(),
            paid_at: late.success_time.to_rfc3339(),
            decided_by: late.decided_by,
            reason: late.reason,
            refund_id: late.refund_id.map(|id| id.to_string()),
            created_at: late.created_at.to_rfc3339(),
            updated_at: late.updated_at.to_rfc3339(),
        }
    }
}

/// A page of late payments, the oldest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct LatePaymentPage {
    /// Always `list`.
    object: String,
    /// The payments.
    data: Vec<LatePaymentObject>,
    /// Whether there are more.
    has_more: bool,
    /// Names the next page.
    next_cursor: Option<String>,
}

impl From<Page<LatePayment>> for LatePaymentPage {
    fn from(page: Page<LatePayment>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

/// What is to become of held money.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct PaymentDecision {
    /// `accept` or `refund`.
    decision: String,
    /// Why, in your words.
    reason: String,
}

#[OpenApi(tag = "Tag::Inbox")]
impl InboxApi {
    /// Count what waits
    ///
    /// Needs the permission `order:read`.
    #[oai(path = "/admin/v1/inbox", method = "get", operation_id = "getInbox")]
    async fn get_inbox(&self, auth: OrderReader) -> Result<Json<Inbox>, Problem> {
        let call = auth.0;
        let counts = call.operations.inbox_counts(&call.viewer()).await?;
        Ok(Json(Inbox {
            alarms: counts.alarms,
            held_payments: counts.held_payments,
        }))
    }

    /// List alarms
    ///
    /// The newest first; a member of a tenant sees those about it. Needs the permission `order:read`.
    #[oai(path = "/admin/v1/alarms", method = "get", operation_id = "listAlarms")]
    async fn list_alarms(
        &self,
        auth: OrderReader,
        /// `open`, unless `resolved` is asked for.
        #[oai(name = "state")]
        alarm_state: Query<Option<String>>,
        /// Only of this kind.
        kind: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many alarms a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<AlarmPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let state = given.word("state", alarm_state.0.as_deref(), AlarmState::parse);
        let filter = AlarmFilter {
            state: state.unwrap_or(AlarmState::Open),
            kind: given.short("kind", kind.0.as_deref()),
        };
        let before = given.parse("cursor", cursor.0.as_deref(), str::parse::<AlarmId>);
        given.finish()?;
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let page = operations
            .list_alarms(&viewer, &filter, before.as_ref(), limit)
            .await?;
        Ok(Json(AlarmPage {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Resolve an alarm
    ///
    /// Says what became of it, once. Needs the permission `order:query`.
    #[oai(
        path = "/admin/v1/alarms/:alarm_id/resolve",
        method = "post",
        operation_id = "resolveAlarm"
    )]
    async fn resolve_alarm(
        &self,
        auth: OrderAsker,
        /// The id of the alarm.
        alarm_id: Path<String>,
        body: JsonBody<Resolution>,
    ) -> Result<Json<AlarmObject>, Problem> {
        let call = auth.0;
        let id: AlarmId = path_id(&alarm_id)?;
        let words = body.value.resolution;
        let resolved = to_completion(async move {
            let (by, viewer) = (call.caller.actor(), call.viewer());
            call.operations
                .resolve_alarm(&by, &viewer, &id, &words)
                .await
        });
        Ok(Json(resolved.await?.into()))
    }

    /// List late payments
    ///
    /// The oldest first. Needs the permission `order:read`.
    #[oai(
        path = "/admin/v1/late-payments",
        method = "get",
        operation_id = "listLatePayments"
    )]
    async fn list_late_payments(
        &self,
        auth: OrderReader,
        /// `held`, unless another is asked for.
        #[oai(name = "state")]
        payment_state: Query<Option<String>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many payments a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<LatePaymentPage>, Problem> {
        let call = auth.0;
        let mut given = Parameters::default();
        let state = given.word("state", payment_state.0.as_deref(), LatePaymentState::parse);
        let after = given.parse("cursor", cursor.0.as_deref(), str::parse::<LatePaymentId>);
        given.finish()?;
        let state = state.unwrap_or(LatePaymentState::Held);
        let limit = Some(Limit::or_default(limit.0));
        let (operations, viewer) = (&call.operations, call.viewer());
        let page = operations
            .late_payments_in(&viewer, state, after.as_ref(), limit)
            .await?;
        Ok(Json(page.into()))
    }

    /// Decide about held money
    ///
    /// It is accepted, or goes back as a whole. Needs the permission `late_payment:decide` and a fresh proof.
    #[oai(
        path = "/admin/v1/late-payments/:late_payment_id/decide",
        method = "post",
        operation_id = "decideLatePayment"
    )]
    async fn decide_late_payment(
        &self,
        auth: Decider,
        /// The id of the late payment.
        late_payment_id: Path<String>,
        body: JsonBody<PaymentDecision>,
    ) -> Result<Json<LatePaymentObject>, Problem> {
        let call = auth.0;
        let id: LatePaymentId = path_id(&late_payment_id)?;
        call.caller.require_proof()?;
        let read = |text: &str| match text {
            "accept" => Some(LateDecision::Accept),
            "refund" => Some(LateDecision::Refund),
            _ => None,
        };
        let mut given = Parameters::default();
        let decision = given.word("/decision", Some(&body.value.decision), read);
        given.finish()?;
        let ruling = Ruling {
            decision: decision.unwrap_or(LateDecision::Hold),
            decided_by: call.caller.staff_id.to_string(),
            reason: body.value.reason,
        };
        let decided = to_completion(async move {
            let (by, operations) = (&call.caller, &call.operations);
            let late = operations.late_payment(&call.viewer(), &id).await?;
            operations
                .decide_late_payment(by, &late.tenant_id, &id, &ruling)
                .await
        });
        Ok(Json(decided.await?.into()))
    }
}
