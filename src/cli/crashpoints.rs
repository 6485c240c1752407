//! `simq crashpoints`

use super::again::{command_with, status, unless_interrupted};
use super::{files, output};
use crate::env::system;
use crate::env::system::signals::interrupt;
use crate::scenario::Scenario;
use crate::scenario::crashpoints::{Crash, Crashes, LeftOut, Point, Search, crashpoints};
use clap::Args;
use serde_json::{Value, json};
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
    /// One JSON document, in place of text for people.
    #[arg(long)]
    json: bool,
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
        output::status(self.try_execute())
    }

    fn try_execute(&self) -> Result<u8, String> {
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
        interrupt::listen();
        let progress = output::progress_bar(0);
        let told = |done: usize, all: usize| {
            progress.set_length(all as u64);
            progress.set_position(done as u64);
            unless_interrupted()
        };
        let crashes = crashpoints(&scenario, variant.as_deref(), seed, &search, told);
        progress.finish_and_clear();
        let crashes = crashes.map_err(|error| error.to_string())?;
        let interrupted = crashes.not_run > 0;
        if !self.json {
            let title = match &variant {
                Some(variant) => format!("{} / {variant}", scenario.name()),
                None => scenario.name(),
            };
            output::print(&report(&crashes, &format!("{title}  seed {seed}"), self.restart_after.0));
        }
        // What is not all of it is compared with nothing.
        let pinned = match &self.golden {
            Some(golden) if !interrupted => Some(self.compare(golden, &crashes)?),
            _ => None,
        };
        let broken = crashes.broken().next().is_some() || pinned == Some(false);
        if self.json {
            let mut document = document(&crashes, self.restart_after.0);
            document["scenario"] = scenario.name().into();
            document["file"] = scenario.path().display().to_string().into();
            document["variant"] = variant.into();
            document["seed"] = seed.into();
            document["verdict"] = if broken { "fail" } else { "pass" }.into();
            document["as_pinned"] = pinned.into();
            output::print_json(&document);
        }
        if interrupted {
            output::print_error(&format!("interrupted; to begin again: {}", command_with(&[])));
        }
        Ok(status(broken, interrupted))
    }

    /// Whether the table is the one that is pinned.
    fn compare(&self, golden: &Path, crashes: &Crashes) -> Result<bool, String> {
        let table = crashes.table();
        let failed = |what: &str, error: std::io::Error| format!("{}: {what}: {error}", golden.display());
        let tell = |text: String| if self.json { output::print_error(text.trim_end()) } else { output::print(&text) };
        if self.update {
            files::replace(golden, &table).map_err(|error| failed("can't be written", error))?;
            tell(format!("wrote {}\n", golden.display()));
            return Ok(true);
        }
        let bytes = files::read_up_to(golden, 1 << 30).map_err(|error| failed("can't be read", error))?;
        let pinned = String::from_utf8_lossy(&bytes);
        if pinned == table {
            tell(format!("as pinned in {}\n", golden.display()));
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
        tell(format!("differs from {}; if this is on purpose: --update\n{shown}{more}", golden.display()));
        Ok(false)
    }
}

/// For machines.
fn document(crashes: &Crashes, restart_after: Option<Duration>) -> Value {
    let point = |point: &Point| {
        json!({
            "process": point.process,
            "effect": point.effect,
            "nth": point.nth,
            "blow": point.blow.name(),
            "fault": point.as_fault(restart_after),
        })
    };
    let crash = |crash: &Crash| {
        let points: Vec<Value> = crash.points.iter().map(point).collect();
        json!({ "points": points, "outcome": crash.outcome, "broken": crash.broken })
    };
    let left_out =
        |left: &LeftOut| json!({ "process": left.process, "effect": left.effect, "there_are": left.there_are });
    json!({
        "without_a_crash": crash(&crashes.calm),
        "crashes": crashes.all.iter().map(crash).collect::<Vec<Value>>(),
        "broken": crashes.broken().count(),
        "unreached": crashes.unreached,
        "not_run": crashes.not_run,
        "left_out": crashes.left_out.iter().map(left_out).collect::<Vec<Value>>(),
    })
}

fn report(crashes: &Crashes, title: &str, restart_after: Option<Duration>) -> String {
    let broken: Vec<&Crash> = crashes.broken().collect();
    let verdict = match (broken.is_empty(), crashes.not_run) {
        (false, _) => "FAIL",
        (true, 0) => "PASS",
        (true, _) => "CUT SHORT",
    };
    let mut text =
        format!("{verdict}  {title}  {} crashes, {} break expectations\n\n", crashes.all.len(), broken.len());
    for (outcome, times) in crashes.outcomes() {
        text += &format!("  {times:>6} x  {outcome}\n");
    }
    if crashes.not_run > 0 {
        text += &format!("  {:>6} x  not run\n", crashes.not_run);
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
