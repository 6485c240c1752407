//! Exhaustive crashes: one run for each numbered effect of each process, which is killed before it, or after it, or loses
//! the reply; and with pairs, one run for each two of those.
//!
//! | file | holds |
//! |---|---|
//! | `points` | what a process does in the run without crashes: its numbered effects |
//! | `strike` | the faults that strike there |
//! | `table` | what came of it, in few lines |
//!
//! The run up to the first crash is the run without one, so a point that is numbered there is always reached. The second
//! crash of a pair strikes in another history, and may not be.

mod points;
mod strike;
mod table;

use super::load::Scenario;
use super::observe::Look;
use super::parallel::each_in_order;
use super::run::{Change, Failure, run_changed};
use std::ops::ControlFlow;
use std::time::Duration;
use table::words;

pub use points::{LeftOut, Point};
pub use strike::Blow;

/// Most runs of one search.
const MAX_RUNS: usize = 1_000_000;

/// What to try.
#[derive(Clone, Debug)]
pub struct Search {
    /// Hosts whose effects are meant, each with its pool children; empty: all of them.
    pub processes: Vec<String>,
    /// Effects of one name and process that are tried, from the first on: polls and heartbeats go on for ever.
    pub most: u64,
    /// What to do to them.
    pub blows: Vec<Blow>,
    /// How long after a kill the host is started again; `None`: never. Pool children are replaced by their worker.
    pub restart_after: Option<Duration>,
    /// Also each two of them in one run.
    pub pairs: bool,
    /// Threads.
    pub jobs: u32,
}

impl Default for Search {
    fn default() -> Search {
        Search {
            processes: Vec::new(),
            most: 12,
            blows: Blow::ALL.to_vec(),
            restart_after: Some(Duration::from_secs(1)),
            pairs: false,
            jobs: 1,
        }
    }
}

/// One run with a crash, or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Where it struck.
    pub points: Vec<Point>,
    /// What the calls came to, in few words.
    pub outcome: String,
    /// Expectations that it breaks, and whatever else no run may come to.
    pub broken: Vec<String>,
}

/// What came of all crashes.
#[derive(Clone, Debug)]
pub struct Crashes {
    /// The run without any.
    pub calm: Crash,
    /// In the order of processes, effects and blows.
    pub all: Vec<Crash>,
    /// Pairs whose second half was never reached.
    pub unreached: usize,
    /// Effects that there are more of than were tried.
    pub left_out: Vec<LeftOut>,
    /// Runs that were not made, because the search was told to end.
    pub not_run: usize,
}

impl Crashes {
    /// Crashes that break something.
    pub fn broken(&self) -> impl Iterator<Item = &Crash> {
        self.all.iter().filter(|crash| !crash.broken.is_empty())
    }
}

/// Tries all crashes of a search on one seed. `told` is called with how many runs are done and how many there are, and can
/// end it.
///
/// # Errors
///
/// A process that there is not, more runs than are done at once, or the first failure of a run itself.
pub fn crashpoints(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    search: &Search,
    mut told: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Crashes, Failure> {
    let (points, left_out) = points::all(scenario, variant, seed, search)?;
    let singles = (0..points.len()).map(|point| vec![point]);
    let seconds = |first: usize| (first + 1..points.len()).map(move |second| vec![first, second]);
    let pairs = (0..points.len()).filter(|_| search.pairs).flat_map(seconds);
    let plans: Vec<Vec<usize>> = singles.chain(pairs).take(MAX_RUNS + 1).collect();
    if plans.len() > MAX_RUNS {
        let message = format!("more than {MAX_RUNS} runs: name a process, or try fewer effects of each name");
        return Err(message.into());
    }
    let calm = crash(scenario, variant, seed, search, [])?.0;
    let mut crashes = Crashes { calm, all: Vec::new(), unreached: 0, left_out, not_run: plans.len() };
    let mut failed = None;
    let act = |plan: &Vec<usize>| {
        let run = crash(scenario, variant, seed, search, plan.iter().map(|point| &points[*point]));
        (plan.len() > 1, run)
    };
    each_in_order(search.jobs, plans.iter(), act, |(is_pair, run)| {
        match run {
            Ok((crash, true)) => crashes.all.push(crash),
            Ok((_, false)) => crashes.unreached += usize::from(is_pair),
            Err(error) => failed = Some(error),
        }
        crashes.not_run -= 1;
        if failed.is_some() { ControlFlow::Break(()) } else { told(plans.len() - crashes.not_run, plans.len()) }
    });
    failed.map_or(Ok(crashes), Err)
}

/// One run, and whether all of its crashes found something to strike.
fn crash<'a>(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    search: &Search,
    points: impl IntoIterator<Item = &'a Point>,
) -> Result<(Crash, bool), Failure> {
    let points: Vec<Point> = points.into_iter().cloned().collect();
    let faults = points.iter().map(|point| strike::fault(point, search.restart_after)).collect();
    let run = run_changed(scenario, variant, seed, Look::default(), Change { faults, ..Change::default() })?;
    let broken = run.report.expectations.iter().filter(|expectation| !expectation.holds);
    let broken = broken
        .map(|expectation| format!("{}: wanted {}, seen {}", expectation.key, expectation.wanted, expectation.seen));
    let broken = broken.chain(run.mishaps).collect();
    let struck = run.struck.iter().all(|struck| *struck);
    Ok((Crash { points, outcome: words(&run.report), broken }, struck))
}
