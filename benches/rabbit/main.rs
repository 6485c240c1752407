//! Tasks through a real RabbitMQ, with results on a Redis: how fast they are published, drained, and come back; next to
//! Python's Celery, to the crate `celery`, and to a bare loop of lapin's that carries the same messages, all in one run.
//!
//! ```sh
//! benches/queues/run.sh rabbit                   # builds the other crate and runs everything, three rounds
//! cargo bench --bench rabbit                     # one round
//! cargo bench --bench rabbit -- drain            # lines with this in their name
//! ```
//!
//! Each arm has a virtual host and a redis-server of its own; all share one node. What is common with the bench on Redis is
//! in `benches/queues`.

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]
#![allow(dead_code, reason = "what is shared with the bench on Redis is used there as a whole")]

#[path = "../queues/celery_arms.rs"]
mod celery_arms;
mod limit;
#[path = "../queues/peer_arms.rs"]
mod peer_arms;
#[path = "../queues/processes.rs"]
mod processes;
#[path = "../queues/producers.rs"]
mod producers;
#[path = "../queues/rounds.rs"]
mod rounds;
#[path = "../../tests/servers/running.rs"]
mod running;
mod server;
#[path = "../../tests/servers/mod.rs"]
mod servers;
#[path = "../queues/simq_arms.rs"]
mod simq_arms;
#[path = "../queues/table.rs"]
mod table;
#[path = "../queues/workers.rs"]
mod workers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !simq_arms::play(&arguments) {
        rounds::run(arguments);
    }
}
