//! What an exploration has found, each failure in its smallest story.

use super::found::{Saved, Saving};
use super::progress::virtual_time;
use crate::scenario::Scenario;
use crate::scenario::explore::{Exploration, Failing, Failure, Origin, Progress};
use serde_json::{Value, json};

/// One variant, explored.
pub(super) struct Explored<'a> {
    scenario: &'a Scenario,
    variant: Option<&'a str>,
    progress: Progress,
    found: Vec<Found>,
    interrupted: bool,
}

/// Failures that are one when they are made small.
struct Found {
    /// The first of them.
    failure: Failure,
    times: u64,
    /// How many of them the search told apart.
    signatures: u64,
    saved: Saved,
}

impl<'a> Explored<'a> {
    /// Makes failures small and saves them.
    pub(super) fn new(
        saving: &Saving,
        scenario: &'a Scenario,
        variant: Option<&'a str>,
        exploration: Exploration,
    ) -> Result<Explored<'a>, String> {
        let Exploration { progress, failures, interrupted } = exploration;
        let file = scenario.path().display().to_string();
        let mut found: Vec<Found> = Vec::new();
        for failure in failures {
            let small = saving.shrink(scenario, variant, Failing::Found(&failure))?;
            if let Some(known) = found.iter_mut().find(|known| known.saved.signature() == small.signature()) {
                (known.times, known.signatures) = (known.times + failure.times, known.signatures + 1);
                continue;
            }
            let (strategy, trace_hash) = (Some(failure.strategy), failure.trace_hash.as_str());
            let origin =
                Origin { file: &file, variant, seed: failure.seed, strategy, trace_hash, text: scenario.text() };
            let saved = saving.save(scenario, small, &origin)?;
            found.push(Found { times: failure.times, signatures: 1, failure, saved });
        }
        Ok(Explored { scenario, variant, progress, found, interrupted })
    }

    pub(super) fn variant(&self) -> Option<&'a str> {
        self.variant
    }

    pub(super) fn failures(&self) -> usize {
        self.found.len()
    }

    pub(super) fn runs(&self) -> u64 {
        self.progress.runs
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        self.found.iter().fold(format!("{}\n", self.summary()), |text, found| text + &found.text())
    }

    fn summary(&self) -> String {
        let Progress { runs, virtual_seconds, wall_seconds, features, last_new, failed, .. } = self.progress;
        let name = self.scenario.name();
        let name = self.variant.map_or_else(|| name.clone(), |variant| format!("{name} / {variant}"));
        let verdict = match self.found.len() {
            0 => "nothing found in".to_owned(),
            1 => format!("1 distinct failure, in {failed} of"),
            n => format!("{n} distinct failures, in {failed} of"),
        };
        let curve = if self.progress.is_rising() { "still rising" } else { "flat" };
        let cut = if self.interrupted { ", interrupted" } else { "" };
        format!(
            "{name}: {verdict} {runs} runs{cut} ({:.0} runs/s, {}; {features} states, {curve}: the last new one in run \
             {last_new})",
            runs as f64 / wall_seconds.max(1e-9),
            virtual_time(virtual_seconds)
        )
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        json!({
            "variant": self.variant,
            "progress": self.progress,
            "rising": self.progress.is_rising(),
            "interrupted": self.interrupted,
            "failures": self.found.iter().map(Found::json).collect::<Vec<Value>>(),
        })
    }
}

impl Found {
    fn text(&self) -> String {
        let Failure { strategy, seed, runs, cpu_seconds, .. } = &self.failure;
        let others = match self.signatures {
            1 => String::new(),
            n => format!(", with {n} signatures"),
        };
        format!(
            "\n{}\n  found    by run {runs} ({strategy}, seed {seed}) after {cpu_seconds:.2} s of CPU; seen {} \
             times{others}\n{}",
            self.saved.signature(),
            self.times,
            self.saved.lines()
        )
    }

    fn json(&self) -> Value {
        let Failure { signature, strategy, seed, trace_hash, runs, cpu_seconds, .. } = &self.failure;
        json!({
            "outcome": signature.outcome,
            "life": signature.life,
            "strategy": strategy,
            "seed": seed,
            "trace_hash": trace_hash,
            "times": self.times,
            "signatures": self.signatures,
            "run": runs,
            "cpu_seconds": cpu_seconds,
            "shrunk": self.saved.json(),
        })
    }
}
