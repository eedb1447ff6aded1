//! The binary as an operator uses it: from an empty folder to a serving platform, and every way not to start.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tributary_tests::kill::binary;

/// A folder with a configuration and nothing else.
struct Installation {
    folder: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("data/tributary.db");
        let text = format!(
            "public_url = 'https://pay.example.com'\nlisten = '127.0.0.1:0'\n\
             [database]\nurl = 'sqlite://{}'\n",
            database.display()
        );
        std::fs::write(folder.path().join("tributary.toml"), text).expect("the file is written");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        std::fs::write(self.path(name), content).expect("the file is written");
        self.path(name)
    }

    /// A command of the binary, without a key-encryption key.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TRIBUTARY_CONFIG", self.path("tributary.toml"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let kek = "ab".repeat(32);
        let mut command = self.bare(arguments);
        command
            .env("TRIBUTARY_KEK", kek)
            .output()
            .expect("the binary runs")
    }

    /// The standard output of a command that succeeds.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let all = [&["admin", "--json"], arguments].concat();
        serde_json::from_str(&self.ok(&all)).expect("JSON")
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command says that cannot do what it was asked: one line, exit code 1, no panic.
#[track_caller]
fn refusal(output: &Output) -> String {
    let text = told(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("tributary: "), "{text}");
    assert!(
        !text.contains("panicked") && !text.contains("backtrace"),
        "{text}"
    );
    text
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn operator_sets_up_a_tenant_by_commands_alone() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let (private_key, public_key) = wechatpay::credentials::generate_pem().expect("a key pair");
    let (api_v3_key, app_secret) = ("v3-canary-v3-canary-v3-canary-v3", "app-secret-canary");
    let provider = place.json(&[
        "create-provider",
        "--name=Tributary Ltd",
        "--sp-mchid=1900000109",
        "--sp-appid=wx8888888888888888",
        "--mode=test",
        "--merchant-serial=5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "--private-key-file",
        shown(&place.write("private.pem", &private_key)),
        "--api-v3-key-file",
        shown(&place.write("v3", &format!("{api_v3_key}\n"))),
        "--public-key-id=PUB_KEY_ID_0119000001092024",
        "--public-key-file",
        shown(&place.write("public.pem", &public_key)),
        "--api-url=http://127.0.0.1:9",
    ]);
    let tenant = place.json(&["create-tenant", "--name=Teahouse"]);
    let tenant = format!("--tenant={}", text(&tenant, "tenant_id"));
    let provider = format!("--provider={}", text(&provider, "provider_id"));
    let sub_merchant = ["--sub-mchid=1900000110", "--name=Shop", &tenant, &provider];
    place.json(&[&["create-sub-merchant"][..], &sub_merchant].concat());
    let secret = place.write("secret", app_secret);
    let app = [
        "--sub-mchid=1900000110",
        "--mode=test",
        "--sub-appid=wx1",
        "--app-secret-file",
    ];
    let app = place.json(&[&["add-sub-app", &tenant][..], &app, &[shown(&secret)]].concat());
    assert_eq!(app["has_secret"], true);
    let key = place.json(&["create-api-key", &tenant, "--mode=test", "--name=till"]);
    assert!(text(&key, "api_key").starts_with("trb_test_"));
    let listed = place.ok(&["admin", "list"]);
    for known in ["1900000109", "Teahouse", "1900000110"] {
        assert!(listed.contains(known), "{listed}");
    }
    for hidden in [api_v3_key, app_secret, text(&key, "api_key")] {
        assert!(!listed.contains(hidden), "{listed}");
    }
    let key_id = format!("--key={}", text(&key, "key_id"));
    assert_eq!(
        place.json(&["revoke-api-key", &tenant, &key_id])["revoked"],
        true
    );
    let again = place.run(&["admin", "revoke-api-key", &tenant, &key_id]);
    assert!(refusal(&again).contains("not found"));
}

#[test]
fn operator_manages_the_credentials_of_a_tenant() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let tenant = place.json(&["create-tenant", "--name=Teahouse"]);
    let tenant = format!("--tenant={}", text(&tenant, "tenant_id"));
    let new = [&tenant, "--mode=live", "--name=till"];
    let with = |command: &'static str, more: &[&str]| -> Vec<String> {
        let all = [&[command], &new[..], more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let json = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        place.json(&words)
    };
    let key = json(&with(
        "create-api-key",
        &["--networks=192.0.2.0/24,2001:db8::1"],
    ));
    let key_id = format!("--key={}", text(&key, "key_id"));
    let rolled = place.json(&["roll-api-key", &tenant, &key_id, "--overlap-hours=1"]);
    let odd = [
        "admin",
        "roll-api-key",
        &tenant,
        &key_id,
        "--overlap-hours=2",
    ];
    assert!(refusal(&place.run(&odd)).contains("0, 1, 24 or 72"));
    let (private_key, _) = wechatpay::credentials::generate_pem().expect("a key pair");
    let request = place.write(
        "csr",
        &tributary_tests::signer::certificate_request(&private_key),
    );
    let issued = json(&with("issue-certificate", &["--csr-file", shown(&request)]));
    assert!(text(&issued, "pem").starts_with("-----BEGIN CERTIFICATE-----"));
    let twice = with("issue-certificate", &["--csr-file", shown(&request)]);
    let twice: Vec<&str> = twice.iter().map(String::as_str).collect();
    let twice = place.run(&[&["admin"], &twice[..]].concat());
    assert!(refusal(&twice).contains("a pair of its own"));
    let (_, public_key) = wechatpay::credentials::generate_pem().expect("a key pair");
    let public_key = place.write("public", &public_key);
    let reading = [
        "--scopes=orders:read",
        "--public-key-file",
        shown(&public_key),
    ];
    let registered = json(&with("register-public-key", &reading));
    let certificate = format!("--certificate={}", text(&registered, "certificate_id"));
    place.json(&["revoke-certificate", &tenant, &certificate]);
    let listed = place.json(&["list-credentials", &tenant]);
    let (keys, certificates) = (&listed["api_keys"], &listed["certificates"]);
    assert_eq!(keys[1]["replaced_by"], rolled["key_id"]);
    assert_eq!(
        keys[0]["networks"],
        serde_json::json!(["192.0.2.0/24", "2001:db8::1/128"])
    );
    assert_eq!(
        (&certificates[0]["works"], &certificates[1]["works"]),
        (&false.into(), &true.into())
    );
    assert_eq!(
        certificates[0]["scopes"],
        serde_json::json!(["orders:read"])
    );
    assert!(!listed.to_string().contains(text(&key, "api_key")));
}

#[test]
fn wrong_keys_of_a_provider_are_refused_by_name() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let nonsense = place.write("nonsense", "nonsense");
    let output = place.run(&[
        "admin",
        "create-provider",
        "--name=X",
        "--sp-mchid=1900000109",
        "--sp-appid=wx8888888888888888",
        "--mode=live",
        "--merchant-serial=00AB",
        "--private-key-file",
        shown(&nonsense),
        "--api-v3-key-file",
        shown(&nonsense),
    ]);
    let line = refusal(&output);
    for part in ["merchant_private_key", "api_v3_key"] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn server_does_not_start_without_a_key_and_says_how_to_make_one() {
    let place = Installation::new();
    let output = place.bare(&["serve"]).output().expect("the binary runs");
    let line = refusal(&output);
    assert!(line.contains("head -c 32 /dev/urandom | base64"), "{line}");
}

#[test]
fn server_does_not_start_on_an_old_schema_and_says_what_to_run() {
    let place = Installation::new();
    let line = refusal(&place.run(&["serve"]));
    assert!(line.contains("run `tributary migrate`"), "{line}");
}

#[test]
fn server_does_not_start_with_another_key_than_the_one_that_sealed() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let (private_key, _) = wechatpay::credentials::generate_pem().expect("a key pair");
    place.json(&[
        "create-provider",
        "--name=X",
        "--sp-mchid=1900000109",
        "--sp-appid=wx8888888888888888",
        "--mode=live",
        "--merchant-serial=00AB",
        "--private-key-file",
        shown(&place.write("private.pem", &private_key)),
        "--api-v3-key-file",
        shown(&place.write("v3", "v3-canary-v3-canary-v3-canary-v3")),
    ]);
    let mut other = place.bare(&["serve"]);
    let output = other
        .env("TRIBUTARY_KEK", "cd".repeat(32))
        .output()
        .expect("the binary runs");
    let line = refusal(&output);
    assert!(line.contains("key-encryption key"), "{line}");
}

#[test]
fn keys_are_changed_checked_and_destroyed_by_commands_alone() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let (private_key, _) = wechatpay::credentials::generate_pem().expect("a key pair");
    let provider = place.json(&[
        "create-provider",
        "--name=X",
        "--sp-mchid=1900000109",
        "--sp-appid=wx8888888888888888",
        "--mode=live",
        "--merchant-serial=00AB",
        "--private-key-file",
        shown(&place.write("private.pem", &private_key)),
        "--api-v3-key-file",
        shown(&place.write("v3", "v3-canary-v3-canary-v3-canary-v3")),
    ]);
    let provider = text(&provider, "provider_id");
    let keys = |arguments: &[&str], kek: &str, also: &str| {
        let mut command = place.bare(&[&["keys", "--json"], arguments].concat());
        command.env("TRIBUTARY_KEK", kek.repeat(32));
        command.env("TRIBUTARY_KEK_ALSO", also.repeat(32));
        command.output().expect("the binary runs")
    };
    let told_json = |output: &Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(output)))
    };
    let rotated = keys(&["rotate-kek"], "cd", "ab");
    assert_eq!(told_json(&rotated)["rewrapped"], 1);
    let whole = keys(&["verify"], "cd", "");
    assert!(whole.status.success(), "{}", told(&whole));
    assert_eq!(told_json(&whole)["sealed"][0]["opened"], 1);
    let broken = keys(&["verify"], "ab", "");
    assert_eq!(broken.status.code(), Some(1));
    let row = format!("providers.api_v3_key of {provider}");
    let named = told_json(&broken)["failures"].to_string();
    assert!(named.contains(&row), "{named}");
    let unconfirmed = [
        "destroy-owner",
        "--owner",
        provider,
        "--confirm=prv_x",
        "--reason=r",
    ];
    let line = refusal(&keys(&unconfirmed, "cd", ""));
    assert!(
        line.contains("confirm must be the owner's id once more"),
        "{line}"
    );
    let confirmed = [
        "destroy-owner",
        "--owner",
        provider,
        "--confirm",
        provider,
        "--reason=r",
    ];
    let destroyed = keys(&confirmed, "cd", "");
    assert_eq!(told_json(&destroyed)["destroyed_keys"], 1);
    let erased = keys(&["verify"], "cd", "");
    assert!(erased.status.success(), "{}", told(&erased));
    assert_eq!(told_json(&erased)["sealed"][0]["erased"], 1);
}

#[test]
fn taken_port_is_one_line() {
    let place = Installation::new();
    place.ok(&["migrate"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound address").to_string();
    for command in [
        &["serve", "--listen", &address][..],
        &["sim", "--listen", &address],
    ] {
        let line = refusal(&place.run(command));
        assert!(
            line.contains(&address) && line.lines().count() == 1,
            "{line}"
        );
    }
}

#[test]
fn configuration_is_shown_without_its_secrets() {
    let place = Installation::new();
    let url = "--database-url=postgres://app:hunter2@db/tributary";
    let shown = place.ok(&["check-config", url]);
    assert!(shown.contains("postgres://app:***@db/tributary"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("abab"),
        "{shown}"
    );
}

#[test]
fn doctor_names_what_is_wrong_line_by_line() {
    let place = Installation::new();
    let before = place.run(&["doctor"]);
    assert_eq!(before.status.code(), Some(1));
    let lines = String::from_utf8(before.stdout).expect("text");
    assert!(lines.contains("not ok  database"), "{lines}");
    place.ok(&["migrate"]);
    let after = place.ok(&["doctor"]);
    assert!(!after.contains("not ok"), "{after}");
}

#[test]
fn contract_is_printed() {
    let place = Installation::new();
    let document: Value = serde_json::from_str(&place.ok(&["openapi", "tenant"])).expect("JSON");
    assert!(document["paths"]["/v1/orders"]["post"].is_object());
}
