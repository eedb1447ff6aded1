//! One search over every kind of number and name.

use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use tributary_operations::search::{Found, Hit};

use super::Tag;
use super::guards::SignedIn;
use crate::json::Json;
use crate::pagination::Parameters;
use crate::problem::Problem;

/// The longest text that is looked for.
const CHARS_MAX: usize = 200;

/// The operation that searches.
pub(crate) struct SearchApi;

/// Something that was found.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct SearchHit {
    /// `order`, `refund`, `delivery`, `endpoint`, `tenant`, `sub_merchant`, `notification`, `provider_key` or
    /// `tenant_certificate`.
    kind: String,
    /// Its id.
    id: String,
    /// What it is called.
    title: String,
    /// Where it stands, or whose it is.
    note: String,
    /// By which kind of number or name it was found.
    matched: String,
    /// Whose it is, when it is a tenant's.
    tenant_id: Option<String>,
}

impl From<Hit> for SearchHit {
    fn from(hit: Hit) -> Self {
        Self {
            kind: hit.kind.to_owned(),
            id: hit.id,
            title: hit.title,
            note: hit.note,
            matched: hit.matched.to_owned(),
            tenant_id: hit.tenant_id.map(|id| id.to_string()),
        }
    }
}

/// What a search came to.
#[derive(Debug, Object)]
struct SearchResult {
    /// The text as it was understood.
    text: String,
    /// What it can be, the most certain first: where it was looked for.
    shapes: Vec<String>,
    /// What was found, the most certain first.
    data: Vec<SearchHit>,
}

impl From<Found> for SearchResult {
    fn from(found: Found) -> Self {
        Self {
            text: found.text,
            shapes: found
                .shapes
                .iter()
                .map(|shape| shape.as_str().to_owned())
                .collect(),
            data: found.hits.into_iter().map(Into::into).collect(),
        }
    }
}

#[OpenApi(tag = "Tag::Search")]
impl SearchApi {
    /// Search
    ///
    /// Any number of an order or a refund, any id, a merchant number, an app id, a host of an endpoint, the name of a
    /// tenant, the serial of a key or a certificate, the beginning of its fingerprint. Full-width characters, quotes, commas and spaces around are understood. What you may not read is not
    /// looked for. Anybody who is signed in may search.
    #[oai(path = "/admin/v1/search", method = "get", operation_id = "search")]
    async fn search(
        &self,
        auth: SignedIn,
        /// What to look for.
        q: Query<String>,
    ) -> Result<Json<SearchResult>, Problem> {
        let call = auth.0;
        call.caller.require_enrolled()?;
        let mut given = Parameters::default();
        let text = given.parse("q", Some(&q.0), |text| {
            let fits = text.chars().count() <= CHARS_MAX;
            if fits {
                Ok(text.to_owned())
            } else {
                Err("must have at most 200 characters")
            }
        });
        given.finish()?;
        let text = text.unwrap_or_default();
        let found = call.operations.search(&call.viewer(), &text).await?;
        Ok(Json(found.into()))
    }
}
