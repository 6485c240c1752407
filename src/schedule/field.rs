//! One field of a crontab: its text, and the numbers that it stands for.
//!
//! Celery's syntax: `*`, `*/n`, `a`, `a-b`, `a-b/n`, and lists of these with commas. A number may be the name of a month
//! or a day, of which the first three letters count, in any case and in any field. A range that goes down wraps around.

use super::error::{BadCrontab, Fault};
use std::fmt;

/// Longest text of a field.
const MAX_TEXT: usize = 1000;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The fields, under Celery's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 0 to 6; Sunday is 0.
    DayOfWeek,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12.
    MonthOfYear,
}

impl Field {
    /// All of them, as Celery's constructor has them.
    pub const ALL: [Field; 5] = [Field::Minute, Field::Hour, Field::DayOfWeek, Field::DayOfMonth, Field::MonthOfYear];

    /// The least and the largest number.
    pub fn range(self) -> (u8, u8) {
        match self {
            Field::Minute => (0, 59),
            Field::Hour => (0, 23),
            Field::DayOfWeek => (0, 6),
            Field::DayOfMonth => (1, 31),
            Field::MonthOfYear => (1, 12),
        }
    }

    /// Celery's name.
    pub fn name(self) -> &'static str {
        match self {
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfWeek => "day_of_week",
            Field::DayOfMonth => "day_of_month",
            Field::MonthOfYear => "month_of_year",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is written for a field: a text, a number, or a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldSpec {
    /// `"*/15"`.
    Text(String),
    /// `7`.
    Number(i64),
    /// `[1, 5]`.
    List(Vec<i64>),
}

impl Default for FieldSpec {
    fn default() -> Self {
        FieldSpec::Text("*".to_owned())
    }
}

impl From<&str> for FieldSpec {
    fn from(text: &str) -> Self {
        FieldSpec::Text(text.to_owned())
    }
}

impl From<i64> for FieldSpec {
    fn from(number: i64) -> Self {
        FieldSpec::Number(number)
    }
}

impl From<Vec<i64>> for FieldSpec {
    fn from(numbers: Vec<i64>) -> Self {
        FieldSpec::List(numbers)
    }
}

/// As Python's `repr` of a crontab has it.
impl fmt::Display for FieldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldSpec::Text(text) => f.write_str(text),
            FieldSpec::Number(number) => number.fmt(f),
            FieldSpec::List(numbers) => fmt::Debug::fmt(numbers, f),
        }
    }
}

/// A set of small numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn contains(self, number: u8) -> bool {
        number < 64 && self.0 >> number & 1 == 1
    }

    /// The least number from `from` on.
    pub(super) fn from(self, from: u8) -> Option<u8> {
        let rest = self.0.checked_shr(u32::from(from)).unwrap_or(0);
        (rest != 0).then(|| from + rest.trailing_zeros() as u8)
    }

    pub(super) fn least(self) -> u8 {
        self.0.trailing_zeros() as u8
    }

    pub(super) fn largest(self) -> u8 {
        63_u8.saturating_sub(self.0.leading_zeros() as u8)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |number| self.contains(*number))
    }

    pub(super) fn len(self) -> u32 {
        self.0.count_ones()
    }

    fn add(&mut self, number: u8) {
        self.0 |= 1 << number;
    }
}

/// The numbers that a field stands for.
pub(super) fn expand(field: Field, spec: &FieldSpec) -> Result<Numbers, BadCrontab> {
    let mut numbers = Numbers::default();
    match spec {
        FieldSpec::Text(text) if text.len() > MAX_TEXT => {
            let shown: String = text.chars().take(40).collect();
            return Err(BadCrontab::in_field(field, format!("{shown:?}..."), Fault::TooLong(MAX_TEXT)));
        }
        FieldSpec::Text(text) => {
            for part in text.split(',') {
                let values = part_of(field, part.trim());
                let values = values.map_err(|fault| BadCrontab::in_field(field, format!("{text:?}"), fault))?;
                values.for_each(|number| numbers.add(number));
            }
        }
        FieldSpec::Number(number) => numbers.add(in_range(field, *number, spec)?),
        FieldSpec::List(list) if list.is_empty() => return Err(BadCrontab::in_field(field, "[]", Fault::NoNumber)),
        FieldSpec::List(list) => {
            list.iter().try_for_each(|number| in_range(field, *number, spec).map(|number| numbers.add(number)))?;
        }
    }
    Ok(numbers)
}

fn in_range(field: Field, found: i64, spec: &FieldSpec) -> Result<u8, BadCrontab> {
    let (low, high) = field.range();
    let number = u8::try_from(found).ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| BadCrontab::in_field(field, spec, Fault::Number { found, low, high }))
}

/// Numbers from `from` to `to`, around the end of the field if need be, every `step`-th of them.
fn wrapped((low, high): (u8, u8), from: u8, to: u8, step: usize) -> impl Iterator<Item = u8> {
    let span = u32::from(high - low) + 1;
    let count = (u32::from(to) + span - u32::from(from)) % span + 1;
    (0..count).step_by(step).map(move |after| low + ((u32::from(from - low) + after) % span) as u8)
}

fn part_of(field: Field, part: &str) -> Result<impl Iterator<Item = u8>, Fault> {
    let range = field.range();
    if part.is_empty() {
        return Err(Fault::EmptyPart);
    }
    if let Some(rest) = part.strip_prefix('*') {
        return match rest.strip_prefix('/') {
            Some(step) => Ok(wrapped(range, range.0, range.1, step_of(step)?)),
            None if rest.is_empty() => Ok(wrapped(range, range.0, range.1, 1)),
            None => Err(Fault::Word(part.to_owned())),
        };
    }
    match split_range(part) {
        Some((from, rest)) => {
            let (to, step) = rest.split_once('/').map_or((rest, None), |(to, step)| (to, Some(step)));
            let to_end = to.find(|c: char| !is_word(c)).unwrap_or(to.len());
            if to_end < to.len() {
                return Err(Fault::Rest(to[to_end..].to_owned()));
            }
            let (from, to) = (number(field, from)?, number(field, to)?);
            Ok(wrapped(range, from, to, step.map_or(Ok(1), step_of)?))
        }
        None => number(field, part).map(|only| wrapped(range, only, only, 1)),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A range has a word on both sides of its first dash.
fn split_range(part: &str) -> Option<(&str, &str)> {
    let (from, rest) = part.split_once('-')?;
    let is_range = !from.is_empty() && from.chars().all(is_word) && rest.starts_with(is_word);
    is_range.then_some((from, rest))
}

fn step_of(text: &str) -> Result<usize, Fault> {
    if !text.starts_with(is_word) {
        return Err(Fault::EmptyStep);
    }
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    if end < text.len() {
        return Err(Fault::Rest(text[end..].to_owned()));
    }
    text.parse().ok().filter(|step| *step > 0).ok_or_else(|| Fault::Step(text.to_owned()))
}

fn number(field: Field, text: &str) -> Result<u8, Fault> {
    if text.starts_with('-') {
        return Err(Fault::Negative);
    }
    let (low, high) = field.range();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // What does not fit is too large.
    let value = if is_number { text.parse().unwrap_or(u64::MAX) } else { named(text)? };
    match u8::try_from(value) {
        Ok(value) if value < low => Err(Fault::TooSmall(u64::from(value), low)),
        Ok(value) if value <= high => Ok(value),
        _ => Err(Fault::TooLarge(value, high)),
    }
}

fn named(text: &str) -> Result<u64, Fault> {
    let short: String = text.chars().take(3).flat_map(char::to_lowercase).collect();
    let month = MONTHS.iter().position(|name| *name == short).map(|at| at + 1);
    let found = month.or_else(|| DAYS.iter().position(|name| *name == short));
    found.map(|number| number as u64).ok_or_else(|| Fault::Word(text.to_owned()))
}
