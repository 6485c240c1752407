//! Expectations: what was wanted, what was seen, whether it was put to the test at all.

use super::format::Expect;
use super::values::{Bound, Count, Span, Time};
use super::verdict::Counts;
use serde::Serialize;
use std::fmt::Display;
use std::time::Duration;

/// One expectation after a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// Its key, `lost` or `of.resize.lost`.
    pub key: String,
    /// What the scenario wants, in words.
    pub wanted: String,
    /// What the ledger says.
    pub seen: String,
    /// Whether the ledger says what is wanted.
    pub holds: bool,
    /// Whether there was anything to hold it against: an expectation about calls in a run without calls says nothing.
    pub exercised: bool,
}

impl Expectation {
    /// Whether it counts as met.
    pub fn is_met(&self) -> bool {
        self.holds && self.exercised
    }
}

/// Facts of a run that belong to no call.
pub(super) struct Whole {
    pub(super) crashed: u64,
    pub(super) ticks: u64,
    pub(super) skipped: u64,
    pub(super) doubled: u64,
    /// Most messages that one worker held at the same time.
    pub(super) most_held: u64,
    pub(super) has_beat: bool,
    /// From the last fault to when nothing was left to do: `None` without faults; `Some(None)` if that never came.
    pub(super) settles: Option<Option<Duration>>,
}

/// Holds the expectations of one subject, the run or a part of its calls, against the ledger.
pub(super) fn check(prefix: &str, expect: &Expect, counts: &Counts, whole: &Whole) -> Vec<Expectation> {
    let mut checker = Checker { prefix, found: Vec::new() };
    let called = counts.calls > 0;
    let begun = counts.executions > 0;
    let results = counts.succeeded > 0;
    let letters = called || counts.dead_lettered > 0;
    for (key, wanted, seen, exercised) in [
        ("lost", &expect.lost, counts.lost, counts.accepted > 0),
        ("duplicated", &expect.duplicated, counts.duplicated, begun),
        ("overlapping", &expect.overlapping, counts.overlapping, begun),
        ("stuck", &expect.stuck, counts.stuck, called),
        ("starved", &expect.starved, counts.starved, called),
        ("hung", &expect.hung, counts.hung, called),
        ("result_missing", &expect.result_missing, counts.result_missing, results),
        ("result_wrong", &expect.result_wrong, counts.result_wrong, results),
        ("acked_unstored", &expect.acked_unstored, counts.acked_unstored, counts.late_acks > 0),
        ("unbounded_loop", &expect.unbounded_loop, counts.unbounded_loop, begun),
        ("crashed", &expect.crashed, whole.crashed, true),
        ("wrong_order", &expect.wrong_order, counts.wrong_order, begun),
        ("skipped", &expect.skipped, whole.skipped, whole.has_beat),
        ("doubled", &expect.doubled, whole.doubled, whole.has_beat),
        ("calls", &expect.calls, counts.calls, true),
        ("call_failed", &expect.call_failed, counts.call_failed, called),
        ("succeeded", &expect.succeeded, counts.succeeded, called),
        ("failed", &expect.failed, counts.failed, called),
        ("rejected", &expect.rejected, counts.rejected, called),
        ("ignored", &expect.ignored, counts.ignored, called),
        ("expired", &expect.expired, counts.expired, called),
        ("dead_lettered", &expect.dead_lettered, counts.dead_lettered, letters),
        ("revoked", &expect.revoked, counts.revoked, counts.revokes > 0),
        ("ran_revoked", &expect.ran_revoked, counts.ran_revoked, counts.revokes > 0),
        ("skipped_duplicates", &expect.skipped_duplicates, counts.skipped_duplicates, begun),
        ("most_held", &expect.most_held, whole.most_held, whole.most_held > 0),
        ("most_begun_per_second", &expect.most_begun_per_second, counts.most_begun(), begun),
        ("executions", &expect.executions, counts.executions, called),
        ("executions_per_task", &expect.executions_per_task, counts.executions_per_task, begun),
        ("interrupted", &expect.interrupted, counts.interrupted, begun),
        ("ticks", &expect.ticks, whole.ticks, whole.has_beat),
    ] {
        checker.count(key, wanted.as_ref(), seen, exercised);
    }
    checker.time("p50_start_delay", expect.p50_start_delay.as_ref(), counts.start_delay(50).map(Duration::from_nanos));
    checker.time("p99_start_delay", expect.p99_start_delay.as_ref(), counts.start_delay(99).map(Duration::from_nanos));
    checker.time("max_start_delay", expect.max_start_delay.as_ref(), counts.start_delay(100).map(Duration::from_nanos));
    checker.settles(expect.settles_within.as_ref(), whole.settles);
    for (state, wanted) in expect.states.iter().flatten() {
        let seen = counts.states.get(state.as_str()).copied().unwrap_or_default();
        checker.count(&format!("states.{state}"), Some(wanted), seen, called);
    }
    checker.found
}

struct Checker<'a> {
    prefix: &'a str,
    found: Vec<Expectation>,
}

impl Checker<'_> {
    fn add(&mut self, key: &str, wanted: impl Display, seen: impl Display, holds: bool, exercised: bool) {
        let key = format!("{}{key}", self.prefix);
        self.found.push(Expectation { key, wanted: wanted.to_string(), seen: seen.to_string(), holds, exercised });
    }

    fn count(&mut self, key: &str, wanted: Option<&Count>, seen: u64, exercised: bool) {
        if let Some(wanted) = wanted {
            self.add(key, wanted, seen, wanted.holds(seen), exercised);
        }
    }

    fn time(&mut self, key: &str, wanted: Option<&Time>, seen: Option<Duration>) {
        match (wanted, seen) {
            (Some(wanted), Some(seen)) => self.add(key, wanted, Span(seen), wanted.holds(Span(seen)), true),
            (Some(wanted), None) => self.add(key, wanted, "nothing began", false, false),
            (None, _) => {}
        }
    }

    /// `settles_within = "30s"` is a limit, not an equality.
    fn settles(&mut self, wanted: Option<&Time>, seen: Option<Option<Duration>>) {
        let Some(wanted) = wanted else { return };
        let limit = Bound { min: wanted.min.filter(|_| wanted.min != wanted.max), ..*wanted };
        match seen {
            None => self.add("settles_within", limit, "no fault struck", false, false),
            Some(None) => self.add("settles_within", limit, "never", false, true),
            Some(Some(seen)) => self.add("settles_within", limit, Span(seen), limit.holds(Span(seen)), true),
        }
    }
}
