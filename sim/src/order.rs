//! Orders: how the world decides which ready task runs next, and how long a message travels.

use crate::executor::{TaskKey, Waiting};
use crate::prng::Prng;

/// How the decisions are taken that a real scheduler and a real network take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Every ready task is as likely as any other, and so is every latency.
    #[default]
    Uniform,
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): tasks have random priorities and the highest
    /// runs; at `changes` random steps of the first `steps`, the task that is about to run falls below all others. Links
    /// are slow or fast, and are dealt anew at each change.
    Pct {
        /// Change points: one less than the depth of a bug.
        changes: u32,
        /// Choices among ready tasks that a run is expected to have.
        steps: u64,
    },
    /// The first choice everywhere, except where another one is pinned.
    Pinned(Pins),
}

/// The choices of a run that are not the first, in the order in which they were made: the first choice among ready tasks
/// is the one that has waited longest, the first latency the shortest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The n-th choice among two or more ready tasks, from 0, and which it was, by how long they had waited.
    pub tasks: Vec<(u64, u64)>,
    /// The n-th latency that could have been another one, from 0, and by how many nanoseconds it was longer.
    pub delays: Vec<(u64, u64)>,
}

impl Pins {
    /// How many choices are not the first.
    pub fn len(&self) -> usize {
        self.tasks.len() + self.delays.len()
    }

    /// Whether every choice is the first.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Pins that are met one after the other.
#[derive(Debug, Default)]
struct Ahead {
    pins: Vec<(u64, u64)>,
    next: usize,
}

impl Ahead {
    fn new(mut pins: Vec<(u64, u64)>) -> Self {
        pins.sort_unstable();
        pins.dedup_by_key(|(number, _)| *number);
        Ahead { pins, next: 0 }
    }

    fn at(&mut self, number: u64) -> u64 {
        match self.pins.get(self.next) {
            Some((at, value)) if *at == number => {
                self.next += 1;
                *value
            }
            _ => 0,
        }
    }
}

#[derive(Debug)]
struct Pct {
    salt: u64,
    /// Steps at which a task falls, the last one first.
    changes: Vec<u64>,
    fallen: Vec<TaskKey>,
    dealt: u64,
}

impl Pct {
    fn new(seed: u64, changes: u32, steps: u64) -> Self {
        let mut random = Prng::new(seed, "pct");
        let salt = random.next_u64();
        let mut changes: Vec<u64> = (0..changes).map(|_| random.below(steps.max(1))).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Pct { salt, changes, fallen: Vec::new(), dealt: 0 }
    }

    /// Higher runs first: those that never fell, and of the others who fell first.
    fn priority(&self, key: TaskKey) -> (bool, u64) {
        match self.fallen.iter().position(|fallen| *fallen == key) {
            Some(at) => (false, u64::MAX - at as u64),
            None => (true, mix(self.salt ^ key.number())),
        }
    }

    fn highest(&self, ready: &[Waiting]) -> usize {
        let ranked = ready.iter().enumerate().map(|(at, waiting)| (self.priority(waiting.key), at));
        ranked.max().map_or(0, |(_, at)| at)
    }

    fn task(&mut self, ready: &[Waiting], step: u64) -> usize {
        while self.changes.pop_if(|at| *at <= step).is_some() {
            let falls = ready[self.highest(ready)].key;
            self.fallen.retain(|key| *key != falls);
            self.fallen.push(falls);
            self.dealt += 1;
        }
        self.highest(ready)
    }

    fn is_slow(&self, link: u64) -> bool {
        mix(self.salt ^ self.dealt.rotate_left(32) ^ link) & 1 == 1
    }
}

fn mix(number: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes())
}

#[derive(Debug)]
enum Way {
    Uniform,
    Pct(Pct),
    Pinned { tasks: Ahead, delays: Ahead },
}

/// Chooses by an order, and records what it chose.
#[derive(Debug)]
pub(crate) struct Chooser {
    way: Way,
    steps: u64,
    messages: u64,
    recorded: Option<Pins>,
    /// Everything is counted, though nothing is kept.
    counts: bool,
}

impl Chooser {
    pub(crate) fn new(seed: u64, order: Order, record: bool, counts: bool) -> Self {
        let way = match order {
            Order::Uniform => Way::Uniform,
            Order::Pct { changes, steps } => Way::Pct(Pct::new(seed, changes, steps)),
            Order::Pinned(Pins { tasks, delays }) => {
                Way::Pinned { tasks: Ahead::new(tasks), delays: Ahead::new(delays) }
            }
        };
        Chooser { way, steps: 0, messages: 0, recorded: record.then(Pins::default), counts }
    }

    /// Whether what was drawn is what is chosen, and nobody keeps it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.way, Way::Uniform) && self.recorded.is_none() && !self.counts
    }

    pub(crate) fn recorded(&self) -> Option<&Pins> {
        self.recorded.as_ref()
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// How many latencies could have been others so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) fn task(&mut self, ready: &[Waiting], drawn: usize) -> usize {
        let step = self.steps;
        self.steps += 1;
        let chosen = match &mut self.way {
            Way::Uniform => drawn,
            Way::Pct(pct) => pct.task(ready, step),
            Way::Pinned { tasks, .. } => with_rank(ready, tasks.at(step)),
        };
        if let Some(recorded) = &mut self.recorded {
            let rank = rank(ready, chosen);
            if rank > 0 {
                recorded.tasks.push((step, rank));
            }
        }
        chosen
    }

    pub(crate) fn delay(&mut self, link: u64, most: u64, drawn: u64) -> u64 {
        let message = self.messages;
        self.messages += 1;
        let chosen = match &mut self.way {
            Way::Uniform => drawn,
            Way::Pct(pct) => most * u64::from(pct.is_slow(link)),
            Way::Pinned { delays, .. } => delays.at(message).min(most),
        };
        if let Some(recorded) = &mut self.recorded
            && chosen > 0
        {
            recorded.delays.push((message, chosen));
        }
        chosen
    }
}

/// How many have waited longer.
fn rank(ready: &[Waiting], index: usize) -> u64 {
    let since = ready[index].since;
    ready.iter().filter(|other| other.since < since).count() as u64
}

/// The one with that rank; the last one when there are fewer.
fn with_rank(ready: &[Waiting], wanted: u64) -> usize {
    let of = |index: &usize| ready[*index].since;
    if wanted == 0 {
        return (0..ready.len()).min_by_key(of).unwrap_or_default();
    }
    let mut order: Vec<usize> = (0..ready.len()).collect();
    order.sort_unstable_by_key(of);
    let at = usize::try_from(wanted).unwrap_or(usize::MAX).min(ready.len() - 1);
    order[at]
}
