//! What happens to tasks, as facts: the event stream that observers read.
//!
//! Actors report through [`Env::emit`](crate::env::Env::emit). In production the facts become log lines; in the
//! simulated cluster they feed the ledger that verdicts are made from, and the trace.

use crate::broker::amqp::DropReason;
use crate::env::Digest;
use crate::message::Timestamp;
use std::fmt;
use std::time::Duration;

/// A state as the result backend knows it, Celery's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// No record: waiting, or never heard of.
    Pending,
    /// A pool child has begun it.
    Started,
    /// It will be run again.
    Retry,
    /// It returned.
    Success,
    /// It raised, was lost, or ran out of time.
    Failure,
    /// Revoked or expired.
    Revoked,
    /// A worker has it. Celery knows it from events only; simq stores it for whoever asks for it.
    Received,
    /// It rejected its message.
    Rejected,
    /// It asked to be ignored.
    Ignored,
    /// A state of the task's own, such as PROGRESS; its name stands in the result.
    Custom,
}

impl State {
    pub(crate) const ALL: [State; 10] = {
        use State::{Custom, Failure, Ignored, Pending, Received, Rejected, Retry, Revoked, Started, Success};
        [Pending, Started, Retry, Success, Failure, Revoked, Received, Rejected, Ignored, Custom]
    };

    /// Celery's name.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "PENDING",
            State::Started => "STARTED",
            State::Retry => "RETRY",
            State::Success => "SUCCESS",
            State::Failure => "FAILURE",
            State::Revoked => "REVOKED",
            State::Received => "RECEIVED",
            State::Rejected => "REJECTED",
            State::Ignored => "IGNORED",
            State::Custom => "CUSTOM",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Nothing further will happen to the task: what `get()` waits for.
    pub fn is_ready(self) -> bool {
        matches!(self, State::Success | State::Failure | State::Revoked | State::Rejected | State::Ignored)
    }

    /// Which of two states of one task says more, with `result_precedence = "full"`: what is done is not undone by news
    /// of an earlier time, and a success by nothing.
    pub(crate) fn rank(self) -> u8 {
        match self {
            State::Success => 5,
            State::Failure => 4,
            State::Revoked => 3,
            State::Rejected | State::Ignored => 2,
            State::Started | State::Retry | State::Received | State::Custom => 1,
            State::Pending => 0,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// How one execution of a task's body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It returned.
    Returned,
    /// It raised.
    Failed,
    /// It asked for another try.
    AskedRetry,
    /// It rejected its message.
    Rejected,
    /// It asked to be ignored.
    Ignored,
    /// The soft time limit interrupted it.
    SoftLimit,
}

/// One fact about one task.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The task id.
    pub id: &'a str,
    /// What happened.
    pub what: What<'a>,
}

/// The facts.
#[allow(missing_docs, reason = "each variant's line speaks of its fields")]
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// A caller asked for the task to be sent; `due` is its ETA, seconds from now.
    /// A broadcast goes to every worker that listens.
    Calling { task: &'a str, queue: &'a str, retries: u32, delay_nanos: u64, broadcast: bool },
    /// The caller was told that the message is on its way (or safe, with confirms).
    Called,
    /// The caller was told that it is not.
    CallFailed { why: &'a str },
    /// The broker put a copy into a queue.
    Queued { queue: &'a str },
    /// The broker handed a copy to a consumer.
    Delivered { queue: &'a str },
    /// The broker took a copy back.
    Requeued { queue: &'a str },
    /// The broker forgot a copy that was acked.
    Acked { queue: &'a str },
    /// The broker forgot a copy that was not.
    Dropped { queue: &'a str, why: DropReason },
    /// The broker moved a copy to a dead-letter queue; it was counted as dropped before and as queued after.
    DeadLettered { queue: &'a str, why: DropReason },
    /// The broker came back and found this copy on its disk.
    Recovered { queue: &'a str },
    /// A worker received a copy.
    Received { redelivered: bool },
    /// A worker holds it until its ETA.
    Parked,
    /// A pool child began to run the body.
    Started { retries: u32, redelivered: bool },
    /// The body ended by itself.
    Finished { retries: u32, ended: Ended },
    /// The child that ran it was lost.
    ChildLost { retries: u32 },
    /// The worker killed the child that ran it: the hard limit, a cold shutdown, a lost connection.
    Cut { retries: u32, why: &'a str },
    /// The task had succeeded before; the worker acked the message and ran nothing.
    Skipped,
    /// Somebody revokes the task.
    Revoking,
    /// A client of a scenario was told that its revoke is on its way (or safe, with confirms).
    Revoked,
    /// The worker refused the message for good.
    Refused { why: &'a str },
    /// The backend stored a state.
    Stored { state: State },
    /// The backend kept what it had: a success stays.
    StoreIgnored { state: State },
    /// The backend dropped what it had.
    Forgotten,
    /// A caller waits for the result.
    Waiting,
    /// A caller has stopped waiting, with the state or without.
    Waited { state: Option<State> },
    /// A worker (named by `id`) takes nothing new any more: it shuts down.
    Draining,
    /// A replica (the host in `id`) has become the broker, and what another held counts no more.
    FailedOver,
    /// Beat came to a due time of the entry in `id`.
    Due { at: Timestamp },
    /// Beat published for a due time, so long after it. Celery's algorithm has no due times: it says when.
    Ticked { at: Timestamp, late: Duration },
}

impl What<'_> {
    /// Its name in traces.
    pub fn name(&self) -> &'static str {
        match self {
            What::Calling { .. } => "task.calling",
            What::Called => "task.called",
            What::CallFailed { .. } => "task.call-failed",
            What::Queued { .. } => "queue.in",
            What::Delivered { .. } => "queue.delivered",
            What::Requeued { .. } => "queue.requeued",
            What::Acked { .. } => "queue.acked",
            What::Dropped { .. } => "queue.dropped",
            What::DeadLettered { .. } => "queue.dead-lettered",
            What::Recovered { .. } => "queue.recovered",
            What::Received { .. } => "task.received",
            What::Parked => "task.parked",
            What::Started { .. } => "task.started",
            What::Finished { .. } => "task.finished",
            What::ChildLost { .. } => "task.child-lost",
            What::Cut { .. } => "task.cut",
            What::Skipped => "task.skipped",
            What::Revoking => "task.revoking",
            What::Revoked => "task.revoked",
            What::Refused { .. } => "task.refused",
            What::Stored { .. } => "result.stored",
            What::StoreIgnored { .. } => "result.ignored",
            What::Forgotten => "result.forgotten",
            What::Waiting => "result.waiting",
            What::Waited { .. } => "result.waited",
            What::Draining => "worker.draining",
            What::FailedOver => "broker.failed-over",
            What::Due { .. } => "beat.due",
            What::Ticked { .. } => "beat.ticked",
        }
    }

    fn detail(&self) -> u64 {
        match *self {
            What::Calling { retries, delay_nanos, broadcast, .. } => {
                u64::from(retries) ^ delay_nanos.rotate_left(8) ^ u64::from(broadcast).rotate_left(63)
            }
            What::Dropped { why, .. } | What::DeadLettered { why, .. } => why as u64,
            What::Received { redelivered } => u64::from(redelivered),
            What::Started { retries, redelivered } => u64::from(retries) << 1 | u64::from(redelivered),
            What::Finished { retries, ended } => u64::from(retries) << 8 | ended as u64,
            What::ChildLost { retries } | What::Cut { retries, .. } => u64::from(retries),
            What::Stored { state } | What::StoreIgnored { state } => state as u64,
            What::Waited { state } => state.map_or(99, |state| state as u64),
            What::Due { at } => at.as_micros() as u64,
            What::Ticked { at, late } => at.as_micros() as u64 ^ late.as_micros() as u64,
            _ => 0,
        }
    }
}

impl Event<'_> {
    /// What the trace's hash covers of it.
    #[inline]
    pub fn digest(&self) -> u64 {
        Digest::of(self.what.name()).bytes(self.id.as_bytes()).number(self.what.detail()).finish()
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what.name(), self.id)?;
        match self.what {
            What::Calling { task, queue, retries, .. } => write!(f, " {task} -> {queue}, retries {retries}"),
            What::CallFailed { why } | What::Refused { why } | What::Cut { why, .. } => write!(f, ": {why}"),
            What::Queued { queue }
            | What::Delivered { queue }
            | What::Requeued { queue }
            | What::Acked { queue }
            | What::Recovered { queue } => write!(f, " {queue}"),
            What::Dropped { queue, why } | What::DeadLettered { queue, why } => write!(f, " {queue}: {why:?}"),
            What::Received { redelivered: true } => f.write_str(" (redelivered)"),
            What::Started { retries, redelivered } => write!(f, ", retries {retries}, redelivered {redelivered}"),
            What::Finished { ended, .. } => write!(f, ": {ended:?}"),
            What::Stored { state } | What::StoreIgnored { state } => write!(f, " {}", state.name()),
            What::Waited { state } => write!(f, " {}", state.map_or("timeout", State::name)),
            What::Due { at } => write!(f, " {at}"),
            What::Ticked { at, late } => write!(f, " {at}, {late:?} late"),
            _ => Ok(()),
        }
    }
}
