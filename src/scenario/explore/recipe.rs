//! Recipes: how one explored run differs from the story it is made of.

use super::document::{overlay_settings, table_in, written};
use crate::scenario::Scenario;
use crate::scenario::schedule::table as schedule;
use crate::text::Problem;
use simq_sim::Order;
use std::path::Path;
use toml::{Table, Value};

/// One run to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) strategy: &'static str,
    pub(crate) seed: u64,
    pub(crate) order: Order,
    /// Every message travels as fast as it can.
    pub(crate) still: bool,
    /// Faults beyond the story's own, as a file has them.
    pub(crate) faults: Vec<Table>,
    /// Settings beyond the story's own.
    pub(crate) settings: Table,
}

impl Recipe {
    /// The story with these changes.
    pub(super) fn document(&self, story: &Table) -> Table {
        let mut document = story.clone();
        document.insert("seed".to_owned(), Value::Integer(i64::try_from(self.seed).unwrap_or(i64::MAX)));
        if self.order != Order::Uniform {
            document.insert("schedule".to_owned(), Value::Table(schedule(&self.order)));
        }
        if self.still {
            table_in(&mut document, "network").insert("jitter".to_owned(), "0s".into());
        }
        if !self.settings.is_empty() {
            overlay_settings(table_in(&mut document, "settings"), self.settings.clone());
        }
        if !self.faults.is_empty() {
            let faults = document.entry("fault").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(faults) = faults {
                faults.extend(self.faults.iter().cloned().map(Value::Table));
            }
        }
        document
    }

    /// The scenario of this run.
    ///
    /// # Errors
    ///
    /// When the changes make no sense to this story.
    pub(super) fn scenario(&self, path: &Path, story: &Table) -> Result<Scenario, Problem> {
        Scenario::parse(path, written(&self.document(story)))
    }

    /// Whether it is the story itself on some seed.
    pub(super) fn is_plain(&self) -> bool {
        self.order == Order::Uniform && !self.still && self.faults.is_empty() && self.settings.is_empty()
    }
}
