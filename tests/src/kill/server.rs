//! The real binary as a child process, started and killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

const READY_LIMIT: Duration = Duration::from_mins(1);
/// Receivers that hang are part of some runs, and their end is waited for.
const WEBHOOK_MS: &str = "5000";
const READY_PAUSE: Duration = Duration::from_millis(10);

/// `tributary serve` on a port of its own.
pub struct Server {
    /// The key-encryption key, as the environment carries it.
    pub(super) kek: String,
    /// A second one, which it opens with too.
    pub(super) kek_also: String,
    port: u16,
    database_url: String,
    child: Option<Child>,
    /// Where the next server ends by itself.
    pub(super) crash_at: Option<String>,
}

impl Server {
    pub(super) fn new() -> Self {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            kek: hex::encode(rand::random::<[u8; 32]>()),
            kek_also: hex::encode(rand::random::<[u8; 32]>()),
            port: probe.local_addr().expect("a bound address").port(),
            database_url: String::new(),
            child: None,
            crash_at: None,
        }
    }

    /// Where it serves.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn serve(&mut self, database_url: &str) {
        database_url.clone_into(&mut self.database_url);
    }

    /// Starts it, without waiting until it serves.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "one server at a time");
        let child = Command::new(binary())
            .arg("serve")
            .env("TRIBUTARY_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("TRIBUTARY_PUBLIC_URL", self.url())
            .env("TRIBUTARY_DATABASE_URL", &self.database_url)
            .env("TRIBUTARY_KEK", &self.kek)
            .env("TRIBUTARY_KEK_ALSO", &self.kek_also)
            .env("TRIBUTARY_WEBHOOKS_ALLOW_LOOPBACK", "true")
            .env("TRIBUTARY_TIMEOUTS_WEBHOOK_MS", WEBHOOK_MS)
            .env("TRIBUTARY_LOG_FILTER", "error")
            // The load is one tenant's and is as much as the machine can do.
            .env("TRIBUTARY_LIMITS_READS_PER_SECOND", "100000")
            .env("TRIBUTARY_LIMITS_WRITES_PER_SECOND", "100000")
            .envs(
                self.crash_at
                    .take()
                    .map(|at| ("TRIBUTARY_TEST_CRASH_AT", at)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; run cargo build --workspace --bins",
                    binary().display()
                )
            });
        self.child = Some(child);
    }

    /// A command of the binary over the same database, which wraps with the first of two keys and opens with both.
    pub(super) fn command(&self, arguments: &[&str], keks: [&str; 2]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env("TRIBUTARY_PUBLIC_URL", self.url())
            .env("TRIBUTARY_DATABASE_URL", &self.database_url)
            .env("TRIBUTARY_KEK", keks[0])
            .env("TRIBUTARY_KEK_ALSO", keks[1])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Waits until the server says that it can serve.
    pub async fn ready(&mut self) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("an HTTP client");
        let url = format!("{}/readyz", self.url());
        let begun = Instant::now();
        loop {
            if let Ok(answer) = client.get(&url).send().await
                && answer.status().is_success()
            {
                return;
            }
            let child = self.child.as_mut().expect("a server was started");
            let ended = child.try_wait().expect("the child can be asked");
            assert!(ended.is_none(), "the server ended by itself: {ended:?}");
            assert!(
                begun.elapsed() < READY_LIMIT,
                "the server was not ready in time"
            );
            tokio::time::sleep(READY_PAUSE).await;
        }
    }

    /// Waits until the server ends by itself; false when it outlives the limit.
    #[cfg(debug_assertions)]
    pub(super) async fn ended(&mut self, limit: Duration) -> bool {
        let child = self.child.as_mut().expect("a server was started");
        let ended = tokio::time::timeout(limit, child.wait()).await.is_ok();
        if ended {
            self.child = None;
        }
        ended
    }

    /// The most memory that the process ever had, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let pid = self.child.as_ref().and_then(Child::id).expect("a server");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        let status = status.expect("the process can be asked");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak.expect("a peak")
    }

    /// Whether the process leaves no memory behind when it crashes.
    pub(super) fn writes_no_core(&self) -> bool {
        let pid = self.child.as_ref().and_then(Child::id).expect("a server");
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits"));
        let limits = limits.expect("the process can be asked");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let mut words = line.expect("the limit is told").split_whitespace().skip(4);
        words.next() == Some("0") && words.next() == Some("0")
    }

    /// SIGKILL: nothing is flushed, nothing is said goodbye to.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("a server was started");
        child.kill().await.expect("the child can be killed");
    }
}

/// The binary that `cargo build --workspace --bins` puts beside the one that runs now.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("the running program has a path");
    let folder = here.parent().expect("a program lies in a folder");
    let folder = if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.parent().expect("`deps` lies in a folder")
    } else {
        folder
    };
    folder.join("tributary")
}
