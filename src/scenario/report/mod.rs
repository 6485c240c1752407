//! A report in three shapes: for people, as JSON, as JUnit's XML.

mod human;
mod junit;
mod replay;
mod tally;

pub(super) use human::title;
pub use human::{Style, human};
pub use junit::Junit;
pub use replay::{replay, shell_word};
pub use tally::Tally;

use super::Report;

/// One line of JSON.
pub fn json(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}
