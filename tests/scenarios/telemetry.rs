//! What an operator sees of a running server: figures on a port of their own, lines of JSON, spans.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tributary_tests::kill::binary;

/// Looks for what comes soon, at 50 ms each.
const LOOKS_MAX: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);

fn free_address() -> String {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("a bound address").to_string()
}

/// Takes whatever is posted and keeps its head and body.
async fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut request, mut piece) = (Vec::new(), [0_u8; 4096]);
            while let Ok(count) = stream.read(&mut piece).await {
                request.extend_from_slice(&piece[..count]);
                if count == 0 || is_whole(&request) {
                    break;
                }
            }
            kept.lock().expect("a lock").push(request);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(stream.write_all(answer).await);
        }
    });
    (url, taken)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let length = text.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    length.is_none_or(|length| request.len() >= end + 4 + length)
}

fn command(folder: &tempfile::TempDir, argument: &str) -> Command {
    let database = folder.path().join("tributary.db");
    let mut command = Command::new(binary());
    command
        .arg(argument)
        .current_dir(folder.path())
        .env_clear()
        .env("TRIBUTARY_KEK", "ab".repeat(32))
        .env(
            "TRIBUTARY_DATABASE_URL",
            format!("sqlite://{}", database.display()),
        )
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The text behind a URL, once it answers with success.
async fn text_of(url: &str, wanted: impl Fn(&str) -> bool) -> String {
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("an HTTP client");
    for _ in 0..LOOKS_MAX {
        if let Ok(answer) = client.get(url).send().await
            && answer.status().is_success()
            && let Ok(text) = answer.text().await
            && wanted(&text)
        {
            return text;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{url} does not say what it should")
}

async fn end(mut server: Child) -> String {
    let id = server.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.expect("kill runs").success());
    let mut log = String::new();
    let lines = server.stderr.as_mut().expect("its log");
    let read = lines.read_to_string(&mut log).await;
    read.expect("text");
    assert!(server.wait().await.expect("it ends").success());
    log
}

#[tokio::test]
async fn a_server_shows_its_figures_apart_logs_json_and_sends_its_spans() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let migrated = command(&folder, "migrate").output().await;
    assert!(migrated.expect("the binary runs").status.success());
    let (api, figures) = (free_address(), free_address());
    let (collector, spans) = collector().await;
    let server = command(&folder, "serve")
        .env("TRIBUTARY_LISTEN", &api)
        .env("TRIBUTARY_PUBLIC_URL", format!("http://{api}"))
        .env("TRIBUTARY_METRICS_LISTEN", &figures)
        .env("TRIBUTARY_OTLP_ENDPOINT", &collector)
        .env("TRIBUTARY_LOG_FORMAT", "json")
        .env("TRIBUTARY_LOG_FILTER", "info")
        .spawn()
        .expect("the binary runs");
    text_of(&format!("http://{api}/readyz"), |_| true).await;
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("an HTTP client");
    let refused = client.get(format!("http://{api}/v1/me")).send().await;
    let refused = refused.expect("the server answers");
    assert_eq!(refused.status(), 401);
    let request_id = refused.headers()["x-request-id"].to_str();
    let request_id = request_id.expect("text").to_owned();
    let beside = client.get(format!("http://{api}/metrics")).send().await;
    assert_eq!(beside.expect("the server answers").status(), 404);
    let figures = format!("http://{figures}/metrics");
    let has_begun = |text: &str| text.contains("tributary_task_runs_total{");
    let shown = text_of(&figures, has_begun).await;
    assert!(shown.contains("# TYPE tributary_task_seconds"));

    let log = end(server).await;
    let lines = log.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<Value> = lines.map(|line| line.expect("a line of JSON")).collect();
    assert!(lines.iter().any(|line| line["level"] == "INFO"));
    assert!(log.contains(&request_id), "{request_id} in {log}");
    let spans = spans.lock().expect("a lock");
    let sent = spans
        .iter()
        .find(|request| request.starts_with(b"POST /v1/traces "));
    let sent = String::from_utf8_lossy(sent.expect("spans were sent"));
    assert!(sent.contains("tributary"), "the service's name");
}
