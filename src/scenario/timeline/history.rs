//! A whole run, ready to be drawn.

use super::lanes::{Lane, Lanes};
use super::record::{Fact, NONE, Recorder};
use crate::scenario::cluster::{Plan, When};
use crate::scenario::ledger::{Ledger, Nanos};
use crate::scenario::verdict::{Counts, Idle, fate};
use serde::Serialize;
use simq_sim::Fault;
use std::sync::Arc;

/// Facts that are shown. Of a larger run whole tasks are left out: first those of which nothing is counted but that they
/// succeeded, from the last one on.
pub(super) const MAX_SHOWN: usize = 400_000;

/// What can be counted of one call, by the keys of expectations.
type Key = (&'static str, fn(&Counts) -> u64);
pub(super) const KEYS: [Key; 21] = [
    ("lost", |counts| counts.lost),
    ("stuck", |counts| counts.stuck),
    ("duplicated", |counts| counts.duplicated),
    ("overlapping", |counts| counts.overlapping),
    ("starved", |counts| counts.starved),
    ("hung", |counts| counts.hung),
    ("result_missing", |counts| counts.result_missing),
    ("result_wrong", |counts| counts.result_wrong),
    ("acked_unstored", |counts| counts.acked_unstored),
    ("unbounded_loop", |counts| counts.unbounded_loop),
    ("ran_revoked", |counts| counts.ran_revoked),
    ("call_failed", |counts| counts.call_failed),
    ("dead_lettered", |counts| counts.dead_lettered),
    ("failed", |counts| counts.failed),
    ("rejected", |counts| counts.rejected),
    ("expired", |counts| counts.expired),
    ("revoked", |counts| counts.revoked),
    ("ignored", |counts| counts.ignored),
    ("skipped_duplicates", |counts| counts.skipped_duplicates),
    ("interrupted", |counts| counts.interrupted),
    ("succeeded", |counts| counts.succeeded),
];

/// One task.
#[derive(Clone, Debug)]
pub(super) struct TaskLine {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) fate: &'static str,
    /// What is counted of it: bit n for the n-th of [`KEYS`].
    pub(super) counted: u32,
}

/// One life of a process.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LifeLine {
    pub(super) lane: u32,
    pub(super) from: Nanos,
    /// Absent: to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Nanos>,
    pub(super) how: String,
}

/// One fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FaultLine {
    pub(super) at: Nanos,
    /// How long it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lasts: Option<Nanos>,
    pub(super) text: String,
    pub(super) struck: bool,
    pub(super) lanes: Vec<u32>,
}

/// One fact on its lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at: Nanos,
    pub(super) task: u32,
    pub(super) lane: u32,
    pub(super) kind: &'static str,
    pub(super) detail: u32,
    pub(super) cause: u32,
}

/// What is not shown.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct LeftOut {
    pub(super) tasks: usize,
    pub(super) facts: u64,
    /// Facts that nobody kept, of the end of the run.
    pub(super) unrecorded: u64,
}

/// What happened in a run, when, where and why. See [`Timeline::html`] and [`Timeline::perfetto`].
#[derive(Clone, Debug)]
pub struct Timeline {
    pub(super) end: Nanos,
    pub(super) lanes: Vec<Lane>,
    pub(super) tasks: Vec<TaskLine>,
    pub(super) entries: Vec<Entry>,
    pub(super) lives: Vec<LifeLine>,
    pub(super) faults: Vec<FaultLine>,
    pub(super) details: Vec<Arc<str>>,
    pub(super) left_out: LeftOut,
}

/// What a timeline is made from, besides the record.
pub(crate) struct Sources<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) idle: &'a [Idle],
    pub(crate) end: Nanos,
    pub(crate) plan: &'a Plan,
}

impl Timeline {
    pub(crate) fn of(recorder: &Recorder, sources: &Sources<'_>) -> Timeline {
        let lanes = Lanes::of(recorder, sources.plan);
        let tasks: Vec<TaskLine> = recorder.tasks.iter().map(|id| task_line(id, sources)).collect();
        let shown = shown(&recorder.facts, &tasks);
        let kept = shown.iter().filter(|shown| **shown).count();
        let (entries, tasks_left) = (entries(&recorder.facts, &shown, &lanes), tasks.len() - kept);
        let left_out = LeftOut {
            tasks: tasks_left,
            facts: (recorder.facts.len() - entries.len()) as u64,
            unrecorded: recorder.missed,
        };
        let lives = recorder.lives.iter().map(|life| LifeLine {
            lane: lanes.at(super::record::Place::Process(life.process)),
            from: life.from,
            to: life.to,
            how: life.how.clone(),
        });
        let faults = recorder.blows.iter().map(|blow| {
            let plan = sources.plan.faults.iter();
            let planned = plan.filter_map(|(when, fault)| Some((when, part(fault, &blow.text)?))).next();
            let lasts = planned.and_then(|(_, fault)| lasts(fault));
            let subjects = planned.map(|(when, fault)| subjects(when, fault)).unwrap_or_default();
            let lanes = lanes.named(&subjects).collect();
            FaultLine { at: blow.at, lasts, text: blow.text.clone(), struck: blow.struck, lanes }
        });
        Timeline {
            end: sources.end,
            lives: lives.collect(),
            faults: faults.collect(),
            tasks: tasks.into_iter().zip(&shown).filter(|(_, shown)| **shown).map(|(task, _)| task).collect(),
            entries,
            details: recorder.details.iter().cloned().collect(),
            left_out,
            lanes: lanes.all,
        }
    }
}

fn task_line(id: &Arc<str>, sources: &Sources<'_>) -> TaskLine {
    let Some(record) = sources.ledger.tasks.get(id).filter(|record| record.calls > 0) else {
        return TaskLine { id: id.clone(), name: "".into(), fate: "nobody's call", counted: 0 };
    };
    let counts = Counts::of_call(record, sources.idle, sources.end);
    let bits = KEYS.iter().enumerate().map(|(bit, (_, count))| u32::from(count(&counts) > 0) << bit);
    TaskLine { id: id.clone(), name: record.task.clone(), fate: fate(record).name(), counted: bits.sum() }
}

/// Which tasks are shown.
fn shown(facts: &[Fact], tasks: &[TaskLine]) -> Vec<bool> {
    let mut sizes = vec![0_usize; tasks.len()];
    facts.iter().filter(|fact| fact.task != NONE).for_each(|fact| sizes[fact.task as usize] += 1);
    let succeeded = 1 << (KEYS.len() - 1);
    let (plain, telling): (Vec<usize>, Vec<usize>) =
        (0..tasks.len()).partition(|task| matches!(tasks[*task].counted, 0) || tasks[*task].counted == succeeded);
    let mut shown = vec![false; tasks.len()];
    let mut room = MAX_SHOWN;
    for task in telling.into_iter().chain(plain) {
        let Some(left) = room.checked_sub(sizes[task]) else { continue };
        (room, shown[task]) = (left, true);
    }
    shown
}

/// The facts of the tasks that are shown, with tasks and causes numbered anew.
fn entries(facts: &[Fact], shown: &[bool], lanes: &Lanes) -> Vec<Entry> {
    let mut next = 0;
    let tasks: Vec<u32> = shown
        .iter()
        .map(|shown| {
            next += u32::from(*shown);
            if *shown { next - 1 } else { NONE }
        })
        .collect();
    let mut of_nobody = 0;
    let mut numbers = vec![NONE; facts.len()];
    let mut entries = Vec::with_capacity(facts.len().min(MAX_SHOWN));
    for (number, fact) in facts.iter().enumerate() {
        let task = match fact.task {
            NONE if of_nobody < MAX_SHOWN => {
                of_nobody += 1;
                NONE
            }
            task => match tasks.get(task as usize) {
                Some(task) if *task != NONE => *task,
                _ => continue,
            },
        };
        numbers[number] = entries.len() as u32;
        let cause = numbers.get(fact.cause as usize).copied().unwrap_or(NONE);
        let (lane, Fact { at, kind, detail, .. }) = (lanes.at(fact.place), *fact);
        entries.push(Entry { at, task, lane, kind, detail, cause });
    }
    entries
}

/// The fault, or the half of it, that is called so.
fn part<'a>(fault: &'a Fault, text: &str) -> Option<&'a Fault> {
    match fault {
        _ if fault.to_string() == text => Some(fault),
        Fault::Then { next, .. } => part(next, text),
        _ => None,
    }
}

fn lasts(fault: &Fault) -> Option<Nanos> {
    let lasting = match fault {
        Fault::Pause { lasting, .. }
        | Fault::Partition { lasting, .. }
        | Fault::Latency { lasting, .. }
        | Fault::SlowConsumer { lasting, .. } => *lasting,
        _ => None,
    };
    lasting.map(|lasting| u64::try_from(lasting.as_nanos()).unwrap_or(u64::MAX))
}

/// Processes that a fault is about.
fn subjects<'a>(when: &'a When, fault: &'a Fault) -> Vec<&'a str> {
    match fault {
        Fault::Kill { process }
        | Fault::Vanish { process }
        | Fault::Restart { process }
        | Fault::WipeDisk { process }
        | Fault::Pause { process, .. }
        | Fault::Resume { process }
        | Fault::Signal { process, .. }
        | Fault::KillChild { process, .. }
        | Fault::OutOfMemory { process, .. }
        | Fault::SlowConsumer { process, .. }
        | Fault::StepClock { process, .. } => vec![process],
        Fault::Reset { between }
        | Fault::HalfOpen { between }
        | Fault::Partition { between, .. }
        | Fault::Heal { between }
        | Fault::Latency { between, .. } => between.iter().map(String::as_str).collect(),
        Fault::Then { first, .. } => subjects(when, first),
        Fault::LoseReply | Fault::Duplicate => match when {
            When::On(trigger) => vec![&trigger.process],
            When::At(_) => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Place;
    use super::*;

    fn task(counted: u32) -> TaskLine {
        TaskLine { id: "".into(), name: "".into(), fate: "", counted }
    }

    #[test]
    fn of_a_run_that_is_too_large_whole_tasks_are_left_out_and_the_plain_ones_first() {
        let of = |task, count| {
            let fact = Fact { at: 0, task, place: Place::Process(0), kind: "", detail: 0, cause: NONE };
            std::iter::repeat_n(fact, count)
        };
        let most = MAX_SHOWN - 10;
        let facts: Vec<Fact> = of(0, 8).chain(of(1, 3)).chain(of(2, most)).chain(of(NONE, 5)).collect();
        let succeeded = 1 << (KEYS.len() - 1);
        assert_eq!(shown(&facts, &[task(succeeded), task(0), task(succeeded | 1)]), [true, false, true]);
        assert_eq!(shown(&facts, &[task(1), task(1), task(succeeded)]), [true, true, false]);
    }
}
