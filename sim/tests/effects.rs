//! Stories of triggers: a fault strikes exactly before, after, or at the arrival of the n-th effect.

mod common;

use common::*;
use simq_sim::{Fault, Point, Trigger, World};
use std::future::pending;

/// A client that writes its count to disk, says it, and forgets nothing over its lives.
fn story(log: &Log, lives: u64) -> World {
    let world = steady(1);
    echo(&world, "server", log);
    host(&world, "w", |process| async move {
        let connection = process.connect("server").await.expect("a server");
        let done = process.read_file("done").map_or(0, |bytes| bytes[0]);
        for number in done + 1..=6 {
            process.replace_file("done", vec![number]);
            connection.say(if number % 2 == 0 { "even" } else { "odd" }, number.into());
            process.sleep(ms(10)).await;
        }
        pending::<()>().await;
    });
    world.start("server");
    world.start("w");
    for life in 1..=lives {
        world.fault_at(secs(life), restart("w"));
    }
    world
}

fn heard(log: &Log) -> Vec<String> {
    log.lines().iter().map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect()
}

#[test]
fn a_kill_before_a_message_keeps_it_back() {
    let log = Log::default();
    let world = story(&log, 0);
    let fault = world.fault_on(on("w", Point::Before, "even", 2), kill("w"));
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(heard(&log), ["1", "2", "3", "end"]);
}

#[test]
fn a_kill_after_a_message_comes_too_late_for_it() {
    let log = Log::default();
    let world = story(&log, 0);
    world.fault_on(on("w", Point::After, "even", 2), kill("w"));
    run(&world);
    assert_eq!(heard(&log), ["1", "2", "3", "4", "end"]);
}

#[test]
fn a_kill_at_the_arrival_finds_a_message_that_nobody_will_read() {
    let log = Log::default();
    let world = story(&log, 0);
    let fault = world.fault_on(on("server", Point::Receiving, "even", 2), kill("server"));
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(heard(&log), ["1", "2", "3"]);
}

#[test]
fn a_file_is_replaced_before_or_after_a_kill_or_not_at_all() {
    // What was written stands when the process dies after it, and the next life goes on from there.
    for (point, expected) in [(Point::Before, ["1", "end", "2"]), (Point::After, ["1", "end", "3"])] {
        let log = Log::default();
        let world = story(&log, 1);
        world.fault_on(on("w", point, "disk.replace", 2), kill("w"));
        run(&world);
        assert_eq!(heard(&log)[..3], expected);
    }
}

#[test]
fn effects_of_any_name_are_counted_together() {
    // Each round is a file and a message, so the fifth effect is the third file.
    let log = Log::default();
    let world = story(&log, 1);
    let fault = world.fault_on(on("w", Point::Before, None, 5), kill("w"));
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(heard(&log)[..4], ["1", "2", "end", "3"]);
}

#[test]
fn every_effect_of_a_story_can_be_the_last() {
    for nth in 1..=12 {
        for point in [Point::Before, Point::After] {
            let log = Log::default();
            let world = story(&log, 1);
            let fault = world.fault_on(on("w", point, None, nth), kill("w"));
            run(&world);
            assert!(world.struck(fault), "{point:?} {nth}");
            let numbers: Vec<u64> = heard(&log).iter().filter_map(|line| line.parse().ok()).collect();
            let skipped = (1..=6).filter(|number| !numbers.contains(number)).count();
            // A kill between the file and the message loses that one message, and none comes twice.
            let between = (nth % 2 == 1) == (point == Point::After);
            assert_eq!(skipped, usize::from(between), "{point:?} {nth}: {numbers:?}");
            assert!(numbers.is_sorted() && numbers.len() + skipped == 6);
        }
    }
}

#[test]
fn effects_are_counted_over_all_lives_of_a_name() {
    let log = Log::default();
    let world = story(&log, 2);
    let first = world.fault_on(on("w", Point::After, "odd", 1), kill("w"));
    let second = world.fault_on(on("w", Point::After, "odd", 2), kill("w"));
    run(&world);
    assert!(world.struck(first) && world.struck(second));
    assert_eq!(heard(&log), ["1", "end", "2", "3", "end", "4", "5", "6"]);
}

#[test]
fn a_trigger_strikes_once() {
    let log = Log::default();
    let world = story(&log, 3);
    world.fault_on(on("w", Point::Before, "even", 1), kill("w"));
    run(&world);
    assert_eq!(world.exits().len(), 1);
}

#[test]
fn a_trigger_that_is_set_while_its_process_runs_counts_from_then_on() {
    let log = Log::default();
    let world = story(&log, 0);
    world.run(ms(25), 1_000);
    let fault = world.fault_on(on("w", Point::Before, "even", 1), kill("w"));
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(heard(&log), ["1", "2", "3", "end"]);
}

#[test]
fn a_trigger_that_never_came_did_not_strike() {
    let log = Log::default();
    let world = story(&log, 0);
    let wrong_name = world.fault_on(on("w", Point::Before, "evne", 1), kill("w"));
    let too_many = world.fault_on(on("w", Point::Before, "even", 4), kill("w"));
    let nobody = world.fault_on(on("ww", Point::Before, None, 1), kill("w"));
    run(&world);
    assert!([wrong_name, too_many, nobody].iter().all(|fault| !world.struck(*fault)));
}

#[test]
fn several_faults_may_wait_for_one_effect() {
    let log = Log::default();
    let world = story(&log, 0);
    world.fault_on(on("w", Point::After, "odd", 2), kill("w"));
    world.fault_on(on("w", Point::After, "odd", 2), restart("w"));
    run(&world);
    assert_eq!(heard(&log), ["1", "2", "3", "end", "4", "5", "6"]);
}

#[test]
fn one_fault_can_follow_another() {
    let log = Log::default();
    let world = story(&log, 0);
    let then = |first: Fault| Fault::Then { first: Box::new(first), after: secs(5), next: Box::new(restart("w")) };
    let killed = world.fault_on(on("w", Point::After, "odd", 2), then(kill("w")));
    let missed = world.fault_at(secs(1), then(kill("w")));
    run(&world);
    assert!(world.struck(killed) && !world.struck(missed));
    assert_eq!(heard(&log), ["1", "2", "3", "end", "4", "5", "6"]);
    assert_eq!(world.exits().len(), 1);
}

#[test]
fn a_child_can_be_named() {
    let (world, log) = (steady(1), Log::default());
    let seen = log.clone();
    host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            let child = process.start_child("7", |child, pipe| {
                child.spawn(async move {
                    (1..=3).for_each(|number| pipe.say("progress", number));
                    pending::<()>().await;
                });
            });
            while let Some(number) = child.pipe.hear().await {
                seen.add(number);
            }
            seen.add(child.exited().await);
        }
    });
    let trigger = on("w/7", Point::Before, "progress", 3);
    assert_eq!(trigger.to_string(), "before progress number 3 of w/7");
    world.fault_on(trigger, kill("w/7"));
    world.start("w");
    run(&world);
    assert_eq!(log.lines(), ["1", "2", "signal 9 (SIGKILL)"]);
}

#[test]
fn a_fault_may_strike_somebody_else() {
    let log = Log::default();
    let world = story(&log, 0);
    let trigger = Trigger { process: "w".into(), point: Point::After, effect: Some("even".into()), nth: 1 };
    world.fault_on(trigger, kill("server"));
    run(&world);
    assert_eq!(heard(&log), ["1"], "2 was on its way to a server that is gone");
}
