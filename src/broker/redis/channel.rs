//! A virtual AMQP channel on Redis: methods in, Redis commands and events out. Pure; [`super::shell`] does the talking.
//!
//! What kombu's virtual transport is to Celery. The broker actor and everything above it speak AMQP's methods, whichever
//! broker is below.
//!
//! | file | holds |
//! |---|---|
//! | `channel` | the state, and which method does what |
//! | `publishing` | exchanges, routing, confirms |
//! | `taking` | out of the queues, into workers' hands |
//! | `settling` | acks, returns, dead letters |
//! | `sweeping` | what others have left behind |

use super::policy::Policy;
use super::publishing::Routing;
use super::scripts::Scripts;
use super::sweeping::Restoring;
use crate::broker::amqp::{DeliveryTag, Event, ExchangeKind, Method, Name};
use crate::redis::Batch;
use redis::{Cmd, Value, cmd};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// What a reply is for.
pub(super) enum Purpose {
    /// Nothing but the server's errors matters.
    Nothing,
    /// The oldest acks under way have arrived.
    Acked,
    /// An AMQP request is answered.
    Done,
    /// A publish is confirmed.
    Confirm(u64),
    /// The bindings that a publish needs.
    Route(Box<Routing>),
    /// The bindings that an overdue message needs: its exchange and routing key.
    Restore(Box<(Restoring, Name, Name)>),
    /// A record that nobody was told of, if it is there.
    Orphan(Box<str>),
    /// The length of one of a queue's lists.
    Length { queue: Name, last: bool },
    /// The lengths of a queue's lists before they were deleted, in a transaction.
    Purged,
}

/// A queue that is consumed from.
pub(super) struct Consumer {
    pub(super) name: Name,
    pub(super) queue: Name,
    pub(super) no_ack: bool,
}

/// A delivery in the worker's hands.
pub(super) struct Held {
    /// Its key in `unacked`; `None` for a broadcast, which is in no queue.
    pub(super) record: Option<Box<str>>,
    pub(super) queue: Name,
    pub(super) envelope: Vec<u8>,
    pub(super) priority: u8,
    pub(super) deliveries: u32,
}

/// The state of one channel. Dropped with its connection.
pub(super) struct Channel {
    pub(super) policy: Rc<Policy>,
    pub(super) scripts: Rc<Scripts>,
    /// What the keys of this channel's records begin with: nobody else's do, so that nobody else's ack can mean them.
    pub(super) tags: String,
    pub(super) next_tag: DeliveryTag,
    /// Tags of the messages that the look under way may bring; none, when there is none.
    pub(super) asked: Range<DeliveryTag>,
    pub(super) exchanges: BTreeMap<Name, ExchangeKind>,
    /// Queues bound to fanout exchanges, by the pattern of the channels that they listen to.
    pub(super) listening: BTreeMap<String, Name>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) prefetch: u32,
    pub(super) held: BTreeMap<DeliveryTag, Held>,
    /// Records of what is acked and not yet told the server.
    pub(super) acked: Vec<Box<str>>,
    /// Those that the server was told and has not answered, oldest first.
    pub(super) acking: VecDeque<Vec<Box<str>>>,
    pub(super) published: u64,
    length: u64,
    /// Where the next take begins.
    pub(super) turn: usize,
    /// Commands to be written.
    pub(super) batch: Batch<Purpose>,
    /// Patterns to subscribe to.
    pub(super) subscribe: Vec<String>,
    /// What the actor is to be told.
    pub(super) said: Vec<Event>,
    /// The wall clock, seconds.
    pub(super) clock: Box<dyn Fn() -> i64>,
    /// Random, for kombu's tags of published messages.
    pub(super) draw: Box<dyn Fn() -> Arc<str>>,
}

impl Channel {
    pub(super) fn new(
        policy: Rc<Policy>,
        scripts: Rc<Scripts>,
        clock: impl Fn() -> i64 + 'static,
        draw: impl Fn() -> Arc<str> + 'static,
    ) -> Channel {
        Channel {
            policy,
            scripts,
            tags: format!("{}{}:", super::OWN, draw()),
            next_tag: 1,
            asked: 0..0,
            exchanges: BTreeMap::new(),
            listening: BTreeMap::new(),
            consumers: Vec::new(),
            prefetch: 0,
            held: BTreeMap::new(),
            acked: Vec::new(),
            acking: VecDeque::new(),
            published: 0,
            length: 0,
            turn: 0,
            batch: Batch::default(),
            subscribe: Vec::new(),
            said: Vec::new(),
            clock: Box::new(clock),
            draw: Box::new(draw),
        }
    }

    pub(super) fn say(&mut self, event: Event) {
        self.said.push(event);
    }

    pub(super) fn order(&mut self, command: Cmd, purpose: Purpose) {
        self.batch.add(command, purpose);
    }

    /// Ends the channel with an error.
    pub(super) fn fail(&mut self, text: impl Into<String>) {
        self.say(Event::Closed { code: 541, text: text.into() });
    }

    /// Carries out a method.
    pub(super) fn apply(&mut self, method: Method) {
        match method {
            Method::ExchangeDeclare { exchange, kind, .. } => {
                self.exchanges.insert(exchange, kind);
                self.say(Event::Done);
            }
            Method::ExchangeDelete { exchange } => {
                let mut delete = cmd("DEL");
                delete.arg(&self.policy.layout.bindings(&exchange));
                self.order(delete, Purpose::Done);
            }
            Method::QueueDeclare { queue, .. } => self.declare(queue),
            Method::QueueDelete { queue } | Method::QueuePurge { queue } => self.purge(&queue),
            Method::QueueBind { queue, exchange, routing_key } => self.bind(&queue, &exchange, &routing_key),
            Method::QueueUnbind { queue, exchange, routing_key } => self.unbind(&queue, &exchange, &routing_key),
            Method::ConfirmSelect => self.say(Event::Done),
            Method::Publish { exchange, routing_key, mandatory, message } => {
                self.publish(exchange, routing_key, mandatory, message);
            }
            Method::Qos { prefetch } => {
                self.prefetch = prefetch;
                self.say(Event::Done);
            }
            Method::Consume { queue, consumer, no_ack } => {
                let patterns = self.listening.iter().filter(|(_, bound)| **bound == queue);
                self.subscribe.extend(patterns.map(|(pattern, _)| pattern.clone()));
                self.consumers.push(Consumer { name: consumer, queue, no_ack });
                self.say(Event::Done);
            }
            Method::Cancel { consumer } => {
                self.consumers.retain(|known| known.name != consumer);
                self.say(Event::Done);
            }
            Method::Ack { tag, multiple } => self.each(tag, multiple, Channel::ack),
            Method::Nack { tag, multiple, requeue: false } => self.each(tag, multiple, Channel::discard),
            Method::Nack { tag, multiple, requeue: true } => self.each(tag, multiple, Channel::requeue),
            Method::Release { tag } => self.each(tag, false, Channel::release),
            Method::Get { .. } | Method::Rare(_) => self.fail("this method is not for Redis"),
        }
    }

    fn declare(&mut self, queue: Name) {
        // Celery binds each queue to an exchange of its own name, and its peers find it there.
        self.bind_directly(&queue, &queue, &queue);
        self.length = 0;
        let lists: Vec<String> = self.policy.layout.lists(&queue).collect();
        let last = lists.len() - 1;
        for (place, list) in lists.into_iter().enumerate() {
            let mut length = cmd("LLEN");
            length.arg(list);
            self.order(length, Purpose::Length { queue: queue.clone(), last: place == last });
        }
    }

    fn purge(&mut self, queue: &str) {
        let lists: Vec<String> = self.policy.layout.lists(queue).collect();
        self.order(cmd("MULTI"), Purpose::Nothing);
        for list in &lists {
            let mut length = cmd("LLEN");
            length.arg(list);
            self.order(length, Purpose::Nothing);
        }
        let mut delete = cmd("DEL");
        delete.arg(&lists);
        self.order(delete, Purpose::Nothing);
        self.order(cmd("EXEC"), Purpose::Purged);
    }

    /// Takes a reply.
    pub(super) fn hear(&mut self, purpose: Purpose, reply: Value) {
        if let Value::ServerError(error) = &reply {
            let text = crate::redis::said(error);
            return self.refused(purpose, text.trim_end());
        }
        match purpose {
            Purpose::Nothing => {}
            Purpose::Acked => drop(self.acking.pop_front()),
            Purpose::Done => self.say(Event::Done),
            Purpose::Confirm(seq) => self.say(Event::Confirmed { seq, multiple: false }),
            Purpose::Route(routing) => self.route(*routing, reply),
            Purpose::Restore(restoring) => {
                let (restoring, exchange, key) = *restoring;
                self.restore_by(&restoring, &exchange, &key, reply);
            }
            Purpose::Orphan(tag) => {
                if let Some(record) = bytes(reply) {
                    self.restore_one(&tag, &record, "");
                }
            }
            Purpose::Length { queue, last } => {
                self.length += count(&reply);
                if last {
                    let messages = u32::try_from(self.length).unwrap_or(u32::MAX);
                    self.say(Event::QueueDeclared { queue, messages, consumers: 0 });
                }
            }
            Purpose::Purged => {
                let Value::Array(counts) = &reply else {
                    return self.fail("the transaction of a purge was not carried out");
                };
                let lists = self.policy.layout.buckets();
                let messages = counts.iter().take(lists).map(count).sum::<u64>();
                self.say(Event::QueueDeleted { messages: u32::try_from(messages).unwrap_or(u32::MAX) });
            }
        }
    }

    /// The server did not do what it was asked.
    fn refused(&mut self, purpose: Purpose, text: &str) {
        match purpose {
            Purpose::Confirm(seq) if is_of_this_message(text) => self.refuse(seq, text),
            Purpose::Route(routing) if is_of_this_message(text) => self.refuse(routing.seq, text),
            Purpose::Length { queue, last } if text.starts_with("WRONGTYPE") => {
                tracing::error!(%queue, "a key of another type than list stands where this queue should be");
                if last {
                    self.say(Event::QueueDeclared { queue, messages: 0, consumers: 0 });
                }
            }
            Purpose::Nothing if is_of_this_message(text) => {
                tracing::warn!(error = text, "the server refused a command")
            }
            _ => self.fail(text),
        }
    }
}

/// Errors that say nothing about the connection or the server's role.
fn is_of_this_message(text: &str) -> bool {
    ["OOM", "WRONGTYPE", "MISCONF", "NOPERM", "EXECABORT"].iter().any(|code| text.starts_with(code))
}

/// A whole number that the server said.
pub(super) fn count(value: &Value) -> u64 {
    match value {
        Value::Int(number) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

/// A text that the server said.
pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}
