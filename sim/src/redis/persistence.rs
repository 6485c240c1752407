//! What survives: the log of writes, its points of sync, and the restart that reads it.
//!
//! Everything that one command or transaction changed is one unit: it is lost or kept whole. A crash of the process
//! loses nothing that was answered, because answers follow the write to the file; a loss of power takes what was not
//! yet synced. The log is rewritten as a picture of the data when it has grown to twice that, which syncs it too.

use super::call::Source;
use super::command;
use super::config::Persistence;
use super::keyspace::Database;
use super::{ClientId, Micros, Redis};
use std::sync::Arc;

/// How often `everysec` syncs.
const SYNC: Micros = 1_000_000;
/// A log below this many units is not worth a rewrite.
const SMALL: usize = 4_096;
/// A client that is nobody: commands of a stream come from no connection.
const NOBODY: ClientId = ClientId::MAX;

/// A command, as a log or a replica repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Number of the database.
    pub db: usize,
    /// Name and arguments.
    pub args: Vec<Vec<u8>>,
}

/// What one command or transaction changed. Never applied in part.
pub type Unit = Arc<[Write]>;

/// How a server went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process died: what it had written is in the kernel's hands.
    Process,
    /// The power went: only what was synced is left.
    Power,
}

#[derive(Default)]
pub(super) struct Log {
    picture: Vec<Database>,
    units: Vec<Unit>,
    synced: usize,
    /// When the next sync is due, if something waits for it.
    due: Option<Micros>,
    /// What the command that runs now has changed so far.
    open: Vec<Write>,
}

impl Log {
    pub(super) fn next_sync(&self) -> Option<Micros> {
        self.due
    }
}

impl Redis {
    /// Notes a change for the log and for replicas.
    pub(super) fn record(&mut self, db: usize, args: impl FnOnce() -> Vec<Vec<u8>>) {
        if self.records() {
            self.log.open.push(Write { db, args: args() });
        }
    }

    /// Whether anybody wants to know what changes.
    pub(super) fn records(&self) -> bool {
        self.config.persistence != Persistence::None || self.outbox.is_some() || self.observed.is_some()
    }

    /// Ends a unit.
    pub(super) fn commit(&mut self) {
        if self.log.open.is_empty() {
            return;
        }
        let unit: Unit = std::mem::take(&mut self.log.open).into();
        self.stream(&unit);
        self.observed.iter_mut().for_each(|units| units.push(unit.clone()));
        if self.config.persistence == Persistence::None || unit.iter().all(is_message) {
            return;
        }
        self.log.units.push(unit);
        match self.config.persistence {
            Persistence::Always => self.log.synced = self.log.units.len(),
            _ => _ = self.log.due.get_or_insert(self.now.saturating_add(SYNC)),
        }
        let keys: usize = self.databases.iter().map(Database::len).sum();
        if self.log.units.len() > SMALL.max(2 * keys) {
            self.rewrite_log();
        }
    }

    pub(super) fn rewrite_log(&mut self) {
        self.log.picture = self.databases.clone();
        self.log.units.clear();
        self.log.synced = 0;
        self.log.due = None;
    }

    pub(super) fn sync_if_due(&mut self) {
        if self.log.due.is_some_and(|due| due <= self.now) {
            self.log.synced = self.log.units.len();
            self.log.due = None;
        }
    }

    /// The server went down and comes up again: connections, subscriptions and scripts are gone, and data is what the
    /// log says. All clients must connect anew.
    pub fn restart(&mut self, now: Micros, crash: Crash) {
        self.now = now;
        let survives = self.config.persistence != Persistence::None;
        let mut log = std::mem::take(&mut self.log);
        if crash == Crash::Power {
            log.units.truncate(log.synced);
        }
        self.forget_everything();
        if survives && !log.picture.is_empty() {
            self.databases = log.picture.clone();
        }
        for unit in &log.units {
            self.apply_unit(unit);
        }
        log.open.clear();
        log.due = None;
        log.synced = log.units.len();
        self.log = log;
    }

    /// Repeats what a master or a log says.
    pub(super) fn apply_unit(&mut self, unit: &Unit) {
        let streaming = std::mem::replace(&mut self.streaming, true);
        for write in unit.iter() {
            if write.db >= self.databases.len() {
                continue;
            }
            if let Ok(command) = super::dispatch::resolve(&write.args) {
                // A stream repeats what has succeeded once; nobody reads the replies.
                let _ = self.run(NOBODY, write.db, Source::Stream, command, &write.args);
            }
        }
        self.streaming = streaming;
    }
}

fn is_message(write: &Write) -> bool {
    write.args.first().and_then(|name| command::find(name)).is_some_and(|command| command.name == "publish")
}
