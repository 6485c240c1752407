//! Steps: what one client does, in a form that can be drawn, shrunk and told.

use super::tables;
use simq::broker::amqp::{
    Binding, ConsumeOptions, Destination, ExchangeKind, Method, Name, Overflow, QueueOptions, Rare,
};
use simq::message::{DeliveryMode, Message, Table};
use std::sync::Arc;

/// Connections, and channels on each.
pub(crate) const CONNECTIONS: usize = 2;
pub(crate) const CHANNELS: usize = 4;

/// Kinds of scenes.
pub(crate) const LAYOUTS: u8 = 7;

/// The connection of a channel.
pub(crate) fn connection_of(channel: usize) -> usize {
    channel / (CHANNELS / CONNECTIONS)
}

/// Whether publishes on this channel are confirmed.
pub(crate) fn confirms(channel: usize) -> bool {
    channel % 2 == 1
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(usize, Method),
    /// Settles the `nth` delivery that the channel holds.
    Settle {
        channel: usize,
        nth: usize,
        multiple: bool,
        how: How,
    },
    CloseChannel(usize),
    CloseConnection(usize),
    /// Milliseconds pass.
    Wait(u64),
    /// The server stops in good order and starts again.
    Restart,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Ack,
    Requeue,
    Reject,
}

impl How {
    pub(crate) fn method(self, tag: u64, multiple: bool) -> Method {
        match self {
            How::Ack => Method::Ack { tag, multiple },
            How::Requeue => Method::Nack { tag, multiple, requeue: true },
            How::Reject => Method::Nack { tag, multiple, requeue: false },
        }
    }
}

/// A sequence is drawn as numbers: shrinking them shrinks what they stand for.
pub(crate) type Drawn = (u8, u8, [u8; 5]);

/// What a run plays with.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) prefix: String,
    /// Which kinds its queues are of.
    pub(crate) layout: u8,
}

const KEYS: [&str; 5] = ["a", "a.b", "b", "a.b.c", ""];
const PATTERNS: [&str; 6] = ["a", "a.*", "#", "*.b.#", "b", ""];
const CONSUMERS: [&str; 4] = ["c0", "c1", "c2", "c3"];

impl Scene {
    pub(crate) fn queue(&self, number: u8) -> Name {
        format!("{}q{}", self.prefix, number % 5).into()
    }

    fn exchange(&self, number: u8) -> Name {
        match number % 6 {
            0 => "".into(),
            number => format!("{}x{number}", self.prefix).into(),
        }
    }

    fn kind(number: u8) -> ExchangeKind {
        match number % 6 {
            2 => ExchangeKind::Topic,
            3 => ExchangeKind::Fanout,
            4 => ExchangeKind::Headers,
            _ => ExchangeKind::Direct,
        }
    }

    /// The queue that only takes dead letters, and others' dead letters from there.
    fn grave(&self) -> Name {
        self.queue(4)
    }

    /// What the queue of this number is in this layout; `variant` 0 is what the run begins with.
    pub(crate) fn options(&self, number: u8, variant: u8) -> QueueOptions {
        let durable = QueueOptions { durable: true, ..QueueOptions::default() };
        let letters = |to: Name| QueueOptions {
            dead_letter_exchange: Some("".into()),
            dead_letter_routing_key: Some(to),
            ..durable.clone()
        };
        let quorum = QueueOptions { quorum: true, ..durable.clone() };
        let kept = |to: Name| QueueOptions {
            quorum: true,
            dead_letter_at_least_once: true,
            overflow: Overflow::RejectPublish,
            ..letters(to)
        };
        let mut options = match (self.layout % LAYOUTS, number % 5) {
            (0, 0) => durable.clone(),
            (0, 1) => letters(self.grave()),
            (0, 2) => QueueOptions { max_length: Some(2), ..letters(self.grave()) },
            (0, 3) => QueueOptions { max_priority: Some(3), ..QueueOptions::default() },
            (1, 0) => QueueOptions { single_active_consumer: true, ..letters(self.grave()) },
            (1, 1) => QueueOptions { max_length: Some(2), overflow: Overflow::RejectPublish, ..letters(self.queue(2)) },
            (1, 2) => QueueOptions { max_length_bytes: Some(20), ..letters(self.grave()) },
            (1, 3) => QueueOptions { auto_delete: true, ..durable.clone() },
            (2, 0) => quorum.clone(),
            (2, 1) => QueueOptions { delivery_limit: Some(2), quorum: true, ..letters(self.grave()) },
            (2, 2) => QueueOptions { max_length: Some(3), quorum: true, ..letters(self.grave()) },
            (2, 3) => durable.clone(),
            (3, 0) => QueueOptions { single_active_consumer: true, delivery_limit: Some(5), ..quorum.clone() },
            (3, 1) => QueueOptions { max_length: Some(5), overflow: Overflow::RejectPublish, ..quorum.clone() },
            (3, 2) => letters(self.queue(0)),
            (3, 3) => QueueOptions { max_length_bytes: Some(30), quorum: true, ..letters(self.grave()) },
            (4, 0) => letters(self.queue(1)),
            (4, 1) => letters(self.queue(0)),
            (4, 2) => QueueOptions {
                max_length: Some(1),
                overflow: Overflow::RejectPublishDeadLetter,
                ..letters(self.grave())
            },
            (4, 3) => QueueOptions { message_ttl: Some(0), ..letters(self.queue(2)) },
            (5, 0) => QueueOptions { max_priority: Some(2), max_length: Some(3), ..letters(self.grave()) },
            (5, 1) => QueueOptions { max_length: Some(0), ..letters(self.queue(0)) },
            (5, 2) => QueueOptions { message_ttl: Some(0), ..durable.clone() },
            (6, 0) => kept(self.grave()),
            (6, 1) => QueueOptions { max_length: Some(3), ..kept(self.queue(3)) },
            (6, 2) => QueueOptions { delivery_limit: Some(1), ..kept(self.queue(0)) },
            (6, 3) => QueueOptions { max_length: Some(1), overflow: Overflow::RejectPublish, ..durable.clone() },
            (5, 3) => QueueOptions { dead_letter_routing_key: None, ..letters(self.grave()) },
            _ => durable.clone(),
        };
        match variant % 24 {
            20 => options.durable ^= true,
            21 => options.max_length = Some(7),
            22 => options.dead_letter_routing_key = None,
            23 => options.delivery_limit = Some(9),
            _ => {}
        }
        options
    }

    fn has_quorum(&self) -> bool {
        matches!(self.layout % LAYOUTS, 2 | 3 | 6)
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = Name> {
        (0..5).map(|number| self.queue(number))
    }

    pub(crate) fn exchanges(&self) -> impl Iterator<Item = Name> {
        (1..6).map(|number| self.exchange(number))
    }

    /// What comes before all other steps.
    pub(crate) fn setup(&self) -> Vec<Step> {
        let mut steps: Vec<Step> =
            (0..CHANNELS).filter(|channel| confirms(*channel)).map(|ch| Step::Ask(ch, Method::ConfirmSelect)).collect();
        steps.extend((0..5).rev().map(|number| self.declare(0, number, 0)));
        steps.extend((1..6).map(|number| Step::Ask(0, self.declare_exchange(number, 0))));
        for (queue, exchange, key) in [(0, 1, "a"), (1, 2, "a.*"), (0, 3, ""), (1, 3, "")] {
            let (queue, exchange, routing_key) = (self.queue(queue), self.exchange(exchange), key.into());
            steps.push(Step::Ask(0, Method::QueueBind { queue, exchange, routing_key }));
        }
        steps
    }

    fn declare(&self, channel: usize, number: u8, variant: u8) -> Step {
        let options = self.options(number, variant);
        Step::Ask(channel, Method::QueueDeclare { queue: self.queue(number), passive: false, options })
    }

    fn declare_exchange(&self, number: u8, variant: u8) -> Method {
        let kind = Self::kind(number + u8::from(variant == 7));
        let (durable, auto_delete) = (variant != 6, number % 6 == 5);
        Method::ExchangeDeclare { exchange: self.exchange(number), kind, durable, auto_delete }
    }

    fn binding(&self, dice: [u8; 5]) -> Binding {
        let [exchange, to, key, arguments, _] = dice;
        let to = if to % 4 == 3 {
            Destination::Exchange(self.exchange(1 + to / 4 % 5))
        } else {
            // Nothing but dead letters goes to the grave: what is published to it at the same time would race.
            Destination::Queue(self.queue(to / 4 % 4))
        };
        let mut table = Table::default();
        if exchange % 6 == 4 || arguments % 8 == 0 {
            for (name, bit) in [("h1", 1), ("h2", 2)] {
                if arguments & bit != 0 {
                    table.set(name, i64::from(arguments & 4) / 4);
                }
            }
            match arguments / 16 % 5 {
                1 => table.set("x-match", "all"),
                2 => table.set("x-match", "any"),
                3 => table.set("x-match", "any-with-x"),
                _ => {}
            }
        }
        let routing_key = PATTERNS[usize::from(key) % PATTERNS.len()].into();
        Binding { exchange: self.exchange(exchange), to, routing_key, arguments: table }
    }

    fn message(&self, number: usize, dice: [u8; 5]) -> Message {
        let [_, _, priority, headers, size] = dice;
        let mut message = Message { body: format!("m{number}").into_bytes().into(), ..Message::default() };
        if size % 4 == 0 {
            message.body = format!("m{number}{}", "x".repeat(usize::from(size % 16))).into_bytes().into();
        }
        message.properties.priority = priority % 5;
        if size % 16 == 1 && !self.has_quorum() {
            message.properties.expiration = Some(0);
        }
        if size % 16 == 2 {
            message.properties.delivery_mode = DeliveryMode::Transient;
        }
        for (name, bit) in [("h1", 1), ("h2", 2)] {
            if headers & bit != 0 {
                message.headers.set(name, i64::from(headers & 4) / 4);
            }
        }
        message
    }

    /// The step that was drawn, as number `number` of its sequence.
    pub(crate) fn step(&self, number: usize, (what, channel, dice): Drawn) -> Step {
        let channel = usize::from(channel) % CHANNELS;
        let [a, b, c, d, e] = dice;
        let queue = self.queue(a);
        let ask = |method| Step::Ask(channel, method);
        let rare = |rare| Step::Ask(channel, Method::Rare(Box::new(rare)));
        match what % 100 {
            0..30 => {
                let to_queue = b % 3 != 0;
                let exchange = if to_queue { self.exchange(0) } else { self.exchange(a) };
                let key = KEYS[usize::from(b) % KEYS.len()].into();
                // Dead letters alone go to the grave, as above.
                let routing_key = if exchange.is_empty() { self.queue(a % 4) } else { key };
                let mandatory = confirms(channel) && c % 4 == 0;
                let message = Arc::new(self.message(number, dice));
                ask(Method::Publish { exchange, routing_key, mandatory, message })
            }
            30..44 => {
                let options = ConsumeOptions {
                    no_ack: c % 6 == 0,
                    exclusive: d % 12 == 0,
                    priority: if e % 3 == 0 { i32::from(e % 2) } else { 0 },
                };
                let consumer = CONSUMERS[usize::from(b) % CONSUMERS.len()].into();
                rare(Rare::Consume { queue, consumer, options })
            }
            44..66 => {
                let how = [How::Ack, How::Ack, How::Requeue, How::Requeue, How::Reject][usize::from(b) % 5];
                Step::Settle { channel, nth: usize::from(a) % 4, multiple: c % 3 == 0, how }
            }
            66..70 => rare(Rare::QosEach { prefetch: u32::from(a % 4) }),
            70..72 => ask(Method::Qos { prefetch: u32::from(a % 4) }),
            72..77 => ask(Method::Get { queue, no_ack: b % 3 == 0 }),
            77..80 => ask(Method::Cancel { consumer: CONSUMERS[usize::from(b) % CONSUMERS.len()].into() }),
            80..84 => rare(Rare::Bind(self.binding(dice))),
            84..86 => rare(Rare::Unbind(self.binding(dice))),
            86..88 => self.declare(channel, a, b),
            88 => ask(self.declare_exchange(1 + a % 5, b % 8)),
            89 => match b % 3 {
                0 => rare(Rare::ExchangeDelete { exchange: self.exchange(1 + a % 5), if_unused: c % 2 == 0 }),
                1 => rare(Rare::ExchangeExists { exchange: self.exchange(1 + a % 5) }),
                _ => ask(Method::QueueDeclare { queue, passive: true, options: QueueOptions::default() }),
            },
            90 => rare(Rare::QueueDelete { queue, if_unused: b % 3 == 0, if_empty: c % 3 == 0 }),
            91 => ask(Method::QueuePurge { queue }),
            92..94 => rare(Rare::Recover),
            94 => ask(Method::Ack { tag: 1_000 + u64::from(a), multiple: b % 2 == 0 }),
            95..98 => Step::CloseChannel(channel),
            98 => Step::CloseConnection(connection_of(channel)),
            _ => ask(Method::Ack { tag: 0, multiple: true }),
        }
    }
}

/// A queue's arguments as a client sends them.
pub(crate) fn arguments(options: &QueueOptions) -> lapin::types::FieldTable {
    let mut table = options.other.clone();
    let text = |name: &Name| serde_json::Value::from(&**name);
    for (name, value) in [
        ("x-expires", options.expires.map(Into::into)),
        ("x-message-ttl", options.message_ttl.map(Into::into)),
        ("x-max-length", options.max_length.map(Into::into)),
        ("x-max-length-bytes", options.max_length_bytes.map(Into::into)),
        ("x-max-priority", options.max_priority.map(Into::into)),
        ("x-delivery-limit", options.delivery_limit.map(Into::into)),
        ("x-dead-letter-exchange", options.dead_letter_exchange.as_ref().map(text)),
        ("x-dead-letter-routing-key", options.dead_letter_routing_key.as_ref().map(text)),
        ("x-queue-type", options.quorum.then(|| "quorum".into())),
        ("x-single-active-consumer", options.single_active_consumer.then(|| true.into())),
        ("x-dead-letter-strategy", options.dead_letter_at_least_once.then(|| "at-least-once".into())),
        (
            "x-overflow",
            match options.overflow {
                Overflow::DropHead => None,
                Overflow::RejectPublish => Some("reject-publish".into()),
                Overflow::RejectPublishDeadLetter => Some("reject-publish-dlx".into()),
            },
        ),
    ] {
        if let Some(value) = value {
            table.set(name, value);
        }
    }
    tables::fields(&table)
}
