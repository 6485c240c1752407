//! The file that a journal writes: what has gathered for it, and when it has outgrown its snapshot.

use super::frame::{HEADER, Records, header};

/// A log may outgrow twice its snapshot by this much before it is compacted: a small queue is not compacted all the
/// time. Where less is kept at most, the slack is smaller, too.
const SLACK: u64 = 16 << 20;

/// Content of a record of a snapshot at which the next one begins.
const SNAPSHOT_RECORD: usize = 1 << 16;

/// One file of a journal while it grows.
#[derive(Debug)]
pub(crate) struct Log {
    pub(super) generation: u64,
    /// Whether what is synced is marked: not when nothing ever is.
    marks: bool,
    pub(super) records: Records,
    /// Bytes that were appended to the file, and begun with.
    pub(super) written: u64,
    snapshot: u64,
    slack: u64,
    /// Records since the process began, over all files.
    pub(super) ticket: u64,
    spare: Vec<u8>,
}

/// A snapshot while it is written.
pub(crate) struct Snapshot<'a>(&'a mut Records);

impl Snapshot<'_> {
    /// Writes one part of the state.
    pub(crate) fn part(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.0.content());
        if self.0.open_bytes() > SNAPSHOT_RECORD {
            self.0.seal();
        }
    }
}

impl Log {
    /// A new file and what it begins with. `ticket` counts on from an earlier one; `max_bytes` is how much is to be
    /// kept at most.
    pub(super) fn begin(
        generation: u64,
        marks: bool,
        max_bytes: u64,
        ticket: u64,
        describe: impl FnOnce(&mut Snapshot<'_>),
    ) -> (Log, Vec<u8>) {
        let mut records = Records::new(generation);
        records.bytes.extend_from_slice(&[0; HEADER]);
        describe(&mut Snapshot(&mut records));
        records.seal();
        let mut file = std::mem::take(&mut records.bytes);
        let length = file.len() as u64;
        file[..HEADER].copy_from_slice(&header(generation, marks, length));
        let slack = SLACK.min(max_bytes / 4);
        let log =
            Log { generation, marks, slack, records, written: length, snapshot: length, ticket, spare: Vec::new() };
        (log, file)
    }

    /// Where the content of the current record is appended.
    pub(crate) fn content(&mut self) -> &mut Vec<u8> {
        self.records.content()
    }

    /// Ends the current record, if there is one, and returns the number of the latest.
    pub(crate) fn seal(&mut self) -> u64 {
        self.ticket += u64::from(self.records.seal());
        self.ticket
    }

    /// What is to be appended to the file now, and the latest record in it; `None` when nothing has gathered.
    pub(super) fn take(&mut self) -> Option<(Vec<u8>, u64)> {
        if self.records.bytes.is_empty() {
            return None;
        }
        let batch = std::mem::replace(&mut self.records.bytes, std::mem::take(&mut self.spare));
        self.written += batch.len() as u64;
        Some((batch, self.ticket))
    }

    /// The memory of a batch that was appended.
    pub(super) fn give_back(&mut self, mut batch: Vec<u8>) {
        batch.clear();
        if batch.capacity() <= 1 << 20 {
            self.spare = batch;
        }
    }

    /// Everything before this offset is safe from a loss of power.
    pub(super) fn synced(&mut self, offset: u64) {
        self.records.synced = self.marks.then_some(offset);
    }

    /// Whether more than half of the file is likely to be of no use any more. Whatever the true share is: to write a
    /// snapshot then costs no more than what was written since the last one.
    pub(super) fn outgrown(&self) -> bool {
        self.written > 2 * self.snapshot + self.slack
    }
}
