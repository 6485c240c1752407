//! The broker actor: a process's one connection to the broker.
//!
//! It declares, publishes, consumes, acks and reconnects, and does not know what a task is. The seam to the broker is a
//! link that carries AMQP methods ([`amqp`]); the embedded broker serves it from inside the process or, in a simulated
//! cluster, across a connection ([`server`]).
//!
//! | file | holds |
//! |---|---|
//! | `actor` | the actor: connection states, reconnects, heartbeats |
//! | `session` | one live connection: confirms, declared queues, what was sent on it |
//! | `entities` | what must exist before it is used |
//! | `delayed` | where messages wait for their ETA on RabbitMQ, with quorum queues |
//! | `backoff` | how long to wait before the next connect |
//! | `amqp` | the engine of the embedded broker, a pure state machine |
//! | `admin` | what operators ask |
//! | `redis`, `rabbit` | other brokers, behind the same link |
//! | `frame`, `server` | methods on a link; the engine behind a listener |

mod actor;
pub(crate) mod admin;
pub mod amqp;
pub mod backoff;
pub(crate) mod delayed;
mod entities;
mod frame;
mod rabbit;
mod redis;
pub mod server;
mod session;

pub use actor::Broker;
pub(crate) use entities::{Entities, Source, Target};
pub use frame::{FromServer, ToServer};
#[cfg(feature = "sim")]
pub(crate) use redis::scripts as redis_scripts;

use crate::message::Message;
use amqp::{Delivery, DeliveryTag};
use std::sync::Arc;

/// Which connection something belongs to. A delivery tag means nothing on any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub(crate) u64);

/// A message was not published, or it is not known whether it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// No connection to the broker.
    #[error("broker unreachable: {0}")]
    Unreachable(String),
    /// The connection was lost before the confirm came: the broker may have the message.
    #[error("connection to the broker lost before the message was confirmed")]
    ConnectionLost,
    /// No confirm in time: the broker may have the message.
    #[error("not confirmed in time")]
    NotConfirmed,
    /// The broker did not take it: a full queue.
    #[error("refused by the broker: the queue {0} is full")]
    Refused(String),
    /// The broker's directory holds all that it may.
    #[error("refused by the broker: its directory holds `embedded_max_bytes`; it takes more when tasks are done")]
    StoreFull,
    /// The server did not take it, for this reason of its own.
    #[error("refused by the server: {0}")]
    ServerRefused(String),
    /// Too many publishes are under way in this process.
    #[error("more than {0} publishes are under way in this process")]
    Overloaded(usize),
    /// No queue is bound for it (`task_publish_mandatory`).
    #[error("no queue is bound to the exchange {exchange:?} for the routing key {key:?}; nobody has the message")]
    Unroutable {
        /// Where it was published.
        exchange: String,
        /// With which key.
        key: String,
    },
    /// The process is shutting down.
    #[error("the process is shutting down")]
    Closing,
    /// An argument has no form in the serializer of the message. Nothing was sent.
    #[error(transparent)]
    Unserializable(#[from] crate::message::payload::Unserializable),
}

impl PublishError {
    /// Whether the message may be at the broker although the caller was told of an error.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, PublishError::ConnectionLost | PublishError::NotConfirmed)
    }

    /// Whether the connection is at fault: another try can help.
    pub fn is_connection_lost(&self) -> bool {
        !matches!(
            self,
            PublishError::Overloaded(_)
                | PublishError::Closing
                | PublishError::Unserializable(_)
                | PublishError::Unroutable { .. }
        )
    }
}

type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// Publishes, declaring first what is needed.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Publish {
    pub(crate) to: Target,
    pub(crate) message: Arc<Message>,
    pub(crate) reply: Reply<Result<(), PublishError>>,
}

/// Consumes from queues until cancelled, across reconnects.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Consume {
    pub(crate) sources: Vec<Source>,
    pub(crate) prefetch: u32,
    pub(crate) to: actix::Recipient<FromBroker>,
}

/// What a consumer hears.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) enum FromBroker {
    /// A message.
    Delivered(Epoch, Delivery),
    /// The connection is lost: whatever it had unacked is the broker's again.
    Down(Epoch),
    /// The broker closed the channel for an error, and that is not tried again (`broker_channel_error_retry`).
    ChannelError,
    /// No connection, and no further tries (`broker_connection_max_retries`).
    GaveUp,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Ack,
    /// Reject without requeue: dropped, or dead-lettered.
    Discard,
    /// Reject with requeue; counts towards the delivery limit.
    Requeue,
    /// Given back untouched; doesn't count.
    Release,
}

/// Settles a delivery; nothing happens when its connection is gone.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Settle {
    pub(crate) epoch: Epoch,
    pub(crate) tag: DeliveryTag,
    pub(crate) how: Settlement,
}

/// Changes the prefetch window.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct SetPrefetch(pub(crate) u32);

/// Stops consuming; what is unacked stays so.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct CancelConsumers;

/// Closes the connection for good, after everything that was sent; `done` is called when that is under way.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Close {
    pub(crate) done: Box<dyn FnOnce() + Send>,
}
