//! What crosses the link to the embedded result store about leases.

use super::{Progress, Records};
use crate::env::Digest;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) entry: Arc<str>,
    /// What it must be now; `None` when there must be none.
    pub(crate) from: Option<Progress>,
    pub(crate) to: Progress,
}

/// What a process asks.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Be the holder, if nobody else is.
    Acquire { lease: Arc<str>, holder: Arc<str>, ttl: Duration },
    /// Stay the holder.
    Renew { lease: Arc<str>, fence: u64, ttl: Duration },
    /// Be it no longer.
    Release { lease: Arc<str>, fence: u64 },
    /// Record, as the holder.
    Advance { lease: Arc<str>, fence: u64, changes: Vec<Change> },
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Whoever asked is the holder, with what was recorded so far.
    Acquired { fence: u64, records: Records },
    /// Somebody else is, for so long.
    Held { rest: Duration },
    /// The lease goes on.
    Renewed,
    /// It is free.
    Released,
    /// Which of the changes are recorded.
    Advanced(Vec<bool>),
    /// Whoever asked is not the holder.
    Stale { fence: u64 },
}

impl Ask {
    /// Which lease it is about.
    pub(crate) fn lease(&self) -> &Arc<str> {
        match self {
            Ask::Acquire { lease, .. }
            | Ask::Renew { lease, .. }
            | Ask::Release { lease, .. }
            | Ask::Advance { lease, .. } => lease,
        }
    }

    pub(crate) fn label(&self) -> &'static str {
        match self {
            Ask::Acquire { .. } => "lease.acquire",
            Ask::Renew { .. } => "lease.renew",
            Ask::Release { .. } => "lease.release",
            Ask::Advance { .. } => "lease.advance",
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        match self {
            Ask::Acquire { holder, .. } => digest.bytes(holder.as_bytes()).finish(),
            Ask::Renew { fence, .. } | Ask::Release { fence, .. } => digest.number(*fence).finish(),
            Ask::Advance { fence, changes, .. } => {
                let digest = digest.number(*fence);
                changes.iter().fold(digest, |digest, change| mixed(digest, &change.entry, change.to)).finish()
            }
        }
    }
}

impl Answer {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Answer::Acquired { .. } => "lease.acquired",
            Answer::Held { .. } => "lease.held",
            Answer::Renewed => "lease.renewed",
            Answer::Released => "lease.released",
            Answer::Advanced(_) => "lease.advanced",
            Answer::Stale { .. } => "lease.stale",
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        match self {
            Answer::Acquired { fence, records } => {
                let digest = digest.number(*fence);
                records.iter().fold(digest, |digest, (entry, progress)| mixed(digest, entry, *progress)).finish()
            }
            Answer::Stale { fence } => digest.number(*fence).finish(),
            Answer::Advanced(done) => done.iter().fold(digest, |digest, done| digest.number(u64::from(*done))).finish(),
            _ => digest.finish(),
        }
    }
}

fn mixed(digest: Digest, entry: &str, progress: Progress) -> Digest {
    let taken = progress.taken.map_or(i64::MIN, |taken| taken.as_micros());
    digest.bytes(entry.as_bytes()).number(progress.done.as_micros() as u64).number(taken as u64)
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Acquire { lease, holder, ttl } => write!(f, "lease {lease} for {holder}, {ttl:?}"),
            Ask::Renew { lease, fence, ttl } => write!(f, "lease {lease} again, fence {fence}, {ttl:?}"),
            Ask::Release { lease, fence } => write!(f, "lease {lease} back, fence {fence}"),
            Ask::Advance { lease, fence, changes } => {
                write!(f, "record under {lease}, fence {fence}:")?;
                changes.iter().try_for_each(|Change { entry, to, .. }| {
                    write!(f, " {entry} done {}", to.done)?;
                    to.taken.map_or(Ok(()), |taken| write!(f, " taken {taken}"))
                })
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Acquired { fence, .. } => write!(f, "leased, fence {fence}"),
            Answer::Held { rest } => write!(f, "held by another for {rest:?}"),
            Answer::Renewed => f.write_str("leased on"),
            Answer::Released => f.write_str("free"),
            Answer::Advanced(done) => write!(f, "recorded {done:?}"),
            Answer::Stale { fence } => write!(f, "refused: the fence is {fence}"),
        }
    }
}
