//! Coverage: which states of tasks and of the cluster a run has been in, as a small set of features.
//!
//! A feature is a step in the life of one task (the fact before and this one, how often it has begun and been retried,
//! whether it was delivered before) together with the trouble that the cluster is in at that moment. It is a hash, so two
//! may fall together; that costs a little sharpness and keeps a run's coverage at half a kilobyte.

use super::ids::Ids;
use crate::events::{Event, What as Fact};
use crate::scenario::cluster::{BACKEND, BROKER};
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Observer;
use simq_sim::{Record, What};
use std::sync::Arc;

/// How many features there are.
pub(crate) const FEATURES: usize = 1 << 12;
/// For this long after a connection was lost, the cluster is in trouble.
const AFTERMATH: Nanos = 1_000_000_000;

/// A feature that a run had, and where it first had it.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) feature: u16,
    pub(crate) at: Nanos,
    pub(crate) process: Arc<str>,
}

#[derive(Clone, Copy, Default)]
struct Life {
    last: u32,
    begun: u8,
    retries: u8,
    redelivered: bool,
}

/// The coverage of one run.
pub(crate) struct Coverage {
    seen: Box<[u64; FEATURES / 64]>,
    reached: Vec<Reached>,
    ids: Ids,
    lives: Vec<Life>,
    workers_down: u32,
    servers_down: u32,
    lost_until: Nanos,
}

impl Default for Coverage {
    fn default() -> Self {
        Coverage {
            seen: Box::new([0; FEATURES / 64]),
            reached: Vec::new(),
            ids: Ids::default(),
            lives: Vec::new(),
            workers_down: 0,
            servers_down: 0,
            lost_until: 0,
        }
    }
}

impl Coverage {
    /// All features, in the order in which they were reached.
    pub(crate) fn into_reached(self) -> Vec<Reached> {
        self.reached
    }

    fn trouble(&self, now: Nanos) -> u64 {
        u64::from(self.workers_down > 0) | u64::from(self.servers_down > 0) << 1 | u64::from(now < self.lost_until) << 2
    }

    fn reach(&mut self, feature: usize, at: Nanos, process: &Arc<str>) {
        let (word, bit) = (feature / 64, 1 << (feature % 64));
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.reached.push(Reached { feature: feature as u16, at, process: process.clone() });
        }
    }

    fn change_down(&mut self, process: &str, by: i32) {
        // Pool children come and go.
        let count = match process {
            BROKER | BACKEND => &mut self.servers_down,
            name if name.contains('/') => return,
            _ => &mut self.workers_down,
        };
        *count = count.saturating_add_signed(by);
    }
}

/// A number for a kind of fact, the same in every build.
fn number(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Observer for Coverage {
    fn fact(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>) {
        let Some(task) = self.ids.of(event) else { return };
        let what = &event.what;
        if task >= self.lives.len() {
            self.lives.resize(task + 1, Life::default());
        }
        let life = &mut self.lives[task];
        match *what {
            Fact::Started { retries, redelivered } => {
                life.begun = life.begun.saturating_add(1).min(3);
                life.retries = retries.min(2) as u8;
                life.redelivered |= redelivered;
            }
            Fact::Received { redelivered } => life.redelivered |= redelivered,
            _ => {}
        }
        let kind = number(what.name());
        let step = u64::from(life.last) << 32 | u64::from(kind);
        let state = u64::from(life.begun) << 3 | u64::from(life.retries) << 1 | u64::from(life.redelivered);
        life.last = kind;
        let mixed = step.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (state << 3 | self.trouble(now));
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        self.reach((mixed >> 52) as usize, now, process);
    }

    fn record(&mut self, record: &Record<'_>) {
        match record.what {
            What::Started { incarnation } if incarnation > 1 => self.change_down(record.process, -1),
            What::Exited { .. } => self.change_down(record.process, 1),
            What::Closed { .. } => self.lost_until = record.at.saturating_add(AFTERMATH),
            _ => {}
        }
    }
}

/// What many runs have covered together.
#[derive(Clone, Debug)]
pub(crate) struct Covered {
    runs: u64,
    counts: Vec<u32>,
    features: usize,
}

impl Default for Covered {
    fn default() -> Self {
        Covered { runs: 0, counts: vec![0; FEATURES], features: 0 }
    }
}

impl Covered {
    /// Adds a run; how many of its features nobody had before.
    pub(crate) fn add(&mut self, reached: &[Reached]) -> usize {
        self.runs += 1;
        let mut new = 0;
        for reached in reached {
            let count = &mut self.counts[usize::from(reached.feature)];
            new += usize::from(*count == 0);
            *count = count.saturating_add(1);
        }
        self.features += new;
        new
    }

    /// Whether no run has reached it.
    pub(crate) fn is_new(&self, feature: u16) -> bool {
        self.counts[usize::from(feature)] == 0
    }

    /// How many features were reached at all.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Whether only few runs have reached it: one in fifty.
    pub(crate) fn is_rare(&self, feature: u16) -> bool {
        u64::from(self.counts[usize::from(feature)]) <= (self.runs / 50).max(1)
    }
}
