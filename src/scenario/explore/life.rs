//! Lives of tasks: the facts about each, in order, and the faults in between. Signatures of failures are made from them.

use super::ids::Ids;
use crate::events::{Event, What as Fact};
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Observer;
use simq_sim::{Record, What};
use std::sync::Arc;

/// Facts kept of one task. A life that goes in circles repeats itself long before.
const MOST: usize = 64;

/// All lives of a run.
#[derive(Default)]
pub(crate) struct Lives {
    ids: Ids,
    tasks: Vec<Vec<(Nanos, &'static str)>>,
    faults: Vec<(Nanos, String)>,
}

/// What is told of a life. What always happens and says nothing about a failure is left out.
fn told(what: &Fact<'_>) -> Option<&'static str> {
    Some(match what {
        Fact::CallFailed { .. } => "call failed",
        Fact::Received { redelivered: true } => "redelivered",
        Fact::Requeued { .. } => "requeued",
        Fact::Acked { .. } => "acked",
        Fact::Dropped { .. } => "dropped",
        Fact::DeadLettered { .. } => "dead-lettered",
        Fact::Started { redelivered: false, retries: 0 } => "started",
        Fact::Started { redelivered: true, .. } => "started again",
        Fact::Started { .. } => "retried",
        Fact::Finished { .. } => "finished",
        Fact::ChildLost { .. } => "child lost",
        Fact::Cut { .. } => "cut",
        Fact::Skipped => "skipped",
        Fact::Refused { .. } => "refused",
        Fact::Stored { state } => state.name(),
        Fact::StoreIgnored { .. } => "store ignored",
        _ => return None,
    })
}

impl Observer for Lives {
    fn fact(&mut self, now: Nanos, _: &Arc<str>, event: &Event<'_>) {
        let Some(task) = self.ids.of(event) else { return };
        let Some(told) = told(&event.what) else { return };
        if task >= self.tasks.len() {
            self.tasks.resize(task + 1, Vec::new());
        }
        let life = &mut self.tasks[task];
        if life.len() < MOST {
            life.push((now, told));
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        if let What::Fault { fault, struck: true } = record.what {
            let words = fault.to_string();
            let kind = words.split([' ', ',']).next().unwrap_or_default();
            self.faults.push((record.at, kind.to_owned()));
        }
    }
}

impl Lives {
    /// What happened to a task and around it, each kind once, in the order in which it first happened. Faults before its
    /// life began count too: a broker that has lost its memory is one.
    pub(crate) fn of(&self, task: usize) -> Vec<String> {
        let facts = self.tasks.get(task).map(Vec::as_slice).unwrap_or_default();
        let facts = facts.iter().map(|(at, told)| (*at, (*told).to_owned()));
        let faults = self.faults.iter().map(|(at, kind)| (*at, format!("({kind})")));
        let mut all: Vec<(Nanos, String)> = faults.chain(facts).collect();
        all.sort_by_key(|(at, _)| *at);
        let mut once: Vec<String> = Vec::new();
        for (_, told) in all {
            if !once.contains(&told) {
                once.push(told);
            }
        }
        once
    }

    /// The faults that struck.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.of(usize::MAX)
    }
}
