//! Exchanges and queues: declared, deleted, purged.

use super::arguments::{check_type, check_values};
use super::bindings::{check_not_default, check_not_reserved};
use super::change::{Change, Kind};
use super::dispatch::disarm;
use super::error::ChannelError;
use super::exchange::Exchange;
use super::kept::tell_gone;
use super::line::Line;
use super::lost::Was;
use super::queue::{Queue, QueueId};
use super::{ChannelId, DropReason, Engine, Event, ExchangeKind, Movement, Name, Output, QueueOptions};

/// Names that only the broker gives.
pub(super) const RESERVED: &str = "amq.";

/// What the names of unnamed queues begin with.
pub(super) const GENERATED: &str = "amq.gen";

impl Engine {
    pub(super) fn declare_exchange(
        &mut self,
        ch: ChannelId,
        exchange: Name,
        kind: ExchangeKind,
        durable: bool,
        auto_delete: bool,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(&exchange)?;
        if kind == ExchangeKind::Headers && self.rabbit.is_none() {
            return Err(ChannelError::NotImplemented("exchanges of type headers"));
        }
        if let Some(existing) = self.exchanges.get(&exchange) {
            existing.check_equivalent(&exchange, kind, durable, auto_delete)?;
        } else {
            check_not_reserved("exchange", &exchange)?;
            if durable {
                out.changed(Change(Kind::ExchangeDeclared { exchange: &exchange, kind, auto_delete }));
            }
            self.exchanges.insert(exchange, Exchange::new(kind, durable, auto_delete));
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    pub(super) fn declare_queue(
        &mut self,
        ch: ChannelId,
        name: Name,
        passive: bool,
        options: QueueOptions,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let id = if passive {
            self.usable_queue(ch, &name)?
        } else {
            self.existing_or_new_queue(ch, name, options, now, out)?
        };
        if let Some(queue) = self.queues.get_mut(id.0) {
            queue.touch(now);
            let (messages, consumers) = (count(queue.ready.len()), count(queue.consumer_count()));
            out.send(ch, Event::QueueDeclared { queue: queue.name.clone(), messages, consumers });
        }
        self.mark_dirty(id);
        Ok(())
    }

    fn existing_or_new_queue(
        &mut self,
        ch: ChannelId,
        name: Name,
        options: QueueOptions,
        now: u64,
        out: &mut impl Output,
    ) -> Result<QueueId, ChannelError> {
        check_not_reserved("queue", &name)?;
        if name.is_empty() && options.quorum {
            return Err(ChannelError::ServerNamedQuorum);
        }
        let connection = self.connection_of(ch);
        let name = if name.is_empty() { self.generate_name(GENERATED) } else { name };
        if let Some(id) = self.queue_id(&name) {
            if let Some(queue) = self.queues.get(id.0) {
                queue.check_equivalent(connection, &options)?;
            }
            return Ok(id);
        }
        self.check_new_queue(&name, &options)?;
        let owner = options.exclusive.then_some(connection);
        let mut queue = Queue::new(name.clone(), options, owner, now);
        if self.rabbit.is_some() {
            queue.line = Some(Box::new(Line::new(queue.options.quorum, queue.options.single_active_consumer)));
        }
        let survives = queue.survives_restart();
        let id = QueueId(self.queues.insert(queue));
        if survives && let Some(queue) = self.queues.get(id.0) {
            out.changed(Change(Kind::QueueDeclared { queue: id.0, name: &name, options: &queue.options }));
        }
        self.queue_names.insert(name, id);
        if let Some(connection) = owner.and_then(|owner| self.connections.get_mut(owner.0)) {
            connection.exclusive.push(id);
        }
        Ok(id)
    }

    fn check_new_queue(&self, name: &Name, options: &QueueOptions) -> Result<(), ChannelError> {
        check_values(name, options)?;
        if self.rabbit.is_some() {
            return check_type(name, options);
        }
        if options.quorum || options.single_active_consumer || options.dead_letter_at_least_once {
            return Err(ChannelError::NotImplemented("queues of this type, or with a single active consumer"));
        }
        Ok(())
    }

    /// A name that no queue or consumer has.
    pub(super) fn generate_name(&mut self, prefix: &str) -> Name {
        self.last_generated += 1;
        Name::from(format!("{prefix}-{}", self.last_generated))
    }

    /// Deleting what does not exist is no error.
    pub(super) fn delete_named_queue(
        &mut self,
        ch: ChannelId,
        name: &Name,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let mut messages = 0;
        if self.queue_id(name).is_some() {
            let id = self.usable_queue(ch, name)?;
            messages = self.queues.get(id.0).map_or(0, |queue| count(queue.ready.len()));
            self.delete_queue(id, out);
        }
        out.send(ch, Event::QueueDeleted { messages });
        Ok(())
    }

    pub(super) fn purge(&mut self, ch: ChannelId, name: &Name, out: &mut impl Output) -> Result<(), ChannelError> {
        let id = self.usable_queue(ch, name)?;
        let Some(queue) = self.queues.get_mut(id.0) else { return Ok(()) };
        let messages = count(queue.ready.len());
        for gone in queue.ready.drain() {
            let reason = DropReason::Purged;
            out.moved(Movement::Dropped { queue: &queue.name, message: &gone.message, reason });
            tell_gone(id, &gone, Was::Ready, out);
        }
        out.send(ch, Event::QueueDeleted { messages });
        self.mark_dirty(id);
        Ok(())
    }

    /// Removes a queue with all that refers to it; its messages are dropped, not dead-lettered.
    pub(super) fn delete_queue(&mut self, id: QueueId, out: &mut impl Output) {
        let Some(mut queue) = self.remove_queue(id) else { return };
        for binding in std::mem::take(&mut queue.bindings) {
            self.unbind_exchange(id, &binding, out);
        }
        self.forget_other_bindings(id, out);
        let served = queue.line.iter().flat_map(|line| line.iter()).map(|served| (served.channel, &served.tag));
        for (ch, tag) in queue.consumers.iter().map(|consumer| (consumer.channel, &consumer.tag)).chain(served) {
            if let Some(channel) = self.channels.get_mut(ch.0) {
                channel.forget_consumer(tag);
                out.send(ch, Event::ConsumerCancelled { consumer: tag.clone() });
            }
        }
        let reason = DropReason::QueueDeleted;
        let mut bytes = 0;
        for gone in queue.ready.drain() {
            bytes += u64::from(gone.journaled);
            out.moved(Movement::Dropped { queue: &queue.name, message: &gone.message, reason });
        }
        for gone in queue.letters.iter().flat_map(|letters| letters.iter()) {
            out.moved(Movement::Dropped { queue: &queue.name, message: &gone.message, reason });
        }
        if queue.unacked > 0 {
            // Channels keep what they hold: its acks stay valid and free their windows, but settle nothing.
            for held in self.channels.iter().flat_map(|(_, channel)| channel.unacked().iter()).map(|(_, held)| held) {
                if held.queue == id {
                    bytes += u64::from(held.message.journaled);
                    out.moved(Movement::Dropped { queue: &queue.name, message: &held.message.message, reason });
                }
            }
        }
        if queue.survives_restart() {
            out.changed(Change(Kind::QueueDeleted { queue: id.0, bytes }));
        }
    }

    /// Takes a queue out of the tables, not out of exchanges and channels.
    pub(super) fn remove_queue(&mut self, id: QueueId) -> Option<Queue> {
        let mut queue = self.queues.remove(id.0)?;
        disarm(id, &mut queue, &mut self.timers);
        self.queue_names.swap_remove(&queue.name);
        if let Some(owner) = queue.owner.and_then(|owner| self.connections.get_mut(owner.0)) {
            owner.exclusive.retain(|owned| *owned != id);
        }
        Some(queue)
    }
}

/// As AMQP writes counts.
pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
