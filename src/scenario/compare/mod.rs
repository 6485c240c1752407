//! The same workload and faults under several settings: what each costs.
//!
//! | file | holds |
//! |---|---|
//! | `costs` | what one run cost: delays, work that was for nothing |
//! | `grid` | all combinations of values of settings |

mod costs;
mod grid;

use super::load::Scenario;
use super::observe::Look;
use super::parallel::each_in_order;
use super::run::{Change, Failure, run_changed};
use serde::Serialize;
use std::ops::{ControlFlow, RangeInclusive};
use std::time::Duration;

use costs::Costs;
pub use grid::{Axis, grid};

/// Most runs of one comparison.
const MAX_RUNS: u64 = 10_000_000;

/// Settings that are to be compared.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The story.
    pub scenario: &'a Scenario,
    /// The variant, if it has any.
    pub variant: Option<String>,
    /// Settings on top of it: name and value.
    pub set: Vec<(String, String)>,
}

impl Candidate<'_> {
    /// File, variant and settings in one line.
    pub fn name(&self) -> String {
        let variant = self.variant.as_ref().map(|variant| format!(" / {variant}")).unwrap_or_default();
        let set: Vec<String> = self.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let space = if set.is_empty() { "" } else { "  " };
        format!("{}{variant}{space}{}", self.scenario.name(), set.join(" "))
    }
}

/// What a candidate came to on all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// [`Candidate::name`].
    pub name: String,
    /// The file.
    pub file: String,
    /// The variant, if the file has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Settings on top of it.
    pub set: Vec<(String, String)>,
    /// Seeds.
    pub runs: u64,
    /// Runs that met their expectations.
    pub passed: u64,
    /// Calls of all runs, as the counts below.
    pub calls: u64,
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that are LOST.
    pub lost: u64,
    /// Calls that are STUCK.
    pub stuck: u64,
    /// Calls that are DUPLICATED.
    pub duplicated: u64,
    /// Calls that began later than is bearable, or never and should have.
    pub delayed: u64,
    /// Half of the calls began within so many seconds after they were due; `null`: they never did.
    pub p50_start_delay: Option<f64>,
    /// 99 of 100 did.
    pub p99_start_delay: Option<f64>,
    /// Seconds of execution that were for nothing.
    pub wasted_seconds: f64,
    /// Seconds of execution in all.
    pub executed_seconds: f64,
    /// On the Pareto front: no other is as good in LOST, STUCK, DUPLICATED, delayed, p99 and wasted seconds, and better
    /// in one.
    pub front: bool,
}

impl Row {
    /// What is to be small.
    fn cost(&self) -> [f64; 6] {
        let p99 = self.p99_start_delay.unwrap_or(f64::INFINITY);
        let counts = [self.lost, self.stuck, self.duplicated, self.delayed].map(|count| count as f64);
        [counts[0], counts[1], counts[2], counts[3], p99, self.wasted_seconds]
    }

    fn beats(&self, other: &Row) -> bool {
        let (mine, theirs) = (self.cost(), other.cost());
        let pairs = || mine.iter().zip(&theirs);
        pairs().all(|(mine, theirs)| mine <= theirs) && pairs().any(|(mine, theirs)| mine < theirs)
    }
}

/// Runs each candidate on each seed. A call that begins later than `late` after it is due counts as delayed. `told` is
/// called with how many runs are done and how many there are, and can end it: then what is told is of the first seeds, of
/// all candidates the same.
///
/// # Errors
///
/// A setting that there is not, more runs than are done at once, or the first failure of a run itself.
pub fn compare(
    candidates: &[Candidate<'_>],
    seeds: &RangeInclusive<u64>,
    late: Duration,
    jobs: u32,
    mut told: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Vec<Row>, Failure> {
    for candidate in candidates {
        grid::check(candidate)?;
    }
    let each = seeds.end().saturating_sub(*seeds.start()).saturating_add(1);
    let total = each.saturating_mul(candidates.len() as u64);
    if total > MAX_RUNS {
        return Err(format!("{total} runs are more than {MAX_RUNS}: fewer seeds or fewer values").into());
    }
    let mut rows: Vec<(Row, Costs)> = candidates.iter().map(|one| (one.empty(), Costs::new(late))).collect();
    let (mut done, mut failed) = (0, None);
    // Runs of one seed, until all candidates have made theirs.
    let mut of_seed = Vec::new();
    let inputs = seeds.clone().flat_map(|seed| candidates.iter().map(move |candidate| (candidate, seed)));
    each_in_order(
        jobs,
        inputs,
        |(candidate, seed)| candidate.run(seed, late),
        |run| {
            match run {
                Ok(run) => of_seed.push(run),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            if of_seed.len() == candidates.len() {
                for ((row, costs), (report, cost)) in rows.iter_mut().zip(of_seed.drain(..)) {
                    row.add(&report);
                    costs.add(&cost);
                }
            }
            done += 1;
            told(done, total)
        },
    );
    if let Some(error) = failed {
        return Err(error);
    }
    rows.iter_mut().for_each(|(row, costs)| row.close(costs));
    let mut rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    let front: Vec<bool> = rows.iter().map(|row| !rows.iter().any(|other| other.beats(row))).collect();
    rows.iter_mut().zip(front).for_each(|(row, front)| row.front = front);
    Ok(rows)
}

impl Candidate<'_> {
    fn run(&self, seed: u64, late: Duration) -> Result<(super::Report, Costs), Failure> {
        let change = Change { settings: self.set.clone(), ..Change::default() };
        let run = run_changed(self.scenario, self.variant.as_deref(), seed, Look::default(), change)?;
        let costs = Costs::of(&run.ledger, late, run.end);
        Ok((run.report, costs))
    }

    fn empty(&self) -> Row {
        Row {
            name: self.name(),
            file: self.scenario.path().display().to_string(),
            variant: self.variant.clone(),
            set: self.set.clone(),
            runs: 0,
            passed: 0,
            calls: 0,
            succeeded: 0,
            lost: 0,
            stuck: 0,
            duplicated: 0,
            delayed: 0,
            p50_start_delay: None,
            p99_start_delay: None,
            wasted_seconds: 0.0,
            executed_seconds: 0.0,
            front: false,
        }
    }
}

impl Row {
    fn add(&mut self, report: &super::Report) {
        let count = |key: &str| report.outcomes.get(key).copied().unwrap_or_default();
        self.runs += 1;
        self.passed += u64::from(report.passed());
        self.calls += count("calls");
        self.succeeded += count("succeeded");
        self.lost += count("lost");
        self.stuck += count("stuck");
        self.duplicated += count("duplicated");
    }

    fn close(&mut self, costs: &Costs) {
        self.delayed = costs.delayed;
        self.p50_start_delay = costs.delay(50);
        self.p99_start_delay = costs.delay(99);
        self.wasted_seconds = costs.wasted as f64 / 1e9;
        self.executed_seconds = costs.executed as f64 / 1e9;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn row(lost: u64, p99: Option<f64>) -> Row {
        let scenario = Scenario::parse(Path::new("s.toml"), "[workers.w]\n".to_owned()).unwrap();
        let empty = Candidate { scenario: &scenario, variant: None, set: Vec::new() }.empty();
        Row { lost, p99_start_delay: p99, ..empty }
    }

    #[test]
    fn one_beats_another_only_when_it_is_worse_in_nothing() {
        let [safe, fast, never] = [row(0, Some(9.0)), row(2, Some(1.0)), row(0, None)];
        assert!(!safe.beats(&fast) && !fast.beats(&safe), "a trade");
        assert!(safe.beats(&never), "what never begins is worse than what begins late");
        assert!(!safe.beats(&safe), "equals stay both");
    }
}
