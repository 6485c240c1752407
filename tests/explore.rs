//! Exploration: a failure is found, told apart, made small, and stays the same failure.

use simq::scenario::explore::{
    Bounds, Budget, Exploration, Failure, Origin, Strategy, check, explore, file_name, file_text, shrink, shrink_seed,
};
use simq::scenario::replay::{Moment, Replay, Sort};
use simq::scenario::{Report, Scenario, run};
use std::ops::ControlFlow;
use std::path::Path;

/// Early acks, many calls, two workers, and a kill at some time: some are lost, on most seeds.
const LOSES: &str = r#"
about = "Reports and mails; one of two workers is killed at some time."
profile = "celery"

[workers.w]
count = 2
concurrency = 2

[tasks.report]
takes = "1s..3s"

[tasks.mail]
takes = "100ms"

[[workload]]
task = "report"
count = 20
every = "200ms"

[[workload]]
task = "mail"
count = 20
every = "1s"

[[fault]]
do = "kill"
process = "w1"
between = "1s..30s"
restart_after = "2s"

[expect]
lost = 0
succeeded = 40
"#;

/// Early acks, and three ways to lose a call: its worker is killed, its child is, or the broker is before the call was safe.
const LOSES_IN_THREE_WAYS: &str = r#"
profile = "celery"

[workers.w]
count = 2
concurrency = 2

[tasks.t]
takes = "1s..3s"

[[workload]]
task = "t"
count = 20
every = "200ms"

[explore]
faults = ["kill", "kill_child"]
processes = ["w1", "w2", "broker"]
most = 1

[expect]
lost = 0
"#;

/// Late acks, and whatever may go wrong with a worker.
const HOLDS: &str = r#"
limit = "1h"
settings = { task_acks_late = true }

[workers.w]
count = 2

[tasks.t]
takes = "1s"

[[workload]]
task = "t"
count = 6
every = "500ms"

[explore]
faults = ["kill", "kill_child", "pause", "reset", "partition", "lose_reply", "signal"]
most = 3

[expect]
lost = 0
stuck = 0
"#;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(Path::new("story.toml"), text.to_owned()).unwrap_or_else(|problem| panic!("{problem}"))
}

fn budget(seeds: u64, strategy: Strategy) -> Budget {
    Budget { first_seed: 1, seeds: Some(seeds), time: None, jobs: 2, strategy, all: true }
}

fn search(scenario: &Scenario, budget: &Budget) -> Exploration {
    explore(scenario, None, budget, |_| ControlFlow::Continue(())).expect("it can be run")
}

fn run_text(text: &str) -> Report {
    let scenario = scenario(text);
    run(&scenario, None, scenario.seed(), None, false).expect("it can be run")
}

#[test]
fn a_loss_is_found_and_becomes_one_call_one_worker_and_one_kill() {
    let story = scenario(LOSES);
    let first = Budget { all: false, ..budget(100, Strategy::Mixed) };
    let explored = search(&story, &first);
    let failure = explored.failures.first().expect("a failure");
    assert_eq!(failure.signature.outcome, "lost");
    let small = shrink(&story, None, failure, 2000).expect("it can be shrunk");
    assert_eq!(
        (small.size.tasks, small.size.workers, small.size.faults, small.size.choices),
        (1, 1, 1, 0),
        "{}",
        small.text
    );
    assert_eq!(small.original.tasks, 40);
    assert!(!small.text.contains("mail") && !small.text.contains("about") && !small.text.contains("succeeded"));
    assert!(small.text.lines().count() < 30, "{}", small.text);
    let report = run_text(&small.text);
    assert_eq!(report.failures, ["lost: wanted 0, seen 1"]);
    assert_eq!(report.trace_hash, small.trace_hash);
}

#[test]
fn a_found_file_says_where_it_comes_from_and_fails_for_ever() {
    let story = scenario(LOSES);
    let seed = (1..50).find(|seed| !run(&story, None, *seed, None, false).expect("a run").passed()).expect("a seed");
    let report = run(&story, None, seed, None, false).expect("a run");
    let small = shrink_seed(&story, None, seed, 500).expect("it can be shrunk");
    let trace_hash = &report.trace_hash;
    let origin = Origin { file: "story.toml", variant: None, seed, strategy: Some("uniform"), trace_hash, text: LOSES };
    let text = file_text(&small, &origin, "simq run found.toml");
    for part in
        ["story.toml", &format!("seed {seed}"), "uniform", &report.trace_hash, &small.trace_hash, "simq run found.toml"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(file_name("story", &small).starts_with("story-lost-"));
    assert_eq!(run_text(&text).trace_hash, small.trace_hash);
    let again = shrink_seed(&scenario(&text), None, small.seed, 500).expect("it can be shrunk again");
    assert_eq!(again.text, small.text, "the smallest stays as it is");
    // A file that was found keeps its name, and says where it came from first.
    let name = file_name("story", &small);
    assert_eq!(file_name(name.trim_end_matches(".toml"), &again), name);
    let of_found = Origin { file: &name, strategy: None, trace_hash: &small.trace_hash, text: &text, ..origin };
    assert_eq!(file_text(&again, &of_found, "simq run found.toml"), text);
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let error = shrink_seed(&scenario(HOLDS), None, 1, 100).expect_err("it passes");
    assert!(error.to_string().contains("does not fail"), "{error}");
}

/// The same failures, in the same runs, with the same recipes, on any number of threads.
#[test]
fn the_same_seeds_find_the_same_failures_on_any_number_of_threads() {
    let text = LOSES.replace("[expect]", "[explore]\nfaults = ['kill', 'pause', 'reset']\n[expect]\nduplicated = 0");
    let story = scenario(&text);
    let facts = |failure: &Failure| {
        let Failure { signature, strategy, seed, trace_hash, times, runs, .. } = failure;
        (signature.clone(), *strategy, *seed, trace_hash.clone(), *times, *runs)
    };
    let found = |jobs| {
        let explored = search(&story, &Budget { jobs, ..budget(200, Strategy::Mixed) });
        let progress = explored.progress;
        let failures: Vec<_> = explored.failures.iter().map(facts).collect();
        (failures, progress.runs, progress.events, progress.features, progress.last_new)
    };
    let one = found(1);
    assert!(one.0.len() > 1, "{one:?}");
    assert_eq!(found(2), one);
    assert_eq!(found(7), one);
}

#[test]
fn each_cause_is_one_failure() {
    let story = scenario(LOSES_IN_THREE_WAYS);
    let explored = search(&story, &budget(200, Strategy::Mixed));
    let found: Vec<String> = explored.failures.iter().map(|failure| failure.signature.to_string()).collect();
    let causes = [
        "LOST: started, acked, (kill worker)",
        "LOST: (kill broker), (restart broker)",
        "LOST: started, child lost, acked, FAILURE, (kill child)",
    ];
    assert_eq!(found, causes);
    for failure in &explored.failures {
        let small = shrink(&story, None, failure, 2000).expect("it can be shrunk");
        assert_eq!(small.signature, failure.signature, "for the same reason: {}", small.text);
    }
}

/// Faults that have nothing to do with it don't make another failure of it, and nor does the order of facts.
#[test]
fn what_only_happens_around_a_failure_does_not_split_it() {
    let text = LOSES.replace("[expect]", "[explore]\nfaults = ['kill', 'pause', 'reset']\n[expect]\nduplicated = 0");
    let story = scenario(&text.replace("succeeded = 40\n", ""));
    let explored = search(&story, &budget(200, Strategy::Mixed));
    assert!(explored.failures.len() <= 12, "{} signatures", explored.failures.len());
    let mut small = std::collections::BTreeSet::new();
    for failure in &explored.failures {
        let shrunk = shrink(&story, None, failure, 300).expect("it can be shrunk");
        assert_eq!(shrunk.signature.outcome, failure.signature.outcome);
        assert!(shrunk.signature.life.iter().all(|told| failure.signature.life.contains(told)), "{}", shrunk.text);
        small.insert(shrunk.signature);
    }
    assert!((2..=5).contains(&small.len()), "{small:#?}");
}

#[test]
fn every_strategy_finds_a_common_loss() {
    let story =
        scenario(&LOSES.replace("[expect]", "[explore]\nfaults = ['kill', 'power_off', 'out_of_memory']\n[expect]"));
    for strategy in [Strategy::Uniform, Strategy::Pct, Strategy::Swarm, Strategy::Rare] {
        let explored = search(&story, &Budget { all: false, ..budget(200, strategy) });
        let failure = explored.failures.first().unwrap_or_else(|| panic!("{strategy:?} finds nothing"));
        assert_eq!((failure.signature.outcome.as_str(), failure.strategy), ("lost", strategy.name()));
    }
}

#[test]
fn late_acks_lose_nothing_whatever_befalls_the_workers() {
    let explored = search(&scenario(HOLDS), &budget(300, Strategy::Mixed));
    let told: Vec<String> =
        explored.failures.iter().map(|failure| format!("{} {}", failure.seed, failure.signature)).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(explored.progress.features > 50, "faults lead to states: {:?}", explored.progress);
}

#[test]
fn a_search_ends_when_it_is_told_to() {
    let explored = explore(&scenario(HOLDS), None, &budget(1_000_000, Strategy::Uniform), |progress| {
        if progress.runs >= 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let explored = explored.expect("it can be run");
    assert!(explored.interrupted);
    assert_eq!(explored.progress.runs, 20);
}

/// Two calls of one task, the second a moment after the first, from two hosts.
const RACES: &str = r#"
[workers.w]

[tasks.t]
takes = "10ms"

[[workload]]
task = "t"
from = "a"
id = "first"

[[workload]]
task = "t"
from = "b"
at = "100us"
id = "second"

[expect]
wrong_order = 0
"#;

fn bounds(deviations: Option<u32>, runs: u64) -> Bounds {
    Bounds { deviations, runs, time: None, jobs: 2 }
}

#[test]
fn a_bounded_search_finds_the_one_message_that_must_be_late() {
    let story = scenario(RACES);
    let checked = check(&story, None, &bounds(Some(1), 10_000), |_| ControlFlow::Continue(())).expect("it can be run");
    let failure = checked.failure.expect("a schedule that fails");
    assert_eq!(failure.signature.outcome, "wrong_order");
    let small = shrink(&story, None, &failure, 500).expect("it can be shrunk");
    assert_eq!(small.size.choices, 1, "{}", small.text);
    assert_eq!(run_text(&small.text).failures, ["wrong_order: wanted 0, seen 1"]);
}

#[test]
fn a_bounded_search_says_what_it_has_covered() {
    let story = scenario(&RACES.replace("wrong_order = 0", "lost = 0\nduplicated = 0"));
    let none = check(&story, None, &bounds(Some(0), 10_000), |_| ControlFlow::Continue(())).expect("it can be run");
    assert_eq!((none.schedules, none.deviations, none.complete), (1, 0, false));
    assert!(none.choices > 3 && none.failure.is_none());
    let one = check(&story, None, &bounds(Some(1), 10_000), |_| ControlFlow::Continue(())).expect("it can be run");
    assert_eq!(one.schedules as usize, 1 + none.choices);
    assert!(one.distinct > 1 && one.distinct <= one.schedules && one.failure.is_none() && one.bounded);
    let cut = check(&story, None, &bounds(None, 40), |_| ControlFlow::Continue(())).expect("it can be run");
    assert!(cut.bounded && !cut.complete && cut.schedules >= 40 && cut.schedules < 100);
    let threads = Bounds { jobs: 1, ..bounds(Some(1), 10_000) };
    let alone = check(&story, None, &threads, |_| ControlFlow::Continue(())).expect("it can be run");
    assert_eq!((alone.schedules, alone.distinct, alone.choices), (one.schedules, one.distinct, one.choices));
}

#[test]
fn a_replay_is_the_run_and_tells_causes() {
    let story = scenario(&LOSES.replace("between = \"1s..30s\"", "at = \"1500ms\""));
    let report = run(&story, None, 5, None, false).expect("a run");
    let replay = Replay::of(&story, None, 5, None).expect("a run");
    assert_eq!(replay.report.trace_hash, report.trace_hash);
    assert_eq!(replay.events.len() as u64, report.events);
    let fault = replay.events.iter().find(|event| event.sort == Sort::Fault).expect("the kill");
    let killed = replay.events.iter().find(|event| event.sort == Sort::Exited).expect("who was killed");
    assert_eq!(replay.why(killed.number, 10).last().map(|event| event.number), Some(fault.number));
    let begun = replay.events.iter().find(|event| event.sort == Sort::Begun).expect("a body");
    let causes: Vec<String> = replay.why(begun.number, 50).iter().map(|event| event.text.clone()).collect();
    for part in ["task.started", "<- pool.run", "-> pool.run", "<- basic.deliver", "-> basic.deliver"] {
        assert!(causes.iter().any(|text| text.contains(part)), "{part} in {causes:#?}");
    }
    let task = begun.task.expect("its task");
    assert!(replay.life(task).count() > 5);
    assert_eq!(replay.task(&replay.tasks[task]), Some(task));
}

#[test]
fn a_moment_tells_how_processes_and_queues_stand() {
    let story = scenario(&LOSES.replace("between = \"1s..30s\"", "at = \"1500ms\""));
    let replay = Replay::of(&story, None, 5, None).expect("a run");
    let fault = replay.events.iter().position(|event| event.sort == Sort::Fault).expect("the kill");
    let running = |moment: &Moment| {
        let of_w1 = moment.processes.iter().filter(|(name, _)| name.starts_with("w1/"));
        of_w1.filter(|(_, state)| state.running.is_some()).count()
    };
    let before = Moment::after(&replay, fault.saturating_sub(4));
    assert_eq!(running(&before), 2);
    let after = Moment::after(&replay, fault + 1);
    assert!(!after.processes["w1"].alive && running(&after) == 0);
    let end = Moment::after(&replay, replay.events.len());
    assert!(end.processes["w1"].alive && end.processes["w1"].lives == 2);
    assert!(end.queues.values().all(|queue| queue.is_empty()), "{:?}", end.queues);
    assert!(
        end.processes.values().all(|state| state.unacked.is_empty() && state.running.is_none()),
        "{:?}",
        end.processes
    );
}
