//! The ack decision table: what becomes of a message, and of its task's state, when an execution has ended.
//!
//! With early acks the message was acked when a pool child accepted it, and only the state is left to decide. With late
//! acks:
//!
//! | ending | condition | message | state |
//! |---|---|---|---|
//! | returned | | ack | SUCCESS |
//! | raised, or soft time limit | `acks_on_failure` | ack | FAILURE |
//! | | otherwise | discard | FAILURE |
//! | hard time limit | `acks_on_timeout` | ack | FAILURE |
//! | | otherwise | requeue | FAILURE |
//! | child lost | `retry_on_worker_lost` (also with early acks) | a retry is sent, then ack | RETRY |
//! | | `reject_on_worker_lost` | requeue | kept |
//! | | otherwise | ack | FAILURE |
//! | asked for a retry | | the retry is sent, then ack | RETRY |
//! | rejected | with requeue | requeue | kept |
//! | | without | discard | FAILURE |
//! | ignored | | ack | IGNORED with `result_store_ignored`, else kept |
//! | cut by the worker | cold shutdown, lost connection | requeue | RETRY with early acks (and lost), else kept |
//! | revoked and killed | | ack | REVOKED |
//!
//! *Discard* is a reject without requeue: a dead letter where the queue has a dead-letter exchange, or else dropped.
//! A requeue that the queue's delivery limit would turn into a dead letter is a discard with state FAILURE, so that
//! nobody waits for a result that can't come. Mirrors `celery/worker/request.py` of Celery 5.7 (wire sheet, section 8).

use crate::broker::Settlement;
use crate::events::State;

/// What a task's options say about acks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckPolicy {
    /// `acks_late`.
    pub late: bool,
    /// `reject_on_worker_lost`.
    pub requeue_on_worker_lost: bool,
    /// `retry_on_worker_lost`.
    pub retry_on_worker_lost: bool,
    /// `acks_on_failure`.
    pub ack_on_failure: bool,
    /// `acks_on_timeout`.
    pub ack_on_timeout: bool,
}

/// How an execution ended, as far as acks are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The body returned.
    Returned,
    /// The body raised, or the soft time limit interrupted it.
    Raised,
    /// The hard time limit killed its child.
    HardLimit,
    /// Its child was lost.
    ChildLost,
    /// It is sent again: it asked for a retry and has retries left.
    Retried,
    /// It rejected its message.
    Rejected {
        /// And wants it back in the queue.
        requeue: bool,
    },
    /// It asked to be ignored.
    Ignored,
    /// The worker cut it off to shut down, or because its message is no longer the worker's.
    Cut,
    /// It was revoked, and killed for it.
    Terminated,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Send the task again, with one more retry.
    pub(crate) resend: bool,
    /// Store this state.
    pub(crate) store: Option<State>,
    /// Settle the message; `None` when it was acked before.
    pub(crate) settle: Option<Settlement>,
}

impl AckPolicy {
    /// The table. `last_delivery` says that the broker would not deliver the message once more.
    pub(crate) fn decide(&self, ending: Ending, last_delivery: bool) -> Decision {
        use Settlement::{Ack, Discard, Requeue};
        let (resend, store, settle) = match ending {
            Ending::Returned => (false, Some(State::Success), Ack),
            Ending::Raised => (false, Some(State::Failure), if self.ack_on_failure { Ack } else { Discard }),
            Ending::HardLimit => (false, Some(State::Failure), if self.ack_on_timeout { Ack } else { Requeue }),
            Ending::ChildLost if self.retry_on_worker_lost => (true, Some(State::Retry), Ack),
            Ending::ChildLost if self.late && self.requeue_on_worker_lost => (false, None, Requeue),
            Ending::ChildLost => (false, Some(State::Failure), Ack),
            Ending::Retried => (true, Some(State::Retry), Ack),
            Ending::Rejected { requeue: true } => (false, None, Requeue),
            Ending::Rejected { requeue: false } => (false, Some(State::Failure), Discard),
            Ending::Ignored => (false, Some(State::Ignored), Ack),
            Ending::Terminated => (false, Some(State::Revoked), Ack),
            Ending::Cut => (false, (!self.late).then_some(State::Retry), Requeue),
        };
        // A worker that cuts a task off has no quarrel with it: it goes back whatever its count.
        if self.late && last_delivery && settle == Requeue && ending != Ending::Cut {
            return Decision { resend, store: Some(State::Failure), settle: Some(Discard) };
        }
        Decision { resend, store, settle: self.late.then_some(settle) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: AckPolicy = AckPolicy {
        late: true,
        requeue_on_worker_lost: false,
        retry_on_worker_lost: false,
        ack_on_failure: true,
        ack_on_timeout: true,
    };

    #[test]
    fn early_acks_leave_nothing_to_settle() {
        let early = AckPolicy { late: false, requeue_on_worker_lost: true, ..LATE };
        for ending in [Ending::Returned, Ending::Raised, Ending::ChildLost, Ending::HardLimit, Ending::Cut] {
            assert_eq!(early.decide(ending, false).settle, None, "{ending:?}");
        }
        assert_eq!(early.decide(Ending::ChildLost, false).store, Some(State::Failure));
    }

    #[test]
    fn a_requeue_that_would_be_one_too_many_is_a_discard_and_a_failure() {
        let policy = AckPolicy { requeue_on_worker_lost: true, ..LATE };
        let decision = policy.decide(Ending::ChildLost, true);
        assert_eq!((decision.store, decision.settle), (Some(State::Failure), Some(Settlement::Discard)));
        assert_eq!(policy.decide(Ending::Cut, true).settle, Some(Settlement::Requeue));
    }
}
