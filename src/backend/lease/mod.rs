//! Leases of the embedded result store: who may act for a group, and what was recorded on its behalf.
//!
//! A lease is held until its time is over, on the store's clock. Each new holder gets a larger **fence**, a number that
//! it shows whenever it records something: whoever held the lease before, and does not know yet that it is over, is
//! refused. What is recorded are [`Progress`]es by name, changed by compare-and-set. A pure state machine.

mod client;
mod frame;
pub(super) mod kept;
mod text;

pub(crate) use client::LeaseClient;
pub(crate) use frame::{Answer, Ask, Change};

use crate::env::Instant;
use crate::message::Timestamp;
use crate::planted::{Fault as Planted, planted};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Most leases, and records of one lease: more are refused.
const MAX_LEASES: usize = 1_000;
const MAX_RECORDS: usize = 100_000;

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// All due times up to this one are settled.
    pub(crate) done: Timestamp,
    /// This one is being seen to. Whether it was published is known only when it becomes `done`.
    pub(crate) taken: Option<Timestamp>,
}

/// What is recorded under one lease.
pub(crate) type Records = BTreeMap<Arc<str>, Progress>;

#[derive(Debug)]
struct Lease {
    holder: Arc<str>,
    fence: u64,
    ends: Instant,
    records: Records,
}

/// All leases by name.
#[derive(Debug, Default)]
pub(crate) struct Leases(BTreeMap<Arc<str>, Lease>);

impl Leases {
    /// Does what is asked.
    pub(crate) fn answer(&mut self, ask: &Ask, now: Instant) -> Answer {
        match ask {
            Ask::Acquire { lease, holder, ttl } => self.acquire(lease, holder, *ttl, now),
            Ask::Renew { lease, fence, ttl } => match self.held(lease, *fence, now) {
                Some(held) => {
                    held.ends = now + *ttl;
                    Answer::Renewed
                }
                None => self.refused(lease),
            },
            Ask::Release { lease, fence } => {
                if let Some(held) = self.held(lease, *fence, now) {
                    held.ends = now;
                }
                Answer::Released
            }
            Ask::Advance { lease, fence, changes } => match self.held(lease, *fence, now) {
                Some(held) => Answer::Advanced(changes.iter().map(|change| held.advance(change)).collect()),
                None => self.refused(lease),
            },
        }
    }

    fn acquire(&mut self, name: &Arc<str>, holder: &Arc<str>, ttl: Duration, now: Instant) -> Answer {
        let known = self.0.len();
        if !self.0.contains_key(name) && known >= MAX_LEASES {
            return Answer::Held { rest: ttl };
        }
        let lease = self.0.entry(name.clone()).or_insert_with(|| Lease {
            holder: holder.clone(),
            fence: 0,
            ends: now,
            records: Records::new(),
        });
        let is_over = lease.ends <= now;
        if !is_over && lease.holder != *holder && !planted(Planted::LeaseGrantedTwice) {
            return Answer::Held { rest: lease.ends.since(now) };
        }
        // The holder of a lease that is over is a new one, even if it is the same: somebody else might have held it.
        if is_over {
            lease.fence += 1;
            lease.holder = holder.clone();
        }
        lease.ends = now + ttl;
        Answer::Acquired { fence: lease.fence, records: lease.records.clone() }
    }

    fn held(&mut self, name: &str, fence: u64, now: Instant) -> Option<&mut Lease> {
        self.0.get_mut(name).filter(|lease| lease.fence == fence && lease.ends > now)
    }

    fn refused(&self, name: &str) -> Answer {
        Answer::Stale { fence: self.0.get(name).map_or(0, |lease| lease.fence) }
    }
}

impl Lease {
    /// True when the record is what the change makes of it, now or already: an answer may have been lost.
    fn advance(&mut self, change: &Change) -> bool {
        let current = self.records.get(&change.entry).copied();
        if current == Some(change.to) {
            return true;
        }
        let has_room = current.is_some() || self.records.len() < MAX_RECORDS;
        let changes = current == change.from && has_room;
        if changes {
            self.records.insert(change.entry.clone(), change.to);
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Instant {
        Instant(seconds * 1_000_000_000)
    }

    fn acquire(leases: &mut Leases, holder: &str, now: u64) -> Answer {
        leases.answer(&Ask::Acquire { lease: "beat".into(), holder: holder.into(), ttl: TTL }, at(now))
    }

    fn advance(leases: &mut Leases, fence: u64, from: Option<Progress>, to: Progress, now: u64) -> Answer {
        let changes = vec![Change { entry: "hourly".into(), from, to }];
        leases.answer(&Ask::Advance { lease: "beat".into(), fence, changes }, at(now))
    }

    fn done(micros: i64) -> Progress {
        Progress { done: Timestamp::from_micros(micros), taken: None }
    }

    #[test]
    fn one_holder_at_a_time_and_each_has_a_larger_fence() {
        let mut leases = Leases::default();
        assert_eq!(acquire(&mut leases, "a", 0), Answer::Acquired { fence: 1, records: Records::new() });
        assert_eq!(acquire(&mut leases, "b", 10), Answer::Held { rest: Duration::from_secs(20) });
        let renew = Ask::Renew { lease: "beat".into(), fence: 1, ttl: TTL };
        assert_eq!(leases.answer(&renew, at(20)), Answer::Renewed);
        assert_eq!(acquire(&mut leases, "b", 49), Answer::Held { rest: Duration::from_secs(1) });
        assert_eq!(acquire(&mut leases, "b", 50), Answer::Acquired { fence: 2, records: Records::new() });
        assert_eq!(leases.answer(&renew, at(51)), Answer::Stale { fence: 2 });
    }

    #[test]
    fn a_lease_that_was_released_is_free_at_once() {
        let mut leases = Leases::default();
        acquire(&mut leases, "a", 0);
        leases.answer(&Ask::Release { lease: "beat".into(), fence: 1 }, at(1));
        assert_eq!(acquire(&mut leases, "b", 1), Answer::Acquired { fence: 2, records: Records::new() });
        // Too late: it is not the first one's any more.
        leases.answer(&Ask::Release { lease: "beat".into(), fence: 1 }, at(2));
        assert!(matches!(acquire(&mut leases, "c", 3), Answer::Held { .. }));
    }

    #[test]
    fn a_stale_fence_records_nothing() {
        let mut leases = Leases::default();
        acquire(&mut leases, "a", 0);
        assert_eq!(advance(&mut leases, 1, None, done(1), 1), Answer::Advanced(vec![true]));
        acquire(&mut leases, "b", 31);
        assert_eq!(advance(&mut leases, 1, Some(done(1)), done(2), 32), Answer::Stale { fence: 2 });
        assert_eq!(advance(&mut leases, 2, Some(done(1)), done(2), 32), Answer::Advanced(vec![true]));
        // Nor does one whose time is over, though nobody else has come.
        assert_eq!(advance(&mut leases, 2, Some(done(2)), done(3), 61), Answer::Stale { fence: 2 });
    }

    #[test]
    fn a_record_changes_only_from_what_it_is() {
        let mut leases = Leases::default();
        acquire(&mut leases, "a", 0);
        advance(&mut leases, 1, None, done(1), 1);
        assert_eq!(advance(&mut leases, 1, Some(done(7)), done(8), 1), Answer::Advanced(vec![false]));
        assert_eq!(advance(&mut leases, 1, Some(done(1)), done(2), 1), Answer::Advanced(vec![true]));
        // Asked again, because the answer was lost.
        assert_eq!(advance(&mut leases, 1, Some(done(1)), done(2), 1), Answer::Advanced(vec![true]));
    }
}
