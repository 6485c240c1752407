//! `simq check`

use super::again::{command_with, status, unless_interrupted};
use super::found::{Saved, Saving};
use super::output;
use super::progress::Progress;
use super::variants::one_variant;
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::explore::{Bounds, Checked, Failing, Origin, check};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `simq check`.
#[derive(Args)]
pub(super) struct Check {
    /// The scenario file: a small one, two workers and a few calls.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The variant. Needed when the file has several.
    #[arg(long)]
    variant: Option<String>,
    /// Most deviations from the first choices. Default: as many as there are, until another bound ends it.
    #[arg(long, value_name = "N")]
    deviations: Option<u32>,
    /// Most schedules that are run.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    runs: u64,
    /// Longest time, `90s` or `10m`. Default: no limit.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// One JSON document, in place of text for people.
    #[arg(long)]
    json: bool,
    /// Threads. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    #[command(flatten)]
    saving: Saving,
}

impl Check {
    pub(super) fn execute(&self) -> u8 {
        output::status(self.try_execute())
    }

    fn try_execute(&self) -> Result<u8, String> {
        let scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        let variant = one_variant(&scenario, self.variant.as_deref())?;
        interrupt::listen();
        let checked = self.check(&scenario, variant.as_deref())?;
        if !self.json {
            output::print(&summary(&scenario, variant.as_deref(), &checked));
        }
        let saved = self.save(&scenario, variant.as_deref(), &checked)?;
        match (self.json, &saved) {
            (true, _) => output::print_json(&document(&scenario, variant.as_deref(), &checked, saved.as_ref())),
            (false, Some(saved)) => output::print(&format!("{}\n{}", saved.signature(), saved.lines())),
            (false, None) => {}
        }
        if checked.interrupted {
            output::print_error(&format!("interrupted; to begin again: {}", command_with(&[])));
        }
        Ok(status(saved.is_some(), checked.interrupted))
    }

    fn check(&self, scenario: &Scenario, variant: Option<&str>) -> Result<Checked, String> {
        let jobs = self.jobs.unwrap_or_else(system::cores);
        let bounds = Bounds { deviations: self.deviations, runs: self.runs, time: self.time, jobs };
        let mut progress = Progress::new(None, "schedules");
        let checked = check(scenario, variant, &bounds, |checked| {
            progress.show(checked.schedules, || {
                let Checked { distinct, schedules, deviations, .. } = checked;
                let now = if *schedules > 1 { deviations + 1 } else { 0 };
                format!("{distinct} different, those with {now} deviations")
            });
            unless_interrupted()
        });
        progress.clear();
        checked.map_err(|error| error.to_string())
    }

    fn save(&self, scenario: &Scenario, variant: Option<&str>, checked: &Checked) -> Result<Option<Saved>, String> {
        let Some(failure) = &checked.failure else { return Ok(None) };
        let small = self.saving.shrink(scenario, variant, Failing::Found(failure))?;
        let file = scenario.path().display().to_string();
        let (strategy, trace_hash) = (Some(failure.strategy), failure.trace_hash.as_str());
        let origin = Origin { file: &file, variant, seed: failure.seed, strategy, trace_hash, text: scenario.text() };
        self.saving.save(scenario, small, &origin).map(Some)
    }
}

fn document(scenario: &Scenario, variant: Option<&str>, checked: &Checked, saved: Option<&Saved>) -> Value {
    let Checked { schedules, distinct, deviations, choices, complete, bounded, interrupted, failure } = checked;
    let failure = failure.as_ref().map(|failure| {
        json!({
            "outcome": failure.signature.outcome,
            "life": failure.signature.life,
            "seed": failure.seed,
            "trace_hash": failure.trace_hash,
            "shrunk": saved.map(Saved::json),
        })
    });
    json!({
        "scenario": scenario.name(),
        "file": scenario.path().display().to_string(),
        "variant": variant,
        "seed": scenario.seed(),
        "verdict": if failure.is_some() { "fail" } else { "pass" },
        "schedules": schedules,
        "distinct": distinct,
        "deviations": deviations,
        "choices": choices,
        "complete": complete,
        "bounded": bounded,
        "interrupted": interrupted,
        "failure": failure,
    })
}

fn summary(scenario: &Scenario, variant: Option<&str>, checked: &Checked) -> String {
    let Checked { schedules, distinct, deviations, choices, complete, bounded, .. } = checked;
    let name = variant.map_or_else(|| scenario.name(), |variant| format!("{} / {variant}", scenario.name()));
    let extent = format!("{schedules} schedules, {distinct} of them different, up to {choices} choices in one");
    match (&checked.failure, complete, bounded) {
        (Some(_), ..) => format!("{name}: schedule {schedules} fails\n"),
        (None, true, _) => format!("{name}: all {extent}: everything expected holds, and there are no others\n"),
        (None, false, true) if *schedules == 0 => format!("{name}: nothing was run\n"),
        (None, ..) => {
            let depth = match deviations {
                0 => "without a deviation".to_owned(),
                1 => "with up to 1 deviation".to_owned(),
                n => format!("with up to {n} deviations"),
            };
            format!(
                "{name}: {extent}: everything expected holds. All {depth} were run; the bound was reached, others are \
                 left\n"
            )
        }
    }
}
