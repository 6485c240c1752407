//! W3, a queue whose workers lose jobs.
//!
//! One producer publishes each job when the one before it is confirmed. Four workers fetch, work, acknowledge and
//! fetch again; one delivery in fifty is lost with its worker, who is away for a second and then fetches again. The
//! broker gives an unacknowledged job to another worker after the visibility timeout. A run ends when the broker has
//! acknowledgements for all jobs. Latency is [`LATENCY`], one way, for each message.
//!
//! Whether a delivery is lost depends on seed, job and attempt only, so every port loses the same ones in whatever
//! order its network delivers.
//!
//! | sender   | message   | answer of the broker                                  |
//! |----------|-----------|-------------------------------------------------------|
//! | producer | `Publish` | `Confirm`; `Deliver` if a worker waits                |
//! | worker   | `Fetch`   | `Deliver` as soon as a job is ready                   |
//! | worker   | `Ack`     | none                                                  |
//!
//! Before each message and on every [`SWEEP`] the broker looks at all jobs in flight for expired ones.

use std::{ops::RangeInclusive, time::Duration};

use crate::{Lcg, Tally};

mod broker;
mod message;

pub use broker::{Broker, Ledger, Step};
pub use message::{FRAME, Frame, Message};

pub const JOBS: u32 = 1_000;
pub const WORKERS: u64 = 4;
pub const LATENCY: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(5);
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(10);
pub const SWEEP: Duration = Duration::from_millis(500);
pub const AWAY: Duration = Duration::from_secs(1);
const LOST_ONE_IN: u32 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: u32,
    /// How long a worker works on it, in milliseconds.
    pub work_ms: u16,
    /// Deliveries that timed out before this one.
    pub attempt: u16,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The worker works this long and acknowledges.
    Done(Duration),
    /// The worker loses the job and is away for [`AWAY`].
    Lost,
}

/// The jobs in the order in which they are published; 5 to 50 ms of work each.
pub fn jobs(seed: u64) -> impl Iterator<Item = Job> {
    let mut lcg = Lcg::new(seed, 0);
    (0..JOBS).map(move |id| Job { id, work_ms: lcg.between(5, 50) as u16, attempt: 0 })
}

pub fn fate(seed: u64, job: Job) -> Fate {
    let delivery = 1 + (u64::from(job.id) << 16 | u64::from(job.attempt));
    if Lcg::new(seed, delivery).between(1, LOST_ONE_IN) == 1 {
        Fate::Lost
    } else {
        Fate::Done(Duration::from_millis(u64::from(job.work_ms)))
    }
}

/// What the broker records for an acknowledged job.
fn fingerprint(job: Job) -> u64 {
    u64::from(job.id) << 32 | u64::from(job.work_ms) << 16 | u64::from(job.attempt)
}

/// The tally of a port that delivered, lost and redelivered everything as it should.
pub fn expected(seed: u64) -> Tally {
    let mut tally = Tally::default();
    for mut job in jobs(seed) {
        while fate(seed, job) == Fate::Lost {
            job.attempt += 1;
        }
        tally.record(fingerprint(job));
    }
    tally
}
