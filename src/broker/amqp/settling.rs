//! `basic.ack`, `basic.nack` and the return of messages to their queues.

use super::change::{Change, Kind};
use super::dispatch::retire;
use super::error::ChannelError;
use super::kept::tell_gone;
use super::output::DeathReason;
use super::unacked::Held;
use super::{ChannelId, DeliveryTag, Engine, Movement, Output};

impl Engine {
    pub(super) fn ack(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        self.settle(ch, tag, multiple, now, out, Self::accept)
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
        if requeue {
            self.settle(ch, tag, multiple, now, out, Self::requeue)
        } else {
            self.settle(ch, tag, multiple, now, out, Self::reject)
        }
    }

    /// Settles deliveries, all of them before anything new is delivered into the window that this opens.
    fn settle<O: Output>(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        now: u64,
        out: &mut O,
        each: impl Fn(&mut Self, Held, &mut O),
    ) -> Result<(), ChannelError> {
        let Some(channel) = self.channels.get_mut(ch.0) else { return Ok(()) };
        if multiple {
            let all = channel.settle_through(tag).ok_or(ChannelError::UnknownDeliveryTag(tag))?;
            all.into_iter().for_each(|held| each(self, held, out));
        } else {
            let held = channel.settle_one(tag).ok_or(ChannelError::UnknownDeliveryTag(tag))?;
            each(self, held, out);
        }
        self.unpark(ch, now, out);
        Ok(())
    }

    fn accept(&mut self, held: Held, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        queue.unacked -= 1;
        out.moved(Movement::Acked { queue: &queue.name, message: &held.message.message });
        tell_gone(held.queue, &held.message, out);
    }

    fn reject(&mut self, held: Held, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        queue.unacked -= 1;
        retire(held.queue, queue, held.message, DeathReason::Rejected, &mut self.departures, out);
    }

    pub(super) fn release(
        &mut self,
        ch: ChannelId,
        tag: DeliveryTag,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        self.settle(ch, tag, false, now, out, |engine, held, out| engine.put_back(held, 0, out))
    }

    /// Returns a message to its original position, unless its delivery limit is exceeded by that.
    pub(super) fn requeue(&mut self, held: Held, out: &mut impl Output) {
        self.put_back(held, 1, out);
    }

    fn put_back(&mut self, held: Held, counts: u32, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(held.queue.0) else { return };
        queue.unacked -= 1;
        let mut message = held.message;
        message.redelivered = true;
        message.delivery_count = message.delivery_count.saturating_add(counts);
        if queue.options.delivery_limit.is_some_and(|limit| message.delivery_count > limit) {
            retire(held.queue, queue, message, DeathReason::DeliveryLimit, &mut self.departures, out);
            return;
        }
        let (stored, delivery_count) = (&message.message, message.delivery_count);
        out.moved(Movement::Requeued { queue: &queue.name, message: stored, delivery_count });
        if message.journaled > 0 {
            let (queue, position) = (held.queue.0, message.position);
            out.changed(Change(Kind::Returned { queue, position, delivery_count }));
        }
        queue.ready.put_back(message);
        self.mark_dirty(held.queue);
    }
}
