//! Random small worlds under random faults: whatever happens, the promises of the network and of processes hold.

#![allow(clippy::disallowed_methods, reason = "one of the hosts sleeps through tokio")]

mod common;

use common::*;
use proptest::prelude::*;
use simq_sim::{Config, Fault, Point, Signal, Stop, Summary, World};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// What each process said and heard, by connection number and direction.
#[derive(Default)]
struct Ledger {
    said: RefCell<BTreeMap<(u64, String), Vec<u64>>>,
    heard: RefCell<BTreeMap<(u64, String), Vec<u64>>>,
    next: Cell<u64>,
    /// Futures that live, by process: its name and life.
    live: RefCell<BTreeMap<(String, u32), i32>>,
}

struct Live(Rc<Ledger>, (String, u32));

impl Drop for Live {
    fn drop(&mut self) {
        *self.0.live.borrow_mut().entry(self.1.clone()).or_default() -= 1;
    }
}

/// Every host listens, has a child, and pings its neighbours for ever; connections are made anew when they break.
fn build(seed: u64, uses_tokio: bool, ledger: &Rc<Ledger>) -> World {
    let mut config = Config::new(seed);
    config.latency = (Duration::from_micros(300), Duration::from_micros(2_000));
    let world = World::new(config).expect("a world");
    for (at, name) in HOSTS.into_iter().enumerate() {
        let ledger = ledger.clone();
        world.define(name, move |process| {
            if uses_tokio && at == 0 {
                process.uses_tokio();
            }
            let live = |name: &str| {
                let key = (name.to_owned(), process.incarnation());
                *ledger.live.borrow_mut().entry(key.clone()).or_default() += 1;
                Live(ledger.clone(), key)
            };
            let listener = process.listen();
            let (server, inner, guard) = (ledger.clone(), process.clone(), live(name));
            process.spawn(async move {
                let _guard = guard;
                loop {
                    let connection = listener.accept().await;
                    let (server, inner) = (server.clone(), inner.clone());
                    inner.clone().spawn(async move {
                        let key = |end: &str| (connection.number(), end.to_owned());
                        while let Some(number) = connection.hear().await {
                            server.heard.borrow_mut().entry(key("server")).or_default().push(number);
                            server.said.borrow_mut().entry(key("client")).or_default().push(number);
                            connection.say("pong", number);
                            inner.replace_file("last", number.to_le_bytes().to_vec());
                        }
                    });
                }
            });
            let guard = live(&format!("{name}/1"));
            let child = process.start_child("1", |child, pipe| {
                child.spawn(async move {
                    let _guard = guard;
                    while let Some(number) = pipe.hear().await {
                        pipe.say("done", number);
                    }
                });
            });
            let (client, guard, process) = (ledger.clone(), live(name), process.clone());
            process.clone().spawn(async move {
                let _guard = guard;
                for round in 0_u64.. {
                    let peer = HOSTS[(at + 1 + round as usize % 2) % 3];
                    process.sleep(ms(1 + process.random() % 7)).await;
                    let Ok(connection) = process.connect(peer).await else { continue };
                    let key = |end: &str| (connection.number(), end.to_owned());
                    for _ in 0..5 {
                        let number = client.next.replace(client.next.get() + 1);
                        client.said.borrow_mut().entry(key("server")).or_default().push(number);
                        connection.say("ping", number);
                        child.pipe.say("work", number);
                        if uses_tokio && at == 0 {
                            tokio::time::sleep(ms(process.random() % 4)).await;
                        } else {
                            process.sleep(Duration::from_micros(process.random() % 3_000)).await;
                        }
                    }
                    let deadline = process.sleep(ms(50));
                    let mut deadline = std::pin::pin!(deadline);
                    for _ in 0..5 {
                        let mut hear = std::pin::pin!(connection.hear());
                        let heard = std::future::poll_fn(|cx| match hear.as_mut().poll(cx) {
                            std::task::Poll::Ready(heard) => std::task::Poll::Ready(heard),
                            std::task::Poll::Pending => deadline.as_mut().poll(cx).map(|()| None),
                        });
                        let Some(number) = heard.await else { break };
                        client.heard.borrow_mut().entry(key("client")).or_default().push(number);
                    }
                }
            });
        });
        world.start(name);
    }
    world
}

fn any_host() -> impl Strategy<Value = String> {
    prop::sample::select(&HOSTS[..]).prop_map(str::to_owned)
}

fn any_process() -> impl Strategy<Value = String> {
    (any_host(), any::<bool>()).prop_map(|(host, child)| if child { format!("{host}/1") } else { host })
}

fn any_pair() -> impl Strategy<Value = [String; 2]> {
    [any_host(), any_host()]
}

fn any_while() -> impl Strategy<Value = Option<Duration>> {
    prop::option::weighted(0.8, (0_u64..60_000).prop_map(Duration::from_micros))
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let after = || (0_u64..20).prop_map(ms);
    prop_oneof![
        any_process().prop_map(|process| Fault::Kill { process }),
        any_process().prop_map(|process| Fault::Vanish { process }),
        any_host().prop_map(|process| Fault::Restart { process }),
        any_host().prop_map(|process| Fault::WipeDisk { process }),
        (any_process(), any_while()).prop_map(|(process, lasting)| Fault::Pause { process, lasting }),
        any_process().prop_map(|process| Fault::Resume { process }),
        (any_process(), any::<bool>(), any_while())
            .prop_map(|(process, group, grace)| { Fault::Signal { process, signal: Signal::Terminate, group, grace } }),
        any_host().prop_map(|process| Fault::KillChild { process, child: None }),
        (any_host(), any::<bool>()).prop_map(|(process, child)| Fault::OutOfMemory { process, child }),
        any_pair().prop_map(|between| Fault::Reset { between }),
        any_pair().prop_map(|between| Fault::HalfOpen { between }),
        (any_pair(), any::<bool>(), any_while()).prop_map(|(between, both, lasting)| Fault::Partition {
            between,
            both,
            lasting
        }),
        any_pair().prop_map(|between| Fault::Heal { between }),
        (any_pair(), after(), after(), any_while()).prop_map(|(between, base, jitter, lasting)| Fault::Latency {
            between,
            base,
            jitter,
            lasting
        }),
        (any_host(), after(), any_while()).prop_map(|(process, pace, lasting)| Fault::SlowConsumer {
            process,
            pace,
            lasting
        }),
        (any_host(), any::<i64>()).prop_map(|(process, by_nanos)| Fault::StepClock { process, by_nanos }),
        (any_host(), after()).prop_map(|(process, after)| Fault::Then {
            first: Box::new(Fault::Kill { process: process.clone() }),
            after,
            next: Box::new(Fault::Restart { process }),
        }),
        Just(Fault::LoseReply),
        Just(Fault::Duplicate),
    ]
}

#[derive(Clone, Debug)]
enum When {
    At(u64),
    On(String, Point, Option<&'static str>, u64),
}

fn any_when() -> impl Strategy<Value = When> {
    let point = prop::sample::select(vec![Point::Before, Point::After, Point::Receiving]);
    let effect = prop::sample::select(vec![None, Some("ping"), Some("pong"), Some("work"), Some("disk.replace")]);
    prop_oneof![
        (0_u64..200_000).prop_map(When::At),
        (any_process(), point, effect, 1_u64..40)
            .prop_map(|(process, point, effect, nth)| { When::On(process, point, effect, nth) }),
    ]
}

fn live(seed: u64, uses_tokio: bool, faults: &[(When, Fault)]) -> Summary {
    let ledger = Rc::new(Ledger::default());
    let world = build(seed, uses_tokio, &ledger);
    for (when, fault) in faults {
        match when {
            When::At(micros) => world.fault_at(Duration::from_micros(*micros), fault.clone()),
            When::On(process, point, effect, nth) => world.fault_on(on(process, *point, *effect, *nth), fault.clone()),
        };
    }
    let stop = world.run(ms(300), 200_000);
    assert!(matches!(stop, Stop::Time | Stop::Idle), "{stop:?}");
    assert_eq!(world.leak(), None);
    for (name, exit) in world.exits() {
        assert!(!matches!(exit, simq_sim::Exit::Panicked(_)), "{name}: {exit}");
    }
    check_order(&ledger, faults.iter().any(|(_, fault)| *fault == Fault::Duplicate));
    check_futures(&world, &ledger);
    let summary = world.summary();
    drop(world);
    assert!(ledger.live.borrow().values().all(|live| *live == 0), "futures outlive their world");
    summary
}

/// What one end heard is what the other said, in order, perhaps cut short.
fn check_order(ledger: &Ledger, duplicates: bool) {
    let said = ledger.said.borrow();
    for (key, heard) in &*ledger.heard.borrow() {
        let mut heard = heard.clone();
        let mut said = said.get(key).cloned().unwrap_or_default();
        if duplicates {
            heard.dedup();
            said.dedup();
        }
        assert!(said.starts_with(&heard), "{key:?}: said {said:?}, heard {heard:?}");
    }
}

/// Of each name, only the latest life can have futures, and none if that has ended.
fn check_futures(world: &World, ledger: &Ledger) {
    let live = ledger.live.borrow();
    for name in HOSTS {
        for process in [name.to_owned(), format!("{name}/1")] {
            let lives: Vec<_> = live.range((process.clone(), 0)..=(process, u32::MAX)).collect();
            for (at, (key, count)) in lives.iter().enumerate() {
                let ended = at + 1 < lives.len() || world.exit_of(name).is_some();
                assert!((0..=2).contains(*count) && (!ended || **count == 0), "{key:?}: {count}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_and_runs_repeat(
        seed: u64,
        uses_tokio: bool,
        faults in prop::collection::vec((any_when(), any_fault()), 0..12),
    ) {
        let once = live(seed, uses_tokio, &faults);
        prop_assert_eq!(once, live(seed, uses_tokio, &faults));
    }
}
