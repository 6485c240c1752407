//! What makes a run fail.

use super::cluster::Outcome;
use super::expect::Expectation;
use super::run::FaultReport;
use simq_sim::Stop;

/// Everything that makes a run fail.
pub(super) fn failures(
    expectations: &[Expectation],
    faults: &[FaultReport],
    outcome: &Outcome,
    mishaps: &[String],
) -> Vec<String> {
    let mut failures = Vec::new();
    if expectations.is_empty() {
        failures.push("nothing is expected of this run: a scenario without [expect] can't pass".to_owned());
    }
    for expectation in expectations.iter().filter(|expectation| !expectation.is_met()) {
        let Expectation { key, wanted, seen, .. } = expectation;
        failures.push(match expectation.exercised {
            true => format!("{key}: wanted {wanted}, seen {seen}"),
            false => format!("{key}: wanted {wanted}, but nothing in this run puts it to the test"),
        });
    }
    for fault in faults.iter().filter(|fault| !fault.struck) {
        failures.push(format!("fault never struck: {} ({})", fault.fault, fault.when));
    }
    failures.extend(outcome.missed.iter().map(|missed| format!("fault never struck: {missed}")));
    failures.extend(mishaps.iter().cloned());
    failures
}

/// What no run may come to.
pub(super) fn mishaps(expectations: &[Expectation], outcome: &Outcome) -> Vec<String> {
    let mut mishaps = Vec::new();
    // Whoever wants a process to crash says so with `crashed`.
    if !expectations.iter().any(|expectation| expectation.key == "crashed") {
        mishaps.extend(outcome.crashed.iter().map(|crash| format!("crashed: {crash}")));
    }
    if outcome.stop == Stop::Events {
        mishaps.push(format!("stopped after {} events: something runs in circles", outcome.summary.events));
    }
    mishaps.extend(outcome.leak.iter().map(|leak| format!("not deterministic: {leak}")));
    mishaps
}
