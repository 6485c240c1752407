//! What quorum queues do in their own way.
//!
//! A message that comes back is delivered before all that have never been delivered, in the order of the returns;
//! without a delivery limit, one that a client returns goes to the end instead. Publishers are told when the queue is
//! over its limit, after the message that made it so, and told to go on at four fifths of it.

use super::dispatch::retire;
use super::lost::Was;
use super::output::DeathReason;
use super::queue::Queue;
use super::unacked::Held;
use super::{ChannelId, Engine, Movement, Output, Overflow};
use std::collections::BTreeSet;

/// Messages that were returned come first.
const RETURNED: u8 = 1;

/// The publishers of a quorum queue that refuses publishes when it is full.
#[derive(Clone, Debug, Default)]
pub(super) struct Publishers {
    known: BTreeSet<ChannelId>,
    stopped: BTreeSet<ChannelId>,
}

/// How a message comes back to its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// A client returned it.
    Requeued,
    /// Its channel is gone.
    Lost,
    /// As if it had never been delivered; see [`super::Method::Release`].
    Released,
}

impl Engine {
    pub(super) fn return_to_quorum(&mut self, held: Held, back: Back, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        let mut message = held.message;
        message.redelivered = true;
        message.delivery_count = message.delivery_count.saturating_add(1);
        if queue.options.delivery_limit.is_some_and(|limit| message.delivery_count > limit) {
            let over = DeathReason::DeliveryLimit;
            retire(held.queue, queue, (message, Was::Held), over, &mut self.departures, out);
            return self.mark_dirty(held.queue);
        }
        let delivery_count = message.delivery_count;
        out.moved(Movement::Requeued { queue: &queue.name, message: &message.message, delivery_count });
        message.position = queue.take_position();
        if queue.options.delivery_limit.is_none() && back == Back::Requeued {
            message.priority = 0;
            queue.ready.push(message);
        } else {
            message.priority = RETURNED;
            queue.ready.put_back(message);
        }
        self.mark_dirty(held.queue);
    }
}

impl Queue {
    /// Whether a publisher has been told to stop, or is told so now.
    pub(super) fn stops(&mut self, publisher: ChannelId) -> bool {
        if self.options.overflow != Overflow::RejectPublish {
            return false;
        }
        let over = self.is_over_length();
        let publishers = self.publishers.get_or_insert_default();
        if publishers.known.insert(publisher) && over {
            publishers.stopped.insert(publisher);
        }
        publishers.stopped.contains(&publisher)
    }

    /// Tells publishers to stop or to go on, as the length now is.
    pub(super) fn tell_publishers(&mut self) {
        if self.publishers.is_none() {
            return;
        }
        let four_fifths = |max: u64| max - max.div_ceil(5);
        let (letters, bytes) = self.letters_size();
        let (length, bytes) = ((self.ready.len() + letters) as u64, self.ready.bytes() + bytes);
        let below = self.options.max_length.is_none_or(|max| length <= four_fifths(max.into()))
            && self.options.max_length_bytes.is_none_or(|max| bytes <= four_fifths(max));
        let over = self.is_over_length();
        if let Some(publishers) = &mut self.publishers {
            if over {
                publishers.stopped.clone_from(&publishers.known);
            } else if below {
                publishers.stopped.clear();
            }
        }
    }

    /// A channel is gone.
    pub(super) fn forget_publisher(&mut self, publisher: ChannelId) {
        if let Some(publishers) = &mut self.publishers {
            publishers.known.remove(&publisher);
            publishers.stopped.remove(&publisher);
        }
    }
}
