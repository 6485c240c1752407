//! Stories of sameness: one seed is one run, wherever and however often, and leaks are found.

#![allow(clippy::disallowed_methods, reason = "threads and tokio tasks are the leaks that must be found")]

mod common;

use common::*;
use simq_sim::{Config, Fault, Point, Sink, Stop, Stream, Summary, World, here};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

/// Three clients, a server that keeps count on its disk, and a few faults: a bit of everything.
fn little_world(seed: u64, sink: Option<Box<dyn Sink>>) -> (World, Log) {
    let mut config = Config::new(seed);
    config.sink = sink;
    let (world, log) = (World::new(config).expect("a world"), Log::default());
    let served = log.clone();
    host(&world, "server", move |process| {
        let served = served.clone();
        async move {
            let listener = process.listen();
            loop {
                let connection = listener.accept().await;
                let (served, inner) = (served.clone(), process.clone());
                process.spawn(async move {
                    while let Some(number) = connection.hear().await {
                        served.add(number);
                        inner.replace_file("last", number.to_le_bytes().to_vec());
                        connection.say("reply", inner.random());
                    }
                });
            }
        }
    });
    world.start("server");
    for client in 0..3_u64 {
        let name = format!("client{client}");
        host(&world, &name, move |process| async move {
            let child = process.start_child("1", |child, pipe| {
                child.spawn(async move {
                    while let Some(number) = pipe.hear().await {
                        pipe.say("done", number + 1);
                    }
                });
            });
            for round in 0.. {
                let Ok(connection) = process.connect("server").await else {
                    process.sleep(ms(5)).await;
                    continue;
                };
                connection.say("count", client * 1_000 + round);
                child.pipe.say("work", round);
                child.pipe.hear().await;
                connection.hear().await;
                process.sleep(ms(1 + process.random() % 5)).await;
            }
        });
        world.start(&name);
    }
    world.fault_at(ms(30), partition("client1", "server", true, Some(ms(20))));
    world.fault_at(ms(40), Fault::Pause { process: "client0".into(), lasting: Some(ms(10)) });
    world.fault_on(on("client2", Point::Before, "count", 5), Fault::LoseReply);
    world.fault_on(on("server", Point::After, "reply", 20), kill("server"));
    world.fault_at(ms(80), restart("server"));
    (world, log)
}

fn live(seed: u64) -> (Summary, Vec<String>) {
    let (world, log) = little_world(seed, None);
    assert_eq!(world.run(ms(200), 100_000), Stop::Time);
    assert_eq!(world.leak(), None);
    (world.summary(), log.lines())
}

#[test]
fn one_seed_is_one_run() {
    for seed in 0..5 {
        assert_eq!(live(seed), live(seed));
    }
}

#[test]
fn another_seed_is_another_run() {
    let runs: Vec<_> = (0..5).map(live).collect();
    for (at, one) in runs.iter().enumerate() {
        for other in &runs[at + 1..] {
            assert_ne!(one.0.hash, other.0.hash);
            assert_ne!(one.1, other.1);
        }
    }
}

#[test]
fn seeds_explore_the_orders_of_what_is_ready_at_once() {
    let order = |seed| {
        let (world, log) = (world(seed), Log::default());
        let seen = log.clone();
        world.define("w", move |process| {
            for number in 0..4 {
                let seen = seen.clone();
                process.spawn(async move { seen.add(number) });
            }
        });
        world.start("w");
        run(&world);
        log.lines().concat()
    };
    let orders: std::collections::BTreeSet<String> = (0..400).map(order).collect();
    assert_eq!(orders.len(), 24, "all of them come up");
}

#[test]
fn a_sink_changes_nothing_and_sees_everything() {
    let records = Log::default();
    let (world, _) = little_world(3, Some(Box::new(Lines(records.clone()))));
    world.run(ms(200), 100_000);
    let summary = world.summary();
    drop(world);
    assert_eq!(summary, live(3).0);
    let lines = records.lines();
    assert_eq!(lines.len() as u64, summary.events);
    for (count, part) in
        [(1, " kill server true"), (1, " partition client1 | server true"), (1, " exited signal 9"), (3, " started 1")]
    {
        let seen = lines.iter().filter(|line| line.contains(part)).count();
        assert!(seen >= count, "{part}: {seen}");
    }
    assert!(lines.iter().map(|line| line.split(' ').next().and_then(|at| at.parse::<u64>().ok())).is_sorted());
}

/// A golden run: pins the trace's encoding, the streams of choices, the scheduler and the rules of the network.
///
/// Pin it again whenever one of them is changed on purpose, and say so in the change log: from then on, seeds that were
/// written down before mean other runs. If it differs and nobody meant it, determinism is broken.
#[test]
fn the_golden_run_is_pinned() {
    let summary = live(42).0;
    assert_eq!((summary.hash.to_string().as_str(), summary.events), ("54c9232d627644f0b35cb0a8ff118d17", 818));
}

const CHILD: &str = "SIMQ_SIM_PRINT_HASH";

#[test]
fn a_fresh_process_has_the_same_run() {
    let summary = live(9).0;
    let here = format!("{} {} {}", summary.hash, summary.events, summary.now);
    if std::env::var_os(CHILD).is_some() {
        println!("hash: {here}");
        return;
    }
    let itself = std::env::current_exe().expect("this test binary");
    let output = std::process::Command::new(itself)
        .args(["--exact", "a_fresh_process_has_the_same_run", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("it runs again");
    let output = String::from_utf8_lossy(&output.stdout);
    let there = output.lines().find_map(|line| line.split_once("hash: ")).expect("a hash").1;
    assert_eq!(there, here);
}

#[test]
fn worlds_on_other_threads_do_not_meddle() {
    let alone = live(4);
    let together: Vec<_> = (0..4).map(|_| std::thread::spawn(|| live(4))).collect();
    for thread in together {
        assert_eq!(thread.join().expect("a run"), alone);
    }
}

#[test]
fn one_stream_does_not_disturb_another() {
    let streams = [Stream::Schedule, Stream::Network, Stream::Faults, Stream::Workload, Stream::Programs];
    for disturbed in streams {
        for watched in streams.into_iter().filter(|stream| *stream != disturbed) {
            let draw = |extra: bool| {
                let world = world(1);
                (0..10)
                    .map(|_| {
                        if extra {
                            world.choose(disturbed, 0, u64::MAX);
                        }
                        world.choose(watched, 1, 1_000_000)
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(draw(true), draw(false), "{disturbed:?} {watched:?}");
        }
    }
}

#[test]
fn one_draw_too_many_is_another_hash() {
    let drawn = |times| {
        let world = world(1);
        for _ in 0..times {
            world.choose(Stream::Workload, 0, 9);
        }
        world.summary()
    };
    let (once, twice) = (drawn(1), drawn(2));
    assert_ne!(once.hash, twice.hash);
    assert_eq!(once.events, twice.events);
}

#[test]
fn a_wake_from_another_thread_is_a_leak() {
    let world = world(1);
    let waits = Rc::new(Cell::new(None));
    let thread = waits.clone();
    host(&world, "w", move |_| {
        let thread = thread.clone();
        poll_fn(move |cx| {
            let waker = cx.waker().clone();
            thread.set(Some(std::thread::spawn(move || waker.wake())));
            Poll::<()>::Pending
        })
    });
    world.start("w");
    assert_eq!(world.leak(), None);
    world.run(ms(1), 100);
    waits.take().expect("it was polled").join().expect("it woke");
    assert_eq!(world.leak().expect("a leak"), "simulated code was woken by another thread");
}

#[test]
fn a_task_spawned_on_tokio_is_a_leak() {
    let world = world(1);
    world.define("w", |process| {
        process.uses_tokio();
        process.spawn(async {
            let escaped = tokio::spawn(pending::<()>());
            drop((escaped, pending::<()>().await));
        });
    });
    world.start("w");
    assert_eq!(world.leak(), None);
    world.run(ms(10), 100);
    assert!(world.leak().expect("a leak").starts_with("1 tasks were spawned on tokio itself"));
}

#[test]
fn log_lines_know_where_they_are() {
    assert!(here().is_none());
    let (world, log) = (world(1), Log::default());
    let line = |log: &Log| {
        let (at, name) = here().expect("a world");
        log.add(format!("{at} {name:?}"));
    };
    struct Last(Log, fn(&Log));
    impl Drop for Last {
        fn drop(&mut self) {
            self.1(&self.0);
        }
    }
    let seen = log.clone();
    world.define("w", move |process| {
        line(&seen);
        let inner = seen.clone();
        let child = process.start_child("1", move |_, _| line(&inner));
        line(&seen);
        let (inner, own, last) = (seen.clone(), process.clone(), Last(seen.clone(), line));
        process.spawn(async move {
            let _last = last;
            own.sleep(ms(1)).await;
            line(&inner);
            drop((child, pending::<()>().await));
        });
    });
    world.start("w");
    let outside = log.clone();
    world.at(ms(2), move || line(&outside));
    world.fault_at(ms(3), kill("w"));
    run(&world);
    let expected = ["0 \"w\"", "0 \"w/1\"", "0 \"w\"", "1000000 \"w\"", "2000000 \"\"", "3000000 \"w\""];
    assert_eq!(log.lines(), expected);
    drop(world);
    assert!(here().is_none());
}
