//! Where the engine's answers and facts go.

use super::{Change, ChannelId, Event, Name};
use crate::message::Message;
use std::sync::Arc;

/// Receives what the engine produces, in the order in which it happens.
pub trait Output {
    /// An event for the client on channel `to`.
    fn send(&mut self, to: ChannelId, event: Event);

    /// A fact about one copy of a message, for an observer's ledger.
    fn moved(&mut self, what: Movement<'_>);

    /// A change of what a restart keeps, for a journal; returns the bytes that it takes there, or a number by which the
    /// journal knows a message again, but not 0. All changes of one call belong together. Default: there is no journal.
    fn changed(&mut self, change: Change<'_>) -> u32 {
        let _ = change;
        0
    }
}

/// What happened to one copy of a message.
///
/// A copy begins with [`Movement::Queued`] and ends with exactly one of [`Movement::Acked`], [`Movement::Dropped`] or
/// [`Movement::DeadLettered`]. A message that never became a copy is dropped as [`DropReason::NoRoute`] or
/// [`DropReason::Refused`] without having been queued.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Movement<'a> {
    /// A copy entered a queue: published to it, or dead-lettered into it.
    Queued {
        /// The queue that holds the copy from now on.
        queue: &'a Name,
        /// The message.
        message: &'a Arc<Message>,
    },
    /// The copy was handed to a client. With `no_ack` an [`Movement::Acked`] follows at once.
    Delivered {
        /// The queue that it came from.
        queue: &'a Name,
        /// The message.
        message: &'a Arc<Message>,
        /// The receiver.
        channel: ChannelId,
    },
    /// The copy is ready again at its original position: rejected with requeue, or its channel or the broker went away.
    Requeued {
        /// The queue that it returned to.
        queue: &'a Name,
        /// The message.
        message: &'a Arc<Message>,
        /// Times it was returned until now, this one included.
        delivery_count: u32,
    },
    /// The copy was acknowledged.
    Acked {
        /// The queue that it came from.
        queue: &'a Name,
        /// The message.
        message: &'a Arc<Message>,
    },
    /// The copy is gone.
    Dropped {
        /// The queue that it was in (or should have entered); the empty name for [`DropReason::NoRoute`].
        queue: &'a Name,
        /// The message.
        message: &'a Arc<Message>,
        /// Why.
        reason: DropReason,
    },
    /// The copy left its queue for the queue's dead letter exchange.
    DeadLettered {
        /// The queue that it left.
        queue: &'a Name,
        /// The message as it was in that queue, without the `x-death` of this departure.
        message: &'a Arc<Message>,
        /// Why.
        reason: DeathReason,
        /// The queues that take it, each announced by its own [`Movement::Queued`]. Empty: it is lost, because the
        /// exchange is unknown, nothing is bound for it, or RabbitMQ's protection against dead letter cycles struck.
        to: &'a [Name],
    },
}

/// Why a copy was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// Rejected without requeue, and the queue has no dead letter exchange.
    Rejected,
    /// Its time to live ended.
    Expired,
    /// The head of a full queue made room.
    MaxLength,
    /// Returned more often than the queue's delivery limit allows.
    DeliveryLimit,
    /// `queue.purge`.
    Purged,
    /// Its queue was deleted, by a client or automatically.
    QueueDeleted,
    /// Lost by the broker's restart: transient, or its queue was.
    Transient,
    /// No queue was bound for it.
    NoRoute,
    /// A full queue with `reject-publish` did not take it.
    Refused,
    /// Popped from a Redis list by a connection that was lost before it had recorded it.
    TakenAndLost,
}

/// Why a copy was dead-lettered, by RabbitMQ's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeathReason {
    /// `basic.reject` or `basic.nack` without requeue.
    Rejected,
    /// The time to live of the message or of the queue's messages ended.
    Expired,
    /// The queue was full.
    MaxLength,
    /// Returned more often than the delivery limit allows.
    DeliveryLimit,
}

impl DeathReason {
    /// The reason as written into `x-death`.
    pub fn as_str(self) -> &'static str {
        match self {
            DeathReason::Rejected => "rejected",
            DeathReason::Expired => "expired",
            DeathReason::MaxLength => "maxlen",
            DeathReason::DeliveryLimit => "delivery_limit",
        }
    }
}

impl From<DeathReason> for DropReason {
    fn from(reason: DeathReason) -> Self {
        match reason {
            DeathReason::Rejected => DropReason::Rejected,
            DeathReason::Expired => DropReason::Expired,
            DeathReason::MaxLength => DropReason::MaxLength,
            DeathReason::DeliveryLimit => DropReason::DeliveryLimit,
        }
    }
}
