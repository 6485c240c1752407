//! Shrinking: the smallest story that fails for the same reason.
//!
//! A story is a TOML document, so a smaller one is made by taking things out of it: faults first, then calls, workers, and
//! every key that is not needed; then numbers are made smaller and times rounder. What is left of the schedule are the
//! choices without which it would not fail. A candidate counts when it has the same outcome, all of its faults strike,
//! and the life of its task has nothing in it that the original's did not have (Zeller and Hildebrandt, "Simplifying and
//! isolating failure-inducing input", 2002; MacIver and Donaldson, "Test-case reduction via test-case generation", 2020).
//!
//! | file | holds |
//! |---|---|
//! | `expect` | what the story is to expect in the end |
//! | `effects` | counted effects get their names |
//! | `tree` | things are taken out, numbers made smaller |
//! | `times` | times are made rounder |
//! | `pins` | choices are made the first ones |

mod effects;
mod expect;
mod pins;
mod times;
mod tree;

use super::attempt::{Error, examine};
use super::document::written;
use super::signature::{Signature, calls_missed};
use crate::scenario::Scenario;
use crate::scenario::run::Ran;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// How large a story is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Calls.
    pub tasks: u64,
    /// Hosts of workers.
    pub workers: u64,
    /// Faults.
    pub faults: u64,
    /// Choices of the schedule that are pinned.
    pub choices: u64,
}

/// A story that can't be made smaller, at least not in as many runs as were allowed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shrunk {
    /// The story as a scenario file.
    pub text: String,
    /// How it fails.
    pub signature: Signature,
    /// Hash of its run.
    pub trace_hash: String,
    /// Its seed.
    pub seed: u64,
    /// How large it is.
    pub size: Size,
    /// How large the original was.
    pub original: Size,
    /// Runs that were made.
    pub runs: u64,
    /// It ended before everything was tried.
    pub is_cut: bool,
}

/// Makes a failing story smaller, in at most this many runs. `watch` is told how many were made, and can end it.
///
/// # Errors
///
/// When the story does not fail, or can't be run.
pub(super) fn shrink(
    path: &Path,
    document: &Table,
    runs: u64,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Shrunk, Error> {
    let scenario = Scenario::parse(path, written(document))?;
    let (ran, signature) = examine(&scenario, scenario.seed(), true)?;
    let Some(signature) = signature else { return Err("this run does not fail: there is nothing to shrink".into()) };
    let struck: Vec<bool> = ran.report.faults.iter().map(|fault| fault.struck).collect();
    let mut shrinker = Shrinker {
        path: path.to_owned(),
        missed: calls_missed(&ran, &signature.outcome),
        original: signature.clone(),
        best: document.clone(),
        signature,
        trace_hash: ran.report.trace_hash,
        seen: BTreeSet::new(),
        runs: 0,
        most: runs,
        watch,
        is_ended: false,
    };
    let original = size(&scenario);
    shrinker.improve(&struck);
    let shrunk = Scenario::parse(path, written(&shrinker.best))?;
    Ok(Shrunk {
        text: written(&shrinker.best),
        seed: shrunk.seed(),
        size: size(&shrunk),
        original,
        is_cut: shrinker.is_spent(),
        signature: shrinker.signature,
        trace_hash: shrinker.trace_hash,
        runs: shrinker.runs,
    })
}

fn size(scenario: &Scenario) -> Size {
    let count = |load: &crate::scenario::format::Load| load.count.as_ref().map_or(1, |count| *count.get_ref());
    let schedule = scenario.file.schedule.as_ref();
    Size {
        tasks: scenario.file.workload.iter().map(count).sum(),
        workers: scenario.worker_hosts().len() as u64,
        faults: scenario.file.fault.len() as u64,
        choices: schedule.map_or(0, |schedule| (schedule.picks.len() + schedule.delays.len()) as u64),
    }
}

/// The smallest story so far.
struct Shrinker<'a> {
    path: PathBuf,
    original: Signature,
    /// Calls of which too few came to the outcome.
    missed: Option<usize>,
    best: Table,
    signature: Signature,
    trace_hash: String,
    /// Hashes of what was tried.
    seen: BTreeSet<u128>,
    runs: u64,
    most: u64,
    watch: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
    is_ended: bool,
}

impl Shrinker<'_> {
    fn improve(&mut self, struck: &[bool]) {
        self.drop_unstruck(struck);
        self.change(|document| document.remove("about").is_some());
        self.narrow_expectations();
        self.first_choices();
        loop {
            let before = written(&self.best);
            self.take_out();
            self.lower_numbers();
            self.round_times();
            self.first_choices();
            if written(&self.best) == before || self.is_spent() {
                break;
            }
        }
        self.pin_choices();
        self.name_effects();
        self.lower_seed();
        self.round_times();
        self.first_choices();
    }

    fn is_spent(&self) -> bool {
        self.is_ended || self.runs >= self.most
    }

    /// Tries the best with one change; whether it still fails for the same reason. `change` says whether it changed
    /// anything.
    fn change(&mut self, change: impl FnOnce(&mut Table) -> bool) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate) && self.accept(candidate)
    }

    /// Takes a candidate for the best if it fails for the same reason.
    fn accept(&mut self, candidate: Table) -> bool {
        let text = written(&candidate);
        if self.is_spent() || !self.seen.insert(xxhash_rust::xxh3::xxh3_128(text.as_bytes())) {
            return false;
        }
        let Ok(scenario) = Scenario::parse(&self.path, text) else { return false };
        self.runs += 1;
        self.is_ended = (self.watch)(self.runs).is_break();
        let Ok((ran, Some(signature))) = examine(&scenario, scenario.seed(), true) else { return false };
        let as_many = self.missed == calls_missed(&ran, &signature.outcome);
        if !signature.is_like(&self.original) || !as_many || !all_struck(&ran) {
            return false;
        }
        (self.best, self.signature, self.trace_hash) = (candidate, signature, ran.report.trace_hash);
        true
    }

    /// Without the faults that found nothing to strike. From here on, all must.
    fn drop_unstruck(&mut self, struck: &[bool]) {
        self.change(|document| {
            let Some(Value::Array(faults)) = document.get_mut("fault") else { return false };
            // Reports have poison after everything else.
            let in_order = !faults.iter().any(|fault| fault.get("do").and_then(Value::as_str) == Some("poison"));
            if struck.len() != faults.len() || struck.iter().all(|struck| *struck) || !in_order {
                return false;
            }
            let mut struck = struck.iter();
            faults.retain(|_| struck.next().is_none_or(|struck| *struck));
            true
        });
    }

    fn lower_seed(&mut self) {
        for seed in 1..=3 {
            if self.best.get("seed").and_then(Value::as_integer).is_some_and(|now| now <= seed) {
                return;
            }
            if self.change(|document| document.insert("seed".to_owned(), Value::Integer(seed)).is_some()) {
                return;
            }
        }
    }
}

fn all_struck(ran: &Ran) -> bool {
    !ran.report.failures.iter().any(|failure| failure.starts_with("fault never struck"))
}
