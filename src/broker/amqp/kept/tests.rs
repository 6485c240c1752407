//! Random histories: whenever the process ends, the journal gives back what the engine's own restart would leave.

mod acts;

use super::super::{ChannelId, Event, Method, Movement, Name, Recovery};
use super::*;
use crate::journal::Clock;
use crate::journal::paper::{Paper, clock};
use crate::message::Message;
use acts::{Act, How, any_act, options_of};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const MAX_BYTES: u64 = 1 << 16;

/// An engine, and the file that its journal is by now.
struct Kept {
    engine: Engine,
    now: u64,
    ids: Vec<ChannelId>,
    paper: Paper,
    written: Vec<u8>,
    /// The engine as it was when a record of the file was written, and where that ends.
    past: Vec<(usize, Engine, u64)>,
}

struct Writer<'a>(&'a mut Vec<u8>, Clock);

impl Output for Writer<'_> {
    fn send(&mut self, _: ChannelId, _: Event) {}

    fn moved(&mut self, _: Movement<'_>) {}

    fn changed(&mut self, change: Change<'_>) -> u32 {
        let before = self.0.len();
        change.write(self.1, self.0);
        (self.0.len() - before) as u32
    }
}

impl Kept {
    fn new() -> Self {
        let (engine, paper) = (Engine::default(), Paper::new(MAX_BYTES));
        let past = vec![(paper.file.len(), engine.clone(), 0)];
        Kept { engine, now: 0, ids: Vec::new(), paper, written: Vec::new(), past }
    }

    fn call(&mut self, act: impl FnOnce(&mut Engine, u64, &mut Writer<'_>)) {
        let clock = clock(self.now);
        act(&mut self.engine, self.now, &mut Writer(&mut self.written, clock));
        if !self.written.is_empty() {
            self.paper.append(&std::mem::take(&mut self.written));
            self.past.push((self.paper.file.len(), self.engine.clone(), self.now));
        }
    }

    fn compact(&mut self) {
        let (engine, clock) = (&self.engine, clock(self.now));
        self.paper.compact(|snapshot| {
            engine.describe(|change| snapshot.part(|content| change.write(clock, content)));
        });
        self.past = vec![(self.paper.file.len(), self.engine.clone(), self.now)];
    }

    fn act(&mut self, act: Act) {
        while self.ids.len() < 3 {
            let id = self.engine.open();
            self.ids.push(id);
        }
        match act {
            Act::Apply(ch, method) => {
                let id = self.ids[ch];
                self.call(|engine, now, out| engine.apply(id, method, now, out));
            }
            Act::Settle(ch, nth, how) => {
                let id = self.ids[ch];
                let tags = self.engine.unacked_messages().filter(|held| held.channel == id).map(|held| held.tag);
                let Some(tag) = tags.collect::<Vec<_>>().get(nth).copied() else { return };
                let method = match how {
                    How::Ack => Method::Ack { tag, multiple: false },
                    How::AckAll => Method::Ack { tag, multiple: true },
                    How::Requeue => Method::Nack { tag, multiple: false, requeue: true },
                    How::Reject => Method::Nack { tag, multiple: false, requeue: false },
                    How::Release => Method::Release { tag },
                };
                self.call(|engine, now, out| engine.apply(id, method, now, out));
            }
            Act::Reconnect(ch) => {
                let id = self.ids[ch];
                self.call(|engine, now, out| engine.close(id, now, out));
                self.ids[ch] = self.engine.open();
            }
            Act::Wait(ms) => {
                self.now += ms * MS;
                self.call(|engine, now, out| engine.expire(now, out));
            }
            Act::Restart => {
                self.call(|engine, now, out| engine.restart(now, out));
                self.ids.clear();
            }
            Act::Compact => self.compact(),
            Act::Full(full) => {
                self.engine.set_full(full);
            }
        }
    }

    fn recovered(&self) -> Engine {
        recovered(&self.paper.file, self.now)
    }

    /// What the process finds when it ends now and starts again is what a restart of the engine leaves.
    fn check(&self) {
        assert_eq!(restarted(self.recovered(), self.now), restarted(self.engine.clone(), self.now));
    }

    /// And so it is if the last `records` were cut short, or one of them at whatever byte.
    fn check_tail(&self, records: usize) {
        let tail = &self.past[self.past.len().saturating_sub(records + 1)..];
        for (number, (end, engine, now)) in tail.iter().enumerate() {
            let next = tail.get(number + 1).map_or(self.paper.file.len() + 1, |(next, ..)| *next);
            let expected = restarted(engine.clone(), *now);
            for cut in *end..next {
                assert_eq!(restarted(recovered(&self.paper.file[..cut], *now), *now), expected, "cut to {cut} bytes");
            }
        }
    }
}

fn recovered(file: &[u8], now: u64) -> Engine {
    let mut recovery = Recovery::new(clock(now));
    assert_eq!(Paper::read(file, |record| recovery.replay(record)), Ok(()));
    recovery.finish()
}

fn restarted(mut engine: Engine, now: u64) -> BTreeMap<String, Vec<String>> {
    engine.restart(now, &mut Writer(&mut Vec::new(), clock(now)));
    view(&engine)
}

/// All that a client could ever notice of the state that is kept. Keys and positions are the engine's own affair.
fn view(engine: &Engine) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::new();
    let mut shown = BTreeMap::<String, Vec<String>>::new();
    engine.describe(|Change(kind)| match kind {
        Kind::ExchangeDeclared { exchange, .. } => {
            shown.entry(format!("exchange {exchange}")).or_default().push(format!("{kind:?}"));
        }
        Kind::QueueDeclared { queue, name, options } => {
            names.insert(queue, format!("queue {name}"));
            shown.entry(format!("queue {name}")).or_default().push(format!("{options:?}"));
        }
        Kind::Bound { queue, exchange, routing_key } => {
            shown.entry(names[&queue].clone()).or_default().push(format!("bound {exchange} {routing_key}"));
        }
        Kind::Stored { queue, copy } => {
            let copy = StoredMessage { position: 0, journaled: 0, ..copy.clone() };
            shown.entry(names[&queue].clone()).or_default().push(format!("{copy:?}"));
        }
        other => panic!("after a restart there is no {other:?}"),
    });
    for stats in engine.queues() {
        let line = format!("{} ready, {} unacked, {} consumers", stats.ready, stats.unacked, stats.consumers);
        shown.entry(format!("queue {}", stats.queue)).or_default().push(line);
    }
    shown
}

fn with_queues() -> Kept {
    let mut kept = Kept::new();
    for queue in ["q0", "q1", "q2"].map(Name::from) {
        let options = options_of(&queue);
        kept.act(Act::Apply(0, Method::QueueDeclare { queue, passive: false, options }));
    }
    kept
}

/// Does what is to be done; a channel that was closed by an error comes back at once.
fn go_on(kept: &mut Kept, act: Act) {
    kept.act(act);
    for ch in 0..kept.ids.len() {
        if kept.engine.channels.get(kept.ids[ch].0).is_none_or(|channel| channel.closed) {
            kept.act(Act::Reconnect(ch));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whenever_the_process_ends_the_journal_has_what_a_restart_leaves(
        acts in prop::collection::vec(any_act(), 0..80),
    ) {
        let mut kept = with_queues();
        for act in acts {
            go_on(&mut kept, act);
            kept.check();
        }
    }

    #[test]
    fn no_record_brings_the_recovery_down(record in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut recovery = Recovery::new(Clock::default());
        if recovery.replay(&record).is_ok() {
            recovery.finish().restart(0, &mut Writer(&mut Vec::new(), Clock::default()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_last_write_that_was_cut_short_at_any_byte_was_never_made(acts in prop::collection::vec(any_act(), 0..60)) {
        let mut kept = with_queues();
        acts.into_iter().for_each(|act| go_on(&mut kept, act));
        kept.check_tail(4);
    }
}

/// A queue through which ever so much goes, and in which little is.
#[test]
fn the_file_is_bounded_by_what_is_kept() {
    let mut kept = with_queues();
    let message = Message { body: vec![b'x'; 200].into(), ..Message::default() };
    let publish =
        Method::Publish { exchange: "".into(), routing_key: "q0".into(), mandatory: false, message: Arc::new(message) };
    let consume = Method::Consume { queue: "q0".into(), consumer: "a".into(), no_ack: false };
    kept.act(Act::Apply(1, consume));
    let mut compactions = 0;
    for _ in 0..2_000 {
        kept.act(Act::Apply(0, publish.clone()));
        kept.act(Act::Settle(1, 0, How::Ack));
        if kept.paper.outgrown() {
            kept.compact();
            compactions += 1;
        }
        // Some hundred bytes for the queues, twice; the slack; and one call's records.
        let most = 2 * 600 + MAX_BYTES as usize / 4 + 600;
        assert!(kept.paper.file.len() < most, "{} bytes", kept.paper.file.len());
    }
    assert!(compactions > 10);
    kept.check();
}

/// A task that kills its process each time would else come back for ever.
#[test]
fn a_delivery_that_the_process_did_not_survive_counts_as_a_return() {
    let mut kept = Kept::new();
    let declare = Method::QueueDeclare { queue: "q0".into(), passive: false, options: options_of("q0") };
    let letters = Method::QueueDeclare { queue: "q2".into(), passive: false, options: options_of("q2") };
    let consume = Method::Consume { queue: "q0".into(), consumer: "a".into(), no_ack: false };
    let publish =
        Method::Publish { exchange: "".into(), routing_key: "q0".into(), mandatory: false, message: Arc::default() };
    for method in [declare, letters, publish] {
        kept.act(Act::Apply(0, method));
    }
    for (ready, dead) in [(1, 0), (0, 1)] {
        kept.act(Act::Apply(0, consume.clone()));
        assert_eq!(kept.engine.unacked_messages().count(), 1);
        kept.engine = kept.recovered();
        kept.ids.clear();
        // As a server does it: the next journal begins with the state after the restart.
        kept.engine.restart(kept.now, &mut Writer(&mut Vec::new(), clock(kept.now)));
        kept.act(Act::Compact);
        let count = |queue| kept.engine.queue_stats(queue).map(|stats| stats.ready);
        assert_eq!((count("q0"), count("q2")), (Some(ready), Some(dead)));
    }
}
