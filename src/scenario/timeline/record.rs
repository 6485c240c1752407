//! The facts of a run while it happens.

use super::trail::Trail;
use super::words;
use crate::collections::Map;
use crate::events::{Event, What};
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Observer;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// No task, no cause.
pub(super) const NONE: u32 = u32::MAX;
/// Facts that are kept while a run goes on: about 100 MB. What happens after them is not recorded.
pub(super) const MAX_FACTS: usize = 2_000_000;
/// Faults and lives of processes that are kept.
const MAX_BLOWS: usize = 20_000;
/// Distinct details in words, and bytes of each.
const MAX_DETAILS: usize = 20_000;
const MAX_DETAIL: usize = 200;

/// The process that a task was with has ended.
pub(super) const LOST: &str = "process.lost";

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Process(u32),
    Queue(u32),
}

/// Something that happened to a task, or, with [`NONE`], to a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub(super) at: Nanos,
    pub(super) task: u32,
    pub(super) place: Place,
    pub(super) kind: &'static str,
    /// Number of a text.
    pub(super) detail: u32,
    /// Number of the fact that it follows from.
    pub(super) cause: u32,
}

/// One life of a process.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) process: u32,
    pub(super) from: Nanos,
    pub(super) to: Option<Nanos>,
    pub(super) how: String,
}

/// A fault, when it came.
#[derive(Clone, Debug)]
pub(super) struct Blow {
    pub(super) at: Nanos,
    pub(super) text: String,
    pub(super) struck: bool,
}

/// Names by number.
#[derive(Default)]
pub(super) struct Names(Map<Arc<str>, ()>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        let at = self.0.get_index_of(name).unwrap_or_else(|| self.0.insert_full(name.into(), ()).0);
        u32::try_from(at).unwrap_or(NONE)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.0.keys()
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.0.get_index_of(name)
    }
}

/// Everything that is kept of a run for its timeline.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(super) facts: Vec<Fact>,
    /// Facts that came after [`MAX_FACTS`].
    pub(super) missed: u64,
    pub(super) tasks: Names,
    trails: Vec<Trail>,
    pub(super) processes: Names,
    /// Tasks that each process has in its hands.
    hands: Vec<BTreeSet<u32>>,
    pub(super) queues: Names,
    pub(super) details: Names,
    pub(super) lives: Vec<Life>,
    pub(super) blows: Vec<Blow>,
}

/// The observer that fills a recorder.
pub(crate) struct Recording(pub(crate) Rc<RefCell<Recorder>>);

impl Recorder {
    /// A recorder, and the observer that fills it.
    pub(crate) fn start() -> (Rc<RefCell<Recorder>>, Recording) {
        let recorder = Rc::<RefCell<Recorder>>::default();
        (recorder.clone(), Recording(recorder))
    }

    fn process(&mut self, name: &str) -> u32 {
        let number = self.processes.number(name);
        if self.hands.len() <= number as usize {
            self.hands.resize_with(number as usize + 1, BTreeSet::new);
        }
        number
    }

    fn push(&mut self, fact: Fact) {
        if self.facts.len() < MAX_FACTS { self.facts.push(fact) } else { self.missed += 1 }
    }

    fn detail(&mut self, text: &str) -> u32 {
        let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_DETAIL).unwrap_or(text.len());
        let text = if self.details.iter().len() < MAX_DETAILS { &text[..end] } else { "" };
        self.details.number(text)
    }

    fn observe(&mut self, at: Nanos, process: &str, event: &Event<'_>) {
        let by = self.process(process);
        let worker = process.split_once('/').map_or(by, |(worker, _)| self.process(worker));
        let detail = self.detail(&detail(&event.what));
        let kind = event.what.name();
        if matches!(event.what, What::Draining | What::Due { .. } | What::Ticked { .. }) {
            let detail = if matches!(event.what, What::Draining) { detail } else { self.detail(event.id) };
            return self.push(Fact { at, task: NONE, place: Place::Process(by), kind, detail, cause: NONE });
        }
        let task = self.tasks.number(event.id);
        if self.trails.len() <= task as usize {
            self.trails.resize_with(task as usize + 1, Trail::default);
        }
        let number = u32::try_from(self.facts.len()).unwrap_or(NONE);
        let queue = queue_of(&event.what).map(|queue| (!queue.is_empty()).then(|| self.queues.number(queue)));
        let trail = &mut self.trails[task as usize];
        let cause = trail.follow(number, &event.what, by, worker);
        let place = match queue {
            None => Place::Process(by),
            // On Redis it is not always known from which queue a copy was.
            Some(named) => {
                trail.queue = named.or(trail.queue);
                trail.queue.map_or(Place::Process(by), Place::Queue)
            }
        };
        match event.what {
            What::Received { .. } | What::Started { .. } => {
                self.hands[by as usize].insert(task);
            }
            What::Finished { .. } => {
                self.hands[by as usize].remove(&task);
            }
            What::Acked { .. } | What::Requeued { .. } | What::Dropped { .. } | What::DeadLettered { .. } => {
                if let Some(holder) = trail.settle() {
                    self.hands[holder as usize].remove(&task);
                }
            }
            _ => {}
        }
        self.push(Fact { at, task, place, kind, detail, cause });
    }

    fn lose(&mut self, at: Nanos, name: &str, how: &str) {
        let process = self.process(name);
        if let Some(life) = self.lives.iter_mut().rev().find(|life| life.process == process) {
            (life.to, life.how) = (Some(at), how.to_owned());
        }
        let detail = self.detail(how);
        let worker = name.split_once('/').map(|(worker, _)| self.process(worker));
        for task in std::mem::take(&mut self.hands[process as usize]) {
            let number = u32::try_from(self.facts.len()).unwrap_or(NONE);
            // What a worker held goes back because the worker is gone, whatever its children did.
            if worker.is_none_or(|worker| self.hands[worker as usize].contains(&task)) {
                self.trails[task as usize].lost(number, process);
            }
            self.push(Fact { at, task, place: Place::Process(process), kind: LOST, detail, cause: NONE });
        }
    }
}

impl Observer for Recording {
    fn fact(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>) {
        self.0.borrow_mut().observe(now, process, event);
    }

    fn started(&mut self, now: Nanos, process: &str) {
        let mut recorder = self.0.borrow_mut();
        let process = recorder.process(process);
        if recorder.lives.len() < MAX_BLOWS {
            recorder.lives.push(Life { process, from: now, to: None, how: String::new() });
        }
    }

    fn ended(&mut self, now: Nanos, process: &str, how: &str) {
        self.0.borrow_mut().lose(now, process, how);
    }

    fn fault(&mut self, now: Nanos, fault: &str, struck: bool) {
        let mut recorder = self.0.borrow_mut();
        if recorder.blows.len() < MAX_BLOWS {
            recorder.blows.push(Blow { at: now, text: fault.to_owned(), struck });
        }
    }
}

/// The queue that it happened in; empty where the broker does not know.
fn queue_of<'a>(what: &What<'a>) -> Option<&'a str> {
    match *what {
        What::Queued { queue }
        | What::Delivered { queue }
        | What::Requeued { queue }
        | What::Acked { queue }
        | What::Recovered { queue }
        | What::Dropped { queue, .. }
        | What::DeadLettered { queue, .. } => Some(queue),
        _ => None,
    }
}

/// What there is to say besides kind, task and place.
fn detail<'a>(what: &What<'a>) -> Cow<'a, str> {
    let tries = |retries: u32, redelivered: bool| -> Cow<'static, str> {
        match (retries, redelivered) {
            (0, false) => "".into(),
            (0, true) => "redelivered".into(),
            (retries, false) => format!("retry {retries}").into(),
            (retries, true) => format!("retry {retries}, redelivered").into(),
        }
    };
    match *what {
        What::Calling { queue, retries, delay_nanos, .. } => {
            let later = match delay_nanos {
                0 => String::new(),
                delay => format!(", due in {:?}", std::time::Duration::from_nanos(delay)),
            };
            let retry = if retries > 0 { format!(", retry {retries}") } else { String::new() };
            format!("{queue}{retry}{later}").into()
        }
        What::CallFailed { why } | What::Refused { why } | What::Cut { why, .. } => why.into(),
        What::Dropped { why, .. } | What::DeadLettered { why, .. } => words::dropped(why).into(),
        What::Received { redelivered } => tries(0, redelivered),
        What::Started { retries, redelivered } => tries(retries, redelivered),
        What::Finished { ended, .. } => words::ended(ended).into(),
        What::Stored { state } | What::StoreIgnored { state } => state.name().into(),
        What::Waited { state } => state.map_or("no result in time", crate::events::State::name).into(),
        _ => "".into(),
    }
}
