//! Queues, exchanges and bindings that must exist before somebody publishes to them or consumes from them.

use super::amqp::{ExchangeKind, Method, Name, QueueOptions};
use crate::settings::Settings;
use std::sync::Arc;

/// Where a message is published.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) exchange: Name,
    pub(crate) routing_key: Name,
    /// What to declare before.
    pub(crate) entities: Entities,
}

impl Target {
    /// A queue, by way of the default exchange.
    pub(crate) fn queue(queue: Name) -> Self {
        thread_local! {
            static DEFAULT_EXCHANGE: Name = "".into();
        }
        let exchange = DEFAULT_EXCHANGE.with(Name::clone);
        Target { exchange, routing_key: queue.clone(), entities: Entities::Queue(queue) }
    }

    /// Every queue that is bound to a fan-out exchange.
    pub(crate) fn broadcast(exchange: &str, durable: bool) -> Self {
        let (exchange, routing_key): (Name, Name) = (exchange.into(), "".into());
        let declare = Method::ExchangeDeclare {
            exchange: exchange.clone(),
            kind: ExchangeKind::Fanout,
            durable,
            auto_delete: false,
        };
        Target { exchange: exchange.clone(), routing_key, entities: Entities::These(exchange, [declare].into()) }
    }
}

/// Where messages are consumed from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) queue: Name,
    /// Messages count as acked when they are delivered.
    pub(crate) no_ack: bool,
    pub(crate) entities: Entities,
}

impl Source {
    /// A task queue.
    pub(crate) fn queue(queue: Name) -> Self {
        Source { queue: queue.clone(), no_ack: false, entities: Entities::Queue(queue) }
    }

    /// This consumer's own copy of what is sent to a fan-out exchange: a queue that goes with its connection.
    pub(crate) fn copy_of(exchange: &str, durable: bool, queue: Name, no_ack: bool, options: QueueOptions) -> Self {
        let Target { exchange, routing_key, entities } = Target::broadcast(exchange, durable);
        let mut methods = match entities {
            Entities::These(_, methods) => methods.to_vec(),
            Entities::Queue(_) => Vec::new(),
        };
        let options = QueueOptions { exclusive: true, auto_delete: true, ..options };
        methods.push(Method::QueueDeclare { queue: queue.clone(), passive: false, options });
        methods.push(Method::QueueBind { queue: queue.clone(), exchange, routing_key });
        Source { queue: queue.clone(), no_ack, entities: Entities::These(queue, methods.into()) }
    }
}

/// What is to be declared, once on each connection.
#[derive(Clone, Debug)]
pub(crate) enum Entities {
    /// A durable queue of that name with the arguments that the settings say.
    Queue(Name),
    /// These, under the name of the last that depends on the others.
    These(Name, Arc<[Method]>),
}

/// Arguments of a task queue: the settings' on top of its own.
pub(crate) fn task_queue(queue: &str, own: QueueOptions, settings: &Settings) -> QueueOptions {
    let dead_letters = settings.task_dead_letter_queue.as_deref();
    let max_priority = settings.task_queue_max_priority.map(|max| u8::try_from(max).unwrap_or(u8::MAX));
    let options = QueueOptions { durable: true, max_priority: own.max_priority.or(max_priority), ..own };
    match dead_letters {
        // A dead letter is never returned to be worked on, so it needs no limit.
        Some(dead_letters) if dead_letters == queue => options,
        Some(dead_letters) => QueueOptions {
            delivery_limit: settings.task_delivery_limit,
            dead_letter_exchange: Some("".into()),
            dead_letter_routing_key: Some(dead_letters.into()),
            ..options
        },
        None => QueueOptions { delivery_limit: settings.task_delivery_limit, ..options },
    }
}
