//! Celery's crontab: five fields, of which all must match.

use super::error::{BadCrontab, Fault};
use super::field::{Field, FieldSpec, Numbers, expand};
use jiff::civil::{Date, DateTime, Time};
use std::fmt;

/// At the local times whose minute, hour, day of the week, day of the month and month are all named. Celery's
/// `crontab(minute, hour, day_of_week, day_of_month, month_of_year)`; unlike cron, both day fields must match.
#[derive(Clone, Debug)]
pub struct Crontab {
    fields: CrontabFields,
    pub(super) minute: Numbers,
    pub(super) hour: Numbers,
    pub(super) day_of_week: Numbers,
    pub(super) day_of_month: Numbers,
    pub(super) month_of_year: Numbers,
}

/// What is written for the fields of a crontab, `*` by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrontabFields {
    /// 0 to 59.
    pub minute: FieldSpec,
    /// 0 to 23.
    pub hour: FieldSpec,
    /// 0 to 6; Sunday is 0.
    pub day_of_week: FieldSpec,
    /// 1 to 31.
    pub day_of_month: FieldSpec,
    /// 1 to 12.
    pub month_of_year: FieldSpec,
}

impl CrontabFields {
    /// A field, to be written.
    pub fn field_mut(&mut self, field: Field) -> &mut FieldSpec {
        match field {
            Field::Minute => &mut self.minute,
            Field::Hour => &mut self.hour,
            Field::DayOfWeek => &mut self.day_of_week,
            Field::DayOfMonth => &mut self.day_of_month,
            Field::MonthOfYear => &mut self.month_of_year,
        }
    }
}

/// Longest text of a whole crontab.
const MAX_TEXT: usize = 5000;
/// No day that exists at all is further away than this, in days: a 29 February on a certain day of the week.
const FURTHEST_DAYS: u32 = 41 * 366;

impl Crontab {
    /// A crontab of these fields.
    ///
    /// # Errors
    ///
    /// [`BadCrontab`]: a field that can't be read, a number out of range, days that never occur.
    pub fn new(fields: CrontabFields) -> Result<Crontab, BadCrontab> {
        let crontab = Crontab {
            minute: expand(Field::Minute, &fields.minute)?,
            hour: expand(Field::Hour, &fields.hour)?,
            day_of_week: expand(Field::DayOfWeek, &fields.day_of_week)?,
            day_of_month: expand(Field::DayOfMonth, &fields.day_of_month)?,
            month_of_year: expand(Field::MonthOfYear, &fields.month_of_year)?,
            fields,
        };
        let longest = crontab.month_of_year.iter().map(longest_month).max().unwrap_or(31);
        if crontab.day_of_month.least() > longest {
            let (days, months) = (crontab.fields.day_of_month.to_string(), crontab.fields.month_of_year.to_string());
            let text = format!("day_of_month {days} in month_of_year {months}");
            return Err(BadCrontab::whole(&text, Fault::NeverOccurs { days, months }));
        }
        Ok(crontab)
    }

    /// Reads `minute hour day_of_month month_of_year day_of_week`, with blanks between. Celery's `crontab.from_string`.
    ///
    /// # Errors
    ///
    /// As [`Crontab::new`], or not five fields.
    pub fn from_string(text: &str) -> Result<Crontab, BadCrontab> {
        if text.len() > MAX_TEXT {
            return Err(BadCrontab::whole(text, Fault::TooLong(MAX_TEXT)));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day_of_month, month_of_year, day_of_week] = fields[..] else {
            return Err(BadCrontab::whole(text, Fault::Fields(fields.len())));
        };
        Crontab::new(CrontabFields {
            minute: minute.into(),
            hour: hour.into(),
            day_of_week: day_of_week.into(),
            day_of_month: day_of_month.into(),
            month_of_year: month_of_year.into(),
        })
    }

    /// What was written.
    pub fn fields(&self) -> &CrontabFields {
        &self.fields
    }

    /// The numbers that a field stands for, in order.
    pub fn values(&self, field: Field) -> Vec<u8> {
        self.numbers(field).iter().collect()
    }

    /// Whether a field names that number.
    pub fn contains(&self, field: Field, number: u8) -> bool {
        self.numbers(field).contains(number)
    }

    fn numbers(&self, field: Field) -> Numbers {
        match field {
            Field::Minute => self.minute,
            Field::Hour => self.hour,
            Field::DayOfWeek => self.day_of_week,
            Field::DayOfMonth => self.day_of_month,
            Field::MonthOfYear => self.month_of_year,
        }
    }

    /// Whether every hour of a day counts.
    pub(super) fn is_every_hour(&self) -> bool {
        self.hour.len() == 24
    }

    pub(super) fn matches_date(&self, date: Date) -> bool {
        self.month_of_year.contains(date.month() as u8)
            && self.day_of_month.contains(date.day() as u8)
            && self.day_of_week.contains(weekday(date))
    }

    pub(super) fn matches(&self, local: DateTime) -> bool {
        local.second() == 0
            && local.subsec_nanosecond() == 0
            && self.minute.contains(local.minute() as u8)
            && self.hour.contains(local.hour() as u8)
            && self.matches_date(local.date())
    }

    /// The next local time that matches, after `local`; as if clocks were never changed.
    pub(super) fn local_after(&self, local: DateTime) -> Option<DateTime> {
        let (date, hour, minute) = (local.date(), local.hour() as u8, local.minute() as u8);
        if self.matches_date(date) {
            if self.hour.contains(hour)
                && let Some(minute) = self.minute.from(minute + 1)
            {
                return time_of(date, hour, minute);
            }
            if let Some(hour) = self.hour.from(hour + 1) {
                return time_of(date, hour, self.minute.least());
            }
        }
        time_of(self.date_after(date)?, self.hour.least(), self.minute.least())
    }

    fn date_after(&self, date: Date) -> Option<Date> {
        let mut date = date.tomorrow().ok()?;
        for _ in 0..FURTHEST_DAYS {
            if !self.month_of_year.contains(date.month() as u8) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.matches_date(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }
}

/// Sunday is 0.
pub(super) fn weekday(date: Date) -> u8 {
    date.weekday().to_sunday_zero_offset() as u8
}

pub(super) fn time_of(date: Date, hour: u8, minute: u8) -> Option<DateTime> {
    Some(date.to_datetime(Time::new(hour as i8, minute as i8, 0, 0).ok()?))
}

fn longest_month(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Equal when they stand for the same times, as in Celery.
impl PartialEq for Crontab {
    fn eq(&self, other: &Self) -> bool {
        let numbers =
            |this: &Crontab| (this.minute, this.hour, this.day_of_week, this.day_of_month, this.month_of_year);
        numbers(self) == numbers(other)
    }
}

impl Eq for Crontab {}

/// Python's `repr`: `<crontab: 30 7 * * mon (m/h/dM/MY/d)>`.
impl fmt::Display for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CrontabFields { minute, hour, day_of_week, day_of_month, month_of_year } = &self.fields;
        write!(f, "<crontab: {minute} {hour} {day_of_month} {month_of_year} {day_of_week} (m/h/dM/MY/d)>")
    }
}
