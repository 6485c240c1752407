//! Out of the queues, into the worker's hands.
//!
//! `atomic`: one script moves messages from the lists into `unacked`, so that at every instant a message is in one of
//! them. `kombu`: a blocking pop, and after it the record; between the two the message is nowhere.

use super::channel::{Channel, Held, Purpose, bytes};
use super::envelope::{self, Envelope};
use crate::broker::amqp::{Delivery, DeliveryTag, Event, Name};
use crate::planted::{Fault as Planted, planted};
use crate::settings::QueueOrder;
use redis::{Cmd, Value, cmd};

/// Most messages of one take.
const LIMIT: usize = 500;

/// A take under way.
pub(super) struct Take {
    pub(super) command: Cmd,
    /// The lists asked for, and which queue each is of.
    pub(super) lists: Vec<String>,
    queues: Vec<Name>,
    first_tag: DeliveryTag,
}

/// A message that a pop brought.
pub(super) struct Popped {
    tag: DeliveryTag,
    /// `None` where what is not acked is not kept (`ack_emulation`).
    record: Option<Box<str>>,
    message: Vec<u8>,
    queue: Name,
}

impl Channel {
    /// How many more messages the worker takes.
    pub(super) fn room(&self) -> usize {
        if self.consumers.is_empty() {
            return 0;
        }
        match self.prefetch as usize {
            0 => LIMIT,
            prefetch => prefetch.saturating_sub(self.held.len()).min(LIMIT),
        }
    }

    /// All lists of the consumers' queues, the most urgent first, and which queue each is of.
    fn lists(&mut self) -> (Vec<String>, Vec<Name>) {
        let mut queues: Vec<Name> = self.consumers.iter().map(|consumer| consumer.queue.clone()).collect();
        queues.retain(|queue| !self.listening.values().any(|listening| listening == queue));
        match self.policy.order {
            QueueOrder::RoundRobin if !queues.is_empty() => {
                let turn = self.turn % queues.len();
                queues.rotate_left(turn);
                self.turn += 1;
            }
            QueueOrder::Sorted => queues.sort(),
            _ => {}
        }
        let of_each: Vec<Vec<String>> = queues.iter().map(|queue| self.policy.layout.lists(queue).collect()).collect();
        let (mut lists, mut of) = (Vec::new(), Vec::new());
        for step in 0..self.policy.layout.buckets() {
            for (queue, own) in queues.iter().zip(&of_each) {
                lists.push(own[step].clone());
                of.push(queue.clone());
            }
        }
        (lists, of)
    }

    /// The next take, if the worker has room and there is a queue.
    pub(super) fn take(&mut self) -> Option<Take> {
        let room = self.room();
        if room == 0 {
            return None;
        }
        let (lists, queues) = self.lists();
        if lists.is_empty() {
            return None;
        }
        let first_tag = self.reserve(room);
        let layout = &self.policy.layout;
        let mut command = self.scripts.take.run(lists.len() + 2);
        command.arg(&*layout.unacked).arg(&*layout.unacked_index).arg(&lists);
        command.arg(room).arg(&self.tags).arg(first_tag);
        queues.iter().for_each(|queue| {
            command.arg(envelope::record_end(queue));
        });
        Some(Take { command, lists, queues, first_tag })
    }

    /// Tags for what a look may bring: its records are named by them, whatever else is delivered in the meantime.
    fn reserve(&mut self, room: usize) -> DeliveryTag {
        let first = self.next_tag;
        self.next_tag += room as DeliveryTag;
        self.asked = first..self.next_tag;
        if planted(Planted::TagsUsedTwice) {
            self.next_tag = first;
        }
        first
    }

    /// Delivers what a take brought; returns how many messages that is.
    pub(super) fn taken(&mut self, take: &Take, reply: Value) -> usize {
        self.asked = 0..0;
        let Value::Array(parts) = reply else {
            if let Value::ServerError(error) = reply {
                self.fail(crate::redis::said(&error));
            }
            return 0;
        };
        let mut parts = parts.into_iter();
        let mut taken = 0;
        while let (Some(Value::Int(list)), Some(part)) = (parts.next(), parts.next()) {
            let Some(queue) = usize::try_from(list).ok().and_then(|list| take.queues.get(list)).cloned() else {
                continue;
            };
            match part {
                Value::Array(messages) => {
                    for message in messages {
                        let tag = take.first_tag + taken as DeliveryTag;
                        taken += 1;
                        let record = format!("{}{tag}", self.tags).into_boxed_str();
                        self.receive(tag, Some(record), &queue, bytes(message).unwrap_or_default());
                    }
                }
                error => {
                    let error = bytes(error).unwrap_or_default();
                    tracing::error!(%queue, error = %String::from_utf8_lossy(&error), "the queue can't be read; its key is another's");
                }
            }
        }
        taken
    }

    /// The blocking pop of kombu's algorithm.
    pub(super) fn pop(&mut self) -> Option<Take> {
        if self.room() == 0 {
            return None;
        }
        let (lists, queues) = self.lists();
        if lists.is_empty() {
            return None;
        }
        let first_tag = self.reserve(1);
        let mut command = cmd("BRPOP");
        command.arg(&lists).arg(self.policy.poll.as_secs_f64());
        Some(Take { command, lists, queues, first_tag })
    }

    /// Has what was popped recorded. `seconds` is the worker's own clock: kombu's.
    pub(super) fn popped(&mut self, take: &Take, reply: Value, seconds: f64) -> Option<Popped> {
        let popped = self.read_pop(take, reply);
        let Some(Popped { record, message, queue, .. }) = &popped else {
            self.asked = 0..0;
            return None;
        };
        let Some(record) = record else { return popped };
        let layout = &self.policy.layout;
        let (mut index, mut unacked) = (cmd("ZADD"), cmd("HSET"));
        index.arg(&*layout.unacked_index).arg(seconds).arg(&**record);
        unacked.arg(&*layout.unacked).arg(&**record).arg(envelope::kombus_record(message, queue));
        for command in [cmd("MULTI"), index, unacked, cmd("EXEC")] {
            self.order(command, Purpose::Nothing);
        }
        popped
    }

    fn read_pop(&mut self, take: &Take, reply: Value) -> Option<Popped> {
        let Value::Array(parts) = reply else {
            if let Value::ServerError(error) = reply {
                self.fail(crate::redis::said(&error));
            }
            return None;
        };
        let [list, message] = <[Value; 2]>::try_from(parts).ok()?;
        let (list, message) = (bytes(list)?, bytes(message)?);
        let place = take.lists.iter().position(|known| known.as_bytes() == list)?;
        let tag = || envelope::tag(&message).unwrap_or_else(|| (self.draw)().to_string());
        let record = self.policy.restores.then(|| tag().into_boxed_str());
        Some(Popped { tag: take.first_tag, record, message, queue: take.queues[place].clone() })
    }

    /// Delivers what was popped and recorded.
    pub(super) fn recorded(&mut self, popped: Popped) {
        self.asked = 0..0;
        let Popped { tag, record, message, queue } = popped;
        self.receive(tag, record, &queue, message);
    }

    /// Hands a message on. What can't be read is a dead letter.
    pub(super) fn receive(&mut self, tag: u64, record: Option<Box<str>>, queue: &Name, bytes: Vec<u8>) {
        let read = envelope::read(&bytes);
        let (priority, deliveries) =
            read.as_ref().map_or((0, 0), |read| (read.message.properties.priority, read.deliveries));
        let held = Held { record, queue: queue.clone(), envelope: bytes, priority, deliveries };
        self.held.insert(tag, held);
        let Some(consumer) = self.consumers.iter().find(|consumer| consumer.queue == *queue) else {
            // Cancelled while the take was under way.
            return self.release(tag);
        };
        let (name, no_ack) = (consumer.name.clone(), consumer.no_ack);
        match read {
            Err(error) => {
                tracing::error!(%queue, %error, "a message can't be read; it goes to the dead letters, if there are any");
                self.discard(tag);
            }
            Ok(Envelope { message, exchange, routing_key, redelivered, deliveries }) => {
                if no_ack {
                    self.ack(tag);
                }
                let message = message.into();
                self.say(Event::Delivered(Delivery {
                    consumer: name,
                    tag,
                    redelivered,
                    exchange,
                    routing_key,
                    delivery_count: deliveries,
                    message,
                }));
            }
        }
    }

    /// A message came over a channel that a broadcast queue listens to.
    pub(super) fn overhear(&mut self, pattern: &str, payload: Vec<u8>) {
        let Some(queue) = self.listening.get(pattern).cloned() else { return };
        if self.consumers.iter().any(|consumer| consumer.queue == queue) {
            let tag = self.next_tag;
            self.next_tag += 1;
            self.receive(tag, None, &queue, payload);
        }
    }
}

/// A time as kombu writes it.
pub(super) fn seconds(wall_micros: i64) -> f64 {
    wall_micros as f64 / 1e6
}
