//! The events feed: everything a tenant was told, in an order without holes.

use std::borrow::Cow;

use poem_openapi::param::{Path, Query};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{Object, OpenApi};
use serde_json::Value;
use tributary_domain::cursor::read_feed_place;
use tributary_domain::event::filter_is_known;
use tributary_domain::ids::EventId;
use tributary_domain::tenant::Scope;
use tributary_operations::feed::EventView;
use tributary_operations::pages::Page;

use super::{Tag, path_id};
use crate::auth::Authenticated;
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;

/// The operations on events.
pub(crate) struct EventsApi;

/// What happened. Webhooks carry the same object.
#[derive(Debug, Object)]
#[oai(rename = "Event", skip_serializing_if_is_none)]
struct EventDocument {
    /// `evt_…`, the same in the feed, in every webhook and in every repetition of it.
    id: String,
    /// What happened.
    r#type: String,
    /// When it happened (RFC 3339).
    timestamp: String,
    /// The version of this format.
    api_version: String,
    /// Whether it concerns real money.
    livemode: bool,
    /// Whom it is for.
    tenant_id: String,
    /// What it is about.
    subject: EventSubject,
    /// Which event about this subject, counted from 1: events may arrive late or twice, never renumbered.
    seq: i64,
    /// How we learned of it: `api`, `notification`, `query`, `reconciliation` or `system`.
    source: String,
    /// The object.
    data: EventData,
    /// Its place in the feed; webhooks do not carry it.
    feed_seq: Option<i64>,
}

/// What an event is about.
#[derive(Debug, Object)]
struct EventSubject {
    /// `order`, `refund`, `reconciliation` or `endpoint`.
    r#type: String,
    /// Its id.
    id: String,
}

/// The object of an event.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct EventData {
    /// The object as it was then; of an order, what reading it answered.
    object: Value,
    /// What it was before.
    previous: Option<EventPrevious>,
    /// Whether only the object's id was sent: read the object through the API.
    truncated: Option<bool>,
}

/// What an object was before an event.
#[derive(Debug, Object)]
struct EventPrevious {
    /// Its state.
    state: String,
}

/// A page of the feed, the oldest first.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct EventPage {
    /// Always `list`.
    object: String,
    /// The events.
    data: Vec<Event>,
    /// Whether more events are waiting now.
    has_more: bool,
    /// Keep it, and send it as `after` to go on, now or tomorrow; absent when nothing was found from the beginning.
    next_cursor: Option<String>,
}

#[OpenApi(tag = "Tag::Events")]
impl EventsApi {
    /// Read the events feed
    ///
    /// Everything that happened after a place in the feed, the oldest first. The feed and the webhooks carry the same
    /// events, so whoever missed webhooks catches up here. Needs the scope `events:read`.
    #[oai(path = "/v1/events", method = "get", operation_id = "listEvents")]
    async fn list_events(
        &self,
        auth: Authenticated,
        /// `next_cursor` of an earlier answer; left out, the feed starts at its beginning.
        after: Query<Option<String>>,
        /// Another name of `after`, as lists have it; only one of the two may be given.
        cursor: Query<Option<String>>,
        /// Only these types, such as `order.paid` or `order.*`; may be given several times.
        types: Query<Option<Vec<String>>>,
        /// How many events a page holds at most.
        limit: Query<Option<Limit>>,
    ) -> Result<Json<EventPage>, Problem> {
        let session = auth.allow(Scope::EventsRead)?;
        let mut given = Parameters::default();
        let (name, after) = one_place(after.0, cursor.0)?;
        let after_seq = given.parse(name, after.as_deref(), parse_feed_place);
        let types = types
            .0
            .into_iter()
            .flatten()
            .filter_map(|filter| given.parse("types", Some(&filter), parse_filter));
        let types: Vec<String> = types.collect();
        given.finish()?;
        let limit = Limit::or_default(limit.0);
        let page = session
            .operations
            .list_events(&session.caller, after_seq, types, limit)
            .await?;
        Ok(Json(EventPage::new(page, after)))
    }

    /// Read an event
    ///
    /// The same bytes that webhooks carry, with the place in the feed. Needs the scope `events:read`.
    #[oai(
        path = "/v1/events/:event_id",
        method = "get",
        operation_id = "getEvent"
    )]
    async fn get_event(
        &self,
        auth: Authenticated,
        /// The id of the event.
        event_id: Path<String>,
    ) -> Result<Json<Event>, Problem> {
        let session = auth.allow(Scope::EventsRead)?;
        let id: EventId = path_id(&event_id)?;
        let event = session.operations.get_event(&session.caller, &id).await?;
        Ok(Json(event.into()))
    }
}

/// The place to go on from, with the name that the caller gave it.
fn one_place(
    after: Option<String>,
    cursor: Option<String>,
) -> Result<(&'static str, Option<String>), Problem> {
    match (after, cursor) {
        (Some(_), Some(_)) => Err(Problem::invalid_field(
            "cursor",
            "is another name of after: give only one of the two",
        )),
        (None, Some(cursor)) => Ok(("cursor", Some(cursor))),
        (after, None) => Ok(("after", after)),
    }
}

fn parse_feed_place(text: &str) -> Result<i64, &'static str> {
    read_feed_place(text).ok_or("must be the next_cursor of an earlier answer")
}

fn parse_filter(filter: &str) -> Result<String, &'static str> {
    if filter_is_known(filter) {
        Ok(filter.to_owned())
    } else {
        Err("must be an event type, or a beginning of one and a star, such as order.*")
    }
}

impl EventPage {
    /// The end of the feed is a place too: a reader goes on from it when more has happened.
    fn new(page: Page<EventView>, after: Option<String>) -> Self {
        let last = page.items.last().and_then(|event| event.feed_seq);
        Self {
            object: String::from("list"),
            has_more: page.next_cursor.is_some(),
            next_cursor: last.map(|seq| seq.to_string()).or(after),
            data: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// An event as it was stored. It is passed on whole, so that the feed says what the webhook said.
#[derive(Debug)]
struct Event(Value);

impl From<EventView> for Event {
    fn from(event: EventView) -> Self {
        let mut body: Value = serde_json::from_str(event.body.get()).unwrap_or_default();
        if let (Value::Object(fields), Some(seq)) = (&mut body, event.feed_seq) {
            fields.insert(String::from("feed_seq"), seq.into());
        }
        Self(body)
    }
}

impl Type for Event {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        EventDocument::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        EventDocument::schema_ref()
    }

    fn register(registry: &mut Registry) {
        EventDocument::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Event {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }
}

impl ToJSON for Event {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_feed_is_a_plain_number() {
        assert_eq!(parse_feed_place("0"), Ok(0));
        assert_eq!(parse_feed_place("42"), Ok(42));
        for bad in ["", "-1", "+1", "042", "1.0", "abc", "9223372036854775808"] {
            assert!(parse_feed_place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_in_the_feed_is_given_under_one_of_its_names() {
        let place = |text: &str| Some(text.to_owned());
        assert_eq!(one_place(place("7"), None).unwrap(), ("after", place("7")));
        assert_eq!(one_place(None, place("7")).unwrap(), ("cursor", place("7")));
        let both = one_place(place("7"), place("7")).unwrap_err();
        assert_eq!(both.errors()[0].field, "cursor");
    }

    #[test]
    fn the_end_of_the_feed_is_a_place_to_go_on_from() {
        let view = |seq| EventView {
            body: serde_json::value::RawValue::from_string(String::from("{}")).unwrap(),
            feed_seq: Some(seq),
        };
        let page = |items| Page {
            items,
            next_cursor: None,
        };
        let last = EventPage::new(page(vec![view(7), view(9)]), Some(String::from("6")));
        assert_eq!(last.next_cursor.as_deref(), Some("9"));
        let empty = EventPage::new(page(vec![]), Some(String::from("9")));
        assert_eq!(empty.next_cursor.as_deref(), Some("9"));
        assert!(!empty.has_more);
    }
}
