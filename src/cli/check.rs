//! `simq check`

use super::found::{self, Saving};
use super::variants::one_variant;
use super::{BAD_INPUT, FAILED, OK, output};
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::explore::{Bounds, Checked, check};
use clap::Args;
use std::ops::ControlFlow;
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
    /// Threads. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    #[command(flatten)]
    saving: Saving,
}

impl Check {
    pub(super) fn execute(&self) -> u8 {
        match self.try_execute() {
            Ok(true) => OK,
            Ok(false) => FAILED,
            Err(error) => {
                output::print_error(&error);
                BAD_INPUT
            }
        }
    }

    fn try_execute(&self) -> Result<bool, String> {
        let scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        let variant = one_variant(&scenario, self.variant.as_deref())?;
        let jobs = self.jobs.unwrap_or_else(system::cores);
        let bounds = Bounds { deviations: self.deviations, runs: self.runs, time: self.time, jobs };
        interrupt::listen();
        let checked = check(&scenario, variant.as_deref(), &bounds, |_| match interrupt::is_interrupted() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        let checked = checked.map_err(|error| error.to_string())?;
        output::print(&summary(&scenario, variant.as_deref(), &checked));
        let Some(failure) = &checked.failure else { return Ok(true) };
        let told = found::save(&self.saving, &scenario, variant.as_deref(), failure)?;
        output::print(&format!("{}\n{told}", failure.signature));
        Ok(false)
    }
}

fn summary(scenario: &Scenario, variant: Option<&str>, checked: &Checked) -> String {
    let Checked { schedules, distinct, deviations, choices, complete, bounded, .. } = checked;
    let name = variant.map_or_else(|| scenario.name(), |variant| format!("{} / {variant}", scenario.name()));
    let extent = format!("{schedules} schedules, {distinct} of them different, up to {choices} choices in one");
    match (&checked.failure, complete, bounded) {
        (Some(_), ..) => format!("{name}: schedule {schedules} fails\n"),
        (None, true, _) => format!("{name}: all {extent}: everything expected holds, and there are no others\n"),
        (None, false, true) if *schedules == 0 => format!("{name}: nothing was run\n"),
        (None, ..) => format!(
            "{name}: {extent}: everything expected holds. All with up to {deviations} deviations were run; the bound \
             was reached, others are left\n"
        ),
    }
}
