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
use crate::env::system::{self, Stopwatch};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Runs that are planned with the same knowledge.
const BLOCK: u64 = 64;
/// How often results are collected. Whoever waited for each would have to be woken by each: a tenth of a short run.
const COLLECT: Duration = Duration::from_millis(2);

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
#[derive(Clone, Copy, Debug, Default)]
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

struct Todo {
    index: u64,
    seed: u64,
    known: Arc<Known>,
}

type Done = (u64, Arc<Recipe>, Result<Attempt, Error>);

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
    let (todo, work) = crossbeam_channel::unbounded();
    let (tell, done) = crossbeam_channel::unbounded();
    system::scope(|scope| {
        for _ in 0..budget.jobs.max(1) {
            let (work, tell, space) = (work.clone(), tell.clone(), &space);
            #[cfg(feature = "planted")]
            let fault = crate::planted::at_work();
            scope.spawn(move || {
                #[cfg(feature = "planted")]
                crate::planted::plant(fault);
                make_runs(story, budget.strategy, space, &work, &tell);
            });
        }
        drop(tell);
        let ended = Search::new(*budget).run(&todo, &done, watch);
        drop(todo);
        while work.try_recv().is_ok() {}
        ended
    })
}

fn make_runs(story: &Story, strategy: Strategy, space: &Space, work: &Receiver<Todo>, tell: &Sender<Done>) {
    for Todo { index, seed, known } in work {
        let recipe = Arc::new(recipe(strategy, index, seed, space, &known));
        drop(known);
        let attempt = attempt(story, &recipe);
        // Nobody listens any more when an earlier one ended everything.
        let _ = tell.send((index, recipe, attempt));
    }
}

struct Search {
    budget: Budget,
    stopwatch: Stopwatch,
    known: Known,
    failures: Failures,
    progress: Progress,
    planned: u64,
    /// Results of the block that is merged next, in order.
    block: Vec<(Arc<Recipe>, Attempt)>,
    /// Results that came before their turn.
    early: BTreeMap<u64, (Arc<Recipe>, Result<Attempt, Error>)>,
}

impl Search {
    fn new(budget: Budget) -> Self {
        Search {
            budget,
            stopwatch: Stopwatch::start(),
            known: Known::default(),
            failures: Failures::default(),
            progress: Progress::default(),
            planned: 0,
            block: Vec::new(),
            early: BTreeMap::new(),
        }
    }

    fn run(
        mut self,
        todo: &Sender<Todo>,
        done: &Receiver<Done>,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Exploration, Error> {
        let mut interrupted = false;
        let collect = crossbeam_channel::tick(COLLECT);
        self.plan_block(todo);
        self.plan_block(todo);
        while self.progress.runs < self.planned {
            match done.try_recv() {
                Ok((index, recipe, attempt)) => drop(self.early.insert(index, (recipe, attempt))),
                // The ticks never end.
                Err(TryRecvError::Empty) => drop(collect.recv()),
                Err(TryRecvError::Disconnected) => return Err("a run did not come back".into()),
            }
            while let Some((recipe, attempt)) = self.early.remove(&self.progress.runs) {
                self.count(recipe, attempt?);
                if self.progress.runs.is_multiple_of(BLOCK) {
                    self.merge();
                    self.plan_block(todo);
                }
                interrupted = watch(&self.progress).is_break();
                if interrupted || self.is_enough() {
                    return Ok(self.finish(interrupted));
                }
            }
        }
        self.merge();
        Ok(self.finish(interrupted))
    }

    fn finish(self, interrupted: bool) -> Exploration {
        Exploration { progress: self.progress, failures: self.failures.into_vec(), interrupted }
    }

    fn is_enough(&self) -> bool {
        let found = self.progress.failed > 0 && !self.budget.all;
        found || self.budget.time.is_some_and(|time| self.stopwatch.elapsed() >= time)
    }

    /// Plans as many runs as a block has, or as are left.
    fn plan_block(&mut self, todo: &Sender<Todo>) {
        let known = Arc::new(self.known.clone());
        let left = self.budget.seeds.map_or(u64::MAX, |seeds| seeds - self.planned.min(seeds));
        for _ in 0..left.min(BLOCK) {
            let seed = self.budget.first_seed.wrapping_add(self.planned);
            // The receivers live as long as the scope.
            let _ = todo.send(Todo { index: self.planned, seed, known: known.clone() });
            self.planned += 1;
        }
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
