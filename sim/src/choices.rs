//! Every random decision of a run, drawn from one recorded source.
//!
//! Each family of decisions has a stream of its own, salted with its name: a fault plan that draws once more does not
//! change a single latency.

use crate::prng::Prng;

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
#[derive(Debug)]
pub(crate) struct Choices([Prng; SALTS.len()], Prng);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Choices(SALTS.map(|salt| Prng::new(seed, salt)), Prng::new(seed, "afterlife"))
    }

    /// The stream itself.
    #[inline]
    pub(crate) fn stream(&mut self, stream: Stream) -> &mut Prng {
        &mut self.0[stream as usize]
    }

    /// What processes that have ended draw from; no part of the hash.
    pub(crate) fn afterlife(&mut self) -> &mut Prng {
        &mut self.1
    }

    /// Where all streams stand: part of the hash of a run, so that a draw too many is a difference.
    pub(crate) fn positions(&self) -> [u64; SALTS.len()] {
        std::array::from_fn(|i| self.0[i].position())
    }
}
