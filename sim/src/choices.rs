//! Every random decision of a run, drawn from one recorded source.
//!
//! Each family of decisions has a stream of its own, salted with its name: a fault plan that draws once more does not
//! change a single latency. Which ready task runs next and how long a message travels is decided by an [`Order`].

use crate::alternatives::{Alternative, Alternatives};
use crate::executor::Waiting;
use crate::order::{Chooser, Order, Pins};
use crate::prng::Prng;
use crate::process::ProcessId;

/// A family of decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Which of the ready tasks runs next.
    Schedule,
    /// How long a message travels.
    Network,
    /// When and whom a fault strikes.
    Faults,
    /// What load arrives, and how long its work takes.
    Workload,
    /// What programs draw: ids, jitter.
    Programs,
}

const SALTS: [&str; 5] = ["schedule", "network", "faults", "workload", "programs"];

/// The streams of one run, and what the dead draw from: destructors of a killed process must not change what the
/// living get.
pub(crate) struct Choices {
    streams: [Prng; SALTS.len()],
    afterlife: Prng,
    chooser: Chooser,
    alternatives: Option<Alternatives>,
}

impl Choices {
    pub(crate) fn new(seed: u64, order: Order, record: bool, alternatives: bool) -> Self {
        Choices {
            streams: SALTS.map(|salt| Prng::new(seed, salt)),
            afterlife: Prng::new(seed, "afterlife"),
            chooser: Chooser::new(seed, order, record, alternatives),
            alternatives: alternatives.then(Alternatives::default),
        }
    }

    /// The stream itself.
    #[inline]
    pub(crate) fn stream(&mut self, stream: Stream) -> &mut Prng {
        &mut self.streams[stream as usize]
    }

    /// The index of the ready task that runs next. Whatever the order, the stream moves on by one draw: so a pinned run
    /// that makes the same choices ends with the same positions, and has the same hash.
    #[inline]
    pub(crate) fn task(&mut self, ready: &[Waiting]) -> usize {
        let drawn = self.stream(Stream::Schedule).below(ready.len() as u64) as usize;
        if self.chooser.is_plain() { drawn } else { self.chooser.task(ready, drawn) }
    }

    /// How much longer than it must a message travels on a link, `most` at most.
    #[inline]
    pub(crate) fn delay(&mut self, link: u64, most: u64) -> u64 {
        if most == 0 {
            return 0;
        }
        let drawn = self.stream(Stream::Network).below(most.saturating_add(1));
        if self.chooser.is_plain() { drawn } else { self.chooser.delay(link, most, drawn) }
    }

    /// Whether somebody wants to know which choices could have been others.
    #[inline]
    pub(crate) fn notes_alternatives(&self) -> bool {
        self.alternatives.is_some()
    }

    /// Notes the latest choice among ready tasks, with their processes by how long they had waited.
    pub(crate) fn note_task(&mut self, owners: &[Option<ProcessId>]) {
        let number = self.chooser.steps().saturating_sub(1);
        self.alternatives.iter_mut().for_each(|alternatives| alternatives.task(number, owners));
    }

    /// Notes the latest message: to whom, on which link, when it arrives, and how much later it could.
    pub(crate) fn note_message(&mut self, to: ProcessId, link: u64, at: u64, most: u64) {
        let number = self.chooser.messages().saturating_sub(1);
        self.alternatives.iter_mut().for_each(|alternatives| alternatives.message(number, to, link, at, most));
    }

    /// Choices that could have been others, so far.
    pub(crate) fn alternatives(&self) -> Vec<Alternative> {
        self.alternatives.as_ref().map(Alternatives::all).unwrap_or_default()
    }

    /// What processes that have ended draw from; no part of the hash.
    pub(crate) fn afterlife(&mut self) -> &mut Prng {
        &mut self.afterlife
    }

    /// The choices so far that were not the first, if they are recorded.
    pub(crate) fn recorded(&self) -> Option<&Pins> {
        self.chooser.recorded()
    }

    /// How many choices there were among ready tasks; only counted when it is not plain and uniform.
    pub(crate) fn steps(&self) -> u64 {
        self.chooser.steps()
    }

    /// Where all streams stand: part of the hash of a run, so that a draw too many is a difference.
    pub(crate) fn positions(&self) -> [u64; SALTS.len()] {
        std::array::from_fn(|i| self.streams[i].position())
    }
}
