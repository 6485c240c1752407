//! Hunts for planted faults, and prints the table of `docs/exploration.md`:
//! `cargo run --release --features planted --bin hunt`.

#![allow(clippy::disallowed_methods, reason = "the real world is what is measured")]
#![allow(clippy::print_stdout, reason = "a program's output")]

mod search;

use clap::Parser;
use search::{Found, Limit, Story, explored, hunt, stories};
use simq::planted::Fault;
use std::path::PathBuf;
use std::process::ExitCode;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Hunts for planted faults.
#[derive(Parser)]
struct Arguments {
    /// These faults; none is all.
    faults: Vec<String>,
    /// CPU seconds for each fault.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// In these stories; none is all.
    #[arg(long)]
    story: Vec<String>,
    /// Save the shrunk stories here.
    #[arg(long)]
    save: Option<PathBuf>,
    /// With no fault planted: so many runs of each story, none of which may fail.
    #[arg(long)]
    sound: Option<u64>,
}

fn main() -> Result<ExitCode, Error> {
    let arguments = Arguments::parse();
    let mut stories = stories();
    stories.retain(|story| arguments.story.is_empty() || arguments.story.contains(&story.name));
    if let Some(runs) = arguments.sound {
        return are_sound(&stories, runs, arguments.jobs);
    }
    let limit = Limit { cpu: arguments.seconds, runs: u64::MAX, jobs: arguments.jobs };
    let named =
        |fault: &&Fault| arguments.faults.is_empty() || arguments.faults.iter().any(|name| *name == fault.name());
    let mut results = Vec::new();
    println!("| fault | what is wrong | found as | in | by | runs | CPU s | calls | workers | faults |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for fault in Fault::ALL.iter().filter(named) {
        let found = hunt(*fault, &stories, limit)?;
        println!("{}", row(*fault, found.as_ref()));
        if let (Some(found), Some(folder)) = (&found, &arguments.save) {
            std::fs::write(folder.join(format!("{}.toml", fault.name())), &found.shrunk.text)?;
        }
        results.push(found);
    }
    println!("\n{}", summary(&results));
    Ok(if results.iter().all(Option::is_some) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(fault: Fault, found: Option<&Found>) -> String {
    let (name, about) = (fault.name(), fault.about());
    let Some(found) = found else { return format!("| `{name}` | {about} | **not found** | | | | | | | |") };
    let (outcome, story, strategy) = (&found.failure.signature.outcome, &found.story, found.failure.strategy);
    let (runs, cpu, size) = (found.runs, found.cpu, found.shrunk.size);
    let (tasks, workers, faults) = (size.tasks, size.workers, size.faults);
    format!(
        "| `{name}` | {about} | {outcome} | {story} | {strategy} | {runs} | {cpu:.1} | {tasks} | {workers} | {faults} |"
    )
}

fn summary(results: &[Option<Found>]) -> String {
    let found: Vec<&Found> = results.iter().flatten().collect();
    let median = |of: &dyn Fn(&Found) -> f64| {
        let mut values: Vec<f64> = found.iter().map(|found| of(found)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let slowest = found.iter().map(|found| found.cpu).fold(0.0, f64::max);
    format!(
        "{} of {} found. CPU seconds: median {:.1}, slowest {slowest:.1}. Medians of the shrunk stories: {} calls, {} \
         workers, {} faults, {:.1} CPU seconds to shrink.",
        found.len(),
        results.len(),
        median(&|found| found.cpu),
        median(&|found| found.shrunk.size.tasks as f64),
        median(&|found| found.shrunk.size.workers as f64),
        median(&|found| found.shrunk.size.faults as f64),
        median(&|found| found.shrink_cpu),
    )
}

fn are_sound(stories: &[Story], runs: u64, jobs: u32) -> Result<ExitCode, Error> {
    let mut status = ExitCode::SUCCESS;
    for story in stories {
        let began = search::cpu_seconds();
        let (made, failure) = explored(story, runs, jobs, || true)?;
        let cpu = search::cpu_seconds() - began;
        match failure {
            None => println!("{}: {made} runs, none fails ({cpu:.1} CPU s)", story.name),
            Some(failure) => {
                println!(
                    "{}: run {made} fails ({}, seed {}): {}",
                    story.name, failure.strategy, failure.seed, failure.signature
                );
                println!("{}", search::shrunk(story, &failure)?.text);
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}
