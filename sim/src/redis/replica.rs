//! Replication: a master streams what it changed, replicas repeat it later, and one of them may be promoted.
//!
//! It is asynchronous, as Redis's is. A replica holds what it was sent in a queue, and repeats each unit once its lag is
//! over. What is in the queue when the replica is promoted had not arrived: a write that the master confirmed is lost.
//! Who carries units from one server to the other is the world's business.

use super::args::is;
use super::call::{Call, Reply};
use super::command::{Command, NO_KEYS, NO_SCRIPT};
use super::errors::Error;
use super::keyspace::Database;
use super::number::parse_integer;
use super::persistence::Unit;
use super::{Micros, Redis};
use ::redis::Value;
use std::collections::VecDeque;

/// Units that a master keeps for replicas that do not take them, and a replica for later. Beyond that the link is cut,
/// as a full output buffer does, and the replica must copy everything anew.
const BACKLOG: usize = 1 << 20;

/// Everything that a master holds at an instant: what a new replica begins with.
#[derive(Clone, Debug)]
pub struct Snapshot(Vec<Database>);

/// The end of a stream that repeats it.
#[derive(Default)]
pub(super) struct Follower {
    queue: VecDeque<(Micros, Unit)>,
    lag: Micros,
    /// The queue overflowed: nothing is repeated any more.
    cut: bool,
}

impl Follower {
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.queue.front().map(|(due, _)| *due)
    }
}

impl Redis {
    /// Begins a stream, if there is none, and gives what a new replica starts from.
    pub fn snapshot(&mut self) -> Snapshot {
        self.outbox.get_or_insert_default();
        Snapshot(self.databases.clone())
    }

    /// What was changed since the last call, oldest first; nothing if there are no replicas. Each replica must get all
    /// of it. [`Redis::is_streaming`] says whether some was lost because nobody took it.
    pub fn take_stream(&mut self) -> Vec<Unit> {
        self.outbox.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether changes are kept for replicas. They no longer are once a million have not been taken: replicas must then
    /// start from a new [`Redis::snapshot`].
    pub fn is_streaming(&self) -> bool {
        self.outbox.is_some()
    }

    /// Whom this server replicates, if it is a replica.
    pub fn master(&self) -> Option<(&str, u16)> {
        self.master.as_ref().map(|(host, port)| (host.as_str(), *port))
    }

    /// Becomes a replica of this master, with its data; what it receives takes effect after `lag` microseconds. Blocked
    /// clients are told that the role has changed.
    pub fn follow(
        &mut self,
        master: (&str, u16),
        snapshot: Snapshot,
        lag: Micros,
        now: Micros,
        out: &mut Vec<(super::ClientId, Value)>,
    ) {
        self.now = now;
        self.become_replica(master.0.to_owned(), master.1);
        self.databases = snapshot.0;
        self.databases.resize_with(self.config.databases.max(1), Database::default);
        self.follower = Follower { lag, ..Follower::default() };
        self.rewrite_log();
        self.serve_ready();
        out.append(&mut self.out);
    }

    /// Becomes a replica of this master, whose data is still to come: [`Redis::follow`].
    pub fn replicate(&mut self, master: (&str, u16)) {
        self.become_replica(master.0.to_owned(), master.1);
    }

    /// Receives a part of the master's stream; [`Redis::tick`] repeats it when its lag is over. Whether it could: a server
    /// that is no replica ignores it, and one that fell behind by a million units must copy everything anew.
    pub fn receive(&mut self, units: Vec<Unit>, now: Micros) -> bool {
        if self.master.is_none() || self.follower.cut {
            return false;
        }
        let due = now.saturating_add(self.follower.lag);
        self.follower.queue.extend(units.into_iter().map(|unit| (due, unit)));
        if self.follower.queue.len() > BACKLOG {
            self.follower = Follower { cut: true, ..Follower::default() };
        }
        !self.follower.cut
    }

    /// Becomes a master. What it had received but not yet repeated is lost.
    pub fn promote(&mut self) {
        self.master = None;
        self.follower = Follower::default();
    }

    /// What arrived at this time takes effect.
    pub(super) fn repeat_due(&mut self) {
        while let Some((due, unit)) = self.follower.queue.front().cloned() {
            if due > self.now {
                break;
            }
            self.follower.queue.pop_front();
            self.apply_unit(&unit);
            self.commit();
        }
    }

    /// Keeps a unit for replicas.
    pub(super) fn stream(&mut self, unit: &Unit) {
        if let Some(outbox) = &mut self.outbox {
            outbox.push(unit.clone());
            if outbox.len() > BACKLOG {
                self.outbox = None;
            }
        }
    }

    fn become_replica(&mut self, host: String, port: u16) {
        if self.master.is_none() {
            self.unblock_all();
        }
        self.master = Some((host, port));
    }
}

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("replicaof", 3, NO_SCRIPT, NO_KEYS, replica_of),
    Command::plain("slaveof", 3, NO_SCRIPT, NO_KEYS, replica_of),
];

/// The role changes at once; the data comes when the world calls [`Redis::follow`].
fn replica_of(call: &mut Call<'_>) -> Reply {
    let (host, port) = (call.arg(1), call.arg(2));
    if is(host, "no") && is(port, "one") {
        call.redis.promote();
        return Ok(Value::Okay);
    }
    let port = parse_integer(port).and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or(Error::fixed("ERR Invalid master port"))?;
    call.redis.become_replica(String::from_utf8_lossy(host).into_owned(), port);
    Ok(Value::Okay)
}
