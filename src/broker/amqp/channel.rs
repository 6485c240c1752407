//! What the broker knows of one channel.

use super::connection::ConnectionId;
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
    pub(super) connection: ConnectionId,
    /// The client's number for it.
    pub(super) number: u16,
    pub(super) prefetch: u32,
    /// What consumers get that subscribe from now on.
    pub(super) prefetch_each: u32,
    pub(super) consumers: NameMap<(QueueId, ConsumerId)>,
    /// Consumers whose turn came while the window was full, in that order; see [`super::consumers::Consumers`].
    pub(super) parked: VecDeque<(QueueId, ConsumerId)>,
    unacked: Unacked,
    /// Unacked deliveries that count against `prefetch`.
    pub(super) in_window: usize,
    /// Places of the window that nothing gives back; see [`Channel::limit`].
    lost_places: usize,
    /// Whether the engine looks after the age of its deliveries.
    pub(super) watched: bool,
    last_tag: DeliveryTag,
    /// Number of the last publish; `None` outside confirm mode.
    confirms: Option<u64>,
}

impl Channel {
    pub(super) fn new(connection: ConnectionId, number: u16) -> Self {
        Channel { connection, number, ..Channel::default() }
    }

    /// Whether a consumer that acks has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.prefetch != 0 && self.in_window + self.lost_places >= self.prefetch as usize
    }

    /// Sets the window as RabbitMQ does: what `basic.get` had fetched before there was a window takes its places, and
    /// never gives them back.
    pub(super) fn limit(&mut self, prefetch: u32) {
        if prefetch == 0 {
            self.lost_places = 0;
        } else if self.prefetch == 0 {
            self.lost_places = self.unacked.len() - self.in_window;
        }
        self.prefetch = prefetch;
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
    pub(super) fn settle_through(&mut self, tag: DeliveryTag) -> Option<Vec<(DeliveryTag, Held)>> {
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
    pub(super) fn release(&mut self, tag: DeliveryTag) -> Vec<(DeliveryTag, Held)> {
        let mut all = Vec::new();
        while let Some((tag, held)) = self.unacked.take_first_through(tag) {
            self.in_window -= usize::from(held.in_window);
            all.push((tag, held));
        }
        all
    }

    /// The delivery that was added last.
    pub(super) fn last_held(&mut self) -> Option<(DeliveryTag, &mut Held)> {
        self.unacked.last_mut()
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
