//! Things that fall due, earliest first; ties in the order in which they were set.

use crate::env::Instant;
use crate::planted::{Fault as Planted, planted};
use std::collections::BTreeMap;

/// A set of timers, each with something to remember.
#[derive(Debug)]
pub(super) struct Timers<T> {
    due: BTreeMap<(Instant, u64), T>,
    set: u64,
}

/// Names a timer, to cancel it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimerId(Instant, u64);

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers { due: BTreeMap::new(), set: 0 }
    }
}

impl<T> Timers<T> {
    pub(super) fn set(&mut self, at: Instant, what: T) -> TimerId {
        self.set += 1;
        self.due.insert((at, self.set), what);
        TimerId(at, self.set)
    }

    pub(super) fn cancel(&mut self, id: TimerId) {
        self.due.remove(&(id.0, id.1));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out the next timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        let next = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let next = next.remove();
        if planted(Planted::TimersLostAfterPause) {
            self.due = self.due.split_off(&(now, u64::MAX));
        }
        Some(next)
    }
}
