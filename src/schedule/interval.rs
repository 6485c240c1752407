//! Every so often.

use crate::message::Timestamp;
use std::time::Duration;

/// Due one period after the last run; periods that were missed collapse into one run. Celery's `schedule(run_every)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    every: Duration,
}

impl Interval {
    /// Every `every`, which is at least a millisecond.
    pub fn new(every: Duration) -> Self {
        Interval { every: every.max(Duration::from_millis(1)) }
    }

    /// The period.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// When the run after the one at `last` is due.
    pub fn due_after(&self, last: Timestamp) -> Timestamp {
        last.checked_add(self.every).unwrap_or(Timestamp::MAX)
    }
}
