//! W1, the timer storm: every task sleeps again and again, nothing else happens.
//!
//! Each task runs `for pause in pauses(seed, task) { sleep(pause).await; tally.record(millis(pause)) }`.

use std::time::Duration;

use crate::{Lcg, Tally};

pub const TASKS: u64 = 1_000;
pub const SLEEPS: usize = 1_000;

/// The sleeps of one task, 1 to 1,000 ms each.
pub fn pauses(seed: u64, task: u64) -> impl Iterator<Item = Duration> {
    let mut lcg = Lcg::new(seed, task);
    (0..SLEEPS).map(move |_| Duration::from_millis(u64::from(lcg.between(1, 1_000))))
}

/// What a task records for a sleep that has ended.
pub fn millis(pause: Duration) -> u64 {
    pause.as_millis() as u64
}

/// The tally of a port that fired every timer.
pub fn expected(seed: u64) -> Tally {
    let mut tally = Tally::default();
    for task in 0..TASKS {
        for pause in pauses(seed, task) {
            tally.record(millis(pause));
        }
    }
    tally
}
