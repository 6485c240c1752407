//! What can be wrong with a crontab.

use super::field::Field;
use std::fmt;

/// A crontab that can't be used: which field, what it says, why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {fault} {}", fault.allowed(*field))]
pub struct BadCrontab {
    /// The field; `None` when it is about the whole.
    pub field: Option<Field>,
    /// The field and what it says, in words.
    what: String,
    /// Why.
    pub fault: Fault,
}

/// Why a crontab can't be used. The texts are those of Celery's exceptions where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing between two commas.
    #[error("empty part")]
    EmptyPart,
    /// Nothing after a slash.
    #[error("empty filter")]
    EmptyStep,
    /// A minus sign.
    #[error("negative numbers not supported")]
    Negative,
    /// Neither a number nor a name.
    #[error("Invalid weekday literal '{0}'.")]
    Word(String),
    /// Too large.
    #[error("Invalid end range: {0} > {1}.")]
    TooLarge(u64, u8),
    /// Too small.
    #[error("Invalid beginning range: {0} < {1}.")]
    TooSmall(u64, u8),
    /// A number of a list is out of range.
    #[error("Invalid crontab pattern.  Valid range is {low}-{high}. '{found}' was found.")]
    Number {
        /// What was found.
        found: i64,
        /// The least.
        low: u8,
        /// The most.
        high: u8,
    },
    /// A step that is no number, or zero.
    #[error("'{0}' is no step.")]
    Step(String),
    /// Something follows that Celery would ignore.
    #[error("'{0}' is not understood.")]
    Rest(String),
    /// No number at all.
    #[error("the list is empty.")]
    NoNumber,
    /// Longer than any crontab.
    #[error("more than {0} bytes.")]
    TooLong(usize),
    /// Not five fields.
    #[error("{0} fields.")]
    Fields(usize),
    /// Such days do not exist.
    #[error("Invalid crontab: day_of_month '{days}' never occurs in month_of_year '{months}'.")]
    NeverOccurs {
        /// The days.
        days: String,
        /// The months.
        months: String,
    },
}

impl Fault {
    /// What is allowed instead.
    fn allowed(&self, field: Option<Field>) -> String {
        match (self, field) {
            (Fault::NeverOccurs { .. }, _) => "Give a day that one of the months has".to_owned(),
            (_, None) => "Expected five fields: minute hour day_of_month month_of_year day_of_week".to_owned(),
            (Fault::Step(_), _) => "A step is a whole number from 1, as in */15".to_owned(),
            (_, Some(field)) => {
                let (low, high) = field.range();
                let names = match field {
                    Field::DayOfWeek => ", or names such as mon",
                    Field::MonthOfYear => ", or names such as jan",
                    _ => "",
                };
                format!("Expected numbers from {low} to {high}{names}: *, */n, a, a-b, a-b/n, or a list of these")
            }
        }
    }
}

impl BadCrontab {
    pub(super) fn in_field(field: Field, text: impl fmt::Display, fault: Fault) -> Self {
        BadCrontab { field: Some(field), what: format!("crontab field {field} = {text}"), fault }
    }

    pub(super) fn whole(text: &str, fault: Fault) -> Self {
        let shown: String = text.chars().take(100).collect();
        BadCrontab { field: None, what: format!("crontab {shown:?}"), fault }
    }
}
