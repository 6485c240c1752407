//! How far each task has come.
//!
//! The cause of a fact is the fact that a message of the task set out from:
//!
//! | fact | caused by |
//! |---|---|
//! | in a queue | the latest call, or the queue that made it a dead letter |
//! | received | the oldest delivery that no worker has received yet |
//! | started | the receipt by the worker of this child |
//! | stored, acked, back in the queue | the last thing that a worker did with the task |
//! | the caller has its result | the state that was stored last |

use super::record::NONE;
use crate::events::What;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// The facts of one task from which the next ones can follow.
#[derive(Default)]
pub(super) struct Trail {
    /// Where the next copy for a queue comes from.
    source: Option<u32>,
    delivered: VecDeque<u32>,
    /// Workers that hold a copy, and the fact that they received it; in the order in which they got it.
    held: SmallVec<[(u32, u32); 1]>,
    at_worker: Option<u32>,
    stored: Option<u32>,
    /// The queue it was last seen in.
    pub(super) queue: Option<u32>,
}

impl Trail {
    /// The cause of fact number `fact` of process `process`, a pool child of `worker`.
    pub(super) fn follow(&mut self, fact: u32, what: &What<'_>, process: u32, worker: u32) -> u32 {
        let at_worker = |trail: &mut Trail, cause: Option<u32>| {
            trail.at_worker = Some(fact);
            cause
        };
        let cause = match what {
            What::Calling { .. } | What::DeadLettered { .. } => {
                let cause = self.at_worker;
                self.source = Some(fact);
                cause
            }
            What::Queued { .. } => self.source,
            What::Delivered { .. } => {
                self.delivered.push_back(fact);
                None
            }
            What::Received { .. } => {
                let cause = self.delivered.pop_front();
                self.held.push((process, fact));
                at_worker(self, cause)
            }
            What::Started { .. } => {
                let held = self.held.iter().rev().find(|(holder, _)| *holder == worker).map(|(_, fact)| *fact);
                let cause = held.or(self.at_worker);
                at_worker(self, cause)
            }
            What::Finished { .. }
            | What::ChildLost { .. }
            | What::Cut { .. }
            | What::Refused { .. }
            | What::Skipped
            | What::Parked => at_worker(self, None),
            What::Stored { .. } | What::StoreIgnored { .. } => {
                self.stored = Some(fact);
                self.at_worker
            }
            What::Waited { state: Some(_) } => self.stored,
            What::Requeued { .. } => {
                // A copy that is back was never received by whom it was sent to, or is in nobody's hands any more.
                self.delivered.pop_front();
                self.at_worker
            }
            What::Acked { .. } => self.at_worker,
            _ => None,
        };
        cause.unwrap_or(NONE)
    }

    /// The process that held the copy that was just settled.
    pub(super) fn settle(&mut self) -> Option<u32> {
        (!self.held.is_empty()).then(|| self.held.remove(0).0)
    }

    /// The process that held it has ended; `fact` says so.
    pub(super) fn lost(&mut self, fact: u32, process: u32) {
        self.held.retain(|(holder, _)| *holder != process);
        self.at_worker = Some(fact);
    }
}
