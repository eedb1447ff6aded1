//! `tributary dev` as a new user meets it, and as the second start finds it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tributary_domain::clock::{Clock, SystemClock, Timestamp};
use tributary_operations::staff::code_at;
use tributary_tests::kill::binary;
use tributary_tests::{Api, platform};

/// With the demo's data, on a machine that compiles beside it.
const READY_LIMIT: Duration = Duration::from_mins(3);
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Well before the sweeper's first look, a minute after the order: so it was the notification that told.
const TOLD_LIMIT_MS: i64 = 30_000;

/// A running demo, with two ports of its own.
struct Dev {
    child: Child,
    facts: Value,
}

fn free_address() -> String {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("a bound address").to_string()
}

/// Begins a start, whatever becomes of it.
fn begin(folder: &Path, api: &str, sim: &str, flags: &[&str]) -> Child {
    let log = std::fs::File::create(folder.join("out")).expect("a log file");
    Command::new(binary())
        .args(["dev", "--data-dir"])
        .arg(folder.join("data"))
        .args(flags)
        .env("TRIBUTARY_LISTEN", api)
        .env("TRIBUTARY_SIM_LISTEN", sim)
        .stdin(Stdio::null())
        .stdout(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts; run cargo build --workspace --bins")
}

impl Dev {
    /// A demo of one tenant and nothing else.
    async fn start(folder: &Path, api: &str, sim: &str) -> Self {
        Self::start_with(folder, api, sim, &["--no-demo-data"]).await
    }

    async fn start_with(folder: &Path, api: &str, sim: &str, flags: &[&str]) -> Self {
        let mut dev = Self {
            child: begin(folder, api, sim, flags),
            facts: Value::Null,
        };
        let ready = tokio::time::timeout(READY_LIMIT, dev.ready(folder, api)).await;
        ready.expect("the demo is ready in time");
        dev
    }

    async fn ready(&mut self, folder: &Path, api: &str) {
        loop {
            let welcome = std::fs::read_to_string(folder.join("out")).expect("the log is readable");
            if welcome.contains("Stop with Ctrl-C") {
                let text = std::fs::read_to_string(folder.join("data/dev.json")).expect("dev.json");
                self.facts = serde_json::from_str(&text).expect("dev.json is JSON");
                assert_eq!(self.facts["api_url"], json!(format!("http://{api}")));
                return;
            }
            let ended = self.child.try_wait().expect("the child can be asked");
            assert!(ended.is_none(), "the demo ended by itself: {ended:?}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in dev.json"))
    }

    fn api(&self) -> Api {
        Api::new(self.fact("api_url"), Some(self.fact("api_key")))
    }

    async fn order(&self, number: &str) -> Value {
        let body = json!({
            "merchant_order_no": number,
            "sub_mchid": self.fact("sub_mchid"),
            "sub_appid": self.fact("sub_appid"),
            "description": "A cup of tea",
            "amount": {"total": 100, "currency": "CNY"},
            "payer": {"sub_openid": self.fact("demo_openid")},
        });
        self.api().place_order(&body).await.placed()
    }

    /// The console as the demo's owner sees it.
    async fn console(&self) -> Api {
        let owner = &self.facts["owner"];
        // The code of this half minute was spent when the owner came; the next one is good already.
        let at = SystemClock.now().plus_millis(30_000);
        let secret = owner["totp_secret"].as_str().expect("a secret");
        let body = json!({
            "email": owner["email"],
            "password": owner["password"],
            "otp": code_at(secret, at).expect("a code"),
        });
        let nobody = Api::new(self.fact("api_url"), None);
        let json = ("content-type", "application/json");
        let (path, body) = ("/admin/v1/session", Some(body.to_string().into_bytes()));
        let session = nobody.send(Method::POST, path, &[json], body).await.ok();
        Api::new(self.fact("api_url"), session["access_token"].as_str())
    }

    /// SIGTERM, and an orderly end.
    async fn stop(mut self) {
        let id = self.child.id().expect("the demo runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(told.expect("kill runs").success());
        let ended = self.child.wait().await.expect("the demo ends");
        assert!(ended.success(), "{ended}");
    }
}

/// Every webhook that the demo's receiver showed.
fn shown(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("out")).expect("the log is readable")
}

async fn shown_within_limit(folder: &Path, part: &str) {
    let seen = async {
        while !shown(folder).contains(part) {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    };
    let seen = tokio::time::timeout(READY_LIMIT, seen).await;
    assert!(seen.is_ok(), "{part} was never shown:\n{}", shown(folder));
}

/// Types what the welcome says, letter by letter.
async fn run_the_printed_curl(folder: &Path) -> Value {
    let welcome = shown(folder);
    let (_, from) = welcome.split_once("\ncurl ").expect("a command");
    let (command, _) = from.split_once("\n\n").expect("its end");
    let done = Command::new("bash")
        .args(["-c", &format!("curl {command}")])
        .env("no_proxy", "*")
        .output();
    let done = done.await.expect("bash runs");
    assert!(done.status.success(), "{done:?}");
    let answer: Value = serde_json::from_slice(&done.stdout).expect("an answer in JSON");
    assert_eq!(answer["order"]["amount"]["total"], 100, "{answer}");
    assert!(answer["pay_params"].is_object(), "{answer}");
    answer["order"].clone()
}

/// When a webhook arrived, as the receiver itself noted it.
fn arrival(folder: &Path, kind: &str, subject: &str) -> Timestamp {
    let shown = shown(folder);
    let mut rows = shown.lines().map(|line| line.split_whitespace().collect());
    let row =
        rows.find(|row: &Vec<&str>| row.get(2) == Some(&kind) && row.get(3) == Some(&subject));
    let row = row.unwrap_or_else(|| panic!("no {kind} of {subject}:\n{shown}"));
    assert_eq!(row[0], "webhook");
    assert!(row.ends_with(&["signature", "verified"]), "{row:?}");
    Timestamp::parse_rfc3339(row[1]).expect("a time")
}

#[tokio::test]
async fn demo_orders_pays_tells_and_continues_after_a_stop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, sim) = (free_address(), free_address());
    let dev = Dev::start(folder.path(), &api, &sim).await;
    let facts = std::fs::metadata(folder.path().join("data/dev.json")).expect("dev.json");
    assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    let order = run_the_printed_curl(folder.path()).await;
    let id = order["id"].as_str().expect("an id").to_owned();
    shown_within_limit(folder.path(), "order.created").await;
    let before = SystemClock.now();
    pay_at_the_cashier(&dev, &id).await;
    shown_within_limit(folder.path(), "order.paid").await;
    let arrived = arrival(folder.path(), "order.paid", &id);
    let took_ms = arrived.millis_since(before);
    println!("the webhook arrived {took_ms} ms after the payment");
    assert!((0..=TOLD_LIMIT_MS).contains(&took_ms), "{took_ms} ms");
    assert!(!shown(folder.path()).contains("REFUSED"));
    let first = dev.facts.clone();
    dev.stop().await;

    let dev = Dev::start(folder.path(), &api, &sim).await;

    assert_eq!(dev.facts, first, "the second start changes nothing");
    assert_eq!(dev.api().order(&id).await.ok()["state"], "paid");
    let again = dev.order("second").await;
    let sim = format!(
        "{}/_sim/orders/{}/pay",
        dev.fact("sim_url"),
        platform::number(&again)
    );
    let paid = reqwest::Client::new()
        .post(sim)
        .json(&json!({}))
        .send()
        .await;
    assert!(paid.expect("the simulator answers").status().is_success());
    shown_within_limit(folder.path(), "order.paid").await;
    dev.stop().await;
}

/// Follows the printed link to the cashier and presses its button.
async fn pay_at_the_cashier(dev: &Dev, order: &str) {
    let client = reqwest::Client::new();
    let page = client
        .get(format!("{}/pay/{order}", dev.fact("receiver_url")))
        .send()
        .await;
    let page = page.expect("the cashier answers");
    assert!(page.url().path().starts_with("/cashier/"), "{}", page.url());
    let parameters: Vec<(String, String)> = page.url().query_pairs().into_owned().collect();
    let mut button = page.url().clone();
    button.set_path(&format!("{}/pay", page.url().path()));
    button.set_query(None);
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let pressed = client
        .post(button)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .expect("the cashier answers");
    assert!(pressed.status().is_success());
}

#[tokio::test]
async fn demo_of_another_simulator_address_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, sim) = (free_address(), free_address());
    Dev::start(folder.path(), &api, &sim).await.stop().await;
    let output = Command::new(binary())
        .args(["dev", "--no-demo-data", "--data-dir"])
        .arg(folder.path().join("data"))
        .env("TRIBUTARY_LISTEN", &api)
        .env("TRIBUTARY_SIM_LISTEN", free_address())
        .output()
        .await
        .expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&sim), "{told}");
}

/// What every page of the console shows, with how many of it there are at the first start at least.
const SHOWN: &[(&str, usize)] = &[
    ("tenants?", 7),
    ("providers?", 3),
    ("sub-merchants?mode=test&", 8),
    ("staff?state=active&", 4),
    ("staff?state=invited&", 2),
    ("orders?mode=test&", 50),
    ("orders?mode=test&state=paid&", 30),
    ("orders?mode=test&state=closed&", 1),
    ("orders?mode=test&state=paying&", 3),
    ("orders?mode=test&state=created&", 1),
    ("orders?mode=test&state=held&", 2),
    ("orders?mode=test&state=refunded&", 2),
    ("orders?mode=test&state=partially_refunded&", 1),
    ("orders?mode=test&problem=found_by_query&", 1),
    ("refunds?mode=test&", 6),
    ("refunds?mode=test&state=success&", 3),
    ("refunds?mode=test&state=abnormal&", 1),
    ("refunds?mode=test&state=held&", 1),
    ("deliveries?mode=test&state=failed&", 1),
    ("deliveries?mode=test&state=held&", 1),
    ("webhook-endpoints?mode=test&state=paused&", 1),
    ("webhook-endpoints?mode=test&state=disabled&", 1),
    ("notifications?state=quarantined&", 1),
    ("late-payments?state=held&", 2),
    ("late-payments?state=accepted&", 1),
    ("late-payments?state=refunded&", 1),
    ("approvals?state=pending&", 1),
    ("jobs?", 3),
    ("alarms?state=open&", 5),
    ("alarms?kind=key_expiring&", 1),
    ("reconciliation/days?mode=test&", 1),
    ("discrepancies?state=open&", 3),
    ("audit?", 10),
];
/// What nobody adds to but people.
const STAYING: &[&str] = &[
    "tenants?",
    "providers?",
    "sub-merchants?mode=test&",
    "staff?",
    "orders?mode=test&",
    "refunds?mode=test&",
    "approvals?",
    "jobs?",
];

async fn rows(console: &Api, list: &str) -> usize {
    let path = format!("/admin/v1/{list}limit=100");
    let page = console.get(&path).await.ok();
    page["data"].as_array().map_or(0, Vec::len)
}

async fn counts(console: &Api) -> Vec<(&'static str, usize)> {
    let mut counts = Vec::new();
    for list in STAYING {
        counts.push((*list, rows(console, list).await));
    }
    counts
}

#[tokio::test]
async fn demo_data_fills_every_list_once_even_when_its_first_start_is_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, sim) = (free_address(), free_address());
    let mut killed = begin(folder.path(), &api, &sim, &[]);
    let begun = async {
        let database = folder.path().join("data/past.unfinished/tributary.db");
        while !database.exists() {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    };
    let begun = tokio::time::timeout(READY_LIMIT, begun).await;
    begun.expect("the past begins");
    killed.kill().await.expect("the demo is killed");

    let dev = Dev::start_with(folder.path(), &api, &sim, &[]).await;

    assert!(shown(folder.path()).starts_with("demo data: "));
    let console = dev.console().await;
    for (list, least) in SHOWN {
        let found = rows(&console, list).await;
        assert!(found >= *least, "{list}: {found} instead of {least}");
    }
    let first = counts(&console).await;
    dev.stop().await;
    let dev = Dev::start_with(folder.path(), &api, &sim, &[]).await;
    assert!(!shown(folder.path()).contains("demo data"));
    assert_eq!(
        counts(&console).await,
        first,
        "the second start adds nothing"
    );
    dev.stop().await;
    let left = std::fs::read_dir(folder.path().join("data")).expect("the folder");
    let left = left.map(|entry| entry.expect("an entry").file_name());
    let past = left.filter(|name| name.to_string_lossy().starts_with("past"));
    assert_eq!(past.count(), 0, "nothing of the making is left");
}

#[tokio::test]
async fn demo_without_data_begins_with_its_tenant_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, sim) = (free_address(), free_address());
    let dev = Dev::start(folder.path(), &api, &sim).await;
    let console = dev.console().await;
    for (list, all) in [
        ("tenants?", 1),
        ("staff?", 1),
        ("orders?mode=test&", 0),
        ("refunds?mode=test&", 0),
        ("jobs?", 0),
        ("alarms?", 0),
    ] {
        assert_eq!(rows(&console, list).await, all, "{list}");
    }
    dev.stop().await;
    // What a folder begins with is decided once.
    let dev = Dev::start_with(folder.path(), &api, &sim, &[]).await;
    assert_eq!(rows(&console, "orders?mode=test&").await, 0);
    dev.stop().await;
}

/// What the README tells a tenant to type, typed.
#[tokio::test]
async fn a_request_is_signed_and_its_answer_verified_as_the_readme_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (api, sim) = (free_address(), free_address());
    let dev = Dev::start(folder.path(), &api, &sim).await;
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, told) = readme
        .split_once("```bash\nopenssl req")
        .expect("the commands");
    let (told, _) = told.split_once("```").expect("their end");
    let data = folder.path().join("data");
    let program = Path::new(&binary()).parent().map(Path::to_owned);
    let path = std::env::join_paths(program.into_iter().chain(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    )));
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("openssl req{told}")])
        .current_dir(folder.path())
        .env("PATH", path.expect("a path"))
        .env("no_proxy", "*")
        .env("API", dev.fact("api_url"))
        .env("TENANT", dev.fact("tenant_id"))
        .env("TRIBUTARY_PUBLIC_URL", dev.fact("api_url"))
        .env("TRIBUTARY_KEK_FILE", data.join("kek"))
        .env(
            "TRIBUTARY_DATABASE_URL",
            format!("sqlite://{}", data.join("tributary.db").display()),
        )
        .output()
        .await
        .expect("bash runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{done:?}");
    assert!(said.ends_with("Verified OK\n"), "{said}");
    let answer = std::fs::read(folder.path().join("answer")).expect("the answer");
    let me: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(me["tenant_id"], dev.fact("tenant_id"));
    assert_eq!(me["certificate"]["name"], "shop");
    dev.stop().await;
}
