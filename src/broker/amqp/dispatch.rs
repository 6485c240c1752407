//! Serving queues: deliveries, expiry, length limits, until nothing more follows.
//!
//! Every change marks the queues that it touched as dirty; [`Engine::run`] serves them and dead-letters what left
//! them, which may dirty further queues. A work list instead of recursion: the depth of a dead letter topology is the
//! clients' choice. It ends because no message returns to a queue without a client's doing (see
//! [`super::dead_letter`]).

use super::change::{Change, Kind};
use super::consumers::{Consumer, ConsumerId};
use super::dead_letter::Departure;
use super::kept::tell_gone;
use super::lost::Was;
use super::output::DeathReason;
use super::queue::{Queue, QueueId};
use super::stored::{NEVER, StoredMessage};
use super::unacked::Held;
use super::{ChannelId, Delivery, Engine, Event, Movement, Name, Output};
use crate::message::Message;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

impl Engine {
    /// Serves dirty queues and dead-letters departed messages until there are none.
    pub(super) fn run(&mut self, now: u64, out: &mut impl Output) {
        loop {
            if let Some(id) = self.dirty.pop_front() {
                self.serve(id, now, out);
            } else if let Some(departure) = self.departures.pop_front() {
                self.dead_letter(departure, now, out);
            } else {
                return;
            }
        }
    }

    /// Has the queue served before the current call ends.
    pub(super) fn mark_dirty(&mut self, id: QueueId) {
        if self.dirty.back() != Some(&id) {
            self.dirty.push_back(id);
        }
    }

    /// Delivers what can be delivered; then expires the head and enforces the length limit.
    ///
    /// Afterwards no message is ready while a consumer is in the rotation.
    pub(super) fn serve(&mut self, id: QueueId, now: u64, out: &mut impl Output) {
        if let Some(queue) = self.queues.get_mut(id.0).filter(|queue| queue.away) {
            return rearm(id, queue, &mut self.timers);
        }
        self.try_letters_again(id, now, out);
        self.look_again(id, now, out);
        while self.deliver_next(id, now, out) {}
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        while let Some(reason) = head_must_go(queue, now) {
            retire_head(id, queue, reason, &mut self.departures, out);
        }
        queue.tell_publishers();
        rearm(id, queue, &mut self.timers);
    }

    /// Enforces the limits before anybody is served, where messages came back to a queue of RabbitMQ.
    fn look_again(&mut self, id: QueueId, now: u64, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        queue.overlooked = queue.overlooked.filter(|expiry| *expiry > now);
        if !std::mem::take(&mut queue.limits_first) {
            return;
        }
        queue.overlooked = None;
        while queue.drops_head() {
            retire_head(id, queue, DeathReason::MaxLength, &mut self.departures, out);
        }
        while queue.ready.head_deadline() <= now {
            retire_head(id, queue, DeathReason::Expired, &mut self.departures, out);
        }
    }

    /// Gives the head to the consumer whose turn it is; `false` if there is no head or no consumer.
    fn deliver_next(&mut self, id: QueueId, now: u64, out: &mut impl Output) -> bool {
        let Some(queue) = self.queues.get_mut(id.0) else { return false };
        if queue.line.is_some() {
            return self.deliver_in_line(id, now, out);
        }
        while queue.ready.head_deadline() < now {
            retire_head(id, queue, DeathReason::Expired, &mut self.departures, out);
        }
        if queue.ready.is_empty() {
            return false;
        }
        let Some((consumer, Consumer { channel: ch, tag, no_ack })) = queue.consumers.next() else { return false };
        let (ch, no_ack) = (*ch, *no_ack);
        let Some(channel) = self.channels.get_mut(ch.0) else {
            queue.consumers.remove(consumer);
            return true;
        };
        if !no_ack && channel.is_full() {
            channel.parked.push_back((id, consumer));
            queue.consumers.park(consumer);
            return true;
        }
        let tag = tag.clone();
        queue.consumers.served(consumer);
        if let Some(message) = queue.ready.pop() {
            self.hand_over(id, ch, tag, message, HandOver { no_ack, in_window: !no_ack, consumer: 0, now }, out);
        }
        true
    }

    /// Sends a message to a channel, which holds it until the ack (or not, without ack).
    pub(super) fn hand_over(
        &mut self,
        id: QueueId,
        ch: ChannelId,
        consumer: Name,
        message: StoredMessage,
        HandOver { no_ack, in_window, consumer: holder, now }: HandOver,
        out: &mut impl Output,
    ) {
        let (Some(queue), Some(channel)) = (self.queues.get_mut(id.0), self.channels.get_mut(ch.0)) else { return };
        let tag = channel.next_tag();
        // Only a line asks who holds what.
        let name = (holder != 0).then(|| consumer.clone());
        let delivery = Delivery {
            consumer,
            tag,
            redelivered: message.redelivered,
            exchange: message.origin.exchange.clone(),
            routing_key: message.origin.routing_key.clone(),
            delivery_count: if queue.counts_returns() { message.delivery_count } else { 0 },
            message: as_delivered(queue, &message, holder == 0),
        };
        out.moved(Movement::Delivered { queue: &queue.name, message: &message.message, channel: ch });
        out.send(ch, Event::Delivered(delivery));
        if no_ack {
            out.moved(Movement::Acked { queue: &queue.name, message: &message.message });
            tell_gone(id, &message, Was::Held, out);
        } else {
            if message.journaled > 0 {
                let (queue, position, channel) = (id.0, message.position, ch.0);
                out.changed(Change(Kind::Delivered { queue, position, channel, tag }));
            }
            queue.unacked += 1;
            let held = Held { queue: id, message, in_window, consumer: holder, holder: name, delivered_at: now };
            channel.hold(tag, held);
            if self.rabbit.is_some() {
                self.watch(ch, now);
            }
        }
    }

    /// Gives the waiting consumers of a channel their turns while its window is open.
    ///
    /// One at a time, in the order in which they began to wait: a window of one costs one turn, however many queues
    /// wait for it, and none of them starves.
    pub(super) fn unpark(&mut self, ch: ChannelId, now: u64, out: &mut impl Output) {
        while let Some((queue, consumer)) = self.pop_parked(ch) {
            match self.queues.get_mut(queue.0) {
                Some(Queue { line: Some(line), .. }) => line.resume(ch),
                Some(queue) => queue.consumers.unpark(consumer),
                None => {}
            }
            self.serve(queue, now, out);
        }
    }

    fn pop_parked(&mut self, ch: ChannelId) -> Option<(QueueId, ConsumerId)> {
        let channel = self.channels.get_mut(ch.0)?;
        if channel.is_full() { None } else { channel.parked.pop_front() }
    }
}

/// Why the head cannot stay. Asked anew for each head: what a surplus head uncovers may have expired.
fn head_must_go(queue: &Queue, now: u64) -> Option<DeathReason> {
    // RabbitMQ's classic queues look at their length first.
    if queue.line.is_some() && queue.drops_head() {
        Some(DeathReason::MaxLength)
    } else if queue.expiry() <= now {
        Some(DeathReason::Expired)
    } else {
        queue.drops_head().then_some(DeathReason::MaxLength)
    }
}

/// How a message is handed over.
pub(super) struct HandOver {
    pub(super) no_ack: bool,
    pub(super) in_window: bool,
    /// In a line; 0 otherwise.
    pub(super) consumer: ConsumerId,
    pub(super) now: u64,
}

/// A quorum queue tells how often a message was returned, `basic.get` even of one that was not.
fn as_delivered(queue: &Queue, stored: &StoredMessage, got: bool) -> Arc<Message> {
    if !queue.options.quorum || stored.delivery_count == 0 && !got {
        return stored.message.clone();
    }
    let mut message = (*stored.message).clone();
    message.headers.set("x-delivery-count", stored.delivery_count);
    Arc::new(message)
}

/// Takes the head out of a queue for good.
pub(super) fn retire_head(
    id: QueueId,
    queue: &mut Queue,
    reason: DeathReason,
    departures: &mut VecDeque<Departure>,
    out: &mut impl Output,
) {
    queue.overlooked = None;
    if let Some(message) = queue.ready.pop() {
        retire(id, queue, (message, Was::Ready), reason, departures, out);
    }
}

/// Dead-letters a message that left its queue, or drops it.
pub(super) fn retire(
    id: QueueId,
    queue: &Queue,
    (message, was): (StoredMessage, Was),
    reason: DeathReason,
    departures: &mut VecDeque<Departure>,
    out: &mut impl Output,
) {
    let kept_by = queue.keeps_letters().then_some(id);
    if kept_by.is_none() {
        tell_gone(id, &message, was, out);
    }
    match &queue.options.dead_letter_exchange {
        None => {
            out.moved(Movement::Dropped { queue: &queue.name, message: &message.message, reason: reason.into() });
        }
        Some(exchange) => departures.push_back(Departure {
            queue: queue.name.clone(),
            exchange: exchange.clone(),
            routing_key: queue.options.dead_letter_routing_key.clone(),
            message,
            reason,
            was_queued: true,
            kept_by,
        }),
    }
}

/// Brings a queue's timer in line with its deadline.
fn rearm(id: QueueId, queue: &mut Queue, timers: &mut BTreeSet<(u64, QueueId)>) {
    let deadline = queue.deadline();
    if deadline == queue.armed {
        return;
    }
    disarm(id, queue, timers);
    if deadline != NEVER {
        timers.insert((deadline, id));
    }
    queue.armed = deadline;
}

/// Removes a queue's timer.
pub(super) fn disarm(id: QueueId, queue: &mut Queue, timers: &mut BTreeSet<(u64, QueueId)>) {
    if queue.armed != NEVER {
        timers.remove(&(queue.armed, id));
        queue.armed = NEVER;
    }
}
