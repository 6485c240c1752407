//! What the embedded broker and the embedded result store keep in a directory, and how it gets there.
//!
//! A journal is one file: a header, a snapshot of the state, and the records of all that changed since. When it has
//! grown to more than twice its snapshot a new file takes its place, with a snapshot of its own; so a start always
//! writes a new file, too. The owner of a journal writes its changes as records; what it has to say to others waits
//! until the records that make it true are on the disk.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | records in a file: length, checksum, sequence number; torn tails and damage told apart |
//! | `log` | the file that is written: what gathers, when it has outgrown its snapshot |
//! | `keeper` | a journal at work: one write and one sync for all that has gathered, then the outputs that waited |
//! | `open` | finding the newest file of a directory, and beginning the next |
//! | `codec`, `message` | values and messages as bytes |
//!
//! `frame`, `log`, `codec` and `message` are pure. `docs/embedded.md` describes the format and what each policy loses.

pub(crate) mod codec;
mod error;
mod frame;
mod keeper;
mod log;
pub(crate) mod message;
mod open;
#[cfg(test)]
pub(crate) mod paper;

pub use error::JournalError;
pub(crate) use keeper::{Journal, Keeper};
pub(crate) use log::Snapshot;
pub(crate) use open::{Journaling, Opened};

use crate::env::Env;

/// Monotonic time and the wall clock, read together. Deadlines are kept as wall time: the monotonic clock begins anew
/// with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Nanoseconds.
    pub(crate) now: u64,
    /// Microseconds since 1970.
    pub(crate) wall: i64,
}

impl Clock {
    pub(crate) fn read(env: &Env) -> Self {
        Clock { now: env.now().0, wall: env.wall().as_micros() }
    }

    /// The wall time of a monotonic deadline.
    pub(crate) fn to_wall(self, deadline: u64) -> i64 {
        let ahead = (i128::from(deadline) - i128::from(self.now)).div_euclid(1_000);
        i64::try_from(ahead).map_or(i64::MAX, |ahead| self.wall.saturating_add(ahead))
    }

    /// The monotonic deadline of a wall time; what has passed before the clock began is due at its beginning.
    pub(crate) fn to_deadline(self, wall: i64) -> u64 {
        let ahead = (i128::from(wall) - i128::from(self.wall)) * 1_000;
        u64::try_from((i128::from(self.now) + ahead).max(0)).unwrap_or(u64::MAX)
    }
}
