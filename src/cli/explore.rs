//! `simq explore`

use super::again::{command_with, status, unless_interrupted};
use super::explored::Explored;
use super::found::Saving;
use super::output;
use super::progress::{Progress, virtual_time};
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::explore::{Budget, Exploration, Progress as Reached, Strategy, explore};
use crate::scenario::kinds::Kind;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long is explored when nothing is said.
const USUAL: Duration = Duration::from_secs(60);

/// Arguments of `simq explore`.
#[derive(Args)]
pub(super) struct Explore {
    /// The scenario file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Explore only this variant.
    #[arg(long)]
    variant: Option<String>,
    /// Explore for this long, `90s` or `10m`; of several variants each gets its share. Default: 1m, unless there is
    /// --seeds.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Make this many runs of each variant. The same number finds the same failures, whatever --jobs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000_000))]
    seeds: Option<u64>,
    /// The first seed. Default: the file's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How runs are chosen.
    #[arg(long, value_enum, default_value_t = Strategy::Mixed)]
    strategy: Strategy,
    /// Kinds of faults to add, in place of those in the file's [explore]: `kill,reset`.
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = kind)]
    faults: Option<Vec<Kind>>,
    /// Most faults to add to a run. Default: the file's, or 2.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10))]
    most: Option<u32>,
    /// Go on after the first failure, and collect distinct ones.
    #[arg(long)]
    all: bool,
    /// One JSON document, in place of text for people.
    #[arg(long)]
    json: bool,
    /// Threads. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    #[command(flatten)]
    saving: Saving,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::named(text).filter(|kind| kind.can_be_drawn()).ok_or_else(|| {
        let names: Vec<String> = Kind::drawn().iter().map(Kind::to_string).collect();
        format!("expected one of: {}", names.join(", "))
    })
}

impl Explore {
    pub(super) fn execute(&self) -> u8 {
        output::status(self.try_execute())
    }

    fn try_execute(&self) -> Result<u8, String> {
        let mut scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        scenario.may_add(self.faults.as_deref(), self.most);
        let variants = super::variants::variants_of(&scenario, self.variant.as_deref())?;
        interrupt::listen();
        let (mut found, mut interrupted, mut told) = (0, false, Vec::new());
        for (number, variant) in variants.iter().enumerate() {
            let exploration = self.explore(&scenario, variant.as_deref(), variants.len())?;
            let explored = Explored::new(&self.saving, &scenario, variant.as_deref(), exploration)?;
            interrupted = explored.is_interrupted();
            found += explored.failures();
            match self.json {
                true => told.push(explored.json()),
                false => output::print(&explored.text()),
            }
            if interrupted {
                self.say_how_to_go_on(&scenario, &explored, &variants[number + 1..]);
            }
            if interrupted || (found > 0 && !self.all) {
                break;
            }
        }
        if self.json {
            output::print_json(&json!({
                "scenario": scenario.name(),
                "file": scenario.path().display().to_string(),
                "verdict": if found == 0 { "pass" } else { "fail" },
                "interrupted": interrupted,
                "explored": told,
            }));
        }
        Ok(status(found > 0, interrupted))
    }

    fn say_how_to_go_on(&self, scenario: &Scenario, explored: &Explored<'_>, others: &[Option<String>]) {
        let next = self.seed.unwrap_or_else(|| scenario.seed()).saturating_add(explored.runs());
        let mut options = vec![("--seed", next.to_string())];
        if let Some(left) = self.seeds.map(|seeds| seeds.saturating_sub(explored.runs())) {
            options.push(("--seeds", left.max(1).to_string()));
        }
        options.extend(explored.variant().map(|variant| ("--variant", variant.to_owned())));
        let mut text = format!("interrupted; go on with: {}", command_with(&options));
        let others: Vec<&str> = others.iter().flatten().map(String::as_str).collect();
        if !others.is_empty() {
            text += &format!("\nnot explored: {}", others.join(", "));
        }
        output::print_error(&text);
    }

    fn explore(&self, scenario: &Scenario, variant: Option<&str>, variants: usize) -> Result<Exploration, String> {
        let time = self.time.or(self.seeds.is_none().then_some(USUAL));
        let budget = Budget {
            first_seed: self.seed.unwrap_or_else(|| scenario.seed()),
            seeds: self.seeds,
            time: time.map(|time| time / u32::try_from(variants).unwrap_or(1)),
            jobs: self.jobs.unwrap_or_else(system::cores),
            strategy: self.strategy,
            all: self.all,
        };
        let mut progress = Progress::new(budget.seeds, "runs");
        let explored = explore(scenario, variant, &budget, |reached| {
            progress.show(reached.runs, || words(reached));
            unless_interrupted()
        });
        progress.clear();
        explored.map_err(|error| error.to_string())
    }
}

/// How far it has come. Outcomes are last: of too many the rest is cut off.
fn words(reached: &Reached) -> String {
    let outcomes: Vec<String> =
        reached.outcomes.iter().map(|(outcome, runs)| format!("{} {runs}", outcome.to_uppercase())).collect();
    let outcomes = match reached.distinct {
        0 => "nothing found".to_owned(),
        distinct => format!("{} ({distinct} distinct)", outcomes.join(", ")),
    };
    let curve = if reached.is_rising() { "rising" } else { "flat" };
    format!("{}  {} states, {curve}  {outcomes}", virtual_time(reached.virtual_seconds), reached.features)
}
