//! Points in time as Celery writes and reads them: ISO-8601 text in the headers `eta` and `expires`.
//!
//! Writing follows Python's `datetime.isoformat()`. Reading follows `dateutil.parser.isoparse`, which a Celery worker
//! uses: `Z` or an offset or neither, the basic and the extended format, a fraction after `.` or `,`, a date alone, an
//! ISO week, a day of the year.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub(super) mod parse;

pub use parse::{BadTimestamp, IsoTime};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A point in time: microseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
///
/// Limited to the years 1 to 9999, which is what a Python `datetime` holds: every timestamp has a text that a Celery
/// peer can read. Written as `2026-11-22T11:39:04.649841+00:00`; the fraction is omitted when it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0001-01-01T00:00:00+00:00`.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800 * MICROS_PER_SECOND);
    /// `9999-12-31T23:59:59.999999+00:00`.
    pub const MAX: Timestamp = Timestamp(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// The time that lies `micros` microseconds after 1970. What lies outside [`MIN`](Self::MIN) and
    /// [`MAX`](Self::MAX) becomes the nearer of the two.
    pub const fn from_micros(micros: i64) -> Timestamp {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Timestamp(micros)
        }
    }

    /// Microseconds since 1970-01-01T00:00:00 UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time `after` later, or `None` when that is beyond [`MAX`](Self::MAX). Parts of a microsecond are dropped.
    pub fn checked_add(self, after: Duration) -> Option<Timestamp> {
        let micros = i64::try_from(after.as_micros()).ok()?;
        self.0.checked_add(micros).filter(|sum| *sum <= Self::MAX.0).map(Timestamp)
    }

    /// How long after `earlier` this is; zero when it is not later.
    pub fn saturating_since(self, earlier: Timestamp) -> Duration {
        // Two timestamps are at most 9999 years apart, which an i64 of microseconds holds.
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Reads ISO-8601 text; one without an offset is taken as UTC, Celery's default `timezone`.
    ///
    /// # Errors
    /// [`BadTimestamp`] when the text is not a time or lies outside the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Timestamp, BadTimestamp> {
        IsoTime::parse(text).map(IsoTime::or_utc)
    }

    pub(crate) fn to_iso(self) -> String {
        let mut text = String::with_capacity(32);
        push_date(&mut text, self.0.div_euclid(MICROS_PER_DAY));
        text.push('T');
        push_clock(&mut text, self.0.rem_euclid(MICROS_PER_DAY));
        text.push_str("+00:00");
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_iso())
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::parse(text)
    }
}

/// `2026-01-02`, from days since 1970.
pub(super) fn push_date(text: &mut String, days: i64) {
    let (year, month, day) = civil_from_days(days);
    push_digits(text, year, 4);
    for value in [month, day] {
        text.push('-');
        push_digits(text, value, 2);
    }
}

/// `03:04:05.678900`, from microseconds since midnight; the fraction is omitted when it is 0.
pub(super) fn push_clock(text: &mut String, of_day: i64) {
    let (seconds, micros) = (of_day / MICROS_PER_SECOND, of_day % MICROS_PER_SECOND);
    push_digits(text, seconds / 3600, 2);
    for value in [seconds / 60 % 60, seconds % 60] {
        text.push(':');
        push_digits(text, value, 2);
    }
    if micros != 0 {
        text.push('.');
        push_digits(text, micros, 6);
    }
}

fn push_digits(text: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        text.push(char::from(b'0' + digit as u8));
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day is its last; 400 years are 146,097 days.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_its_own_inverse() {
        let (first, last) = (Timestamp::MIN.0.div_euclid(MICROS_PER_DAY), Timestamp::MAX.0 / MICROS_PER_DAY);
        for days in (first..=last).step_by(17).chain([first, last]) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn written_as_python_does() {
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00+00:00");
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999+00:00");
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00+00:00");
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999+00:00");
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_micros(1)), None);
        assert_eq!(Timestamp::MIN.checked_add(Duration::MAX), None);
        assert_eq!(Timestamp::MIN.saturating_since(Timestamp::MAX), Duration::ZERO);
        let age = Timestamp::MAX.saturating_since(Timestamp::MIN);
        assert_eq!(Timestamp::MIN.checked_add(age), Some(Timestamp::MAX));
    }
}
