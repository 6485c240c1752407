//! The engine's side of a journal: what it tells, and its state as a snapshot.

use super::change::{Change, Kind};
use super::lost::Was;
use super::queue::{Queue, QueueId};
use super::stored::StoredMessage;
use super::topology::{GENERATED, RESERVED};
use super::{Engine, Output};

impl Engine {
    /// Takes in no further persistent messages from publishers, or does again: they are refused as by a full queue.
    /// Tells whether that is new.
    pub(crate) fn set_full(&mut self, full: bool) -> bool {
        std::mem::replace(&mut self.full, full) != full
    }

    /// The state that a restart keeps, as the changes that make it.
    pub(crate) fn describe(&self, mut tell: impl FnMut(Change<'_>)) {
        let mut tell = |kind: Kind<'_>| tell(Change(kind));
        for (exchange, source) in &self.exchanges {
            // Every broker has those of reserved names.
            if source.durable && !exchange.starts_with(RESERVED) {
                let auto_delete = source.auto_delete;
                tell(Kind::ExchangeDeclared { exchange, kind: source.kind(), auto_delete });
            }
        }
        for (queue, state) in self.queues.iter().filter(|(_, state)| state.survives_restart()) {
            tell(Kind::QueueDeclared { queue, name: &state.name, options: &state.options });
            for (exchange, routing_key) in &state.bindings {
                if self.exchanges.get(exchange).is_some_and(|source| source.durable) {
                    tell(Kind::Bound { queue, exchange, routing_key });
                }
            }
            for copy in state.ready.iter().filter(|copy| copy.journaled > 0) {
                tell(Kind::Stored { queue, copy: &copy });
            }
        }
        for (channel, state) in self.channels.iter() {
            for (tag, held) in state.unacked().iter().filter(|(_, held)| held.message.journaled > 0) {
                let (queue, copy) = (held.queue.0, &held.message);
                if self.queues.get(queue).is_some() {
                    tell(Kind::Stored { queue, copy });
                    tell(Kind::Delivered { queue, position: copy.position, channel, tag });
                }
            }
        }
    }

    /// Generates no name again that was generated in an earlier life.
    pub(super) fn note_generated(&mut self, name: &str) {
        let number = name.strip_prefix(GENERATED).and_then(|rest| rest.strip_prefix('-')?.parse().ok());
        self.last_generated = self.last_generated.max(number.unwrap_or(0));
    }
}

/// Tells of a copy that is about to enter a queue, and notes in it what it takes.
pub(super) fn tell_stored(id: QueueId, queue: &Queue, copy: &mut StoredMessage, out: &mut impl Output) {
    if queue.survives_restart() && queue.keeps_here(&copy.message) {
        copy.journaled = out.changed(Change(Kind::Stored { queue: id.0, copy }));
    }
}

/// Tells that a copy is no more, if anybody was told that it was.
pub(super) fn tell_gone(id: QueueId, copy: &StoredMessage, was: Was, out: &mut impl Output) {
    if copy.journaled > 0 {
        out.changed(Change(Kind::Gone { queue: id.0, copy, was }));
    }
}

#[cfg(test)]
mod tests;
