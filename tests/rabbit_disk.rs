//! What the disk of a simulated RabbitMQ loses with the power, and that it loses nothing else.

use simq::scenario::{Report, Scenario, run};
use std::path::Path;

/// Calls of a worker on RabbitMQ, and a fault of its host right before a sync.
fn story(profile: &str, workload: &str, fault: &str, nth: u32) -> Scenario {
    let text = format!(
        "broker = \"rabbitmq\"\nprofile = \"{profile}\"\nlimit = \"20m\"\n\n[workers.w]\n\n[tasks.work]\ntakes = \"1s\"\n\n\
         [[workload]]\ntask = \"work\"\n{workload}\n\n[[fault]]\ndo = \"{fault}\"\nprocess = \"broker\"\n\
         before = \"disk.sync\"\nnth = {nth}\nrestart_after = \"5s\"\n"
    );
    Scenario::parse(Path::new("disk.toml"), text.clone()).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

/// What a number of the report was on each of a hundred seeds.
fn counted(scenario: &Scenario, outcome: &str) -> Vec<u64> {
    let one = |seed| {
        let report: Report = run(scenario, None, seed, None, false).expect("a simulated world");
        let unstruck = report.faults.iter().find(|fault| !fault.struck);
        assert!(unstruck.is_none(), "seed {seed}: {unstruck:?}");
        report.outcomes[outcome]
    };
    (1..=100).map(one).collect()
}

#[test]
fn messages_that_were_not_synced_are_lost_with_the_power_and_were_not_confirmed() {
    let lost = |profile, fault| counted(&story(profile, "count = 5", fault, 1), "lost");
    let without_confirms = lost("celery", "power_off");
    assert!(without_confirms.iter().filter(|lost| **lost > 0).count() > 50, "{without_confirms:?}");
    assert!(without_confirms.contains(&0), "a beginning of what was written stays: {without_confirms:?}");
    assert_eq!(lost("safe", "power_off"), [0; 100]);
    assert_eq!(lost("celery", "kill"), [0; 100], "a process that is killed leaves what it wrote");
}

#[test]
fn an_ack_that_was_not_synced_brings_the_message_back() {
    // The first sync is the message's, the second its ack's.
    let ran = |fault| counted(&story("celery", "id = \"one\"", fault, 2), "executions");
    let after_power_off = ran("power_off");
    assert!(after_power_off.iter().all(|ran| (1..=2).contains(ran)), "{after_power_off:?}");
    assert!(after_power_off.contains(&1) && after_power_off.contains(&2), "{after_power_off:?}");
    assert_eq!(ran("kill"), [1; 100]);
}

#[test]
fn transient_messages_are_lost_with_the_process() {
    for (mode, wanted) in [(1, 4), (2, 0)] {
        // One is running in the worker, and comes to its end; the others wait.
        let text = format!(
            "broker = \"rabbitmq\"\nprofile = \"celery\"\n[settings]\ntask_default_delivery_mode = {mode}\n\
             worker_prefetch_multiplier = 1\ntask_acks_late = true\n[workers.w]\n[tasks.work]\ntakes = \"10s\"\n\
             [[workload]]\ntask = \"work\"\ncount = 5\n\
             [[fault]]\ndo = \"kill\"\nprocess = \"broker\"\nat = \"5s\"\nrestart_after = \"1s\"\n"
        );
        let scenario = Scenario::parse(Path::new("disk.toml"), text).expect("a scenario");
        assert_eq!(counted(&scenario, "lost"), [wanted; 100], "delivery mode {mode}");
    }
}
