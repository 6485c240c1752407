//! The Redis rows: Celery's own algorithm on a simulated Redis, with the transport options of the row.
//!
//! Whoever sweeps does so every second or about every 100 seconds, so the number of copies depends on the phase of the
//! sweeps: rows that were cut off, or whose copies fire together, say less.

use super::{Row, check, not_replayed, replay, scenario, seen, values};
use std::fmt::Write;

/// What stands before everything else in the scenario of a row.
pub(crate) fn head(row: &Row) -> &'static str {
    if row.broker == "redis" { "broker = \"redis\"\nbackend = \"redis\"\n" } else { "broker = \"rabbitmq\"\n" }
}

/// The transport options that the row was recorded with.
pub(crate) fn options(row: &Row, text: &mut String) {
    let Some(options) = row.config.get("broker_transport_options").and_then(|options| options.as_object()) else {
        return;
    };
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    if row.broker == "redis" {
        let _ = writeln!(text, "broker_transport_options = {{ {} }}", options.join(", "));
    }
}

fn why_not(row: &Row) -> Option<&'static str> {
    Some(match (row.group.as_str(), row.event.as_str()) {
        ("renewal", _) => "an outside process renewed: simq's own renewal is in scenarios/redis_*.toml",
        ("ordering", "priorities_published_before_worker_start") => "tests/redis.rs reads priorities in this order",
        ("prefetch", event) if event.contains("worker_disable_prefetch") => "worker_disable_prefetch is not built yet",
        ("retry", _) => "replayed in told.rs",
        _ => return not_replayed(row),
    })
}

/// How many copies there are depends on the phases of two sweeps and the timeout: one more or less. Those
/// that wait for the same time begin in any order.
fn check_copies(row: &Row, seed: u64) {
    let seen = seen(&replay(row, seed), "main");
    let wanted = row.executions.unwrap_or_default();
    let range = if wanted > 1 { wanted - 1..=wanted + 1 } else { wanted..=wanted };
    let named = format!("{} late {} seed {seed}: {seen:?}\n{}", row.event, row.acks_late, scenario(row));
    assert!(range.contains(&seen.executions), "{named}");
    assert_eq!(Some(&seen.state), row.final_state.as_ref(), "{named}");
    assert_eq!(seen.redelivered.iter().filter(|redelivered| !**redelivered).count(), 1, "{named}");
}

#[test]
fn the_cluster_does_what_celery_did_on_redis() {
    let (mut replayed, mut not) = (0, 0);
    for row in values().filter(|row| row["broker"] == "redis") {
        let row: Row = serde_json::from_value(row).expect("a row of behaviour.jsonl");
        if why_not(&row).is_some() {
            not += 1;
            continue;
        }
        for seed in 1..=3 {
            match row.group.as_str() {
                "eta" | "long_task" => check_copies(&row, seed),
                _ => check(&row, &replay(&row, seed)),
            }
        }
        replayed += 1;
    }
    assert_eq!((replayed, not), (86, 51), "a row was added or lost: replay it, or say in `why_not` why not");
}
