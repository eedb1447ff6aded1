//! Trouble for the real server under load: WeChat, its hosts, the database, receivers and callers, one at a time.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wechatpay_sim::{Down, Fault, FaultKind, Host, SeededFaults};

use crate::kill::{Server, Verdict, World, under_load};
use crate::{Backend, Cluster, HostileReceiver, Hostility, TestDatabase};

/// Of a hundred calls and notifications, so many fail.
const DRAWN_PERCENT: u32 = 20;
const DRAWN_DELAY_MS: u64 = 500;
/// All but `NotEnough`, which holds a refund for minutes, as it should.
const DRAWN: [FaultKind; 21] = [
    FaultKind::LostAnswer,
    FaultKind::Delay,
    FaultKind::ServerError,
    FaultKind::FrequencyLimited,
    FaultKind::Refuse,
    FaultKind::Accepted,
    FaultKind::UnsignedAnswer,
    FaultKind::WrongSignature,
    FaultKind::UnknownSerial,
    FaultKind::ProbeAnswer,
    FaultKind::HalfAnswer,
    FaultKind::Garbled,
    FaultKind::NotFound,
    FaultKind::HostDown,
    FaultKind::NotificationWithheld,
    FaultKind::NotificationDuplicated,
    FaultKind::NotificationReordered,
    FaultKind::NotificationLate,
    FaultKind::NotificationForged,
    FaultKind::NotificationWrongSignature,
    FaultKind::NotificationProbe,
];
const KILL_PAUSE: Duration = Duration::from_millis(500);
/// Long enough to exhaust every wait for a lock or a connection.
const HELD: Duration = Duration::from_secs(15);
const HOLD_TRIES: usize = 100;
const DOWN: Duration = Duration::from_secs(2);
/// Together fewer than the server accepts where a process may open 1024 files.
const IDLE_CONNECTIONS: usize = 300;
const SLOW_CLIENTS: usize = 100;
const LARGE_BODIES: usize = 64;
const LARGE_BYTES: usize = 1024 * 1024;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every kind of fault of WeChat's, drawn from a seed.
    WechatDraws,
    /// WeChat's main host resets, then refuses.
    MainHostDown,
    /// Both hosts of WeChat reset, then refuse.
    BothHostsDown,
    /// Seven receivers beside the good one, each bad in its own way.
    HostileReceivers,
    /// Idle connections, half requests and bodies of a mebibyte.
    HostileCallers,
    /// Somebody else holds what the platform must write to.
    LocksHeld,
    /// Every connection to PostgreSQL is killed, again and again.
    ConnectionsKilled,
    /// PostgreSQL crashes and comes back, three times.
    DatabaseCrashes,
    /// PostgreSQL's operator restarts it, three times.
    DatabaseRestarts,
    /// PostgreSQL takes every connection away and gives no other, three times.
    ConnectionsRefused,
}

impl Trouble {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::WechatDraws,
        Self::MainHostDown,
        Self::BothHostsDown,
        Self::HostileReceivers,
        Self::HostileCallers,
        Self::LocksHeld,
        Self::ConnectionsKilled,
        Self::DatabaseCrashes,
        Self::DatabaseRestarts,
        Self::ConnectionsRefused,
    ];

    /// Whether a database can have it: there is no server behind SQLite.
    pub fn concerns(self, backend: Backend) -> bool {
        backend == Backend::Postgres || !(self.is_of_a_cluster() || self == Self::ConnectionsKilled)
    }

    const fn is_of_a_cluster(self) -> bool {
        matches!(
            self,
            Self::DatabaseCrashes | Self::DatabaseRestarts | Self::ConnectionsRefused
        )
    }

    /// Makes the trouble for so long while there is load, and judges what is left.
    pub async fn run(self, backend: Backend, length: Duration) -> Verdict {
        match backend {
            Backend::Sqlite => {
                let database = TestDatabase::create(backend).await;
                under_load(database, async |server: &mut Server, world: &World| {
                    self.make(server, world, length).await;
                })
                .await
            }
            Backend::Postgres => {
                let cluster = Cluster::start();
                let database = TestDatabase::at(cluster.url()).await;
                under_load(database, async |server: &mut Server, world: &World| {
                    if self.is_of_a_cluster() {
                        self.end_and_begin(&cluster, length).await;
                    } else {
                        self.make(server, world, length).await;
                    }
                })
                .await
            }
        }
    }

    async fn make(self, server: &Server, world: &World, length: Duration) {
        match self {
            Self::WechatDraws => draw(world, length).await,
            Self::MainHostDown => hosts_down(world, &[Host::Main], length).await,
            Self::BothHostsDown => hosts_down(world, &[Host::Main, Host::Backup], length).await,
            Self::HostileReceivers => hostile_receivers(world, length).await,
            Self::HostileCallers => hostile_callers(server, world, length).await,
            Self::LocksHeld => hold_locks(world).await,
            Self::ConnectionsKilled => kill_connections(world, length).await,
            Self::DatabaseCrashes | Self::DatabaseRestarts | Self::ConnectionsRefused => {
                panic!("needs a cluster of its own")
            }
        }
    }

    async fn end_and_begin(self, cluster: &Cluster, length: Duration) {
        for _ in 0..3 {
            tokio::time::sleep(length / 3).await;
            match self {
                Self::DatabaseCrashes => cluster.crash(),
                Self::DatabaseRestarts => cluster.stop(),
                _ => cluster.refuse_connections(),
            }
            tokio::time::sleep(DOWN).await;
            if self == Self::ConnectionsRefused {
                cluster.admit_connections();
            } else {
                cluster.recover();
            }
        }
    }
}

async fn draw(world: &World, length: Duration) {
    let seeded = SeededFaults {
        seed: 42,
        rate_percent: DRAWN_PERCENT,
        kinds: DRAWN.to_vec(),
        delay_ms: Some(DRAWN_DELAY_MS),
    };
    world.simulator.seed_faults(seeded).expect("a seed");
    tokio::time::sleep(length).await;
    world.simulator.clear_faults();
}

async fn hosts_down(world: &World, hosts: &[Host], length: Duration) {
    for how in [Down::Reset, Down::Refused] {
        for host in hosts {
            let fault = Fault::of(FaultKind::HostDown).at_host(*host, how);
            world.simulator.fault(fault);
        }
        tokio::time::sleep(length / 2).await;
        world.simulator.clear_faults();
    }
}

async fn hostile_receivers(world: &World, length: Duration) {
    let mut receivers = Vec::new();
    for hostility in Hostility::ALL {
        let receiver = HostileReceiver::start(hostility).await;
        let body = json!({"url": receiver.url(), "events": ["*"]});
        world.tenant.api.create_endpoint(&body).await.ok();
        receivers.push(receiver);
    }
    tokio::time::sleep(length).await;
}

async fn hostile_callers(server: &Server, world: &World, length: Duration) {
    let begun = Instant::now();
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..IDLE_CONNECTIONS {
        idle.push(TcpStream::connect(&address).await);
    }
    let mut slow = Vec::new();
    for _ in 0..SLOW_CLIENTS {
        let mut client = TcpStream::connect(&address).await.expect("a connection");
        let half = b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{";
        client.write_all(half).await.expect("half a request");
        slow.push(client);
    }
    let large = json!({"description": "x".repeat(LARGE_BYTES)});
    while begun.elapsed() < length {
        let api = &world.tenant.api;
        let calls = (0..LARGE_BODIES).map(|_| api.try_post("/v1/orders", &large, "large"));
        for answer in join_all(calls).await.into_iter().flatten() {
            assert!(answer.status.is_client_error(), "{}", answer.status);
        }
    }
    drop((idle, slow));
}

async fn hold_locks(world: &World) {
    let url = &world.database.url;
    let hold = if url.starts_with("sqlite:") {
        "BEGIN IMMEDIATE"
    } else {
        "ROLLBACK; BEGIN; LOCK TABLE orders, refunds, deliveries IN ACCESS EXCLUSIVE MODE"
    };
    let session = Database::connect(url).await.expect("a session");
    for _ in 0..HOLD_TRIES {
        // The server's own writers may be faster for a while.
        if session.execute_unprepared(hold).await.is_ok() {
            break;
        }
    }
    tokio::time::sleep(HELD).await;
    session.close().await.expect("the session ends");
}

async fn kill_connections(world: &World, length: Duration) {
    let begun = Instant::now();
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while begun.elapsed() < length {
        world.database.query(kill).await;
        tokio::time::sleep(KILL_PAUSE).await;
    }
}
