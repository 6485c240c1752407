//! `basic.ack`, `basic.nack` and the return of messages to their queues.

use super::change::{Change, Kind};
use super::dispatch::retire;
use super::error::ChannelError;
use super::kept::tell_gone;
use super::lost::Was;
use super::output::DeathReason;
use super::queue::Queue;
use super::quorum::Back;
use super::unacked::Held;
use super::{ChannelId, DeliveryTag, Engine, Movement, Output};
use crate::planted::{Fault as Planted, planted};
use std::collections::VecDeque;

impl Engine {
    pub(super) fn ack(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        self.settle(ch, tag, multiple, now, out, How::Accept)
    }

    pub(super) fn nack(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        requeue: bool,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        if !requeue && planted(Planted::WindowLeakedOnReject) {
            self.channels.get_mut(ch.0).into_iter().for_each(|channel| channel.in_window += 1);
        }
        let how = if requeue { How::Return(Back::Requeued) } else { How::Reject };
        self.settle(ch, tag, multiple, now, out, how)
    }

    /// Settles deliveries, all of them before anything new is delivered into the window that this opens.
    fn settle(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        now: u64,
        out: &mut impl Output,
        how: How,
    ) -> Result<(), ChannelError> {
        let Some(channel) = self.channels.get_mut(ch.0) else { return Ok(()) };
        if multiple {
            let all = channel.settle_through(tag).ok_or(ChannelError::UnknownDeliveryTag(tag))?;
            if self.rabbit.is_some() {
                self.settle_in_groups(all, how, now, out);
            } else {
                all.into_iter().for_each(|(_, held)| self.settle_held(held, how, out));
            }
        } else {
            let held = channel.settle_one(tag).ok_or(ChannelError::UnknownDeliveryTag(tag))?;
            self.settle_held(held, how, out);
            if self.rabbit.is_some() {
                self.run(now, out);
            }
        }
        self.unpark(ch, now, out);
        Ok(())
    }

    pub(super) fn settle_held(&mut self, held: Held, how: How, out: &mut impl Output) {
        match how {
            How::Accept => self.accept(held, out),
            How::Reject => self.reject(held, out),
            How::Return(back) => self.put_back(held, back, out),
        }
    }

    fn accept(&mut self, held: Held, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        let queue = settled(queue, &held);
        out.moved(Movement::Acked { queue: &queue.name, message: &held.message.message });
        tell_gone(held.queue, &held.message, Was::Held, out);
        if queue.line.is_some() {
            self.mark_dirty(held.queue);
        }
    }

    fn reject(&mut self, held: Held, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        let queue = settled(queue, &held);
        let mut nowhere = VecDeque::new();
        let departures = if planted(Planted::DeadLetterDropped) { &mut nowhere } else { &mut self.departures };
        retire(held.queue, queue, (held.message, Was::Held), DeathReason::Rejected, departures, out);
        if queue.line.is_some() {
            self.mark_dirty(held.queue);
        }
    }

    pub(super) fn release(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        self.settle(ch, tag, false, now, out, How::Return(Back::Released))
    }

    /// Returns a message to its original position, unless its delivery limit is exceeded by that.
    pub(super) fn requeue(&mut self, held: Held, out: &mut impl Output) {
        self.put_back(held, Back::Lost, out);
    }

    fn put_back(&mut self, held: Held, back: Back, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        let queue = settled(queue, &held);
        if queue.options.quorum {
            return self.return_to_quorum(held, back, out);
        }
        let counts = u32::from(back != Back::Released && !planted(Planted::ReturnNotCounted));
        let mut message = held.message;
        message.redelivered = true;
        message.delivery_count = message.delivery_count.saturating_add(counts);
        if queue.options.delivery_limit.is_some_and(|limit| message.delivery_count > limit) {
            let over = DeathReason::DeliveryLimit;
            retire(held.queue, queue, (message, Was::Held), over, &mut self.departures, out);
            return;
        }
        let (stored, delivery_count) = (&message.message, message.delivery_count);
        out.moved(Movement::Requeued { queue: &queue.name, message: stored, delivery_count });
        if message.journaled > 0 {
            let (queue, position) = (held.queue.0, message.position);
            out.changed(Change(Kind::Returned { queue, position, delivery_count }));
        }
        queue.ready.put_back(message);
        queue.limits_first = queue.line.is_some();
        self.mark_dirty(held.queue);
    }
}

/// What a client says of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Accept,
    Reject,
    Return(Back),
}

/// Notes that a delivery is no longer held.
fn settled<'a>(queue: &'a mut Queue, held: &Held) -> &'a mut Queue {
    queue.unacked -= 1;
    if let Some(line) = &mut queue.line {
        line.settled(held.consumer);
    }
    queue
}
