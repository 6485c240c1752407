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
use attempt::Error;
use std::ops::ControlFlow;
use story::Story;

pub use bounded::{Bounds, Checked};
pub use failure::Failure;
pub use found::{Origin, file_name, file_text, is_found};
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
) -> Result<Exploration, Error> {
    let story = Story::new(scenario, variant)?;
    search::search(&story, budget, &mut watch)
}

/// A failing run that is to be made small.
#[derive(Clone, Copy, Debug)]
pub enum Failing<'a> {
    /// One that [`explore`] or [`check`] found.
    Found(&'a Failure),
    /// The story on this seed.
    Seed(u64),
}

/// The smallest story that fails as a failure of [`explore`] does, in at most `runs` runs.
///
/// # Errors
///
/// When the scenario is not the one that was explored.
pub fn shrink(scenario: &Scenario, variant: Option<&str>, failure: &Failure, runs: u64) -> Result<Shrunk, Error> {
    shrink_watched(scenario, variant, Failing::Found(failure), runs, |_| ControlFlow::Continue(()))
}

/// The smallest story that fails as a variant does on some seed, in at most `runs` runs.
///
/// # Errors
///
/// When it does not fail.
pub fn shrink_seed(scenario: &Scenario, variant: Option<&str>, seed: u64, runs: u64) -> Result<Shrunk, Error> {
    shrink_watched(scenario, variant, Failing::Seed(seed), runs, |_| ControlFlow::Continue(()))
}

/// As [`shrink`] and [`shrink_seed`]. `watch` is told how many runs were made, and can end it: what was the smallest until
/// then is what comes out.
///
/// # Errors
///
/// When the run does not fail, or the scenario is not the one that was explored.
pub fn shrink_watched(
    scenario: &Scenario,
    variant: Option<&str>,
    failing: Failing<'_>,
    runs: u64,
    mut watch: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Shrunk, Error> {
    let story = Story::new(scenario, variant)?;
    let document = match failing {
        Failing::Found(failure) => failure.recipe.document(&story.document),
        Failing::Seed(seed) => recipe::Recipe { seed, ..recipe::Recipe::default() }.document(&story.document),
    };
    shrink::shrink(scenario.path(), &document, runs, &mut watch)
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
) -> Result<Checked, Error> {
    let story = Story::new(scenario, variant)?;
    bounded::check(&story, bounds, &mut watch)
}
