//! What holds for every sequence of methods, without a node: the books of the engine balance.

use super::steps::{CHANNELS, CONNECTIONS, Drawn, Scene, Step, connection_of};
use simq::broker::amqp::{ChannelId, Engine, Event, Movement, Name, Output, RabbitConfig};
use std::collections::{BTreeMap, BTreeSet};

/// Nanoseconds between two steps.
const PACE: u64 = 7_000_000;

#[derive(Default)]
struct Books {
    /// Copies that came into each queue less those that left it for good.
    live: BTreeMap<Name, i64>,
    closed: BTreeSet<ChannelId>,
    /// Deliveries that each consumer has not settled, and publishes that are not confirmed.
    confirms: BTreeMap<ChannelId, u64>,
}

impl Output for Books {
    fn send(&mut self, to: ChannelId, event: Event) {
        assert!(!self.closed.contains(&to), "{event:?} for a closed channel");
        match event {
            Event::Closed { .. } => _ = self.closed.insert(to),
            Event::Confirmed { seq, .. } | Event::Refused { seq, .. } => {
                let last = self.confirms.insert(to, seq).unwrap_or(0);
                assert_eq!(seq, last + 1, "publishes are confirmed in order, each once");
            }
            _ => {}
        }
    }

    fn moved(&mut self, what: Movement<'_>) {
        let (queue, change) = match what {
            Movement::Queued { queue, .. } => (queue, 1),
            Movement::Acked { queue, .. } | Movement::DeadLettered { queue, .. } => (queue, -1),
            Movement::Dropped { reason: simq::broker::amqp::DropReason::NoRoute, .. }
            | Movement::Dropped { reason: simq::broker::amqp::DropReason::Refused, .. }
            | Movement::Delivered { .. }
            | Movement::Requeued { .. } => return,
            Movement::Dropped { queue, .. } => (queue, -1),
        };
        *self.live.entry(queue.clone()).or_default() += change;
    }
}

/// Runs a sequence in virtual time.
pub(crate) fn keep(layout: u8, steps: &[Drawn]) {
    let scene = Scene { prefix: String::new(), layout };
    let config = RabbitConfig { consumer_timeout: Some(100), channel_tick: 50, ..RabbitConfig::default() };
    let (mut engine, mut books, mut now) = (Engine::rabbit(config), Books::default(), 0);
    let mut channels: Vec<ChannelId> = (0..CONNECTIONS).flat_map(|_| connect(&mut engine)).collect();
    let setup = scene.setup().into_iter();
    for step in setup.chain(steps.iter().enumerate().map(|(number, drawn)| scene.step(number, *drawn))) {
        now += PACE;
        engine.expire(now, &mut books);
        match step {
            Step::Ask(channel, method) => engine.apply(channels[channel], method, now, &mut books),
            Step::Settle { channel, nth, multiple, how } => {
                let held = engine.unacked_messages().filter(|held| held.channel == channels[channel]);
                let tag = held.map(|held| held.tag).nth(nth);
                if let Some(tag) = tag {
                    engine.apply(channels[channel], how.method(tag, multiple), now, &mut books);
                }
            }
            Step::CloseChannel(channel) => {
                if let Some(on) = engine.open_channel(channels[channel], 9) {
                    engine.close_channel(channels[channel], now, &mut books);
                    channels[channel] = on;
                }
            }
            Step::CloseConnection(connection) => {
                let first = connection * CHANNELS / CONNECTIONS;
                engine.close(channels[first], now, &mut books);
                let anew = connect(&mut engine);
                (0..CHANNELS)
                    .filter(|ch| connection_of(*ch) == connection)
                    .zip(anew)
                    .for_each(|(ch, id)| channels[ch] = id);
            }
            Step::Wait(_) | Step::Restart => {}
        }
        balance(&engine, &books, now);
    }
    engine.restart(now, &mut books);
    balance(&engine, &books, now);
    assert_eq!(engine.unacked_messages().count(), 0, "nobody is connected to a restarted server");
}

fn connect(engine: &mut Engine) -> Vec<ChannelId> {
    let first = engine.open();
    let more = (2..=CHANNELS / CONNECTIONS).filter_map(|number| engine.open_channel(first, number as u16));
    std::iter::once(first).chain(more).collect()
}

fn balance(engine: &Engine, books: &Books, now: u64) {
    for stats in engine.queues() {
        let live = books.live.get(stats.queue).copied().unwrap_or(0);
        assert_eq!(live, (stats.ready + stats.unacked + stats.letters) as i64, "copies of {}", stats.queue);
        assert_eq!(engine.ready_messages(stats.queue).count(), stats.ready);
        let (length, drops) = (stats.options.max_length, stats.options.overflow == Default::default());
        assert!(!drops || length.is_none_or(|max| stats.ready <= max as usize), "{} is too long", stats.queue);
    }
    let unacked: usize = engine.queues().map(|stats| stats.unacked).sum();
    assert_eq!(engine.unacked_messages().count(), unacked);
    let gone = books.live.iter().filter(|(queue, _)| engine.queue_stats(queue).is_none());
    assert!(gone.clone().all(|(_, live)| *live == 0), "copies of queues that are gone: {:?}", gone.collect::<Vec<_>>());
    assert!(engine.next_deadline().is_none_or(|deadline| deadline + PACE > now), "a deadline was left in the past");
}
