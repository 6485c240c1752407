//! Rows about beat: when it sends, across stops and starts, and when there are two.

use super::{event, values};
use serde_json::Value;
use simq::scenario::{Scenario, run};
use std::fmt::Write;
use std::path::Path;

/// Seconds by which a send may differ: Celery wakes up a little late, and its process takes a moment to start.
const TOLERANCE: f64 = 0.3;

/// Seconds before the end in which a send is not expected: the process that was stopped then had begun to end.
const STOPS: f64 = 0.1;

/// The scenario of a row and when it ended there: stops are warm, as they were. A run goes on until the entry is due.
fn scenario(row: &Value) -> (String, f64) {
    let every = match event(row) {
        name if name.contains("3600s") => 3600,
        name if name.contains("interval_5s") => 5,
        _ => 2,
    };
    let beats = if event(row).starts_with("two_beats") { 2 } else { 1 };
    let steps = row["process"].as_array().into_iter().flatten();
    let steps: Vec<(&str, f64)> =
        steps.map(|step| (step[0].as_str().unwrap_or_default(), step[1].as_f64().unwrap_or_default())).collect();
    let end = steps.last().map_or(7.0, |(_, at)| *at);
    let limit = end.max(f64::from(every) + 1.0);
    let mut text = format!("profile = \"celery\"\nlimit = \"{}ms\"\nbeats = {beats}\n", (limit * 1000.0) as u64);
    let _ = write!(text, "[workers.w]\n[tasks.main]\n[[beat]]\ntask = \"main\"\nevery = \"{every}s\"\n");
    for (what, at) in &steps[1.min(steps.len())..steps.len().saturating_sub(1)] {
        let kind = if *what == "stop" { "signal" } else { "restart" };
        let _ = write!(text, "[[fault]]\ndo = \"{kind}\"\nprocess = \"beat\"\nat = \"{}ms\"\n", (at * 1000.0) as u64);
    }
    text.push_str("[expect]\nlost = 0\n");
    (text, end)
}

fn sent(text: &str, seed: u64) -> Vec<f64> {
    let scenario =
        Scenario::parse(Path::new("beat.toml"), text.to_owned()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let report = run(&scenario, None, seed, None, true).expect("a simulated world");
    let mut times: Vec<f64> = report.ledger.iter().flatten().map(|task| task.called_at).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Two beats were started half a second apart, or nearly at once; here they start at once.
#[test]
fn beat_sends_when_celery_s_did() {
    let mut replayed = 0;
    for row in values().filter(|row| row["group"] == "beat" && row["send_times_s"].is_array()) {
        let wanted: Vec<f64> = row["send_times_s"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let apart = if event(&row).contains("separate") { 0.6 } else { TOLERANCE };
        for seed in 1..=3 {
            let (text, end) = scenario(&row);
            let times: Vec<f64> = sent(&text, seed).into_iter().filter(|at| *at <= end - STOPS).collect();
            assert_eq!(times.len(), wanted.len(), "{}: {times:?}", event(&row));
            for (seen, wanted) in times.iter().zip(&wanted) {
                assert!((seen - wanted).abs() < apart, "{}: {times:?}", event(&row));
            }
        }
        replayed += 1;
    }
    // The seventh is about a starting deadline, and in tests/schedule.rs.
    assert_eq!(replayed, 6);
}
