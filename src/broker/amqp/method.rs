//! The methods that cross a connection to the broker, AMQP 0-9-1's by name and meaning.
//!
//! One connection carries one channel. A client sends [`Method`]s, the server answers with [`Event`]s in the order in
//! which it applied them; requests that expect an answer are answered one for one, in order.

use super::rare::Rare;
use crate::message::{Message, Table};
use std::sync::Arc;

/// A delivery's number on its channel, from 1. Never valid on another channel.
pub type DeliveryTag = u64;

/// Short, shared names: queues, exchanges, routing keys, consumer tags.
pub type Name = Arc<str>;

/// What a client asks of the broker.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// `exchange.declare`. Answer: [`Event::Done`].
    ExchangeDeclare { exchange: Name, kind: ExchangeKind, durable: bool, auto_delete: bool },
    /// `exchange.delete`. Answer: [`Event::Done`].
    ExchangeDelete { exchange: Name },
    /// `queue.declare`. Answer: [`Event::QueueDeclared`], or 404 when `passive` and unknown, or 406 when it exists
    /// with other options.
    QueueDeclare { queue: Name, passive: bool, options: QueueOptions },
    /// `queue.delete`. Answer: [`Event::QueueDeleted`].
    QueueDelete { queue: Name },
    /// `queue.purge`: drops what is ready, not what is unacked. Answer: [`Event::QueueDeleted`] with the count.
    QueuePurge { queue: Name },
    /// `queue.bind`. Answer: [`Event::Done`].
    QueueBind { queue: Name, exchange: Name, routing_key: Name },
    /// `queue.unbind`. Answer: [`Event::Done`].
    QueueUnbind { queue: Name, exchange: Name, routing_key: Name },
    /// `confirm.select`: from here on every publish is confirmed. Answer: [`Event::Done`].
    ConfirmSelect,
    /// `basic.publish`. On a channel in confirm mode publishes are numbered from 1 and each number is answered by
    /// [`Event::Confirmed`] once the message is where it has to be, or by [`Event::Refused`].
    Publish { exchange: Name, routing_key: Name, mandatory: bool, message: Arc<Message> },
    /// `basic.qos`: at most `prefetch` unacked deliveries on this channel, 0 for no limit (`global=true`). Answer:
    /// [`Event::Done`].
    Qos { prefetch: u32 },
    /// `basic.consume`. Answer: [`Event::Done`], then deliveries.
    Consume { queue: Name, consumer: Name, no_ack: bool },
    /// `basic.cancel`: no further deliveries; those unacked stay unacked. Answer: [`Event::Done`].
    Cancel { consumer: Name },
    /// `basic.ack`; with `multiple` everything up to and including `tag`. An unknown tag closes the channel (406).
    Ack { tag: DeliveryTag, multiple: bool },
    /// `basic.nack`: `basic.reject` when not `multiple`.
    Nack { tag: DeliveryTag, multiple: bool, requeue: bool },
    /// AMQP 1.0's outcome `released`, which 0-9-1 lacks: back to its place without counting as a return, because nobody
    /// has tried to work on it.
    Release { tag: DeliveryTag },
    /// `basic.get`. Answer: [`Event::Delivered`] with an empty consumer, or [`Event::GetEmpty`].
    Get { queue: Name, no_ack: bool },
    /// What only other clients of a RabbitMQ ask.
    Rare(Box<Rare>),
}

/// What the broker tells a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The request was applied.
    Done,
    /// Answer to `queue.declare`.
    QueueDeclared { queue: Name, messages: u32, consumers: u32 },
    /// Answer to `queue.delete` and `queue.purge`.
    QueueDeleted { messages: u32 },
    /// `basic.deliver` (or `get-ok`, with an empty `consumer`).
    Delivered(Delivery),
    /// Nothing was ready.
    GetEmpty,
    /// `basic.ack` to a publisher: publish number `seq`, and with `multiple` all before it, are safe.
    Confirmed { seq: u64, multiple: bool },
    /// `basic.nack` to a publisher: the broker did not take it.
    Refused { seq: u64, why: Refusal },
    /// `basic.return`: a mandatory message that no queue was bound for. Comes before its confirm.
    Returned { exchange: Name, routing_key: Name, message: Arc<Message> },
    /// `basic.cancel` from the server: the queue of this consumer is gone.
    ConsumerCancelled { consumer: Name },
    /// The channel was closed by an error; nothing further comes. 404, 403, 405, 406 as RabbitMQ. Where
    /// [`closes_connection`] says so, each channel of the connection is told.
    Closed { code: u16, text: String },
    /// Answer to [`Rare::Consume`], with the name that the broker gave if the client had none.
    Consuming { consumer: Name },
    /// `connection.blocked`: the broker reads nothing further from this connection until [`Event::Unblocked`].
    Blocked { why: Name },
    /// `connection.unblocked`.
    Unblocked,
}

/// Whether an error with this code closes the connection, not its channel only.
pub fn closes_connection(code: u16) -> bool {
    !matches!(code, 311..=313 | 403..=406 | 506)
}

/// Why a publish was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A queue with `reject-publish` is full.
    QueueFull,
    /// The broker keeps as much as it may (`embedded_max_bytes`).
    StoreFull,
    /// What a server said that is not simq's.
    Said(Arc<str>),
}

/// One message handed to a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The consumer's own name for itself.
    pub consumer: Name,
    /// To be acked on the same channel.
    pub tag: DeliveryTag,
    /// Whether it was delivered before, to anybody.
    pub redelivered: bool,
    /// The exchange it was published to.
    pub exchange: Name,
    /// The routing key it was published with.
    pub routing_key: Name,
    /// Times it was returned to the queue without being settled (`x-delivery-count` of quorum queues).
    pub delivery_count: u32,
    /// The message itself, shared with the queue that keeps it until the ack.
    pub message: Arc<Message>,
}

/// AMQP's exchange types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    /// Routing key equal to the binding key.
    Direct,
    /// Words separated by dots; `*` is one word, `#` any number, none included.
    Topic,
    /// Every bound queue.
    Fanout,
    /// The message's headers against the binding's arguments; `x-match` says whether `all` or `any` must be equal.
    Headers,
}

/// What a queue is declared with. Two declarations of one queue must agree (406 otherwise).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueOptions {
    /// Kept across a restart of the broker.
    pub durable: bool,
    /// Only for the declaring connection; deleted with it.
    pub exclusive: bool,
    /// Deleted when its last consumer goes.
    pub auto_delete: bool,
    /// `x-message-ttl`, milliseconds.
    pub message_ttl: Option<u64>,
    /// `x-expires`, milliseconds without consumers or use after which the queue is deleted.
    pub expires: Option<u64>,
    /// `x-max-length`, messages that are ready.
    pub max_length: Option<u32>,
    /// `x-max-length-bytes`, of the bodies of ready messages.
    pub max_length_bytes: Option<u64>,
    /// `x-overflow`.
    pub overflow: Overflow,
    /// `x-max-priority`; `None` is a plain first-in-first-out queue.
    pub max_priority: Option<u8>,
    /// `x-delivery-limit`: a message returned more often than this is dead-lettered (`delivery_limit`) or dropped.
    pub delivery_limit: Option<u32>,
    /// `x-dead-letter-exchange`; the default exchange is the empty name.
    pub dead_letter_exchange: Option<Name>,
    /// `x-dead-letter-routing-key`; `None` keeps the message's own.
    pub dead_letter_routing_key: Option<Name>,
    /// `x-queue-type`: `quorum` instead of `classic`.
    pub quorum: bool,
    /// `x-single-active-consumer`: one consumer is served, the next one when it is gone.
    pub single_active_consumer: bool,
    /// `x-dead-letter-strategy`: `at-least-once` instead of `at-most-once`, of quorum queues that reject publishes.
    pub dead_letter_at_least_once: bool,
    /// Arguments that the engine carries without acting on them.
    pub other: Table,
}

/// What a full queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest ready message makes room (dead-lettered with reason `maxlen`).
    #[default]
    DropHead,
    /// The new message is refused: a publisher with confirms is told.
    RejectPublish,
    /// As `RejectPublish`, and the new message is dead-lettered with reason `maxlen`.
    RejectPublishDeadLetter,
}
