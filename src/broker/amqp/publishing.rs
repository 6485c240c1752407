//! `basic.publish` and publisher confirms.

use super::dead_letter::Death;
use super::error::ChannelError;
use super::exchange::{Exchange, Target};
use super::kept::tell_stored;
use super::queue::{Queue, QueueId};
use super::stored::Origin;
use super::{ChannelId, DropReason, Engine, Event, Movement, Name, Output, Overflow, Refusal};
use crate::message::Message;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    pub(super) fn select_confirms(&mut self, ch: ChannelId, out: &mut impl Output) -> Result<(), ChannelError> {
        if let Some(channel) = self.channels.get_mut(ch.0) {
            channel.select_confirms();
        }
        out.send(ch, Event::Done);
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of the method")]
    pub(super) fn publish(
        &mut self,
        ch: ChannelId,
        exchange: Name,
        routing_key: Name,
        mandatory: bool,
        message: Arc<Message>,
        now: u64,
        out: &mut impl Output,
    ) -> Result<(), ChannelError> {
        let mut targets = std::mem::take(&mut self.targets);
        targets.clear();
        self.route(&exchange, &routing_key, &message, &mut targets)?;
        if targets.is_empty() {
            out.moved(Movement::Dropped { queue: &self.nameless, message: &message, reason: DropReason::NoRoute });
            if mandatory {
                out.send(ch, Event::Returned { exchange, routing_key, message });
            }
            self.confirm(ch, None, out);
            return Ok(());
        }
        let origin = Origin { exchange, routing_key };
        let refused = if self.full && Queue::keeps(&message) {
            std::mem::take(&mut targets)
        } else {
            self.split_refusing(Some(ch), &message, &origin, &mut targets)
        };
        let refusal = if self.full { Refusal::StoreFull } else { Refusal::QueueFull };
        self.refuse(&refused, &message, out);
        if let Some(last) = targets.pop() {
            for target in targets.drain(..) {
                self.enqueue(target, message.clone(), origin.clone(), None, now, out);
            }
            self.enqueue(last, message, origin, None, now, out);
        }
        self.targets = targets;
        self.run(now, out);
        self.confirm(ch, (!refused.is_empty()).then_some(refusal), out);
        Ok(())
    }

    /// Appends the queues that a message goes to, each once; 404 for an unknown exchange.
    pub(super) fn route(
        &self,
        exchange: &Name,
        routing_key: &Name,
        message: &Message,
        targets: &mut Vec<QueueId>,
    ) -> Result<(), ChannelError> {
        if exchange.is_empty() {
            targets.extend(self.queue_id(routing_key));
            return Ok(());
        }
        let found = self.exchanges.get(exchange).ok_or_else(|| ChannelError::NoExchange(exchange.clone()))?;
        found.route(routing_key, targets);
        if !found.others.is_empty() {
            self.route_further((exchange, found), routing_key, message, targets);
        }
        Ok(())
    }

    /// Follows the bindings between exchanges, each exchange once, and those that have arguments.
    fn route_further(
        &self,
        (name, from): (&Name, &Exchange),
        routing_key: &Name,
        message: &Message,
        targets: &mut Vec<QueueId>,
    ) {
        let mut seen = BTreeSet::from([name]);
        let mut exchanges = vec![from];
        while let Some(exchange) = exchanges.pop() {
            for target in exchange.route_others(routing_key, &message.headers) {
                match target {
                    Target::Queue(id) => targets.push(*id),
                    Target::Exchange(name) if seen.insert(name) => {
                        let Some(next) = self.exchanges.get(name) else { continue };
                        next.route(routing_key, targets);
                        exchanges.push(next);
                    }
                    Target::Exchange(_) => {}
                }
            }
        }
        targets.sort_unstable();
        targets.dedup();
    }

    /// Moves the full queues with `reject-publish` out of `targets`. A dead letter has no publisher, and a quorum queue
    /// takes it.
    pub(super) fn split_refusing(
        &mut self,
        publisher: Option<ChannelId>,
        message: &Arc<Message>,
        origin: &Origin,
        targets: &mut Vec<QueueId>,
    ) -> Vec<QueueId> {
        let refuses = |queue: &Queue| {
            let rejects = queue.options.overflow != Overflow::DropHead;
            queue.away || rejects && (queue.options.quorum || queue.refuses(message.body.len()))
        };
        if !targets.iter().any(|id| self.queues.get(id.0).is_some_and(refuses)) {
            return Vec::new();
        }
        let mut refusing = Vec::new();
        targets.retain(|id| {
            let Some(queue) = self.queues.get_mut(id.0) else { return false };
            let refused = match (queue.options.quorum, publisher) {
                _ if queue.away => true,
                (true, Some(publisher)) => queue.stops(publisher),
                (true, None) => false,
                (false, _) => queue.refuses(message.body.len()),
            };
            if refused {
                refusing.push(*id);
            }
            !refused
        });
        for id in &refusing {
            self.dead_letter_refused(*id, message, origin);
        }
        refusing
    }

    /// Records that these queues did not take a message.
    pub(super) fn refuse(&self, queues: &[QueueId], message: &Arc<Message>, out: &mut impl Output) {
        for queue in queues.iter().filter_map(|id| self.queues.get(id.0)) {
            out.moved(Movement::Dropped { queue: &queue.name, message, reason: DropReason::Refused });
        }
    }

    /// Puts a new copy into a queue.
    pub(super) fn enqueue(
        &mut self,
        id: QueueId,
        message: Arc<Message>,
        origin: Origin,
        deaths: Option<Arc<Vec<Death>>>,
        now: u64,
        out: &mut impl Output,
    ) {
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        out.moved(Movement::Queued { queue: &queue.name, message: &message });
        let mut copy = queue.new_copy(message, origin, deaths, now);
        tell_stored(id, queue, &mut copy, out);
        queue.overlook();
        queue.ready.push(copy);
        self.mark_dirty(id);
    }

    fn confirm(&mut self, ch: ChannelId, refused: Option<Refusal>, out: &mut impl Output) {
        let Some(seq) = self.channels.get_mut(ch.0).and_then(|channel| channel.number_publish()) else { return };
        out.send(ch, refused.map_or(Event::Confirmed { seq, multiple: false }, |why| Event::Refused { seq, why }));
    }
}
