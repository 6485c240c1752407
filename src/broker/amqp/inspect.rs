//! What observers may look at, always in the same order.

use super::queue::{Queue, QueueId};
use super::stored::{NEVER, StoredMessage};
use super::{ChannelId, DeliveryTag, Engine, Name, QueueOptions};
use crate::message::Message;
use std::sync::Arc;

/// The state of one queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueStats<'a> {
    /// The queue's name.
    pub queue: &'a Name,
    /// What it was declared with.
    pub options: &'a QueueOptions,
    /// Messages that wait for a consumer.
    pub ready: usize,
    /// Messages that were delivered and wait for their ack.
    pub unacked: usize,
    /// Dead letters that stay here until another queue has taken them (`at-least-once`).
    pub letters: usize,
    /// Subscriptions.
    pub consumers: usize,
}

/// A message that waits for a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadyMessage {
    /// The message, or one that is equal to it: a long queue keeps its messages as bytes.
    pub message: Arc<Message>,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// Times it was returned to the queue.
    pub delivery_count: u32,
    /// When its time to live ends, in nanoseconds.
    pub expires_at: Option<u64>,
}

/// A message that was delivered and waits for its ack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnackedMessage<'a> {
    /// The queue it came from.
    pub queue: &'a Name,
    /// Who holds it.
    pub channel: ChannelId,
    /// The delivery's number on that channel.
    pub tag: DeliveryTag,
    /// The message.
    pub message: &'a Arc<Message>,
    /// Times it was returned to the queue before this delivery.
    pub delivery_count: u32,
}

impl Engine {
    /// The state of the queue named `queue`.
    pub fn queue_stats(&self, queue: &str) -> Option<QueueStats<'_>> {
        self.queue_id(queue).and_then(|id| self.stats(id))
    }

    /// All queues. The order depends only on the history of calls.
    pub fn queues(&self) -> impl Iterator<Item = QueueStats<'_>> {
        self.queues.iter().filter_map(|(key, _)| self.stats(QueueId(key)))
    }

    /// The ready messages of the queue named `queue` in delivery order; none if there is no such queue.
    pub fn ready_messages(&self, queue: &str) -> impl Iterator<Item = ReadyMessage> {
        let queue = self.queue_id(queue).and_then(|id| self.queues.get(id.0));
        queue.into_iter().flat_map(|queue| queue.ready.iter()).map(|stored| ReadyMessage::from(&*stored))
    }

    /// All unacked messages: channel by channel, in the order of their tags. What is held of a deleted queue is not
    /// among them.
    pub fn unacked_messages(&self) -> impl Iterator<Item = UnackedMessage<'_>> {
        self.channels.iter().flat_map(move |(channel, state)| {
            state.unacked().iter().filter_map(move |(tag, held)| {
                let queue = &self.queues.get(held.queue.0)?.name;
                let StoredMessage { message, delivery_count, .. } = &held.message;
                Some(UnackedMessage {
                    queue,
                    channel: ChannelId(channel),
                    tag,
                    message,
                    delivery_count: *delivery_count,
                })
            })
        })
    }

    /// The messages that a restart of the broker leaves, with their queues, whether somebody has them or not.
    pub(crate) fn lasting_messages(&self) -> impl Iterator<Item = (&Name, Arc<Message>)> {
        let lasts = |queue: &Queue, message: &Message| queue.survives_restart() && queue.keeps_here(message);
        let ready = self.queues.iter().flat_map(move |(_, queue)| {
            let messages = queue.ready.iter().map(|stored| stored.message.clone());
            messages.filter(move |message| lasts(queue, message)).map(|message| (&queue.name, message))
        });
        let held = self.channels.iter().flat_map(move |(_, channel)| {
            channel.unacked().iter().filter_map(move |(_, held)| {
                let queue = self.queues.get(held.queue.0)?;
                lasts(queue, &held.message.message).then(|| (&queue.name, held.message.message.clone()))
            })
        });
        let letters = self.queues.iter().flat_map(|(_, queue)| {
            let letters = queue.letters.iter().flat_map(|letters| letters.iter());
            letters.map(|letter| (&queue.name, letter.message.clone()))
        });
        ready.chain(held).chain(letters)
    }

    /// How many deliveries the client on `channel` has not acked, those of deleted queues included.
    pub fn unacked_count(&self, channel: ChannelId) -> usize {
        self.channels.get(channel.0).map_or(0, |channel| channel.unacked().len())
    }

    fn stats(&self, id: QueueId) -> Option<QueueStats<'_>> {
        let queue = self.queues.get(id.0)?;
        Some(QueueStats {
            queue: &queue.name,
            options: &queue.options,
            ready: queue.ready.len(),
            unacked: queue.unacked,
            letters: queue.letters_size().0,
            consumers: queue.consumer_count(),
        })
    }
}

impl From<&StoredMessage> for ReadyMessage {
    fn from(stored: &StoredMessage) -> Self {
        ReadyMessage {
            message: stored.message.clone(),
            redelivered: stored.redelivered,
            delivery_count: stored.delivery_count,
            expires_at: (stored.expires_at != NEVER).then_some(stored.expires_at),
        }
    }
}
