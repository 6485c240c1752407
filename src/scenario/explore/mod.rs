//! Exploration: many runs of one story, to find one in which an expectation does not hold, and the smallest like it.
//!
//! | file | holds |
//! |---|---|
//! | `table` | `[explore]`: what may be added to a story |
//! | `document`, `story` | a scenario as a TOML document: flattened, and written in a readable order |
//! | `space`, `faults`, `strategy`, `recipe` | what can be varied, and how one run is chosen |
//! | `coverage`, `life`, `struck`, `signature` | what a run has reached, and what tells one failure from another |
//! | `attempt`, `search`, `failure` | runs on many threads, and what they found |
//! | `bounded` | all schedules within bounds, instead of many at random |
//! | `shrink` | the smallest story that fails for the same reason |
//! | `found` | that story as a file |

mod attempt;
mod bounded;
mod coverage;
mod document;
mod failure;
mod faults;
mod found;
pub(super) mod ids;
mod life;
mod recipe;
mod search;
mod shrink;
mod signature;
mod space;
mod story;
mod strategy;
mod struck;
mod table;

use super::Scenario;
use std::ops::ControlFlow;
use story::Story;

pub use bounded::{Bounds, Checked};
pub use failure::Failure;
pub use found::{Origin, file_name, file_text};
pub use search::{Budget, Exploration, Progress};
pub use shrink::{Shrunk, Size};
pub use signature::Signature;
pub use strategy::Strategy;
pub(crate) use table::{Explore, setting_table};

/// Explores a variant of a scenario: many runs, each of which differs in its schedule, its latencies and in what the
/// file's table `[explore]` lets it add. A failure is a run in which an expectation does not hold.
///
/// With the same budget of `seeds` it finds the same failures, whatever `jobs`. `watch` is told how far it has come after
/// each run, and can end it.
///
/// # Errors
///
/// When the scenario can't be run.
pub fn explore(
    scenario: &Scenario,
    variant: Option<&str>,
    budget: &Budget,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Exploration, Box<dyn std::error::Error + Send + Sync>> {
    let story = Story::new(scenario, variant)?;
    search::search(&story, budget, &mut watch)
}

/// The smallest story that fails as a failure of [`explore`] does, in at most `runs` runs.
///
/// # Errors
///
/// When the scenario is not the one that was explored.
pub fn shrink(
    scenario: &Scenario,
    variant: Option<&str>,
    failure: &Failure,
    runs: u64,
) -> Result<Shrunk, Box<dyn std::error::Error + Send + Sync>> {
    let story = Story::new(scenario, variant)?;
    shrink::shrink(scenario.path(), &failure.recipe.document(&story.document), runs)
}

/// The smallest story that fails as a variant does on some seed, in at most `runs` runs.
///
/// # Errors
///
/// When it does not fail.
pub fn shrink_seed(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    runs: u64,
) -> Result<Shrunk, Box<dyn std::error::Error + Send + Sync>> {
    let story = Story::new(scenario, variant)?;
    let recipe = recipe::Recipe { seed, ..recipe::Recipe::default() };
    shrink::shrink(scenario.path(), &recipe.document(&story.document), runs)
}

/// Runs all schedules of a variant within bounds, until one fails. `watch` can end it.
///
/// # Errors
///
/// When the scenario can't be run.
pub fn check(
    scenario: &Scenario,
    variant: Option<&str>,
    bounds: &Bounds,
    mut watch: impl FnMut(&Checked) -> ControlFlow<()>,
) -> Result<Checked, Box<dyn std::error::Error + Send + Sync>> {
    let story = Story::new(scenario, variant)?;
    bounded::check(&story, bounds, &mut watch)
}
