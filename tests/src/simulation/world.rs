//! The world of one run: a clock, WeChat, a database, two nodes of the platform over it, two tenants, and the weather.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use sea_orm::{Database, DatabaseConnection};
use tempfile::TempDir;
use tributary_domain::clock::{Clock, ManualClock, SharedClock, Timestamp};
use tributary_domain::rehearsal::{self, CommitFate};
use tributary_storage::Storage;
use wechatpay_sim::{Letter, SimConfig, SimHandle, Simulator};

use super::dice::Dice;
use super::evidence::{Evidence, Notice, Post, Rows};
use super::node::Node;
use super::process::Processes;
use super::setup::{self, Scene};
use super::tenants::Player;
use super::weather::Weather;

/// Where every run's clock starts: an instant like any other.
const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// Percent of the transactions before which others may act.
const PAUSES: u32 = 12;
/// Letters that can be sent once more.
const LETTERS_KEPT: usize = 16;

/// One run's world.
pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) simulator: SimHandle,
    pub(super) storage: Storage,
    pub(super) scene: Scene,
    pub(super) nodes: Vec<Node>,
    pub(super) players: Vec<Player>,
    pub(super) processes: Processes,
    pub(super) log: Mutex<Log>,
    pub(super) chance: Mutex<Chance>,
    database: DatabaseConnection,
    folder: TempDir,
}

/// What decides.
pub(super) struct Chance {
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    /// While something happens during a call, nothing else does.
    pub(super) in_interlude: bool,
    /// Counts what went wrong on purpose, so that an error can be told from a fault.
    pub(super) faults: usize,
}

/// What is written down on the way.
#[derive(Default)]
pub(super) struct Log {
    pub(super) trace: Vec<String>,
    pub(super) notices: Vec<Notice>,
    pub(super) letters: VecDeque<Letter>,
    pub(super) posts: Vec<Post>,
    pub(super) unrecorded: BTreeMap<String, usize>,
    pub(super) refused: BTreeSet<String>,
    pub(super) bodies: BTreeMap<String, BTreeSet<Vec<u8>>>,
    pub(super) complaints: Vec<String>,
    /// How often each delivery was claimed.
    pub(super) claims: BTreeMap<String, u64>,
}

/// A world that its own parts can find again.
pub(super) type Horizon = Arc<OnceLock<Weak<World>>>;

impl World {
    /// Makes a fresh world over a copy of a migrated database.
    pub(super) async fn create(seed: u64) -> Arc<Self> {
        rehearsal::seed(seed);
        let clock = ManualClock::starting_at(START);
        let horizon = Horizon::default();
        let simulator = start_simulator(&clock, &horizon, seed).await;
        let folder = setup::folder();
        let url = setup::copy_database(folder.path()).await;
        let shared: SharedClock = Arc::clone(&clock) as SharedClock;
        let storage = Storage::connect(&url, 2)
            .await
            .expect("the database answers")
            .with_lease_clock(Arc::clone(&shared));
        let nodes: Vec<Node> = (0..2)
            .map(|index| Node::start(index, &storage, &shared, &horizon))
            .collect();
        let (scene, players) = Box::pin(setup::provision(&nodes[0].operations(), &simulator)).await;
        let world = Arc::new(Self {
            clock,
            simulator,
            storage,
            scene,
            nodes,
            players,
            processes: Processes::default(),
            log: Mutex::default(),
            chance: Mutex::new(Chance {
                dice: Dice::new(seed),
                weather: Weather::CALM,
                in_interlude: false,
                faults: 0,
            }),
            database: Database::connect(&url).await.expect("the database answers"),
            folder,
        });
        horizon
            .set(Arc::downgrade(&world))
            .expect("one world per horizon");
        let watcher = Arc::downgrade(&world);
        rehearsal::decide_commits(move || {
            watcher
                .upgrade()
                .map_or(CommitFate::Made, |world| world.fate_of_commit())
        });
        let watcher = Arc::downgrade(&world);
        rehearsal::pause_transactions(move || {
            let world = watcher.upgrade().filter(|world| world.processes.any())?;
            world.is_paused().then(|| world.interlude())
        });
        world
    }

    /// Others act between a read and a transaction less often than during a call: there are many more of these.
    fn is_paused(&self) -> bool {
        let mut chance = self.chance();
        !chance.in_interlude && chance.weather.interludes > 0 && chance.dice.chance(PAUSES)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no run panicked with the log")
    }

    pub(super) fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().expect("no run panicked with the dice")
    }

    /// Draws.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.chance().dice)
    }

    /// Draws by the weather, and counts a fault when `is_fault` says so.
    pub(super) fn draw_fate<T>(
        &self,
        draw: impl FnOnce(Weather, &mut Dice) -> T,
        is_fault: impl FnOnce(&T) -> bool,
    ) -> T {
        let mut chance = self.chance();
        let weather = chance.weather;
        let fate = draw(weather, &mut chance.dice);
        chance.faults += usize::from(is_fault(&fate));
        fate
    }

    /// Writes a line of the trace.
    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        let at = self.now().millis_since(START);
        let text = format!("{:>4}.{:03}s {}", at / 1000, at % 1000, line());
        self.log().trace.push(text);
    }

    /// Notes what nobody may see.
    pub(super) fn complain(&self, what: String) {
        self.tell(|| format!("!!! {what}"));
        self.log().complaints.push(what);
    }

    fn fate_of_commit(&self) -> CommitFate {
        if !self.processes.any() {
            return CommitFate::Made;
        }
        let fate = self.draw_fate(Weather::commit, |fate| *fate != CommitFate::Made);
        match fate {
            CommitFate::Made => return fate,
            CommitFate::CrashBefore | CommitFate::CrashAfter => self.processes.end_innermost(),
            CommitFate::Refused | CommitFate::MadeInSilence => {}
        }
        self.tell(|| format!("      a commit is {fate:?}"));
        fate
    }

    /// Rows, for the drain and for the checks.
    pub(super) async fn rows(&self) -> Rows {
        Rows::read(&self.database).await
    }

    /// Everything that is left.
    pub(super) async fn evidence(&self, drained: bool) -> Evidence {
        let rows = self.rows().await;
        let read = self
            .players
            .iter()
            .map(|player| (player.tenant(), player.read()))
            .collect();
        let secrets = self.scene.secrets.clone();
        let audit_faults = self.audit_faults().await;
        let log = self.log();
        Evidence {
            rows,
            ledger: self.simulator.ledger(),
            notices: log.notices.clone(),
            posts: log.posts.clone(),
            unrecorded: Some(log.unrecorded.clone()),
            refused: Some(log.refused.clone()),
            bodies: log.bodies.clone(),
            read,
            secrets,
            dump: dump(self.folder.path()),
            complaints: log.complaints.clone(),
            drained,
            audit_faults: Some(audit_faults),
        }
    }

    /// Where an audit chain does not hold, by the platform's own check.
    async fn audit_faults(&self) -> Vec<String> {
        let operations = self.nodes[0].operations();
        let report = operations.verify_audit(&[]).await.expect("a report");
        let faults = report.faults.into_iter();
        faults.map(|fault| format!("{fault:?}")).collect()
    }

    /// Closes what must not outlive the run.
    pub(super) async fn close(self: Arc<Self>) -> Vec<String> {
        rehearsal::leave_commits_alone();
        rehearsal::forget_seed();
        self.storage
            .clone()
            .close()
            .await
            .expect("the database closes");
        self.database
            .clone()
            .close()
            .await
            .expect("the database closes");
        std::mem::take(&mut self.log().trace)
    }
}

fn dump(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).expect("the folder is readable");
    let paths = files.map(|file| file.expect("a file").path());
    let contents: Vec<Vec<u8>> = paths
        .map(|path| std::fs::read(path).expect("the file is readable"))
        .collect();
    contents.concat()
}

async fn start_simulator(clock: &Arc<ManualClock>, horizon: &Horizon, seed: u64) -> SimHandle {
    let (clock, horizon) = (Arc::clone(clock), Arc::clone(horizon));
    Simulator::start(SimConfig {
        clock_ms: Arc::new(move || clock.now().as_millis()),
        seed,
        auto_deliver: false,
        postman: Some(Arc::new(move |letter| {
            let horizon = Arc::clone(&horizon);
            Box::pin(async move {
                match horizon.get().and_then(Weak::upgrade) {
                    Some(world) => world.receive(letter).await,
                    None => Err("nobody is there".to_owned()),
                }
            })
        })),
        ..SimConfig::default()
    })
    .await
    .expect("the simulator starts")
}

impl World {
    /// Takes a notification to one of the nodes.
    pub(super) async fn receive(self: Arc<Self>, letter: Letter) -> Result<u16, String> {
        let node = &self.nodes[self.draw(|dice| dice.below(2))];
        let token = letter
            .notify_url
            .split('/')
            .nth_back(1)
            .unwrap_or_default()
            .to_owned();
        let received = node
            .as_process(&self, |operations| {
                let (token, letter) = (token.clone(), letter.clone());
                async move {
                    operations
                        .receive_notification(&token, &letter.headers, &letter.body)
                        .await
                }
            })
            .await;
        let status = match &received {
            Some(Ok(_)) => Ok(204),
            Some(Err(error)) => Err(format!("{error}")),
            None => Err("the process ended".to_owned()),
        };
        self.tell(|| format!("      a {:?} notification: {received:?}", letter.kind));
        let mut log = self.log();
        log.notices.push(Notice {
            kind: letter.kind,
            body: Some(letter.body.clone()),
            acknowledged: status.is_ok(),
        });
        log.letters.push_back(letter);
        if log.letters.len() > LETTERS_KEPT {
            log.letters.pop_front();
        }
        status.or(Ok(500))
    }
}
