//! The engine as a RabbitMQ 3.10: what it has beyond the embedded broker, or does otherwise.
//!
//! Mirrored, as the pages of its documentation say and a node of that version does (`tests/rabbit_conformance.rs`):
//! *Queues*, *Quorum Queues*, *Queue Length Limit*, *Time-To-Live*, *Dead Letter Exchanges*, *Priority Queues*,
//! *Consumers*, *Consumer Priorities*, *Single Active Consumer*, *Consumer Prefetch*, *Consumer Acknowledgements and
//! Publisher Confirms*, *Exchange to Exchange Bindings*, *Memory and Disk Alarms*; reply codes and texts.
//!
//! Mirrored, and not compared with a node: what its disk loses with the power ([`super::lost`]), and what becomes of queues when
//! a node of a cluster dies ([`Engine::fail_over`]).
//!
//! Not mirrored: streams, transactions, `immediate`, `no-local`, the direct reply-to queue, `CC` and `BCC` headers, alternate
//! and internal exchanges, policies, permissions, virtual hosts other than `/`, queues named by the last declaration, flow
//! control by credit; a quorum queue delivers before its log is synced, and has a new leader at once. Where RabbitMQ leaves
//! something to chance or to the scheduling of its processes, such as which of several queues serves a channel first whose
//! window opens, the engine has one order.

use super::dispatch::{HandOver, retire_head};
use super::error::ChannelError;
use super::output::DeathReason;
use super::queue::QueueId;
use super::quorum::Back;
use super::settling::How;
use super::{ChannelId, ConsumeOptions, DeliveryTag, Engine, Event, Name, Output, Rare};

/// Settings of a RabbitMQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RabbitConfig {
    /// `consumer_timeout`, milliseconds: a channel with an older delivery is closed (406), at the next tick. `None` for
    /// no limit. Default: 30 minutes.
    pub consumer_timeout: Option<u64>,
    /// `channel_tick_interval`, milliseconds: how often a channel looks at the age of its deliveries. RabbitMQ's
    /// channels begin to count when they are opened, the engine's all at once. Default: a minute.
    pub channel_tick: u64,
    /// `dead_letter_worker_publisher_confirm_timeout`, milliseconds: how often a quorum queue tries `at-least-once` dead
    /// letters again that no queue has taken. Default: 3 minutes.
    pub dead_letter_retry: u64,
}

impl Default for RabbitConfig {
    fn default() -> Self {
        RabbitConfig { consumer_timeout: Some(1_800_000), channel_tick: 60_000, dead_letter_retry: 180_000 }
    }
}

impl Engine {
    /// A RabbitMQ, instead of the embedded broker.
    pub fn rabbit(config: RabbitConfig) -> Engine {
        Engine { rabbit: Some(config), ..Engine::default() }
    }

    pub(super) fn handle_rare(
        &mut self,
        ch: ChannelId,
        rare: Rare,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        match rare {
            Rare::ExchangeExists { exchange } => self.check_exchange(ch, &exchange, out),
            Rare::ExchangeDelete { exchange, if_unused } => self.delete_exchange(ch, &exchange, if_unused, out),
            Rare::Bind(binding) => self.bind_any(ch, binding, out),
            Rare::Unbind(binding) => self.unbind_any(ch, binding, out),
            Rare::QueueDelete { queue, if_unused, if_empty } => {
                self.check_deletable(ch, &queue, if_unused, if_empty)?;
                self.delete_named_queue(ch, &queue, out)
            }
            _ if self.rabbit.is_none() => Err(ChannelError::NotImplemented("the embedded broker has no such method")),
            Rare::Consume { queue, consumer, options } => {
                let consumer = if consumer.is_empty() { self.generate_name("amq.ctag") } else { consumer };
                let answer = Event::Consuming { consumer: consumer.clone() };
                self.consume_in_line(ch, &queue, consumer, options, answer, out)
            }
            Rare::QosEach { prefetch } => {
                if let Some(channel) = self.channels.get_mut(ch.0) {
                    channel.prefetch_each = prefetch;
                    channel.limit(0);
                }
                out.send(ch, Event::Done);
                self.unpark(ch, now, out);
                Ok(())
            }
            Rare::Recover => {
                let all = self.channels.get_mut(ch.0).map(|channel| channel.release(DeliveryTag::MAX));
                self.settle_in_groups(all.unwrap_or_default(), How::Return(Back::Requeued), now, out);
                self.unpark(ch, now, out);
                out.send(ch, Event::Done);
                Ok(())
            }
        }
    }

    fn check_exchange(&mut self, ch: ChannelId, exchange: &Name, out: &mut impl Output) -> Result<(), ChannelError> {
        super::bindings::check_not_default(exchange)?;
        if !self.exchanges.contains_key(exchange) {
            return Err(ChannelError::NoExchange(exchange.clone()));
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    fn check_deletable(&self, ch: ChannelId, name: &Name, if_unused: bool, if_empty: bool) -> Result<(), ChannelError> {
        if self.queue_id(name).is_none() {
            return Ok(());
        }
        let id = self.usable_queue(ch, name)?;
        let Some(queue) = self.queues.get(id.0) else { return Ok(()) };
        let flag = if if_unused { "if-unused" } else { "if-empty" };
        if queue.options.quorum && (if_unused || if_empty) {
            return Err(ChannelError::ConditionalDelete { queue: name.clone(), flag });
        }
        for (applies, how) in
            [(if_empty && !queue.ready.is_empty(), "not empty"), (if_unused && queue.has_consumers(), "in use")]
        {
            if applies {
                return Err(ChannelError::Condition { kind: "queue", name: name.clone(), how });
            }
        }
        Ok(())
    }

    pub(super) fn consume_in_line(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        tag: Name,
        options: ConsumeOptions,
        answer: Event,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let tag = if tag.is_empty() { self.generate_name("amq.ctag") } else { tag };
        if self.channels.get(ch.0).is_some_and(|channel| channel.consumers.contains_key(&tag)) {
            return Err(ChannelError::ConsumerTagInUse(tag));
        }
        let id = self.usable_queue(ch, queue)?;
        let (Some(channel), Some(queue)) = (self.channels.get_mut(ch.0), self.queues.get_mut(id.0)) else {
            return Ok(());
        };
        let Some(line) = &mut queue.line else { return Ok(()) };
        if line.quorum && channel.prefetch > 0 {
            return Err(ChannelError::GlobalQos(queue.name.clone()));
        }
        if line.refuses(options.exclusive) {
            return Err(ChannelError::ExclusiveUse(queue.name.clone()));
        }
        let consumer = line.leftover(ch, &tag).unwrap_or_else(|| {
            self.last_consumer += 1;
            self.last_consumer
        });
        line.add(consumer, ch, tag.clone(), options, channel.prefetch_each);
        channel.consumers.insert(tag, (id, consumer));
        out.send(ch, answer);
        self.mark_dirty(id);
        Ok(())
    }

    /// A quorum queue counts whoever holds what `basic.get` fetched.
    pub(super) fn note_getter(&mut self, id: QueueId, ch: ChannelId, no_ack: bool) {
        let (Some(queue), Some(channel)) = (self.queues.get_mut(id.0), self.channels.get_mut(ch.0)) else { return };
        let Some(line) = queue.line.as_mut().filter(|line| line.quorum && !no_ack) else { return };
        self.last_consumer += 1;
        if let Some((tag, held)) = channel.last_held() {
            let name = Name::from(tag.to_string());
            (held.consumer, held.holder) = (self.last_consumer, Some(name.clone()));
            line.add_getter(self.last_consumer, ch, name);
        }
    }

    /// Gives the head to the consumer whose turn it is; `false` if there is no head or no consumer.
    pub(super) fn deliver_in_line(&mut self, id: QueueId, now: u64, out: &mut impl Output) -> bool {
        let Some(queue) = self.queues.get_mut(id.0) else { return false };
        let quorum = queue.options.quorum;
        while queue.expiry() < now || quorum && queue.expiry() == now {
            retire_head(id, queue, DeathReason::Expired, &mut self.departures, out);
        }
        let Some(line) = queue.line.as_mut().filter(|_| !queue.ready.is_empty()) else { return false };
        let Some(consumer) = line.next() else { return false };
        if line.has_no_room(consumer) {
            line.block(consumer);
            return true;
        }
        let Some(served) = line.get(consumer) else { return false };
        let (ch, tag, no_ack) = (served.channel, served.tag.clone(), served.options.no_ack);
        let Some(channel) = self.channels.get_mut(ch.0) else {
            line.down(ch);
            return true;
        };
        if channel.is_full() && !quorum {
            channel.parked.push_back((id, consumer));
            line.suspend(ch);
            line.block(consumer);
            return true;
        }
        line.delivered(consumer);
        queue.overlooked = None;
        if let Some(message) = queue.ready.pop() {
            let in_window = !no_ack && !quorum;
            self.hand_over(id, ch, tag, message, HandOver { no_ack, in_window, consumer, now }, out);
        }
        true
    }

    /// Looks at the age of a channel's oldest delivery at the first tick at which it may be too old.
    pub(super) fn watch(&mut self, ch: ChannelId, now: u64) {
        let Some(RabbitConfig { consumer_timeout: Some(timeout), channel_tick, .. }) = self.rabbit else { return };
        let Some(channel) = self.channels.get_mut(ch.0).filter(|channel| !channel.watched) else { return };
        let Some(oldest) = channel.unacked().oldest() else { return };
        channel.watched = true;
        let due = oldest.saturating_add(timeout.saturating_mul(1_000_000)).saturating_add(1).max(now);
        let tick = channel_tick.max(1).saturating_mul(1_000_000);
        self.watches.insert((due.div_ceil(tick).saturating_mul(tick), ch));
    }

    /// Closes channels that have not acked in time.
    pub(super) fn close_late_channels(&mut self, now: u64, out: &mut impl Output) {
        while let Some(&(due, ch)) = self.watches.first()
            && due <= now
        {
            self.watches.pop_first();
            let Some(channel) = self.channels.get_mut(ch.0) else { continue };
            channel.watched = false;
            let timeout = self.rabbit.and_then(|config| config.consumer_timeout).unwrap_or(u64::MAX);
            let limit = timeout.saturating_mul(1_000_000);
            if channel.unacked().oldest().is_some_and(|oldest| oldest.saturating_add(limit) < now) {
                let error = ChannelError::AckTimeout { channel: channel.number, timeout };
                self.fail(ch, &error, now, out);
                self.run(now, out);
            } else {
                self.watch(ch, now);
            }
        }
    }
}
