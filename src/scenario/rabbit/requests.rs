//! Methods of the wire as the engine's, and the engine's answers as the wire's.

use crate::broker::amqp::{Binding, Destination, Event, ExchangeKind, Method as Engine, Overflow, QueueOptions, Rare};
use crate::env::amqp::{ChannelNumber, Delivery, Method, Name, Reply, Request, Said, Settlement};
use crate::message::Table;
use serde_json::Value;
use std::sync::Arc;

/// What quorum queues write into the headers.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// A request that is for the engine; `None`: it is the connection's own.
pub(super) fn asked(request: Request) -> Option<Engine> {
    Some(match request {
        Request::OpenChannel => return None,
        Request::DeclareExchange { exchange, kind, durable, auto_delete } => {
            let kind = match kind {
                "topic" => ExchangeKind::Topic,
                "fanout" => ExchangeKind::Fanout,
                "headers" => ExchangeKind::Headers,
                _ => ExchangeKind::Direct,
            };
            Engine::ExchangeDeclare { exchange, kind, durable, auto_delete }
        }
        Request::DeleteExchange(exchange) => Engine::ExchangeDelete { exchange },
        Request::DeclareQueue { queue, passive, durable, exclusive, auto_delete, arguments } => {
            let options = QueueOptions { durable, exclusive, auto_delete, ..options(&arguments) };
            Engine::QueueDeclare { queue, passive, options }
        }
        Request::DeleteQueue(queue) => Engine::QueueDelete { queue },
        Request::PurgeQueue(queue) => Engine::QueuePurge { queue },
        Request::BindQueue { queue, exchange, routing_key } => Engine::QueueBind { queue, exchange, routing_key },
        Request::BindExchange { to, exchange, routing_key } => {
            let (to, arguments) = (Destination::Exchange(to), Table::default());
            Engine::Rare(Rare::Bind(Binding { exchange, to, routing_key, arguments }).into())
        }
        Request::UnbindQueue { queue, exchange, routing_key } => Engine::QueueUnbind { queue, exchange, routing_key },
        Request::SelectConfirms => Engine::ConfirmSelect,
        Request::Qos { prefetch, global: true } => Engine::Qos { prefetch: u32::from(prefetch) },
        Request::Qos { prefetch, global: false } => {
            Engine::Rare(Rare::QosEach { prefetch: u32::from(prefetch) }.into())
        }
        Request::Consume { queue, consumer, no_ack } => Engine::Consume { queue, consumer, no_ack },
        Request::Cancel(consumer) => Engine::Cancel { consumer },
        Request::Get { queue, no_ack } => Engine::Get { queue, no_ack },
    })
}

pub(super) fn written(method: Method) -> Engine {
    match method {
        Method::Publish { exchange, routing_key, mandatory, message } => {
            Engine::Publish { exchange, routing_key, mandatory, message }
        }
        Method::Settle { tag, multiple, how: Settlement::Ack } => Engine::Ack { tag, multiple },
        Method::Settle { tag, multiple, how } => Engine::Nack { tag, multiple, requeue: how == Settlement::Requeue },
    }
}

/// The x-arguments of a declaration.
pub(super) fn options(arguments: &Table) -> QueueOptions {
    let mut options = QueueOptions::default();
    for (name, value) in arguments.iter() {
        let number = value.as_u64();
        let small = || number.and_then(|number| u32::try_from(number).ok());
        let text = || value.as_str().map(Name::from);
        match name {
            "x-message-ttl" => options.message_ttl = number,
            "x-expires" => options.expires = number,
            "x-max-length" => options.max_length = small(),
            "x-max-priority" => options.max_priority = number.and_then(|number| u8::try_from(number).ok()),
            "x-delivery-limit" => options.delivery_limit = small(),
            "x-dead-letter-exchange" => options.dead_letter_exchange = text(),
            "x-dead-letter-routing-key" => options.dead_letter_routing_key = text(),
            "x-max-length-bytes" => options.max_length_bytes = number,
            "x-overflow" if value == "reject-publish" => options.overflow = Overflow::RejectPublish,
            "x-overflow" if value == "reject-publish-dlx" => options.overflow = Overflow::RejectPublishDeadLetter,
            "x-queue-type" if value == "quorum" => options.quorum = true,
            "x-single-active-consumer" if value == true => options.single_active_consumer = true,
            "x-dead-letter-strategy" if value == "at-least-once" => options.dead_letter_at_least_once = true,
            _ => options.other.set(name.to_owned(), Value::clone(value)),
        }
    }
    options
}

/// What the engine says to a channel.
pub(super) enum Answer {
    Reply(Reply),
    Said(Said),
    /// The channel is closed by an error.
    Closed {
        code: u16,
        text: String,
    },
}

pub(super) fn answer(channel: ChannelNumber, event: Event) -> Answer {
    Answer::Said(match event {
        Event::Done => return Answer::Reply(Reply::Done),
        Event::QueueDeclared { messages, consumers, .. } => {
            return Answer::Reply(Reply::Declared { messages, consumers });
        }
        Event::QueueDeleted { messages } => return Answer::Reply(Reply::Deleted(messages)),
        Event::GetEmpty => return Answer::Reply(Reply::Got(None)),
        Event::Closed { code, text } => return Answer::Closed { code, text },
        Event::Delivered(delivery) => {
            let asked = delivery.consumer.is_empty();
            let delivery = delivered(delivery);
            if asked {
                return Answer::Reply(Reply::Got(Some(delivery)));
            }
            Said::Delivered(channel, delivery)
        }
        Event::Confirmed { seq: tag, multiple } => Said::Confirmed { channel, tag, multiple, taken: true },
        Event::Refused { seq: tag, .. } => Said::Confirmed { channel, tag, multiple: false, taken: false },
        Event::Returned { exchange, routing_key, message } => {
            let correlation_id = message.properties.correlation_id.clone();
            Said::Returned { channel, exchange, routing_key, correlation_id }
        }
        Event::ConsumerCancelled { consumer } => Said::Cancelled(channel, consumer),
        Event::Consuming { .. } => return Answer::Reply(Reply::Done),
        Event::Blocked { why } => Said::Blocked(why.to_string()),
        Event::Unblocked => Said::Unblocked,
    })
}

fn delivered(delivery: crate::broker::amqp::Delivery) -> Delivery {
    let crate::broker::amqp::Delivery { consumer, tag, redelivered, exchange, routing_key, mut message, .. } = delivery;
    let mut returned = None;
    if message.headers.get(DELIVERY_COUNT).is_some() {
        let count = Arc::make_mut(&mut message).headers.remove(DELIVERY_COUNT);
        returned = count.and_then(|count| count.as_u64()).and_then(|count| u32::try_from(count).ok());
    }
    Delivery { consumer, tag, redelivered, exchange, routing_key, returned, message }
}
