//! The README's way from WeChat's files to the first order, with the real binary and a simulated WeChat Pay.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tributary_tests::Api;
use tributary_tests::kill::binary;
use wechatpay_sim::{
    KeyMode, NewApp, NewProvider, NewSubMerchant, OpenidOf, PayOrder, SimConfig, SimHandle,
    Simulator,
};

const SP_MCHID: &str = "1900000109";
const SP_APPID: &str = "wx8888888888888888";
const SUB_MCHID: &str = "1900000110";
const SUB_APPID: &str = "wx1111111111111111";
const OPENID: &str = "a-user";
const API_V3_KEY: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = include_str!("../../crates/wechatpay/testdata/apiclient_key.pem");
const CERTIFICATE: &str = include_str!("../../crates/wechatpay/testdata/apiclient_cert.pem");
const P12: &[u8] = include_bytes!("../../crates/wechatpay/testdata/apiclient_cert_rc2_40.p12");
/// Looks for a paid order, at 50 ms each.
const LOOKS_MAX: usize = 600;

/// A folder as an operator has it: configuration, files of WeChat's, a server that runs.
struct Place {
    folder: tempfile::TempDir,
    url: String,
    server: Option<tokio::process::Child>,
}

impl Place {
    fn new() -> Self {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listen = probe.local_addr().expect("a bound address");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!(
            "public_url = 'http://{listen}'\nlisten = '{listen}'\n\
             [database]\nurl = 'sqlite://{}'\n",
            folder.path().join("tributary.db").display()
        );
        std::fs::write(folder.path().join("tributary.toml"), text).expect("the file is written");
        Self {
            folder,
            url: format!("http://{listen}"),
            server: None,
        }
    }

    fn file(&self, name: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join(name), content).expect("the file is written");
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env(
                "TRIBUTARY_CONFIG",
                self.folder.path().join("tributary.toml"),
            )
            .env("TRIBUTARY_KEK", "ab".repeat(32))
            .env("TRIBUTARY_LOG_FILTER", "error")
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .await
            .expect("the binary runs")
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let all = [&["admin", "--json"], arguments].concat();
        let output = self.run(&all).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    async fn refused(&self, arguments: &[&str]) -> String {
        let all = [&["admin"], arguments].concat();
        let output = self.run(&all).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    async fn serve(&mut self) {
        let migrated = self.run(&["migrate"]).await;
        assert!(migrated.status.success());
        let child = self.command(&["serve"]).spawn().expect("the binary runs");
        self.server = Some(child);
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("an HTTP client");
        for _ in 0..LOOKS_MAX {
            let ready = client.get(format!("{}/readyz", self.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the server was not ready in time");
    }
}

/// WeChat Pay with a merchant whose certificate is the one in the files.
async fn wechat(place: &Place) -> SimHandle {
    let simulator = Simulator::start(SimConfig::default()).await;
    let simulator = simulator.expect("the simulator starts");
    let keys = simulator
        .provider(NewProvider {
            sp_mchid: Some(SP_MCHID.to_owned()),
            sp_appid: Some(SP_APPID.to_owned()),
            merchant_certificate_pem: Some(CERTIFICATE.to_owned()),
            serial: Some("5157F09EFDC096DE15EBE81A47057A7232F1B8E1".to_owned()),
            api_v3_key: Some(API_V3_KEY.to_owned()),
            key_mode: Some(KeyMode::PublicKey),
            ..NewProvider::default()
        })
        .await
        .expect("WeChat knows the provider");
    simulator
        .sub_merchant(NewSubMerchant {
            sp_mchid: SP_MCHID.to_owned(),
            sub_mchid: Some(SUB_MCHID.to_owned()),
            name: None,
            sub_appids: vec![NewApp {
                appid: SUB_APPID.to_owned(),
                secret: None,
            }],
            openids: vec![OpenidOf::Plain(OPENID.to_owned())],
        })
        .expect("WeChat knows the sub-merchant");
    place.file("apiclient_key.pem", KEY.as_bytes());
    place.file("apiclient_cert.pem", CERTIFICATE.as_bytes());
    place.file("apiclient_cert.p12", P12);
    place.file("api_v3_key.txt", format!("{API_V3_KEY}\n").as_bytes());
    place.file("pub_key.pem", keys.wechatpay_public_key_pem.as_bytes());
    place.file("pub_key_id", keys.wechatpay_public_key_id.as_bytes());
    simulator
}

fn created(place: &Place, api_url: &str, key_files: &[&str]) -> Vec<String> {
    let id = std::fs::read_to_string(place.folder.path().join("pub_key_id"));
    let mut arguments: Vec<String> = [
        "create-provider",
        "--name",
        "Tributary Ltd",
        "--mode",
        "test",
        "--sp-mchid",
        SP_MCHID,
        "--sp-appid",
        SP_APPID,
        "--api-v3-key-file",
        "api_v3_key.txt",
        "--public-key-file",
        "pub_key.pem",
        "--api-url",
        api_url,
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(["--public-key-id".to_owned(), id.expect("the id")]);
    arguments.extend(key_files.iter().map(|one| (*one).to_owned()));
    arguments
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

async fn first_order(place: &Place, simulator: &SimHandle, provider: &str) {
    let tenant = place.json(&["create-tenant", "--name", "Teahouse"]).await;
    let tenant = text(&tenant, "tenant_id");
    let merchant = ["--sub-mchid", SUB_MCHID, "--tenant", tenant];
    let under = ["create-sub-merchant", "--provider", provider, "--name=Shop"];
    place.json(&[&under[..], &merchant].concat()).await;
    let app = ["add-sub-app", "--mode", "test", "--sub-appid", SUB_APPID];
    place.json(&[&app[..], &merchant].concat()).await;
    let key = ["create-api-key", "--tenant", tenant, "--mode=test"];
    let key = place.json(&[&key[..], &["--name=till"]].concat()).await;
    let api = Api::new(&place.url, Some(text(&key, "api_key")));
    let order = json!({
        "merchant_order_no": "first",
        "sub_appid": SUB_APPID,
        "description": "A cup of tea",
        "amount": {"total": 888, "currency": "CNY"},
        "payer": {"sub_openid": OPENID},
    });
    let placed = api.place_order(&order).await.placed();
    simulator
        .pay(text(&placed, "out_trade_no"), &PayOrder::default())
        .expect("the user pays");
    for _ in 0..LOOKS_MAX {
        let seen = api.order(text(&placed, "id")).await.ok();
        if seen["state"] == "paid" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the order was not paid in time");
}

async fn set_up(key_files: &[&str]) {
    let mut place = Place::new();
    let simulator = wechat(&place).await;
    let url = simulator.base_url();
    place.serve().await;
    let arguments = created(&place, &url, key_files);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let provider = place.json(&arguments).await;
    let provider = text(&provider, "provider_id");
    let tested = place.json(&["test-keys", "--provider", provider]).await;
    assert_eq!(tested["tests"][0]["state"], "green", "{tested}");
    assert_eq!(tested["tests"][0]["key_mode"], "public_key");
    first_order(&place, &simulator, provider).await;
    let keys = place.json(&["keys", "--provider", provider]).await;
    let keys_shown = keys["keys"].as_array().expect("the ring");
    let merchant = keys_shown
        .iter()
        .find(|key| key["kind"] == "merchant_certificate")
        .expect("a merchant key");
    assert_eq!(merchant["not_after"], "2049-12-31T23:59:59.000Z");
    assert_eq!(merchant["state"], "active");
    for secret in [API_V3_KEY, "PRIVATE KEY"] {
        assert!(!keys.to_string().contains(secret), "{secret}");
    }
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_set_up_from_pem_files_self_tested_and_takes_its_first_order() {
    set_up(&[
        "--private-key-file",
        "apiclient_key.pem",
        "--certificate-file",
        "apiclient_cert.pem",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_set_up_from_a_p12_self_tested_and_takes_its_first_order() {
    set_up(&["--p12-file", "apiclient_cert.p12"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_belong_together_are_refused_by_name() {
    let place = Place::new();
    let simulator = wechat(&place).await;
    assert!(place.run(&["migrate"]).await.status.success());
    let (other, _) = wechatpay::credentials::generate_pem().expect("an RSA pair");
    place.file("other_key.pem", other.as_bytes());
    place.file("wrong_password.txt", b"1900000108\n");
    for (files, told) in [
        (
            &[
                "--private-key-file=other_key.pem",
                "--certificate-file=apiclient_cert.pem",
            ][..],
            "merchant_certificate does not belong to the private key",
        ),
        (
            &["--private-key-file=pub_key.pem", "--merchant-serial=AB"],
            "the file holds a public key",
        ),
        (
            &["--private-key-file=apiclient_key.pem"],
            "merchant_serial must be given",
        ),
        (
            &[
                "--p12-file=apiclient_cert.p12",
                "--p12-password-file=wrong_password.txt",
            ],
            "p12_password the password does not open the file",
        ),
        (
            &["--p12-file=pub_key.pem"],
            "p12 the file is not a PKCS#12 file",
        ),
        (&[], "name --private-key-file, or --p12-file"),
    ] {
        let arguments = created(&place, "http://127.0.0.1:9", files);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let line = place.refused(&arguments).await;
        assert!(line.contains(told), "{files:?}: {line}");
    }
    simulator.shutdown().await;
}

/// Every command of the README's section is one that the binary has.
#[tokio::test]
async fn the_commands_that_the_readme_shows_exist() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let place = Place::new();
    let help = place.run(&["admin", "--help"]).await;
    let help = String::from_utf8(help.stdout).expect("text");
    let shown = readme.split("tributary admin ").skip(1);
    let mut seen = 0;
    for command in shown.filter_map(|rest| rest.split_whitespace().next()) {
        let name: String = command
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '-')
            .collect();
        if !name.is_empty() {
            assert!(help.contains(&format!("  {name} ")), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}
