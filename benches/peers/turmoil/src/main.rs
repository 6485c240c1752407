//! The micro-workloads on turmoil.
//!
//! How it compares to the rules of the workloads:
//!
//! - Time moves in ticks of 1 ms, the coarsest that the workloads allow; each tick visits every host and link whether
//!   or not something is due. Latencies and sleeps are therefore whole milliseconds.
//! - Messages are datagrams of simulated UDP. Latency follows turmoil's clipped exponential curve; for the queue its
//!   rate is set so that the mean is 3 ms, as between 1 and 5 ms with equal chances.
//! - Hosts are visited in a fixed order and tokio's queue is first-in-first-out: the seed changes latencies only.
//!   There is no trace, no hash of the run and no invariant check after each event.
//! - A worker that loses a job stays alive and sleeps; its host is not crashed.

use std::{
    cell::Cell,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    rc::Rc,
    time::Duration,
};

use turmoil::{Builder, Sim, net::UdpSocket};
use workload::{Outcome, Workload};

mod ping;
mod queue;
mod storm;

/// Of virtual time; no workload takes a quarter of it.
const TIME_LIMIT: Duration = Duration::from_secs(3_600);

const PORT: u16 = 7000;

fn main() {
    workload::bench("turmoil", |workload, seed| match workload {
        Workload::W1 => storm::run(seed),
        Workload::W2 => ping::run(seed),
        Workload::W3 => queue::run(seed),
    });
}

fn simulation<'a>(seed: u64, latency: RangeInclusive<Duration>) -> Sim<'a> {
    Builder::new()
        .rng_seed(seed)
        .tick_duration(Duration::from_millis(1))
        .simulation_duration(TIME_LIMIT)
        .min_message_latency(*latency.start())
        .max_message_latency(*latency.end())
        .build()
}

/// Runs until `client`, the only one, has ended.
fn run(mut sim: Sim<'_>, name: &str, client: impl Future<Output = turmoil::Result<Outcome>> + 'static) -> Outcome {
    let outcome = Rc::new(Cell::new(Outcome::default()));
    let slot = outcome.clone();
    sim.client(name, async move {
        slot.set(client.await?);
        Ok(())
    });
    sim.run().expect("a host failed");
    outcome.get()
}

async fn bind() -> std::io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await
}

fn address(host: &str) -> SocketAddr {
    SocketAddr::new(turmoil::lookup(host), PORT)
}
