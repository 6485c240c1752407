//! `simq run`

use super::jobs::{self, Group, Job};
use super::pictures::Pictures;
use super::show::{Format, Show};
use super::variants::variants_of;
use super::{FAILED, OK, determinism, files, logs, output};
use crate::env::system;
use crate::scenario::{Keep, Report, Scenario, TraceFile, run_with};
use clap::Args;
use std::path::{Path, PathBuf};

/// Arguments of `simq run`.
#[derive(Args)]
pub(super) struct Run {
    /// Scenario files, or directories of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Seed to run, in place of the file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Run this many seeds, beginning with the first, on all cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    seeds: Option<u64>,
    /// Run only this variant of each file.
    #[arg(long)]
    variant: Option<String>,
    /// How to report: for people, one JSON object per run and line, or one JUnit document.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Put every task's life into the JSON. Takes `--format json`.
    #[arg(long)]
    ledger: bool,
    /// Write the trace, one JSON object per line, to this file. Takes one scenario, one variant and one seed.
    #[arg(long, value_name = "FILE.jsonl")]
    trace: Option<PathBuf>,
    /// Draw what happened on a time axis, as one HTML file. Takes one scenario and one seed; with several variants, writes
    /// one file for each: out.VARIANT.html.
    #[arg(long, value_name = "FILE.html")]
    timeline: Option<PathBuf>,
    /// Write the same in the Chrome trace event format, for ui.perfetto.dev.
    #[arg(long, value_name = "FILE.json")]
    perfetto: Option<PathBuf>,
    /// Run each run a second time in a fresh process and compare the traces, event by event.
    #[arg(long)]
    check_determinism: bool,
    /// Log to standard error: a level (`info`), or what RUST_LOG takes. Simulated lines carry virtual time; runs come
    /// one after the other.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Threads to run seeds on. Default: one per core.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
}

impl Run {
    pub(super) fn execute(&self) -> u8 {
        output::status(self.try_execute().map(|passed| if passed { OK } else { FAILED }))
    }

    fn try_execute(&self) -> Result<bool, String> {
        if self.ledger && self.format != Format::Json {
            return Err("--ledger puts every task into the JSON: add --format json".to_owned());
        }
        let logged = logs::start(self.log.as_deref())?;
        let scenarios = self.load()?;
        let groups = self.groups(&scenarios)?;
        let mut show = Show::new(self.format, self.seeds.is_some());
        let mut tell = |job: &Job<'_>, mut report: Report| {
            if self.check_determinism {
                determinism::check(job, &mut report)?;
            }
            show.add(job.group, report);
            Ok(())
        };
        let pictures = Pictures::new(self.timeline.as_deref(), self.perfetto.as_deref(), &groups)?;
        let ledger = self.ledger;
        if let Some(trace) = &self.trace {
            let job = self.only_job(&groups)?;
            let keep = Keep { ledger, timeline: pictures.are_wanted(), ..Keep::default() };
            let report = run_traced(&job, keep, trace)?;
            pictures.write(&job, &report)?;
            tell(&job, report)?;
        } else if pictures.are_wanted() {
            for job in jobs::all(&groups) {
                let report = execute(&job, Keep { ledger, timeline: true, sink: None })?;
                pictures.write(&job, &report)?;
                tell(&job, report)?;
            }
        } else {
            // Lines of runs side by side would not be in order.
            let threads = if logged { 1 } else { self.jobs.unwrap_or_else(system::cores) };
            let execute = |job: &Job<'_>| execute(job, Keep { ledger, ..Keep::default() });
            jobs::run_all(&groups, threads, execute, &mut tell)?;
        }
        Ok(show.finish())
    }

    fn load(&self) -> Result<Vec<Scenario>, String> {
        let mut scenarios = Vec::new();
        for path in &self.paths {
            let found = files::scenarios(path).map_err(|error| format!("{}: {error}", path.display()))?;
            if found.is_empty() {
                return Err(format!("{}: no scenarios (*.toml) in this directory", path.display()));
            }
            for file in found {
                scenarios.push(Scenario::load(&file).map_err(|problem| problem.to_string())?);
            }
        }
        Ok(scenarios)
    }

    /// Each variant of each scenario, with its seeds.
    fn groups<'a>(&self, scenarios: &'a [Scenario]) -> Result<Vec<Group<'a>>, String> {
        let mut groups = Vec::new();
        for scenario in scenarios {
            let first = self.seed.unwrap_or_else(|| scenario.seed());
            let Some(last) = first.checked_add(self.seeds.unwrap_or(1) - 1) else {
                return Err(format!("--seeds: there are not so many seeds from {first} to {}", u64::MAX));
            };
            for variant in variants_of(scenario, self.variant.as_deref())? {
                groups.push(Group { scenario, variant, seeds: first..=last });
            }
        }
        Ok(groups)
    }

    fn only_job<'a>(&self, groups: &'a [Group<'a>]) -> Result<Job<'a>, String> {
        let mut all = jobs::all(groups);
        match (all.next(), all.next()) {
            (Some(job), None) => Ok(job),
            _ => Err("--trace takes one run: name one file, one --variant and one --seed".to_owned()),
        }
    }
}

fn execute(job: &Job<'_>, keep: Keep) -> Result<Report, String> {
    run_with(job.scenario, job.variant, job.seed, keep).map_err(|error| error.to_string())
}

/// Runs a job and writes its trace.
pub(super) fn run_traced(job: &Job<'_>, keep: Keep, path: &Path) -> Result<Report, String> {
    if files::are_same(path, job.scenario.path()) {
        return Err(format!("{}: this is the scenario; the trace would overwrite it", path.display()));
    }
    let unwritable = |error: std::io::Error| format!("{}: the trace was not written: {error}", path.display());
    let trace = TraceFile::create(path).map_err(unwritable)?;
    let report = execute(job, Keep { sink: Some(trace.sink()), ..keep })?;
    trace.finish().map_err(unwritable)?;
    Ok(report)
}
