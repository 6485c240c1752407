//! Tasks through a real Redis: how fast they are published, drained, and come back; next to Python's Celery, to other
//! crates, and to a bare loop of the least commands that the same protocol needs, all in one run.
//!
//! ```sh
//! benches/redis/run.sh                          # builds the other crates and runs everything, three rounds
//! cargo bench --bench redis                     # one round
//! cargo bench --bench redis -- --tasks 100000   # more
//! cargo bench --bench redis -- drain            # lines with this in their name
//! ```
//!
//! Each arm has a redis-server of its own, without persistence. Arms that are not installed are left out, with a line that
//! says how to get them.
//!
//! | file | holds |
//! |---|---|
//! | `simq_arms`, `celery_arms`, `peer_arms`, `bare` | who takes part, and how it is started |
//! | `workers`, `producers` | what is done with them |
//! | `processes`, `server` | what the kernel and Redis say that it took |
//! | `simulated` | commands a task, exact |
//! | `table` | medians and ratios |

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]

mod bare;
mod celery_arms;
mod peer_arms;
mod processes;
mod producers;
mod rounds;
#[path = "../../tests/servers/running.rs"]
mod running;
mod server;
#[path = "../../tests/servers/mod.rs"]
mod servers;
mod simq_arms;
mod simulated;
mod table;
mod workers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use rounds::Bench;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if simq_arms::play(&arguments) {
        return;
    }
    let (mut tasks, mut rounds, mut only) = (20_000, 1, String::new());
    let mut arguments = arguments.into_iter();
    let number = |text: Option<String>, default| text.and_then(|text| text.parse().ok()).unwrap_or(default);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tasks" => tasks = number(arguments.next(), tasks),
            "--rounds" => rounds = number(arguments.next(), rounds),
            "--bench" => {}
            other => only = other.to_owned(),
        }
    }
    let mut bench = Bench::new(tasks, only);
    for round in 1..=rounds {
        eprintln!("== round {round} of {rounds}");
        bench.round();
    }
    bench.print();
}
