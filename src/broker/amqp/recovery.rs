//! An engine made anew from the changes that a journal kept.

use super::change::{read_copy, read_kind};
use super::channel::Channel;
use super::exchange::Exchange;
use super::kept_options::read_options;
use super::queue::{Queue, QueueId};
use super::stored::StoredMessage;
use super::unacked::Held;
use super::{Engine, ExchangeKind, Name, QueueOptions};
use crate::journal::Clock;
use crate::journal::codec::{Malformed, Reader};
use crate::planted::{Fault as Planted, planted};
use std::collections::{BTreeMap, BTreeSet};

/// What is known after some of the changes.
pub(crate) struct Recovery {
    clock: Clock,
    exchanges: BTreeMap<Name, (ExchangeKind, bool)>,
    queues: BTreeMap<u64, Recovered>,
}

struct Recovered {
    name: Name,
    options: QueueOptions,
    bindings: BTreeSet<(Name, Name)>,
    copies: BTreeMap<u64, Copy>,
}

struct Copy {
    stored: StoredMessage,
    /// The channel and the delivery tag under which a client has it.
    holder: Option<(u64, u64)>,
}

const NO_QUEUE: Malformed = Malformed("a change of a queue that was not declared");
const NO_COPY: Malformed = Malformed("a change of a message that was not stored");

impl Recovery {
    /// Nothing but what every broker has; `clock` is the time of the restart.
    pub(crate) fn new(clock: Clock) -> Self {
        Recovery { clock, exchanges: BTreeMap::new(), queues: BTreeMap::new() }
    }

    /// Carries out the changes of one record.
    pub(crate) fn replay(&mut self, record: &[u8]) -> Result<(), Malformed> {
        let mut from = Reader(record);
        while !from.is_empty() {
            self.change(&mut from)?;
        }
        Ok(())
    }

    fn change(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        match from.byte()? {
            1 => {
                let name = Name::from(from.text()?);
                self.exchanges.insert(name, (read_kind(from)?, from.flag()?));
            }
            2 => {
                let name = from.text()?;
                self.exchanges.remove(name);
                self.queues.values_mut().for_each(|queue| queue.bindings.retain(|(exchange, _)| **exchange != *name));
            }
            3 => {
                let (queue, name, options) = (from.number()?, from.text()?.into(), read_options(from)?);
                let recovered = Recovered { name, options, bindings: BTreeSet::new(), copies: BTreeMap::new() };
                self.queues.insert(queue, recovered);
            }
            4 => {
                self.queues.remove(&from.number()?).ok_or(NO_QUEUE)?;
            }
            kind @ 5..=6 => {
                let queue = self.queue(from)?;
                let binding = (from.text()?.into(), from.text()?.into());
                let _ = if kind == 5 { queue.bindings.insert(binding) } else { queue.bindings.remove(&binding) };
            }
            7 => {
                let clock = self.clock;
                let queue = self.queue(from)?;
                let stored = read_copy(from, clock)?;
                queue.copies.insert(stored.position, Copy { stored, holder: None });
            }
            8 => {
                let copy = self.queue(from)?.copy(from)?;
                copy.holder = Some((from.number()?, from.number()?));
            }
            9 => {
                let copy = self.queue(from)?.copy(from)?;
                copy.holder = None;
                copy.stored.redelivered = true;
                copy.stored.delivery_count = from.small()?;
            }
            10 => {
                let queue = self.queue(from)?;
                queue.copies.remove(&from.number()?).ok_or(NO_COPY)?;
            }
            _ => return Err(Malformed("a change of an unknown kind: a newer simq wrote it")),
        }
        Ok(())
    }

    fn queue(&mut self, from: &mut Reader<'_>) -> Result<&mut Recovered, Malformed> {
        self.queues.get_mut(&from.number()?).ok_or(NO_QUEUE)
    }

    /// The engine as it was, still to be restarted: what clients had is held by channels that nobody listens to.
    pub(crate) fn finish(self) -> Engine {
        let mut engine = Engine::default();
        for (name, (kind, auto_delete)) in self.exchanges {
            engine.exchanges.insert(name, Exchange::new(kind, true, auto_delete));
        }
        // Channels in the order of their slots, as a restart goes through them.
        let mut channels: BTreeMap<u32, BTreeMap<u64, Held>> = BTreeMap::new();
        for recovered in self.queues.into_values() {
            let queue = Queue::new(recovered.name.clone(), recovered.options, None, self.clock.now);
            let id = QueueId(engine.queues.insert(queue));
            let Some(queue) = engine.queues.get_mut(id.0) else { continue };
            for (exchange, routing_key) in recovered.bindings {
                if let Some(source) = engine.exchanges.get_mut(&exchange) {
                    source.bind(&routing_key, id);
                    queue.bindings.insert((exchange, routing_key));
                }
            }
            for (_, Copy { stored, holder }) in recovered.copies {
                queue.count_on(stored.position);
                match holder {
                    Some(_) if planted(Planted::UnackedNotRecovered) => {}
                    None => queue.ready.push(stored),
                    Some((channel, tag)) => {
                        queue.unacked += 1;
                        let held = Held {
                            queue: id,
                            message: stored,
                            in_window: true,
                            consumer: 0,
                            holder: None,
                            delivered_at: self.clock.now,
                        };
                        channels.entry(channel as u32).or_default().insert(tag, held);
                    }
                }
            }
            engine.note_generated(&recovered.name);
            engine.queue_names.insert(recovered.name, id);
        }
        for held in channels.into_values() {
            let mut channel = Channel::default();
            held.into_iter().for_each(|(tag, held)| channel.hold(tag, held));
            engine.channels.insert(channel);
        }
        engine
    }
}

impl Recovered {
    fn copy(&mut self, from: &mut Reader<'_>) -> Result<&mut Copy, Malformed> {
        self.copies.get_mut(&from.number()?).ok_or(NO_COPY)
    }
}
