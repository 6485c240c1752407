//! Both sides together.

use super::real::Real;
use super::seen::Seen;
use super::simulated::Simulated;
use super::steps::{CHANNELS, Step, confirms};
use simq::broker::amqp::{Method, RabbitConfig, Rare};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Longer than any answer takes.
const HUNG: Duration = Duration::from_secs(30);

/// A delivery in a client's hands: its tags, here and there.
#[derive(Clone, Debug)]
struct Held {
    ours: u64,
    theirs: u64,
}

pub(crate) struct Pair<'a, 'b> {
    real: &'a mut Real<'b>,
    simulated: Simulated,
    held: BTreeMap<usize, Vec<Held>>,
    /// Queues that a channel consumes from, as far as it was asked to.
    sources: BTreeMap<usize, BTreeSet<String>>,
    /// Channels with a window of their own.
    limited: BTreeSet<usize>,
    counts: BTreeMap<String, String>,
    /// How long the node may take to have done what the engine says it does.
    patience: Duration,
    pub(crate) told: String,
}

impl<'a, 'b> Pair<'a, 'b> {
    pub(crate) fn new(real: &'a mut Real<'b>, config: RabbitConfig, patience: Duration) -> Self {
        Pair {
            real,
            simulated: Simulated::new(config),
            held: BTreeMap::new(),
            sources: BTreeMap::new(),
            limited: BTreeSet::new(),
            counts: BTreeMap::new(),
            patience,
            told: String::new(),
        }
    }

    /// Does the step on both sides. `Err` tells the difference.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), String> {
        let Some((ours, theirs)) =
            self.decide(step).filter(|(ours, _)| !self.simulated.is_race(ours, |ch| self.sources.contains_key(&ch)))
        else {
            return Ok(());
        };
        self.told.push_str(&format!("  {ours:?}\n"));
        (self.simulated.seen, self.real.seen) = (Seen::default(), Seen::default());
        self.real.forget_events();
        self.simulated.apply(&ours);
        if tokio::time::timeout(HUNG, self.real.apply(&theirs)).await.is_err() {
            return Err(format!("RabbitMQ does not answer to\n{}", self.told));
        }
        if let Step::Wait(milliseconds) = ours {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        let actor = match ours {
            Step::Ask(channel, _) => channel,
            _ => 0,
        };
        self.settle_down(actor).await?;
        self.remember(&ours);
        self.reopen().await;
        Ok(())
    }

    async fn settle_down(&mut self, actor: usize) -> Result<(), String> {
        let since = Instant::now();
        loop {
            self.simulated.pass();
            let queues: Vec<String> = self.simulated.seen.counts.keys().cloned().collect();
            self.real.look(actor, &queues).await;
            // The name of a consumer whose channel or queue is gone may be told in any order.
            self.simulated.seen.cancelled.sort();
            self.real.seen.cancelled.sort();
            let (ours, theirs) = (self.simulated.seen.show(), self.real.seen.show());
            if ours == theirs {
                // Counts that did not change tell nothing.
                let seen = &mut self.simulated.seen;
                let counts = std::mem::replace(&mut self.counts, seen.counts.clone());
                seen.counts.retain(|queue, count| counts.get(queue) != Some(count));
                self.told.push_str(&seen.show());
                return Ok(());
            }
            if since.elapsed() > self.patience {
                return Err(format!("engine\n{ours}RabbitMQ\n{theirs}after\n{}", self.told));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What the step is on either side; `None` where its effects would be RabbitMQ's to choose.
    fn decide(&self, step: &Step) -> Option<(Step, Step)> {
        match step {
            Step::Settle { channel, nth, multiple, how } => {
                let held = self.held.get(channel)?;
                let Held { ours, theirs } = held.get(*nth)?.clone();
                // Queues race for the next tag of a channel, so that "all up to this one" may be different ones.
                let multiple = *multiple && held.iter().all(|other| (other.ours <= ours) == (other.theirs <= theirs));
                let ask = |tag| Step::Ask(*channel, how.method(tag, multiple));
                Some((ask(ours), ask(theirs)))
            }
            // A channel with a window of its own may serve one queue: which one is served next is a matter of luck.
            Step::Ask(channel, Method::Qos { .. }) if self.sources.get(channel).is_some_and(|all| all.len() > 1) => {
                None
            }
            Step::Ask(channel, Method::Rare(rare)) => match &**rare {
                Rare::Consume { queue, .. } => {
                    let others =
                        self.sources.get(channel).is_some_and(|all| all.iter().any(|other| **other != **queue));
                    (!self.limited.contains(channel) || !others).then(|| (step.clone(), step.clone()))
                }
                _ => Some((step.clone(), step.clone())),
            },
            _ => Some((step.clone(), step.clone())),
        }
    }

    fn remember(&mut self, step: &Step) {
        let Pair { real, simulated, held, .. } = self;
        for (of, ours) in &simulated.seen.deliveries {
            let theirs = &real.seen.deliveries[of];
            let pairs = ours.iter().zip(theirs).map(|(a, b)| Held { ours: a.tag, theirs: b.tag });
            held.entry(of.0).or_default().extend(pairs);
        }
        let Step::Ask(channel, method) = step else { return };
        if let (Some(ours), Some(theirs)) = (&simulated.seen.got, &real.seen.got) {
            held.entry(*channel).or_default().push(Held { ours: ours.tag, theirs: theirs.tag });
        }
        match method {
            Method::Qos { prefetch: 0 } => _ = self.limited.remove(channel),
            Method::Qos { .. } => _ = self.limited.insert(*channel),
            Method::Rare(rare) => match &**rare {
                Rare::QosEach { .. } => _ = self.limited.remove(channel),
                Rare::Consume { queue, .. } => {
                    self.sources.entry(*channel).or_default().insert(queue.to_string());
                }
                _ => {}
            },
            _ => {}
        }
        for channel in 0..CHANNELS {
            let held = self.held.entry(channel).or_default();
            let still: BTreeSet<u64> = self.simulated.tags(channel).collect();
            held.retain(|held| still.contains(&held.ours));
            held.sort_by_key(|held| held.ours);
        }
    }

    /// Opens again what was closed, by either side.
    async fn reopen(&mut self) {
        let (channels, connections) = self.simulated.closed();
        for channel in &channels {
            self.real.reopen(*channel).await;
            self.simulated.reopen(*channel);
        }
        for connection in &connections {
            self.real.reconnect(*connection).await;
            self.simulated.reconnect(*connection);
        }
        for channel in 0..CHANNELS {
            if self.simulated.is_new(channel) {
                self.held.remove(&channel);
                self.sources.remove(&channel);
                self.limited.remove(&channel);
                if confirms(channel) {
                    let step = Step::Ask(channel, Method::ConfirmSelect);
                    self.simulated.apply(&step);
                    self.real.apply(&step).await;
                }
            }
        }
        self.simulated.pass();
    }
}
