//! Crash at every effect: one task that is acked late, on Redis and on RabbitMQ. Its worker, or the child that runs it, is
//! killed before and after each thing that it does, from its first connection on, or loses the reply to it. A killed worker
//! is started again a second later; a second worker comes, or none.
//!
//! Profile `safe` never loses the task, and never runs it more often than kills and one. What profile `celery` does is a
//! table, `tests/golden/crash_effects.txt` and `tests/golden/crash_effects_rabbitmq.txt`:
//! `UPDATE=1 cargo test --test crash_effects` writes them anew.

#![allow(clippy::disallowed_methods, reason = "the table is a file")]

use simq::scenario::Scenario;
use simq::scenario::crashpoints::{Blow, Crash, Crashes, Search, crashpoints};
use std::ops::ControlFlow;
use std::path::Path;

#[derive(Clone, Copy, PartialEq)]
enum On {
    Redis,
    RabbitMq,
}

/// One worker, and a second one from two seconds on, if it comes.
fn story(on: On, second: bool) -> Scenario {
    let (servers, celery) = match on {
        On::Redis => (
            "broker = \"redis\"\nbackend = \"redis\"",
            "{ visibility_timeout = 10, unacked_restore_interval = 1, unacked_restore_throttle = 1 }",
        ),
        On::RabbitMq => ("broker = \"rabbitmq\"", "{}"),
    };
    let mut text = format!(
        "{servers}\nlimit = \"5m\"\nsettings = {{ task_acks_late = true }}\n\
         [workers.w]\n[tasks.work]\ntakes = \"1s\"\n\
         [[workload]]\ntask = \"work\"\nat = \"500ms\"\n\
         [expect]\ncalls = 1\n\
         [variant.safe]\nexpect = {{ lost = 0, stuck = 0, succeeded = 1, executions = \"<= 2\" }}\n\
         [variant.celery]\nprofile = \"celery\"\nsettings.broker_transport_options = {celery}\n"
    );
    if second {
        text.push_str(
            "[[fault]]\ndo = \"kill\"\nprocess = \"second\"\nat = \"0s\"\nrestart_after = \"2s\"\n[workers.second]\n",
        );
    }
    Scenario::parse(Path::new("crash.toml"), text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn crashes(on: On, variant: &str, second: bool) -> Crashes {
    let search = Search { processes: vec!["w".to_owned()], jobs: 2, ..Search::default() };
    crashpoints(&story(on, second), Some(variant), 1, &search, |_, _| ControlFlow::Continue(()))
        .expect("a simulated world")
}

fn nothing_is_lost(on: On) {
    for second in [false, true] {
        let crashes = crashes(on, "safe", second);
        let broken: Vec<&Crash> = crashes.broken().collect();
        assert!(broken.is_empty(), "second worker {second}: {broken:#?}");
        assert!(crashes.all.len() > 50, "{}", crashes.all.len());
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

fn two_crashes_lose_nothing(on: On) {
    let search = Search {
        processes: vec!["w".to_owned()],
        jobs: 2,
        pairs: true,
        most: 1,
        blows: vec![Blow::KillAfter],
        ..Search::default()
    };
    let crashes =
        crashpoints(&story(on, false), Some("safe"), 1, &search, |_, _| ControlFlow::Continue(())).expect("a world");
    let twice = crashes.all.iter().filter(|crash| crash.points.len() == 2).count();
    assert!(twice > 50, "{twice}");
    for crash in &crashes.all {
        assert!(crash.outcome.contains("1 of 1 succeeded") && !crash.outcome.contains("LOST"), "{crash:?}");
    }
}

#[test]
fn two_crashes_lose_nothing_either() {
    two_crashes_lose_nothing(On::Redis);
}

/// What came back once is counted before it runs again: a crash there is among the second ones.
#[test]
fn two_crashes_lose_nothing_on_rabbitmq_either() {
    two_crashes_lose_nothing(On::RabbitMq);
}

fn is_as_written(on: On, file: &str, has: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let [alone, joined] = [false, true].map(|second| crashes(on, "celery", second).table());
    let found = format!("# alone\n{alone}\n# a second worker comes\n{joined}");
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
    is_as_written(On::Redis, "crash_effects.txt", "w killed before redis.exec 1: LOST 1");
}

#[test]
fn profile_celery_does_what_the_table_says_on_rabbitmq() {
    // Done, and not known to be: it is done again.
    let again = "w killed before amqp.ack 1: DUPLICATED 1, 1 of 1 succeeded, begun 2";
    is_as_written(On::RabbitMq, "crash_effects_rabbitmq.txt", again);
}
