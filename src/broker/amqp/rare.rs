//! Methods of AMQP 0-9-1 that simq's own clients never send and other clients of a RabbitMQ do.

use super::Name;
use crate::message::Table;

/// What a client asks of a broker that is RabbitMQ.
#[derive(Clone, Debug, PartialEq)]
pub enum Rare {
    /// `exchange.declare` with `passive`. Answer: [`super::Event::Done`], or 404.
    ExchangeExists { exchange: Name },
    /// `exchange.delete`, 406 when it is bound and `if_unused`. Answer: [`super::Event::Done`].
    ExchangeDelete { exchange: Name, if_unused: bool },
    /// `queue.bind` and `exchange.bind`. Answer: [`super::Event::Done`].
    Bind(Binding),
    /// `queue.unbind` and `exchange.unbind`. Answer: [`super::Event::Done`].
    Unbind(Binding),
    /// `queue.delete`, 406 when the condition does not hold. Answer: [`super::Event::QueueDeleted`].
    QueueDelete { queue: Name, if_unused: bool, if_empty: bool },
    /// `basic.consume`. Answer: [`super::Event::Consuming`], then deliveries.
    Consume { queue: Name, consumer: Name, options: ConsumeOptions },
    /// `basic.qos` with `global=false`: consumers that subscribe on this channel from now on have at most `prefetch`
    /// unacked deliveries each, 0 for no limit; the limit of the channel as a whole is gone. Answer:
    /// [`super::Event::Done`].
    QosEach { prefetch: u32 },
    /// `basic.recover` with `requeue`: all unacked deliveries of the channel return to their queues. Answer:
    /// [`super::Event::Done`].
    Recover,
}

/// From an exchange to a queue or to another exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Where messages come from.
    pub exchange: Name,
    /// Where they go to.
    pub to: Destination,
    /// Empty where the exchange does not look at it.
    pub routing_key: Name,
    /// What an exchange of type `headers` compares; it is part of the binding's identity.
    pub arguments: Table,
}

/// What a binding leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// A queue by its name.
    Queue(Name),
    /// Another exchange by its name.
    Exchange(Name),
}

/// How a consumer wants to be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsumeOptions {
    /// Messages count as acked when they are delivered.
    pub no_ack: bool,
    /// Nobody else may consume from the queue (403 otherwise).
    pub exclusive: bool,
    /// `x-priority`: consumers of a higher one are served first, as long as they can receive. Default: 0.
    pub priority: i32,
}
