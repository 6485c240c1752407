use tokio::time::sleep;
use workload::{Outcome, Tally, storm};

pub fn run(seed: u64) -> Outcome {
    let latency = workload::ping::LATENCY;
    crate::run(crate::simulation(seed, latency..=latency), "storm", async move {
        let tasks: Vec<_> = (0..storm::TASKS)
            .map(|task| {
                tokio::spawn(async move {
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
            done.merge(task.await?);
        }
        Ok(Outcome { operations: done.count, virtual_time: turmoil::elapsed(), done })
    })
}
