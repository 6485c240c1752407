//! Stories: hand-written steps, a line each.
//!
//! `CHANNEL> COMMAND WORDS`, `wait MILLISECONDS` or `restart`. A title begins with `#`. Names get a prefix of the story's own; `.` is
//! the default exchange, or the empty key.

use super::steps::{CHANNELS, How, Step, confirms};
use serde_json::Value;
use simq::broker::amqp::{
    Binding, ConsumeOptions, Destination, ExchangeKind, Method, Name, Overflow, QueueOptions, Rare,
};
use simq::message::{DeliveryMode, Message, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) struct Story {
    pub(crate) title: String,
    prefix: String,
    lines: Vec<String>,
}

impl Story {
    pub(crate) fn all(text: &str) -> Vec<Story> {
        let told = text.split("\n\n").enumerate();
        told.map(|(number, story)| {
            let (title, lines) = story.lines().map(str::trim).partition(|line| line.starts_with('#'));
            let (title, lines): (Vec<&str>, Vec<&str>) = (title, lines);
            let lines = lines.into_iter().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            Story { title: title.join(" "), prefix: format!("s{number}."), lines }
        })
        .collect()
    }

    pub(crate) fn setup(&self) -> impl Iterator<Item = Step> {
        (0..CHANNELS).filter(|channel| confirms(*channel)).map(|channel| Step::Ask(channel, Method::ConfirmSelect))
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        self.lines.iter().map(|line| self.step(line))
    }

    pub(crate) fn queues(&self) -> Vec<Name> {
        self.named(|method| match method {
            Method::QueueDeclare { queue, .. } => Some(queue.clone()),
            _ => None,
        })
    }

    pub(crate) fn exchanges(&self) -> Vec<Name> {
        self.named(|method| match method {
            Method::ExchangeDeclare { exchange, .. } => Some(exchange.clone()),
            _ => None,
        })
    }

    fn named(&self, name: impl Fn(&Method) -> Option<Name>) -> Vec<Name> {
        let names: BTreeSet<Name> = self
            .steps()
            .filter_map(|step| match step {
                Step::Ask(_, method) => name(&method),
                _ => None,
            })
            .collect();
        names.into_iter().collect()
    }

    fn name(&self, word: &str) -> Name {
        match word {
            "." => "".into(),
            system if system.starts_with("amq.") => system.into(),
            word => format!("{}{word}", self.prefix).into(),
        }
    }

    fn step(&self, line: &str) -> Step {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap_or_else(|_| panic!("{line}: {word} is no number"));
        if let ["wait", milliseconds] = words[..] {
            return Step::Wait(number(milliseconds));
        }
        if words == ["restart"] {
            return Step::Restart;
        }
        let channel = number(words[0].trim_end_matches('>')) as usize;
        let rare = |rare| Step::Ask(channel, Method::Rare(Box::new(rare)));
        let ask = |method| Step::Ask(channel, method);
        let key = |word: &str| Name::from(if word == "." { "" } else { word });
        let settle = |nth: &str, more: &[&str], how| {
            let multiple = more.contains(&"all");
            Step::Settle { channel, nth: number(nth) as usize, multiple, how }
        };
        match words[1..] {
            ["declare", queue, ref more @ ..] => {
                ask(Method::QueueDeclare { queue: self.name(queue), passive: false, options: self.options(more) })
            }
            ["exists", queue] => {
                let options = QueueOptions::default();
                ask(Method::QueueDeclare { queue: self.name(queue), passive: true, options })
            }
            ["exchange", name, kind, ref more @ ..] => ask(Method::ExchangeDeclare {
                exchange: self.name(name),
                kind: match kind {
                    "direct" => ExchangeKind::Direct,
                    "topic" => ExchangeKind::Topic,
                    "fanout" => ExchangeKind::Fanout,
                    _ => ExchangeKind::Headers,
                },
                durable: !more.contains(&"transient"),
                auto_delete: more.contains(&"auto"),
            }),
            ["exchange-exists", name] => rare(Rare::ExchangeExists { exchange: self.name(name) }),
            ["delete-exchange", name, ref more @ ..] => {
                rare(Rare::ExchangeDelete { exchange: self.name(name), if_unused: more.contains(&"unused") })
            }
            [what @ ("bind" | "link" | "unbind" | "unlink"), from, to, routing_key, ref more @ ..] => {
                let to = self.name(to);
                let queue = what.ends_with("bind");
                let binding = Binding {
                    exchange: self.name(from),
                    to: if queue { Destination::Queue(to) } else { Destination::Exchange(to) },
                    routing_key: key(routing_key),
                    arguments: table(more),
                };
                rare(if what.starts_with("un") { Rare::Unbind(binding) } else { Rare::Bind(binding) })
            }
            ["publish", exchange, routing_key, body, ref more @ ..] => ask(Method::Publish {
                exchange: self.name(exchange),
                routing_key: if exchange == "." { self.name(routing_key) } else { key(routing_key) },
                mandatory: more.contains(&"mandatory"),
                message: Arc::new(message(body, more)),
            }),
            ["consume", queue, consumer, ref more @ ..] => {
                let options = ConsumeOptions {
                    no_ack: more.contains(&"no-ack"),
                    exclusive: more.contains(&"exclusive"),
                    priority: value(more, "priority").map_or(0, |number| number.parse().expect("a number")),
                };
                rare(Rare::Consume { queue: self.name(queue), consumer: consumer.into(), options })
            }
            ["cancel", consumer] => ask(Method::Cancel { consumer: consumer.into() }),
            ["get", queue, ref more @ ..] => {
                ask(Method::Get { queue: self.name(queue), no_ack: more.contains(&"no-ack") })
            }
            ["ack", nth, ref more @ ..] => settle(nth, more, How::Ack),
            ["requeue", nth, ref more @ ..] => settle(nth, more, How::Requeue),
            ["reject", nth, ref more @ ..] => settle(nth, more, How::Reject),
            ["ack-tag", tag] => ask(Method::Ack { tag: number(tag), multiple: false }),
            ["qos", prefetch] => ask(Method::Qos { prefetch: number(prefetch) as u32 }),
            ["qos-each", prefetch] => rare(Rare::QosEach { prefetch: number(prefetch) as u32 }),
            ["recover"] => rare(Rare::Recover),
            ["purge", queue] => ask(Method::QueuePurge { queue: self.name(queue) }),
            ["delete", queue, ref more @ ..] => rare(Rare::QueueDelete {
                queue: self.name(queue),
                if_unused: more.contains(&"unused"),
                if_empty: more.contains(&"empty"),
            }),
            ["close"] => Step::CloseChannel(channel),
            ["close-connection"] => Step::CloseConnection(super::steps::connection_of(channel)),
            _ => panic!("{line}: no such command"),
        }
    }

    fn options(&self, words: &[&str]) -> QueueOptions {
        let number = |name| value(words, name).map(|text| text.parse::<u64>().expect("a number"));
        let mut other = Table::default();
        if let Some(mode) = value(words, "mode") {
            other.set("x-queue-mode", mode);
        }
        QueueOptions {
            durable: !words.contains(&"transient"),
            exclusive: words.contains(&"exclusive"),
            auto_delete: words.contains(&"auto"),
            message_ttl: number("ttl"),
            expires: number("expires"),
            max_length: number("length").map(|length| length as u32),
            max_length_bytes: number("bytes"),
            overflow: match value(words, "overflow") {
                Some("reject") => Overflow::RejectPublish,
                Some("dead-letter") => Overflow::RejectPublishDeadLetter,
                _ => Overflow::DropHead,
            },
            max_priority: number("priority").map(|max| max as u8),
            delivery_limit: number("limit").map(|limit| limit as u32),
            dead_letter_exchange: value(words, "dlx").map(|name| self.name(name)),
            dead_letter_routing_key: value(words, "dlk").map(|name| self.name(name)),
            quorum: words.contains(&"quorum"),
            single_active_consumer: words.contains(&"single"),
            dead_letter_at_least_once: words.contains(&"at-least-once"),
            other,
        }
    }
}

fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Words like `a=1` or `a=text`; `a=` is a name without a value.
fn table(words: &[&str]) -> Table {
    let mut table = Table::default();
    for (name, text) in words.iter().filter_map(|word| word.split_once('=')) {
        let value = match text.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => Value::from(text),
        };
        table.set(name.to_owned(), value);
    }
    table
}

fn message(body: &str, words: &[&str]) -> Message {
    let headers: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("h:")).collect();
    let mut message = Message { headers: table(&headers), body: body.as_bytes().into(), ..Message::default() };
    message.properties.priority = value(words, "priority").map_or(0, |number| number.parse().expect("a number"));
    message.properties.expiration = value(words, "expiration").map(|text| text.parse().expect("a number"));
    if words.contains(&"transient") {
        message.properties.delivery_mode = DeliveryMode::Transient;
    }
    message
}
