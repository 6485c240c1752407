//! What came of crashes, in few lines.

use super::{Crash, Crashes};
use crate::collections::Map;
use crate::scenario::Report;
use std::fmt::Write;

/// Hazards that are told of a run, in this order.
const HAZARDS: [&str; 11] = [
    "lost",
    "stuck",
    "duplicated",
    "overlapping",
    "starved",
    "hung",
    "result_missing",
    "result_wrong",
    "unbounded_loop",
    "crashed",
    "doubled",
];

/// What the calls of a run came to.
pub(super) fn words(report: &Report) -> String {
    let count = |key: &str| report.outcomes.get(key).copied().unwrap_or_default();
    let mut words: Vec<String> = HAZARDS
        .iter()
        .filter(|key| count(key) > 0)
        .map(|key| format!("{} {}", key.to_uppercase(), count(key)))
        .collect();
    words.push(format!("{} of {} succeeded, begun {}", count("succeeded"), count("calls"), count("executions")));
    words.join(", ")
}

/// One line: crashes at the same place, or two, that come to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    place: String,
    /// First and last number.
    numbers: (u64, u64),
    outcome: String,
}

impl Crashes {
    /// The table, for a file that is to be compared: effects in a row that come to the same are one line. Pairs are
    /// counted by their places.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "without a crash: {}", self.calm.outcome);
        for Line { place, numbers: (from, to), outcome } in self.singles() {
            let which = if from == to { from.to_string() } else { format!("{from}..{to}") };
            let _ = writeln!(text, "{place} {which}: {outcome}");
        }
        for (places, outcomes) in self.pairs() {
            let outcomes: Vec<String> =
                outcomes.iter().map(|(outcome, times)| format!("{times} x {outcome}")).collect();
            let _ = writeln!(text, "{places}: {}", outcomes.join("; "));
        }
        for left in &self.left_out {
            let _ = writeln!(
                text,
                "# {} has {} of {}, of which only the first are tried",
                left.process, left.there_are, left.effect
            );
        }
        text
    }

    fn singles(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for crash in self.all.iter().filter(|crash| crash.points.len() == 1) {
            let (point, outcome) = (&crash.points[0], crash.with_broken());
            let place = point.place();
            match lines.last_mut() {
                Some(line) if line.place == place && line.outcome == outcome => line.numbers.1 = point.nth,
                _ => lines.push(Line { place, numbers: (point.nth, point.nth), outcome }),
            }
        }
        lines
    }

    fn pairs(&self) -> Map<String, Map<String, usize>> {
        let mut pairs: Map<String, Map<String, usize>> = Map::default();
        for crash in self.all.iter().filter(|crash| crash.points.len() == 2) {
            let places = crash.points.iter().map(super::Point::place).collect::<Vec<_>>().join(" + ");
            *pairs.entry(places).or_default().entry(crash.with_broken()).or_default() += 1;
        }
        pairs
    }

    /// How many crashes came to what, the most frequent first.
    pub fn outcomes(&self) -> Vec<(String, usize)> {
        let mut counts: Map<String, usize> = Map::default();
        self.all.iter().for_each(|crash| *counts.entry(crash.with_broken()).or_default() += 1);
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        counts
    }
}

impl Crash {
    fn with_broken(&self) -> String {
        match self.broken.is_empty() {
            true => self.outcome.clone(),
            false => {
                let keys = self.broken.iter().map(|broken| broken.split(':').next().unwrap_or(broken));
                format!("{}  BREAKS {}", self.outcome, keys.collect::<Vec<_>>().join(", "))
            }
        }
    }
}
