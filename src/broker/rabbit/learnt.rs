//! What a server's refusals tell of its queues.
//!
//! A quorum queue has no prefetch window of a whole channel: to consume from one beside such a window costs the connection
//! (540). Settings say which queues are quorum queues, but somebody else may have declared one, or the virtual host makes
//! them all so. What the server says then is remembered over connections, and windows are those of each consumer.

use std::cell::Cell;
use std::rc::Rc;

/// AMQP's PRECONDITION_FAILED.
pub(super) const CLASH: u16 = 406;
/// AMQP's NOT_IMPLEMENTED.
pub(super) const NOT_IMPLEMENTED: u16 = 540;

/// What one broker actor has learnt of its server, over its connections.
#[derive(Clone, Default)]
pub(in crate::broker) struct Learnt(Rc<Cell<bool>>);

impl Learnt {
    /// Whether a queue has turned out to be a quorum queue.
    pub(super) fn has_quorum_queues(&self) -> bool {
        self.0.get()
    }

    /// A refusal; `matters` when windows have been those of whole channels.
    pub(super) fn hear(&self, code: u16, text: &str, matters: bool) {
        let is_one = match code {
            CLASH => is_quorum(text),
            NOT_IMPLEMENTED => text.contains("global qos"),
            _ => false,
        };
        if is_one && matters && !self.0.replace(true) {
            tracing::warn!(
                text,
                "a queue is a quorum queue, and the settings say another kind: the prefetch window is one of each \
                 consumer from now on, and does not grow; task_default_queue_type = \"quorum\" says so from the beginning"
            );
        }
    }
}

/// "... inequivalent arg 'x-queue-type' for queue 'a' in vhost '/': received none but current is the value 'quorum' of type
/// 'longstr'".
fn is_quorum(text: &str) -> bool {
    let current = text.split_once("but current is").map_or("", |(_, current)| current);
    text.contains("'x-queue-type'") && current.contains("'quorum'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_says_of_a_queue() {
        let clash = |received: &str, current: &str| {
            format!(
                "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'a' in vhost '/': received {received} but \
                 current is {current}"
            )
        };
        let quorum = "the value 'quorum' of type 'longstr'";
        for (code, text, learnt) in [
            (CLASH, clash("none", quorum), true),
            (CLASH, clash(quorum, "none"), false),
            (CLASH, clash(quorum, "the value 'classic' of type 'longstr'"), false),
            (CLASH, "PRECONDITION_FAILED - unknown delivery tag 3".to_owned(), false),
            (NOT_IMPLEMENTED, "NOT_IMPLEMENTED - queue 'a' in vhost '/' does not support global qos".to_owned(), true),
            (NOT_IMPLEMENTED, "NOT_IMPLEMENTED - something else".to_owned(), false),
        ] {
            let (heard, unconcerned) = (Learnt::default(), Learnt::default());
            heard.hear(code, &text, true);
            unconcerned.hear(code, &text, false);
            assert_eq!((heard.has_quorum_queues(), unconcerned.has_quorum_queues()), (learnt, false), "{text}");
        }
    }
}
