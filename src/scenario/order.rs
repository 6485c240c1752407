//! First the result, then the ack: whether workers with late acks keep that order.

use super::ledger::TaskRecord;
use crate::broker::amqp::DropReason;
use crate::events::{State, What};

impl TaskRecord {
    /// Counts the copies that are settled for good, acked or rejected, before the result store was told what became of
    /// them.
    pub(super) fn check_order(&mut self, what: &What<'_>, dead_letters: Option<&str>) {
        match *what {
            What::Stored { state } | What::StoreIgnored { state } if state.is_ready() || state == State::Retry => {
                self.told += 1;
            }
            What::Acked { queue }
            | What::DeadLettered { queue, why: DropReason::Rejected }
            | What::Dropped { queue, why: DropReason::Rejected }
                if Some(queue) != dead_letters =>
            {
                self.settled += 1;
                // Of a task that is done, further copies are settled without a word.
                let known = self.state.is_some_and(State::is_ready) || self.settled <= self.told;
                self.acked_unstored += u32::from(!known);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Ledger;
    use super::*;
    use crate::events::Event;

    const ACKED: What<'_> = What::Acked { queue: "celery" };
    const RETRIED: What<'_> = What::Stored { state: State::Retry };
    const DONE: What<'_> = What::Stored { state: State::Success };

    /// Acks out of order among these events of one task.
    fn unstored(happened: &[What<'_>]) -> u32 {
        let mut ledger = Ledger::new(Some("dead".to_owned()));
        for (at, what) in happened.iter().enumerate() {
            ledger.observe(at as u64, &"w".into(), &Event { id: "a", what: *what });
        }
        ledger.tasks["a"].acked_unstored
    }

    #[test]
    fn an_ack_before_its_result_is_seen() {
        assert_eq!(unstored(&[ACKED, DONE]), 1);
        assert_eq!(unstored(&[ACKED]), 1, "nothing was stored at all");
        assert_eq!(unstored(&[What::Stored { state: State::Started }, ACKED, DONE]), 1, "STARTED is no result");
        assert_eq!(unstored(&[RETRIED, ACKED, ACKED, DONE]), 1, "the second attempt's was not there yet");
        let rejected = What::DeadLettered { queue: "celery", why: DropReason::Rejected };
        assert_eq!(unstored(&[rejected, What::Stored { state: State::Failure }]), 1);
    }

    #[test]
    fn a_result_before_its_ack_is_as_it_should_be() {
        assert_eq!(unstored(&[DONE, ACKED]), 0);
        assert_eq!(unstored(&[RETRIED, ACKED, DONE, ACKED]), 0);
        assert_eq!(unstored(&[DONE, ACKED, ACKED]), 0, "a copy of a task that is done is skipped");
        let limit = What::DeadLettered { queue: "celery", why: DropReason::DeliveryLimit };
        assert_eq!(unstored(&[limit]), 0, "the broker's own doing");
        assert_eq!(unstored(&[What::Acked { queue: "dead" }]), 0, "somebody has seen to a dead letter");
    }
}
