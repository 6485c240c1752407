//! Reading ISO-8601 text, as lenient as `dateutil.parser.isoparse` and no more.

use super::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, days_from_civil};
use thiserror::Error;

/// ISO-8601 text that was read: with an offset from UTC it is a point in time, without one it is not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsoTime {
    /// The text carried `Z` or an offset.
    Aware(Timestamp),
    /// The text carried none: the wall-clock time, given here as if it were UTC. A Celery worker reads it in its
    /// setting `timezone`.
    Naive(Timestamp),
}

impl IsoTime {
    /// Reads ISO-8601 text.
    ///
    /// # Errors
    /// [`BadTimestamp`] when the text is not a time or lies outside the years 1 to 9999.
    pub fn parse(text: &str) -> Result<IsoTime, BadTimestamp> {
        let (wall, offset) = parse_parts(text)?;
        let time = Timestamp(wall - offset.unwrap_or(0));
        if !(Timestamp::MIN..=Timestamp::MAX).contains(&time) {
            return Err(YEARS);
        }
        Ok(if offset.is_some() { IsoTime::Aware(time) } else { IsoTime::Naive(time) })
    }

    /// The point in time, a naive text being taken as UTC.
    pub fn or_utc(self) -> Timestamp {
        let (IsoTime::Aware(time) | IsoTime::Naive(time)) = self;
        time
    }
}

/// Why a text is not an ISO-8601 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an ISO-8601 time: expected {0}")]
pub struct BadTimestamp(&'static str);

const YEARS: BadTimestamp = BadTimestamp("a year from 1 to 9999");
const DATE: BadTimestamp = BadTimestamp("a date such as 2030-01-02, 20300102, 2030-W01-3 or 2030-002");
const CLOCK: BadTimestamp = BadTimestamp("a time such as 03:04:05.6789 or 030405");
const OFFSET: BadTimestamp = BadTimestamp("an offset such as Z, +02:00, +0200 or +02");

/// A date and perhaps a time: what a wall clock shows in the years 1 to 9999, and its offset from UTC if there is one.
pub(in crate::message) fn parse_parts(text: &str) -> Result<(i64, Option<i64>), BadTimestamp> {
    let mut rest = Rest(text.as_bytes());
    let mut wall = date(&mut rest)? * MICROS_PER_DAY;
    let mut offset = None;
    if !rest.0.is_empty() {
        // Any one ASCII character may stand between date and time, as `isoparse` has it.
        rest.skip(1);
        let (of_day, zone) = time(&mut rest)?;
        wall += of_day;
        offset = zone;
    }
    if !(Timestamp::MIN.0..=Timestamp::MAX.0).contains(&wall) {
        return Err(YEARS);
    }
    Ok((wall, offset))
}

/// A date alone, as days since 1970.
pub(in crate::message) fn parse_date(text: &str) -> Result<i64, BadTimestamp> {
    let mut rest = Rest(text.as_bytes());
    let days = date(&mut rest)?;
    if rest.0.is_empty() { Ok(days) } else { Err(DATE) }
}

/// A time of day alone: microseconds since midnight, and the offset from UTC if there is one.
pub(in crate::message) fn parse_clock(text: &str) -> Result<(i64, Option<i64>), BadTimestamp> {
    time(&mut Rest(text.as_bytes()))
}

/// The bytes that are still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn skip(&mut self, n: usize) {
        self.0 = self.0.get(n..).unwrap_or_default();
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.skip(usize::from(found));
        found
    }

    /// Exactly `n` digits, or nothing is consumed.
    fn digits(&mut self, n: usize) -> Option<i64> {
        let digits = self.0.get(..n).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        self.skip(n);
        Some(value)
    }
}

/// The date as days since 1970.
fn date(rest: &mut Rest<'_>) -> Result<i64, BadTimestamp> {
    let year = rest.digits(4).filter(|year| *year >= 1).ok_or(DATE)?;
    if rest.0.is_empty() {
        return Ok(days_from_civil(year, 1, 1));
    }
    let dashed = rest.take(b'-');
    if rest.take(b'W') {
        return week_date(rest, year, dashed);
    }
    let digits = rest.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 3 {
        return ordinal_date(rest, year);
    }
    let month = rest.digits(2).filter(|month| (1..=12).contains(month)).ok_or(DATE)?;
    let day = match (dashed, rest.0.is_empty()) {
        (true, true) => 1,
        // Without dashes, six digits could be a year and a month or a day in two-digit years: refused.
        (true, false) => rest.take(b'-').then(|| rest.digits(2)).flatten().ok_or(DATE)?,
        (false, _) => rest.digits(2).ok_or(DATE)?,
    };
    if !(1..=days_in_month(year, month)).contains(&day) {
        return Err(BadTimestamp("a day that this month has"));
    }
    Ok(days_from_civil(year, month, day))
}

/// `2030-W01-3`, `2030W013`, or without the day, which is then Monday. Week 1 is the one with January 4.
fn week_date(rest: &mut Rest<'_>, year: i64, dashed: bool) -> Result<i64, BadTimestamp> {
    let week = rest.digits(2).filter(|week| (1..=53).contains(week)).ok_or(DATE)?;
    let day = if rest.0.is_empty() {
        1
    } else if dashed == rest.take(b'-') {
        rest.digits(1).filter(|day| (1..=7).contains(day)).ok_or(DATE)?
    } else {
        return Err(DATE);
    };
    let january_4 = days_from_civil(year, 1, 4);
    // 1970-01-01 was a Thursday.
    let weekday = (january_4 + 3).rem_euclid(7);
    Ok(january_4 - weekday + (week - 1) * 7 + day - 1)
}

/// `2030-002` or `2030002`: the day of the year.
fn ordinal_date(rest: &mut Rest<'_>, year: i64) -> Result<i64, BadTimestamp> {
    let last = if is_leap(year) { 366 } else { 365 };
    let day = rest.digits(3).filter(|day| (1..=last).contains(day)).ok_or(DATE)?;
    Ok(days_from_civil(year, 1, 1) + day - 1)
}

/// The time of day and, if there is one, the offset from UTC; both in microseconds.
fn time(rest: &mut Rest<'_>) -> Result<(i64, Option<i64>), BadTimestamp> {
    let hour = rest.digits(2).filter(|hour| *hour <= 24).ok_or(CLOCK)?;
    let colons = rest.peek() == Some(b':');
    let minute = sexagesimal(rest, colons)?;
    let second = if minute.is_some() { sexagesimal(rest, colons)? } else { None };
    let micros = if second.is_some() && matches!(rest.peek(), Some(b'.' | b',')) { fraction(rest)? } else { 0 };
    let of_day = (hour * 3600 + minute.unwrap_or(0) * 60 + second.unwrap_or(0)) * MICROS_PER_SECOND + micros;
    if of_day > MICROS_PER_DAY {
        return Err(BadTimestamp("no time after 24:00:00"));
    }
    let offset = if rest.0.is_empty() { None } else { Some(offset(rest)?) };
    Ok((of_day, offset))
}

/// The next two digits after a colon, if the text goes on with a number.
fn sexagesimal(rest: &mut Rest<'_>, colons: bool) -> Result<Option<i64>, BadTimestamp> {
    if rest.0.is_empty() || matches!(rest.peek(), Some(b'-' | b'+' | b'Z' | b'z')) {
        return Ok(None);
    }
    if colons && !rest.take(b':') {
        return Err(CLOCK);
    }
    rest.digits(2).filter(|value| *value < 60).map(Some).ok_or(CLOCK)
}

/// `.5` or `,5`; what is finer than a microsecond is dropped.
fn fraction(rest: &mut Rest<'_>) -> Result<i64, BadTimestamp> {
    rest.skip(1);
    let (mut micros, mut place) = (0, MICROS_PER_SECOND);
    let mut digits = 0;
    while let Some(digit) = rest.digits(1) {
        place /= 10;
        micros += digit * place;
        digits += 1;
    }
    if digits == 0 { Err(CLOCK) } else { Ok(micros) }
}

fn offset(rest: &mut Rest<'_>) -> Result<i64, BadTimestamp> {
    let sign = match rest.peek() {
        Some(b'Z' | b'z') if rest.0.len() == 1 => return Ok(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(OFFSET),
    };
    rest.skip(1);
    let hours = rest.digits(2).filter(|hours| *hours < 24).ok_or(OFFSET)?;
    let minutes = if rest.0.is_empty() {
        0
    } else {
        rest.take(b':');
        rest.digits(2).filter(|minutes| *minutes < 60).ok_or(OFFSET)?
    };
    if !rest.0.is_empty() {
        return Err(OFFSET);
    }
    Ok(sign * (hours * 60 + minutes) * 60 * MICROS_PER_SECOND)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read with dateutil 2.9: text, and what Python printed for the parsed value in UTC.
    #[test]
    fn read_as_dateutil_does() {
        for (text, utc) in [
            ("2030", "2030-01-01T00:00:00+00:00"),
            ("2030-02", "2030-02-01T00:00:00+00:00"),
            ("2030-W01", "2029-12-31T00:00:00+00:00"),
            ("2030W013T10", "2030-01-02T10:00:00+00:00"),
            ("2028-366", "2028-12-31T00:00:00+00:00"),
            ("2030-01-02 03:04", "2030-01-02T03:04:00+00:00"),
            ("2030-01-02T24:00", "2030-01-03T00:00:00+00:00"),
            ("2030-01-02T03:04:05.1234567Z", "2030-01-02T03:04:05.123456+00:00"),
            ("20300102T030405,25-0130", "2030-01-02T04:34:05.250000+00:00"),
            ("2030-01-02T03+05", "2030-01-01T22:00:00+00:00"),
        ] {
            assert_eq!(Timestamp::parse(text).map(Timestamp::to_iso).as_deref(), Ok(utc), "{text}");
        }
    }

    #[test]
    fn refused_as_dateutil_does() {
        for text in [
            "203001",
            "2030-1-2",
            "2030-02-29",
            "0000-01-01",
            "2030-13-01",
            "2029-366",
            "2030-W54",
            "2030-W01T10:00",
            "2030-01-02T",
            "2030-01-02Z",
            "2030-01-02T3",
            "2030-01-02T03:0405",
            "2030-01-02T25:00",
            "2030-01-02T24:00:01",
            "2030-01-02T03:60",
            "2030-01-02T03:04:05.",
            "2030-01-02T03:04:05+2",
            "2030-01-02T03:04:05+24:00",
            "2030-01-02T03:04:05ZZ",
            "0001-01-01T00:00:00+01:00",
            "2030-01-02T03:04:05+02:000",
            "é",
            "2030-é1",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
