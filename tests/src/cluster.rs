//! A PostgreSQL cluster of a test's own, which the test may stop and start without disturbing anybody.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Who runs the server when the tests run as root, which PostgreSQL refuses.
const OWNER: &str = "postgres";
/// Who the platform is to it: no superuser, or the wall between tenants would not hold.
const ROLE: &str = "tributary";
/// Another program may take a port between our look and the server's bind.
const START_TRIES: usize = 5;

/// A running cluster; dropped, it is stopped and gone.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes a cluster on a free port.
    pub fn start() -> Self {
        let mut cluster = Self {
            programs: programs(),
            folder: tempfile::Builder::new()
                .prefix("tributary-faults-")
                .tempdir_in("/tmp")
                .expect("a temporary folder"),
            port: 0,
        };
        if is_root() {
            let owned = Command::new("chown")
                .arg(OWNER)
                .arg(cluster.folder.path())
                .output();
            succeeded("chown", owned);
        }
        let data = cluster.data();
        let arguments = [
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ];
        let made = cluster
            .command("initdb")
            .arg("-D")
            .arg(data)
            .args(arguments)
            .output();
        succeeded("initdb", made);
        for _ in 0..START_TRIES {
            let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            cluster.port = probe.local_addr().expect("a bound address").port();
            drop(probe);
            if cluster.try_start() {
                cluster.make_plain_role();
                return cluster;
            }
        }
        panic!("PostgreSQL did not start");
    }

    /// The URL of a database whose owner no policy lets pass.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/{ROLE}", self.port)
    }

    fn make_plain_role(&self) {
        self.administer(&format!("CREATE ROLE {ROLE} LOGIN"));
        self.administer(&format!("CREATE DATABASE {ROLE} OWNER {ROLE}"));
    }

    fn administer(&self, sql: &str) {
        let port = self.port.to_string();
        let made = self
            .command("psql")
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-qc"])
            .arg(sql)
            .output();
        succeeded("psql", made);
    }

    /// Takes every connection from the platform, and lets it have no other.
    pub fn refuse_connections(&self) {
        self.administer(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT 0"));
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'"
        );
        self.administer(&end);
    }

    /// Lets the platform connect again.
    pub fn admit_connections(&self) {
        self.administer(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT -1"));
    }

    /// Stops the server as its operator would: whoever is connected is told so.
    pub fn stop(&self) {
        let stopped = self.control().args(["-m", "fast", "-w", "stop"]).output();
        succeeded("pg_ctl stop", stopped);
    }

    /// Stops the server as a crash of its machine would: nobody is told, nothing is written.
    pub fn crash(&self) {
        let stopped = self
            .control()
            .args(["-m", "immediate", "-w", "stop"])
            .output();
        succeeded("pg_ctl stop", stopped);
    }

    /// Starts it again, on the same port.
    pub fn recover(&self) {
        assert!(self.try_start(), "PostgreSQL starts again");
    }

    fn try_start(&self) -> bool {
        let (port, folder) = (self.port, self.folder.path().display());
        let options = format!(
            "-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
        );
        let log = self.folder.path().join("log");
        let started = self
            .control()
            .args(["-s", "-w", "-o", &options, "-l"])
            .arg(log)
            .arg("start")
            .status();
        started.expect("pg_ctl runs").success()
    }

    fn control(&self) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs, as the owner of the cluster.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", OWNER, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Its owner may have no right to stand in the repository.
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whether it runs at all is the test's affair.
        drop(
            self.control()
                .args(["-m", "immediate", "-w", "stop"])
                .output(),
        );
    }
}

fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output().expect("id runs");
    user.stdout.trim_ascii() == b"0"
}

/// The folder of the newest PostgreSQL of this machine.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    let mut found: Vec<PathBuf> = folders.filter(|bin| bin.join("initdb").exists()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths)
            .find(|folder: &PathBuf| Path::new(folder).join("initdb").exists())
            .expect("PostgreSQL is installed; run make test, which installs it")
    })
}

fn succeeded(what: &str, output: std::io::Result<Output>) {
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}
