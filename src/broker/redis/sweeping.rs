//! What others have left behind in `unacked`, and saying that what this worker has is not.

use super::channel::{Channel, Purpose, bytes, count};
use super::envelope;
use super::settling::End;
use crate::broker::amqp::Name;
use crate::settings::RedisConsume;
use redis::{Cmd, Value, cmd};

/// Records that one look goes through.
const PAGE: usize = 1_000;
/// Tags of one refresh.
const CHUNK: usize = 1_000;

/// An overdue message on its way back.
pub(super) struct Restoring {
    tag: String,
    envelope: Vec<u8>,
    /// Since when it is unacked, at most: whoever refreshed it since then still has it.
    latest: String,
}

impl Channel {
    /// Says of all that is held that its worker lives.
    pub(super) fn refresh(&mut self) {
        let records: Vec<&str> = self.held.values().filter_map(|held| held.record.as_deref()).collect();
        let commands: Vec<Cmd> = records
            .chunks(CHUNK)
            .map(|records| {
                let mut command = self.scripts.refresh.run(1);
                command.arg(&*self.policy.layout.unacked_index).arg(records);
                command
            })
            .collect();
        commands.into_iter().for_each(|command| self.order(command, Purpose::Nothing));
    }

    /// Looks for overdue records from a place of the index on.
    pub(super) fn overdue(&self, from: usize) -> Cmd {
        let layout = &self.policy.layout;
        let mut command = self.scripts.overdue.run(2);
        command.arg(&*layout.unacked).arg(&*layout.unacked_index);
        let lease = match self.policy.consume {
            RedisConsume::Atomic => self.policy.lease,
            // Celery knows of no leases.
            RedisConsume::Kombu => self.policy.visibility,
        };
        command.arg(lease.as_secs_f64()).arg(self.policy.visibility.as_secs_f64());
        command.arg(super::OWN).arg(from).arg(PAGE);
        command
    }

    /// Restores what a look found; returns from where the next look goes on, `None` when it has seen all.
    pub(super) fn restore(&mut self, from: usize, reply: Value, left: &mut usize) -> Option<usize> {
        let found = match reply {
            Value::Array(found) => found,
            Value::ServerError(error) => {
                self.fail(crate::redis::said(&error));
                return None;
            }
            _ => return None,
        };
        let mut found = found.into_iter();
        let looked = found.next().as_ref().map_or(0, count) as usize;
        let now = found.next().and_then(bytes)?;
        let now = String::from_utf8(now).ok()?;
        let mut removed = 0;
        while let (Some(tag), Some(record)) = (found.next().and_then(bytes), found.next()) {
            if *left == 0 {
                return None;
            }
            *left -= 1;
            removed += 1;
            let tag = String::from_utf8_lossy(&tag).into_owned();
            match bytes(record) {
                Some(record) => self.restore_one(&tag, &record, &now),
                None => {
                    let mut index = cmd("ZREM");
                    index.arg(&*self.policy.layout.unacked_index).arg(&tag);
                    self.order(index, Purpose::Nothing);
                }
            }
        }
        (looked == PAGE).then_some(from + looked - removed)
    }

    /// Puts a message back, if nobody has said since this time that he has it.
    pub(super) fn restore_one(&mut self, tag: &str, record: &[u8], now: &str) {
        let Some((bytes, exchange, key)) = envelope::unrecord(record) else {
            // Nobody can restore it. It stays where somebody can look at it, and is not looked at again.
            tracing::error!(tag, "a record of unacked messages can't be read; it is left in the hash");
            let mut index = cmd("ZREM");
            index.arg(&*self.policy.layout.unacked_index).arg(tag);
            return self.order(index, Purpose::Nothing);
        };
        let restoring = Restoring { tag: tag.to_owned(), envelope: bytes, latest: now.to_owned() };
        if exchange.is_empty() || exchange == key {
            // Celery's plain queues are bound to an exchange of their own name.
            self.restore_to(&restoring, &[&key]);
        } else {
            let mut members = cmd("SMEMBERS");
            members.arg(&self.policy.layout.bindings(&exchange)[0]);
            self.order(members, Purpose::Restore(Box::new((restoring, exchange.into(), key.into()))));
        }
    }

    /// The bindings of a message's exchange are there.
    pub(super) fn restore_by(&mut self, restoring: &Restoring, exchange: &Name, key: &str, members: Value) {
        let queues = self.bound_queues(exchange, key, members);
        if queues.is_empty() {
            tracing::error!(tag = restoring.tag, %exchange, key, "no queue is bound where an overdue message came from");
            return;
        }
        let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
        self.restore_to(restoring, &queues);
    }

    fn restore_to(&mut self, restoring: &Restoring, queues: &[&str]) {
        let Restoring { tag, envelope, latest } = restoring;
        let read = envelope::read(envelope).ok();
        let deliveries = read.as_ref().map_or(0, |read| read.deliveries).saturating_add(1);
        let priority = read.map_or(0, |read| read.message.properties.priority);
        let layout = &self.policy.layout;
        if let [queue] = queues
            && self.policy.is_worn_out(queue, deliveries)
            && let Some(dead_letters) = self.policy.dead_letters_of(queue)
        {
            let list = layout.bucket(dead_letters, 0);
            let envelope = envelope::dead(envelope, queue, "delivery_limit", deliveries, (self.clock)());
            return self.put(tag, &envelope, &[list], End::Last, latest);
        }
        tracing::info!(tag, ?queues, "its holder has gone: the message is delivered again");
        let lists: Vec<String> = queues.iter().map(|queue| layout.bucket(queue, priority)).collect();
        self.put(tag, &envelope::returned(envelope, deliveries), &lists, End::Next, latest);
    }
}
