//! What a run cost.

use crate::scenario::ledger::{Ledger, Nanos, TaskRecord};
use crate::scenario::verdict::{Fate, fate};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A delay of what never began.
const NEVER: Nanos = Nanos::MAX;

/// Costs of one run, or of several.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    late: Nanos,
    /// How often each delay was seen, to three digits: many runs need no more room than a few.
    delays: BTreeMap<Nanos, u64>,
    pub(super) delayed: u64,
    /// Nanoseconds of executions.
    pub(super) executed: Nanos,
    /// Those that were for nothing. Of each attempt, the first execution that ended by itself counts; what was cut short,
    /// or came after it, is waste.
    pub(super) wasted: Nanos,
}

impl Costs {
    /// None yet. A call that begins later than `late` is delayed.
    pub(super) fn new(late: Duration) -> Costs {
        let late = Nanos::try_from(late.as_nanos()).unwrap_or(NEVER);
        Costs { late, delays: BTreeMap::new(), delayed: 0, executed: 0, wasted: 0 }
    }

    /// Of a run that ended at `end`.
    pub(crate) fn of(ledger: &Ledger, late: Duration, end: Nanos) -> Costs {
        let mut costs = Costs::new(late);
        for record in ledger.tasks.values().filter(|record| record.calls > 0) {
            costs.count(record, end);
        }
        costs
    }

    fn count(&mut self, record: &TaskRecord, end: Nanos) {
        let delay = match record.executions.first() {
            Some(first) => Some(first.started.saturating_sub(record.due)),
            None => matches!(fate(record), Fate::Lost | Fate::Stuck).then_some(NEVER),
        };
        if let Some(delay) = delay {
            self.delayed += u64::from(delay > self.late);
            *self.delays.entry(rounded(delay)).or_default() += 1;
        }
        let mut served = BTreeSet::new();
        for execution in &record.executions {
            let took = execution.over.unwrap_or(end).saturating_sub(execution.started);
            self.executed += took;
            // Each worker runs its copy of a broadcast.
            let counts = execution.ended.is_some() && (record.broadcast || served.insert(execution.retries));
            if execution.over.is_some() && !counts {
                self.wasted += took;
            }
        }
    }

    pub(super) fn add(&mut self, other: &Costs) {
        other.delays.iter().for_each(|(delay, times)| *self.delays.entry(*delay).or_default() += times);
        self.delayed += other.delayed;
        self.executed += other.executed;
        self.wasted += other.wasted;
    }

    /// Seconds that `percent` of the delays did not exceed; `None` when there are none, or they never ended.
    pub(super) fn delay(&self, percent: u64) -> Option<f64> {
        let all: u64 = self.delays.values().sum();
        let rank = (all * percent).div_ceil(100);
        let mut seen = 0;
        let at = self.delays.iter().find(|(_, times)| {
            seen += **times;
            seen >= rank
        });
        at.map(|(delay, _)| *delay).filter(|delay| *delay < NEVER).map(|delay| delay as f64 / 1e9)
    }
}

/// To three digits, upwards.
fn rounded(delay: Nanos) -> Nanos {
    let mut unit = 1;
    while delay / unit >= 1000 {
        unit *= 10;
    }
    delay.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Ended;
    use crate::scenario::ledger::Execution;

    fn execution(retries: u32, from: Nanos, to: Nanos, ended: Option<Ended>) -> Execution {
        Execution { process: "w/1".into(), retries, redelivered: false, started: from, over: Some(to), ended }
    }

    fn wasted(executions: Vec<Execution>) -> (Nanos, Nanos) {
        let mut costs = Costs::new(Duration::from_secs(1));
        costs.count(&TaskRecord { calls: 1, executions: executions.into(), ..TaskRecord::default() }, 100);
        (costs.executed, costs.wasted)
    }

    #[test]
    fn what_is_cut_short_or_comes_twice_is_waste_and_a_retry_is_not() {
        let returned = Some(Ended::Returned);
        assert_eq!(wasted(vec![execution(0, 0, 10, returned)]), (10, 0));
        assert_eq!(wasted(vec![execution(0, 0, 3, None), execution(0, 10, 20, returned)]), (13, 3));
        assert_eq!(wasted(vec![execution(0, 0, 10, returned), execution(0, 20, 25, returned)]), (15, 5));
        assert_eq!(wasted(vec![execution(0, 0, 10, Some(Ended::Failed)), execution(1, 20, 25, returned)]), (15, 0));
    }

    #[test]
    fn delays_are_known_to_three_digits_and_what_never_began_is_last() {
        assert_eq!([rounded(999), rounded(1001), rounded(123_456)], [999, 1010, 124_000]);
        assert_eq!(rounded(NEVER), NEVER);
        let mut costs = Costs::new(Duration::from_nanos(50));
        for (delay, times) in [(10, 90), (100, 8), (NEVER, 2)] {
            costs.delays.insert(delay, times);
        }
        assert_eq!([costs.delay(50), costs.delay(98), costs.delay(99)], [Some(1e-8), Some(1e-7), None]);
    }
}
