//! Celery's algorithm, step by step (`celery/schedules.py`, `celery/utils/time.py`), hazards included.
//!
//! A crontab works on local times and only in the end looks how far away they are. A local time that turns out to be
//! skipped lies later by what is skipped, one that comes twice is the first of the two. So in autumn `*/30` pauses for
//! 90 minutes, and in spring 02:30 runs at 03:30.

use super::crontab::{Crontab, time_of, weekday};
use super::interval::Interval;
use super::zone::Zone;
use crate::message::Timestamp;
use jiff::civil::{Date, DateTime};
use std::time::Duration;

/// Celery's `schedstate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueState {
    /// Whether it is due now.
    pub is_due: bool,
    /// How long until it is worth asking again.
    pub next: Duration,
}

/// Never: further away than any crontab.
const NEVER: i64 = i64::MAX;

pub(super) fn interval_is_due(interval: &Interval, last: Timestamp, now: Timestamp, zone: &Zone) -> DueState {
    let remaining = |last: Timestamp| {
        let end = interval.end(last, zone);
        end.map_or(NEVER, |end| end.as_micros().saturating_sub(now.as_micros()))
    };
    match remaining(last) {
        ..=0 => {
            // Below a second, a relative interval that is rounded down is due at once again: Celery waits a period.
            let rest = if interval.is_relative() { remaining(now) } else { 0 };
            DueState { is_due: true, next: if rest > 0 { micros(rest) } else { interval.every() } }
        }
        until_due => DueState { is_due: false, next: micros(until_due) },
    }
}

pub(super) fn crontab_is_due(
    crontab: &Crontab,
    last: Timestamp,
    now: Timestamp,
    zone: &Zone,
    deadline: Option<Duration>,
) -> DueState {
    let remaining = |last: DateTime| remaining(crontab, last, now, zone);
    let last = zone.local(last).0;
    let until_due = remaining(last);
    // Due only if a run lies within the deadline, be it the one that follows the last or a later one.
    let too_late = deadline.is_some_and(|deadline| {
        let deadline = i64::try_from(deadline.as_micros()).unwrap_or(i64::MAX);
        let earliest = Timestamp::from_micros(now.as_micros().saturating_sub(deadline).saturating_sub(1));
        until_due < -deadline && remaining(zone.local(earliest).0) > 0
    });
    let is_due = until_due <= 0 && !too_late;
    let next = if is_due || too_late { remaining(zone.local(now).0) } else { until_due };
    DueState { is_due, next: micros(next.max(0)) }
}

/// Microseconds from `now` to the run that follows the local time `last`; negative when it is over.
fn remaining(crontab: &Crontab, last: DateTime, now: Timestamp, zone: &Zone) -> i64 {
    let next = next_local(crontab, last, zone.local(now).0.date(), zone).and_then(|next| zone.instant(next));
    next.map_or(NEVER, |next| next.as_micros().saturating_sub(now.as_micros()))
}

/// `crontab.remaining_delta`, applied to `last`.
fn next_local(crontab: &Crontab, last: DateTime, today: Date, zone: &Zone) -> Option<DateTime> {
    let (date, hour, minute) = (last.date(), last.hour() as u8, last.minute() as u8);
    let this_date = crontab.matches_date(date);
    // The rest of the hour counts only if the last run was today.
    if this_date && date == today && crontab.hour.contains(hour) && minute < crontab.minute.largest() {
        return time_of(date, hour, crontab.minute.from(minute + 1)?);
    }
    let next_minute = crontab.minute.least();
    if this_date && hour < crontab.hour.largest() {
        return time_of(date, crontab.hour.from(hour + 1)?, next_minute);
    }
    let next_hour = crontab.hour.least();
    let fields = crontab.fields();
    let is_star = |text: &super::FieldSpec| matches!(text, super::FieldSpec::Text(text) if text == "*");
    if is_star(&fields.day_of_month) && is_star(&fields.month_of_year) {
        let today = weekday(date);
        let next = crontab.day_of_week.from(today + 1).unwrap_or(crontab.day_of_week.least());
        let days = match (next + 7 - today) % 7 {
            0 => 7,
            days => days,
        };
        let date = date.checked_add(jiff::Span::new().days(i64::from(days))).ok()?;
        return time_of(date, next_hour, next_minute);
    }
    let date = next_date(crontab, last, next_hour, next_minute, zone)?;
    time_of(date, next_hour, next_minute)
}

/// `crontab._delta_to_next`: the next date of the named days and months that is not before the last run.
fn next_date(crontab: &Crontab, last: DateTime, hour: u8, minute: u8, zone: &Zone) -> Option<Date> {
    let mut year = last.year();
    let this_month = last.month() as u8;
    let (mut month, mut day) = match crontab.month_of_year.contains(this_month) {
        true => (this_month, crontab.day_of_month.from(last.day() as u8 + 1)),
        // The year stays when the months wrap around; what is before the last run is passed over.
        false => {
            let month = crontab.month_of_year.from(this_month + 1).unwrap_or(crontab.month_of_year.least());
            (month, Some(crontab.day_of_month.least()))
        }
    };
    // Each round tries one month or passes one day: the years end it.
    while year < 9_999 {
        let date = day.and_then(|day| Date::new(year, month as i8, day as i8).ok());
        let date = date.filter(|date| {
            let is_before = |at: DateTime| zone.existing(at) < last;
            time_of(*date, hour, minute).is_some_and(|at| !is_before(at))
        });
        match date {
            Some(date) if crontab.day_of_week.contains(weekday(date)) => return Some(date),
            Some(date) => day = crontab.day_of_month.from(date.day() as u8 + 1),
            None => {
                day = Some(crontab.day_of_month.least());
                match crontab.month_of_year.from(month + 1) {
                    Some(next) => month = next,
                    None => (month, year) = (crontab.month_of_year.least(), year + 1),
                }
            }
        }
    }
    None
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
