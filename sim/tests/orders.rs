//! Strategies of scheduling, recorded choices and pinned schedules.

use simq_sim::{Config, Order, Pins, Summary, World};
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// Lets others run that are ready.
async fn yields() {
    let mut again = true;
    poll_fn(|cx| match std::mem::take(&mut again) {
        true => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        false => Poll::Ready(()),
    })
    .await;
}

/// Tasks of two processes that are all ready again and again, and say so. Returns what they said.
fn race(seed: u64, order: Order, record: bool) -> (Vec<usize>, Summary, Option<Pins>) {
    let world = World::new(Config { order, record, ..Config::new(seed) }).expect("a world");
    let said = Rc::new(RefCell::new(Vec::new()));
    for (host, first) in [("a", 0), ("b", 10)] {
        let said = said.clone();
        world.define(host, move |process| {
            for number in first..first + 5 {
                let said = said.clone();
                process.spawn(async move {
                    for _ in 0..4 {
                        yields().await;
                        said.borrow_mut().push(number);
                    }
                });
            }
        });
        world.start(host);
    }
    world.run(Duration::from_secs(1), 10_000);
    let (summary, pins) = (world.summary(), world.recorded());
    drop(world);
    (said.take(), summary, pins)
}

#[test]
fn recording_changes_nothing() {
    let (said, summary, pins) = race(7, Order::Uniform, false);
    assert!(pins.is_none());
    let (again, recorded, pins) = race(7, Order::Uniform, true);
    assert_eq!((said, summary), (again, recorded));
    assert!(!pins.expect("they were recorded").is_empty());
}

#[test]
fn what_was_recorded_makes_the_same_run_again() {
    for order in [Order::Uniform, Order::Pct { changes: 3, steps: 40 }] {
        for seed in 0..50 {
            let (said, summary, pins) = race(seed, order.clone(), true);
            let pins = pins.expect("they were recorded");
            let (again, pinned, recorded) = race(seed, Order::Pinned(pins.clone()), true);
            assert_eq!((said, summary), (again, pinned));
            assert_eq!(recorded, Some(pins));
        }
    }
}

#[test]
fn without_pins_whoever_waits_longest_runs_first_on_every_seed() {
    let (said, ..) = race(1, Order::Pinned(Pins::default()), false);
    let round: Vec<usize> = (0..5).chain(10..15).collect();
    assert_eq!(said, round.repeat(4));
    assert_eq!(race(2, Order::Pinned(Pins::default()), true).0, said);
}

#[test]
fn one_pin_is_one_change() {
    let one = Pins { tasks: vec![(0, 9)], delays: Vec::new() };
    let (said, ..) = race(1, Order::Pinned(one), false);
    let (first, ..) = race(1, Order::Pinned(Pins::default()), false);
    assert_ne!(said, first);
    let (mut a, mut b) = (said, first);
    a.sort_unstable();
    b.sort_unstable();
    assert_eq!(a, b, "the same is said, in another order");
}

#[test]
fn pins_beyond_what_there_is_mean_the_last() {
    let far = Pins { tasks: vec![(0, u64::MAX), (1_000_000, 3)], delays: vec![(5, u64::MAX)] };
    assert_eq!(race(1, Order::Pinned(far), false).0.len(), 40);
}

/// Whoever is above the others runs until it is done, unless it falls on the way.
#[test]
fn the_highest_priority_runs_to_the_end_between_change_points() {
    let orders: Vec<Vec<usize>> =
        (0..30).map(|seed| race(seed, Order::Pct { changes: 0, steps: 40 }, false).0).collect();
    let is_whole = |said: &Vec<usize>| said.chunks(4).all(|chunk| chunk.iter().all(|number| *number == chunk[0]));
    assert!(orders.iter().all(is_whole), "{orders:?}");
    assert!(orders.windows(2).any(|pair| pair[0] != pair[1]), "each seed has priorities of its own");
    let changed = (0..30).filter(|seed| !is_whole(&race(*seed, Order::Pct { changes: 2, steps: 40 }, false).0));
    assert!(changed.count() > 10);
}
