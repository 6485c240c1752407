//! What the broker knows of one channel.

use super::consumers::ConsumerId;
use super::names::NameMap;
use super::queue::QueueId;
use super::unacked::{Held, Unacked};
use super::{DeliveryTag, Name};
use std::collections::VecDeque;

/// One channel of the broker, never reused. Ordered by age among the channels that one slot carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(super) u64);

/// The broker's side of one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    /// Closed by an error: deaf and mute until the connection goes. Its exclusive queues live that long.
    pub(super) closed: bool,
    pub(super) prefetch: u32,
    pub(super) consumers: NameMap<(QueueId, ConsumerId)>,
    /// Consumers whose turn came while the window was full, in that order; see [`super::consumers::Consumers`].
    pub(super) parked: VecDeque<(QueueId, ConsumerId)>,
    /// Queues that go when the connection goes.
    pub(super) exclusive: Vec<QueueId>,
    unacked: Unacked,
    /// Unacked deliveries that count against `prefetch`.
    in_window: usize,
    last_tag: DeliveryTag,
    /// Number of the last publish; `None` outside confirm mode.
    confirms: Option<u64>,
}

impl Channel {
    /// Whether a consumer that acks has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.prefetch != 0 && self.in_window >= self.prefetch as usize
    }

    /// Confirm mode; selecting it twice does not restart the numbering.
    pub(super) fn select_confirms(&mut self) {
        self.confirms.get_or_insert(0);
    }

    /// Numbers a publish in confirm mode.
    pub(super) fn number_publish(&mut self) -> Option<u64> {
        let last = self.confirms.as_mut()?;
        *last += 1;
        Some(*last)
    }

    /// Tags are used up by deliveries without ack, too.
    pub(super) fn next_tag(&mut self) -> DeliveryTag {
        self.last_tag += 1;
        self.last_tag
    }

    pub(super) fn hold(&mut self, tag: DeliveryTag, held: Held) {
        self.in_window += usize::from(held.in_window);
        self.unacked.push(tag, held);
    }

    /// Removes everything through `tag` (0 is everything). `None`: the tag is unknown.
    ///
    /// As in RabbitMQ, `multiple` does not excuse an unknown tag.
    pub(super) fn settle_through(&mut self, tag: DeliveryTag) -> Option<Vec<Held>> {
        match tag {
            0 => Some(self.release(DeliveryTag::MAX)),
            _ if self.unacked.contains(tag) => Some(self.release(tag)),
            _ => None,
        }
    }

    /// Removes one delivery.
    pub(super) fn settle_one(&mut self, tag: DeliveryTag) -> Option<Held> {
        let held = self.unacked.take(tag)?;
        self.in_window -= usize::from(held.in_window);
        Some(held)
    }

    /// Removes every delivery through `tag`.
    pub(super) fn release(&mut self, tag: DeliveryTag) -> Vec<Held> {
        let mut all = Vec::new();
        while let Some(held) = self.unacked.take_first_through(tag) {
            self.in_window -= usize::from(held.in_window);
            all.push(held);
        }
        all
    }

    /// Forgets a consumer that is gone from its queue.
    pub(super) fn forget_consumer(&mut self, tag: &Name) {
        if let Some(gone) = self.consumers.shift_remove(tag) {
            self.parked.retain(|parked| *parked != gone);
        }
    }

    pub(super) fn unacked(&self) -> &Unacked {
        &self.unacked
    }
}
