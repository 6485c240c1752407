//! One explored run: made from its recipe, and looked at more closely when it fails.

use super::coverage::{Coverage, Reached};
use super::life::Lives;
use super::recipe::Recipe;
use super::signature::{self, Signature};
use super::story::Story;
use crate::env::system::thread_time;
use crate::scenario::Scenario;
use crate::scenario::observe::{Look, Observer};
use crate::scenario::run::{Ran, run_watched};
use std::cell::RefCell;
use std::rc::Rc;

/// What one run came to.
pub(super) struct Attempt {
    pub(super) events: u64,
    pub(super) virtual_seconds: f64,
    /// Processor time that the runs took, the second look at a failure included.
    pub(super) cpu_seconds: f64,
    pub(super) reached: Vec<Reached>,
    pub(super) failure: Option<(Signature, String)>,
}

/// Why a run could not be made.
pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs a recipe.
///
/// # Errors
///
/// When there can be no such run.
pub(super) fn attempt(story: &Story, recipe: &Recipe) -> Result<Attempt, Error> {
    let begun = thread_time();
    let made;
    let scenario = match recipe.is_plain() {
        true => &story.scenario,
        false => {
            made = recipe.scenario(story.scenario.path(), &story.document)?;
            &made
        }
    };
    let coverage = Rc::new(RefCell::new(Coverage::default()));
    let ran = look_at(scenario, recipe.seed, coverage.clone())?;
    let mut attempt = Attempt {
        events: ran.report.events,
        virtual_seconds: ran.report.virtual_seconds,
        cpu_seconds: 0.0,
        reached: coverage.take().into_reached(),
        failure: None,
    };
    if !ran.report.passed() {
        let (ran, signature) = examine(scenario, recipe.seed, !recipe.faults.is_empty())?;
        attempt.failure = signature.map(|signature| (signature, ran.report.trace_hash));
    }
    attempt.cpu_seconds = thread_time().saturating_sub(begun).as_secs_f64();
    Ok(attempt)
}

/// Runs a scenario once more, for the signature of its failure.
pub(super) fn examine(scenario: &Scenario, seed: u64, may_miss: bool) -> Result<(Ran, Option<Signature>), Error> {
    let lives = Rc::new(RefCell::new(Lives::default()));
    let ran = look_at(scenario, seed, lives.clone())?;
    let signature = signature::of(&ran, &lives.borrow(), may_miss);
    Ok((ran, signature))
}

fn look_at(scenario: &Scenario, seed: u64, observer: impl Observer + 'static) -> Result<Ran, Error> {
    run_watched(scenario, None, seed, Look { observer: Some(Box::new(observer)), ..Look::default() })
}
