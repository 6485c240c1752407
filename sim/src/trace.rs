//! The record of a run, and its hash.
//!
//! Everything observable becomes a [`Record`]: encoded as bytes for the hash, and handed to a [`Sink`] when somebody
//! wants to read it. Text never enters the hash, so wording can change and hashes stay. Observers draw no random
//! numbers and change no order: a run with a sink has the hash of the run without.

use crate::fault::Fault;
use std::fmt::Display;
use xxhash_rust::xxh3::Xxh3;

/// One observable event of a run.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Position in the run, from 0.
    pub number: u64,
    /// Virtual time, nanoseconds since the start of the world.
    pub at: u64,
    /// Name of the process it happened in or to; empty for the world itself.
    pub process: &'a str,
    /// What happened.
    pub what: What<'a>,
}

/// The kinds of records.
#[allow(missing_docs, reason = "each variant's line speaks of its fields")]
#[derive(Clone, Copy)]
pub enum What<'a> {
    /// A process began its n-th life.
    Started { incarnation: u32 },
    /// A process ended.
    Exited { how: &'a dyn Display, code: u64 },
    /// A connection was made.
    Connected { connection: u64, peer: &'a str },
    /// Nobody listens there, or nothing gets through.
    Refused { peer: &'a str },
    /// A process handed a message to the network: an *effect*.
    Sent { connection: u64, label: &'static str, digest: u64, payload: &'a dyn Display },
    /// A message arrived at a process.
    Arrived { connection: u64, label: &'static str, digest: u64 },
    /// A process learned that a connection is gone.
    Closed { connection: u64, reset: bool },
    /// A fault struck (or found nothing to strike).
    Fault { fault: &'a Fault, struck: bool },
    /// A process synced bytes to its disk.
    Disk { effect: &'static str, path: &'a str, digest: u64 },
    /// Something the program itself reported.
    Note { kind: &'static str, digest: u64, text: &'a dyn Display },
}

/// Reads records as they happen.
pub trait Sink {
    /// One record; borrowed, so keep what you need.
    fn record(&mut self, record: &Record<'_>);
}

/// The hash of a run and how much it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceHash(pub u128);

impl Display for TraceHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

const FLUSH_AT: usize = 16 * 1024;

/// Collects the records of one run.
pub(crate) struct Trace {
    pending: Vec<u8>,
    hash: Box<Xxh3>,
    events: u64,
    sink: Option<Box<dyn Sink>>,
}

impl Trace {
    pub(crate) fn new(sink: Option<Box<dyn Sink>>) -> Self {
        Trace { pending: Vec::with_capacity(FLUSH_AT + 256), hash: Box::default(), events: 0, sink }
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    #[inline]
    pub(crate) fn record(&mut self, at: u64, process_number: u32, process: &str, what: What<'_>) {
        encode(&mut self.pending, at, process_number, &what);
        if let Some(sink) = &mut self.sink {
            sink.record(&Record { number: self.events, at, process, what });
        }
        self.events += 1;
        if self.pending.len() >= FLUSH_AT {
            self.hash.update(&self.pending);
            self.pending.clear();
        }
    }

    /// The hash of all records so far and of `more`.
    pub(crate) fn hash(&self, more: &[u64]) -> TraceHash {
        let mut hash = self.hash.clone();
        hash.update(&self.pending);
        for word in more {
            hash.update(&word.to_le_bytes());
        }
        TraceHash(hash.digest128())
    }
}

/// Time, process and kind, then numbers of eight bytes each: written at once, because this runs for every message.
#[inline(always)]
fn head<const N: usize>(out: &mut Vec<u8>, at: u64, process: u32, kind: u8, numbers: [u64; N]) {
    let mut bytes = [0; 13 + 2 * 8];
    bytes[..8].copy_from_slice(&at.to_le_bytes());
    bytes[8..12].copy_from_slice(&process.to_le_bytes());
    bytes[12] = kind;
    for (place, number) in bytes[13..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&bytes[..13 + 8 * N]);
}

#[inline]
fn text(out: &mut Vec<u8>, s: &str) {
    out.push(s.len() as u8);
    out.extend_from_slice(s.as_bytes());
}

#[inline]
fn encode(out: &mut Vec<u8>, at: u64, process: u32, what: &What<'_>) {
    match *what {
        What::Started { incarnation } => head(out, at, process, 1, [u64::from(incarnation)]),
        What::Exited { code, .. } => head(out, at, process, 2, [code]),
        What::Connected { connection, peer } => {
            head(out, at, process, 3, [connection]);
            text(out, peer);
        }
        What::Refused { peer } => {
            head(out, at, process, 4, []);
            text(out, peer);
        }
        What::Sent { connection, label, digest, .. } => {
            head(out, at, process, 5, [connection, digest]);
            text(out, label);
        }
        What::Arrived { connection, digest, .. } => head(out, at, process, 6, [connection, digest]),
        What::Closed { connection, reset } => {
            head(out, at, process, 7, [connection]);
            out.push(u8::from(reset));
        }
        What::Fault { struck, .. } => {
            head(out, at, process, 8, []);
            out.push(u8::from(struck));
        }
        What::Disk { path, digest, .. } => {
            head(out, at, process, 9, []);
            text(out, path);
            out.extend_from_slice(&digest.to_le_bytes());
        }
        What::Note { kind, digest, .. } => {
            head(out, at, process, 10, []);
            text(out, kind);
            out.extend_from_slice(&digest.to_le_bytes());
        }
    }
}
