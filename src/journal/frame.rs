//! Records in a file.
//!
//! ```text
//! header   magic (8)  version (1)  marks (1)  zero (6)  generation (8)  snapshot ends at (8)  CRC-32C (4)
//! record   length (4)  CRC-32C (4)  sequence number (8)  content (length)
//! ```
//!
//! All numbers are little-endian. A record's checksum covers the generation too, so that a record can't be mistaken for
//! one of another file, and sequence numbers begin at 1 and leave no gap. A length with its highest bit set is a *mark*:
//! its content is an offset, and says that everything before it had been synced when the mark was written.
//!
//! Where a record can't be read, two things may have happened. A write was cut short, by the end of the process or of
//! the power: then nobody was told of what it held, and the file is as good as if it ended there. Or what was safely
//! there has changed: then something that others rely on is gone, and nobody may go on as if it were not. They are told
//! apart by what follows: behind a write that was cut short there is nothing to be read, except that a loss of power
//! may keep later pages of what was not synced and lose earlier ones.

use super::JournalError;

const MAGIC: &[u8; 8] = b"simqlog\n";
/// The version that is written, and read.
pub(super) const VERSION: u8 = 1;
pub(super) const HEADER: usize = 36;
const FRAME: usize = 16;
const MARK: u32 = 1 << 31;

/// The first bytes of a file.
pub(super) fn header(generation: u64, marks: bool, snapshot: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    (header[8], header[9]) = (VERSION, u8::from(marks));
    header[16..24].copy_from_slice(&generation.to_le_bytes());
    header[24..32].copy_from_slice(&snapshot.to_le_bytes());
    let checksum = crc32c::crc32c(&header[..32]);
    header[32..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Records on their way into a file.
#[derive(Debug)]
pub(crate) struct Records {
    generation: u64,
    last: u64,
    pub(super) bytes: Vec<u8>,
    open: Option<usize>,
    /// To be marked before the next record.
    pub(super) synced: Option<u64>,
}

impl Records {
    pub(super) fn new(generation: u64) -> Self {
        Records { generation, last: 0, bytes: Vec::new(), open: None, synced: None }
    }

    /// Where the content of the current record is appended. It counts as a whole, or not at all.
    pub(crate) fn content(&mut self) -> &mut Vec<u8> {
        if self.open.is_none() {
            if let Some(offset) = self.synced.take() {
                self.mark(offset);
            }
            self.open = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME]);
        }
        &mut self.bytes
    }

    /// Ends the current record; false when there is none.
    pub(crate) fn seal(&mut self) -> bool {
        let Some(start) = self.open.take() else { return false };
        self.close(start, 0);
        true
    }

    /// Bytes of the current record.
    pub(crate) fn open_bytes(&self) -> usize {
        self.open.map_or(0, |start| self.bytes.len() - start)
    }

    fn mark(&mut self, offset: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME]);
        self.bytes.extend_from_slice(&offset.to_le_bytes());
        self.close(start, MARK);
    }

    fn close(&mut self, start: usize, flag: u32) {
        self.last += 1;
        // A message is 128 MiB at most, and a record holds what one method of a client changed.
        let length = u32::try_from(self.bytes.len() - start - FRAME).unwrap_or(MARK - 1) | flag;
        let frame = &mut self.bytes[start..];
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[8..16].copy_from_slice(&self.last.to_le_bytes());
        let checksum = checksum(self.generation, &frame[..4], &frame[8..]);
        frame[4..8].copy_from_slice(&checksum.to_le_bytes());
    }
}

fn checksum(generation: u64, length: &[u8], rest: &[u8]) -> u32 {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&generation.to_le_bytes()), length);
    crc32c::crc32c_append(sum, rest)
}

/// What a file amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) generation: u64,
    /// Where the readable records end.
    pub(super) end: u64,
    /// Bytes behind them that are given up.
    pub(super) torn: u64,
}

struct Frame<'a> {
    sequence: u64,
    mark: Option<u64>,
    content: &'a [u8],
    length: usize,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// The record at the beginning of `bytes`, if it is whole and its number is one of `numbers`.
fn frame(bytes: &[u8], generation: u64, numbers: std::ops::RangeInclusive<u64>) -> Option<Frame<'_>> {
    let (length, found, sequence) = (word(bytes, 0)?, word(bytes, 4)?, long(bytes, 8)?);
    if !numbers.contains(&sequence) {
        return None;
    }
    let whole = bytes.get(..FRAME + (length & !MARK) as usize)?;
    if checksum(generation, &whole[..4], &whole[8..]) != found {
        return None;
    }
    let content = &whole[FRAME..];
    let mark = if length & MARK != 0 { Some(long(content, 0)?) } else { None };
    Some(Frame { sequence, mark, content, length: whole.len() })
}

/// Reads a file and hands each record's content on, in order.
///
/// # Errors
///
/// When the file is not what simq wrote, and what `record` says against a content.
pub(super) fn scan(
    file: &str,
    bytes: &[u8],
    mut record: impl FnMut(&[u8]) -> Result<(), super::codec::Malformed>,
) -> Result<Scanned, JournalError> {
    let (generation, marks, snapshot) = read_header(file, bytes)?;
    let damaged = |offset: usize, what: &str| JournalError::Damaged {
        file: file.to_owned(),
        offset: offset as u64,
        what: what.to_owned(),
        snapshot,
    };
    let (mut at, mut last) = (HEADER, 0);
    while let Some(frame) = frame(&bytes[at..], generation, last + 1..=last + 1) {
        if frame.mark.is_none() {
            record(frame.content).map_err(|malformed| damaged(at, malformed.0))?;
        }
        (at, last) = (at + frame.length, frame.sequence);
    }
    if (at as u64) < snapshot {
        return Err(damaged(at, "a record of its snapshot can't be read"));
    }
    match what_follows(&bytes[at..], generation, last) {
        // Without marks nobody knows what was synced; to give up what can be read is not for simq to decide.
        Some(_) if !marks => Err(damaged(at, "a record can't be read, and others follow it")),
        Some(synced) if synced > at as u64 => Err(damaged(at, "a record that was synced can't be read")),
        _ => Ok(Scanned { generation, end: at as u64, torn: (bytes.len() - at) as u64 }),
    }
}

fn read_header(file: &str, bytes: &[u8]) -> Result<(u64, bool, u64), JournalError> {
    let foreign = || JournalError::Foreign { file: file.to_owned() };
    let header = bytes.get(..HEADER).ok_or_else(foreign)?;
    if &header[..8] != MAGIC {
        return Err(foreign());
    }
    if header[8] != VERSION {
        return Err(JournalError::Version { file: file.to_owned(), found: header[8], known: VERSION });
    }
    let fields = long(header, 16).zip(long(header, 24)).zip(word(header, 32));
    let ((generation, snapshot), found) = fields.ok_or_else(foreign)?;
    if crc32c::crc32c(&header[..32]) != found {
        let (what, snapshot) = ("its header can't be read".to_owned(), u64::MAX);
        return Err(JournalError::Damaged { file: file.to_owned(), offset: 0, what, snapshot });
    }
    Ok((generation, header[9] == 1, snapshot))
}

/// Whether a record can be read further on, and the latest mark among those. Numbers that are possible there are few,
/// so that hardly any offset costs a checksum.
fn what_follows(bytes: &[u8], generation: u64, last: u64) -> Option<u64> {
    let possible = last + 1..=last.saturating_add((bytes.len() / FRAME) as u64 + 1);
    let (mut at, mut found) = (0, None);
    while at + FRAME <= bytes.len() {
        match frame(&bytes[at..], generation, possible.clone()) {
            Some(frame) => {
                found = Some(found.unwrap_or(0).max(frame.mark.unwrap_or(0)));
                at += frame.length;
            }
            None => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests;
