//! Native delayed delivery: messages that are to come later wait in queues of RabbitMQ, and not in a worker.
//!
//! kombu's layout (wire sheet, section 6.6). Each of 28 levels has an exchange and a queue that holds a message for 2 to the
//! power of its level, in seconds. The routing key begins with the delay's binary digits, the highest first, one word each:
//! a level's exchange sends a message into its queue where its digit is 1, and to the next level where it is 0; the queue
//! sends it on to the next level when its time is over. Behind the last level `celery_delayed_delivery` finds by the rest
//! of the key the exchange that was meant. As the digits stay in the key, that exchange has to match patterns or to ignore
//! keys: messages to direct exchanges wait in a worker as ever.
//!
//! The layout is there when the broker is RabbitMQ and a queue is a quorum queue, whose prefetch window can't grow for
//! messages that wait for their ETA.

use super::amqp::{Binding, Destination, ExchangeKind, Method, Name, QueueOptions, Rare};
use super::entities::{Entities, Target};
use crate::env::Endpoint;
use crate::message::Table;
use crate::routing::QueueSpec;
use crate::settings::{QueueType, Settings};
use std::time::Duration;

const LEVELS: usize = 28;
/// Behind the last level.
const DELIVERY: &str = "celery_delayed_delivery";

fn level_name(level: usize) -> Name {
    format!("celery_delayed_{level}").into()
}

/// Whether messages wait at the broker, and what must be there for it.
#[derive(Clone, Default)]
pub(crate) struct Delays(Option<Entities>);

impl Delays {
    pub(crate) fn new(settings: &Settings, broker: &Endpoint) -> Delays {
        let quorum = [settings.task_default_queue_type, settings.task_create_missing_queue_type];
        let native = matches!(broker, Endpoint::Amqp(_)) && quorum.contains(&QueueType::Quorum);
        Delays(native.then(|| {
            let methods = layout(settings.broker_native_delayed_delivery_queue_type);
            Entities::These(DELIVERY.into(), methods.into())
        }))
    }

    /// What is declared for a queue, with its way back from the delay.
    pub(crate) fn with(&self, entities: Entities, queue: &QueueSpec) -> Entities {
        match &self.0 {
            Some(layout) if queue.takes_delayed() => {
                let back = Entities::These(format!("delayed {}", queue.name).into(), way_back(queue).into());
                Entities::Both([entities, Entities::Both([layout.clone(), back].into())].into())
            }
            _ => entities,
        }
    }

    /// Whether messages to this queue wait in a worker although others wait at the broker.
    pub(crate) fn leaves_out(&self, queue: &QueueSpec) -> bool {
        self.0.is_some() && !queue.broadcast && !queue.takes_delayed()
    }

    /// Where a message is published that is to arrive so much later. The fraction of a second is left to the worker.
    pub(crate) fn to(&self, to: Target, delay: Duration) -> Target {
        if self.0.is_none() || !to.delays || delay.as_secs() == 0 {
            return to;
        }
        let routing_key = routing_key(delay.as_secs(), &to.routing_key);
        Target { exchange: level_name(LEVELS - 1), routing_key, ..to }
    }
}

/// A longer delay than 2^28 - 1 seconds is cut to that: the worker holds the message for the rest.
fn routing_key(seconds: u64, key: &str) -> Name {
    let seconds = seconds.min((1 << LEVELS) - 1);
    let digits = format!("{seconds:028b}").into_bytes();
    let mut text = String::with_capacity(2 * LEVELS + key.len());
    for digit in digits {
        text.push(char::from(digit));
        text.push('.');
    }
    text.push_str(without_delay(key));
    text.into()
}

/// A key without the delay that its message has had.
fn without_delay(key: &str) -> &str {
    let has_one = key
        .as_bytes()
        .first_chunk::<{ 2 * LEVELS }>()
        .is_some_and(|digits| digits.chunks(2).all(|pair| matches!(pair, [b'0' | b'1', b'.'])));
    if has_one { &key[2 * LEVELS..] } else { key }
}

fn topic(exchange: &Name) -> Method {
    Method::ExchangeDeclare { exchange: exchange.clone(), kind: ExchangeKind::Topic, durable: true, auto_delete: false }
}

fn bind(from: &Name, to: &Name, routing_key: String) -> Method {
    let (exchange, to) = (from.clone(), Destination::Exchange(to.clone()));
    let binding = Binding { exchange, to, routing_key: routing_key.into(), arguments: Table::default() };
    Method::Rare(Rare::Bind(binding).into())
}

/// The levels from the highest down, and where they end.
fn layout(kind: QueueType) -> Vec<Method> {
    let end: Name = DELIVERY.into();
    let next = |level: usize| if level == 0 { end.clone() } else { level_name(level - 1) };
    // Where a level's digit is: behind those of the levels above.
    let at = |level: usize, rest: &str| format!("{}{rest}", "*.".repeat(LEVELS - 1 - level));
    let mut methods = Vec::with_capacity(4 * LEVELS + 1);
    for level in (0..LEVELS).rev() {
        let name = level_name(level);
        let options = QueueOptions { durable: true, other: arguments(kind, level, &next(level)), ..Default::default() };
        methods.push(topic(&name));
        methods.push(Method::QueueDeclare { queue: name.clone(), passive: false, options });
        let routing_key = at(level, "1.#").into();
        methods.push(Method::QueueBind { queue: name.clone(), exchange: name, routing_key });
    }
    methods.push(topic(&end));
    methods.extend((0..LEVELS).rev().map(|level| bind(&level_name(level), &next(level), at(level, "0.#"))));
    methods
}

fn arguments(kind: QueueType, level: usize, next: &str) -> Table {
    let mut arguments = Table::default();
    let name = match kind {
        QueueType::Quorum => "quorum",
        QueueType::Classic => "classic",
    };
    arguments.set("x-queue-type", name);
    arguments.set("x-overflow", "reject-publish");
    arguments.set("x-message-ttl", 1000_u64 << level);
    arguments.set("x-dead-letter-exchange", next);
    if kind == QueueType::Quorum {
        arguments.set("x-dead-letter-strategy", "at-least-once");
    }
    arguments
}

fn way_back(queue: &QueueSpec) -> [Method; 2] {
    let exchange: Name = queue.exchange().into();
    let key = queue.routing_key();
    let key = if key.starts_with('#') { key.to_owned() } else { format!("#.{key}") };
    let bind_queue = Method::QueueBind {
        queue: queue.name.as_str().into(),
        exchange: exchange.clone(),
        routing_key: key.as_str().into(),
    };
    [bind(&DELIVERY.into(), &exchange, key), bind_queue]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_begins_with_the_digits_of_the_delay() {
        let five = routing_key(5, "celery");
        assert_eq!(&*five, format!("{}1.0.1.celery", "0.".repeat(25)));
        assert_eq!(routing_key(1, &five), routing_key(1, "celery"));
        assert_eq!(&*routing_key(u64::MAX, "k"), format!("{}k", "1.".repeat(28)));
        assert_eq!(without_delay("0.1.key"), "0.1.key");
    }

    /// `golden/amqp_topology.jsonl`, `quorum_native_delayed_delivery`.
    #[test]
    fn the_layout_is_celerys() {
        let methods = layout(QueueType::Quorum);
        let keys: Vec<(Name, Name)> = methods
            .iter()
            .filter_map(|method| match method {
                Method::QueueBind { exchange, routing_key, .. } => Some((exchange.clone(), routing_key.clone())),
                _ => None,
            })
            .collect();
        assert_eq!(keys.len(), 28);
        assert_eq!((&*keys[0].0, &*keys[0].1), ("celery_delayed_27", "1.#"));
        assert_eq!((&*keys[27].0, &*keys[27].1), ("celery_delayed_0", &*format!("{}1.#", "*.".repeat(27))));
        assert_eq!(methods.len(), 4 * LEVELS + 1);
        let last = arguments(QueueType::Quorum, 27, "celery_delayed_26");
        assert_eq!(last.get("x-message-ttl"), Some(&134_217_728_000_u64.into()));
    }
}
