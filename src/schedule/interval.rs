//! Every so often.

use super::zone::{Zone, at_offset};
use crate::message::Timestamp;
use jiff::civil::DateTime;
use std::fmt;
use std::time::Duration;

/// Due one period after the last run. Celery's `schedule(run_every, relative)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    every: Duration,
    relative: bool,
}

/// What a relative interval is rounded down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

impl Interval {
    /// Shortest period.
    pub const SHORTEST: Duration = Duration::from_millis(1);
    /// Longest period: a century.
    pub const LONGEST: Duration = Duration::from_secs(3_155_760_000);

    /// Every `every`, of which parts of a microsecond are dropped; at least [`SHORTEST`](Self::SHORTEST), at most
    /// [`LONGEST`](Self::LONGEST).
    pub fn new(every: Duration) -> Self {
        let every = every.clamp(Self::SHORTEST, Self::LONGEST);
        let micros = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        Interval { every: Duration::from_micros(micros), relative: false }
    }

    /// The same, rounded down to the unit of its period: an interval of days is due at midnight, one of hours at the
    /// full hour. Celery's `relative=True`.
    pub fn relative(self) -> Self {
        Interval { relative: true, ..self }
    }

    /// The period.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// Whether it is rounded down.
    pub fn is_relative(&self) -> bool {
        self.relative
    }

    /// No loss: a century of microseconds fits.
    pub(super) fn micros(&self) -> i64 {
        self.every.as_micros() as i64
    }

    /// When the period that begins at `last` ends: in real time, unless it is rounded down.
    pub(super) fn end(&self, last: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let end = last.checked_add(self.every)?;
        if !self.relative {
            return Some(end);
        }
        match self.unit() {
            // Days are counted on the calendar: some have 23 hours.
            Unit::Day => {
                let every = jiff::SignedDuration::from_micros(self.micros());
                let local = zone.local(last).0.checked_add(every).ok()?;
                zone.first_instant(Unit::Day.floor(local))
            }
            // The beginning of this very hour, and not of the one with the same name.
            unit => {
                let (local, offset) = zone.local(end);
                at_offset(unit.floor(local), offset)
            }
        }
    }

    fn unit(&self) -> Unit {
        match self.every.as_secs() {
            0..60 => Unit::Second,
            60..3_600 => Unit::Minute,
            3_600..86_400 => Unit::Hour,
            _ => Unit::Day,
        }
    }
}

impl Unit {
    /// The beginning of the second, minute, hour or day.
    fn floor(self, local: DateTime) -> DateTime {
        let (hour, minute, second) = match self {
            Unit::Second => (local.hour(), local.minute(), local.second()),
            Unit::Minute => (local.hour(), local.minute(), 0),
            Unit::Hour => (local.hour(), 0, 0),
            Unit::Day => (0, 0, 0),
        };
        local.date().at(hour, minute, second, 0)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relative = if self.relative { ", relative" } else { "" };
        write!(f, "every {:?}{relative}", self.every)
    }
}
