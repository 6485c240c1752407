//! What real Celery 5.7 did to a task when something failed, row by row (`golden/behaviour.jsonl`), and what the
//! simulated cluster does under profile `celery`: they must agree.
//!
//! Each RabbitMQ row that concerns the embedded broker becomes a scenario; the rows that can't are listed with the reason
//! ([`not_replayed`]). The Redis rows are in `behaviour/redis.rs`.

#[path = "behaviour/beats.rs"]
mod beats;
#[path = "behaviour/redis.rs"]
mod redis;
#[path = "behaviour/told.rs"]
mod told;

use serde::Deserialize;
use simq::scenario::{Report, Scenario, run};
use std::fmt::Write;
use std::path::Path;

#[derive(Debug, Deserialize)]
struct Row {
    group: String,
    event: String,
    variant: Option<String>,
    pool: Option<String>,
    #[serde(default)]
    acks_late: bool,
    #[serde(default)]
    reject_on_worker_lost: bool,
    workers: Option<u32>,
    concurrency: Option<u32>,
    executions: Option<usize>,
    completions: Option<usize>,
    final_state: Option<String>,
    redelivered_flags: Option<Vec<bool>>,
    retries: Option<Vec<u32>>,
    #[serde(default)]
    task_options: serde_json::Map<String, serde_json::Value>,
    worker_cancel_long_running_tasks_on_connection_loss: Option<bool>,
    prefetched_task: Option<Bystander>,
    other_prefetched_task: Option<Bystander>,
    worker_exit_code: Option<serde_json::Value>,
    deliveries_logged: Option<serde_json::Value>,
    eta_task: Option<Bystander>,
    started: Option<usize>,
    unacked: Option<u32>,
    tasks: Option<usize>,
    execution_order: Option<Vec<Option<usize>>>,
    #[serde(default)]
    broker: String,
    #[serde(default)]
    config: serde_json::Map<String, serde_json::Value>,
}

/// A message that the worker held without having begun it.
#[derive(Debug, Deserialize)]
struct Bystander {
    executions: usize,
    final_state: String,
    redelivered_flags: Vec<bool>,
}

/// Why a row is not replayed here; `None` when it is.
fn not_replayed(row: &Row) -> Option<&'static str> {
    Some(match (row.group.as_str(), row.event.as_str()) {
        ("pools" | "pools_detail", _) => "threads and solo pools are not built yet",
        ("rate_limit" | "revoke" | "beat", _) => "replayed in behaviour/",
        ("recycling", _) => {
            "the capture ends before its fourth task; tests/celery_settings.rs counts what each child runs"
        }
        ("worker_lost", "child_sigkill_every_time_12s") => {
            "the number of runs depends on how fast a dead child is noticed: Celery takes up to 5 s, simq none"
        }
        _ => return None,
    })
}

/// The scenario of a row.
fn scenario(row: &Row) -> String {
    let mut text = String::from(redis::head(row));
    text.push_str("profile = \"celery\"\nlimit = \"5m\"\n\n[settings]\ntask_track_started = true\n");
    redis::options(row, &mut text);
    if let Some(cancel) = row.worker_cancel_long_running_tasks_on_connection_loss {
        let _ = writeln!(text, "worker_cancel_long_running_tasks_on_connection_loss = {cancel}");
    }
    let soft = row.event.strip_prefix("SIGQUIT_soft_shutdown_timeout_").and_then(|rest| rest.split_once('s'));
    if let Some((seconds, _)) = soft {
        let _ = writeln!(text, "worker_soft_shutdown_timeout = {seconds}");
    }
    prefetch_settings(row, &mut text);
    if row.group == "consumer_timeout" {
        let _ = writeln!(text, "broker_channel_error_retry = {}", row.config["broker_channel_error_retry"]);
        text.push_str("\n[rabbitmq]\nconsumer_timeout = \"4s\"\nchannel_tick_interval = \"1s\"\n");
    }
    let (workers, concurrency) = (row.workers.unwrap_or(1), row.concurrency.unwrap_or(1));
    let second_worker = row.event.contains("2 workers");
    let workers = if second_worker { 2 } else { workers };
    let _ = writeln!(text, "\n[workers.w]\ncount = {workers}\nconcurrency = {concurrency}\n");
    let name = if workers == 1 { "w" } else { "w1" };
    task(row, &mut text);
    faults(row, name, &mut text);
    text.push_str("\n[expect]\ncalls = { min = 1 }\n");
    text
}

fn prefetch_settings(row: &Row, text: &mut String) {
    if row.group != "prefetch" {
        return;
    }
    let multiplier = if row.event.contains("multiplier=0") { 0 } else { 1 };
    let _ = writeln!(text, "worker_prefetch_multiplier = {multiplier}");
    if row.event.contains("worker_eta_task_limit=3") {
        text.push_str("worker_eta_task_limit = 3\n");
    }
}

/// What the task's body does, by the event of the row.
fn body(row: &Row) -> (&'static str, &'static str, &'static str) {
    // How long it takes, what it does, and a limit.
    match row.event.as_str() {
        "child_sigkill" | "child_sigkill_retry_on_worker_lost" => ("100ms", r#"["kill_child", "return"]"#, ""),
        event if event.starts_with("os_exit") || event.starts_with("sys_exit") => {
            ("100ms", r#"["exit", "return"]"#, "")
        }
        "exception" => ("100ms", r#"["raise", "return"]"#, ""),
        "retry" => ("100ms", r#"["retry", "return"]"#, "default_retry_delay = \"0s\"\n"),
        event if event.starts_with("hard_time_limit") => ("0s", r#"["hang", "return"]"#, "time_limit = \"1s\"\n"),
        event if event.starts_with("soft_time_limit") => ("0s", r#"["hang", "return"]"#, "soft_time_limit = \"1s\"\n"),
        "ignore" => ("100ms", r#"["ignore"]"#, ""),
        "reject" => ("100ms", r#"["reject"]"#, ""),
        "reject_requeue" => ("100ms", r#"["requeue", "return"]"#, ""),
        event if event.starts_with("task_of_6s") => ("6s", r#"["return"]"#, ""),
        event if event.starts_with("task_of_8s") => ("8s", r#"["return"]"#, ""),
        event if event.ends_with("task_1s") => ("1s", r#"["return"]"#, ""),
        event if event.starts_with("4 tasks") => ("2500ms", r#"["return"]"#, ""),
        event if event.contains("20 long tasks") => ("1h", r#"["return"]"#, ""),
        "fifo_8_tasks" => ("100ms", r#"["return"]"#, ""),
        event if event.starts_with("eta_7s") || event.starts_with("eta_9s") => ("100ms", r#"["return"]"#, ""),
        _ => ("4s", r#"["return"]"#, ""),
    }
}

fn task(row: &Row, text: &mut String) {
    let (takes, does, limit) = body(row);
    let _ = writeln!(text, "[tasks.main]\ntakes = \"{takes}\"\ndoes = {does}\n{limit}acks_late = {}", row.acks_late);
    let _ = writeln!(text, "reject_on_worker_lost = {}", row.reject_on_worker_lost);
    for (option, value) in &row.task_options {
        let _ = match (option.as_str(), value) {
            ("acks_on_failure" | "acks_on_timeout" | "retry_on_worker_lost", value) => {
                writeln!(text, "{option} = {value}")
            }
            // The deprecated joint option is both.
            ("acks_on_failure_or_timeout", value) => {
                writeln!(text, "acks_on_failure = {value}\nacks_on_timeout = {value}")
            }
            ("default_retry_delay", value) => writeln!(text, "default_retry_delay = \"{value}s\""),
            _ => Ok(()),
        };
    }
    let (count, every) = match row.event.as_str() {
        event if event.starts_with("4 tasks") => (4, "0s"),
        event if event.contains("20 long tasks") => (20, "0s"),
        event if event.contains("10 ETA tasks") => (10, "0s"),
        "fifo_8_tasks" => (8, "10ms"),
        _ => (1, "0s"),
    };
    let _ = writeln!(text, "\n[[workload]]\ntask = \"main\"\nid = \"main\"\ncount = {count}\nevery = \"{every}\"");
    if row.event.starts_with("eta_7s") {
        text.push_str("countdown = \"7s\"\n");
    }
    if row.event.starts_with("eta_9s") {
        text.push_str("countdown = \"9s\"\n");
    }
    if row.event.contains("10 ETA tasks") {
        text.push_str("countdown = \"2h\"\n");
    }
    if row.prefetched_task.is_some() || row.other_prefetched_task.is_some() {
        let held = "[tasks.held]\n\n[[workload]]\ntask = \"held\"\nat = \"200ms\"";
        let _ = writeln!(text, "\n{held}\nid = \"prefetched\"");
    }
    if row.eta_task.is_some() {
        text.push_str("\n[[workload]]\ntask = \"held\"\nat = \"200ms\"\nid = \"eta\"\ncountdown = \"8s\"\n");
    }
}

/// What happens to the worker while the task runs.
fn faults(row: &Row, worker: &str, text: &mut String) {
    let kill = format!("\n[[fault]]\ndo = \"kill\"\nprocess = \"{worker}\"\nat = \"1s\"\nrestart_after = \"1s\"\n");
    let signal = |name: &str, at: &str| {
        format!("\n[[fault]]\ndo = \"signal\"\nsignal = \"{name}\"\nprocess = \"{worker}\"\nat = \"{at}\"\n")
    };
    let restart = format!("\n[[fault]]\ndo = \"restart\"\nprocess = \"{worker}\"\nat = \"10s\"\n");
    let event = row.event.as_str();
    let faults = if event.starts_with("worker_sigkill") {
        kill
    } else if event == "child_sigterm" {
        format!("\n[[fault]]\ndo = \"signal\"\nprocess = \"{worker}/1\"\nat = \"1s\"\n")
    } else if event == "SIGTERM_three_times_during_3s_task" {
        signal("SIGTERM", "1s") + &signal("SIGTERM", "1500ms") + &signal("SIGTERM", "2s") + &restart
    } else if event == "worker_sigterm_warm" || event == "SIGTERM" {
        signal("SIGTERM", "1s") + &restart
    } else if event == "worker_sigquit_cold" {
        signal("SIGQUIT", "1s") + &restart
    } else if event == "SIGINT_once" {
        signal("SIGINT", "1s") + &restart
    } else if event == "SIGINT_twice" {
        signal("SIGINT", "1s") + &signal("SIGINT", "2s") + &restart
    } else if event == "SIGTERM_then_SIGQUIT" {
        signal("SIGTERM", "1s") + &signal("SIGQUIT", "2s") + &restart
    } else if event.starts_with("SIGQUIT_soft") {
        // The short task of these rows has 300 ms behind it when the signal comes.
        signal("SIGQUIT", if event.ends_with("task_1s") { "300ms" } else { "1s" }) + &restart
    } else if event.starts_with("broker_closes") {
        format!("\n[[fault]]\ndo = \"reset\"\nhosts = [\"{worker}\", \"broker\"]\nat = \"1s\"\n")
    } else {
        String::new()
    };
    text.push_str(&faults);
}

/// What the simulated cluster did to one id, in the words of the row.
#[derive(Debug, PartialEq)]
struct Seen {
    executions: usize,
    completions: usize,
    state: String,
    redelivered: Vec<bool>,
    retries: Vec<u32>,
}

fn seen(report: &Report, id: &str) -> Seen {
    let ledger = report.ledger.as_ref().expect("asked for");
    let task = ledger.iter().find(|task| task.id == id).unwrap_or_else(|| panic!("no task {id}"));
    Seen {
        executions: task.executions.len(),
        completions: task.executions.iter().filter(|execution| execution.ended == "returned").count(),
        state: task.state.to_owned(),
        redelivered: task.executions.iter().map(|execution| execution.redelivered).collect(),
        retries: task.executions.iter().map(|execution| execution.retries).collect(),
    }
}

fn replay(row: &Row, seed: u64) -> Report {
    let text = scenario(row);
    let scenario = Scenario::parse(Path::new("behaviour.toml"), text.clone())
        .unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let report = run(&scenario, None, seed, None, true).expect("a simulated world");
    let unstruck = report.faults.iter().find(|fault| !fault.struck);
    assert!(unstruck.is_none(), "{unstruck:?}\n{text}");
    report
}

fn check(row: &Row, report: &Report) {
    let named = format!("{} {} {:?} {:?}", row.group, row.event, row.variant, row.task_options);
    if let (Some(executions), Some(state)) = (row.executions, &row.final_state) {
        let wanted = Seen {
            executions,
            completions: row.completions.unwrap_or_default(),
            state: state.clone(),
            redelivered: row.redelivered_flags.clone().unwrap_or_default(),
            retries: row.retries.clone().unwrap_or_default(),
        };
        assert_eq!(seen(report, "main"), wanted, "{named}\n{}", scenario(row));
    }
    let others = [&row.prefetched_task, &row.other_prefetched_task].map(|held| ("prefetched", held));
    for (id, held) in others.into_iter().chain([("eta", &row.eta_task)]) {
        let Some(held) = held else { continue };
        let seen = seen(report, id);
        let seen = (seen.executions, seen.state.as_str(), seen.redelivered.as_slice());
        assert_eq!(
            seen,
            (held.executions, held.final_state.trim_end_matches("(no key)"), held.redelivered_flags.as_slice()),
            "{id}: {named}"
        );
    }
    if row.group == "consumer_timeout" {
        let ledger = report.ledger.iter().flatten();
        let received = ledger.filter(|task| task.id == "main").map(|task| task.received).sum();
        let received: u32 = received;
        assert_eq!(row.deliveries_logged, Some(received.into()), "{named}");
        assert_eq!(
            report.outcomes["crashed"],
            u64::from(row.worker_exit_code.as_ref().is_some_and(|code| !code.is_null())),
            "{named}"
        );
    }
    if let Some(tasks) = row.tasks {
        assert_eq!(report.outcomes["executions"] as usize, tasks, "{named}");
        assert_eq!(report.outcomes["succeeded"] as usize, tasks, "{named}");
    }
    if let Some(order) = &row.execution_order {
        assert_eq!(
            (report.outcomes["wrong_order"], report.outcomes["executions"] as usize),
            (0, order.len()),
            "{named}"
        );
    }
    if row.group == "prefetch" {
        assert_eq!(Some(report.outcomes["executions"] as usize), row.started, "{named}");
        let received: u32 = report.ledger.iter().flatten().map(|task| task.received).sum();
        // What has begun with early acks is not unacked any more.
        let acked = if row.acks_late || row.broker != "redis" { 0 } else { row.started.unwrap_or_default() as u32 };
        assert_eq!(Some(received - acked), row.unacked, "{named}");
    }
}

/// All rows.
fn values() -> impl Iterator<Item = serde_json::Value> {
    let lines = include_str!("golden/behaviour.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("JSON lines"))
}

fn event(row: &serde_json::Value) -> &str {
    row["event"].as_str().expect("an event")
}

/// The RabbitMQ rows.
fn rows() -> Vec<Row> {
    let rabbitmq = values().filter(|row| row["broker"] == "rabbitmq");
    rabbitmq.map(|row| serde_json::from_value(row).expect("a row of behaviour.jsonl")).collect()
}

#[test]
fn the_cluster_does_what_celery_did() {
    let mut replayed = 0;
    for row in rows().iter().filter(|row| not_replayed(row).is_none()) {
        assert!(row.pool.as_deref().is_none_or(|pool| pool == "prefork"), "{row:?}");
        for seed in 1..=5 {
            check(row, &replay(row, seed));
        }
        replayed += 1;
    }
    assert_eq!(replayed, 89, "a row was added or lost: replay it, or say in `not_replayed` why not");
}
