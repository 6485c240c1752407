//! `basic.consume`, `basic.cancel`, `basic.qos` and `basic.get`.

use super::consumers::Consumer;
use super::dispatch::HandOver;
use super::error::ChannelError;
use super::{ChannelId, ConsumeOptions, Engine, Event, Name, Output};
use crate::planted::{Fault as Planted, planted};

impl Engine {
    pub(super) fn consume(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        tag: Name,
        no_ack: bool,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        if self.rabbit.is_some() {
            let options = ConsumeOptions { no_ack, ..ConsumeOptions::default() };
            return self.consume_in_line(ch, queue, tag, options, Event::Done, out);
        }
        let id = self.usable_queue(ch, queue)?;
        let tag = if tag.is_empty() { self.generate_name("amq.ctag") } else { tag };
        let (Some(channel), Some(queue)) = (self.channels.get_mut(ch.0), self.queues.get_mut(id.0)) else {
            return Ok(());
        };
        if channel.consumers.contains_key(&tag) {
            return Err(ChannelError::ConsumerTagInUse(tag));
        }
        self.last_consumer += 1;
        channel.consumers.insert(tag.clone(), (id, self.last_consumer));
        queue.consumers.add(self.last_consumer, Consumer { channel: ch, tag, no_ack });
        out.send(ch, Event::Done);
        self.mark_dirty(id);
        Ok(())
    }

    /// Cancelling an unknown consumer is no error.
    pub(super) fn cancel(
        &mut self,
        ch: ChannelId,
        tag: &Name,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let Some(channel) = self.channels.get_mut(ch.0) else { return Ok(()) };
        let found = channel.consumers.get(tag).copied();
        channel.forget_consumer(tag);
        out.send(ch, Event::Done);
        if let Some((queue, consumer)) = found
            && self.remove_consumer(queue, consumer, now)
        {
            self.delete_queue(queue, out);
        }
        Ok(())
    }

    /// A smaller window takes nothing back; a larger one is filled at once.
    pub(super) fn qos(
        &mut self,
        ch: ChannelId,
        prefetch: u32,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        if let Some(channel) = self.channels.get_mut(ch.0) {
            match self.rabbit {
                Some(_) => channel.limit(prefetch),
                None => channel.prefetch = prefetch,
            }
        }
        out.send(ch, Event::Done);
        if !planted(Planted::LargerWindowNotFilled) {
            self.unpark(ch, now, out);
        }
        Ok(())
    }

    /// Not limited by the prefetch.
    pub(super) fn get(
        &mut self,
        ch: ChannelId,
        queue: &Name,
        no_ack: bool,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let id = self.usable_queue(ch, queue)?;
        if let Some(queue) = self.queues.get_mut(id.0) {
            if queue.options.quorum && queue.options.single_active_consumer {
                return Err(ChannelError::GetFromSingleActive(queue.name.clone()));
            }
            queue.touch(now);
        }
        self.serve(id, now, out);
        let head = self.queues.get_mut(id.0).and_then(|queue| {
            queue.overlooked = None;
            queue.ready.pop()
        });
        match head {
            None => out.send(ch, Event::GetEmpty),
            Some(message) => {
                let name = self.nameless.clone();
                let consumer = 0;
                self.hand_over(id, ch, name, message, HandOver { no_ack, in_window: false, consumer, now }, out);
                self.note_getter(id, ch, no_ack);
            }
        }
        self.mark_dirty(id);
        Ok(())
    }
}
