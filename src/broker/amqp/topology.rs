//! Exchanges, queues and bindings: declared, deleted, bound, purged.

use super::change::{Change, Kind};
use super::dispatch::disarm;
use super::error::ChannelError;
use super::exchange::Exchange;
use super::kept::tell_gone;
use super::queue::{Queue, QueueId};
use super::{ChannelId, DropReason, Engine, Event, ExchangeKind, Movement, Name, Output, QueueOptions};
use std::ops::Bound::{Included, Unbounded};

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

    /// Deleting what does not exist is no error.
    pub(super) fn delete_exchange(
        &mut self,
        ch: ChannelId,
        exchange: &Name,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(exchange)?;
        check_not_reserved("exchange", exchange)?;
        if let Some(gone) = self.exchanges.swap_remove(exchange) {
            tell_exchange_gone(exchange, &gone, out);
            for queue in self.queues.values_mut() {
                forget_bindings_to(queue, exchange);
            }
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
            let (messages, consumers) = (count(queue.ready.len()), count(queue.consumers.len()));
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
        if options.expires == Some(0) {
            let problem = "value must be greater than zero";
            return Err(ChannelError::InvalidArgument { argument: "x-expires", queue: name, problem });
        }
        let name = if name.is_empty() { self.generate_name(GENERATED) } else { name };
        if let Some(id) = self.queue_id(&name) {
            if let Some(queue) = self.queues.get(id.0) {
                queue.check_equivalent(ch, &options)?;
            }
            return Ok(id);
        }
        let owner = options.exclusive.then_some(ch);
        let queue = Queue::new(name.clone(), options, owner, now);
        let survives = queue.survives_restart();
        let id = QueueId(self.queues.insert(queue));
        if survives && let Some(queue) = self.queues.get(id.0) {
            out.changed(Change(Kind::QueueDeclared { queue: id.0, name: &name, options: &queue.options }));
        }
        self.queue_names.insert(name, id);
        if let (Some(_), Some(channel)) = (owner, self.channels.get_mut(ch.0)) {
            channel.exclusive.push(id);
        }
        Ok(id)
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
            tell_gone(id, &gone, out);
        }
        out.send(ch, Event::QueueDeleted { messages });
        self.mark_dirty(id);
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        exchange: Name,
        routing_key: Name,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(&exchange)?;
        let id = self.usable_queue(ch, queue)?;
        let Some(source) = self.exchanges.get_mut(&exchange) else {
            return Err(ChannelError::NoExchange(exchange));
        };
        if let Some(queue) = self.queues.get_mut(id.0)
            && queue.bindings.insert((exchange.clone(), routing_key.clone()))
        {
            if queue.survives_restart() && source.durable {
                let bound = Kind::Bound { queue: id.0, exchange: &exchange, routing_key: &routing_key };
                out.changed(Change(bound));
            }
            source.bind(&routing_key, id);
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    /// Unbinding what is not bound is no error.
    pub(super) fn unbind(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        exchange: Name,
        routing_key: Name,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(&exchange)?;
        if self.queue_id(queue).is_some() {
            let id = self.usable_queue(ch, queue)?;
            let binding = (exchange, routing_key);
            let queue = self.queues.get_mut(id.0);
            if let Some(queue) = queue.filter(|queue| queue.bindings.contains(&binding)) {
                queue.bindings.remove(&binding);
                let (exchange, routing_key) = &binding;
                if queue.survives_restart() {
                    out.changed(Change(Kind::Unbound { queue: id.0, exchange, routing_key }));
                }
                self.unbind_exchange(id, &binding, out);
            }
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    /// Removes a queue with all that refers to it; its messages are dropped, not dead-lettered.
    pub(super) fn delete_queue(&mut self, id: QueueId, out: &mut impl Output) {
        let Some(mut queue) = self.remove_queue(id) else { return };
        for binding in std::mem::take(&mut queue.bindings) {
            self.unbind_exchange(id, &binding, out);
        }
        for consumer in queue.consumers.iter() {
            if let Some(channel) = self.channels.get_mut(consumer.channel.0) {
                channel.forget_consumer(&consumer.tag);
                out.send(consumer.channel, Event::ConsumerCancelled { consumer: consumer.tag.clone() });
            }
        }
        let reason = DropReason::QueueDeleted;
        let mut bytes = 0;
        for gone in queue.ready.drain() {
            bytes += u64::from(gone.journaled);
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
        if let Some(owner) = queue.owner.and_then(|owner| self.channels.get_mut(owner.0)) {
            owner.exclusive.retain(|owned| *owned != id);
        }
        Some(queue)
    }

    /// Removes a binding from its exchange, and the exchange if that was the last of an auto-delete one.
    fn unbind_exchange(&mut self, id: QueueId, (exchange, routing_key): &(Name, Name), out: &mut impl Output) {
        let Some(source) = self.exchanges.get_mut(exchange) else { return };
        source.unbind(routing_key, id);
        if source.auto_delete && source.is_unbound() {
            tell_exchange_gone(exchange, source, out);
            self.exchanges.swap_remove(exchange);
        }
    }
}

fn tell_exchange_gone(exchange: &Name, gone: &Exchange, out: &mut impl Output) {
    if gone.durable {
        out.changed(Change(Kind::ExchangeDeleted { exchange }));
    }
}

fn forget_bindings_to(queue: &mut Queue, exchange: &Name) {
    let from = (exchange.clone(), Name::from(""));
    let to_exchange = queue.bindings.range((Included(&from), Unbounded)).take_while(|(name, _)| name == exchange);
    for binding in to_exchange.cloned().collect::<Vec<_>>() {
        queue.bindings.remove(&binding);
    }
}

fn check_not_default(exchange: &Name) -> Result<(), ChannelError> {
    if exchange.is_empty() { Err(ChannelError::DefaultExchange) } else { Ok(()) }
}

fn check_not_reserved(kind: &'static str, name: &Name) -> Result<(), ChannelError> {
    if name.starts_with(RESERVED) {
        return Err(ChannelError::ReservedName { kind, name: name.clone() });
    }
    Ok(())
}

/// As AMQP writes counts.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
