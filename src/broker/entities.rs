//! Queues, exchanges and bindings that must exist before somebody publishes to them or consumes from them.

use super::amqp::{ExchangeKind, Method, Name, QueueOptions};

use crate::routing::{Kind, Published, QueueSpec, Queues};
use crate::settings::Settings;
use std::sync::Arc;

/// Where a message is published.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) exchange: Name,
    pub(crate) routing_key: Name,
    /// What to declare before.
    pub(crate) entities: Entities,
    /// Whoever listens has a copy; that may be nobody.
    pub(crate) broadcast: bool,
    /// A message finds its way also with a delay in its key (`delayed`).
    pub(crate) delays: bool,
}

impl Target {
    /// A queue, by way of the default exchange.
    pub(crate) fn queue(queue: Name) -> Self {
        thread_local! {
            static DEFAULT_EXCHANGE: Name = "".into();
        }
        let exchange = DEFAULT_EXCHANGE.with(Name::clone);
        Target {
            exchange,
            routing_key: queue.clone(),
            entities: Entities::Queue(queue),
            broadcast: false,
            delays: false,
        }
    }

    /// Where a call is published. Before a message goes to an exchange, all queues that are known to be bound to it are
    /// declared: it is to wait there, whether or not a worker has been.
    pub(crate) fn of(published: &Published<'_>, queues: &Queues, settings: &Settings) -> Self {
        match published {
            Published::Queue(queue) if queue.is_plain() => Target::queue(queue.name.as_str().into()),
            Published::Queue(queue) => Target {
                entities: Source::of(queue, "", settings).entities,
                ..Target::queue(queue.name.as_str().into())
            },
            Published::Exchange(queue, key) if queue.broadcast => {
                Target { routing_key: key.as_str().into(), ..Target::broadcast(queue.exchange(), true) }
            }
            Published::Exchange(queue, key) => Target {
                exchange: queue.exchange().into(),
                routing_key: key.as_str().into(),
                entities: bound_to(queue, queues, settings),
                broadcast: false,
                delays: queue.takes_delayed(),
            },
        }
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
        let entities = Entities::These(of_exchange(&exchange), [declare].into());
        Target { exchange, routing_key, entities, broadcast: true, delays: false }
    }
}

/// Where messages are consumed from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) queue: Name,
    /// Messages count as acked when they are delivered.
    pub(crate) no_ack: bool,
    /// Each consumer has a queue of its own.
    pub(crate) broadcast: bool,
    /// As of [`Target`]s.
    pub(crate) delays: bool,
    pub(crate) entities: Entities,
}

impl Source {
    /// A task queue.
    pub(crate) fn queue(queue: Name) -> Self {
        Source {
            queue: queue.clone(),
            no_ack: false,
            broadcast: false,
            delays: false,
            entities: Entities::Queue(queue),
        }
    }

    /// A queue of the settings. `own` names the consumer's own queue where the messages are broadcast.
    pub(crate) fn of(queue: &QueueSpec, own: &str, settings: &Settings) -> Self {
        if queue.broadcast {
            let to = Target { routing_key: queue.routing_key().into(), ..Target::broadcast(queue.exchange(), true) };
            return Source::copy_of(to, own.into(), false, QueueOptions::default());
        }
        let name: Name = queue.name.as_str().into();
        if queue.is_plain() {
            return Source::queue(name);
        }
        let entities = Entities::These(name.clone(), declared(queue, settings).into());
        Source { queue: name, no_ack: false, broadcast: false, delays: queue.takes_delayed(), entities }
    }

    /// This consumer's own copy of what is sent to a fan-out exchange: a queue that goes with its connection.
    pub(crate) fn copy_of(to: Target, queue: Name, no_ack: bool, options: QueueOptions) -> Self {
        let Target { exchange, routing_key, entities, .. } = to;
        let mut methods = match entities {
            Entities::These(_, methods) => methods.to_vec(),
            Entities::Queue(_) | Entities::Both(_) => Vec::new(),
        };
        let options = QueueOptions { exclusive: true, auto_delete: true, ..options };
        methods.push(Method::QueueDeclare { queue: queue.clone(), passive: false, options });
        methods.push(Method::QueueBind { queue: queue.clone(), exchange, routing_key });
        let entities = Entities::These(queue.clone(), methods.into());
        Source { queue, no_ack, broadcast: true, delays: false, entities }
    }
}

/// What is to be declared, once on each connection.
#[derive(Clone, Debug)]
pub(crate) enum Entities {
    /// A durable queue of that name with the arguments that the settings say.
    Queue(Name),
    /// These, under the name of the last that depends on the others.
    These(Name, Arc<[Method]>),
    /// One after the other.
    Both(Arc<[Entities; 2]>),
}

/// The name under which an exchange's entities are remembered as declared: no queue has it.
fn of_exchange(exchange: &str) -> Name {
    format!("exchange {exchange}").into()
}

/// An exchange with all queues that are known to be bound to it.
fn bound_to(queue: &QueueSpec, queues: &Queues, settings: &Settings) -> Entities {
    let exchange = queue.exchange();
    let others = queues.known().iter().filter(|other| other.exchange() == exchange && other.name != queue.name);
    let methods: Vec<Method> =
        std::iter::once(queue).chain(others).flat_map(|queue| declared(queue, settings)).collect();
    Entities::These(of_exchange(exchange), methods.into())
}

/// A queue with its exchange and binding, and the dead-letter queue that it points to.
fn declared(spec: &QueueSpec, settings: &Settings) -> Vec<Method> {
    let name: Name = spec.name.as_str().into();
    let mut methods = Vec::new();
    if let Some(dead_letters) = settings.task_dead_letter_queue.as_deref().filter(|dead| *dead != spec.name) {
        let options = task_queue(dead_letters, QueueOptions::default(), settings);
        methods.push(Method::QueueDeclare { queue: dead_letters.into(), passive: false, options });
    }
    let own = QueueOptions {
        max_priority: spec.max_priority,
        expires: spec.expires,
        message_ttl: spec.message_ttl,
        max_length: spec.max_length,
        auto_delete: spec.auto_delete,
        ..QueueOptions::default()
    };
    let options = QueueOptions { durable: !spec.transient, ..task_queue(&spec.name, own, settings) };
    methods.push(Method::QueueDeclare { queue: name.clone(), passive: false, options });
    if spec.kind != Kind::Direct || spec.exchange.is_some() {
        let exchange: Name = spec.exchange().into();
        let kind = match spec.kind {
            Kind::Direct => ExchangeKind::Direct,
            Kind::Topic => ExchangeKind::Topic,
            Kind::Fanout => ExchangeKind::Fanout,
        };
        methods.push(Method::ExchangeDeclare { exchange: exchange.clone(), kind, durable: true, auto_delete: false });
        methods.push(Method::QueueBind { queue: name.clone(), exchange, routing_key: spec.routing_key().into() });
    }
    methods
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
