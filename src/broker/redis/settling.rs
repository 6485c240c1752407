//! What becomes of deliveries: acks, returns, dead letters.
//!
//! A record in `unacked` is removed by its key, which with `atomic` is this delivery's alone: an ack that comes too late,
//! after somebody has restored the message, removes nothing. With `kombu` the key is the producer's tag, which all copies
//! share; that is Celery's hazard.

use super::channel::{Channel, Held, Purpose};
use super::envelope;
use crate::broker::amqp::DeliveryTag;
use crate::planted::{Fault as Planted, planted};
use crate::redis::Batch;
use crate::settings::RedisConsume;
use redis::cmd;

/// Which end of a list: what is read next, or what is read last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Next,
    Last,
}

impl Channel {
    /// Settles a delivery, or all up to it.
    pub(super) fn each(&mut self, tag: DeliveryTag, multiple: bool, settle: fn(&mut Channel, DeliveryTag)) {
        if multiple {
            let tags: Vec<DeliveryTag> = self.held.range(..=tag).map(|(tag, _)| *tag).collect();
            tags.into_iter().for_each(|tag| settle(self, tag));
        } else {
            settle(self, tag);
        }
    }

    pub(super) fn ack(&mut self, tag: DeliveryTag) {
        if let Some(Held { record: Some(record), .. }) = self.held.remove(&tag) {
            self.acked.push(record);
        }
        if planted(Planted::AckOneTooMany) {
            self.acked.extend(self.held.values().next().and_then(|held| held.record.clone()));
        }
    }

    /// One command for all acks that have gathered. A record goes before its time: what is left by a death in between is
    /// found by a sweep and is no message.
    pub(super) fn gather_acks(&mut self, batch: &mut Batch<Purpose>) {
        if self.acked.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.acked);
        let layout = &self.policy.layout;
        let [unacked, index] = [&layout.unacked, &layout.unacked_index];
        for (command, key, purpose) in [("HDEL", unacked, Purpose::Nothing), ("ZREM", index, Purpose::Acked)] {
            let mut command = cmd(command);
            command.arg(&**key);
            records.iter().for_each(|record| {
                command.arg(&**record);
            });
            batch.add(command, purpose);
        }
        self.acking.push_back(records);
    }

    /// Rejects without requeue: a dead letter, where there is a queue for them.
    pub(super) fn discard(&mut self, tag: DeliveryTag) {
        self.bury(tag, "rejected");
    }

    fn bury(&mut self, tag: DeliveryTag, reason: &str) {
        if let Some(held) = self.held.remove(&tag) {
            self.bury_held(held, reason);
        }
    }

    fn bury_held(&mut self, held: Held, reason: &str) {
        let Some(record) = held.record else { return };
        match self.policy.dead_letters_of(&held.queue).cloned() {
            None => self.acked.push(record),
            Some(dead_letters) => {
                let envelope = envelope::dead(&held.envelope, &held.queue, reason, held.deliveries, (self.clock)());
                let list = self.policy.layout.bucket(&dead_letters, 0);
                self.put(&record, &envelope, &[list], End::Last, "");
            }
        }
    }

    /// Rejects with requeue. Next to be delivered again, as on RabbitMQ; with `kombu` the last one.
    pub(super) fn requeue(&mut self, tag: DeliveryTag) {
        let end = match self.policy.consume {
            RedisConsume::Atomic => End::Next,
            RedisConsume::Kombu => End::Last,
        };
        if let Some(held) = self.held.remove(&tag) {
            self.requeue_held(held, end);
        }
    }

    /// Counts, and ends at the delivery limit.
    fn requeue_held(&mut self, held: Held, end: End) {
        if self.policy.is_worn_out(&held.queue, held.deliveries.saturating_add(1)) {
            return self.bury_held(held, "delivery_limit");
        }
        self.give_back(held, 1, end);
    }

    /// Gives back untouched.
    pub(super) fn release(&mut self, tag: DeliveryTag) {
        if let Some(held) = self.held.remove(&tag) {
            self.give_back(held, 0, End::Next);
        }
    }

    fn give_back(&mut self, held: Held, returns: u32, end: End) {
        let Some(record) = held.record else { return };
        let envelope = envelope::returned(&held.envelope, held.deliveries.saturating_add(returns));
        let lost = planted(Planted::PriorityLostOnReturn);
        let (priority, end) = if lost { (u8::MAX, End::Last) } else { (held.priority, end) };
        let list = self.policy.layout.bucket(&held.queue, priority);
        self.put(&record, &envelope, &[list], end, "");
    }

    /// Moves a message from `unacked` into lists, if it is still there, and not since later than `latest`.
    pub(super) fn put(&mut self, record: &str, envelope: &[u8], lists: &[String], end: End, latest: &str) {
        let layout = &self.policy.layout;
        let mut command = self.scripts.put.run(2 + lists.len());
        command.arg(&*layout.unacked).arg(&*layout.unacked_index).arg(lists);
        let push = if end == End::Next { "RPUSH" } else { "LPUSH" };
        command.arg(record).arg(envelope).arg(push).arg(latest);
        self.order(command, Purpose::Nothing);
    }

    /// Gives everything back: the worker closes its connection.
    pub(super) fn give_all_back(&mut self) {
        for held in self.take_held() {
            self.give_back(held, 0, End::Next);
        }
    }

    /// All that is held, in the order in which it goes back: the oldest last, to be the next again. With `kombu` first.
    fn take_held(&mut self) -> Vec<Held> {
        let mut held: Vec<Held> = std::mem::take(&mut self.held).into_values().collect();
        if self.policy.consume == RedisConsume::Atomic {
            held.reverse();
        }
        held
    }

    /// Whether the server was told of all acks, and no take is under way, whose messages would have to go back too.
    pub(super) fn is_settled(&self) -> bool {
        self.acked.is_empty() && self.asked.is_empty()
    }

    /// Settles what the channel before this one had when its connection was lost. The worker has forgotten it, and nobody
    /// renews it: it goes back now, and not when its time is over. What was acked is acked again, in case that it had not
    /// arrived.
    pub(super) fn inherit(&mut self, before: &mut Channel) {
        self.acked.extend(std::mem::take(&mut before.acking).into_iter().flatten());
        self.acked.append(&mut before.acked);
        for held in before.take_held() {
            if planted(Planted::HeldNotInherited) {
                continue;
            }
            self.requeue_held(held, End::Next);
        }
        // A take whose answer was lost may have moved messages: their records would have these keys. A pop leaves no trace.
        let atomic = self.policy.consume == RedisConsume::Atomic && !planted(Planted::OrphansForgotten);
        for tag in std::mem::take(&mut before.asked).filter(|_| atomic) {
            let record = format!("{}{tag}", before.tags);
            let mut get = cmd("HGET");
            get.arg(&*self.policy.layout.unacked).arg(&record);
            self.order(get, Purpose::Orphan(record.into()));
        }
    }
}
