//! `tributary dev` as a new user meets it, and as the second start finds it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tributary_domain::clock::{Clock, SystemClock, Timestamp};
use tributary_tests::kill::binary;
use tributary_tests::{Api, platform};

const READY_LIMIT: Duration = Duration::from_mins(1);
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

impl Dev {
    async fn start(folder: &Path, api: &str, sim: &str) -> Self {
        let log = std::fs::File::create(folder.join("out")).expect("a log file");
        let child = Command::new(binary())
            .args(["dev", "--data-dir"])
            .arg(folder.join("data"))
            .env("TRIBUTARY_LISTEN", api)
            .env("TRIBUTARY_SIM_LISTEN", sim)
            .stdin(Stdio::null())
            .stdout(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts; run cargo build --workspace --bins");
        let mut dev = Self {
            child,
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
        .args(["dev", "--data-dir"])
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
