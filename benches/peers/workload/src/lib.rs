//! Three micro-workloads that every simulator can run, so that only the runtime under them differs.
//!
//! - [`storm`] (W1): 1,000 tasks that each sleep 1,000 times.
//! - [`ping`] (W2): two nodes and 100,000 round trips of 64 bytes.
//! - [`queue`] (W3): a producer, a broker and four workers that lose jobs.
//!
//! A port supplies a clock, a network and tasks, and one function from a workload and a seed to an [`Outcome`];
//! [`bench()`] does the rest: command line, CPU time, the check that the work was really done, one line of JSON.
//! Nothing here reads a clock or draws randomness of its own: the same seed asks for the same work in every port.

mod bench;
mod lcg;
pub mod ping;
pub mod queue;
pub mod storm;
mod tally;

pub use bench::{Report, Workload, bench, cpu_time};
pub use lcg::Lcg;
pub use tally::{Outcome, Tally};
