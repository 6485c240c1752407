//! The ledger: what happened to every task, by whom and when. Verdicts are made from it, never from log text.
//!
//! It reads the event stream and the ends of processes. It draws no random numbers and sends nothing, so a run with a
//! ledger is the run without.

use super::beat::Tick;
use super::observe::Observer;
use crate::broker::amqp::DropReason;
use crate::collections::Map;
use crate::events::{Ended, Event, State, What};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Nanoseconds of virtual time.
pub(crate) type Nanos = u64;

/// One execution of a task's body.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) process: Arc<str>,
    pub(crate) retries: u32,
    pub(crate) redelivered: bool,
    pub(crate) started: Nanos,
    /// When it was over, however it ended.
    pub(crate) over: Option<Nanos>,
    /// How the body ended by itself; `None` when it was cut short, or still runs.
    pub(crate) ended: Option<Ended>,
}

/// One task id's life. It stays to the end of the run, so its size is what a simulated task costs in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskRecord {
    pub(crate) task: Arc<str>,
    pub(crate) queue: Arc<str>,
    /// Every worker that listens has a copy: several executions are as it should be.
    pub(crate) broadcast: bool,
    /// Calls of this id: the first, and one for each retry.
    pub(crate) calls: u32,
    /// Retries of the latest of them.
    pub(crate) retries: u32,
    pub(crate) called_at: Nanos,
    /// When it may begin: the call, or its ETA.
    pub(crate) due: Nanos,
    /// When the caller was told that all is well.
    pub(crate) accepted: Option<Nanos>,
    pub(crate) call_failed: Option<Nanos>,
    pub(crate) executions: SmallVec<[Execution; 1]>,
    /// Copies in queues or in workers' hands, dead letters not counted.
    pub(crate) copies: i64,
    pub(crate) dead_letters: u32,
    pub(crate) dropped: Vec<DropReason>,
    pub(crate) refused: Option<Box<str>>,
    /// How often a worker refused a message of this id.
    pub(crate) refusals: usize,
    pub(crate) state: Option<State>,
    /// No result is to be stored for it.
    pub(crate) ignores_result: bool,
    /// It is acked when it has run.
    pub(crate) acks_late: bool,
    /// How often the result store was told what became of a copy, and how many copies were settled for good.
    pub(super) told: u32,
    pub(crate) settled: u32,
    /// Copies that were settled for good before the result store knew why.
    pub(crate) acked_unstored: u32,
    pub(crate) received: u32,
    /// When whoever revoked it was first told so.
    pub(crate) revoked: Option<Nanos>,
    /// It was killed because it was revoked.
    pub(crate) terminated: bool,
    /// Copies that were not run because it had succeeded before.
    pub(crate) skipped: u32,
    /// Workers that hold copies of it, in the order in which they got them.
    pub(super) holders: SmallVec<[Arc<str>; 1]>,
    /// Who waits for the result, since when.
    pub(crate) waiting: Vec<Nanos>,
    pub(crate) longest_wait: Nanos,
    /// When something last happened to it.
    pub(crate) last: Nanos,
}

/// How busy a worker was, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerRecord {
    /// Time and number of running bodies, at each change; `None` while it takes no tasks: dead, or shutting down.
    pub(crate) load: Vec<(Nanos, Option<u32>)>,
    /// Messages that it received and the broker has neither seen settled nor taken back.
    pub(crate) held: u64,
    /// The largest number of those.
    pub(crate) most_held: u64,
}

/// The ledger of one run.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) tasks: Map<Arc<str>, Box<TaskRecord>>,
    /// Names of tasks and queues, each kept once.
    names: BTreeSet<Arc<str>>,
    pub(crate) ticks: BTreeMap<String, Vec<Tick>>,
    pub(crate) workers: Map<String, WorkerRecord>,
    /// Workers that were told to shut down.
    pub(crate) drained: BTreeSet<String>,
    /// The host that is the broker.
    broker: Arc<str>,
    /// Where dead letters go: what is in there is not on its way to anybody.
    dead_letter_queue: Option<String>,
    /// Calls that nobody has been answered yet.
    pub(crate) open_calls: i64,
    pub(crate) open_waits: i64,
    /// Copies of all tasks, and bodies that run.
    copies: i64,
    running: BTreeMap<Arc<str>, (Arc<str>, usize)>,
    pub(crate) last: Nanos,
    /// Gets every fact as well.
    pub(crate) observer: Option<Box<dyn Observer>>,
}

impl Ledger {
    /// An empty ledger.
    pub(crate) fn new(dead_letter_queue: Option<String>) -> Self {
        Ledger { dead_letter_queue, broker: super::cluster::BROKER.into(), ..Ledger::default() }
    }

    /// Whether nothing is under way: no call, no copy, no body, no wait.
    pub(crate) fn is_quiet(&self) -> bool {
        self.open_calls == 0 && self.open_waits == 0 && self.copies == 0 && self.running.is_empty()
    }

    /// A process began.
    pub(crate) fn process_started(&mut self, now: Nanos, process: &str) {
        if let Some(worker) = self.workers.get_mut(process) {
            worker.load.push((now, Some(0)));
        }
    }

    /// A process ended, and with it the body that it ran.
    pub(crate) fn process_ended(&mut self, now: Nanos, process: &str) {
        if let Some((id, at)) = self.running.remove(process) {
            if let Some(record) = self.tasks.get_mut(&id) {
                record.executions[at].over = Some(now);
                record.last = now;
            }
            self.change_load(now, process, -1);
        }
        self.worker_gone(now, process);
        if self.workers.contains_key(process) {
            self.let_go(Some(process));
        }
        if process == &*self.broker {
            self.broker_gone();
        }
    }

    /// What it had on disk, or a replica of it has, is reported as recovered.
    fn broker_gone(&mut self) {
        self.let_go(None);
        self.tasks.values_mut().for_each(|record| (record.copies, record.dead_letters) = (0, 0));
        self.copies = 0;
    }

    /// A worker takes nothing any more, whether it is dead or about to end.
    fn worker_gone(&mut self, now: Nanos, worker: &str) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.load.push((now, None));
        }
    }

    /// Nobody, or not this worker, holds anything any more.
    fn let_go(&mut self, of: Option<&str>) {
        let gone = |holder: &str| of.is_none_or(|worker| worker == holder);
        self.workers.iter_mut().filter(|(name, _)| gone(name)).for_each(|(_, worker)| worker.held = 0);
        self.tasks.values_mut().for_each(|record| record.holders.retain(|holder| !gone(holder)));
    }

    /// Messages that a worker holds.
    pub(crate) fn held(&self, worker: &str) -> u64 {
        self.workers.get(worker).map_or(0, |worker| worker.held)
    }

    fn change_load(&mut self, now: Nanos, child: &str, by: i32) {
        let worker = child.split('/').next().unwrap_or(child);
        if let Some(worker) = self.workers.get_mut(worker)
            && let Some((_, Some(load))) = worker.load.last()
        {
            let load = load.saturating_add_signed(by);
            worker.load.push((now, Some(load)));
        }
    }

    /// One fact.
    pub(crate) fn observe(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>) {
        self.last = now;
        self.observer.iter_mut().for_each(|observer| observer.fact(now, process, event));
        match event.what {
            What::Due { .. } => return,
            What::Ticked { at, late } => {
                let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                let tick = Tick { due: now.saturating_sub(late), wall: at };
                return self.ticks.entry(event.id.to_owned()).or_default().push(tick);
            }
            What::FailedOver => {
                self.broker = event.id.into();
                return self.broker_gone();
            }
            What::Draining => {
                self.drained.insert(event.id.to_owned());
                return self.worker_gone(now, event.id);
            }
            _ => {}
        }
        let dead_letters = self.dead_letter_queue.as_deref();
        let at = self.tasks.get_index_of(event.id).unwrap_or_else(|| {
            let (at, _) = self.tasks.insert_full(event.id.into(), Box::default());
            at
        });
        let Some((id, record)) = self.tasks.get_index_mut(at) else { return };
        record.last = now;
        if let What::Acked { .. } | What::Requeued { .. } | What::Dropped { .. } | What::DeadLettered { .. } =
            event.what
            && !record.holders.is_empty()
            && let Some(worker) = self.workers.get_mut(&*record.holders.remove(0))
        {
            worker.held = worker.held.saturating_sub(1);
        }
        record.check_order(&event.what, dead_letters);
        match event.what {
            What::Calling { task, queue, retries, delay_nanos, broadcast } => {
                record.broadcast = broadcast;
                self.open_calls += 1;
                record.retries = record.retries.max(retries);
                if record.calls == 0 {
                    record.task = shared(&mut self.names, task);
                    record.queue = shared(&mut self.names, queue);
                    record.called_at = now;
                    record.due = now.saturating_add(delay_nanos);
                }
                record.calls += 1;
            }
            What::Called => {
                self.open_calls -= 1;
                record.accepted = record.accepted.or(Some(now));
            }
            What::CallFailed { .. } => {
                self.open_calls -= 1;
                record.call_failed = Some(now);
            }
            What::Queued { queue } | What::Recovered { queue } if Some(queue) == dead_letters => {
                record.dead_letters += 1;
            }
            What::Queued { .. } | What::Recovered { .. } => {
                record.copies += 1;
                self.copies += 1;
            }
            What::Acked { queue } | What::DeadLettered { queue, .. } if Some(queue) != dead_letters => {
                record.copies -= 1;
                self.copies -= 1;
            }
            What::Dropped { queue, why } if Some(queue) != dead_letters => {
                record.dropped.push(why);
                // The first two never were in a queue; what a restart lost went with the broker's process.
                if !matches!(why, DropReason::NoRoute | DropReason::Refused | DropReason::Transient) {
                    record.copies -= 1;
                    self.copies -= 1;
                }
            }
            What::Received { .. } => {
                record.received += 1;
                if let Some(worker) = self.workers.get_mut(&**process) {
                    record.holders.push(process.clone());
                    worker.held += 1;
                    worker.most_held = worker.most_held.max(worker.held);
                }
            }
            What::Skipped => record.skipped += 1,
            What::Revoked => record.revoked = record.revoked.or(Some(now)),
            What::Cut { why: "revoked", .. } => record.terminated = true,
            What::Started { retries, redelivered } => {
                let execution =
                    Execution { process: process.clone(), retries, redelivered, started: now, over: None, ended: None };
                record.executions.push(execution);
                let at = record.executions.len() - 1;
                self.running.insert(process.clone(), (id.clone(), at));
                self.change_load(now, process, 1);
            }
            What::Finished { ended, .. } => {
                if let Some((_, at)) = self.running.remove(process) {
                    let execution = &mut record.executions[at];
                    (execution.over, execution.ended) = (Some(now), Some(ended));
                }
                self.change_load(now, process, -1);
            }
            What::Refused { why } => {
                record.refused = Some(why.into());
                record.refusals += 1;
            }
            What::Stored { state } => record.state = Some(state),
            What::Waiting => {
                self.open_waits += 1;
                record.waiting.push(now);
            }
            What::Waited { .. } => {
                self.open_waits -= 1;
                let since = record.waiting.pop().unwrap_or(now);
                record.longest_wait = record.longest_wait.max(now - since);
            }
            _ => {}
        }
    }
}

/// The one copy of a name.
fn shared(names: &mut BTreeSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return known.clone();
    }
    let name = Arc::<str>::from(name);
    names.insert(name.clone());
    name
}
