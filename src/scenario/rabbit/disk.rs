//! The disk of a simulated RabbitMQ: what is written and not synced, and confirms that wait for that.
//!
//! The engine is on the host's disk with all its changes, whatever happens to the host. So that a loss of power takes what
//! was not synced, a file has a byte for each change of a persistent message; of what was not synced the simulated disk leaves
//! a beginning, and what is beyond it is taken back at the next start.
//!
//! As in RabbitMQ, all that has gathered is synced together, again and again while there is something, and a message that
//! has to be kept is confirmed after its sync. Deliveries and acks don't wait for one. Declarations are synced at once.

use crate::broker::amqp::{Change, ChannelId, Event, Undo};
use crate::env::{Directory, DiskError, Env};
use simq_sim::Process;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use tokio::sync::Notify;

const FOLDER: &str = "rabbit";
const FILE: &str = "changes";
const UNSYNCED: &str = "rabbit, unsynced";

/// What is not synced: kept like the engine, for the next start.
#[derive(Default)]
struct Unsynced {
    changes: VecDeque<Undo>,
    /// Changes before these, in the file.
    synced: usize,
    /// The number of the last change, of all lives of the server.
    last: u32,
}

pub(super) struct Disk {
    process: Process,
    directory: Rc<dyn Directory>,
    unsynced: Rc<RefCell<Unsynced>>,
    /// Changes in the file.
    written: Cell<usize>,
    work: Notify,
    /// Confirms, each with the number of changes that have to be synced before it.
    waiting: RefCell<VecDeque<(usize, ChannelId, u64)>>,
}

impl Disk {
    /// Begins a new file; `take_back` gets the changes that the disk has lost, in their order.
    pub(super) fn open(process: &Process, env: &Env, take_back: impl FnOnce(Vec<Undo>)) -> Option<Disk> {
        let directory = env.open_directory(FOLDER).ok()?;
        let unsynced = process.durable(UNSYNCED, Unsynced::default)?;
        let kept = length(&*directory);
        let lost = {
            let mut unsynced = unsynced.borrow_mut();
            let first = kept.saturating_sub(unsynced.synced).min(unsynced.changes.len());
            let lost: Vec<Undo> = unsynced.changes.drain(first..).collect();
            unsynced.changes.clear();
            lost
        };
        if !lost.is_empty() {
            take_back(lost);
        }
        if kept > 0 {
            directory.remove(FILE).ok()?;
        }
        // Not zero where the process was killed right before the removal.
        let written = length(&*directory);
        unsynced.borrow_mut().synced = written;
        let (process, work, waiting) = (process.clone(), Notify::new(), RefCell::default());
        Some(Disk { process, directory, unsynced, written: Cell::new(written), work, waiting })
    }

    /// A change of the engine; returns its number, for [`crate::broker::amqp::Output::changed`].
    pub(super) fn note(&self, change: &Change<'_>) -> u32 {
        let mut unsynced = self.unsynced.borrow_mut();
        unsynced.last = unsynced.last.wrapping_add(1).max(1);
        let number = unsynced.last;
        unsynced.changes.extend(change.undo(number));
        number
    }

    /// Writes the changes of a call.
    pub(super) fn write(&self) {
        let through = self.unsynced.borrow().through();
        let more = through - self.written.replace(through);
        if more > 0 && self.directory.append(FILE, &vec![0; more]).is_ok() {
            self.work.notify_one();
        }
    }

    /// Keeps a confirm for later while there is something to be synced.
    pub(super) fn hold_back(&self, to: ChannelId, event: Event) -> Option<Event> {
        let unsynced = self.unsynced.borrow();
        match event {
            Event::Confirmed { seq, .. } if !unsynced.changes.is_empty() => {
                self.waiting.borrow_mut().push_back((unsynced.through(), to, seq));
                None
            }
            event => Some(event),
        }
    }

    /// Completes with the confirms that follow the next sync.
    pub(super) async fn sync(&self) -> Vec<(ChannelId, Event)> {
        while self.unsynced.borrow().changes.is_empty() {
            self.work.notified().await;
        }
        let through = self.written.get();
        if let Err(error) = self.directory.sync(FILE).await {
            tracing::error!(%error, "the disk does not sync");
            std::future::pending::<()>().await;
        }
        // A process that was killed right before the sync has not done it.
        if !self.process.alive() {
            std::future::pending::<()>().await;
        }
        self.unsynced.borrow_mut().synced_through(through);
        let mut waiting = self.waiting.borrow_mut();
        let ready = waiting.iter().take_while(|(waits_for, ..)| *waits_for <= through).count();
        // Confirms come in the order of their publishes: the last one of a channel stands for all.
        let mut confirms: BTreeMap<ChannelId, (u64, bool)> = BTreeMap::new();
        for (_, to, seq) in waiting.drain(..ready) {
            confirms.entry(to).and_modify(|last| *last = (seq, true)).or_insert((seq, false));
        }
        confirms.into_iter().map(|(to, (seq, multiple))| (to, Event::Confirmed { seq, multiple })).collect()
    }
}

impl Unsynced {
    /// Changes until now.
    fn through(&self) -> usize {
        self.synced + self.changes.len()
    }

    fn synced_through(&mut self, through: usize) {
        self.changes.drain(..through.saturating_sub(self.synced).min(self.changes.len()));
        self.synced = self.synced.max(through);
    }
}

fn length(directory: &dyn Directory) -> usize {
    let content: Result<Vec<u8>, DiskError> = directory.read(FILE);
    content.map_or(0, |content| content.len())
}
