use madsim::{
    task::spawn,
    time::{Instant, sleep},
};
use workload::{Outcome, Tally, storm};

pub fn run(seed: u64) -> Outcome {
    let latency = workload::ping::LATENCY;
    crate::runtime(seed, latency..latency * 2).block_on(async move {
        let start = Instant::now();
        let tasks: Vec<_> = (0..storm::TASKS)
            .map(|task| {
                spawn(async move {
                    let mut tally = Tally::default();
                    for pause in storm::pauses(seed, task) {
                        sleep(pause).await;
                        tally.record(storm::millis(pause));
                    }
                    tally
                })
            })
            .collect();
        let mut done = Tally::default();
        for task in tasks {
            done.merge(task.await.expect("a sleeper ended early"));
        }
        Outcome { operations: done.count, virtual_time: start.elapsed(), done }
    })
}
