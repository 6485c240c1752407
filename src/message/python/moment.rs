//! Python's `datetime`, `date` and `time`.

use super::super::payload::Kind;
use super::super::time::parse::{parse_clock, parse_date, parse_parts};
use super::super::time::{Timestamp, push_clock, push_date};
use super::form::{NotA, typed_text};
use std::fmt;
use std::str::FromStr;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Python's `datetime`: the time on a wall clock, and the offset of that clock from UTC if it is known.
///
/// Shown as Python's `isoformat()` has it, `2026-01-02T03:04:05.678900+02:00`; read from any ISO-8601 text of the years 1
/// to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Microseconds since 1970 on the wall clock.
    wall: i64,
    /// Microseconds east of UTC.
    offset: Option<i64>,
}

impl DateTime {
    /// The point in time, if the offset from UTC is known: Python's *aware*.
    pub fn timestamp(self) -> Option<Timestamp> {
        let utc = self.wall - self.offset?;
        Some(Timestamp::from_micros(utc)).filter(|time| time.as_micros() == utc)
    }

    /// What the wall clock shows, as if it were in UTC.
    pub fn wall(self) -> Timestamp {
        Timestamp::from_micros(self.wall)
    }

    /// A `datetime` without an offset from UTC: Python's *naive*.
    pub fn naive(wall: Timestamp) -> Self {
        DateTime { wall: wall.as_micros(), offset: None }
    }
}

/// In UTC.
impl From<Timestamp> for DateTime {
    fn from(time: Timestamp) -> Self {
        DateTime { wall: time.as_micros(), offset: Some(0) }
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(32);
        push_date(&mut text, self.wall.div_euclid(MICROS_PER_DAY));
        text.push('T');
        push_clock(&mut text, self.wall.rem_euclid(MICROS_PER_DAY));
        push_offset(&mut text, self.offset);
        f.pad(&text)
    }
}

impl FromStr for DateTime {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (wall, offset) = parse_parts(text).map_err(|_| NotA::new("an ISO-8601 date and time", text))?;
        Ok(DateTime { wall, offset })
    }
}

/// Python's `date`, of the years 1 to 9999. Shown as `2026-01-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

impl Date {
    /// The first moment of the day, as if it were in UTC.
    pub fn midnight(self) -> Timestamp {
        Timestamp::from_micros(self.days * MICROS_PER_DAY)
    }
}

/// The date in UTC.
impl From<Timestamp> for Date {
    fn from(time: Timestamp) -> Self {
        Date { days: time.as_micros().div_euclid(MICROS_PER_DAY) }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(10);
        push_date(&mut text, self.days);
        f.pad(&text)
    }
}

impl FromStr for Date {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = parse_date(text).map_err(|_| NotA::new("an ISO-8601 date", text))?;
        Ok(Date { days })
    }
}

/// Python's `time`: a time of day, and the offset from UTC if it is known. Shown as `03:04:05.678900`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Microseconds since midnight, below a day.
    of_day: i64,
    /// Microseconds east of UTC.
    offset: Option<i64>,
}

impl Time {
    /// Time since midnight.
    pub fn since_midnight(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.of_day.unsigned_abs())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(24);
        push_clock(&mut text, self.of_day);
        push_offset(&mut text, self.offset);
        f.pad(&text)
    }
}

impl FromStr for Time {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (of_day, offset) = parse_clock(text).map_err(|_| NotA::new("an ISO-8601 time of day", text))?;
        if of_day >= MICROS_PER_DAY {
            return Err(NotA::new("a time before 24:00", text));
        }
        Ok(Time { of_day, offset })
    }
}

fn push_offset(text: &mut String, offset: Option<i64>) {
    let Some(offset) = offset else { return };
    let minutes = offset.abs() / 60_000_000;
    text.push(if offset < 0 { '-' } else { '+' });
    text.push_str(&format!("{:02}:{:02}", minutes / 60, minutes % 60));
}

typed_text!(DateTime, Kind::DateTime, "a datetime");
typed_text!(Date, Kind::Date, "a date");
typed_text!(Time, Kind::Time, "a time of day");
