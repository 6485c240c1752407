//! Stories of time: virtual, with tokio's clock in step, and wall clocks that are wrong.

#![allow(clippy::disallowed_methods, reason = "tokio's clock is what these stories are about")]

mod common;

use common::*;
use simq_sim::{Config, EPOCH_MICROS, Fault, Process, Stop, World};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// A process that may use tokio's timers.
fn tokio_host<F: Future<Output = ()> + 'static>(world: &World, name: &str, main: impl Fn(Process) -> F + 'static) {
    world.define(name, move |process| {
        process.uses_tokio();
        process.spawn(main(process.clone()));
    });
}

async fn tokio_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[test]
fn virtual_time_has_nanoseconds() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            for nanos in [1, 999, 0, 1_000_000] {
                process.sleep(Duration::from_nanos(nanos)).await;
                seen.add(process.now());
            }
            process.sleep_until(5 * MS).await;
            process.sleep_until(3 * MS).await;
            seen.add(process.now());
        }
    });
    world.start("w");
    assert_eq!(world.run(Duration::MAX, 100), Stop::Idle);
    assert_eq!(log.lines(), ["1", "1000", "1000", "1001000", "5000000"]);
}

#[test]
fn tokio_sleeps_follow_virtual_time_in_milliseconds_rounded_up() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            for nanos in [1_000_000, 1, 1_001_000, 0, 7_000_000] {
                tokio_sleep(Duration::from_nanos(nanos)).await;
                seen.at(&process, nanos);
            }
        }
    });
    world.start("w");
    run(&world);
    assert_eq!(log.lines(), ["1ms 1000000", "2ms 1", "4ms 1001000", "4ms 0", "11ms 7000000"]);
}

#[test]
fn a_tokio_sleep_from_between_two_milliseconds_is_never_too_short() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            for millis in 1..=3 {
                process.sleep(micros(300)).await;
                let start = process.now();
                tokio_sleep(ms(millis)).await;
                assert!(process.now() - start >= millis * MS);
                seen.at(&process, millis);
            }
        }
    });
    // Its events fall between the milliseconds and must not make tokio's timers late.
    host(&world, "busy", |process| async move {
        for _ in 0..1_000 {
            process.sleep(micros(37)).await;
        }
    });
    world.start("w");
    world.start("busy");
    run(&world);
    assert_eq!(log.lines(), ["2ms 1", "5ms 2", "9ms 3"]);
}

#[test]
fn the_clocks_of_tokio_and_of_the_world_agree_at_every_instant() {
    let world = world(1);
    // Another process has moved time on before anybody uses tokio.
    host(&world, "busy", |process| async move {
        for _ in 0..3_000 {
            process.sleep(micros(333)).await;
        }
    });
    tokio_host(&world, "w", |process| async move {
        let (base, start) = (tokio::time::Instant::now(), process.now());
        for round in 1..300_u64 {
            if round % 3 == 0 {
                tokio_sleep(micros(round * 7)).await;
            } else {
                process.sleep(micros(round * 13)).await;
            }
            let passed = u64::try_from(base.elapsed().as_nanos()).expect("not that long");
            assert_eq!(passed, process.now() - start, "round {round}");
        }
        process.exit(0);
    });
    world.start("busy");
    world.at(micros(12_345), || ());
    world.run(micros(12_345), 1_000_000);
    world.start("w");
    run(&world);
    assert_eq!(world.exit_of("w").expect("an end").to_string(), "exit status 0");
}

#[test]
fn an_hour_of_tokio_sleep_costs_no_real_time() {
    let world = world(1);
    tokio_host(&world, "w", |process| async move {
        tokio_sleep(secs(3_600)).await;
        process.exit(0);
    });
    world.start("w");
    assert_eq!(world.run(secs(7_200), 1_000), Stop::Idle, "nobody is left to wait for");
    assert_eq!(world.now(), secs(3_600));
}

#[test]
fn a_tokio_timeout_ends_what_takes_too_long() {
    let (world, log) = (steady(1), Log::default());
    let seen = log.clone();
    world.define("silent", |process| {
        let listener = process.listen();
        process.spawn(async move { drop((listener, pending::<()>().await)) });
    });
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            let connection = process.connect("silent").await.expect("a listener");
            let heard = tokio::time::timeout(ms(250), connection.hear()).await;
            seen.at(&process, heard.is_err());
            let slept = tokio::time::timeout(ms(250), process.sleep(ms(249))).await;
            seen.at(&process, slept.is_ok());
        }
    });
    world.start("silent");
    world.start("w");
    run(&world);
    assert_eq!(log.lines(), ["252ms true", "501ms true"]);
}

#[test]
fn a_tokio_interval_keeps_its_beat() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            let mut interval = tokio::time::interval(ms(10));
            for _ in 0..4 {
                let tick = interval.tick().await;
                assert_eq!(tick.elapsed(), Duration::ZERO);
                seen.at(&process, "tick");
                process.sleep(micros(2_500)).await;
            }
        }
    });
    world.start("w");
    run(&world);
    assert_eq!(log.lines(), ["0ms tick", "10ms tick", "20ms tick", "30ms tick"]);
}

#[test]
fn at_one_instant_tokios_timers_come_before_the_worlds() {
    for seed in 0..8 {
        let (world, log) = (world(seed), Log::default());
        for name in ["a", "b"] {
            let seen = log.clone();
            tokio_host(&world, name, move |process| {
                let seen = seen.clone();
                async move {
                    for round in 1..=3_u64 {
                        if process.name().starts_with('a') {
                            process.sleep_until(round * 5 * MS).await;
                            seen.at(&process, "world");
                        } else {
                            tokio_sleep(ms(5)).await;
                            seen.at(&process, "tokio");
                        }
                    }
                    pending::<()>().await;
                }
            });
            world.start(name);
        }
        run(&world);
        let expected = ["5ms tokio", "5ms world", "10ms tokio", "10ms world", "15ms tokio", "15ms world"];
        assert_eq!(log.lines(), expected);
    }
}

#[test]
fn time_stands_still_while_a_woken_task_runs_on_the_way() {
    // The next event of the world is far away; tokio's timers are met in between, each at its own time.
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        for millis in [3, 70, 4_097, 70_000, 300_001] {
            let (seen, inner) = (seen.clone(), process.clone());
            process.spawn(async move {
                tokio_sleep(ms(millis)).await;
                seen.at(&inner, millis);
                inner.sleep(micros(1)).await;
                seen.at(&inner, "after");
            });
        }
        async {}
    });
    world.start("w");
    world.at(secs(1_000), || ());
    run(&world);
    let expected: Vec<String> = [3, 70, 4_097, 70_000, 300_001]
        .iter()
        .flat_map(|millis| [format!("{millis}ms {millis}"), format!("{millis}ms+1000ns after")])
        .collect();
    assert_eq!(log.lines(), expected);
}

#[test]
fn a_killed_process_takes_its_tokio_timers_along() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            tokio_sleep(secs(10)).await;
            seen.at(&process, process.incarnation());
            pending::<()>().await;
        }
    });
    world.start("w");
    world.fault_at(ms(3_500), kill("w"));
    world.fault_at(micros(7_000_300), restart("w"));
    world.fault_at(secs(60), kill("w"));
    assert_eq!(world.run(secs(100_000), 1_000), Stop::Idle);
    assert_eq!(log.lines(), ["17001ms 2"]);
    assert_eq!(world.now(), secs(60));
}

#[test]
fn a_paused_process_wakes_late_from_a_tokio_sleep() {
    let (world, log) = (world(1), Log::default());
    let seen = log.clone();
    tokio_host(&world, "w", move |process| {
        let seen = seen.clone();
        async move {
            tokio_sleep(ms(10)).await;
            seen.at(&process, "awake");
        }
    });
    world.start("w");
    world.fault_at(ms(5), Fault::Pause { process: "w".into(), lasting: Some(ms(95)) });
    run(&world);
    assert_eq!(log.lines(), ["100ms awake"]);
}

#[test]
fn a_world_can_be_run_piece_by_piece() {
    let story = |pieces: &[u64]| {
        let (world, log) = (world(5), Log::default());
        echo(&world, "server", &log);
        tokio_host(&world, "client", |process| async move {
            let connection = process.connect("server").await.expect("a server");
            for number in 0..50 {
                connection.say("count", number);
                connection.hear().await;
                tokio_sleep(ms(3)).await;
            }
            process.exit(0);
        });
        world.start("server");
        world.start("client");
        for piece in pieces {
            assert_eq!(world.run(micros(*piece), 100_000), Stop::Time);
            assert_eq!(world.now(), micros(*piece));
        }
        run(&world);
        world.summary()
    };
    assert_eq!(story(&[]), story(&[1, 1_000, 1_500, 4_999, 5_000, 5_000, 100_001]));
}

#[test]
fn time_never_goes_back() {
    for uses_tokio in [false, true] {
        let (world, log) = (world(1), Log::default());
        let seen = log.clone();
        world.define("w", move |process| {
            if uses_tokio {
                process.uses_tokio();
            }
            let (seen, inner) = (seen.clone(), process.clone());
            process.spawn(async move {
                loop {
                    inner.sleep(secs(10)).await;
                    seen.at(&inner, "tick");
                }
            });
        });
        world.start("w");
        assert_eq!(world.run(secs(15), 100), Stop::Time);
        assert_eq!(world.run(secs(5), 100), Stop::Time, "a limit that has passed");
        assert_eq!(world.now(), secs(15));
        // A time that has passed is now.
        let fault = world.fault_at(secs(1), kill("w"));
        let late = Rc::new(Cell::new(false));
        let called = late.clone();
        world.at(secs(2), move || called.set(true));
        assert_eq!(world.run(secs(15), 100), Stop::Idle);
        assert!(world.struck(fault) && late.get());
        assert_eq!(world.now(), secs(15));
        assert_eq!(log.lines(), ["10000ms tick"]);
    }
}

#[test]
fn a_stop_takes_effect_before_the_next_poll_and_the_run_goes_on_later() {
    let (world, log) = (world(1), Log::default());
    let stopper = world.stopper();
    for name in ["a", "b"] {
        let (seen, stopper) = (log.clone(), stopper.clone());
        host(&world, name, move |process| {
            let (seen, stopper) = (seen.clone(), stopper.clone());
            async move {
                seen.add("polled");
                stopper.stop();
                process.sleep(ms(1)).await;
            }
        });
        world.start(name);
    }
    world.at(ms(10), move || stopper.stop());
    for polled in 1..=2 {
        assert_eq!(world.run(secs(1), 100), Stop::Asked);
        assert_eq!(log.lines().len(), polled);
    }
    assert_eq!(world.run(secs(1), 100), Stop::Asked, "by the planned action");
    assert_eq!(world.now(), ms(10));
    assert_eq!(world.run(secs(1), 100), Stop::Idle);
}

#[test]
fn a_plan_that_stops_the_world_lets_nobody_run_any_more() {
    let (world, log) = (world(1), Log::default());
    let (seen, stopper) = (log.clone(), world.stopper());
    let waker: Rc<Cell<Option<Waker>>> = Rc::default();
    let kept = waker.clone();
    host(&world, "w", move |_| {
        let (seen, kept) = (seen.clone(), kept.clone());
        async move {
            poll_fn(|cx| {
                seen.add("polled");
                kept.set(Some(cx.waker().clone()));
                Poll::<()>::Pending
            })
            .await;
        }
    });
    world.start("w");
    world.at(ms(1), move || {
        waker.take().expect("it waits").wake();
        stopper.stop();
    });
    assert_eq!(world.run(secs(1), 100), Stop::Asked);
    assert_eq!(log.lines().len(), 1);
    assert_eq!(world.run(secs(1), 100), Stop::Idle);
    assert_eq!(log.lines().len(), 2);
}

#[test]
fn whoever_runs_in_circles_is_found_out() {
    let records = world(1);
    host(&records, "chatty", |process| async move {
        loop {
            process.note("again", 0, &"");
            process.sleep(Duration::from_nanos(1)).await;
        }
    });
    records.start("chatty");
    assert_eq!(records.run(secs(1), 1_000), Stop::Events);
    drop(records);

    let polls = world(1);
    host(&polls, "restless", |_| {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
    });
    polls.start("restless");
    assert_eq!(polls.run(secs(1), 1_000), Stop::Events);
    assert_eq!(polls.now(), Duration::ZERO);
}

#[test]
fn a_timer_may_be_polled_by_changing_tasks_and_cancelled_by_thousands() {
    let world = world(1);
    host(&world, "w", |process| async move {
        let mut sleep = pin!(process.sleep(ms(10)));
        // First with a waker that leads nowhere, then with the task's own.
        let mut nowhere = std::task::Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut nowhere).is_pending());
        sleep.await;
        assert_eq!(process.now(), 10 * MS);
        for _ in 0..10_000 {
            let mut far = pin!(process.sleep(secs(3_600)));
            poll_fn(|cx| {
                assert!(far.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            process.sleep(micros(1)).await;
        }
        process.exit(0);
    });
    world.start("w");
    assert_eq!(world.run(secs(10_000), 1_000), Stop::Idle);
    assert_eq!(world.now(), ms(20));
}

fn step(process: &str, by_nanos: i64) -> Fault {
    Fault::StepClock { process: process.into(), by_nanos }
}

#[test]
fn a_wrong_wall_clock_changes_nothing_but_the_wall_clock() {
    let (world, log) = (world(1), Log::default());
    for name in ["right", "wrong"] {
        let seen = log.clone();
        host(&world, name, move |process| {
            let seen = seen.clone();
            async move {
                process.sleep(secs(10)).await;
                assert_eq!(process.now(), 10_000 * MS);
                seen.add(format!("{name} {}", process.wall_micros() - EPOCH_MICROS));
                process.exit(0);
            }
        });
        world.start(name);
    }
    world.fault_at(secs(1), step("wrong", 3_600_000_000_000));
    world.fault_at(secs(2), step("wrong", -7_200_000_000_000));
    run(&world);
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["right 10000000", "wrong -3590000000"]);
}

#[test]
fn wall_clocks_start_where_they_are_told_and_survive_absurd_steps() {
    let mut config = Config::new(1);
    config.epoch_micros = 1_000_000;
    let world = World::new(config).expect("a world");
    let handle: Rc<Cell<Option<Process>>> = Rc::default();
    let kept = handle.clone();
    world.define("w", move |process| {
        kept.set(Some(process.clone()));
        process.spawn(pending());
    });
    world.start("w");
    let process = handle.take().expect("it runs");
    assert_eq!(process.wall_micros(), 1_000_000);
    let wall_after = |by_nanos| {
        world.fault_at(Duration::ZERO, step("w", by_nanos));
        run(&world);
        process.wall_micros()
    };
    assert_eq!(wall_after(-1), 999_999, "clocks round down");
    assert_eq!(wall_after(1 - 2_000_000_000), -1_000_000);
    assert!(wall_after(i64::MIN) < wall_after(i64::MAX));
    assert!(wall_after(i64::MAX) > 0);
}

#[test]
#[should_panic(expected = "from inside")]
fn a_world_cannot_be_run_from_inside() {
    let world = Rc::new(world(1));
    let inner = world.clone();
    world.at(ms(1), move || {
        inner.run(secs(1), 100);
    });
    world.run(secs(1), 100);
}

#[test]
fn one_world_lives_on_a_thread_and_none_in_a_runtime() {
    let first = world(1);
    assert!(World::new(Config::new(2)).is_err());
    drop(first);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _inside = runtime.enter();
    assert!(World::new(Config::new(3)).is_err());
}
