//! A journal's file in a test's memory: what a process that was killed leaves, byte by byte.

use super::codec::Malformed;
use super::frame::scan;
use super::log::{Log, Snapshot};
use super::{Clock, JournalError};

pub(crate) struct Paper {
    log: Log,
    max_bytes: u64,
    pub(crate) file: Vec<u8>,
}

impl Paper {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let (log, file) = Log::begin(1, true, max_bytes, 0, |_| {});
        Paper { log, max_bytes, file }
    }

    /// Appends one record, synced.
    pub(crate) fn append(&mut self, content: &[u8]) {
        self.log.content().extend_from_slice(content);
        self.log.seal();
        if let Some((batch, _)) = self.log.take() {
            self.file.extend_from_slice(&batch);
            self.log.give_back(batch);
            self.log.synced(self.file.len() as u64);
        }
    }

    pub(crate) fn outgrown(&self) -> bool {
        self.log.outgrown()
    }

    /// A new file takes the place of this one.
    pub(crate) fn compact(&mut self, describe: impl FnOnce(&mut Snapshot<'_>)) {
        (self.log, self.file) = Log::begin(self.log.generation + 1, true, self.max_bytes, self.log.ticket, describe);
    }

    pub(crate) fn read(bytes: &[u8], record: impl FnMut(&[u8]) -> Result<(), Malformed>) -> Result<(), JournalError> {
        scan("paper", bytes, record).map(|_| ())
    }
}

/// Monotonic nanoseconds and a wall clock that runs with them.
pub(crate) fn clock(now: u64) -> Clock {
    Clock { now, wall: 1_700_000_000_000_000 + (now / 1_000) as i64 }
}
