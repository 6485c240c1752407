//! The deliveries of a channel that wait for their ack.

use super::consumers::ConsumerId;
use super::queue::QueueId;
use super::stored::StoredMessage;
use super::{DeliveryTag, Name};
use std::collections::VecDeque;

/// Below this length settled entries are not worth a compaction.
const MIN_COMPACT: usize = 64;

/// A delivery that waits for its ack.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Stale once the queue was deleted: an ack is then still valid and changes nothing.
    pub(super) queue: QueueId,
    pub(super) message: StoredMessage,
    /// Whether it takes a place in the prefetch window (what `basic.get` fetched does not).
    pub(super) in_window: bool,
    /// Who has it, where its queue has a line; 0 for `basic.get` and after a recovery.
    pub(super) consumer: ConsumerId,
    /// That consumer's tag, which may be another's by now.
    pub(super) holder: Option<Name>,
    /// Nanoseconds.
    pub(super) delivered_at: u64,
}

/// Unacked deliveries in tag order.
///
/// A ring that is indexed by the distance from its first tag, so that an ack in or near delivery order costs O(1).
/// Settled entries leave gaps; when more than half of the ring is gaps it is compacted, so that one delivery held for
/// days does not keep the memory of all that followed. After that the index is only an upper bound and a binary
/// search finds the tag.
#[derive(Clone, Debug, Default)]
pub(super) struct Unacked {
    ring: VecDeque<(DeliveryTag, Option<Held>)>,
    live: usize,
}

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Appends a delivery; `tag` is greater than any before.
    pub(super) fn push(&mut self, tag: DeliveryTag, held: Held) {
        debug_assert!(self.ring.back().is_none_or(|(last, _)| *last < tag));
        self.ring.push_back((tag, Some(held)));
        self.live += 1;
    }

    pub(super) fn contains(&self, tag: DeliveryTag) -> bool {
        self.find(tag).is_some_and(|at| self.ring[at].1.is_some())
    }

    /// Removes one delivery.
    pub(super) fn take(&mut self, tag: DeliveryTag) -> Option<Held> {
        let at = self.find(tag)?;
        let held = self.ring[at].1.take()?;
        self.live -= 1;
        self.trim();
        Some(held)
    }

    /// Removes the first delivery if its tag is at most `tag`.
    pub(super) fn take_first_through(&mut self, tag: DeliveryTag) -> Option<(DeliveryTag, Held)> {
        while self.ring.front().is_some_and(|(first, _)| *first <= tag) {
            if let Some((tag, Some(held))) = self.ring.pop_front() {
                self.live -= 1;
                return Some((tag, held));
            }
        }
        None
    }

    /// The deliveries in tag order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (DeliveryTag, &Held)> {
        self.ring.iter().filter_map(|(tag, held)| Some((*tag, held.as_ref()?)))
    }

    pub(super) fn last_mut(&mut self) -> Option<(DeliveryTag, &mut Held)> {
        let (tag, held) = self.ring.back_mut()?;
        Some((*tag, held.as_mut()?))
    }

    /// When the first of them was delivered.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.iter().next().map(|(_, held)| held.delivered_at)
    }

    fn find(&self, tag: DeliveryTag) -> Option<usize> {
        let (first, _) = self.ring.front()?;
        let distance = usize::try_from(tag.checked_sub(*first)?).unwrap_or(usize::MAX);
        match self.ring.get(distance) {
            Some((at, _)) if *at == tag => Some(distance),
            _ => self.ring.binary_search_by_key(&tag, |(at, _)| *at).ok(),
        }
    }

    fn trim(&mut self) {
        while self.ring.front().is_some_and(|(_, held)| held.is_none()) {
            self.ring.pop_front();
        }
        if self.ring.len() > MIN_COMPACT && self.ring.len() > 2 * self.live {
            self.ring.retain(|(_, held)| held.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::amqp::stored::{NEVER, Origin};
    use crate::message::Message;
    use std::sync::Arc;

    fn held() -> Held {
        let origin = Origin { exchange: "".into(), routing_key: "q".into() };
        let message = StoredMessage {
            message: Arc::new(Message::default()),
            origin,
            position: 0,
            expires_at: NEVER,
            deaths: None,
            delivery_count: 0,
            journaled: 0,
            priority: 0,
            redelivered: false,
        };
        Held { queue: QueueId(1), message, in_window: true, consumer: 0, holder: None, delivered_at: 0 }
    }

    #[test]
    fn one_delivery_held_for_long_does_not_keep_the_memory_of_all_that_followed() {
        let mut unacked = Unacked::default();
        unacked.push(1, held());
        for tag in 2..10_000 {
            unacked.push(tag, held());
            assert!(unacked.take(tag).is_some());
            assert!(unacked.ring.len() <= MIN_COMPACT + 1);
        }
        assert_eq!(unacked.len(), 1);
        assert!(unacked.take(1).is_some());
        assert!(unacked.ring.is_empty());
    }
}
