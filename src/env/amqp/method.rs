//! AMQP 0-9-1's methods as the adapter uses them.

use crate::message::{Message, Table};
use std::sync::Arc;

/// A channel of a connection, from 1: the client's choice.
pub type ChannelNumber = u16;

/// A delivery's number on its channel, or a publish's, from 1.
pub type DeliveryTag = u64;

/// Names of queues and exchanges, routing keys, consumer tags: 255 bytes at most.
pub type Name = Arc<str>;

/// What the server answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `channel.open`, also of a number whose channel the server has closed.
    OpenChannel,
    /// `exchange.declare`; `kind` is `direct`, `topic`, `fanout` or `headers`.
    DeclareExchange {
        /// Its name.
        exchange: Name,
        /// Its type.
        kind: &'static str,
        /// Kept over a restart of the server.
        durable: bool,
        /// Deleted with its last binding.
        auto_delete: bool,
    },
    /// `exchange.delete`.
    DeleteExchange(Name),
    /// `queue.declare`. Answer: [`Reply::Declared`].
    DeclareQueue {
        /// Its name.
        queue: Name,
        /// Only look whether it is there.
        passive: bool,
        /// Kept over a restart of the server.
        durable: bool,
        /// For this connection alone, and deleted with it.
        exclusive: bool,
        /// Deleted with its last consumer.
        auto_delete: bool,
        /// The x-arguments.
        arguments: Table,
    },
    /// `queue.delete`. Answer: [`Reply::Deleted`].
    DeleteQueue(Name),
    /// `queue.purge`. Answer: [`Reply::Deleted`].
    PurgeQueue(Name),
    /// `queue.bind`.
    BindQueue {
        /// The queue.
        queue: Name,
        /// The exchange.
        exchange: Name,
        /// The binding key.
        routing_key: Name,
    },
    /// `exchange.bind`.
    BindExchange {
        /// The exchange that messages go to.
        to: Name,
        /// The exchange that they come from.
        exchange: Name,
        /// The binding key.
        routing_key: Name,
    },
    /// `queue.unbind`.
    UnbindQueue {
        /// The queue.
        queue: Name,
        /// The exchange.
        exchange: Name,
        /// The binding key.
        routing_key: Name,
    },
    /// `confirm.select`.
    SelectConfirms,
    /// `basic.qos`.
    Qos {
        /// Unacked deliveries at most, 0 for no limit.
        prefetch: u16,
        /// Of the channel as a whole, and not of each consumer that comes after this.
        global: bool,
    },
    /// `basic.consume`. Deliveries may come before the answer.
    Consume {
        /// The queue.
        queue: Name,
        /// The consumer's own name for itself.
        consumer: Name,
        /// Messages count as acked when they are delivered.
        no_ack: bool,
    },
    /// `basic.cancel`.
    Cancel(Name),
    /// `basic.get`. Answer: [`Reply::Got`].
    Get {
        /// The queue.
        queue: Name,
        /// The message counts as acked when it is delivered.
        no_ack: bool,
    },
}

/// The server's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It was carried out.
    Done,
    /// `queue.declare-ok`.
    Declared {
        /// Messages that are ready.
        messages: u32,
        /// Consumers.
        consumers: u32,
    },
    /// `queue.delete-ok` and `queue.purge-ok`: how many messages went.
    Deleted(u32),
    /// `basic.get-ok`, or `basic.get-empty`.
    Got(Option<Delivery>),
}

/// What the server does not answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// `basic.publish`. On a channel in confirm mode each is confirmed by its number.
    Publish {
        /// Where to; the default exchange is the empty name.
        exchange: Name,
        /// With which key.
        routing_key: Name,
        /// To be returned when no queue is bound for it.
        mandatory: bool,
        /// What is published.
        message: Arc<Message>,
    },
    /// `basic.ack`, or `basic.nack`.
    Settle {
        /// Which delivery.
        tag: DeliveryTag,
        /// And all before it.
        multiple: bool,
        /// What becomes of it.
        how: Settlement,
    },
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// `basic.ack`.
    Ack,
    /// `basic.nack` with requeue.
    Requeue,
    /// `basic.nack` without requeue.
    Discard,
}

/// What the server says unasked.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// `basic.deliver`.
    Delivered(ChannelNumber, Delivery),
    /// `basic.ack` or `basic.nack` to a publisher.
    Confirmed {
        /// The channel of the publish.
        channel: ChannelNumber,
        /// Its number.
        tag: DeliveryTag,
        /// And of all before it.
        multiple: bool,
        /// Whether the server has the message.
        taken: bool,
    },
    /// `basic.return`: no queue is bound for it. Comes before the confirm of its publish, and those of others may come
    /// between.
    Returned {
        /// The channel of the publish.
        channel: ChannelNumber,
        /// Where it was published.
        exchange: Name,
        /// With which key.
        routing_key: Name,
        /// Its `correlation_id`.
        correlation_id: Option<Arc<str>>,
    },
    /// `basic.cancel`: the queue of this consumer is gone.
    Cancelled(ChannelNumber, Name),
    /// `connection.blocked`: the server takes no publishes, for this reason.
    Blocked(String),
    /// `connection.unblocked`.
    Unblocked,
    /// `channel.close`: whatever was asked on it and not answered is refused with it.
    ChannelClosed {
        /// Which channel.
        channel: ChannelNumber,
        /// AMQP's reply code.
        code: u16,
        /// The server's words.
        text: String,
    },
    /// `connection.close`. Nothing comes after it.
    Closed {
        /// AMQP's reply code.
        code: u16,
        /// The server's words.
        text: String,
    },
}

/// A message, handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The consumer's own name for itself; empty for what was asked for.
    pub consumer: Name,
    /// To be settled on the same channel.
    pub tag: DeliveryTag,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// Where it was published.
    pub exchange: Name,
    /// With which key.
    pub routing_key: Name,
    /// How often its queue says that it was returned: the header `x-delivery-count` of quorum queues, which is not among
    /// the headers of `message`.
    pub returned: Option<u32>,
    /// The message.
    pub message: Arc<Message>,
}

/// AMQP has no room for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AMQP allows 255 bytes for a name, and this one has {0}")]
pub struct NameTooLong(pub usize);

/// A request was not carried out, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmqpError {
    /// The server closed the channel, or the connection, for it.
    #[error("{text} ({code})")]
    Closed {
        /// AMQP's reply code.
        code: u16,
        /// The server's words.
        text: String,
    },
    /// The connection is gone, or the channel is.
    #[error("connection to RabbitMQ lost: {0}")]
    Lost(String),
    /// Nothing was sent.
    #[error(transparent)]
    Name(#[from] NameTooLong),
}
