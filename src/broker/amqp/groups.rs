//! How RabbitMQ settles several deliveries at once: queue by queue, and consumer by consumer.
//!
//! What one consumer held of one queue is one message to that queue, which serves its consumers before the next one
//! comes. The groups come in the order of the queues' names and the consumers' tags, `basic.get` first.

use super::queue::QueueId;
use super::quorum::Back;
use super::settling::How;
use super::unacked::Held;
use super::{ChannelId, DeliveryTag, DropReason, Engine, Movement, Name, Output};
use std::collections::BTreeMap;

type Deliveries = Vec<(DeliveryTag, Held)>;

impl Engine {
    pub(super) fn settle_in_groups(&mut self, all: Deliveries, how: How, now: u64, out: &mut impl Output) {
        for group in self.groups(all) {
            for (_, held) in group {
                // Each of them is a command of its own: see [`super::quorum`].
                let alone = matches!(how, How::Return(_)) && self.requeues_one_by_one(&held);
                self.settle_held(held, how, out);
                if alone {
                    self.run(now, out);
                }
            }
            self.run(now, out);
        }
    }

    fn requeues_one_by_one(&self, held: &Held) -> bool {
        let queue = self.queues.get(held.queue.0);
        queue.is_some_and(|queue| queue.options.quorum && queue.options.delivery_limit.is_none())
    }

    fn groups(&self, all: Deliveries) -> impl Iterator<Item = Deliveries> + use<> {
        let mut groups: BTreeMap<(Name, DeliveryTag, Name), Deliveries> = BTreeMap::new();
        for (tag, held) in all {
            let Some(queue) = self.queues.get(held.queue.0) else { continue };
            let key = match &held.holder {
                Some(name) => (queue.name.clone(), DeliveryTag::MAX, name.clone()),
                None => (queue.name.clone(), tag, Name::from("")),
            };
            groups.entry(key).or_default().push((tag, held));
        }
        groups.into_values()
    }

    /// Takes the consumers of these channels off their queues and returns what they hold, queue by queue.
    ///
    /// All consumers go before anything returns: nobody is served who is going, too.
    pub(super) fn release_rabbit_channels(&mut self, channels: &[ChannelId], now: u64, out: &mut impl Output) {
        let mut queues: BTreeMap<Name, Leaving> = BTreeMap::new();
        for ch in channels {
            let Some(channel) = self.channels.get_mut(ch.0) else { continue };
            channel.parked.clear();
            let (consumers, unacked) = (std::mem::take(&mut channel.consumers), channel.release(DeliveryTag::MAX));
            for (id, _) in consumers.into_values() {
                if let Some(queue) = self.queues.get(id.0) {
                    queues.entry(queue.name.clone()).or_insert_with(|| Leaving::of(id)).consumed = true;
                }
            }
            for (tag, held) in unacked {
                if let Some(queue) = self.queues.get(held.queue.0) {
                    let leaving = queues.entry(queue.name.clone()).or_insert_with(|| Leaving::of(held.queue));
                    leaving.held.push((*ch, tag, held));
                }
            }
        }
        for queue in self.queues.values_mut() {
            channels.iter().for_each(|ch| queue.forget_publisher(*ch));
        }
        for Leaving { id, held, .. } in queues.values_mut() {
            let Some(queue) = self.queues.get_mut(id.0) else { continue };
            if queue.options.quorum {
                held.sort_by_key(|(ch, tag, held)| (*ch, held.holder.clone(), *tag));
            }
            if let Some(line) = &mut queue.line {
                channels.iter().for_each(|ch| line.down(*ch));
            }
            queue.touch(now);
        }
        for leaving in queues.into_values() {
            self.leave_queue(leaving, now, out);
        }
    }

    fn leave_queue(&mut self, leaving: Leaving, now: u64, out: &mut impl Output) {
        let Leaving { id, consumed, held } = leaving;
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        if consumed && queue.options.auto_delete && !queue.has_consumers() {
            let reason = DropReason::QueueDeleted;
            for (.., held) in held {
                queue.unacked -= 1;
                out.moved(Movement::Dropped { queue: &queue.name, message: &held.message.message, reason });
            }
            return self.delete_queue(id, out);
        }
        for (.., held) in held {
            self.settle_held(held, How::Return(Back::Lost), out);
        }
        self.mark_dirty(id);
        self.run(now, out);
    }
}

/// What channels that go leave in a queue.
struct Leaving {
    id: QueueId,
    consumed: bool,
    held: Vec<(ChannelId, DeliveryTag, Held)>,
}

impl Leaving {
    fn of(id: QueueId) -> Self {
        Leaving { id, consumed: false, held: Vec::new() }
    }
}
