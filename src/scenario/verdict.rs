//! What became of each task: the outcomes, by one vocabulary.

use super::ledger::{Execution, Ledger, Nanos, TaskRecord};
use crate::events::{Ended, State};
use std::collections::BTreeMap;

/// Executions of one attempt from which on it counts as an unbounded loop.
const LOOP: usize = 10;
/// Waiting this long beside an idle worker is starving.
const STARVED: Nanos = 10_000_000_000;
/// Waiting this long for the answer to a call is hanging.
pub(crate) const HUNG: Nanos = 60_000_000_000;

/// The counts of one run, or of a part of its tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) accepted: u64,
    pub(crate) call_failed: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    pub(crate) ignored: u64,
    pub(crate) expired: u64,
    pub(crate) revoked: u64,
    pub(crate) ran_revoked: u64,
    /// Calls whose revoke was answered.
    pub(crate) revokes: u64,
    pub(crate) skipped_duplicates: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) lost: u64,
    pub(crate) stuck: u64,
    pub(crate) duplicated: u64,
    pub(crate) overlapping: u64,
    pub(crate) starved: u64,
    pub(crate) hung: u64,
    pub(crate) result_missing: u64,
    pub(crate) result_wrong: u64,
    pub(crate) acked_unstored: u64,
    /// Calls with late acks whose results are to be stored, and of which a message was settled.
    pub(crate) late_acks: u64,
    pub(crate) unbounded_loop: u64,
    pub(crate) wrong_order: u64,
    pub(crate) executions: u64,
    pub(crate) executions_per_task: u64,
    pub(crate) interrupted: u64,
    /// Callers that asked for a result.
    pub(crate) waits: u64,
    pub(crate) states: BTreeMap<&'static str, u64>,
    /// Time from due to begun, sorted.
    pub(crate) start_delays: Vec<Nanos>,
    /// When executions began.
    begun: Vec<Nanos>,
}

/// What one call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Succeeded,
    Failed,
    Rejected,
    Ignored,
    Expired,
    Revoked,
    DeadLettered,
    CallFailed,
    Stuck,
    Lost,
}

impl Fate {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fate::Succeeded => "succeeded",
            Fate::Failed => "failed",
            Fate::Rejected => "rejected",
            Fate::Ignored => "ignored",
            Fate::Expired => "expired",
            Fate::Revoked => "revoked",
            Fate::DeadLettered => "dead-lettered",
            Fate::CallFailed => "call failed",
            Fate::Stuck => "STUCK",
            Fate::Lost => "LOST",
        }
    }
}

/// What a call came to. The best of its executions counts: a task that returned once has succeeded, however often it
/// was cut off before.
pub(crate) fn fate(record: &TaskRecord) -> Fate {
    let ended = |how: Ended| record.executions.iter().any(|execution| execution.ended == Some(how));
    let under_way = record.copies > 0 || record.executions.iter().any(|execution| execution.over.is_none());
    if ended(Ended::Returned) {
        Fate::Succeeded
    } else if record.refused.as_deref() == Some("expired") {
        Fate::Expired
    } else if record.refused.as_deref() == Some("revoked") || record.terminated {
        Fate::Revoked
    } else if under_way {
        Fate::Stuck
    } else if ended(Ended::Ignored) {
        Fate::Ignored
    } else if raised_for_good(record) || exhausted(record) {
        Fate::Failed
    } else if ended(Ended::Rejected) {
        Fate::Rejected
    } else if record.dead_letters > 0 || record.refused.is_some() {
        Fate::DeadLettered
    } else if record.accepted.is_none() {
        // Nobody was promised anything, or nobody has been answered yet.
        if record.call_failed.is_some() { Fate::CallFailed } else { Fate::Stuck }
    } else {
        Fate::Lost
    }
}

/// It raised in its last attempt: before that, it was sent again.
fn raised_for_good(record: &TaskRecord) -> bool {
    let raised = |execution: &Execution| matches!(execution.ended, Some(Ended::Failed | Ended::SoftLimit));
    record.executions.iter().any(|execution| execution.retries == record.retries && raised(execution))
}

/// It asked for one retry more than it was allowed.
fn exhausted(record: &TaskRecord) -> bool {
    let last = record.executions.last().and_then(|execution| execution.ended);
    last == Some(Ended::AskedRetry) && record.state == Some(State::Failure)
}

impl Counts {
    /// Counts the calls that `include` names.
    pub(crate) fn of(
        ledger: &Ledger,
        idle: &[Idle],
        end: Nanos,
        include: impl Fn(&str, &TaskRecord) -> bool,
    ) -> Counts {
        let mut counts = Counts::default();
        let mut order: BTreeMap<&str, Vec<(Nanos, Nanos)>> = BTreeMap::new();
        for (_, record) in ledger.tasks.iter().filter(|(id, record)| include(id, record)) {
            if record.calls == 0 {
                // Nobody called for it: a poisoned message.
                counts.dead_lettered += u64::from(record.dead_letters);
                continue;
            }
            counts.add(record, idle, end);
            if let Some(first) = record.executions.first() {
                order.entry(&record.task).or_default().push((record.due, first.started));
            }
        }
        counts.wrong_order = order.into_values().map(inversions).sum();
        counts.start_delays.sort_unstable();
        counts.begun.sort_unstable();
        counts
    }

    /// Of one call.
    pub(crate) fn of_call(record: &TaskRecord, idle: &[Idle], end: Nanos) -> Counts {
        let mut counts = Counts::default();
        counts.add(record, idle, end);
        counts
    }

    fn add(&mut self, record: &TaskRecord, idle: &[Idle], end: Nanos) {
        let fate = fate(record);
        let executions = record.executions.len() as u64;
        self.calls += 1;
        self.accepted += u64::from(record.accepted.is_some());
        self.call_failed += u64::from(record.call_failed.is_some() && record.accepted.is_none());
        for (count, is) in [
            (&mut self.succeeded, Fate::Succeeded),
            (&mut self.failed, Fate::Failed),
            (&mut self.rejected, Fate::Rejected),
            (&mut self.ignored, Fate::Ignored),
            (&mut self.expired, Fate::Expired),
            (&mut self.revoked, Fate::Revoked),
            (&mut self.stuck, Fate::Stuck),
            (&mut self.lost, Fate::Lost),
        ] {
            *count += u64::from(fate == is);
        }
        self.dead_lettered += u64::from(record.dead_letters);
        self.executions += executions;
        self.revokes += u64::from(record.revoked.is_some());
        let after = |revoked| record.executions.iter().any(|execution| execution.started > revoked);
        self.ran_revoked += u64::from(record.revoked.is_some_and(after));
        self.skipped_duplicates += u64::from(record.skipped);
        self.begun.extend(record.executions.iter().map(|execution| execution.started));
        self.executions_per_task = self.executions_per_task.max(executions);
        let cut = |execution: &&Execution| execution.over.is_some() && execution.ended.is_none();
        self.interrupted += record.executions.iter().filter(cut).count() as u64;
        // Nearly every task runs once; and a broadcast, once in each worker.
        let once = record.executions.len() > 1 && !record.broadcast;
        self.duplicated += u64::from(once && attempts(record).any(|runs| completed(&runs) > 1));
        self.unbounded_loop += u64::from(once && attempts(record).any(|runs| runs.len() > LOOP));
        self.overlapping += u64::from(once && overlaps(record, end));
        self.hung += u64::from(hung(record, end));
        self.waits += u64::from(!record.waiting.is_empty() || record.longest_wait > 0);
        self.starved += u64::from(starved(record, idle, end));
        if record.acks_late && !record.ignores_result && fate != Fate::Ignored {
            self.late_acks += u64::from(record.settled > 0);
            self.acked_unstored += u64::from(record.acked_unstored > 0);
        }
        if fate == Fate::Succeeded {
            self.result_missing += u64::from(record.state.is_none() && !record.ignores_result);
            self.result_wrong += u64::from(record.state.is_some_and(|state| state != State::Success));
        }
        *self.states.entry(record.state.unwrap_or(State::Pending).name()).or_default() += 1;
        if let Some(first) = record.executions.first() {
            self.start_delays.push(first.started.saturating_sub(record.due));
        }
    }

    /// The delay that `percent` of the started calls did not exceed.
    pub(crate) fn start_delay(&self, percent: usize) -> Option<Nanos> {
        let rank = (self.start_delays.len() * percent).div_ceil(100);
        self.start_delays.get(rank.checked_sub(1)?).copied()
    }

    /// Most executions that began within one second, wherever it begins.
    pub(crate) fn most_begun(&self) -> u64 {
        const SECOND: Nanos = 1_000_000_000;
        let mut first = 0;
        let within = self.begun.iter().enumerate().map(|(last, began)| {
            while self.begun[first] + SECOND <= *began {
                first += 1;
            }
            last + 1 - first
        });
        within.max().unwrap_or_default() as u64
    }
}

/// Executions by attempt: a retry is another attempt, a redelivery is not.
fn attempts(record: &TaskRecord) -> impl Iterator<Item = Vec<&Execution>> {
    let mut attempts: BTreeMap<u32, Vec<&Execution>> = BTreeMap::new();
    for execution in &record.executions {
        attempts.entry(execution.retries).or_default().push(execution);
    }
    attempts.into_values()
}

/// Asking to be put back is no completion.
fn completed(runs: &[&Execution]) -> usize {
    runs.iter().filter(|execution| !matches!(execution.ended, None | Some(Ended::Rejected))).count()
}

fn overlaps(record: &TaskRecord, end: Nanos) -> bool {
    let mut spans: Vec<(Nanos, Nanos)> =
        record.executions.iter().map(|execution| (execution.started, execution.over.unwrap_or(end))).collect();
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

fn hung(record: &TaskRecord, end: Nanos) -> bool {
    // The caller heard the first: what is accepted later is a retry that a worker published.
    let answered = record.accepted.into_iter().chain(record.call_failed).min().unwrap_or(end);
    let overdue_wait = record.waiting.iter().any(|since| end.saturating_sub(*since) >= HUNG);
    answered.saturating_sub(record.called_at) >= HUNG || overdue_wait
}

/// Pairs of neighbours, in the order in which they were due, that began in the other order.
fn inversions(mut calls: Vec<(Nanos, Nanos)>) -> u64 {
    calls.sort_by_key(|(due, _)| *due);
    calls.windows(2).filter(|pair| pair[0].0 < pair[1].0 && pair[1].1 < pair[0].1).count() as u64
}

/// When the workers of one set of queues had a child to spare.
pub(crate) struct Idle {
    pub(crate) queues: Vec<String>,
    pub(crate) spans: Vec<(Nanos, Nanos)>,
}

impl Idle {
    /// From a worker's load over time.
    pub(crate) fn of(ledger: &Ledger, worker: &str, concurrency: u32, queues: Vec<String>, end: Nanos) -> Idle {
        let load = ledger.workers.get(worker).map(|record| record.load.as_slice()).unwrap_or_default();
        let ends = load.iter().skip(1).map(|(at, _)| *at).chain([end]);
        let spare = |(_, running): &(Nanos, Option<u32>)| running.is_some_and(|running| running < concurrency);
        let spans = load.iter().zip(ends).filter(|(from, _)| spare(from)).map(|(from, to)| (from.0, to)).collect();
        Idle { queues, spans }
    }
}

/// Whether it waited beside an idle worker. Gaps of a moment, while a child takes its next task, don't end a span.
fn starved(record: &TaskRecord, idle: &[Idle], end: Nanos) -> bool {
    let until = record.executions.first().map_or(end, |first| first.started);
    if record.accepted.is_none() || until.saturating_sub(record.due) < STARVED || record.dead_letters > 0 {
        return false;
    }
    let serves = |idle: &&Idle| idle.queues.iter().any(|queue| **queue == *record.queue);
    let beside = |idle: &Idle| -> Nanos {
        let overlap = |(from, to): &(Nanos, Nanos)| (*to).min(until).saturating_sub((*from).max(record.due));
        idle.spans.iter().map(overlap).sum()
    };
    fate(record) != Fate::Lost && idle.iter().filter(serves).any(|idle| beside(idle) >= STARVED)
}
