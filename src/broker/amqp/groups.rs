//! How RabbitMQ settles several deliveries at once: queue by queue, and consumer by consumer.
//!
//! What one consumer held of one queue is one message to that queue, which serves its consumers before the next one
//! comes. The groups come in the order of the queues' names and the consumers' tags, `basic.get` first.

use super::quorum::Back;
use super::rabbit::holder_name;
use super::settling::How;
use super::unacked::Held;
use super::{ChannelId, DeliveryTag, Engine, Name, Output};
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
            let key = if held.in_window || held.consumer != 0 && !queue.ended(held.consumer) {
                (queue.name.clone(), DeliveryTag::MAX, holder_name(queue, held.consumer))
            } else {
                (queue.name.clone(), tag, Name::from(""))
            };
            groups.entry(key).or_default().push((tag, held));
        }
        groups.into_values()
    }

    /// Takes a channel's consumers off their queues and returns its unacked messages, queue by queue.
    pub(super) fn release_rabbit_channel(&mut self, ch: ChannelId, now: u64, out: &mut impl Output) {
        let Some(channel) = self.channels.get_mut(ch.0) else { return };
        let consumers = std::mem::take(&mut channel.consumers);
        channel.parked.clear();
        let unacked = channel.release(DeliveryTag::MAX);
        let mut queues: BTreeMap<Name, (super::queue::QueueId, bool, Deliveries)> = BTreeMap::new();
        for (id, _) in consumers.into_values() {
            if let Some(queue) = self.queues.get(id.0) {
                queues.entry(queue.name.clone()).or_insert_with(|| (id, true, Vec::new())).1 = true;
            }
        }
        for (tag, held) in unacked {
            if let Some(queue) = self.queues.get(held.queue.0) {
                let entry = queues.entry(queue.name.clone()).or_insert_with(|| (held.queue, false, Vec::new()));
                entry.2.push((tag, held));
            }
        }
        for queue in self.queues.values_mut() {
            queue.forget_publisher(ch);
        }
        for (id, consumed, mut held) in queues.into_values() {
            let Some(queue) = self.queues.get_mut(id.0) else { continue };
            if queue.options.quorum {
                held.sort_by_key(|(tag, held)| (holder_name(queue, held.consumer), *tag));
            }
            if let Some(line) = &mut queue.line {
                line.down(ch);
            }
            queue.touch(now);
            if consumed && queue.options.auto_delete && !queue.has_consumers() {
                // What it held goes with the queue.
                if let Some(channel) = self.channels.get_mut(ch.0) {
                    held.into_iter().for_each(|(tag, held)| channel.hold(tag, held));
                }
                self.delete_queue(id, out);
                if let Some(channel) = self.channels.get_mut(ch.0) {
                    channel.release(DeliveryTag::MAX);
                }
                continue;
            }
            for (_, held) in held {
                self.settle_held(held, How::Return(Back::Lost), out);
            }
            self.mark_dirty(id);
            self.run(now, out);
        }
    }
}
