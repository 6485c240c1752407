//! The micro-workloads on madsim.
//!
//! How it compares to the rules of the workloads:
//!
//! - Messages go over simulated TCP, one write and one flush per frame. It is madsim's cheapest network path (one
//!   timer a message); its datagrams wait for two further timers of at least 1 ms, one at the sender and one at the
//!   receiver.
//! - A latency that ends less than 1 ms from the receiver's read is rounded up to 1 ms, as is every sleep. Each task
//!   that runs also moves the clock on by 50 to 100 ns, so virtual times are a little longer than the exact ones.
//! - Frames of one connection never overtake each other.
//! - The ready task that runs next is drawn from the seed. There is no trace, no hash of the run and no invariant
//!   check after each event.
//! - A worker that loses a job stays alive and sleeps; its node is not killed.

#[cfg(not(madsim))]
compile_error!("build with RUSTFLAGS=\"--cfg madsim\", as .cargo/config.toml of this workspace does");

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Range,
    time::Duration,
};

use madsim::{Config, runtime::Runtime};
use workload::Workload;

mod ping;
mod queue;
mod storm;

/// Of virtual time; no workload takes a quarter of it.
const TIME_LIMIT: Duration = Duration::from_secs(3_600);

fn main() {
    workload::bench("madsim", |workload, seed| match workload {
        Workload::W1 => storm::run(seed),
        Workload::W2 => ping::run(seed),
        Workload::W3 => queue::run(seed),
    });
}

fn runtime(seed: u64, latency: Range<Duration>) -> Runtime {
    let mut config = Config::default();
    config.net.send_latency = latency;
    let mut runtime = Runtime::with_seed_and_config(seed, config);
    runtime.set_time_limit(TIME_LIMIT);
    runtime
}

/// The address of node `n`.
fn address(n: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n)), 7000)
}
