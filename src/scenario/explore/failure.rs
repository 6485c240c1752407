//! Failures, one of each kind.

use super::recipe::Recipe;
use super::search::Progress;
use super::signature::Signature;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Distinct failures that are kept.
const MOST: usize = 1000;

/// A failure that exploration found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What tells it from others.
    pub signature: Signature,
    /// The strategy that found it first.
    pub strategy: &'static str,
    /// The seed on which it was first seen.
    pub seed: u64,
    /// Hash of that run.
    pub trace_hash: String,
    /// How often it was seen.
    pub times: u64,
    /// Runs that were made until it was found, itself included.
    pub runs: u64,
    /// Processor time of all runs until then, seconds.
    pub cpu_seconds: f64,
    pub(super) recipe: Arc<Recipe>,
}

/// Failures by what tells them apart.
#[derive(Default)]
pub(super) struct Failures(BTreeMap<Signature, Failure>);

impl Failures {
    pub(super) fn add(&mut self, signature: &Signature, hash: &str, recipe: &Arc<Recipe>, progress: &Progress) {
        if let Some(known) = self.0.get_mut(signature) {
            known.times += 1;
        } else if self.0.len() < MOST {
            let failure = Failure {
                signature: signature.clone(),
                strategy: recipe.strategy,
                seed: recipe.seed,
                trace_hash: hash.to_owned(),
                times: 1,
                runs: progress.runs,
                cpu_seconds: progress.cpu_seconds,
                recipe: recipe.clone(),
            };
            self.0.insert(signature.clone(), failure);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order in which they were found.
    pub(super) fn into_vec(self) -> Vec<Failure> {
        let mut failures: Vec<Failure> = self.0.into_values().collect();
        failures.sort_by_key(|failure| failure.runs);
        failures
    }
}
