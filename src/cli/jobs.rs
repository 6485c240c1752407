//! Many runs on many threads, reported in order. Neither the runs nor their reports are ever all in memory.

use super::output;
use crate::scenario::parallel::each_in_order;
use crate::scenario::{Report, Scenario};
use std::ops::{ControlFlow, RangeInclusive};

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
    let act = |job: Job<'a>| {
        let done = execute(&job);
        (job, done)
    };
    let mut told = Ok(());
    let tell = |(job, done): (Job<'a>, Done)| {
        progress.inc(1);
        told = progress.suspend(|| tell(&job, done?));
        if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let threads = u32::try_from(total).map_or(threads, |total| threads.min(total));
    each_in_order(threads, all(groups), act, tell);
    progress.finish_and_clear();
    told
}

/// A bar on long work, when somebody watches.
fn progress_bar(runs: u64) -> indicatif::ProgressBar {
    if runs < LONG { indicatif::ProgressBar::hidden() } else { output::progress_bar(runs) }
}
