//! What a failure is: the outcome that should not be, and the life of the first task that came to it.

use super::life::Lives;
use crate::scenario::run::{Ran, outcomes_of};
use crate::scenario::verdict::Counts;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Outcomes that are hazards whoever expects them, the worst first.
const HAZARDS: [&str; 13] = [
    "lost",
    "crashed",
    "stuck",
    "hung",
    "unbounded_loop",
    "duplicated",
    "overlapping",
    "result_wrong",
    "result_missing",
    "acked_unstored",
    "ran_revoked",
    "starved",
    "wrong_order",
];

/// What tells one failure from another. Two runs with equal signatures fail for the same reason, as far as one can tell
/// from outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Signature {
    /// The expectation that does not hold, or the hazard behind it: `lost`, `of.report.duplicated`, `crashed`.
    pub outcome: String,
    /// What happened to the first task that came to it and, in brackets, the faults that met it; each kind once, in an
    /// order that does not depend on when.
    pub life: Vec<String>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.life.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.outcome.to_uppercase(), self.life.join(", "))
    }
}

/// The failure of a run; `None` if it passed. Faults that found nothing to strike are no failure when `may_miss`.
pub(crate) fn of(ran: &Ran, lives: &Lives, may_miss: bool) -> Option<Signature> {
    let report = &ran.report;
    let broken = |tested: bool| {
        let broken = report.expectations.iter().filter(move |expectation| !expectation.is_met());
        broken.filter(move |expectation| expectation.exercised == tested).map(|expectation| expectation.key.as_str())
    };
    let keys: Vec<&str> = broken(true).collect();
    let untested = broken(false).next();
    let of_keys = |failure: &str| keys.iter().chain(&untested).any(|key| failure.starts_with(&format!("{key}:")));
    let missed = |failure: &str| may_miss && failure.starts_with("fault never struck");
    let other = report.failures.iter().find(|failure| !of_keys(failure) && !missed(failure));
    let outcome = match (hazard(ran, &keys).or(keys.first().copied()), untested, other) {
        (Some(key), ..) => key.to_owned(),
        // An expectation that nothing puts to the test is another failure than one that does not hold.
        (None, Some(key), _) => format!("untested {key}"),
        (None, None, Some(failure)) => failure.split(':').next().unwrap_or_default().to_owned(),
        (None, None, None) => return None,
    };
    let life = match culprit(ran, &outcome) {
        Some(task) => lives.of(task, !is_done_by_holders(&outcome), &ran.plan),
        None => lives.faults(&ran.plan),
    };
    Some(Signature { outcome, life })
}

/// Whether only who has a task in its hands can bring it to this outcome. What comes late or never can be anybody's doing.
fn is_done_by_holders(outcome: &str) -> bool {
    let key = outcome.rsplit('.').next().unwrap_or(outcome);
    let by_holders =
        ["lost", "unbounded_loop", "duplicated", "overlapping", "result_wrong", "result_missing", "acked_unstored"];
    by_holders.contains(&key)
}

/// The worst broken expectation that is a hazard; or else, when the broken ones only count, a hazard that there was and
/// that nobody wanted.
fn hazard<'a>(ran: &Ran, keys: &[&'a str]) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let worst = HAZARDS.iter().find_map(|hazard| keys.iter().copied().find(|key| last(key) == *hazard));
    let counts = ["succeeded", "executions", "executions_per_task"];
    let only_counts = || keys.iter().any(|key| counts.contains(key) || key.starts_with("states."));
    let expected = |hazard: &str| ran.report.expectations.iter().any(|expectation| expectation.key == hazard);
    worst.or_else(|| {
        let seen = |hazard: &&&str| ran.report.outcomes.get(**hazard).is_some_and(|count| *count > 0);
        HAZARDS.iter().filter(seen).find(|hazard| only_counts() && !expected(hazard)).copied()
    })
}

/// The first task that came to this outcome; when it is one that too few came to, the first that did not.
fn culprit(ran: &Ran, outcome: &str) -> Option<usize> {
    let key = outcome.rsplit('.').next().unwrap_or(outcome);
    let too_few = too_few(ran, outcome);
    ran.ledger.tasks.values().position(|record| {
        let outcomes = outcomes_of(&Counts::of_call(record, &ran.idle, ran.end));
        record.calls > 0 && outcomes.get(key).is_some_and(|count| (*count > 0) != too_few)
    })
}

/// How many calls an outcome is about that too few came to; `None` for any other outcome. A smaller story makes as many:
/// fewer would be too few by themselves.
pub(super) fn calls_missed(ran: &Ran, outcome: &str) -> Option<usize> {
    let subject = outcome.strip_prefix("of.");
    let is_meant = |id: &str, task: &str| {
        let numbered = id.rsplit_once('-').filter(|(_, number)| number.parse::<u64>().is_ok());
        let named = |name: &str| {
            subject.is_none_or(|subject| subject.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        };
        named(task) || named(id) || numbered.is_some_and(|(name, _)| named(name))
    };
    let calls =
        || ran.ledger.tasks.iter().filter(|(id, record)| record.calls > 0 && is_meant(id, &record.task)).count();
    too_few(ran, outcome).then(calls)
}

fn too_few(ran: &Ran, outcome: &str) -> bool {
    ran.report.expectations.iter().any(|expectation| expectation.key == outcome && is_too_few(expectation))
}

fn is_too_few(expectation: &crate::scenario::Expectation) -> bool {
    let wanted = expectation.wanted.trim_start_matches(|c: char| !c.is_ascii_digit());
    let wanted: Option<u64> = wanted.split(' ').next().and_then(|least| least.parse().ok());
    let at_most = expectation.wanted.starts_with('<');
    !at_most && wanted.zip(expectation.seen.parse().ok()).is_some_and(|(wanted, seen): (u64, u64)| seen < wanted)
}

impl Signature {
    /// Whether a smaller run still fails for the same reason: the same outcome, and nothing in the life of its task that
    /// the larger run did not have.
    pub(crate) fn is_like(&self, larger: &Signature) -> bool {
        let known: BTreeSet<&String> = larger.life.iter().collect();
        self.outcome == larger.outcome && self.life.iter().all(|told| known.contains(told))
    }
}
