//! A Redis server (as 7.0) that is a pure state machine: commands and the time go in, replies come out.
//!
//! It knows no sockets, no clock and no randomness but its seed's, so a world can put it behind simulated connections
//! and stop it, starve it or crash it between any two commands. `tests/redis_conformance.rs` proves that it is Redis:
//! random sequences of commands on several connections get the same replies from it and from a real server.
//!
//! ```
//! use simq_sim::redis::{Redis, RedisConfig, Value};
//!
//! let mut redis = Redis::new(RedisConfig::default());
//! redis.connect(1);
//! redis.connect(2);
//! let mut out = Vec::new();
//! let command = |words: &str| words.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
//! redis.apply(1, &command("BRPOP jobs 0"), 0, &mut out);
//! assert!(out.is_empty(), "there is nothing to pop yet");
//! redis.apply(2, &command("LPUSH jobs first"), 0, &mut out);
//! let popped = Value::Array(vec![Value::BulkString(b"jobs".to_vec()), Value::BulkString(b"first".to_vec())]);
//! assert_eq!(out, [(2, Value::Int(1)), (1, popped)]);
//! ```
//!
//! | room | holds |
//! |---|---|
//! | `command`, `dispatch`, `call` | the table of commands, what is checked before one runs, what it sees while it runs |
//! | `access`, `keyspace`, `data`, `sorted` | the doors to the keys; databases; values |
//! | `strings`, `set_string`, `keys`, `expiry`, `scan`, `lists`, `list_pops`, `hashes`, `sets`, `z*` | families of commands |
//! | `blocking` | clients that wait for a key |
//! | `clients`, `roster`, `transaction`, `pubsub`, `script`, `server` | connections and what they are in the middle of |
//! | `memory`, `persistence`, `replica`, `sentinel` | `maxmemory`, the log and restarts, replicas and their promotion |
//! | `resp3`, `tracking` | replies with types, pushes, client-side caching |
//! | `args`, `number`, `glob`, `errors` | the server's own forms of numbers, patterns and refusals |

mod access;
mod args;
mod blocking;
mod call;
mod clients;
mod command;
mod config;
mod data;
mod dispatch;
mod errors;
mod expiry;
mod glob;
mod hashes;
mod keys;
mod keyspace;
mod list_pops;
mod lists;
mod memory;
mod number;
mod persistence;
mod pubsub;
mod replica;
mod resp3;
mod roster;
mod scan;
mod script;
mod sentinel;
mod server;
mod set_string;
mod sets;
mod settings;
mod sorted;
mod strings;
mod tracking;
mod transaction;
mod zadd;
mod zpop;
mod zrange;

pub use ::redis::Value;
pub use config::{Eviction, Persistence, RedisConfig, User};
pub use errors::error_value;
pub use persistence::{Crash, Unit, Write};
pub use replica::Snapshot;
pub use script::{Script, Twin};
pub use sentinel::{Address, Sentinel};

use crate::prng::Prng;
use blocking::Blocked;
use clients::Client;
use command::Command;
use indexmap::IndexMap;
use keyspace::Database;
use persistence::Log;
use pubsub::Topics;
use replica::Follower;
use rustc_hash::FxBuildHasher;
use script::Scripts;
use std::collections::{BTreeMap, BTreeSet};
use tracking::Readers;

/// A connection, numbered by whoever carries it.
pub type ClientId = u64;

/// Wall time: microseconds since 1970.
pub type Micros = i64;

/// A server.
pub struct Redis {
    config: RedisConfig,
    now: Micros,
    databases: Vec<Database>,
    clients: BTreeMap<ClientId, Client>,
    blocked: Blocked,
    topics: Topics,
    watchers: BTreeMap<(usize, Vec<u8>), BTreeSet<ClientId>>,
    readers: Readers,
    /// Whose command ran last, or runs now.
    running: Option<ClientId>,
    /// It runs now.
    executing: bool,
    /// What it changed and will be told that it did, once it is answered.
    own_changes: Vec<Value>,
    scripts: Scripts,
    log: Log,
    /// Units for whoever looks on, who must take them. A restart does not end that.
    observed: Option<Vec<Unit>>,
    /// Units for replicas, if there are any.
    outbox: Option<Vec<Unit>>,
    /// Whom this server replicates: host and port.
    master: Option<(String, u16)>,
    follower: Follower,
    /// A stream or a log is being applied.
    streaming: bool,
    out: Vec<(ClientId, Value)>,
    closed: Vec<ClientId>,
    /// Counts changes of the data.
    dirty: u64,
    /// Counts looks at keys.
    accesses: u64,
    stats: Stats,
    random: Prng,
}

#[derive(Default)]
struct Stats {
    expired: u64,
    evicted: u64,
    calls: IndexMap<&'static str, u64, FxBuildHasher>,
}

/// All rows of the table of commands.
static FAMILIES: [&[Command]; 21] = [
    clients::COMMANDS,
    expiry::COMMANDS,
    hashes::COMMANDS,
    keys::COMMANDS,
    list_pops::COMMANDS,
    lists::COMMANDS,
    pubsub::COMMANDS,
    replica::COMMANDS,
    roster::COMMANDS,
    scan::COMMANDS,
    script::COMMANDS,
    server::COMMANDS,
    set_string::COMMANDS,
    sets::COMMANDS,
    settings::COMMANDS,
    strings::COMMANDS,
    tracking::COMMANDS,
    transaction::COMMANDS,
    zadd::COMMANDS,
    zpop::COMMANDS,
    zrange::COMMANDS,
];

impl Redis {
    /// An empty server.
    pub fn new(config: RedisConfig) -> Self {
        Redis {
            now: 0,
            databases: vec![Database::default(); config.databases.max(1)],
            clients: BTreeMap::new(),
            blocked: Blocked::default(),
            topics: Topics::default(),
            watchers: BTreeMap::new(),
            readers: Readers::default(),
            running: None,
            executing: false,
            own_changes: Vec::new(),
            scripts: Scripts::default(),
            log: Log::default(),
            observed: None,
            outbox: None,
            master: None,
            follower: Follower::default(),
            streaming: false,
            out: Vec::new(),
            closed: Vec::new(),
            dirty: 0,
            accesses: 0,
            stats: Stats::default(),
            random: Prng::new(config.seed, "redis"),
            config,
        }
    }

    /// Carries out one command of a client: its name and arguments. Replies are appended to `out`, those to other
    /// clients too: whoever waited and is served, and subscribers. A blocked client's command is kept until its turn.
    /// A client that never connected gets nothing.
    pub fn apply(&mut self, client: ClientId, args: &[Vec<u8>], now: Micros, out: &mut Vec<(ClientId, Value)>) {
        self.now = now;
        if !args.is_empty() && self.clients.contains_key(&client) && !self.keep_for_later(client, args) {
            self.execute(client, args);
            self.serve_ready();
        }
        out.append(&mut self.out);
    }

    /// When [`Redis::tick`] is next needed: a blocked client's time is up, a key expires, the log is synced.
    pub fn next_deadline(&self) -> Option<Micros> {
        let deadlines =
            [self.blocked.next_deadline(), self.next_expiry(), self.log.next_sync(), self.follower.next_due()];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due at this time.
    pub fn tick(&mut self, now: Micros, out: &mut Vec<(ClientId, Value)>) {
        /// Keys that one cycle removes at most; the rest is removed by the next.
        const AT_ONCE: usize = 10_000;
        self.now = now;
        self.running = None;
        self.time_out_blocked();
        self.repeat_due();
        if self.master.is_none() {
            self.expire_due(AT_ONCE);
            self.commit();
        }
        self.sync_if_due();
        self.serve_ready();
        out.append(&mut self.out);
    }

    /// From now on, keeps what each command changes for [`Redis::take_changes`].
    pub fn observe_changes(&mut self) {
        self.observed.get_or_insert_default();
    }

    /// What was changed since the last call, in order, as a replica would be told.
    pub fn take_changes(&mut self) -> Vec<Unit> {
        self.observed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// How often each command was carried out, in transactions and scripts too.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.stats.calls.iter().map(|(name, count)| (*name, *count)).collect()
    }

    fn select(&mut self, client: ClientId, db: usize) {
        if let Some(state) = self.clients.get_mut(&client) {
            state.db = db;
        }
    }

    fn is_loading(&self) -> bool {
        false
    }

    /// All that is not on a disk.
    fn forget_everything(&mut self) {
        self.databases.iter_mut().for_each(|database| *database = Database::default());
        self.clients.clear();
        self.blocked = Blocked::default();
        self.topics = Topics::default();
        self.watchers.clear();
        self.scripts.forget();
        self.forget_readers();
        self.outbox = None;
        self.follower = Follower::default();
        self.out.clear();
    }
}
