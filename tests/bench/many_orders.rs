//! A million orders in the database, and what the console's questions cost then.
//!
//! A few orders come about as every order does: placed, paid at the simulator, closed, given back. Their rows are then
//! written again in bulk under ids and numbers of their own, spread over the last ninety days, which is what a day of load
//! would leave behind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};
use tributary_domain::clock::{Clock as _, SystemClock, Timestamp};
use tributary_domain::ids::{AttemptId, OrderId};
use tributary_domain::tenant::Mode;
use tributary_storage::{Storage, order_hours};
use tributary_tests::TestDatabase;

use crate::Row;
use crate::console::{self, Console};
use crate::load::{self, Payable};
use crate::scene::{Limited, Scene};

const ORDERS: usize = 1_000_000;
const DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;
const ROWS_AT_ONCE: usize = 1_000;
/// Orders that come about by themselves: paid ones, of which some go back, and closed ones.
const PAID: usize = 48;
const REFUNDED: usize = 8;
const CLOSED: usize = 16;
const PATIENCE: Duration = Duration::from_mins(1);

/// Measures lists, searches and the overview at a million orders.
pub(crate) async fn measure(cluster: Option<&str>, hold: bool) -> Result<Vec<Row>> {
    let mut scene = Scene::set(cluster, Limited::ByTheMachine).await?;
    scene.start().await?;
    let database = TestDatabase::at(scene.database_url.clone()).await;
    come_about(&scene, &database).await?;
    let last = multiply(&database, ORDERS).await?;
    add_hours_up(&scene.database_url).await?;
    database.execute("ANALYZE").await;
    let console = Console::open(&scene).await?;
    let rows = console::measure(&scene, &console, &last).await?;
    if hold {
        println!(
            "{}/admin/ as {} with {}, TOTP secret {}; Ctrl-C ends it",
            scene.api_url, console.email, console.password, console.totp_secret
        );
        tokio::signal::ctrl_c().await?;
    }
    scene.stop().await?;
    Ok(rows)
}

/// Orders of every kind that is multiplied, through the API and the simulator.
async fn come_about(scene: &Scene, database: &TestDatabase) -> Result<()> {
    control(
        scene,
        reqwest::Method::PATCH,
        &format!("providers/{}", scene.provider.sp_mchid),
        json!({ "refund_policy": { "result": "SUCCESS", "after_ms": 0 } }),
    )
    .await?;
    let orders = load::place_many(scene, PAID + CLOSED).await?;
    let (paid, closed) = orders.split_at_checked(PAID).context("orders")?;
    for order in paid {
        let path = format!("orders/{}/pay", order.out_trade_no);
        control(scene, reqwest::Method::POST, &path, json!({})).await?;
    }
    until(database, "state = 'paid'", PAID).await?;
    for order in closed {
        let path = format!("/v1/orders/{}/close", order.id);
        call(scene, order, &path, Value::Null).await?;
    }
    until(database, "state = 'closed'", CLOSED).await?;
    for order in paid.iter().take(REFUNDED) {
        let wish = json!({
            "order_id": order.id, "merchant_refund_no": format!("back-{}", order.out_trade_no),
            "amount": { "refund": 300, "currency": "CNY" },
        });
        call(scene, order, "/v1/refunds", wish).await?;
    }
    until(database, "refunded_fen > 0", REFUNDED).await
}

async fn control(scene: &Scene, method: reqwest::Method, path: &str, wish: Value) -> Result<()> {
    let url = format!("{}/_sim/{path}", scene.sim_url);
    let answer = scene.client.request(method, url).json(&wish).send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    Ok(())
}

async fn call(scene: &Scene, order: &Payable, path: &str, body: Value) -> Result<()> {
    let url = format!("{}{path}", scene.api_url);
    let mut request = scene.client.post(url).bearer_auth(&order.api_key);
    request = request.header(
        "Idempotency-Key",
        format!("{path}{}", order.id).replace('/', "-"),
    );
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    Ok(())
}

async fn until(database: &TestDatabase, which: &str, count: usize) -> Result<()> {
    let start = Instant::now();
    let sql = format!("SELECT COUNT(*) FROM orders WHERE {which}");
    while usize::try_from(database.count(&sql).await)? < count {
        ensure!(start.elapsed() < PATIENCE, "{which} never held");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// The numbers of the order that was written last.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) order_id: String,
    pub(crate) merchant_order_no: String,
    pub(crate) transaction_id: String,
    pub(crate) out_trade_no: String,
}

/// Writes the orders again until there are so many more.
async fn multiply(database: &TestDatabase, count: usize) -> Result<Known> {
    let columns = Columns::read(database).await?;
    let templates = database
        .query("SELECT id FROM orders WHERE next_poll_at IS NULL")
        .await;
    let templates: Vec<String> = templates
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    let now = SystemClock.now();
    let mut last = String::new();
    for from in (0..count).step_by(ROWS_AT_ONCE) {
        let mut copies = String::new();
        for place in from..count.min(from + ROWS_AT_ONCE) {
            let template = templates
                .get(place % templates.len())
                .context("a template")?;
            let copy = Copy::of(template, place, now);
            let separator = if copies.is_empty() { "" } else { ", " };
            write!(copies, "{separator}{}", copy.values)?;
            if place % templates.len() == 0 {
                last = copy.id;
            }
        }
        for (table, join) in [
            ("orders", "t.id"),
            ("attempts", "t.order_id"),
            ("refunds", "t.order_id"),
        ] {
            database
                .execute(&columns.statement(table, join, &copies)?)
                .await;
        }
    }
    known(database, &last).await
}

async fn known(database: &TestDatabase, id: &str) -> Result<Known> {
    let sql = format!(
        "SELECT o.merchant_order_no, COALESCE(o.transaction_id, ''), a.out_trade_no \
         FROM orders o JOIN attempts a ON a.order_id = o.id WHERE o.id = '{id}'"
    );
    let rows = database.query(&sql).await;
    let row = rows.first().context("the last order")?;
    Ok(Known {
        order_id: id.to_owned(),
        merchant_order_no: row.try_get_by_index(0)?,
        transaction_id: row.try_get_by_index(1)?,
        out_trade_no: row.try_get_by_index(2)?,
    })
}

/// One more order like another.
struct Copy {
    id: String,
    values: String,
}

impl Copy {
    fn of(template: &str, place: usize, now: Timestamp) -> Self {
        let back = rand::rng().random_range(0..DAYS * DAY_MS);
        let at = now.plus_millis(-back);
        let id = OrderId::new(at).to_string();
        let attempt = AttemptId::new(at);
        let values = format!(
            "('{template}', '{id}', '{attempt}', '{}', '43{place:026}', {back})",
            attempt.body()
        );
        Self { id, values }
    }
}

/// The columns of the tables that are written again.
struct Columns(BTreeMap<&'static str, Vec<String>>);

impl Columns {
    async fn read(database: &TestDatabase) -> Result<Self> {
        let mut all = BTreeMap::new();
        for table in ["orders", "attempts", "refunds"] {
            let sql = if database.url.starts_with("postgres") {
                format!(
                    "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'"
                )
            } else {
                format!("SELECT name FROM pragma_table_info('{table}')")
            };
            let rows = database.query(&sql).await;
            let names = rows.iter().map(|row| row.try_get_by_index(0));
            all.insert(table, names.collect::<Result<Vec<String>, _>>()?);
        }
        Ok(Self(all))
    }

    /// Writes a table's rows of the templates again, with what must differ.
    fn statement(&self, table: &'static str, join: &str, copies: &str) -> Result<String> {
        let columns = self.0.get(table).context("a table")?;
        let values: Vec<String> = columns.iter().map(|column| value(table, column)).collect();
        Ok(format!(
            "WITH v(template, id, attempt, number, paid, back) AS (VALUES {copies}) \
             INSERT INTO {table} ({}) SELECT {} FROM {table} t JOIN v ON {join} = v.template",
            columns.join(", "),
            values.join(", ")
        ))
    }
}

fn value(table: &str, column: &str) -> String {
    match (table, column) {
        ("orders", "id") | ("attempts" | "refunds", "order_id") => "v.id".into(),
        ("attempts", "id") | ("refunds", "attempt_id") => "v.attempt".into(),
        ("refunds", "id") => "'ref_' || v.number".into(),
        ("orders", "merchant_order_no") => "'M' || v.number".into(),
        ("refunds", "merchant_refund_no") => "'R' || v.number".into(),
        ("attempts" | "refunds", "out_trade_no") | ("refunds", "out_refund_no") => {
            "v.number".into()
        }
        ("orders", "transaction_id") => {
            "CASE WHEN t.transaction_id IS NULL THEN NULL ELSE v.paid END".into()
        }
        ("refunds", "transaction_id") => "v.paid".into(),
        ("orders", "payment") => "REPLACE(t.payment, t.transaction_id, v.paid)".into(),
        (
            _,
            "created_at" | "updated_at" | "expires_at" | "paid_at" | "learned_at" | "prepared_at"
            | "last_refund_at" | "sent_at" | "last_sent_at" | "accepted_at",
        ) => {
            format!("t.{column} - v.back")
        }
        _ => format!("t.{column}"),
    }
}

/// The figures of every hour, as the worker computes them while they are young.
async fn add_hours_up(url: &str) -> Result<()> {
    let storage = Storage::connect(url, 1).await?;
    let now = SystemClock.now();
    let this = now.as_millis().div_euclid(order_hours::HOUR_MS);
    for hour in this - DAYS * 24..=this {
        let hour = Timestamp::from_millis(hour * order_hours::HOUR_MS);
        let tx = storage.begin().await?;
        order_hours::compute_all_tenants(&tx, Mode::Test, hour, now).await?;
        tx.commit().await?;
    }
    Ok(storage.close().await?)
}
