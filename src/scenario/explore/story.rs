//! A story to explore: one variant of a scenario, as a document and ready to run.

use super::document::{flattened, written};
use super::table::Explore;
use crate::scenario::Scenario;
use crate::text::Problem;
use toml::Table;

/// One variant of a file.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(super) document: Table,
    pub(super) scenario: Scenario,
    pub(super) explore: Explore,
}

impl Story {
    /// The story of a variant.
    ///
    /// # Errors
    ///
    /// When the variant by itself makes no sense, which a file that was read doesn't have.
    pub(crate) fn new(scenario: &Scenario, variant: Option<&str>) -> Result<Story, Problem> {
        let document = flattened(scenario.text(), variant).unwrap_or_default();
        let explore = scenario.file.explore.clone();
        Story::of(scenario.path(), document, explore)
    }

    pub(super) fn of(path: &std::path::Path, document: Table, explore: Explore) -> Result<Story, Problem> {
        let scenario = Scenario::parse(path, written(&document))?;
        Ok(Story { document, scenario, explore })
    }
}
