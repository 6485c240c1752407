//! Many runs on many threads, reported in order. Neither the runs nor their reports are ever all in memory.

use super::output;
use crate::env::system;
use crate::scenario::{Report, Scenario};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Runs per thread that may be begun before the oldest of them is reported.
const AHEAD: u64 = 16;
/// Runs from which on there is a bar.
const LONG: u64 = 50;

/// Seeds of one variant.
pub(super) struct Group<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) variant: Option<String>,
    pub(super) seeds: RangeInclusive<u64>,
}

/// One run to be done.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// Which group it is of.
    pub(super) group: usize,
    pub(super) scenario: &'a Scenario,
    pub(super) variant: Option<&'a str>,
    pub(super) seed: u64,
}

pub(super) fn all<'a>(groups: &'a [Group<'a>]) -> impl Iterator<Item = Job<'a>> {
    groups.iter().enumerate().flat_map(|(number, group)| {
        let (scenario, variant) = (group.scenario, group.variant.as_deref());
        group.seeds.clone().map(move |seed| Job { group: number, scenario, variant, seed })
    })
}

type Done = Result<Report, String>;

/// Runs all groups on up to `threads` threads and tells each report, in order, on this one. Ends with the first error.
pub(super) fn run_all<'a>(
    groups: &'a [Group<'a>],
    threads: u32,
    execute: impl Fn(&Job<'a>) -> Done + Sync,
    mut tell: impl FnMut(&Job<'a>, Report) -> Result<(), String>,
) -> Result<(), String> {
    let total = groups.iter().map(|group| group.seeds.end() - group.seeds.start()).map(|more| more.saturating_add(1));
    let total = total.fold(0, u64::saturating_add);
    let progress = progress_bar(total);
    let mut tell = |job: &Job<'a>, done: Done| {
        progress.inc(1);
        progress.suspend(|| tell(job, done?))
    };
    let told = if threads == 1 || total == 1 {
        all(groups).try_for_each(|job| tell(&job, execute(&job)))
    } else {
        let threads = u64::from(threads).min(total);
        side_by_side(all(groups), threads, &execute, &mut tell)
    };
    progress.finish_and_clear();
    told
}

fn side_by_side<'a>(
    mut jobs: impl Iterator<Item = Job<'a>>,
    threads: u64,
    execute: &(impl Fn(&Job<'a>) -> Done + Sync),
    tell: &mut impl FnMut(&Job<'a>, Done) -> Result<(), String>,
) -> Result<(), String> {
    let (todo, work) = crossbeam_channel::unbounded::<(u64, Job<'a>)>();
    let (report, done) = crossbeam_channel::unbounded();
    system::scope(|scope| {
        for _ in 0..threads {
            let (work, report) = (work.clone(), report.clone());
            scope.spawn(move || {
                for (number, job) in work {
                    // Nobody waits for it any more when an earlier one ended everything.
                    let _ = report.send((number, job, execute(&job)));
                }
            });
        }
        drop(report);
        let (mut begun, mut next, mut early) = (0, 0, BTreeMap::new());
        let ended = loop {
            for job in jobs.by_ref().take((next + AHEAD * threads - begun) as usize) {
                // The receivers live as long as the scope.
                let _ = todo.send((begun, job));
                begun += 1;
            }
            if next == begun {
                break Ok(());
            }
            let Ok((number, job, done)) = done.recv() else { break Err("a run did not come back".to_owned()) };
            early.insert(number, (job, done));
            let mut told = Ok(());
            while let Some((job, done)) = early.remove(&next).filter(|_| told.is_ok()) {
                told = tell(&job, done);
                next += 1;
            }
            if told.is_err() {
                break told;
            }
        };
        drop(todo);
        while work.try_recv().is_ok() {}
        ended
    })
}

/// A bar on long work, when somebody watches.
fn progress_bar(runs: u64) -> indicatif::ProgressBar {
    if runs < LONG { indicatif::ProgressBar::hidden() } else { output::progress_bar(runs) }
}
