//! The micro-workloads on simq's own simulator.
//!
//! How it compares to the rules of the workloads:
//!
//! - Messages go over simulated connections, one boxed payload of 64 bytes per message; latencies and sleeps are exact
//!   to the nanosecond. Frames of one connection never overtake each other.
//! - The ready task that runs next is drawn from the seed. Every message is recorded twice, when it is sent and when it
//!   arrives, and every record enters the hash of the run together with a hash of the message's bytes.
//! - W3 also keeps a ledger: the broker reports what becomes of each job, and a table outside of the world is checked
//!   when the run ends.
//! - W3's broker is an actix actor, because that is what simq is for; everything else is plain tasks, as all of it is in
//!   the other ports. With actors for the workers too, 0.95 times as many seeds ran per CPU second: an actor polls its
//!   mailbox and everything it has spawned each time it wakes.
//! - No program uses tokio's timers, so the world does not keep tokio's clock in step with its own.
//! - A worker that loses a job stays alive and sleeps; its process is not killed.

use std::time::Duration;

use simq_sim::{Config, Stop, Summary, World};
use workload::{Outcome, Workload};

mod ledger;
mod packet;
mod ping;
mod queue;
mod storm;

/// Of virtual time; no workload takes a quarter of it.
const TIME_LIMIT: Duration = Duration::from_secs(3_600);

/// Of records in the trace; no workload makes a tenth of it.
const EVENT_LIMIT: u64 = 10_000_000;

/// One workload with one seed.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub outcome: Outcome,
    /// With the hash of everything that happened.
    pub summary: Summary,
}

pub fn run(workload: Workload, seed: u64) -> Run {
    match workload {
        Workload::W1 => storm::run(seed),
        Workload::W2 => ping::run(seed),
        Workload::W3 => queue::run(seed),
    }
}

/// Runs a world to the end that is expected of it.
fn finish(world: &World, expected: Stop) -> Summary {
    let stop = world.run(TIME_LIMIT, EVENT_LIMIT);
    assert_eq!(stop, expected, "after {:?}; exits: {:?}", world.now(), world.exits());
    assert_eq!(world.leak(), None);
    world.summary()
}

fn world(config: Config) -> World {
    World::new(config).expect("a world outside of any runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_trace() {
        for workload in [Workload::W1, Workload::W2, Workload::W3] {
            let first = run(workload, 1);
            assert_eq!(first.summary, run(workload, 1).summary, "{workload}");
            assert_ne!(first.summary.hash, run(workload, 2).summary.hash, "{workload}");
        }
    }
}
