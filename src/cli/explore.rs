//! `simq explore`

use super::found::{self, Saving};
use super::{BAD_INPUT, FAILED, OK, output};
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::explore::{Budget, Exploration, Failure, Progress, Strategy, explore};
use crate::scenario::kinds::Kind;
use clap::Args;
use std::ops::ControlFlow;
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
    /// How runs are chosen; docs/exploration.md says what each does.
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
        match self.try_execute() {
            Ok(0) => OK,
            Ok(_) => FAILED,
            Err(error) => {
                output::print_error(&error);
                BAD_INPUT
            }
        }
    }

    /// How many distinct failures there are.
    fn try_execute(&self) -> Result<usize, String> {
        let mut scenario = Scenario::load(&self.file).map_err(|problem| problem.to_string())?;
        scenario.may_add(self.faults.as_deref(), self.most);
        let variants = super::variants::variants_of(&scenario, self.variant.as_deref())?;
        interrupt::listen();
        let mut found = 0;
        for variant in &variants {
            let explored = self.explore(&scenario, variant.as_deref(), variants.len())?;
            output::print(&format!("{}\n", summary(&scenario, variant.as_deref(), &explored)));
            for failure in &explored.failures {
                output::print(&self.tell(&scenario, variant.as_deref(), failure)?);
            }
            found += explored.failures.len();
            if explored.interrupted || (found > 0 && !self.all) {
                break;
            }
        }
        Ok(found)
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
        let mut shown = Shown::new(&budget);
        let explored = explore(scenario, variant, &budget, |progress| {
            shown.show(progress);
            if interrupt::is_interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        shown.clear();
        explored.map_err(|error| error.to_string())
    }

    /// A failure for people, after it was made small and saved.
    fn tell(&self, scenario: &Scenario, variant: Option<&str>, failure: &Failure) -> Result<String, String> {
        let Failure { signature, strategy, seed, times, runs, cpu_seconds, .. } = failure;
        let head = format!(
            "\n{}\n  found    by run {runs} ({strategy}, seed {seed}) after {cpu_seconds:.2} s of CPU; seen {times} times\n",
            signature
        );
        Ok(head + &found::save(&self.saving, scenario, variant, failure)?)
    }
}

fn summary(scenario: &Scenario, variant: Option<&str>, explored: &Exploration) -> String {
    let Progress { runs, virtual_seconds, wall_seconds, features, last_new, failed, .. } = explored.progress;
    let name = variant.map_or_else(|| scenario.name(), |variant| format!("{} / {variant}", scenario.name()));
    let verdict = match explored.failures.len() {
        0 => "nothing found in".to_owned(),
        1 => format!("1 distinct failure, in {failed} of"),
        n => format!("{n} distinct failures, in {failed} of"),
    };
    let curve = if explored.progress.is_rising() { "still rising" } else { "flat" };
    let cut = if explored.interrupted { ", interrupted" } else { "" };
    format!(
        "{name}: {verdict} {runs} runs{cut} ({:.0} runs/s, {:.1} virtual hours; {features} states, {curve}: the last new \
         one in run {last_new})",
        runs as f64 / wall_seconds.max(1e-9),
        virtual_seconds / 3600.0
    )
}

/// What is seen of a search while it goes on.
struct Shown {
    bar: indicatif::ProgressBar,
    /// Without a terminal: when the next line is due, in seconds.
    next: f64,
}

impl Shown {
    fn new(budget: &Budget) -> Self {
        if !output::is_watched() {
            return Shown { bar: indicatif::ProgressBar::hidden(), next: 10.0 };
        }
        let style = match budget.seeds {
            Some(_) => "{bar:24} {pos}/{len} runs  {msg}",
            None => "{spinner} {pos} runs  {msg}",
        };
        let bar = budget.seeds.map_or_else(indicatif::ProgressBar::new_spinner, indicatif::ProgressBar::new);
        let bar = indicatif::ProgressStyle::with_template(style)
            .map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style));
        Shown { bar, next: f64::INFINITY }
    }

    fn show(&mut self, progress: &Progress) {
        if progress.wall_seconds >= self.next {
            self.next *= 2.0;
            output::print_error(&format!("{} runs, {}", progress.runs, words(progress)));
        }
        if !self.bar.is_hidden() && progress.runs.is_multiple_of(16) {
            self.bar.set_position(progress.runs);
            self.bar.set_message(words(progress));
        }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn words(progress: &Progress) -> String {
    let per_second = progress.runs as f64 / progress.wall_seconds.max(1e-9);
    let curve = if progress.is_rising() { "rising" } else { "flat" };
    format!(
        "{per_second:.0} runs/s  {:.1} virtual hours  {} failed, {} distinct  {} states, {curve}",
        progress.virtual_seconds / 3600.0,
        progress.failed,
        progress.distinct,
        progress.features
    )
}
