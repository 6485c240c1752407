//! What crosses the pipe between a worker and a pool child.

use crate::app::{DeliveryInfo, Failure};
use crate::env::{Digest, Frame};
use crate::events::Ended;
use crate::message::TaskMessage;
use crate::worker::retry::RetryRequest;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// An execution to be done.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The request's name in the worker.
    pub(crate) request: u64,
    pub(crate) task: Arc<TaskMessage>,
    pub(crate) delivery: DeliveryInfo,
}

/// From the worker to a child.
#[derive(Clone, Debug)]
pub(crate) enum ToChild {
    Run(Job),
    /// The soft time limit of the running task has passed.
    SoftLimit,
}

/// From a child to the worker.
#[derive(Debug)]
pub(crate) enum FromChild {
    /// The body is about to begin.
    Accepted { request: u64 },
    /// The body has ended.
    Finished {
        request: u64,
        outcome: Outcome,
        /// The calls that it made.
        children: Vec<Arc<str>>,
    },
}

/// How a body ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Returned(Box<RawValue>),
    Failed(Failure),
    SoftLimit(Failure),
    Retry { request: RetryRequest, cause: Option<Failure> },
    Rejected { requeue: bool, reason: String },
    Ignored,
}

impl Outcome {
    /// With a traceback where there is an exception.
    pub(super) fn traced(self, task: &str, process: &str) -> Self {
        match self {
            Outcome::Failed(failure) => Outcome::Failed(failure.traced(task, process)),
            Outcome::SoftLimit(failure) => Outcome::SoftLimit(failure.traced(task, process)),
            Outcome::Retry { request, cause } => {
                Outcome::Retry { request, cause: cause.map(|failure| failure.traced(task, process)) }
            }
            other => other,
        }
    }

    pub(crate) fn ended(&self) -> Ended {
        match self {
            Outcome::Returned(_) => Ended::Returned,
            Outcome::Failed(_) => Ended::Failed,
            Outcome::SoftLimit(_) => Ended::SoftLimit,
            Outcome::Retry { .. } => Ended::AskedRetry,
            Outcome::Rejected { .. } => Ended::Rejected,
            Outcome::Ignored => Ended::Ignored,
        }
    }
}

impl Frame for ToChild {
    fn label(&self) -> &'static str {
        match self {
            ToChild::Run(_) => "pool.run",
            ToChild::SoftLimit => "pool.soft-limit",
        }
    }

    fn digest(&self) -> u64 {
        match self {
            ToChild::Run(job) => Digest::of("run").number(job.request).bytes(job.task.id.as_bytes()).finish(),
            ToChild::SoftLimit => Digest::of("soft-limit").finish(),
        }
    }
}

impl Frame for FromChild {
    fn label(&self) -> &'static str {
        match self {
            FromChild::Accepted { .. } => "pool.accepted",
            FromChild::Finished { .. } => "pool.finished",
        }
    }

    fn digest(&self) -> u64 {
        match self {
            FromChild::Accepted { request } => Digest::of("accepted").number(*request).finish(),
            FromChild::Finished { request, outcome, .. } => {
                let digest = Digest::of("finished").number(*request).number(outcome.ended() as u64);
                match outcome {
                    Outcome::Returned(value) => digest.bytes(value.get().as_bytes()).finish(),
                    _ => digest.finish(),
                }
            }
        }
    }
}

impl fmt::Display for ToChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToChild::Run(job) => write!(f, "run {} {}", job.task.task, job.task.id),
            ToChild::SoftLimit => f.write_str("soft time limit"),
        }
    }
}

impl fmt::Display for FromChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FromChild::Accepted { request } => write!(f, "accepted request {request}"),
            FromChild::Finished { request, outcome, .. } => {
                write!(f, "finished request {request}: {:?}", outcome.ended())
            }
        }
    }
}
