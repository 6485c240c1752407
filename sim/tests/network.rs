//! Stories of the network: what a connection promises, and each way in which it can fail.

mod common;

use common::*;
use simq_sim::{Config, Fault, Point, Process, Stop, World};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

/// A client that says 1 to `times`, one each `every` milliseconds, and logs the replies and the end.
fn client(world: &World, log: &Log, every: u64, times: u64) {
    let log = log.clone();
    host(world, "client", move |process| {
        let log = log.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            let (talker, inner) = (connection.clone(), process.clone());
            process.spawn(async move {
                for number in 1..=times {
                    talker.say("count", number);
                    inner.sleep(ms(every)).await;
                }
            });
            while let Some(number) = connection.hear().await {
                log.at(&process, number);
            }
            log.at(&process, "end");
            pending::<()>().await;
        }
    });
}

struct Pair {
    world: World,
    served: Log,
    client: Log,
}

/// A server and a client that counts; the connection stands after 2 ms, and a message travels 1 ms.
fn pair(every: u64, times: u64) -> Pair {
    let (world, served, heard) = (steady(1), Log::default(), Log::default());
    echo(&world, "server", &served);
    client(&world, &heard, every, times);
    world.start("server");
    world.start("client");
    Pair { world, served, client: heard }
}

#[test]
fn messages_arrive_in_order_within_the_bounds_of_latency() {
    let mut config = Config::new(7);
    config.latency = (ms(2), ms(5));
    let world = World::new(config).expect("a world");
    let arrived = Rc::new(RefCell::new(Vec::new()));
    let (seen, sent) = (arrived.clone(), Rc::new(RefCell::new(Vec::new())));
    let times = sent.clone();
    host(&world, "server", move |process| {
        let seen = seen.clone();
        async move {
            let connection = process.listen().accept().await;
            while let Some(number) = connection.hear().await {
                seen.borrow_mut().push((number, process.now()));
            }
        }
    });
    host(&world, "client", move |process| {
        let times = times.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            assert!((4 * MS..=14 * MS).contains(&process.now()), "a connect takes a round trip");
            for number in 0..1_000 {
                times.borrow_mut().push(process.now());
                connection.say("count", number);
                process.sleep(Duration::from_micros(700)).await;
            }
        }
    });
    world.start("server");
    world.start("client");
    run(&world);
    let arrived = arrived.borrow();
    assert!(arrived.iter().map(|(number, _)| *number).eq(0..1_000));
    let travels: Vec<u64> = arrived.iter().zip(&*sent.borrow()).map(|((_, at), sent)| at - sent).collect();
    assert!(travels.iter().all(|travel| (2 * MS..=7 * MS).contains(travel)));
    let span = travels.iter().max().zip(travels.iter().min()).map(|(max, min)| max - min);
    assert!(span > Some(4 * MS), "jitter is used: {span:?}");
}

#[test]
fn the_two_directions_do_not_wait_for_each_other() {
    let Pair { world, served, client } = pair(10, 2);
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "13ms 2"]);
    assert_eq!(client.lines(), ["4ms 1", "14ms 2"]);
}

#[test]
fn connecting_to_nobody_is_refused() {
    let world = steady(1);
    let log = Log::default();
    world.define("silent", |process| process.spawn(pending()));
    world.define("down", |process| drop(process.listen()));
    let seen = log.clone();
    host(&world, "client", move |process| {
        let seen = seen.clone();
        async move {
            for name in ["silent", "down", "unknown"] {
                let refused = process.connect(name).await.err().expect("refused");
                seen.at(&process, format!("{name}: {refused}"));
            }
        }
    });
    ["silent", "down", "client"].iter().for_each(|name| assert!(world.start(name)));
    world.fault_at(Duration::ZERO, kill("down"));
    run(&world);
    let expected = ["silent", "down", "unknown"].map(|name| format!("{name}: connection refused"));
    let seen: Vec<_> = log.lines().iter().map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_close_is_read_after_all_that_was_sent() {
    let Pair { world, served, client } = pair(0, 3);
    world.fault_at(
        ms(2),
        Fault::Latency { between: between("client", "server"), base: ms(5), jitter: ms(0), lasting: None },
    );
    world.fault_on(on("client", Point::After, "count", 3), kill("client"));
    run(&world);
    assert_eq!(served.lines(), ["7ms 1", "7ms 2", "7ms 3", "7ms end"]);
    assert!(client.lines().is_empty());
}

#[test]
fn closing_ones_own_end_ends_ones_own_reading() {
    let (world, log) = (steady(1), Log::default());
    let served = Log::default();
    echo(&world, "server", &served);
    let seen = log.clone();
    host(&world, "client", move |process| {
        let seen = seen.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            let (reader, inner) = (connection.clone(), process.clone());
            process.spawn(async move {
                assert_eq!(reader.hear().await, None);
                seen.at(&inner, "reader ends");
            });
            process.sleep(ms(8)).await;
            connection.close();
            connection.say("too late", 1);
            assert_eq!(connection.hear().await, None);
            assert_eq!(connection.number(), 1);
        }
    });
    world.start("server");
    world.start("client");
    run(&world);
    assert_eq!(log.lines(), ["10ms reader ends"]);
    assert_eq!(served.lines(), ["11ms end"]);
    assert!(world.exits().is_empty());
}

#[test]
fn a_reset_loses_what_is_in_flight_and_tells_both_sides() {
    let Pair { world, served, client } = pair(10, 5);
    // 1 was answered; 2 was sent at 12 ms and is under way.
    let reset =
        world.fault_at(ms(12) + Duration::from_micros(500), Fault::Reset { between: between("client", "server") });
    let nothing = world.fault_at(ms(20), Fault::Reset { between: between("client", "server") });
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "12ms+500000ns end"]);
    assert_eq!(client.lines(), ["4ms 1", "12ms+500000ns end"]);
    assert!(world.struck(reset));
    assert!(!world.struck(nothing), "there was nothing left to reset");
}

#[test]
fn what_arrived_before_a_reset_can_still_be_read() {
    let Pair { world, served, .. } = pair(1, 3);
    world.fault_at(ms(1), Fault::Pause { process: "server".into(), lasting: Some(ms(50)) });
    world.fault_at(ms(20), Fault::Reset { between: between("server", "client") });
    run(&world);
    assert_eq!(served.lines(), ["51ms 1", "51ms 2", "51ms 3", "51ms end"]);
}

#[test]
fn a_half_open_connection_is_silent_in_both_directions_and_nobody_is_told() {
    let Pair { world, served, client } = pair(10, 5);
    let fault =
        world.fault_at(ms(13) + Duration::from_micros(500), Fault::HalfOpen { between: between("client", "server") });
    world.fault_at(secs(1), kill("server"));
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(served.lines(), ["3ms 1", "13ms 2"], "what is sent later goes nowhere");
    assert_eq!(client.lines(), ["4ms 1"], "the reply to 2 was under way; the server's death is not seen either");
}

#[test]
fn a_connection_made_after_the_silence_works() {
    let (world, served) = (steady(1), Log::default());
    echo(&world, "server", &served);
    host(&world, "client", |process| async move {
        let first = process.connect("server").await.expect("a server");
        process.sleep(ms(10)).await;
        first.say("lost", 1);
        let second = process.connect("server").await.expect("a server");
        second.say("kept", 2);
        assert_eq!(second.hear().await, Some(2));
        drop(first);
    });
    world.start("server");
    world.start("client");
    world.fault_at(ms(5), Fault::HalfOpen { between: between("client", "server") });
    run(&world);
    assert_eq!(served.lines(), ["15ms 2", "17ms end"]);
}

#[test]
fn no_heal_brings_a_half_open_connection_back() {
    let Pair { world, served, client } = pair(10, 5);
    world.fault_at(ms(5), Fault::HalfOpen { between: between("client", "server") });
    world.fault_at(ms(15), partition("client", "server", true, Some(ms(10))));
    world.fault_at(ms(100), Fault::Reset { between: between("client", "server") });
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "100ms end"], "a reset is all that gets through");
    assert_eq!(client.lines(), ["4ms 1", "100ms end"]);
}

#[test]
fn a_partition_holds_both_directions_and_the_heal_delivers_in_order() {
    let Pair { world, served, client } = pair(10, 5);
    world.fault_at(ms(13), partition("client", "server", true, None));
    let heal = world.fault_at(ms(100), Fault::Heal { between: between("server", "client") });
    let again = world.fault_at(ms(101), Fault::Heal { between: between("server", "client") });
    run(&world);
    // The reply to 2 was handed to the network at 13 ms and waits too.
    assert_eq!(served.lines(), ["3ms 1", "101ms 2", "101ms 3", "101ms 4", "101ms 5"]);
    assert_eq!(client.lines(), ["4ms 1", "102ms 2", "102ms 3", "102ms 4", "102ms 5"]);
    assert!(world.struck(heal) && !world.struck(again));
}

#[test]
fn a_one_way_partition_holds_one_way() {
    let Pair { world, served, client } = pair(10, 3);
    world.fault_at(ms(5), partition("server", "client", false, Some(ms(95))));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "13ms 2", "23ms 3"]);
    assert_eq!(client.lines(), ["4ms 1", "101ms 2", "101ms 3"]);
}

#[test]
fn hosts_are_apart_until_the_last_of_their_partitions_is_over() {
    let Pair { world, served, client } = pair(10, 3);
    world.fault_at(ms(5), partition("client", "server", true, Some(ms(95))));
    world.fault_at(ms(50), partition("server", "client", false, Some(ms(150))));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "101ms 2", "101ms 3"]);
    assert_eq!(client.lines(), ["4ms 1", "201ms 2", "201ms 3"]);
}

#[test]
fn a_reset_reaches_through_a_partition_and_nothing_comes_after_the_heal() {
    let Pair { world, served, client } = pair(10, 3);
    world.fault_at(ms(5), partition("client", "server", true, Some(ms(95))));
    world.fault_at(ms(50), Fault::Reset { between: between("client", "server") });
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "50ms end"]);
    assert_eq!(client.lines(), ["4ms 1", "50ms end"]);
}

#[test]
fn a_death_behind_a_partition_is_seen_after_the_heal() {
    let Pair { world, served, client } = pair(10, 3);
    world.fault_at(ms(5), partition("client", "server", true, Some(ms(95))));
    world.fault_at(ms(50), kill("client"));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "101ms 2", "101ms 3", "101ms end"]);
    assert_eq!(client.lines(), ["4ms 1"]);
}

#[test]
fn a_connect_hangs_during_a_partition_and_succeeds_after_it() {
    for (cut, both) in [(("client", "server"), false), (("server", "client"), false), (("client", "server"), true)] {
        let Pair { world, served, .. } = pair(0, 1);
        world.fault_at(Duration::ZERO, partition(cut.0, cut.1, both, Some(ms(2_500))));
        run(&world);
        // Tries take a round trip of 2 ms and are a second apart: 2, 1004, 2006 and, at last, 3008 ms.
        assert_eq!(served.lines(), ["3009ms 1"], "{cut:?}");
    }
}

#[test]
fn the_world_goes_on_to_its_limit_while_a_connect_hangs() {
    let Pair { world, served, .. } = pair(0, 1);
    world.fault_at(Duration::ZERO, partition("client", "server", true, None));
    assert_eq!(world.run(secs(60), 1_000), Stop::Time);
    assert!(served.lines().is_empty());
}

#[test]
fn a_host_that_vanishes_tells_nobody() {
    let Pair { world, served, client } = pair(10, 100);
    world.fault_at(ms(15), Fault::Vanish { process: "server".into() });
    world.fault_at(ms(500), restart("server"));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "13ms 2"]);
    assert_eq!(client.lines(), ["4ms 1", "14ms 2"], "and no end");
}

#[test]
fn a_connect_to_a_host_without_power_hangs_until_it_is_back() {
    let Pair { world, served, .. } = pair(0, 1);
    world.fault_at(Duration::ZERO, Fault::Vanish { process: "server".into() });
    world.fault_at(ms(1_500), restart("server"));
    run(&world);
    assert_eq!(served.lines(), ["2007ms 1"]);
}

#[test]
fn a_lost_reply_is_a_reset_for_the_client_after_the_server_has_acted() {
    for point in [Point::Before, Point::After] {
        let Pair { world, served, client } = pair(10, 5);
        let lost = world.fault_on(on("client", point, "count", 2), Fault::LoseReply);
        run(&world);
        assert!(world.struck(lost));
        assert_eq!(served.lines(), ["3ms 1", "13ms 2", "13ms end"]);
        assert_eq!(client.lines(), ["4ms 1", "13ms end"]);
    }
}

#[test]
fn a_lost_reply_behind_a_partition_comes_to_pass_after_the_heal() {
    let Pair { world, served, client } = pair(10, 2);
    world.fault_on(on("client", Point::Before, "count", 2), Fault::LoseReply);
    world.fault_at(ms(12), partition("client", "server", true, Some(ms(88))));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "101ms 2", "101ms end"]);
    assert_eq!(client.lines(), ["4ms 1", "101ms end"]);
}

#[test]
fn a_duplicate_arrives_twice() {
    let Pair { world, served, client } = pair(10, 3);
    let twice = world.fault_on(on("client", Point::Before, "count", 2), Fault::Duplicate);
    run(&world);
    assert!(world.struck(twice));
    assert_eq!(served.lines(), ["3ms 1", "13ms 2", "13ms 2", "23ms 3"]);
    assert_eq!(client.lines(), ["4ms 1", "14ms 2", "14ms 2", "24ms 3"]);
}

#[test]
fn faults_on_a_message_strike_only_where_there_is_one() {
    let Pair { world, .. } = pair(10, 3);
    let at_a_time = world.fault_at(ms(5), Fault::Duplicate);
    let too_late = world.fault_on(on("client", Point::After, "count", 1), Fault::Duplicate);
    let wrong_side = world.fault_on(on("server", Point::Receiving, "count", 1), Fault::LoseReply);
    // The connection is gone when 3 is sent.
    world.fault_at(ms(15), Fault::Reset { between: between("client", "server") });
    let into_the_void = world.fault_on(on("client", Point::Before, "count", 3), Fault::LoseReply);
    run(&world);
    for fault in [at_a_time, too_late, wrong_side, into_the_void] {
        assert!(!world.struck(fault));
    }
}

fn slow(pace: u64, lasting: Option<u64>) -> Fault {
    Fault::SlowConsumer { process: "server".into(), pace: ms(pace), lasting: lasting.map(ms) }
}

#[test]
fn a_slow_consumer_takes_one_message_per_pace_from_each_connection() {
    let Pair { world, served, client } = pair(1, 4);
    world.fault_at(Duration::ZERO, slow(100, None));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "103ms 2", "203ms 3", "303ms 4"]);
    assert_eq!(client.lines(), ["4ms 1", "104ms 2", "204ms 3", "304ms 4"], "its replies are as fast as ever");
}

#[test]
fn a_consumer_that_recovers_takes_at_once_what_has_waited() {
    let Pair { world, served, .. } = pair(1, 6);
    world.fault_at(ms(4), slow(100, Some(150)));
    run(&world);
    let expected = ["3ms 1", "4ms 2", "104ms 3", "154ms 4", "154ms 5", "154ms 6"];
    assert_eq!(served.lines(), expected);
}

#[test]
fn a_consumer_that_recovers_behind_a_partition_loses_nothing() {
    let Pair { world, served, .. } = pair(1, 6);
    world.fault_at(ms(4), slow(100, Some(50)));
    world.fault_at(ms(10), partition("client", "server", true, Some(ms(190))));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "4ms 2", "201ms 3", "201ms 4", "201ms 5", "201ms 6"]);
}

fn latency(base: u64, lasting: Option<u64>) -> Fault {
    Fault::Latency { between: between("server", "client"), base: ms(base), jitter: ms(0), lasting: lasting.map(ms) }
}

#[test]
fn a_change_of_latency_holds_for_connections_that_stand() {
    let Pair { world, served, .. } = pair(10, 4);
    world.fault_at(ms(5), latency(4, Some(20)));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "16ms 2", "26ms 3", "33ms 4"]);
}

#[test]
fn latencies_that_overlap_take_back_only_themselves() {
    let Pair { world, served, .. } = pair(10, 7);
    world.fault_at(ms(5), latency(2, None));
    world.fault_at(ms(15), latency(5, Some(30)));
    world.fault_at(ms(25), latency(8, Some(10)));
    run(&world);
    // Sent at 2, 12, 22, ... under latencies of 1, 2, 5, 8, 5, 2, 2 ms.
    assert_eq!(served.lines(), ["3ms 1", "14ms 2", "27ms 3", "40ms 4", "47ms 5", "54ms 6", "64ms 7"]);
}

#[test]
fn lower_latency_overtakes_nothing() {
    let Pair { world, served, .. } = pair(10, 3);
    world.fault_at(ms(5), latency(50, Some(10)));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "62ms 2", "62ms 3"]);
}

#[test]
fn a_new_listener_replaces_the_old_one() {
    let (world, log) = (steady(1), Log::default());
    let seen = log.clone();
    host(&world, "server", move |process| {
        let seen = seen.clone();
        async move {
            let listen = |process: &Process, name: &'static str| {
                let (listener, inner, seen) = (process.listen(), process.clone(), seen.clone());
                process.spawn(async move {
                    let connection = listener.accept().await;
                    seen.at(&inner, format!("{name} accepts"));
                    connection.hear().await;
                    pending::<()>().await;
                });
            };
            listen(&process, "first");
            listen(&process, "second");
            pending::<()>().await;
        }
    });
    for name in ["a", "b"] {
        host(&world, name, |process| async move {
            let connection = process.connect("server").await.expect("a server");
            connection.hear().await;
        });
    }
    ["server", "a", "b"].iter().for_each(|name| assert!(world.start(name)));
    run(&world);
    assert_eq!(log.lines(), ["2ms second accepts"], "the other one waits in the backlog of the second");
}

#[test]
fn a_listener_that_goes_away_closes_its_backlog_and_later_connects_are_refused() {
    let (world, log) = (steady(1), Log::default());
    host(&world, "server", |process| async move {
        let listener = process.listen();
        process.sleep(ms(50)).await;
        drop(listener);
        pending::<()>().await;
    });
    let seen = log.clone();
    host(&world, "client", move |process| {
        let seen = seen.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            connection.say("hello", 1);
            assert_eq!(connection.hear().await, None);
            seen.at(&process, "closed");
            seen.at(&process, process.connect("server").await.is_err());
        }
    });
    world.start("server");
    world.start("client");
    run(&world);
    assert_eq!(log.lines(), ["51ms closed", "53ms true"]);
}

#[test]
fn a_connect_hangs_while_the_backlog_is_full() {
    let (world, log) = (steady(1), Log::default());
    host(&world, "server", |process| async move {
        let listener = process.listen();
        process.sleep(secs(10)).await;
        let accepted = listener.accept().await;
        drop((accepted, listener, pending::<()>().await));
    });
    let seen = log.clone();
    host(&world, "client", move |process| {
        let seen = seen.clone();
        async move {
            let mut connections = Vec::new();
            for _ in 0..4_096 {
                connections.push(process.connect("server").await.expect("a server"));
            }
            seen.at(&process, "full");
            connections.push(process.connect("server").await.expect("a server"));
            seen.at(&process, "one more");
            pending::<()>().await;
        }
    });
    world.start("server");
    world.start("client");
    run(&world);
    assert_eq!(log.lines(), ["8192ms full", "10198ms one more"]);
}

#[test]
fn a_restarted_server_owes_nothing_to_the_clients_of_its_former_life() {
    let Pair { world, served, client } = pair(10, 5);
    world.fault_at(ms(15), kill("server"));
    world.fault_at(ms(15), restart("server"));
    run(&world);
    assert_eq!(served.lines(), ["3ms 1", "13ms 2"]);
    assert_eq!(client.lines(), ["4ms 1", "14ms 2", "16ms end"]);
}

#[test]
fn connections_come_and_go_without_leaving_slots_or_strays() {
    let (world, served) = (steady(1), Log::default());
    echo(&world, "server", &served);
    host(&world, "client", |process| async move {
        for number in 0..1_000 {
            let connection = process.connect("server").await.expect("a server");
            connection.say("count", number);
            // Every other one is dropped with its reply under way; the next tenant of the slot must not get that.
            if number % 2 == 0 {
                assert_eq!(connection.hear().await, Some(number));
            }
        }
        process.exit(0);
    });
    world.start("server");
    world.start("client");
    run(&world);
    assert_eq!(world.exit_of("client").expect("an end").to_string(), "exit status 0");
    let heard = served.lines().iter().filter(|line| !line.ends_with("end")).count();
    assert_eq!(heard, 1_000);
}

#[test]
fn a_host_can_connect_to_itself() {
    let (world, served) = (steady(1), Log::default());
    echo(&world, "server", &served);
    world.start("server");
    let log = served.clone();
    host(&world, "loner", move |process| {
        let log = log.clone();
        async move {
            let listener = process.listen();
            let out = process.connect("loner").await.expect("itself");
            let back = listener.accept().await;
            out.say("hello", 1);
            log.at(&process, back.hear().await.expect("a message"));
            process.exit(0);
        }
    });
    world.start("loner");
    let nonsense = world.fault_at(Duration::ZERO, partition("loner", "loner", true, None));
    run(&world);
    assert!(!world.struck(nonsense));
    assert_eq!(served.lines(), ["3ms 1"]);
}

/// A message that owns one end of another connection: dropping it goes back to the network.
struct Owner(simq_sim::Connection);

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("owner")
    }
}

impl simq_sim::Payload for Owner {
    fn label(&self) -> &'static str {
        "owner"
    }

    fn digest(&self) -> u64 {
        self.0.number()
    }

    fn duplicate(&self) -> Option<Box<dyn simq_sim::Payload>> {
        None
    }
}

#[test]
fn messages_with_destructors_may_be_dropped_anywhere() {
    for moment in 0..4 {
        let (world, served) = (steady(1), Log::default());
        echo(&world, "server", &served);
        host(&world, "client", move |process| async move {
            let child = process.start_child("1", |child, pipe| {
                child.spawn(async move { drop((pipe, pending::<()>().await)) });
            });
            let precious = process.connect("server").await.expect("a server");
            child.pipe.send(Box::new(Owner(precious)));
            match moment {
                // In flight, in the inbox, in the inbox of a closed end, after a kill.
                0 => child.pipe.close(),
                1 => process.sleep(ms(5)).await,
                2 => {
                    process.sleep(ms(5)).await;
                    child.pipe.close();
                }
                _ => child.kill(),
            }
            process.sleep(ms(5)).await;
            child.kill();
            drop(child);
            pending::<()>().await;
        });
        world.start("server");
        world.start("client");
        run(&world);
        assert_eq!(served.lines().len(), 1, "the connection in the message was closed: moment {moment}");
        assert!(world.exit_of("client").is_none());
    }
}

#[test]
fn a_thousand_workers_with_four_children_each_die_in_linear_time() {
    let world = steady(1);
    host(&world, "broker", |process| async move {
        let listener = process.listen();
        let mut connections = Vec::new();
        loop {
            connections.push(listener.accept().await);
        }
    });
    world.start("broker");
    for number in 0..1_000 {
        let name = format!("w{number}");
        host(&world, &name, |process| async move {
            let children: Vec<_> = (0..4)
                .map(|child| {
                    process.start_child(&child.to_string(), |child, pipe| {
                        child.spawn(async move { drop((pipe, pending::<()>().await)) });
                    })
                })
                .collect();
            let connection = process.connect("broker").await.expect("a broker");
            connection.hear().await;
            drop(children);
        });
        world.start(&name);
        world.fault_at(secs(1), kill(&name));
    }
    run(&world);
    assert_eq!(world.exits().len(), 5_000);
}
