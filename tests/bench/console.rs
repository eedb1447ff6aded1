//! What somebody waits for at the console: each question as the pages ask it, one after another.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use reqwest::Url;
use tributary_domain::clock::{Clock as _, SystemClock};
use tributary_domain::staff::Actor;
use tributary_operations::staff::{Acceptance, Origin, SignIn, code_at};
use zeroize::Zeroizing;

use crate::Row;
use crate::many_orders::Known;
use crate::measured::percentiles;
use crate::scene::Scene;

const EMAIL: &str = "owner@bench.example";
const PASSWORD: &str = "a long way to the river";
const TIMES: usize = 20;
/// Pages that are turned before a deep one is measured.
const DEEP: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// An owner who is signed in.
pub(crate) struct Console {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    pub(crate) totp_secret: String,
    token: String,
}

impl Console {
    /// Makes the owner as a person would come: invited, with a password, with a second factor.
    pub(crate) async fn open(scene: &Scene) -> Result<Self> {
        let operations = &scene.operations;
        let by = Actor::system("bench");
        let invitation = operations.create_owner(&by, EMAIL, "Bench").await?;
        let given = Acceptance {
            token: Zeroizing::new(invitation.token.reveal().to_owned()),
            password: Zeroizing::new(PASSWORD.to_owned()),
        };
        operations
            .accept_invitation(&given, &Origin::default())
            .await?;
        let sign_in = SignIn {
            email: EMAIL.to_owned(),
            password: given.password,
            second_factor: None,
        };
        let session = operations.sign_in(sign_in, Origin::default()).await?;
        let token = session.access_token.reveal().to_owned();
        let caller = operations
            .authenticate_staff(&token, Origin::default())
            .await?
            .context("the owner is signed in")?;
        let totp_secret = operations.offer_totp(&caller).await?.secret;
        let code = code_at(totp_secret.reveal(), SystemClock.now()).context("a code")?;
        operations.confirm_totp(&caller, &code).await?;
        Ok(Self {
            email: EMAIL,
            password: PASSWORD,
            totp_secret: totp_secret.reveal().to_owned(),
            token,
        })
    }

    async fn get(
        &self,
        scene: &Scene,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<serde_json::Value> {
        let url = Url::parse_with_params(&format!("{}/admin/v1/{path}", scene.api_url), query)?;
        let answer = scene
            .client
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} {query:?}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// Asks everything that the order list, the search and the overview ask.
pub(crate) async fn measure(scene: &Scene, console: &Console, known: &Known) -> Result<Vec<Row>> {
    let deep = cursor_of(scene, console).await?;
    let now = SystemClock.now();
    let (month, day) = (now.plus_millis(-30 * DAY_MS), now.plus_millis(-DAY_MS));
    let hour = |at: tributary_domain::clock::Timestamp| {
        let whole = at.as_millis().div_euclid(3_600_000) * 3_600_000;
        tributary_domain::clock::Timestamp::from_millis(whole).to_rfc3339()
    };
    let (month, day, end) = (hour(month), hour(day), hour(now.plus_millis(3_600_000)));
    let test = ("mode", "test");
    let questions: [(&'static str, &str, Vec<(&str, &str)>); 14] = [
        ("order list, first page", "orders", vec![test]),
        (
            "order list, page 200",
            "orders",
            vec![test, ("cursor", &deep)],
        ),
        (
            "order list, one state",
            "orders",
            vec![test, ("state", "closed")],
        ),
        (
            "order list, sub-merchant, state and amount",
            "orders",
            vec![
                test,
                ("sub_mchid", "1900000205"),
                ("state", "partially_refunded"),
                ("amount_min", "500"),
            ],
        ),
        (
            "order list, a filter that nothing passes",
            "orders",
            vec![test, ("amount_min", "100000000")],
        ),
        (
            "sums of a month's orders",
            "orders/summary",
            vec![test, ("from", &month)],
        ),
        (
            "search, tenant's order number",
            "search",
            vec![("q", &known.merchant_order_no)],
        ),
        (
            "search, WeChat's payment number",
            "search",
            vec![("q", &known.transaction_id)],
        ),
        (
            "search, number at WeChat",
            "search",
            vec![("q", &known.out_trade_no)],
        ),
        ("search, our id", "search", vec![("q", &known.order_id)]),
        (
            "overview, thirty days",
            "statistics/orders",
            vec![test, ("by", "day"), ("from", &month), ("to", &end)],
        ),
        (
            "overview, sub-merchants of a day",
            "statistics/orders",
            vec![test, ("by", "sub_merchant"), ("from", &day), ("to", &end)],
        ),
        (
            "overview, health",
            "statistics/health",
            vec![test, ("since", &day)],
        ),
        ("overview, what waits for a person", "inbox", vec![]),
    ];
    let mut rows = Vec::new();
    for (name, path, query) in questions {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let start = Instant::now();
            console.get(scene, path, &query).await?;
            took.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        let (p50, p99) = percentiles(took)?;
        rows.push((name, format!("{p50:.1} / {p99:.1} ms")));
    }
    Ok(rows)
}

/// Turns pages as a person would, and answers where the next begins.
async fn cursor_of(scene: &Scene, console: &Console) -> Result<String> {
    let mut cursor = String::new();
    for _ in 0..DEEP {
        let mut query = vec![("mode", "test"), ("limit", "100")];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = console.get(scene, "orders", &query).await?;
        let next = page.get("next_cursor").and_then(|next| next.as_str());
        cursor = next.context("another page")?.to_owned();
    }
    Ok(cursor)
}
