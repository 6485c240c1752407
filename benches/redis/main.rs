//! Tasks through a real Redis: how fast they are published, drained, and come back; next to Python's Celery, to other
//! crates, and to a bare loop of the least commands that the same protocol needs, all in one run.
//!
//! ```sh
//! benches/queues/run.sh redis                   # builds the other crates and runs everything, three rounds
//! cargo bench --bench redis                     # one round
//! cargo bench --bench redis -- --tasks 100000   # more
//! cargo bench --bench redis -- drain            # lines with this in their name
//! ```
//!
//! Each arm has a redis-server of its own, without persistence. Arms that are not installed are left out, with a line that
//! says how to get them. `simulated` counts commands a task, exactly; the rest is in its own folder, shared with the bench
//! on RabbitMQ:
//!
//! | file | holds |
//! |---|---|
//! | `simq_arms`, `celery_arms`, `peer_arms`, and here `limit` | who takes part, and how it is started |
//! | `rounds` | when it is whose turn |
//! | `workers`, `producers` | what is done with them |
//! | `processes`, and here `server` | what the kernel and the server say that it took |
//! | `table` | medians and ratios |

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]

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
mod simulated;
#[path = "../queues/table.rs"]
mod table;
#[path = "../queues/workers.rs"]
mod workers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !simq_arms::play(&arguments) {
        let bench = rounds::run(arguments);
        if "commands".contains(&bench.only) {
            simulated::print();
        }
    }
}
