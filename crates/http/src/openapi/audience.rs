//! Whom a document is for, and what differs between the two.

use std::sync::LazyLock;

use poem_openapi::OpenApi;
use poem_openapi::registry::Registry;
use serde_json::{Map, Value};

use crate::admin_api::AdminApi;
use crate::oauth;
use crate::problem::ProblemCode;
use crate::tenant_api::TenantApi;

/// The schemas of every body of one API, which are also what a body is checked against.
static TENANT_REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = registered::<TenantApi>();
    oauth::register(&mut registry);
    registry
});
static ADMIN_REGISTRY: LazyLock<Registry> = LazyLock::new(registered::<AdminApi>);

/// The admin API's tables, one file per noun: `limits`, `examples` and `answers`.
const ADMIN_TABLES: &[&str] = &[
    include_str!("admin/session.json"),
    include_str!("admin/me.json"),
    include_str!("admin/staff.json"),
    include_str!("admin/tenants.json"),
    include_str!("admin/sub_merchants.json"),
    include_str!("admin/credentials.json"),
    include_str!("admin/console.json"),
    include_str!("admin/providers.json"),
    include_str!("admin/approvals.json"),
    include_str!("admin/audit.json"),
];

fn registered<T: OpenApi>() -> Registry {
    let mut registry = Registry::new();
    T::register(&mut registry);
    registry
}

/// Who reads a document and calls what it describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A tenant's developer, under `/v1`.
    Tenant,
    /// Provider staff and tenants' members, under `/admin/v1`.
    Staff,
}

impl Audience {
    /// Everyone for whom there is a document.
    pub(crate) const ALL: [Self; 2] = [Self::Tenant, Self::Staff];

    /// Whose API a path belongs to.
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/admin/") {
            Self::Staff
        } else {
            Self::Tenant
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Tenant => "Tributary tenant API",
            Self::Staff => "Tributary admin API",
        }
    }

    /// What the page that shows the document is called.
    pub(crate) const fn page_title(self) -> &'static str {
        match self {
            Self::Tenant => "Tributary: tenant API",
            Self::Staff => "Tributary: admin API",
        }
    }

    /// Where the document is served.
    pub(crate) const fn document_path(self) -> &'static str {
        match self {
            Self::Tenant => "/openapi/tenant.json",
            Self::Staff => "/openapi/admin.json",
        }
    }

    /// Where the page that shows it is served.
    pub(crate) const fn page_path(self) -> &'static str {
        match self {
            Self::Tenant => "/docs",
            Self::Staff => "/docs/admin",
        }
    }

    /// The library's own document.
    pub(crate) fn spec(self) -> String {
        match self {
            Self::Tenant => super::tenant_service().spec(),
            Self::Staff => super::admin_service().spec(),
        }
    }

    /// The library's own page.
    pub(crate) fn swagger_ui(self) -> String {
        match self {
            Self::Tenant => super::tenant_service().swagger_ui_html(),
            Self::Staff => super::admin_service().swagger_ui_html(),
        }
    }

    /// The schemas of the bodies.
    pub(crate) fn registry(self) -> &'static Registry {
        match self {
            Self::Tenant => &TENANT_REGISTRY,
            Self::Staff => &ADMIN_REGISTRY,
        }
    }

    /// What can go wrong for this audience.
    pub(crate) fn codes(self) -> impl Iterator<Item = ProblemCode> {
        let foreign = match self {
            Self::Tenant => ProblemCode::FOR_STAFF_ONLY,
            Self::Staff => ProblemCode::FOR_TENANTS_ONLY,
        };
        let all = ProblemCode::ALL.iter().copied();
        all.filter(|code| !foreign.contains(code))
    }

    /// The introduction, with the table of the codes.
    pub(super) fn description(self) -> String {
        let introduction = match self {
            Self::Tenant => include_str!("tenant/introduction.md"),
            Self::Staff => include_str!("admin/introduction.md"),
        };
        let rows = self.codes().map(|code| {
            let statuses: Vec<String> = code.statuses().iter().map(ToString::to_string).collect();
            let (word, title, advice) = (code.as_str(), code.title(), code.advice());
            format!(
                "| `{word}` | {} | {title}. | {advice} |\n",
                statuses.join(", ")
            )
        });
        introduction.replace("{problem_codes}\n", &rows.collect::<String>())
    }

    /// What each field of each schema may hold, merged into the schema of the field.
    pub(super) fn limits(self) -> Map<String, Value> {
        match self {
            Self::Tenant => read(include_str!("tenant/limits.json")),
            Self::Staff => joined("limits"),
        }
    }

    /// What each operation is asked and answers.
    pub(super) fn examples(self) -> Map<String, Value> {
        match self {
            Self::Tenant => read(include_str!("tenant/examples.json")),
            Self::Staff => joined("examples"),
        }
    }

    /// What each operation can answer besides what its shape tells: words of problem codes.
    pub(super) fn answers(self) -> Map<String, Value> {
        match self {
            Self::Tenant => read(include_str!("tenant/answers.json")),
            Self::Staff => joined("answers"),
        }
    }

    /// What the guards of an operation can answer.
    pub(super) fn codes_of_guards(
        self,
        id: &str,
        operation: &Map<String, Value>,
    ) -> Vec<ProblemCode> {
        use ProblemCode as Code;
        match self {
            // Anybody may ask.
            Self::Tenant if scheme(operation).is_none() => Vec::new(),
            Self::Tenant => {
                let mut codes = vec![
                    Code::Unauthorized,
                    Code::SignatureRefused,
                    Code::AddressNotAllowed,
                    Code::RateLimited,
                ];
                if !matches!(id, "getMe" | "listEventTypes" | "getWebhookIps") {
                    codes.push(Code::InsufficientScope);
                }
                codes
            }
            Self::Staff => match scheme(operation) {
                Some("accessToken") => vec![
                    Code::Unauthorized,
                    Code::CrossSiteRefused,
                    Code::PermissionDenied,
                    Code::SecondFactorEnrolmentRequired,
                ],
                Some(_) => vec![Code::Unauthorized, Code::CrossSiteRefused],
                None => vec![Code::CrossSiteRefused],
            },
        }
    }
}

/// The first way to authenticate that an operation names.
fn scheme(operation: &Map<String, Value>) -> Option<&str> {
    let schemes = operation.get("security")?.as_array()?;
    let first = schemes.first()?.as_object()?;
    first.keys().next().map(String::as_str)
}

fn read(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// One part of the tables of all nouns.
fn joined(part: &str) -> Map<String, Value> {
    let mut whole = Map::new();
    for table in ADMIN_TABLES {
        let table = read(table).remove(part).unwrap_or_default();
        for (name, value) in table.as_object().cloned().unwrap_or_default() {
            match (whole.get_mut(&name), value) {
                // Every noun has parameters.
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, value) => {
                    whole.insert(name, value);
                }
            }
        }
    }
    whole
}
