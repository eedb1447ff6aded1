//! What somebody waits for at the console: each question as the pages ask it, one after another.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tributary_domain::clock::{Clock as _, SystemClock, Timestamp};
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
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

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

    async fn get(&self, scene: &Scene, path: &str, query: &str) -> Result<serde_json::Value> {
        let url = format!("{}/admin/v1/{path}?{query}", scene.api_url);
        let answer = scene
            .client
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} {query}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// What a page asks.
struct Question {
    name: &'static str,
    path: &'static str,
    query: String,
}

const fn question(name: &'static str, path: &'static str, query: String) -> Question {
    Question { name, path, query }
}

/// Asks everything that the order list, the search and the overview ask.
pub(crate) async fn measure(scene: &Scene, console: &Console, known: &Known) -> Result<Vec<Row>> {
    let deep = cursor_of(scene, console).await?;
    let questions = lists(&deep).into_iter().chain(searches(known));
    let mut rows = Vec::new();
    for asked in questions.chain(overview(SystemClock.now())) {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let start = Instant::now();
            console.get(scene, asked.path, &asked.query).await?;
            took.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        let (p50, p99) = percentiles(took)?;
        rows.push((asked.name, format!("{p50:.1} / {p99:.1} ms")));
    }
    Ok(rows)
}

fn lists(deep: &str) -> Vec<Question> {
    let list = |name, query: &str| question(name, "orders", format!("mode=test&{query}"));
    let narrow = "sub_mchid=1900000205&state=partially_refunded&amount_min=500";
    vec![
        list("order list, first page", "limit=20"),
        list("order list, page 200", &format!("limit=100&cursor={deep}")),
        list("order list, one state", "state=closed"),
        list("order list, sub-merchant, state and amount", narrow),
        list(
            "order list, a filter that nothing passes",
            "amount_min=100000000",
        ),
    ]
}

fn searches(known: &Known) -> Vec<Question> {
    let search = |name, number: &str| question(name, "search", format!("q={number}"));
    vec![
        search("search, tenant's order number", &known.merchant_order_no),
        search("search, WeChat's payment number", &known.transaction_id),
        search("search, number at WeChat", &known.out_trade_no),
        search("search, our id", &known.order_id),
    ]
}

fn overview(now: Timestamp) -> Vec<Question> {
    let hour = |back_ms: i64| {
        let whole = now.plus_millis(-back_ms).as_millis().div_euclid(HOUR_MS);
        Timestamp::from_millis(whole * HOUR_MS).to_rfc3339()
    };
    let (month, day, end) = (hour(30 * DAY_MS), hour(DAY_MS), hour(-HOUR_MS));
    let figures = |name, by: &str, from: &str| {
        let query = format!("mode=test&by={by}&from={from}&to={end}");
        question(name, "statistics/orders", query)
    };
    vec![
        question(
            "sums of a month's orders",
            "orders/summary",
            format!("mode=test&from={month}"),
        ),
        figures("overview, thirty days", "day", &month),
        figures("overview, sub-merchants of a day", "sub_merchant", &day),
        question(
            "overview, health",
            "statistics/health",
            format!("mode=test&since={day}"),
        ),
        question("overview, what waits for a person", "inbox", String::new()),
    ]
}

/// Turns pages as a person would, and answers where the next begins.
async fn cursor_of(scene: &Scene, console: &Console) -> Result<String> {
    let mut query = "mode=test&limit=100".to_owned();
    let mut cursor = String::new();
    for _ in 0..DEEP {
        let page = console.get(scene, "orders", &query).await?;
        let next = page.get("next_cursor").and_then(|next| next.as_str());
        next.context("another page")?.clone_into(&mut cursor);
        query = format!("mode=test&limit=100&cursor={cursor}");
    }
    Ok(cursor)
}
