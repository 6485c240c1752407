//! Tasks through a real RabbitMQ, with results on a Redis: how fast they are published, drained, and come back; next to
//! Python's Celery, and to a bare loop of lapin's that does the least that the same protocol needs, all in one run.
//!
//! ```sh
//! cargo bench --bench rabbit                     # one round
//! cargo bench --bench rabbit -- --rounds 3       # medians of three
//! cargo bench --bench rabbit -- drain            # lines with this in their name
//! ```
//!
//! Each arm has a virtual host and a redis-server of its own; all share one node. What is common with the bench on Redis is
//! in its folder.

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]
#![allow(dead_code, reason = "what is shared with the bench on Redis is used there as a whole")]

mod bare;
#[path = "../redis/celery_arms.rs"]
mod celery_arms;
#[path = "../redis/processes.rs"]
mod processes;
#[path = "../redis/producers.rs"]
mod producers;
mod rounds;
#[path = "../../tests/servers/running.rs"]
mod running;
mod server;
#[path = "../../tests/servers/mod.rs"]
mod servers;
#[path = "../redis/simq_arms.rs"]
mod simq_arms;
#[path = "../redis/table.rs"]
mod table;
#[path = "../redis/workers.rs"]
mod workers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let mut bench = rounds::Bench::new(tasks, only);
    for round in 1..=rounds {
        eprintln!("== round {round} of {rounds}");
        bench.round();
    }
    bench.print();
}
