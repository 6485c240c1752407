//! A queue: its options, what is ready, who consumes it, when something in it is due.

use super::consumers::Consumers;
use super::dead_letter::Death;
use super::error::ChannelError;
use super::ready::Ready;
use super::stored::{NEVER, Origin, StoredMessage};
use super::{ChannelId, Name, Overflow, QueueOptions};
use crate::message::{DeliveryMode, Message};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A queue's key; never valid for a later queue of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueueId(pub(super) u64);

/// One queue of the broker.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) name: Name,
    pub(super) options: QueueOptions,
    /// The only channel that may use an exclusive queue.
    pub(super) owner: Option<ChannelId>,
    pub(super) ready: Ready,
    /// Copies that channels hold.
    pub(super) unacked: usize,
    pub(super) consumers: Consumers,
    /// Exchange and routing key of every binding; the default exchange's is not listed.
    pub(super) bindings: BTreeSet<(Name, Name)>,
    /// The deadline that the engine's timers know, [`NEVER`] if none.
    pub(super) armed: u64,
    last_used: u64,
    next_position: u64,
}

impl Queue {
    pub(super) fn new(name: Name, options: QueueOptions, owner: Option<ChannelId>, now: u64) -> Self {
        Queue {
            name,
            owner,
            ready: Ready::new(options.max_priority.unwrap_or(0)),
            options,
            unacked: 0,
            consumers: Consumers::default(),
            bindings: BTreeSet::new(),
            armed: NEVER,
            last_used: now,
            next_position: 0,
        }
    }

    /// Renews the lease of a queue with `x-expires`.
    pub(super) fn touch(&mut self, now: u64) {
        self.last_used = now;
    }

    /// A new copy, to be appended.
    pub(super) fn new_copy(
        &mut self,
        message: Arc<Message>,
        origin: Origin,
        deaths: Option<Arc<Vec<Death>>>,
        now: u64,
    ) -> StoredMessage {
        let time_to_live = match (self.options.message_ttl, message.properties.expiration) {
            (Some(queue), Some(own)) => Some(queue.min(own)),
            (queue, own) => queue.or(own),
        };
        let position = self.next_position;
        self.next_position += 1;
        StoredMessage {
            priority: message.properties.priority.min(self.options.max_priority.unwrap_or(0)),
            message,
            origin,
            position,
            expires_at: time_to_live.map_or(NEVER, |ttl| after(now, ttl)),
            deaths,
            delivery_count: 0,
            journaled: 0,
            redelivered: false,
        }
    }

    /// Gives no later copy this position.
    pub(super) fn count_on(&mut self, position: u64) {
        self.next_position = self.next_position.max(position + 1);
    }

    /// Whether a new message is refused: RabbitMQ asks before it looks for a consumer.
    pub(super) fn refuses(&self) -> bool {
        self.options.overflow == Overflow::RejectPublish && self.over_length(self.ready.len().saturating_add(1))
    }

    /// Whether the head has to make room.
    pub(super) fn drops_head(&self) -> bool {
        self.options.overflow == Overflow::DropHead && self.over_length(self.ready.len())
    }

    fn over_length(&self, length: usize) -> bool {
        self.options.max_length.is_some_and(|max| length > max as usize)
    }

    /// When an unused queue is deleted.
    pub(super) fn lease_deadline(&self) -> u64 {
        match self.options.expires {
            Some(expires) if self.consumers.is_empty() => after(self.last_used, expires),
            _ => NEVER,
        }
    }

    /// When something is due: only the head of a queue expires, so that a message behind it may outlive its time
    /// to live, unseen by consumers (as in RabbitMQ).
    pub(super) fn deadline(&self) -> u64 {
        self.ready.head_deadline().min(self.lease_deadline())
    }

    /// Whether a restart of the broker leaves the queue.
    pub(super) fn survives_restart(&self) -> bool {
        self.options.durable && !self.options.exclusive
    }

    /// Whether a restart of the broker leaves `message`, if it leaves the queue.
    pub(super) fn keeps(message: &Message) -> bool {
        message.properties.delivery_mode == DeliveryMode::Persistent
    }

    /// 405 unless `channel` may use the queue.
    pub(super) fn check_access(&self, channel: ChannelId) -> Result<(), ChannelError> {
        match self.owner {
            Some(owner) if owner != channel => Err(ChannelError::Locked(self.name.clone())),
            _ => Ok(()),
        }
    }

    /// 405 or 406 unless a declaration by `channel` agrees with what exists.
    pub(super) fn check_equivalent(&self, channel: ChannelId, options: &QueueOptions) -> Result<(), ChannelError> {
        self.check_access(channel)?;
        if options.exclusive != self.options.exclusive {
            return Err(ChannelError::Locked(self.name.clone()));
        }
        if *options == self.options {
            return Ok(());
        }
        match self.first_difference(options) {
            None => Ok(()),
            Some((argument, received, current)) => {
                Err(ChannelError::Inequivalent { argument, kind: "queue", name: self.name.clone(), received, current })
            }
        }
    }

    /// Argument, received value and current value of the first option that differs.
    fn first_difference(&self, options: &QueueOptions) -> Option<(String, String, String)> {
        let (new, old) = (described(options), described(&self.options));
        let differs = new.into_iter().zip(old).find(|((_, new), (_, old))| new != old);
        if let Some(((argument, received), (_, current))) = differs {
            return Some((argument.to_owned(), received, current));
        }
        let names = options.other.iter().chain(self.options.other.iter()).map(|(name, _)| name);
        names
            .map(|name| (name, options.other.get(name), self.options.other.get(name)))
            .find(|(_, a, b)| a != b)
            .map(|(name, received, current)| (name.to_owned(), quoted(received.cloned()), quoted(current.cloned())))
    }
}

/// The options by AMQP's names, in the order in which RabbitMQ compares them.
fn described(options: &QueueOptions) -> [(&'static str, String); 10] {
    let overflow = match options.overflow {
        Overflow::DropHead => "drop-head",
        Overflow::RejectPublish => "reject-publish",
    };
    [
        ("durable", quoted(Some(options.durable))),
        ("auto_delete", quoted(Some(options.auto_delete))),
        ("x-message-ttl", quoted(options.message_ttl)),
        ("x-expires", quoted(options.expires)),
        ("x-max-length", quoted(options.max_length)),
        ("x-overflow", quoted(Some(overflow))),
        ("x-max-priority", quoted(options.max_priority)),
        ("x-delivery-limit", quoted(options.delivery_limit)),
        ("x-dead-letter-exchange", quoted(options.dead_letter_exchange.as_deref())),
        ("x-dead-letter-routing-key", quoted(options.dead_letter_routing_key.as_deref())),
    ]
}

fn quoted(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("'{}'", value.to_string()))
}

/// `milliseconds` after `now`, in nanoseconds.
fn after(now: u64, milliseconds: u64) -> u64 {
    now.saturating_add(milliseconds.saturating_mul(1_000_000))
}
