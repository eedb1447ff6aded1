//! What every part of the simulator shares: clocks, ledger, faults, nonces, the schedule of notifications.

use std::{
    collections::{HashSet, VecDeque},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::Context;

use crate::{
    bills::{BillFaults, IssuedBills},
    clock::Clock,
    connections::{Connections, Door},
    faults::{FaultBook, Host},
    ledger::Ledger,
    notifier::{Postman, Schedule},
    providers::keys::KeyPairs,
    refunds::FailingCalls,
};

/// WeChat waits so long for the whole answer to a notification.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(5);

/// WeChat's window for `timestamp`, each way.
pub(crate) const SIGNATURE_WINDOW_S: u64 = 300;

/// How notifications leave.
pub(crate) enum Post {
    /// Over the network: no proxy, no redirect, five seconds.
    Network(reqwest::Client),
    /// Within the process.
    Local(Postman),
}

pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) connections: Connections,
    pub(crate) main_door: Door,
    pub(crate) backup_door: Door,
    /// Where the backup host listens, if it does.
    backup: OnceLock<SocketAddr>,
    pub(crate) schedule: Schedule,
    pub(crate) key_pairs: KeyPairs,
    pub(crate) post: Post,
    ledger: Mutex<Ledger>,
    faults: Mutex<FaultBook>,
    nonces: Mutex<Nonces>,
    failing_refunds: Mutex<FailingCalls>,
    bill_faults: Mutex<BillFaults>,
    issued_bills: Mutex<IssuedBills>,
}

impl Core {
    pub(crate) fn new(
        clock: Clock,
        ledger: Ledger,
        postman: Option<Postman>,
    ) -> anyhow::Result<Self> {
        let post = match postman {
            Some(postman) => Post::Local(postman),
            None => Post::Network(http_client()?),
        };
        let key_pairs = KeyPairs::default();
        key_pairs.skip(
            ledger
                .providers()
                .map(|provider| provider.key_pairs())
                .sum(),
        );
        Ok(Self {
            clock,
            connections: Connections::default(),
            main_door: Door::default(),
            backup_door: Door::default(),
            backup: OnceLock::new(),
            schedule: Schedule::default(),
            key_pairs,
            post,
            ledger: Mutex::new(ledger),
            faults: Mutex::default(),
            nonces: Mutex::default(),
            failing_refunds: Mutex::default(),
            bill_faults: Mutex::default(),
            issued_bills: Mutex::default(),
        })
    }

    /// The ledger, for work that waits for nothing.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultBook> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failing_refunds(&self) -> MutexGuard<'_, FailingCalls> {
        self.failing_refunds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bill_faults(&self) -> MutexGuard<'_, BillFaults> {
        self.bill_faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issued_bills(&self) -> MutexGuard<'_, IssuedBills> {
        self.issued_bills
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a caller's nonce; false when it was seen within the signature window.
    pub(crate) fn is_fresh_nonce(&self, mchid: &str, nonce: &str) -> bool {
        let now_s = self.clock.signature_s();
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.enter(format!("{mchid}/{nonce}"), now_s)
    }

    /// Notes where the backup host listens.
    pub(crate) fn set_backup(&self, address: SocketAddr) {
        // Told once, at the start.
        let _ = self.backup.set(address);
    }

    pub(crate) fn has_backup(&self) -> bool {
        self.backup.get().is_some()
    }

    /// Which of the two hosts a connection reached.
    pub(crate) fn host_at(&self, local: Option<&SocketAddr>) -> Host {
        let backup = self.backup.get().map(SocketAddr::port);
        if backup.is_some() && backup == local.map(SocketAddr::port) {
            Host::Backup
        } else {
            Host::Main
        }
    }

    /// Opens and closes the listeners as the faults in force have it.
    pub(crate) fn move_doors(&self) {
        let faults = self.faults();
        self.main_door.set_closed(faults.closes(Host::Main));
        self.backup_door.set_closed(faults.closes(Host::Backup));
    }
}

fn http_client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(NOTIFICATION_TIMEOUT)
        .user_agent("Mozilla/4.0")
        .build()
        .context("building the client that sends notifications")
}

/// Nonces of the last ten minutes: a timestamp may be five minutes ahead and is accepted for five more.
#[derive(Default)]
struct Nonces {
    seen: HashSet<String>,
    by_time: VecDeque<(i64, String)>,
}

impl Nonces {
    fn enter(&mut self, nonce: String, now_s: i64) -> bool {
        while let Some((seen_s, _)) = self.by_time.front() {
            if now_s.abs_diff(*seen_s) <= 2 * SIGNATURE_WINDOW_S {
                break;
            }
            if let Some((_, old)) = self.by_time.pop_front() {
                self.seen.remove(&old);
            }
        }
        if self.seen.contains(&nonce) {
            return false;
        }
        self.by_time.push_back((now_s, nonce.clone()));
        self.seen.insert(nonce);
        true
    }
}
