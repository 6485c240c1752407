use std::{cell::Cell, rc::Rc};

use simq_sim::{Config, Stop};
use workload::{Outcome, Tally, storm};

use crate::Run;

pub(crate) fn run(seed: u64) -> Run {
    let done = Rc::new(Cell::new(Tally::default()));
    let world = crate::world(Config::new(seed));
    let total = done.clone();
    world.define("storm", move |process| {
        for task in 0..storm::TASKS {
            let (inner, total) = (process.clone(), total.clone());
            process.spawn(async move {
                let mut tally = Tally::default();
                for pause in storm::pauses(seed, task) {
                    inner.sleep(pause).await;
                    tally.record(storm::millis(pause));
                }
                tally.merge(total.get());
                total.set(tally);
            });
        }
    });
    world.start("storm");
    let summary = crate::finish(&world, Stop::Idle);
    let done = done.get();
    Run { outcome: Outcome { operations: done.count, virtual_time: world.now(), done }, summary }
}
