//! Crash at every effect: one task that is acked late, on Redis and on RabbitMQ, and its worker is killed before and after
//! each thing that it does, from its first connection on. It is started again a second later; a second worker comes, or
//! none.
//!
//! Profile `safe` never loses the task, and never runs it more often than kills and one. What profile `celery` does is a
//! table, `tests/golden/crash_effects.txt` and `tests/golden/crash_effects_rabbitmq.txt`:
//! `UPDATE=1 cargo test --test crash_effects` writes them anew.

#![allow(clippy::disallowed_methods, reason = "the table is a file")]

use simq::scenario::{EFFECTS, Report, Scenario, run};
use std::fmt::Write;
use std::path::Path;

/// Effects of one name in the life of a worker that is killed at the latest of them. Polls go on for ever.
const MOST: u64 = 12;

#[derive(Clone, Copy, PartialEq)]
enum On {
    Redis,
    RabbitMq,
}

impl On {
    fn servers(self) -> &'static str {
        match self {
            On::Redis => "broker = \"redis\"\nbackend = \"redis\"",
            On::RabbitMq => "broker = \"rabbitmq\"",
        }
    }

    /// What the names of its effects begin with.
    fn effects(self) -> &'static [&'static str] {
        match self {
            On::Redis => &["redis.", "pool."],
            On::RabbitMq => &["amqp.", "result.", "pool."],
        }
    }
}

#[derive(Clone, Copy)]
struct Cluster {
    on: On,
    profile: &'static str,
    /// A second worker, from two seconds on.
    second: bool,
}

/// A kill at an effect, if there are so many of them.
fn killed(cluster: Cluster, point: &str, effect: &str, of: &str, nth: u64) -> Option<Report> {
    let Cluster { on, profile, second } = cluster;
    let servers = on.servers();
    let mut text = format!(
        "profile = \"{profile}\"\n{servers}\nlimit = \"5m\"\n\
         [settings]\ntask_acks_late = true\n\
         [workers.w]\n[tasks.work]\ntakes = \"1s\"\n\
         [[workload]]\ntask = \"work\"\nat = \"500ms\"\n\
         [[fault]]\ndo = \"kill\"\nprocess = \"w\"\nof = \"{of}\"\n{point} = \"{effect}\"\nnth = {nth}\nrestart_after = \"1s\"\n"
    );
    if second {
        text.push_str(
            "[[fault]]\ndo = \"kill\"\nprocess = \"second\"\nat = \"0s\"\nrestart_after = \"2s\"\n[workers.second]\n",
        );
    }
    if profile == "celery" && on == On::Redis {
        text.push_str(
            "[settings.broker_transport_options]\nvisibility_timeout = 10\n\
             unacked_restore_interval = 1\nunacked_restore_throttle = 1\n",
        );
    }
    text.push_str("[expect]\ncalls = 1\n");
    let scenario =
        Scenario::parse(Path::new("crash.toml"), text.clone()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let report = run(&scenario, None, 1, None, true).expect("a simulated world");
    report.faults[0].struck.then_some(report)
}

/// What it came to, in a few words.
fn outcome(report: &Report) -> String {
    let [lost, executions] = ["lost", "executions"].map(|what| report.outcomes[what]);
    let returned = report.ledger.iter().flatten().flat_map(|task| &task.executions);
    let returned = returned.filter(|execution| execution.ended == "returned").count();
    let fate = if lost > 0 { "LOST" } else { "done" };
    format!("{fate}, begun {executions}, returned {returned}")
}

/// Calls `see` for every effect of the worker and its child, and every place before or after it.
fn every_effect(cluster: Cluster, mut see: impl FnMut(&str, u64, &Report)) -> u64 {
    let mut kills = 0;
    let of_worker = |effect: &&str| cluster.on.effects().iter().any(|names| effect.starts_with(names));
    for effect in EFFECTS.iter().copied().filter(of_worker) {
        for of in ["w", "w/1"] {
            for point in ["before", "after"] {
                for nth in 1..=MOST {
                    let Some(report) = killed(cluster, point, effect, of, nth) else { break };
                    kills += 1;
                    see(&format!("{of} {point} {effect}"), nth, &report);
                }
            }
        }
    }
    kills
}

fn nothing_is_lost(on: On) {
    for second in [false, true] {
        let kills = every_effect(Cluster { on, profile: "safe", second }, |place, nth, report| {
            let outcome = outcome(report);
            let fine = ["done, begun 1, returned 1", "done, begun 2, returned 1", "done, begun 2, returned 2"];
            assert!(fine.contains(&outcome.as_str()), "{place} {nth}, second worker {second}: {outcome}");
        });
        assert!(kills > 30, "{kills}");
    }
}

#[test]
fn profile_safe_loses_nothing_and_runs_it_once_for_each_kill_at_most() {
    nothing_is_lost(On::Redis);
}

#[test]
fn profile_safe_loses_nothing_on_rabbitmq_and_runs_it_once_for_each_kill_at_most() {
    nothing_is_lost(On::RabbitMq);
}

/// The outcomes as a table: effects in a row that come to the same are one line.
fn table(on: On) -> String {
    let mut text = String::new();
    for second in [false, true] {
        let _ = writeln!(text, "# {}", if second { "a second worker comes" } else { "alone" });
        let mut lines: Vec<(String, u64, u64, String)> = Vec::new();
        every_effect(Cluster { on, profile: "celery", second }, |place, nth, report| {
            let outcome = outcome(report);
            match lines.last_mut() {
                Some((last, _, to, same)) if last == place && *same == outcome => *to = nth,
                _ => lines.push((place.to_owned(), nth, nth, outcome)),
            }
        });
        for (place, from, to, outcome) in lines {
            let which = if from == to { from.to_string() } else { format!("{from}..{to}") };
            let _ = writeln!(text, "{place} {which}: {outcome}");
        }
    }
    text
}

fn is_as_written(on: On, file: &str, has: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let found = table(on);
    print!("{found}");
    assert!(found.contains(has), "{has}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &found).expect("the table can be written");
        return;
    }
    let wanted = std::fs::read_to_string(&path).expect("the table");
    assert_eq!(found, wanted, "if this is on purpose: UPDATE=1 cargo test --test crash_effects");
}

#[test]
fn profile_celery_does_what_the_table_says() {
    // Celery's window of loss is there.
    is_as_written(On::Redis, "crash_effects.txt", "before redis.exec 1: LOST");
}

#[test]
fn profile_celery_does_what_the_table_says_on_rabbitmq() {
    // Done, and not known to be: it is done again.
    is_as_written(On::RabbitMq, "crash_effects_rabbitmq.txt", "before amqp.ack 1: done, begun 2, returned 2");
}
