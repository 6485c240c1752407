//! `simq crashpoints`

use super::{BAD_INPUT, FAILED, OK, files, output};
use crate::env::system;
use crate::scenario::Scenario;
use crate::scenario::crashpoints::{Crash, Crashes, Search, crashpoints};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Crashes that break something and are told in full.
const TOLD: usize = 10;

/// Arguments of `simq crashpoints`.
#[derive(Args)]
pub(super) struct Crashpoints {
    /// A scenario file.
    file: PathBuf,
    /// Variant; needed if the file has any.
    #[arg(long)]
    variant: Option<String>,
    /// Only effects of this host and its pool children. May be repeated. Default: all hosts.
    #[arg(long, value_name = "NAME")]
    process: Vec<String>,
    /// Also each two crashes in one run.
    #[arg(long)]
    pairs: bool,
    /// Seed to run, in place of the file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Effects of one name and process that are tried, from the first on.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    most: u64,
    /// Start a killed host again after this long: a duration, or `never`.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = restart)]
    restart_after: Restart,
    /// Compare the table with this file; a difference is a failure.
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// Write that file anew.
    #[arg(long, requires = "golden")]
    update: bool,
    /// Threads to run on. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
}

#[derive(Clone, Copy)]
struct Restart(Option<Duration>);

fn restart(text: &str) -> Result<Restart, String> {
    if text == "never" {
        return Ok(Restart(None));
    }
    humantime::parse_duration(text).map(|after| Restart(Some(after))).map_err(|error| error.to_string())
}

impl Crashpoints {
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
        let variant = super::variants::one_variant(&scenario, self.variant.as_deref())?;
        let seed = self.seed.unwrap_or_else(|| scenario.seed());
        let search = Search {
            processes: self.process.clone(),
            most: self.most,
            restart_after: self.restart_after.0,
            pairs: self.pairs,
            jobs: self.jobs.unwrap_or_else(system::cores),
            ..Search::default()
        };
        let progress = output::progress_bar(0);
        let told = |done: usize, all: usize| {
            progress.set_length(all as u64);
            progress.set_position(done as u64);
        };
        let crashes = crashpoints(&scenario, variant.as_deref(), seed, &search, told);
        progress.finish_and_clear();
        let crashes = crashes.map_err(|error| error.to_string())?;
        let title = match &variant {
            Some(variant) => format!("{} / {variant}", scenario.name()),
            None => scenario.name(),
        };
        output::print(&report(&crashes, &format!("{title}  seed {seed}"), self.restart_after.0));
        let as_pinned = match &self.golden {
            Some(golden) => self.compare(golden, &crashes)?,
            None => true,
        };
        Ok(as_pinned && crashes.broken().next().is_none())
    }

    /// Whether the table is the one that is pinned.
    fn compare(&self, golden: &Path, crashes: &Crashes) -> Result<bool, String> {
        let table = crashes.table();
        let failed = |what: &str, error: std::io::Error| format!("{}: {what}: {error}", golden.display());
        if self.update {
            files::replace(golden, &table).map_err(|error| failed("can't be written", error))?;
            output::print(&format!("wrote {}\n", golden.display()));
            return Ok(true);
        }
        let bytes = files::read_up_to(golden, 1 << 30).map_err(|error| failed("can't be read", error))?;
        let pinned = String::from_utf8_lossy(&bytes);
        if pinned == table {
            output::print(&format!("as pinned in {}\n", golden.display()));
            return Ok(true);
        }
        let other = |lines: &str, than: &str, sign: char| -> Vec<String> {
            let known: std::collections::BTreeSet<&str> = than.lines().collect();
            lines.lines().filter(|line| !known.contains(line)).map(|line| format!("  {sign} {line}\n")).collect()
        };
        let lines = [other(&pinned, &table, '-'), other(&table, &pinned, '+')].concat();
        let more = lines.len().saturating_sub(40);
        let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
        let shown: String = lines.into_iter().take(40).collect();
        output::print(&format!("differs from {}; if this is on purpose: --update\n{shown}{more}", golden.display()));
        Ok(false)
    }
}

fn report(crashes: &Crashes, title: &str, restart_after: Option<Duration>) -> String {
    let broken: Vec<&Crash> = crashes.broken().collect();
    let verdict = if broken.is_empty() { "PASS" } else { "FAIL" };
    let mut text =
        format!("{verdict}  {title}  {} crashes, {} break expectations\n\n", crashes.all.len(), broken.len());
    for (outcome, times) in crashes.outcomes() {
        text += &format!("  {times:>6} x  {outcome}\n");
    }
    if crashes.unreached > 0 {
        text += &format!("  {:>6} x  the second crash of a pair was not reached\n", crashes.unreached);
    }
    text += &format!("\n{}", crashes.table());
    for crash in broken.iter().take(TOLD) {
        text += &format!(
            "\n{}\n",
            crash.broken.iter().map(|broken| format!("  broken  {broken}")).collect::<Vec<_>>().join("\n")
        );
        crash.points.iter().for_each(|point| text += &point.as_fault(restart_after));
    }
    if broken.len() > TOLD {
        text += &format!("\nand {} more that break something\n", broken.len() - TOLD);
    }
    text
}
