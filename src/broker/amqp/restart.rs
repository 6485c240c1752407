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
        self.lose_clients(now, out);
        self.queues.values_mut().for_each(|queue| queue.away = false);
        self.exchanges.retain(|_, exchange| exchange.durable);
        self.forget_lost_ends();
        let exchanges = &self.exchanges;
        for queue in self.queues.values_mut() {
            queue.bindings.retain(|(exchange, _)| exchanges.contains_key(exchange));
        }
        self.run(now, out);
    }

    /// The node of a RabbitMQ cluster dies that has all clients and leads all queues; another node is there at once.
    ///
    /// | of the node that is gone | |
    /// |---|---|
    /// | quorum queues | another member leads: they have their messages, and what clients had comes back (redelivered, delivery count + 1) |
    /// | durable classic queues | are away with it: they can't be used (404), and publishes are refused, until [`Engine::node_is_back`] |
    /// | other queues | are gone |
    /// | exchanges, bindings | are on every node |
    ///
    /// All that was written had reached a majority: whether it was confirmed or not, it stays.
    pub fn fail_over(&mut self, now: u64, out: &mut impl Output) {
        self.lose_clients(now, out);
        for queue in self.queues.values_mut().filter(|queue| !queue.options.quorum) {
            queue.away = true;
        }
        self.forget_lost_ends();
        self.run(now, out);
    }

    /// The node is back, with the classic queues that were away.
    pub fn node_is_back(&mut self, now: u64, out: &mut impl Output) {
        for key in self.queues.keys() {
            if let Some(queue) = self.queues.get_mut(key).filter(|queue| queue.away) {
                queue.away = false;
                queue.touch(now);
                self.mark_dirty(QueueId(key));
            }
        }
        self.run(now, out);
    }

    /// Everybody is gone, and what only they had.
    fn lose_clients(&mut self, now: u64, out: &mut impl Output) {
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
        if let Some(letters) = &mut queue.letters {
            letters.begin_again();
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

#[cfg(test)]
mod tests {
    use super::super::{ChannelId, Event, Method, Output, QueueOptions, RabbitConfig};
    use super::*;
    use crate::message::{DeliveryMode, Message};

    #[derive(Default)]
    struct Told(Vec<String>);

    impl Output for Told {
        fn send(&mut self, _: ChannelId, event: Event) {
            self.0.push(match event {
                Event::Closed { code, text } => format!("{code} {text}"),
                Event::Delivered(delivery) => {
                    let body = String::from_utf8_lossy(&delivery.message.body).into_owned();
                    format!("{body} returned {}, {}", delivery.delivery_count, delivery.redelivered)
                }
                Event::Refused { .. } => "refused".to_owned(),
                _ => return,
            });
        }

        fn moved(&mut self, _: Movement<'_>) {}
    }

    fn declare(queue: &str, durable: bool, quorum: bool) -> Method {
        let expires = (!quorum).then_some(1);
        let options = QueueOptions { durable, quorum, expires, ..QueueOptions::default() };
        Method::QueueDeclare { queue: queue.into(), passive: false, options }
    }

    fn publish(queue: &str, body: &str) -> Method {
        let mut message = Message { body: body.as_bytes().into(), ..Message::default() };
        message.properties.delivery_mode = DeliveryMode::Persistent;
        Method::Publish { exchange: "".into(), routing_key: queue.into(), mandatory: false, message: message.into() }
    }

    #[test]
    fn quorum_queues_go_on_and_classic_ones_are_away() {
        let (mut engine, mut told) = (Engine::rabbit(RabbitConfig::default()), Told::default());
        let get = |queue: &str| Method::Get { queue: queue.into(), no_ack: false };
        let ch = engine.open();
        for (queue, durable, quorum) in [("q", true, true), ("classic", true, false), ("transient", false, false)] {
            engine.apply(ch, declare(queue, durable, quorum), 0, &mut told);
            engine.apply(ch, publish(queue, "a"), 0, &mut told);
            engine.apply(ch, publish(queue, "b"), 0, &mut told);
            engine.apply(ch, get(queue), 0, &mut told);
        }
        told.0.clear();
        engine.fail_over(1, &mut told);
        // A second on: nothing of a queue that is away runs out.
        engine.expire(1_000_000_000, &mut told);
        assert_eq!(engine.next_deadline(), None);
        let ch = engine.open();
        engine.apply(ch, Method::ConfirmSelect, 2, &mut told);
        engine.apply(ch, publish("classic", "c"), 2, &mut told);
        engine.apply(ch, declare("classic", true, false), 2, &mut told);
        assert_eq!(
            told.0,
            [
                "refused",
                "404 NOT_FOUND - home node 'rabbit@broker' of durable queue 'classic' in vhost '/' is down or inaccessible"
            ]
        );
        assert!(engine.queue_stats("transient").is_none());

        told.0.clear();
        engine.node_is_back(1_000_000_000, &mut told);
        let ch = engine.open();
        engine.apply(ch, get("classic"), 1_000_000_000, &mut told);
        engine.apply(ch, get("classic"), 1_000_000_000, &mut told);
        assert_eq!(told.0, ["a returned 0, true", "b returned 0, false"]);
    }

    #[test]
    fn what_clients_had_of_a_quorum_queue_comes_back_counted() {
        let (mut engine, mut told) = (Engine::rabbit(RabbitConfig::default()), Told::default());
        let get = || Method::Get { queue: "q".into(), no_ack: false };
        let options = QueueOptions { durable: true, quorum: true, ..QueueOptions::default() };
        let ch = engine.open();
        engine.apply(ch, Method::QueueDeclare { queue: "q".into(), passive: false, options }, 0, &mut told);
        ["a", "b"].into_iter().for_each(|body| engine.apply(ch, publish("q", body), 0, &mut told));
        engine.apply(ch, get(), 0, &mut told);
        for _ in 0..2 {
            engine.fail_over(1, &mut told);
            let ch = engine.open();
            engine.apply(ch, get(), 1, &mut told);
        }
        assert_eq!(told.0, ["a returned 0, false", "a returned 1, true", "a returned 2, true"]);
    }
}
