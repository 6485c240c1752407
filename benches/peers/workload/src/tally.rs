use std::{fmt, time::Duration};

/// What was done, in a form that does not depend on the order in which it was done: a count and a sum of hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    pub checksum: u64,
}

impl Tally {
    pub fn record(&mut self, value: u64) {
        self.count += 1;
        self.checksum = self.checksum.wrapping_add(hash(value));
    }

    pub fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.checksum = self.checksum.wrapping_add(other.checksum);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.count, self.checksum)
    }
}

/// The finalizer of splitmix64.
fn hash(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The result of one workload with one seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Timer fires (W1) or messages (W2, W3).
    pub operations: u64,
    /// How far the simulated clock went.
    pub virtual_time: Duration,
    /// Fires, round trips or acknowledged jobs; equal in all ports for the same seed.
    pub done: Tally,
}
