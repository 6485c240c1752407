//! The engine's side.

use super::seen::{Seen, Taken, closing};
use super::steps::{CHANNELS, CONNECTIONS, Step, connection_of};
use super::tables::{headers_in, shown};
use simq::broker::amqp::{ChannelId, Delivery, Engine, Event, Movement, Name, Output, RabbitConfig, closes_connection};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

#[derive(Default)]
struct Said {
    events: Vec<(ChannelId, Event)>,
    /// From where messages came into each queue; the empty name is a client.
    sources: BTreeMap<Name, BTreeSet<Name>>,
    /// Copies in queues that were announced as dead letters.
    letters: BTreeMap<Name, usize>,
}

impl Output for Said {
    fn send(&mut self, to: ChannelId, event: Event) {
        self.events.push((to, event));
    }

    fn moved(&mut self, what: Movement<'_>) {
        let client = Name::from("");
        match what {
            Movement::DeadLettered { queue, to, .. } => {
                for target in to {
                    self.sources.entry(target.clone()).or_default().insert(queue.clone());
                    *self.letters.entry(target.clone()).or_default() += 1;
                }
            }
            Movement::Queued { queue, .. } => match self.letters.get_mut(queue).filter(|letters| **letters > 0) {
                Some(letters) => *letters -= 1,
                None => _ = self.sources.entry(queue.clone()).or_default().insert(client),
            },
            Movement::Requeued { queue, .. } => _ = self.sources.entry(queue.clone()).or_default().insert(client),
            _ => {}
        }
    }
}

pub(crate) struct Simulated {
    pub(crate) engine: Engine,
    started: Instant,
    channels: Vec<ChannelId>,
    said: Said,
    fresh: [bool; CHANNELS],
    pub(crate) seen: Seen,
}

impl Simulated {
    pub(crate) fn new(config: RabbitConfig) -> Self {
        let mut simulated = Simulated {
            engine: Engine::rabbit(config),
            started: Instant::now(),
            channels: Vec::new(),
            said: Said::default(),
            fresh: [false; CHANNELS],
            seen: Seen::default(),
        };
        for _ in 0..CONNECTIONS {
            let channels = simulated.connect();
            simulated.channels.extend(channels);
        }
        simulated
    }

    fn connect(&mut self) -> Vec<ChannelId> {
        let first = self.engine.open();
        let others = (2..=CHANNELS / CONNECTIONS).filter_map(|number| self.engine.open_channel(first, number as u16));
        std::iter::once(first).chain(others).collect()
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        let now = self.now();
        match step {
            Step::Ask(channel, method) => {
                self.engine.apply(self.channels[*channel], method.clone(), now, &mut self.said);
            }
            Step::Settle { .. } => unreachable!("it has become a method"),
            Step::CloseChannel(channel) => self.reopen(*channel),
            Step::CloseConnection(connection) => self.reconnect(*connection),
            Step::Wait(_) => {}
            Step::Restart => {
                self.engine.restart(now, &mut self.said);
                self.channels = (0..CONNECTIONS).flat_map(|_| self.connect()).collect();
                self.fresh = [true; CHANNELS];
            }
        }
        self.pass();
    }

    /// Lets the time that has passed have its effects.
    pub(crate) fn pass(&mut self) {
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= self.now()) {
            self.engine.expire(due, &mut self.said);
        }
        for (to, event) in std::mem::take(&mut self.said.events) {
            if let Some(channel) = self.channels.iter().position(|channel| *channel == to) {
                self.note(channel, event);
            }
        }
        // Nobody but its connection may look at an exclusive queue.
        let shared = self.engine.queues().filter(|stats| !stats.options.exclusive);
        self.seen.counts =
            shared.map(|stats| (stats.queue.to_string(), counts(stats.ready, stats.consumers))).collect();
    }

    fn note(&mut self, channel: usize, event: Event) {
        match event {
            Event::Delivered(delivery) if delivery.consumer.is_empty() => self.seen.got = Some(taken(&delivery)),
            Event::Delivered(delivery) => {
                let of = (channel, delivery.consumer.to_string());
                self.seen.deliveries.entry(of).or_default().push(taken(&delivery));
            }
            Event::Confirmed { seq, .. } => {
                self.seen.confirms.entry((channel, seq)).or_default().push_str("ack");
            }
            Event::Refused { seq, .. } => {
                self.seen.confirms.entry((channel, seq)).or_default().push_str("nack");
            }
            Event::Returned { .. } => {
                let next = self.seen.confirms.keys().filter(|(of, _)| *of == channel).map(|(_, seq)| seq + 1).max();
                // The confirm that follows has the number; one publish a step.
                assert!(next.is_none(), "one publish a step");
                self.seen.reply.push_str("returned ");
            }
            Event::ConsumerCancelled { consumer } => self.seen.cancelled.push((channel, consumer.to_string())),
            Event::Closed { code, text } => {
                self.seen.closed.insert(channel, closing(code, &text));
            }
            Event::QueueDeclared { messages, consumers, .. } => {
                self.seen.reply = format!("declared, {}", counts(messages as usize, consumers as usize));
            }
            Event::QueueDeleted { messages } => self.seen.reply = format!("{messages} gone"),
            Event::Done | Event::Consuming { .. } => self.seen.reply = "ok".into(),
            Event::GetEmpty => self.seen.reply = "empty".into(),
            Event::Blocked { why } => self.seen.reply = format!("blocked: {why}"),
            Event::Unblocked => self.seen.reply = "unblocked".into(),
        }
    }

    pub(crate) fn reopen(&mut self, channel: usize) {
        let (now, old) = (self.now(), self.channels[channel]);
        let on = self.engine.open_channel(old, 1 + (channel % (CHANNELS / CONNECTIONS)) as u16).expect("a connection");
        self.engine.close_channel(old, now, &mut self.said);
        self.channels[channel] = on;
        self.fresh[channel] = true;
    }

    pub(crate) fn reconnect(&mut self, connection: usize) {
        let (now, any) = (self.now(), connection * CHANNELS / CONNECTIONS);
        self.engine.close(self.channels[any], now, &mut self.said);
        for (number, channel) in self.connect().into_iter().enumerate() {
            self.channels[any + number] = channel;
            self.fresh[any + number] = true;
        }
    }

    /// Channels that a client has to open again, whole connections if need be.
    pub(crate) fn closed(&self) -> (Vec<usize>, Vec<usize>) {
        let hard =
            |why: &String| why.split(' ').next().and_then(|code| code.parse().ok()).is_some_and(closes_connection);
        let mut connections: Vec<usize> =
            self.seen.closed.iter().filter(|(_, why)| hard(why)).map(|(channel, _)| connection_of(*channel)).collect();
        connections.dedup();
        let soft = self.seen.closed.iter().filter(|(_, why)| !hard(why)).map(|(channel, _)| *channel).collect();
        (soft, connections)
    }

    /// Whether RabbitMQ might do this step in more than one way.
    ///
    /// Its queues are processes: what comes into one of them from two others comes in any order, and one may send a dead
    /// letter to another before that one knows that a channel is closed. And the channels of a connection are closed
    /// one after the other: the second may be served, for an instant, what the first has left.
    pub(crate) fn is_race(&self, step: &Step, consumes: impl Fn(usize) -> bool) -> bool {
        let (mut engine, mut said, now) = (self.engine.clone(), Said::default(), self.now());
        let mut closes_channel = matches!(step, Step::CloseChannel(_) | Step::CloseConnection(_));
        let closed = match step {
            Step::Ask(channel, method) => {
                engine.apply(self.channels[*channel], method.clone(), now, &mut said);
                closes_channel = said.events.iter().any(|(_, event)| matches!(event, Event::Closed { .. }));
                let hard = |event: &Event| matches!(event, Event::Closed { code, .. } if closes_connection(*code));
                said.events.iter().any(|(_, event)| hard(event)).then(|| connection_of(*channel))
            }
            Step::CloseChannel(channel) => {
                engine.close_channel(self.channels[*channel], now, &mut said);
                None
            }
            Step::CloseConnection(connection) => {
                engine.close(self.channels[connection * CHANNELS / CONNECTIONS], now, &mut said);
                Some(*connection)
            }
            _ => None,
        };
        let letters = said.sources.values().flatten().any(|source| !source.is_empty());
        said.sources.values().any(|sources| sources.len() > 1)
            || closes_channel && letters
            || closed.is_some_and(|closed| (0..CHANNELS).filter(|ch| connection_of(*ch) == closed).all(consumes))
    }

    /// What a channel holds.
    pub(crate) fn tags(&self, channel: usize) -> impl Iterator<Item = u64> {
        let id = self.channels[channel];
        self.engine.unacked_messages().filter(move |held| held.channel == id).map(|held| held.tag)
    }

    /// Whether the channel was opened since the last time that it was asked.
    pub(crate) fn is_new(&mut self, channel: usize) -> bool {
        std::mem::take(&mut self.fresh[channel])
    }
}

pub(crate) fn counts(ready: usize, consumers: usize) -> String {
    format!("{ready} ready, {consumers} consumers")
}

fn taken(delivery: &Delivery) -> Taken {
    let expiration = delivery.message.properties.expiration.map(|milliseconds| milliseconds.to_string());
    Taken {
        tag: delivery.tag,
        shown: shown(
            &delivery.message.body,
            delivery.redelivered,
            &delivery.exchange,
            &delivery.routing_key,
            expiration.as_deref(),
            headers_in(&delivery.message),
        ),
    }
}
