//! One run of one scenario: plan it, run it, and say what it came to.

use super::beat;
use super::cluster::{self, Chosen, Outcome, Plan, WorkerPlan};
use super::expect::{Expectation, Whole, check};
use super::failures::{failures, mishaps};
use super::faults::{Compiled, compile};
use super::format::{Task, Variant};
use super::ledger::{Ledger, Nanos};
use super::load::{Host, Scenario, client_of};
use super::observe::Look;
use super::schedule::Schedule;
use super::script::{Job, POISON, Runs, application, client, saboteur};
use super::task_report::{TaskReport, task_reports};
use super::timeline::{Recorder, Sources, Timeline};
use super::values::Span;
use super::verdict::{Counts, Idle};
use crate::env::system::Stopwatch;
use crate::settings::Settings;
use crate::worker::WorkerOptions;
use serde::Serialize;
use simq_sim::{Order, Sink};
use std::collections::BTreeMap;
use std::time::Duration;

/// Records after which a run is stopped: a loop that lets no time pass.
const MAX_EVENTS: u64 = 200_000_000;

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// Its file.
    pub file: String,
    /// The variant, if the file has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What the scenario or variant shows.
    #[serde(skip)]
    pub about: Option<String>,
    /// The seed: with the file, everything that is needed to see this run again.
    pub seed: u64,
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// Why it failed, one line each.
    pub failures: Vec<String>,
    /// Each expectation with what was wanted and seen.
    pub expectations: Vec<Expectation>,
    /// Each fault, and whether it struck.
    pub faults: Vec<FaultReport>,
    /// Counts by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Hash of everything that happened: equal for equal runs.
    pub trace_hash: String,
    /// Records in the trace.
    pub events: u64,
    /// Virtual seconds.
    pub virtual_seconds: f64,
    /// Real seconds.
    pub wall_seconds: f64,
    /// Every task, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Vec<TaskReport>>,
    /// What happened when, if asked for.
    #[serde(skip)]
    pub timeline: Option<Timeline>,
}

/// What to keep of a run besides its verdict.
#[derive(Default)]
pub struct Keep {
    /// Reads the trace.
    pub sink: Option<Box<dyn Sink>>,
    /// Every task, for the report.
    pub ledger: bool,
    /// What happened when, for the report.
    pub timeline: bool,
}

/// Why a run could not be made at all.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is different from the file.
#[derive(Default)]
pub(crate) struct Change {
    /// Faults on top of the file's.
    pub(crate) faults: Vec<(cluster::When, simq_sim::Fault)>,
    /// Settings on top of the variant's: name and value.
    pub(crate) settings: Vec<(String, String)>,
}

/// A fault of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct FaultReport {
    /// In words.
    pub fault: String,
    /// When, in words.
    pub when: String,
    /// Whether it found something to strike.
    pub struck: bool,
}

impl Report {
    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs a variant of a scenario. `sink` reads the trace; `with_ledger` puts every task into the report.
///
/// # Errors
///
/// When no simulated world can be made on this thread, or the file has a [`super::Problem`].
pub fn run(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    sink: Option<Box<dyn Sink>>,
    with_ledger: bool,
) -> Result<Report, Failure> {
    run_with(scenario, variant, seed, Keep { sink, ledger: with_ledger, timeline: false })
}

/// As [`run`], and keeps what is wanted.
///
/// # Errors
///
/// Those of [`run`].
pub fn run_with(scenario: &Scenario, variant: Option<&str>, seed: u64, keep: Keep) -> Result<Report, Failure> {
    let (recorder, recording) = keep.timeline.then(Recorder::start).unzip();
    let observer = recording.map(|recording| Box::new(recording) as Box<_>);
    let look = Look { sink: keep.sink, observer, ..Look::default() };
    let Ran { mut report, ledger, idle, end, plan, .. } = run_watched(scenario, variant, seed, look)?;
    report.timeline = recorder
        .map(|recorder| Timeline::of(&recorder.take(), &Sources { ledger: &ledger, idle: &idle, end, plan: &plan }));
    report.ledger = keep.ledger.then(|| task_reports(&ledger));
    Ok(report)
}

/// A run, and what its report was made from.
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) ledger: Ledger,
    pub(crate) idle: Vec<Idle>,
    /// Virtual time at the end.
    pub(crate) end: Nanos,
    pub(crate) plan: Plan,
    pub(crate) choices: Chosen,
    /// Whether each fault of the [`Change`] has struck.
    pub(crate) struck: Vec<bool>,
    /// What no run may come to, whatever is expected of it.
    pub(crate) mishaps: Vec<String>,
}

/// As [`run`], while somebody looks on.
///
/// # Errors
///
/// Those of [`run`].
pub(crate) fn run_watched(scenario: &Scenario, variant: Option<&str>, seed: u64, look: Look) -> Result<Ran, Failure> {
    run_changed(scenario, variant, seed, look, Change::default())
}

/// As [`run_watched`], with something changed.
pub(crate) fn run_changed(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    look: Look,
    change: Change,
) -> Result<Ran, Failure> {
    let stopwatch = Stopwatch::start();
    let overlay = scenario.variant(variant);
    let mut settings = scenario.settings(&overlay);
    for (name, value) in &change.settings {
        settings.set_text(name, value)?;
    }
    let tasks = scenario.tasks(&overlay);
    let (mut plan, poisoned) = plan(scenario, &overlay, &settings, &tasks, seed)?;
    let own_faults = plan.faults.len();
    plan.faults.extend(change.faults);
    let mut outcome = cluster::run(&plan, look)?;
    for record in outcome.ledger.tasks.values_mut() {
        let task = tasks.iter().find(|(name, _)| **name == *record.task).map(|(_, task)| task);
        record.ignores_result = task.and_then(|task| task.ignore_result).unwrap_or(settings.task_ignore_result);
        record.acks_late = task.and_then(|task| task.acks_late).unwrap_or(settings.task_acks_late);
    }
    let hosts = scenario.worker_hosts();
    let end = outcome.summary.now;
    let idle: Vec<Idle> = hosts.iter().map(|host| idle(&outcome.ledger, host, &settings, end)).collect();
    let counts = Counts::of(&outcome.ledger, &idle, end, |_, _| true);
    let whole = whole(scenario, &settings, &outcome);
    let expect = scenario.file.expect.overlaid(&overlay.expect);
    let mut expectations = check("", &expect, &counts, &whole);
    for (subject, expect) in &expect.of {
        let subject = subject.get_ref();
        let of = Counts::of(&outcome.ledger, &idle, end, |id, record| {
            *record.task == **subject || id == subject || is_numbered(id, subject)
        });
        expectations.extend(check(&format!("of.{subject}."), expect, &of, &whole));
    }
    let faults = fault_reports(&plan, &outcome, poisoned);
    let mishaps = mishaps(&expectations, &outcome);
    let failures = failures(&expectations, &faults, &outcome, &mishaps);
    let report = Report {
        scenario: scenario.name(),
        file: scenario.path().display().to_string(),
        variant: variant.map(str::to_owned),
        about: overlay.about.clone().or_else(|| scenario.file.about.clone()),
        seed,
        verdict: if failures.is_empty() { "pass" } else { "fail" },
        failures,
        expectations,
        faults,
        outcomes: outcomes(&counts, &whole),
        trace_hash: outcome.summary.hash.to_string(),
        events: outcome.summary.events,
        virtual_seconds: seconds(end),
        wall_seconds: stopwatch.elapsed().as_secs_f64(),
        ledger: None,
        timeline: None,
    };
    let Outcome { ledger, choices, mut struck, .. } = outcome;
    let struck = struck.split_off(own_faults);
    Ok(Ran { report, ledger, idle, end, plan, choices, struck, mishaps })
}

fn is_numbered(id: &str, subject: &str) -> bool {
    id.strip_prefix(subject).and_then(|rest| rest.strip_prefix('-')).is_some_and(|n| n.parse::<u64>().is_ok())
}

pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// A plan, and how many messages it poisons.
fn plan(
    scenario: &Scenario,
    overlay: &Variant,
    settings: &Settings,
    tasks: &[(String, Task)],
    seed: u64,
) -> Result<(Plan, usize), super::Problem> {
    let task =
        |name: &str| tasks.iter().find(|(known, _)| known == name).map(|(_, task)| task.clone()).unwrap_or_default();
    let mut clients: Vec<_> = scenario
        .client_hosts()
        .into_iter()
        .map(|host| {
            let numbered = scenario.file.workload.iter().enumerate();
            let own = numbered.filter(|(_, load)| client_of(load) == host);
            let jobs = own.map(|(number, load)| Job { task: task(load.task.get_ref()), load: load.clone(), number });
            (host.clone(), client(seed, jobs.collect()))
        })
        .collect();
    let mut faults = Vec::new();
    let mut poisoned = 0;
    for (number, fault) in scenario.faults(overlay).iter().enumerate() {
        match compile(scenario, fault, number, seed)? {
            Compiled::Fault(when, fault) => faults.push((when, fault)),
            Compiled::Poison(poison) => {
                poisoned += 1;
                clients.push((format!("saboteur{poisoned}"), saboteur(poison)));
            }
        }
    }
    let runs = Runs::default();
    let workers = scenario.worker_hosts().into_iter().map(|host| {
        let knows = |task: &&(String, Task)| !host.without.iter().any(|without| *without.get_ref() == task.0);
        let known = || tasks.iter().filter(knows).cloned().collect();
        WorkerPlan {
            name: host.name,
            options: WorkerOptions { concurrency: host.concurrency, queues: host.queues.to_vec(), finishing: 0 },
            memory: host.memory,
            apps: (!host.without.is_empty()).then(|| application(settings.clone(), known(), runs.clone())),
        }
    });
    let network = &scenario.file.network;
    let usual = simq_sim::Config::new(seed).latency;
    let plan = Plan {
        seed,
        latency: (network.latency.map_or(usual.0, |span| span.0), network.jitter.map_or(usual.1, |span| span.0)),
        limit: scenario.limit(),
        max_events: MAX_EVENTS,
        uses_tokio: false,
        dead_letter_queue: settings.task_dead_letter_queue.clone(),
        workers: workers.collect(),
        clients,
        beat: beat::entries(scenario, &task),
        beats: scenario.beat_hosts(),
        epoch_micros: scenario.starts().as_micros(),
        faults,
        apps: application(settings.clone(), tasks.to_vec(), runs.clone()),
        servers: scenario.servers(overlay, seed),
        order: scenario.file.schedule.as_ref().map_or(Order::Uniform, Schedule::order),
    };
    Ok((plan, poisoned))
}

fn idle(ledger: &Ledger, host: &Host<'_>, settings: &Settings, end: u64) -> Idle {
    let queues = match host.queues {
        [] => vec![settings.task_default_queue.clone()],
        queues => queues.to_vec(),
    };
    Idle::of(ledger, &host.name, host.concurrency, queues, end)
}

fn whole(scenario: &Scenario, settings: &Settings, outcome: &Outcome) -> Whole {
    let beat::Ticks { ticks, skipped, doubled } = beat::count(scenario, settings, outcome);
    let settles = outcome
        .last_fault
        .map(|fault| outcome.settled.map(|settled| Duration::from_nanos(settled.saturating_sub(fault))));
    Whole {
        crashed: outcome.crashed.len() as u64,
        ticks,
        skipped,
        doubled,
        most_held: outcome.ledger.workers.values().map(|worker| worker.most_held).max().unwrap_or_default(),
        has_beat: !scenario.file.beat.is_empty(),
        settles,
    }
}

fn fault_reports(plan: &Plan, outcome: &Outcome, poisoned: usize) -> Vec<FaultReport> {
    let faults = plan.faults.iter().zip(&outcome.struck).map(|((when, fault), struck)| FaultReport {
        fault: fault.to_string(),
        when: match when {
            cluster::When::At(at) => format!("at {}", Span(*at)),
            cluster::When::On(trigger) => trigger.to_string(),
        },
        struck: *struck,
    });
    let received = outcome.ledger.tasks.get(POISON).map_or(0, |record| record.refusals);
    let poison = (0..poisoned).map(|number| FaultReport {
        fault: "poison a queue".to_owned(),
        when: "at its time".to_owned(),
        struck: number < received,
    });
    faults.chain(poison).collect()
}

fn outcomes(counts: &Counts, whole: &Whole) -> BTreeMap<&'static str, u64> {
    let mut named = outcomes_of(counts);
    let rest =
        [("crashed", whole.crashed), ("ticks", whole.ticks), ("skipped", whole.skipped), ("doubled", whole.doubled)];
    named.extend(rest);
    named
}

/// Counts by the names of outcomes.
pub(super) fn outcomes_of(counts: &Counts) -> BTreeMap<&'static str, u64> {
    let named = [
        ("calls", counts.calls),
        ("call_failed", counts.call_failed),
        ("succeeded", counts.succeeded),
        ("failed", counts.failed),
        ("rejected", counts.rejected),
        ("ignored", counts.ignored),
        ("expired", counts.expired),
        ("revoked", counts.revoked),
        ("ran_revoked", counts.ran_revoked),
        ("skipped_duplicates", counts.skipped_duplicates),
        ("dead_lettered", counts.dead_lettered),
        ("lost", counts.lost),
        ("stuck", counts.stuck),
        ("duplicated", counts.duplicated),
        ("overlapping", counts.overlapping),
        ("starved", counts.starved),
        ("hung", counts.hung),
        ("result_missing", counts.result_missing),
        ("result_wrong", counts.result_wrong),
        ("acked_unstored", counts.acked_unstored),
        ("unbounded_loop", counts.unbounded_loop),
        ("wrong_order", counts.wrong_order),
        ("executions", counts.executions),
        ("interrupted", counts.interrupted),
    ];
    named.into_iter().collect()
}
