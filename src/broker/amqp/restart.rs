//! The broker's own restart: what its disk kept.

use super::channel::Channel;
use super::exchange::Target;
use super::queue::{Queue, QueueId};
use super::{DropReason, Engine, Movement, Name, Output};
use std::collections::BTreeSet;

impl Engine {
    /// Becomes what a restarted server finds on its disk.
    ///
    /// Durable exchanges, durable queues that are not exclusive and the bindings between them stay, and so do the
    /// persistent messages of those queues; what was unacked is requeued (redelivered, delivery count + 1). All
    /// channels are gone without a word: their connections are. Unused queues with `x-expires` begin a new lease.
    pub fn restart(&mut self, now: u64, out: &mut impl Output) {
        for key in self.channels.keys() {
            if let Some(mut channel) = self.channels.remove(key) {
                self.recover_unacked(&mut channel, out);
            }
        }
        for key in self.connections.keys() {
            self.connections.remove(key);
        }
        self.watches.clear();
        for key in self.queues.keys() {
            self.recover_queue(QueueId(key), now, out);
        }
        self.exchanges.retain(|_, exchange| exchange.durable);
        self.forget_lost_ends();
        let exchanges = &self.exchanges;
        for queue in self.queues.values_mut() {
            queue.bindings.retain(|(exchange, _)| exchanges.contains_key(exchange));
        }
        self.run(now, out);
    }

    /// Bindings whose queue or exchange did not survive.
    fn forget_lost_ends(&mut self) {
        let names: BTreeSet<Name> = self.exchanges.keys().cloned().collect();
        for exchange in self.exchanges.values_mut() {
            exchange.others.retain(|binding| match &binding.to {
                Target::Queue(id) => self.queues.get(id.0).is_some(),
                Target::Exchange(name) => names.contains(name),
            });
        }
    }

    fn recover_unacked(&mut self, channel: &mut Channel, out: &mut impl Output) {
        for (_, held) in channel.release(u64::MAX) {
            let Some(queue) = self.queues.get_mut(held.queue.0) else { continue };
            let message = &held.message.message;
            if queue.survives_restart() && queue.keeps_here(message) {
                self.requeue(held, out);
            } else {
                queue.unacked -= 1;
                out.moved(Movement::Dropped { queue: &queue.name, message, reason: DropReason::Transient });
            }
        }
    }

    fn recover_queue(&mut self, id: QueueId, now: u64, out: &mut impl Output) {
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        queue.consumers.clear();
        queue.publishers = None;
        if let Some(line) = &mut queue.line {
            line.clear();
        }
        queue.touch(now);
        let (survives, keeps_all) = (queue.survives_restart(), queue.options.quorum);
        for lost in queue.ready.remove_if(|message| !(survives && (keeps_all || Queue::keeps(&message.message)))) {
            let reason = DropReason::Transient;
            out.moved(Movement::Dropped { queue: &queue.name, message: &lost.message, reason });
        }
        self.mark_dirty(id);
        if !survives && let Some(queue) = self.remove_queue(id) {
            for (exchange, routing_key) in &queue.bindings {
                if let Some(exchange) = self.exchanges.get_mut(exchange) {
                    exchange.unbind(routing_key, id);
                }
            }
        }
    }
}
