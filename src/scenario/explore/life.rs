//! Lives of tasks: what happened to each, in whose hands it was, and which faults met it there. Signatures of failures are
//! made from them.

use super::ids::Ids;
use super::struck::{Struck, is_server};
use crate::collections::Map;
use crate::events::{Event, What as Fact};
use crate::scenario::cluster::Plan;
use crate::scenario::ledger::Nanos;
use crate::scenario::observe::Observer;
use simq_sim::{Record, What};
use std::sync::Arc;

/// Processes of one task that are kept. A task that goes in circles was with all of them long before.
const MOST: usize = 64;

/// Kinds of facts in the order in which a life has them; states of results follow.
const ORDER: [&str; 19] = [
    "call failed",
    "redelivered",
    "refused",
    "skipped",
    "started",
    "started again",
    "retried",
    "cut",
    "child lost",
    "finished",
    "store ignored",
    "requeued",
    "acked",
    "dropped",
    "dead-lettered",
    "left in a queue",
    "left on its way to a worker",
    "left with a worker",
    "left until it is due",
];

/// All lives of a run.
#[derive(Default)]
pub(crate) struct Lives {
    ids: Ids,
    tasks: Vec<Life>,
    faults: Vec<Struck>,
    /// When each process has ended.
    ends: Map<String, Vec<Nanos>>,
}

#[derive(Clone, Default)]
struct Life {
    /// Kinds of facts, each once.
    told: Vec<&'static str>,
    hands: Vec<Hands>,
    /// The last fact.
    last: Nanos,
    /// Where it is.
    place: Place,
    has_finished: bool,
    is_stored: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Nowhere,
    Queued,
    OnItsWay,
    WithWorker,
    Parked,
    Begun,
}

impl Place {
    fn after(self, what: &Fact<'_>) -> Place {
        match what {
            Fact::Queued { .. } | Fact::Recovered { .. } | Fact::Requeued { .. } => Place::Queued,
            Fact::Delivered { .. } => Place::OnItsWay,
            Fact::Received { .. } => Place::WithWorker,
            Fact::Parked => Place::Parked,
            Fact::Started { .. } => Place::Begun,
            _ => self,
        }
    }

    /// Where a task is left that nothing more comes of.
    fn told(self) -> Option<&'static str> {
        Some(match self {
            Place::Queued => "left in a queue",
            Place::OnItsWay => "left on its way to a worker",
            Place::WithWorker => "left with a worker",
            Place::Parked => "left until it is due",
            Place::Nowhere | Place::Begun => return None,
        })
    }
}

/// A process in one of its lives has to do with a task.
#[derive(Clone)]
struct Hands {
    process: Arc<str>,
    from: Nanos,
    /// How often the process had ended before.
    ended: usize,
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

impl Life {
    fn happen(&mut self, now: Nanos, what: &Fact<'_>) {
        self.last = now;
        self.place = self.place.after(what);
        self.told.extend(told(what).filter(|told| !self.told.contains(told)));
        match what {
            Fact::Finished { .. } => self.has_finished = true,
            Fact::Stored { state } => self.is_stored = self.has_finished && state.is_ready(),
            _ => {}
        }
    }

    /// When nothing can happen to it any more.
    fn over(&self) -> Nanos {
        if self.is_stored { self.last } else { Nanos::MAX }
    }
}

impl Observer for Lives {
    fn fact(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>) {
        let Some(task) = self.ids.of(event) else { return };
        if task >= self.tasks.len() {
            self.tasks.resize(task + 1, Life::default());
        }
        let ended = self.ends.get(&**process).map_or(0, Vec::len);
        let life = &mut self.tasks[task];
        life.happen(now, &event.what);
        let is_known = life.hands.iter().any(|hands| hands.process == *process && hands.ended == ended);
        if !is_known && life.hands.len() < MOST {
            life.hands.push(Hands { process: process.clone(), from: now, ended });
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        match record.what {
            What::Exited { .. } => self.ends.entry(record.process.to_owned()).or_default().push(record.at),
            // A fault is recorded when it has struck: after the ends of those that it killed, and before the message that
            // it acts on.
            What::Fault { fault, struck: true } => {
                let just_now = |(name, ends): (_, &Vec<Nanos>)| (ends.last() == Some(&record.at)).then_some(name);
                let child = self.ends.iter().filter_map(just_now).find(|name: &&String| name.contains('/'));
                self.faults.push(Struck::of(fault, record.at, child.map(String::as_str)));
            }
            What::Sent { .. } => {
                if let Some(fault) = self.faults.last_mut()
                    && fault.victims.is_empty()
                {
                    fault.victims.push(record.process.to_owned());
                }
            }
            _ => {}
        }
    }
}

impl Lives {
    /// What happened to a task, each kind once, and the faults that met it: those that struck who had it at that time,
    /// and, before it was done, servers and clocks. When nobody is known to have it in the end, every fault counts. So it
    /// does when it came late or never, and then the place where it is left is told too.
    pub(crate) fn of(&self, task: usize, is_late: bool, plan: &Plan) -> Vec<String> {
        let Some(life) = self.tasks.get(task) else { return self.faults(plan) };
        let left = life.place.told().filter(|_| is_late && !life.is_stored);
        let mut told: Vec<&str> = life.told.iter().copied().chain(left).collect();
        told.sort_by_key(|told| (ORDER.iter().position(|known| known == told).unwrap_or(ORDER.len()), *told));
        let all = is_late || matches!(life.place, Place::Nowhere | Place::Queued | Place::OnItsWay);
        let met = self.faults.iter().filter(|fault| all || self.meets(life, fault));
        told.into_iter().map(str::to_owned).chain(words(met, plan)).collect()
    }

    /// The faults that struck.
    pub(crate) fn faults(&self, plan: &Plan) -> Vec<String> {
        words(self.faults.iter(), plan)
    }

    fn meets(&self, life: &Life, fault: &Struck) -> bool {
        let over = life.over();
        let mut others = fault.victims.iter().filter(|victim| !is_server(victim)).peekable();
        let is_everywhere = others.peek().is_none() || fault.is_of_a_clock();
        fault.at <= over && (is_everywhere || others.any(|victim| self.is_with(life, victim, fault, over)))
    }

    /// Whether a victim had the task while the fault held.
    fn is_with(&self, life: &Life, victim: &str, fault: &Struck, over: Nanos) -> bool {
        let host = victim.split('/').next().unwrap_or(victim);
        let child_is_known = || life.hands.iter().any(|hands| is_child(&hands.process, host));
        let is_of = |process: &str| match process == victim || is_child(process, victim) {
            true => true,
            // A child that was lost before it could begin.
            false => process == host && !child_is_known(),
        };
        life.hands.iter().filter(|hands| is_of(&hands.process)).any(|hands| {
            let ends = self.ends.get(&*hands.process).and_then(|ends| ends.get(hands.ended)).copied();
            fault.until >= hands.from && fault.at <= ends.unwrap_or(over)
        })
    }
}

fn is_child(process: &str, host: &str) -> bool {
    process.strip_prefix(host).is_some_and(|rest| rest.starts_with('/'))
}

fn words<'a>(faults: impl Iterator<Item = &'a Struck>, plan: &Plan) -> Vec<String> {
    let mut words: Vec<String> = faults.map(|fault| format!("({})", fault.words(plan))).collect();
    words.sort();
    words.dedup();
    words
}
