//! One copy of a message in one queue.

use super::Name;
use super::dead_letter::Death;
use crate::message::Message;
use std::sync::Arc;

/// No deadline.
pub(super) const NEVER: u64 = u64::MAX;

/// Where and with what key a message was last published.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
}

/// One copy of a message in one queue, ready or unacked.
#[derive(Clone, Debug)]
pub(super) struct StoredMessage<M = Arc<Message>> {
    pub(super) message: M,
    pub(super) origin: Origin,
    /// Its place in the queue, kept while it is unacked.
    pub(super) position: u64,
    /// Nanoseconds; [`NEVER`] without a time to live. At this very instant it may still be delivered, not after it.
    pub(super) expires_at: u64,
    /// Earlier departures to dead letter exchanges, the latest first.
    ///
    /// Kept beside the message because what a client wrote into `x-death` is not believed (as RabbitMQ 4).
    pub(super) deaths: Option<Arc<Vec<Death>>>,
    pub(super) delivery_count: u32,
    /// What the journal said of it: the bytes that it takes there, or a number of its own; 0 when it is in none.
    pub(super) journaled: u32,
    /// Already clamped to the queue's maximum.
    pub(super) priority: u8,
    pub(super) redelivered: bool,
}

impl<M> StoredMessage<M> {
    /// A copy that is in no queue.
    pub(super) fn new(message: M, origin: Origin) -> Self {
        StoredMessage {
            message,
            origin,
            position: 0,
            expires_at: NEVER,
            deaths: None,
            delivery_count: 0,
            journaled: 0,
            priority: 0,
            redelivered: false,
        }
    }

    /// The copy with its message in another form.
    pub(super) fn map<N>(self, form: impl FnOnce(M) -> N) -> StoredMessage<N> {
        StoredMessage {
            message: form(self.message),
            origin: self.origin,
            position: self.position,
            expires_at: self.expires_at,
            deaths: self.deaths,
            delivery_count: self.delivery_count,
            journaled: self.journaled,
            priority: self.priority,
            redelivered: self.redelivered,
        }
    }
}
