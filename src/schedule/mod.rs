//! Schedules: when something is due. Pure; time comes in as an argument.
//!
//! A [`Schedule`] is an [`Interval`] or a [`Crontab`]. Two algorithms read it, one for each profile:
//!
//! | | `celery`: [`Schedule::is_due`] | `safe`: [`Schedule::due_after`] |
//! |---|---|---|
//! | asked | is it due now, and when to ask again? | which due time follows this one? |
//! | an interval counts | from the moment of the last run | from the last due time |
//! | a local time that spring skips | runs later by what was skipped | runs right after the gap |
//! | a local time that autumn repeats | runs the first time, also `*/30` | runs the first time; every hour's schedules run on |
//! | missed due times | one run | the caller's to choose |
//!
//! Time zones come from a database inside of the program: the same schedule means the same on every machine.

mod celery;
mod crontab;
mod error;
mod field;
mod interval;
mod safe;
mod zone;

pub use celery::DueState;
pub use crontab::{Crontab, CrontabFields};
pub use error::{BadCrontab, Fault};
pub use field::{Field, FieldSpec};
pub use interval::Interval;
pub use safe::DueTimes;
pub use zone::{UnknownZone, Zone};

use crate::message::Timestamp;
use std::fmt;
use std::time::Duration;

/// When an entry of beat is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Every so often.
    Interval(Interval),
    /// At certain local times.
    Crontab(Crontab),
}

impl Schedule {
    /// Celery's `is_due`, hazards included: whether the entry that last ran at `last_run_at` is due at `now`, and how
    /// long until it is worth asking again. `deadline` is `beat_cron_starting_deadline`; intervals have none.
    pub fn is_due(&self, last_run_at: Timestamp, now: Timestamp, zone: &Zone, deadline: Option<Duration>) -> DueState {
        match self {
            Schedule::Interval(interval) => celery::interval_is_due(interval, last_run_at, now, zone),
            Schedule::Crontab(crontab) => celery::crontab_is_due(crontab, last_run_at, now, zone, deadline),
        }
    }

    /// The due time that follows the one at `due`; `None` when there is none before the year 9999 ends. Each due time
    /// comes exactly once, through gaps and repeated hours.
    pub fn due_after(&self, due: Timestamp, zone: &Zone) -> Option<Timestamp> {
        match self {
            Schedule::Interval(interval) => safe::interval_after(interval, due, zone),
            Schedule::Crontab(crontab) => safe::crontab_after(crontab, due, zone),
        }
    }

    /// The latest due time that is at or before `now`, and after `due`, which is a due time or the moment from which
    /// the schedule counts; with how many there are, counted up to `most`. Takes as many steps as are counted, for a
    /// plain interval one.
    pub fn latest_due(&self, due: Timestamp, now: Timestamp, zone: &Zone, most: u32) -> Option<Missed> {
        if let Schedule::Interval(interval) = self
            && !interval.is_relative()
        {
            return safe::interval_latest(interval, due, now);
        }
        safe::latest(self, due, now, zone, most)
    }

    /// All due times after `from`, in order.
    pub fn due_times(&self, from: Timestamp, zone: &Zone) -> DueTimes {
        DueTimes::new(self.clone(), from, zone.clone())
    }
}

/// Due times that have come since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The latest of them.
    pub latest: Timestamp,
    /// How many they are.
    pub count: u64,
}

impl From<Interval> for Schedule {
    fn from(interval: Interval) -> Self {
        Schedule::Interval(interval)
    }
}

impl From<Crontab> for Schedule {
    fn from(crontab: Crontab) -> Self {
        Schedule::Crontab(crontab)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Interval(interval) => interval.fmt(f),
            Schedule::Crontab(crontab) => crontab.fmt(f),
        }
    }
}
