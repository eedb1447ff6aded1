//! Payments of our own among the rows of a huge bill.
//!
//! One order is placed, paid and asked about as every order is. Its rows are then written again in bulk under the numbers
//! of as many rows of the bill, which the simulator invents and tells beforehand.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tributary_domain::bill::BillDay;
use tributary_domain::clock::{Clock as _, SystemClock, Timestamp};
use tributary_domain::ids::{AttemptId, OrderId, ProviderId};
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::order_content::OrderRequest;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::{ApiKeyWish, Caller};
use tributary_operations::idempotency::{Idempotency, fingerprint};
use tributary_tests::TestDatabase;
use wechatpay::v3::bills::{TradeBillParser, TradeBillType, TradeRow};

use crate::Simulator;

/// What every booked payment comes to, and WeChat's fee of it in hundred-thousandths of a yuan.
const PAID_FEN: i64 = 888;
const FEE: i64 = 5_000;
/// Where the draws of booked rows begin; those of the others begin elsewhere.
const SEED: u64 = 43;
const ROWS_AT_ONCE: usize = 1_000;
const OPENID: &str = "openid-of-a-payer";
const SUB_APPID: &str = "wx0000000000000001";

/// Puts `count` payments of a day into the books, and as many rows into its bills.
pub(crate) async fn book(
    simulator: &Simulator,
    (operations, database): (&Operations, &TestDatabase),
    (provider, sp_mchid): (&ProviderId, &str),
    (day, count): (BillDay, usize),
) -> Result<()> {
    let (caller, sub_mchid) = open_shop(simulator, operations, (provider, sp_mchid)).await?;
    let order = Box::pin(pay_one(simulator, operations, &caller, &sub_mchid)).await?;
    let template = Template::read(database, order).await?;
    let row = |bill: &str| {
        json!({
            "kind": "add", "bill": bill, "rows": "payment", "date": day.to_string(),
            "count": count, "seed": SEED, "sp_mchid": sp_mchid,
            "set": { "sub_mchid": sub_mchid, "amount_total": PAID_FEN, "fee": FEE },
        })
    };
    simulator.post("bills/faults", row("trade")).await?;
    let text = simulator
        .get(&format!("bills?date={day}&sp_mchid={sp_mchid}"))
        .await?;
    let mut parser = TradeBillParser::new(TradeBillType::All);
    let rows = parser.push(text.as_bytes())?;
    ensure!(rows.len() == count, "{} rows were invented", rows.len());
    // The sub-merchant's account moved as well.
    let moved = row("sub_merchant_fund_flow");
    simulator.post("bills/faults", moved).await?;
    for rows in rows.chunks(ROWS_AT_ONCE) {
        multiply(database, &template, rows).await?;
    }
    database.execute("ANALYZE").await;
    Ok(())
}

async fn open_shop(
    simulator: &Simulator,
    operations: &Operations,
    (provider, sp_mchid): (&ProviderId, &str),
) -> Result<(Caller, String)> {
    let by = Actor::system("bills");
    let made = simulator
        .post(
            "sub-merchants",
            json!({
                "sp_mchid": sp_mchid, "sub_appids": [{ "appid": SUB_APPID }],
                "openids": [{ "appid": SUB_APPID, "openid": OPENID }],
            }),
        )
        .await?;
    let sub_mchid = made
        .get("sub_mchid")
        .and_then(|number| number.as_str())
        .context("a sub-merchant")?;
    let number = Mchid::parse(sub_mchid)?;
    let tenant = operations.create_tenant(&by, "A shop").await?;
    let merchant = operations
        .create_sub_merchant(&by, &tenant.id, provider, &number, "Shop")
        .await?;
    let appid = AppId::parse(SUB_APPID)?;
    let kind = SubAppKind::MiniProgram;
    operations
        .add_sub_app(&by, &merchant, &appid, kind, None)
        .await?;
    let wish = ApiKeyWish::new(Mode::Test, "bills", Scope::ALL.to_vec());
    let key = operations.create_api_key(&by, &tenant.id, wish).await?;
    let caller = operations.authenticate(key.secret.reveal(), None).await?;
    Ok((caller, sub_mchid.to_owned()))
}

/// The first order and its attempt.
struct Template {
    order: OrderId,
    attempt: String,
}

/// A paid order like any other.
async fn pay_one(
    simulator: &Simulator,
    operations: &Operations,
    caller: &Caller,
    sub_mchid: &str,
) -> Result<OrderId> {
    let request = OrderRequest {
        merchant_order_no: "the-first".to_owned(),
        sub_mchid: Some(sub_mchid.to_owned()),
        sub_appid: Some(SUB_APPID.to_owned()),
        description: "A cup of tea".to_owned(),
        total: PAID_FEN,
        sub_openid: Some(OPENID.to_owned()),
        ..OrderRequest::default()
    };
    let idempotency = Idempotency {
        key: "the-first".to_owned(),
        fingerprint: fingerprint("POST", "/v1/orders", "", b"the first"),
        route: "POST /v1/orders",
    };
    let placed = Box::pin(operations.place_order(caller, request, &idempotency)).await?;
    let (id, number) = (&placed.view.order.id, &placed.view.order.out_trade_no);
    let number = number.as_deref().context("a number at WeChat")?;
    simulator
        .post(&format!("orders/{number}/pay"), json!({}))
        .await?;
    let seen = operations.sync_order(caller, id).await?;
    if seen.state.as_str() != "paid" {
        bail!("the first order is {}", seen.state.as_str());
    }
    Ok(id.clone())
}

/// Writes the order and its attempt again, once for each row of the bill.
async fn multiply(database: &TestDatabase, template: &Template, rows: &[TradeRow]) -> Result<()> {
    let mut copies = String::new();
    for row in rows {
        let at = Timestamp::from_millis(row.trade_time_ms);
        let (order, attempt) = (OrderId::new(at), AttemptId::new(at));
        let separator = if copies.is_empty() { "" } else { ", " };
        let (number, paid, at) = (&row.out_trade_no, &row.transaction_id, row.trade_time_ms);
        write!(
            copies,
            "{separator}('{order}', '{attempt}', '{number}', '{paid}', {at})"
        )?;
    }
    for (table, own) in [("orders", "id"), ("attempts", "order_id")] {
        let columns = columns(database, table).await?;
        let values = columns.iter().map(|column| template.value(table, column));
        let values: Vec<String> = values.collect();
        let statement = format!(
            "WITH v(id, attempt, number, paid, at) AS (VALUES {copies}) \
             INSERT INTO {table} ({}) SELECT {} FROM {table} t, v WHERE t.{own} = '{}'",
            columns.join(", "),
            values.join(", "),
            template.order
        );
        database.execute(&statement).await;
    }
    Ok(())
}

async fn columns(database: &TestDatabase, table: &str) -> Result<Vec<String>> {
    let sql = if database.url.starts_with("postgres") {
        format!(
            "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'"
        )
    } else {
        format!("SELECT name FROM pragma_table_info('{table}')")
    };
    let rows = database.query(&sql).await;
    let names = rows.iter().map(|row| row.try_get_by_index(0));
    Ok(names.collect::<Result<Vec<String>, _>>()?)
}

impl Template {
    async fn read(database: &TestDatabase, order: OrderId) -> Result<Self> {
        let sql = format!("SELECT id FROM attempts WHERE order_id = '{order}'");
        let rows = database.query(&sql).await;
        let attempt = rows.first().context("an attempt")?.try_get_by_index(0)?;
        Ok(Self { order, attempt })
    }

    /// What a column of a copy holds: what the first order has, but its own numbers and its own time.
    fn value(&self, table: &str, column: &str) -> String {
        match (table, column) {
            ("orders", "id") | ("attempts", "order_id") => "v.id".to_owned(),
            ("attempts", "id") => "v.attempt".to_owned(),
            ("orders", "merchant_order_no") => "'M' || v.number".to_owned(),
            ("attempts", "out_trade_no") => "v.number".to_owned(),
            ("orders", "transaction_id") => "v.paid".to_owned(),
            // The payment is a document that repeats number, attempt and time.
            ("orders", "payment") => format!(
                "REPLACE(REPLACE(REPLACE(t.payment, t.transaction_id, v.paid), '{}', v.attempt), \
                 CAST(t.paid_at AS TEXT), CAST(v.at AS TEXT))",
                self.attempt
            ),
            (_, "paid_at" | "learned_at" | "created_at" | "updated_at" | "prepared_at") => {
                "v.at".to_owned()
            }
            _ => format!("t.{column}"),
        }
    }
}

/// A day that is over for everybody, and whose bill is ready.
pub(crate) fn day_before_yesterday() -> BillDay {
    const DAY_MS: i64 = 86_400_000;
    BillDay::of(SystemClock.now().plus_millis(-2 * DAY_MS))
}
