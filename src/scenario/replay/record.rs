//! The events of a run, kept.

use crate::broker::amqp::DropReason;
use crate::events::{Event, What as Fact};
use crate::scenario::explore::ids::Ids;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Look;
use crate::scenario::observe::Observer;
use crate::scenario::run::run_watched;
use crate::scenario::{Report, Scenario};
use simq_sim::{Record, What};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Most events that are kept: some hundred megabytes.
const MOST: usize = 2_000_000;

/// What an event is, as far as a replay makes something of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A process began.
    Started,
    /// A process ended.
    Exited,
    /// A message was sent on a connection.
    Sent(u64, u64),
    /// A message arrived on a connection.
    Arrived(u64, u64),
    /// A connection is gone.
    Closed(u64),
    /// A fault struck.
    Fault,
    /// A copy is in a queue.
    Queued(Arc<str>),
    /// A copy has left it for a consumer.
    Delivered(Arc<str>),
    /// A copy is back in it.
    Requeued(Arc<str>),
    /// A copy is gone for good.
    Settled,
    /// A worker has it.
    Received,
    /// A worker holds it until its time comes.
    Parked,
    /// A body began.
    Begun,
    /// A body came to its end, by itself or not.
    Over,
    /// Anything else.
    Other,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Its number in the trace.
    pub number: usize,
    /// Virtual nanoseconds.
    pub at: u64,
    /// Where; empty for the world.
    pub process: Arc<str>,
    /// What it is.
    pub sort: Sort,
    /// In words.
    pub text: String,
    /// Index of the task id that it is about.
    pub task: Option<usize>,
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at as f64 / 1e9;
        write!(f, "{:>7}  {seconds:>12.6}  {:<12}  {}", self.number, self.process, self.text)
    }
}

/// A run and all of its events.
#[derive(Debug)]
pub struct Replay {
    /// What it came to.
    pub report: Report,
    /// Its events, in order.
    pub events: Vec<Happened>,
    /// Task ids, in the order in which they were first heard of.
    pub tasks: Vec<Arc<str>>,
    /// There were more events than are kept.
    pub is_cut: bool,
}

#[derive(Default)]
struct Recorder {
    events: Vec<Happened>,
    ids: Ids,
    names: BTreeSet<Arc<str>>,
    until: Nanos,
    is_cut: bool,
}

impl Recorder {
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name = Arc::<str>::from(name);
        self.names.insert(name.clone());
        name
    }
}

impl Observer for Recorder {
    fn record(&mut self, record: &Record<'_>) {
        if self.events.len() >= MOST || record.at > self.until {
            self.is_cut |= record.at <= self.until;
            return;
        }
        let (sort, text) = told(&record.what);
        let process = self.name(record.process);
        let number = usize::try_from(record.number).unwrap_or(usize::MAX);
        self.events.push(Happened { number, at: record.at, process, sort, text, task: None });
    }

    /// The note of this fact is the record before.
    fn fact(&mut self, now: Nanos, _: &Arc<str>, event: &Event<'_>) {
        let Some(task) = self.ids.of(event) else { return };
        let sort = match event.what {
            Fact::Queued { queue } | Fact::Recovered { queue } => Sort::Queued(self.name(queue)),
            Fact::Delivered { queue } => Sort::Delivered(self.name(queue)),
            Fact::Requeued { queue } => Sort::Requeued(self.name(queue)),
            Fact::Dropped { why: DropReason::NoRoute | DropReason::Refused | DropReason::Transient, .. } => Sort::Other,
            Fact::Acked { .. } | Fact::Dropped { .. } | Fact::DeadLettered { .. } => Sort::Settled,
            Fact::Received { .. } => Sort::Received,
            Fact::Parked => Sort::Parked,
            Fact::Started { .. } => Sort::Begun,
            Fact::Finished { .. } => Sort::Over,
            _ => Sort::Other,
        };
        if let Some(note) = self.events.last_mut().filter(|_| now <= self.until) {
            (note.sort, note.task) = (sort, Some(task));
        }
    }
}

fn told(what: &What<'_>) -> (Sort, String) {
    match *what {
        What::Started { incarnation: 1 } => (Sort::Started, "starts".to_owned()),
        What::Started { incarnation } => (Sort::Started, format!("starts again, life {incarnation}")),
        What::Exited { how, .. } => (Sort::Exited, format!("ends: {how}")),
        What::Connected { connection, peer } => (Sort::Other, format!("connects to {peer} (connection {connection})")),
        What::Refused { peer } => (Sort::Other, format!("can't connect to {peer}")),
        What::Sent { connection, label, digest, payload } => {
            let words = payload.to_string();
            let words = if words.starts_with(label) { words } else { format!("{label} {words}") };
            (Sort::Sent(connection, digest), format!("-> {words} (connection {connection})"))
        }
        What::Arrived { connection, label, digest } => {
            (Sort::Arrived(connection, digest), format!("<- {label} (connection {connection})"))
        }
        What::Closed { connection, reset } => {
            let how = if reset { "was reset" } else { "was closed" };
            (Sort::Closed(connection), format!("connection {connection} {how}"))
        }
        What::Fault { fault, struck: true } => (Sort::Fault, format!("FAULT {fault}")),
        What::Fault { fault, struck: false } => (Sort::Other, format!("fault finds nothing to strike: {fault}")),
        What::Disk { effect, path, .. } => (Sort::Other, format!("{effect} {path}")),
        What::Note { text, .. } => (Sort::Other, text.to_string()),
    }
}

impl Replay {
    /// Runs a variant on a seed and keeps its events, those until a virtual time if one is given (the run itself goes on
    /// to its end).
    ///
    /// # Errors
    ///
    /// As [`run`](crate::scenario::run).
    pub fn of(
        scenario: &Scenario,
        variant: Option<&str>,
        seed: u64,
        until: Option<std::time::Duration>,
    ) -> Result<Replay, Box<dyn std::error::Error + Send + Sync>> {
        let until = until.map_or(u64::MAX, |until| u64::try_from(until.as_nanos()).unwrap_or(u64::MAX));
        let recorder = Rc::new(RefCell::new(Recorder { until, ..Recorder::default() }));
        let look = Look { observer: Some(Box::new(recorder.clone())), ..Look::default() };
        let ran = run_watched(scenario, variant, seed, look)?;
        let recorder = recorder.take();
        let tasks = recorder.ids.into_vec();
        Ok(Replay { report: ran.report, events: recorder.events, tasks, is_cut: recorder.is_cut })
    }

    /// The index of a task id, or of the only one that begins so.
    pub fn task(&self, id: &str) -> Option<usize> {
        let exact = self.tasks.iter().position(|task| **task == *id);
        exact.or_else(|| {
            let mut alike = self.tasks.iter().enumerate().filter(|(_, task)| task.starts_with(id));
            alike.next().filter(|_| alike.next().is_none() && !id.is_empty()).map(|(at, _)| at)
        })
    }

    /// The life of a task: all events about it.
    pub fn life(&self, task: usize) -> impl Iterator<Item = &Happened> {
        self.events.iter().filter(move |event| event.task == Some(task))
    }
}
