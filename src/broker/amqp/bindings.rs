//! Bindings: made, removed, and what goes with the last of them.

use super::change::{Change, Kind};
use super::error::ChannelError;
use super::exchange::{Exchange, OtherBinding, Target};
use super::queue::{Queue, QueueId};
use super::topology::RESERVED;
use super::{Binding, ChannelId, Destination, Engine, Event, ExchangeKind, Name, Output, headers};
use std::ops::Bound::{Included, Unbounded};

impl Engine {
    pub(super) fn bind(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        exchange: Name,
        routing_key: Name,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(&exchange)?;
        if !self.exchanges.contains_key(&exchange) {
            return Err(ChannelError::NoExchange(exchange));
        }
        let id = self.usable_queue(ch, queue)?;
        let Some(source) = self.exchanges.get_mut(&exchange) else { return Ok(()) };
        if source.kind() == ExchangeKind::Headers {
            let to = Destination::Queue(queue.clone());
            return self.bind_other(ch, Binding { exchange, to, routing_key, arguments: Default::default() }, out);
        }
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
        if self.exchanges.get(&exchange).is_some_and(|source| source.kind() == ExchangeKind::Headers) {
            let to = Destination::Queue(queue.clone());
            return self.unbind_other(ch, Binding { exchange, to, routing_key, arguments: Default::default() }, out);
        }
        let binding = (exchange, routing_key);
        let bound = self.queue_id(queue).filter(|id| self.is_bound(*id, &binding));
        if let Some(id) = bound {
            self.usable_queue(ch, queue)?;
            if let Some(queue) = self.queues.get_mut(id.0) {
                queue.bindings.remove(&binding);
                let (exchange, routing_key) = &binding;
                if queue.survives_restart() {
                    out.changed(Change(Kind::Unbound { queue: id.0, exchange, routing_key }));
                }
            }
            self.unbind_exchange(id, &binding, out);
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    fn is_bound(&self, id: QueueId, binding: &(Name, Name)) -> bool {
        self.queues.get(id.0).is_some_and(|queue| queue.bindings.contains(binding))
    }

    /// Makes any binding that a client of RabbitMQ asks for.
    pub(super) fn bind_any(
        &mut self,
        ch: ChannelId,
        binding: Binding,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        match &binding.to {
            Destination::Queue(queue) if binding.arguments.is_empty() => {
                self.bind(ch, queue, binding.exchange, binding.routing_key, out)
            }
            _ => self.bind_other(ch, binding, out),
        }
    }

    pub(super) fn unbind_any(
        &mut self,
        ch: ChannelId,
        binding: Binding,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        match &binding.to {
            Destination::Queue(queue) if binding.arguments.is_empty() => {
                self.unbind(ch, queue, binding.exchange, binding.routing_key, out)
            }
            _ => self.unbind_other(ch, binding, out),
        }
    }

    fn bind_other(&mut self, ch: ChannelId, binding: Binding, out: &mut impl Output) -> Result<(), ChannelError> {
        let Binding { exchange, to, routing_key, arguments } = binding;
        if self.rabbit.is_none() {
            return Err(ChannelError::NotImplemented("bindings between exchanges, or with arguments"));
        }
        check_ends(&exchange, &to)?;
        let kind = self.exchanges.get(&exchange).map(Exchange::kind);
        let kind = kind.ok_or_else(|| ChannelError::NoExchange(exchange.clone()))?;
        let target = self.target(&to).ok_or(match to {
            Destination::Queue(queue) => ChannelError::NoQueue(queue),
            Destination::Exchange(exchange) => ChannelError::NoExchange(exchange),
        })?;
        if let Some(problem) = headers::problem(&arguments).filter(|_| kind == ExchangeKind::Headers) {
            return Err(ChannelError::InvalidBinding(problem));
        }
        self.check_target(ch, &target)?;
        let other = OtherBinding { to: target, routing_key, arguments };
        if let Some(source) = self.exchanges.get_mut(&exchange)
            && !source.others.contains(&other)
        {
            source.others.push(other);
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    fn unbind_other(&mut self, ch: ChannelId, binding: Binding, out: &mut impl Output) -> Result<(), ChannelError> {
        let Binding { exchange, to, routing_key, arguments } = binding;
        check_ends(&exchange, &to)?;
        if let Some(target) = self.target(&to) {
            let other = OtherBinding { to: target, routing_key, arguments };
            let found = self.exchanges.get(&exchange).is_some_and(|source| source.others.contains(&other));
            if found {
                self.check_target(ch, &other.to)?;
                self.remove_others(|name, binding| *name == exchange && *binding == other, out);
            }
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    fn target(&self, to: &Destination) -> Option<Target> {
        match to {
            Destination::Queue(queue) => self.queue_id(queue).map(Target::Queue),
            Destination::Exchange(name) => self.exchanges.contains_key(name).then(|| Target::Exchange(name.clone())),
        }
    }

    fn check_target(&self, ch: ChannelId, target: &Target) -> Result<(), ChannelError> {
        match target {
            Target::Queue(id) => {
                let queue = self.queues.get(id.0);
                queue.map_or(Ok(()), |queue| queue.check_access(self.connection_of(ch)))
            }
            Target::Exchange(_) => Ok(()),
        }
    }

    /// A queue is gone.
    pub(super) fn forget_other_bindings(&mut self, id: QueueId, out: &mut impl Output) {
        if self.rabbit.is_some() {
            self.remove_others(|_, binding| binding.to == Target::Queue(id), out);
        }
    }

    /// Removes bindings, exchanges that go with their last one, and the bindings to those.
    fn remove_others(&mut self, gone: impl Fn(&Name, &OtherBinding) -> bool, out: &mut impl Output) {
        let mut unbound = Vec::new();
        for (name, source) in &mut self.exchanges {
            let before = source.others.len();
            source.others.retain(|binding| !gone(name, binding));
            if source.others.len() < before && source.auto_delete && source.is_unbound() {
                unbound.push(name.clone());
            }
        }
        unbound.iter().for_each(|name| self.remove_exchange(name, out));
    }

    /// Deleting what does not exist is no error.
    pub(super) fn delete_exchange(
        &mut self,
        ch: ChannelId,
        exchange: &Name,
        if_unused: bool,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        check_not_default(exchange)?;
        if exchange.starts_with(RESERVED) {
            return Err(ChannelError::SystemExchange(exchange.clone()));
        }
        if if_unused && self.exchanges.get(exchange).is_some_and(|source| !source.is_unbound()) {
            return Err(ChannelError::Condition { kind: "exchange", name: exchange.clone(), how: "in use" });
        }
        self.remove_exchange(exchange, out);
        out.send(ch, Event::Done);
        Ok(())
    }

    /// Removes an exchange with the bindings from it and to it.
    fn remove_exchange(&mut self, exchange: &Name, out: &mut impl Output) {
        let Some(gone) = self.exchanges.swap_remove(exchange) else { return };
        if gone.durable {
            out.changed(Change(Kind::ExchangeDeleted { exchange }));
        }
        for queue in self.queues.values_mut() {
            forget_bindings_to(queue, exchange);
        }
        if self.rabbit.is_some() {
            self.remove_others(|_, binding| binding.to == Target::Exchange(exchange.clone()), out);
        }
    }

    /// Removes a binding from its exchange, and the exchange if that was the last of an auto-delete one.
    pub(super) fn unbind_exchange(
        &mut self,
        id: QueueId,
        (exchange, routing_key): &(Name, Name),
        out: &mut impl Output,
    ) {
        let Some(source) = self.exchanges.get_mut(exchange) else { return };
        source.unbind(routing_key, id);
        if source.auto_delete && source.is_unbound() {
            self.remove_exchange(exchange, out);
        }
    }
}

fn forget_bindings_to(queue: &mut Queue, exchange: &Name) {
    let from = (exchange.clone(), Name::from(""));
    let to_exchange = queue.bindings.range((Included(&from), Unbounded)).take_while(|(name, _)| name == exchange);
    for binding in to_exchange.cloned().collect::<Vec<_>>() {
        queue.bindings.remove(&binding);
    }
}

fn check_ends(exchange: &Name, to: &Destination) -> Result<(), ChannelError> {
    match to {
        Destination::Exchange(to) => check_not_default(to)?,
        Destination::Queue(_) => {}
    }
    check_not_default(exchange)
}

pub(super) fn check_not_default(exchange: &Name) -> Result<(), ChannelError> {
    if exchange.is_empty() { Err(ChannelError::DefaultExchange) } else { Ok(()) }
}

pub(super) fn check_not_reserved(kind: &'static str, name: &Name) -> Result<(), ChannelError> {
    if name.starts_with(RESERVED) {
        return Err(ChannelError::ReservedName { kind, name: name.clone() });
    }
    Ok(())
}
