//! The broker as a whole: channels come and go, methods are applied, deadlines pass.

use super::channel::Channel;
use super::connection::Connection;
use super::consumers::ConsumerId;
use super::dead_letter::Departure;
use super::error::ChannelError;
use super::exchange::Exchange;
use super::names::NameMap;
use super::queue::{Queue, QueueId};
use super::slots::Slots;
use super::{ChannelId, Event, Method, Name, Output, RabbitConfig, closes_connection};
use crate::planted::{Fault as Planted, planted};
use std::collections::{BTreeSet, VecDeque};

/// An AMQP-0-9-1-like broker without I/O, clock or randomness.
///
/// Times are nanoseconds of one monotonic clock of the caller's choice (`x-death` shows them as seconds). Nothing
/// happens between calls: the caller asks [`Engine::next_deadline`] when to call [`Engine::expire`]. No sequence of
/// calls panics; a client's error closes its channel with RabbitMQ's code and text.
///
/// Mirrors RabbitMQ's classic queues (plus `x-delivery-limit`), with these decisions where there is room:
///
/// - consumers of a queue are served in turn in the order of subscription, skipping full ones; a channel whose window
///   opens serves the queues that waited for it in the order in which they began to wait;
/// - `no_ack` deliveries and what `basic.get` fetched do not count against the prefetch;
/// - only the head of a queue expires, and a head may still be delivered at the very instant of its deadline;
/// - a queue that is declared without a name is called `amq.gen-<n>`, an unnamed consumer `amq.ctag-<n>`.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) exchanges: NameMap<Exchange>,
    pub(super) queues: Slots<Queue>,
    pub(super) queue_names: NameMap<QueueId>,
    pub(super) channels: Slots<Channel>,
    pub(super) connections: Slots<Connection>,
    /// Every queue's deadline, as its `armed` says.
    pub(super) timers: BTreeSet<(u64, QueueId)>,
    /// Queues to be served before the current call ends.
    pub(super) dirty: VecDeque<QueueId>,
    /// Messages to be dead-lettered before the current call ends.
    pub(super) departures: VecDeque<Departure>,
    /// Scratch: the queues that the current publish goes to.
    pub(super) targets: Vec<QueueId>,
    pub(super) last_consumer: ConsumerId,
    pub(super) last_generated: u64,
    /// Persistent messages are refused.
    pub(super) full: bool,
    /// It is a RabbitMQ, with these settings.
    pub(super) rabbit: Option<RabbitConfig>,
    /// When the oldest delivery of a channel will be too old.
    pub(super) watches: BTreeSet<(u64, ChannelId)>,
    /// Why nobody may publish.
    pub(super) alarm: Option<Name>,
    /// The default exchange's name, the consumer of a `get-ok`.
    pub(super) nameless: Name,
}

impl Default for Engine {
    fn default() -> Self {
        Engine {
            exchanges: Exchange::predeclared(),
            queues: Slots::default(),
            queue_names: NameMap::default(),
            channels: Slots::default(),
            connections: Slots::default(),
            timers: BTreeSet::new(),
            dirty: VecDeque::new(),
            departures: VecDeque::new(),
            targets: Vec::new(),
            last_consumer: 0,
            last_generated: 0,
            full: false,
            rabbit: None,
            watches: BTreeSet::new(),
            alarm: None,
            nameless: Name::from(""),
        }
    }
}

impl Engine {
    /// Applies one method of a client, with all that follows from it at `now`.
    ///
    /// A client's error is answered by [`Event::Closed`]; its unacked messages return to their queues and the channel
    /// ignores everything further. Its exclusive queues stay until [`Engine::close`].
    pub fn apply(&mut self, ch: ChannelId, method: Method, now: u64, out: &mut impl Output) {
        if self.channels.get(ch.0).is_none_or(|channel| channel.closed) {
            return;
        }
        if self.alarm.is_some() && self.leaves_unread(ch, &method, out) {
            return;
        }
        if let Err(error) = self.handle(ch, method, now, out) {
            self.fail(ch, &error, now, out);
        }
        self.run(now, out);
    }

    /// Closes a channel, or all of its connection.
    pub(super) fn fail(&mut self, ch: ChannelId, error: &ChannelError, now: u64, out: &mut impl Output) {
        let code = error.code();
        let mut closed = self.whom_it_closes(ch, closes_connection(code));
        closed.retain(|ch| {
            self.channels.get_mut(ch.0).is_some_and(|channel| !std::mem::replace(&mut channel.closed, true))
        });
        for ch in &closed {
            out.send(*ch, Event::Closed { code, text: error.text() });
        }
        self.release_channels(&closed, now, out);
    }

    pub(super) fn release_channels(&mut self, channels: &[ChannelId], now: u64, out: &mut impl Output) {
        if self.rabbit.is_some() {
            return self.release_rabbit_channels(channels, now, out);
        }
        channels.iter().for_each(|ch| self.release_channel(*ch, now, out));
    }

    /// The earliest moment at which a message expires, an unused queue is deleted or a channel is closed because it
    /// acked too late, in nanoseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let timer = self.timers.first().map(|(deadline, _)| *deadline);
        let watch = self.watches.first().map(|(deadline, _)| *deadline);
        [timer, watch].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub fn expire(&mut self, now: u64, out: &mut impl Output) {
        while let Some(&(deadline, id)) = self.timers.first()
            && deadline <= now
        {
            if self.queues.get(id.0).is_some_and(|queue| queue.lease_deadline() <= deadline) {
                self.delete_queue(id, out);
            } else {
                self.mark_dirty(id);
            }
            self.run(now, out);
        }
        self.close_late_channels(now, out);
    }

    fn handle(&mut self, ch: ChannelId, method: Method, now: u64, out: &mut impl Output) -> Result<(), ChannelError> {
        match method {
            Method::Publish { exchange, routing_key, mandatory, message } => {
                self.publish(ch, exchange, routing_key, mandatory, message, now, out)
            }
            Method::Ack { tag, multiple } => self.ack(ch, tag, multiple, now, out),
            Method::Nack { tag, multiple, requeue } => self.nack(ch, tag, multiple, requeue, now, out),
            Method::Release { tag } => self.release(ch, tag, now, out),
            Method::Get { queue, no_ack } => self.get(ch, &queue, no_ack, now, out),
            Method::Consume { queue, consumer, no_ack } => self.consume(ch, &queue, consumer, no_ack, out),
            Method::Cancel { consumer } => self.cancel(ch, &consumer, now, out),
            Method::Qos { prefetch } => self.qos(ch, prefetch, now, out),
            Method::ConfirmSelect => self.select_confirms(ch, out),
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete } => {
                self.declare_exchange(ch, exchange, kind, durable, auto_delete, out)
            }
            Method::ExchangeDelete { exchange } => self.delete_exchange(ch, &exchange, false, out),
            Method::QueueDeclare { queue, passive, options } => {
                self.declare_queue(ch, queue, passive, options, now, out)
            }
            Method::QueueDelete { queue } => self.delete_named_queue(ch, &queue, out),
            Method::QueuePurge { queue } => self.purge(ch, &queue, out),
            Method::QueueBind { queue, exchange, routing_key } => self.bind(ch, &queue, exchange, routing_key, out),
            Method::QueueUnbind { queue, exchange, routing_key } => self.unbind(ch, &queue, exchange, routing_key, out),
            Method::Rare(rare) => self.handle_rare(ch, *rare, now, out),
        }
    }

    /// The queue of that name, if `ch` may use it.
    pub(super) fn usable_queue(&self, ch: ChannelId, name: &Name) -> Result<QueueId, ChannelError> {
        let id = self.queue_id(name).ok_or_else(|| ChannelError::NoQueue(name.clone()))?;
        if let Some(queue) = self.queues.get(id.0) {
            queue.check_access(self.connection_of(ch))?;
        }
        Ok(id)
    }

    pub(super) fn queue_id(&self, name: &str) -> Option<QueueId> {
        self.queue_names.get(name).copied()
    }

    /// Takes a channel's consumers off their queues and returns its unacked messages.
    fn release_channel(&mut self, ch: ChannelId, now: u64, out: &mut impl Output) {
        let Some(channel) = self.channels.get_mut(ch.0) else { return };
        let consumers = std::mem::take(&mut channel.consumers);
        channel.parked.clear();
        let unacked = channel.release(u64::MAX);
        let mut abandoned = Vec::new();
        for (queue, consumer) in consumers.into_values() {
            abandoned.extend(self.remove_consumer(queue, consumer, now).then_some(queue));
        }
        for (_, held) in unacked {
            if planted(Planted::RequeueForgotten) {
                continue;
            }
            self.requeue(held, out);
        }
        for queue in abandoned {
            self.delete_queue(queue, out);
        }
    }

    /// Whether this leaves an auto-delete queue without consumers.
    pub(super) fn remove_consumer(&mut self, id: QueueId, consumer: ConsumerId, now: u64) -> bool {
        let Some(queue) = self.queues.get_mut(id.0) else { return false };
        match &mut queue.line {
            Some(line) => line.cancel(consumer),
            None => queue.consumers.remove(consumer),
        }
        queue.touch(now);
        let unused = queue.options.auto_delete && !queue.has_consumers();
        self.mark_dirty(id);
        unused
    }
}
