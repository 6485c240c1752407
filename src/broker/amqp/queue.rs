//! A queue: its options, what is ready, who consumes it, when something in it is due.

use super::arguments::first_difference;
use super::connection::ConnectionId;
use super::consumers::Consumers;
use super::dead_letter::Death;
use super::error::ChannelError;
use super::letters::Letters;
use super::line::Line;
use super::quorum::Publishers;
use super::ready::Ready;
use super::stored::{NEVER, Origin, StoredMessage};
use super::{Name, Overflow, QueueOptions};
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
    /// The only connection that may use an exclusive queue.
    pub(super) owner: Option<ConnectionId>,
    pub(super) ready: Ready,
    /// Copies that channels hold.
    pub(super) unacked: usize,
    pub(super) consumers: Consumers,
    /// RabbitMQ's line of consumers, which has them instead of `consumers`.
    pub(super) line: Option<Box<Line>>,
    /// Publishers that a full quorum queue has told to stop.
    pub(super) publishers: Option<Box<Publishers>>,
    /// Dead letters of a quorum queue that no queue has taken yet.
    pub(super) letters: Option<Box<Letters>>,
    /// Its node is gone, and has it; see [`Engine::fail_over`](super::Engine::fail_over).
    pub(super) away: bool,
    /// The length limit comes before the consumers the next time, as it does when messages come back to a classic queue
    /// of RabbitMQ.
    pub(super) limits_first: bool,
    /// Exchange and routing key of every binding; the default exchange's is not listed.
    pub(super) bindings: BTreeSet<(Name, Name)>,
    /// The head's deadline when RabbitMQ's queue last looked at it; `None` if it looks again at once.
    ///
    /// It does not look when a message of a higher priority becomes the head: that one may outlive its time to live.
    pub(super) overlooked: Option<u64>,
    /// The deadline that the engine's timers know, [`NEVER`] if none.
    pub(super) armed: u64,
    last_used: u64,
    next_position: u64,
}

impl Queue {
    pub(super) fn new(name: Name, options: QueueOptions, owner: Option<ConnectionId>, now: u64) -> Self {
        Queue {
            name,
            owner,
            ready: Ready::new(if options.quorum { 1 } else { options.max_priority.unwrap_or(0) })
                .counting(options.max_length_bytes.is_some()),
            options,
            unacked: 0,
            consumers: Consumers::default(),
            line: None,
            publishers: None,
            letters: None,
            away: false,
            limits_first: false,
            overlooked: None,
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
        // A quorum queue looks at the clock a millisecond later.
        let time_to_live = time_to_live.map(|ttl| if self.options.quorum { ttl.max(1) } else { ttl });
        let position = self.take_position();
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

    /// A place behind all others.
    pub(super) fn take_position(&mut self) -> u64 {
        self.next_position += 1;
        self.next_position - 1
    }

    /// Gives no later copy this position.
    pub(super) fn count_on(&mut self, position: u64) {
        self.next_position = self.next_position.max(position + 1);
    }

    /// Whether a new message of so many bytes is refused: RabbitMQ asks before it looks for a consumer.
    pub(super) fn refuses(&self, bytes: usize) -> bool {
        self.options.overflow != Overflow::DropHead
            && self.over_length(self.ready.len().saturating_add(1), self.ready.bytes() + bytes as u64)
    }

    /// Whether the head has to make room.
    pub(super) fn drops_head(&self) -> bool {
        self.options.overflow == Overflow::DropHead && self.is_over_length()
    }

    pub(super) fn is_over_length(&self) -> bool {
        let (letters, bytes) = self.letters_size();
        self.over_length(self.ready.len() + letters, self.ready.bytes() + bytes)
    }

    fn over_length(&self, length: usize, bytes: u64) -> bool {
        self.options.max_length.is_some_and(|max| length > max as usize)
            || self.options.max_length_bytes.is_some_and(|max| bytes > max)
    }

    /// As `queue.declare` counts them.
    pub(super) fn consumer_count(&self) -> usize {
        self.line.as_ref().map_or(self.consumers.len(), |line| line.len())
    }

    pub(super) fn has_consumers(&self) -> bool {
        self.line.as_ref().map_or(!self.consumers.is_empty(), |line| !line.is_unused())
    }

    /// When an unused queue is deleted.
    pub(super) fn lease_deadline(&self) -> u64 {
        match self.options.expires {
            Some(expires) if !self.has_consumers() && !self.away => after(self.last_used, expires),
            _ => NEVER,
        }
    }

    /// When something is due: only the head of a queue expires, so that a message behind it may outlive its time
    /// to live, unseen by consumers (as in RabbitMQ).
    pub(super) fn deadline(&self) -> u64 {
        if self.away {
            return NEVER;
        }
        let letters = self.letters.as_ref().map_or(NEVER, |letters| letters.tick);
        self.expiry().min(self.lease_deadline()).min(letters)
    }

    /// When the head expires, as far as the queue has noticed.
    pub(super) fn expiry(&self) -> u64 {
        self.overlooked.unwrap_or_else(|| self.ready.head_deadline())
    }

    /// A new copy is about to be put into the queue, behind what it has.
    pub(super) fn overlook(&mut self) {
        if self.line.is_some() && self.options.max_priority.is_some() && !self.ready.is_empty() {
            self.overlooked = Some(self.expiry());
        }
    }

    /// Whether a client is told how often a message was returned; a classic queue of RabbitMQ only says whether.
    pub(super) fn counts_returns(&self) -> bool {
        self.options.quorum || self.line.is_none()
    }

    /// Whether a restart of the broker leaves the queue.
    pub(super) fn survives_restart(&self) -> bool {
        self.options.durable && !self.options.exclusive
    }

    /// Whether a restart of the broker leaves `message`, if it leaves the queue.
    pub(super) fn keeps(message: &Message) -> bool {
        message.properties.delivery_mode == DeliveryMode::Persistent
    }

    /// Whether a restart of the broker leaves `message`, given that it leaves this queue: a quorum queue keeps all.
    pub(super) fn keeps_here(&self, message: &Message) -> bool {
        self.options.quorum || Queue::keeps(message)
    }

    /// 405 unless `connection` may use the queue, 404 if nobody can.
    pub(super) fn check_access(&self, connection: ConnectionId) -> Result<(), ChannelError> {
        match self.owner {
            Some(owner) if owner != connection => Err(ChannelError::Locked(self.name.clone())),
            _ if self.away => Err(ChannelError::HomeDown(self.name.clone())),
            _ => Ok(()),
        }
    }

    /// 405 or 406 unless a declaration by `connection` agrees with what exists.
    pub(super) fn check_equivalent(
        &self,
        connection: ConnectionId,
        options: &QueueOptions,
    ) -> Result<(), ChannelError> {
        self.check_access(connection)?;
        if options.exclusive != self.options.exclusive {
            return Err(ChannelError::Locked(self.name.clone()));
        }
        if *options == self.options {
            return Ok(());
        }
        match first_difference(&self.options, options, self.line.is_none()) {
            None => Ok(()),
            Some((argument, received, current)) => {
                Err(ChannelError::Inequivalent { argument, kind: "queue", name: self.name.clone(), received, current })
            }
        }
    }
}

/// `milliseconds` after `now`, in nanoseconds.
fn after(now: u64, milliseconds: u64) -> u64 {
    now.saturating_add(milliseconds.saturating_mul(1_000_000))
}
