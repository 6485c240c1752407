//! How time and memory grow: with workers, tasks, queued messages and years, and what the embedded queue does in
//! production. Small sizes by default, so that a run takes seconds:
//!
//! ```sh
//! cargo bench --bench scale                                # small
//! cargo bench --bench scale -- --full                      # the figures of docs/performance.md
//! cargo bench --bench scale -- --full --rounds 5 workers   # one part
//! ```
//!
//! Each measurement is a process of its own, which measures itself through `/proc` (Linux only): its memory is nobody
//! else's. Rounds go through all measurements in turn, and the median of each counts, so that a noisy minute strikes all
//! of them alike.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark looks at the real clock and starts processes"
)]

mod beat;
mod cluster;
mod embedded;
mod engine;
mod measure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use measure::{Error, Figures};
use std::env::args;
use std::fmt::Display;

/// One measurement: its part, its arguments, its line in the table.
struct Case {
    part: &'static str,
    arguments: Vec<String>,
}

fn case(part: &'static str, arguments: &[&dyn Display]) -> Case {
    Case { part, arguments: arguments.iter().map(|argument| argument.to_string()).collect() }
}

fn cases(full: bool) -> Vec<Case> {
    let (few, many) = if full { (100_000, [10_000, 100_000, 1_000_000]) } else { (2_000, [500, 1_000, 2_000]) };
    let [_, _, most] = many;
    let mut cases = Vec::new();
    cases.extend([10, 100, 1_000].map(|workers| case("workers", &[&few, &workers])));
    cases.extend(many.map(|tasks| case("tasks", &[&tasks, &4])));
    cases.extend(many.map(|tasks| case("burst", &[&tasks, &4])));
    cases.extend(many.map(|messages| case("engine", &[&messages])));
    let years = if full { 10 } else { 1 };
    cases.extend(["dry-run", "cluster"].map(|how| case("beat", &[&how, &years])));
    cases.push(case("embedded", &[&"backlog", &most, &"memory"]));
    for mode in ["memory", "never", "everysec", "always"] {
        cases.push(case("embedded", &[&"drain", &few, &mode]));
        cases.push(case("embedded", &[&"trips", &(few / 20), &mode]));
    }
    cases
}

/// In a process of its own.
fn measure(part: &str, arguments: &[String]) -> Result<Figures, Error> {
    let number = |at: usize| -> Result<u64, Error> { Ok(arguments.get(at).ok_or("an argument is missing")?.parse()?) };
    let text = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    match part {
        "workers" | "tasks" => cluster::steady(number(0)?, number(1)?),
        "burst" => cluster::burst(number(0)?, number(1)?),
        "engine" => engine::queued(number(0)?),
        "beat" if text(0) == "cluster" => beat::cluster(number(1)?),
        "beat" => beat::dry_run(number(1)?),
        "embedded" => match text(0) {
            "drain" => embedded::drain(number(1)?, text(2)),
            "backlog" => embedded::backlog(number(1)?, text(2)),
            _ => embedded::trips(number(1)?, text(2)),
        },
        _ => Err(format!("there is no part {part:?}").into()),
    }
}

fn main() -> Result<(), Error> {
    // Cargo says --bench, or --test when all that counts is whether it runs.
    let mut words: Vec<String> = args().skip(1).filter(|word| word != "--bench" && word != "--test").collect();
    if words.first().is_some_and(|word| word == "--one") {
        let figures = measure(words.get(1).map_or("", String::as_str), &words[2..])?;
        print!("{figures}");
        return Ok(());
    }
    let full = words.iter().any(|word| word == "--full");
    words.retain(|word| word != "--full");
    let mut rounds = if full { 3 } else { 1 };
    if let Some(at) = words.iter().position(|word| word == "--rounds") {
        rounds = words.get(at + 1).ok_or("--rounds needs a number")?.parse()?;
        words.drain(at..at + 2);
    }
    let mut cases = cases(full);
    cases.retain(|case| words.is_empty() || words.iter().any(|word| word == case.part));
    measure::rounds(&cases, rounds)
}
