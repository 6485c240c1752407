//! The search: recipes in blocks, runs on many threads, what they found merged in order.
//!
//! A run's recipe depends on its number and on what all runs up to the block before the last have found. So the same
//! seeds give the same runs and the same failures on any number of threads, and no thread waits for another.

use super::attempt::{Attempt, Error, attempt};
use super::failure::{Failure, Failures};
use super::recipe::Recipe;
use super::space::Space;
use super::story::Story;
use super::strategy::{Known, Strategy, recipe};
use crate::env::system::Stopwatch;
use crate::scenario::parallel::{Work, in_order};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Runs that are planned with the same knowledge.
const BLOCK: u64 = 64;

/// How much is searched, and how.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The first seed.
    pub first_seed: u64,
    /// How many runs; `None` for as many as the time allows.
    pub seeds: Option<u64>,
    /// How long, in real time; `None` for as long as it takes.
    pub time: Option<Duration>,
    /// Threads.
    pub jobs: u32,
    /// How runs are chosen.
    pub strategy: Strategy,
    /// Go on after the first failure.
    pub all: bool,
}

/// How far a search has come.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Runs so far.
    pub runs: u64,
    /// Records in their traces.
    pub events: u64,
    /// Virtual time that passed in them.
    pub virtual_seconds: f64,
    /// Processor time of all threads that make runs.
    pub cpu_seconds: f64,
    /// Real time.
    pub wall_seconds: f64,
    /// States that any of them has reached.
    pub features: usize,
    /// The last run that reached a new one.
    pub last_new: u64,
    /// Failures, and how many of them are distinct.
    pub failed: u64,
    /// Distinct failures.
    pub distinct: usize,
    /// Runs that failed, by their outcomes.
    pub outcomes: BTreeMap<String, u64>,
}

impl Progress {
    /// Whether new states still turn up: one did in the last quarter of the runs.
    pub fn is_rising(&self) -> bool {
        self.last_new >= self.runs - self.runs / 4
    }
}

/// What a search has found.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// How far it came.
    pub progress: Progress,
    /// Distinct failures, in the order in which they were found.
    pub failures: Vec<Failure>,
    /// It was told to end before its budget was used up.
    pub interrupted: bool,
}

/// A run to be planned and made.
struct Todo {
    index: u64,
    seed: u64,
    known: Arc<Known>,
}

type Done = (Arc<Recipe>, Result<Attempt, Error>);

/// Searches. `watch` is told how far it has come after each run, and can end it.
///
/// # Errors
///
/// When the story can't be run.
pub(super) fn search(
    story: &Story,
    budget: &Budget,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Exploration, Error> {
    let space = Space::of(&story.scenario, &story.explore)?;
    let make = |Todo { index, seed, known }: Todo| {
        let recipe = Arc::new(recipe(budget.strategy, index, seed, &space, &known));
        drop(known);
        let attempt = attempt(story, &recipe);
        (recipe, attempt)
    };
    let mut search = Search::new(*budget, watch);
    in_order(budget.jobs, make, &mut search);
    search.finish()
}

struct Search<'a> {
    budget: Budget,
    watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    stopwatch: Stopwatch,
    known: Known,
    failures: Failures,
    progress: Progress,
    planned: u64,
    /// What the runs of the next block to be planned may know, and of the one after it.
    known_to: VecDeque<Arc<Known>>,
    /// Results of the block that is merged next, in order.
    block: Vec<(Arc<Recipe>, Attempt)>,
    interrupted: bool,
    error: Option<Error>,
}

impl Work for Search<'_> {
    type Input = Todo;
    type Output = Done;

    fn next(&mut self) -> Option<Todo> {
        if self.budget.seeds.is_some_and(|seeds| self.planned >= seeds) {
            return None;
        }
        let known = self.known_to.front()?.clone();
        let (index, seed) = (self.planned, self.budget.first_seed.wrapping_add(self.planned));
        self.planned += 1;
        if self.planned.is_multiple_of(BLOCK) {
            self.known_to.pop_front();
        }
        Some(Todo { index, seed, known })
    }

    fn take(&mut self, (recipe, attempt): Done) -> ControlFlow<()> {
        match attempt {
            Ok(attempt) => self.count(recipe, attempt),
            Err(error) => {
                self.error = Some(error);
                return ControlFlow::Break(());
            }
        }
        if self.progress.runs.is_multiple_of(BLOCK) {
            self.merge();
            self.known_to.push_back(Arc::new(self.known.clone()));
        }
        self.interrupted = (self.watch)(&self.progress).is_break();
        if self.interrupted || self.is_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl<'a> Search<'a> {
    fn new(budget: Budget, watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        let nothing = Arc::new(Known::default());
        Search {
            budget,
            watch,
            stopwatch: Stopwatch::start(),
            known: Known::default(),
            failures: Failures::default(),
            progress: Progress::default(),
            planned: 0,
            known_to: VecDeque::from([nothing.clone(), nothing]),
            block: Vec::new(),
            interrupted: false,
            error: None,
        }
    }

    fn finish(mut self) -> Result<Exploration, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.merge();
        Ok(Exploration { progress: self.progress, failures: self.failures.into_vec(), interrupted: self.interrupted })
    }

    fn is_enough(&self) -> bool {
        let found = self.progress.failed > 0 && !self.budget.all;
        found || self.budget.time.is_some_and(|time| self.stopwatch.elapsed() >= time)
    }

    fn count(&mut self, recipe: Arc<Recipe>, attempt: Attempt) {
        let progress = &mut self.progress;
        progress.runs += 1;
        progress.events = progress.events.saturating_add(attempt.events);
        progress.virtual_seconds += attempt.virtual_seconds;
        progress.cpu_seconds += attempt.cpu_seconds;
        progress.wall_seconds = self.stopwatch.elapsed().as_secs_f64();
        if let Some((signature, hash)) = &attempt.failure {
            progress.failed += 1;
            *progress.outcomes.entry(signature.outcome.clone()).or_default() += 1;
            self.failures.add(signature, hash, &recipe, progress);
            progress.distinct = self.failures.len();
        }
        self.block.push((recipe, attempt));
    }

    /// Adds what a block has found to what is known.
    fn merge(&mut self) {
        let first = self.progress.runs - self.block.len() as u64;
        for (number, (recipe, attempt)) in self.block.drain(..).enumerate() {
            for reached in &attempt.reached {
                if self.known.covered.is_new(reached.feature) {
                    self.known.finds.push((recipe.clone(), reached.clone()));
                }
            }
            if self.known.covered.add(&attempt.reached) > 0 {
                self.progress.last_new = first + number as u64 + 1;
            }
        }
        self.progress.features = self.known.covered.features();
    }
}
