//! The command line: one small file per command.

mod beat;
mod config;
#[cfg(feature = "sim")]
mod determinism;
#[cfg(feature = "sim")]
pub(crate) mod files;
#[cfg(feature = "sim")]
mod jobs;
#[cfg(feature = "sim")]
mod logs;
#[cfg(feature = "sim")]
mod new;
mod output;
#[cfg(feature = "sim")]
mod run;
#[cfg(feature = "sim")]
mod schema;
mod settings;
#[cfg(feature = "sim")]
mod show;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A Celery-compatible task queue whose production code runs inside a deterministic simulated cluster.
///
/// Exit status: 0 all is well, 1 some expectation did not hold, 2 the input was wrong.
#[derive(Parser)]
#[command(name = "simq", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and say whether their expectations held.
    ///
    /// Exit status: 0 all expectations held, 1 some did not, 2 the input was wrong.
    #[cfg(feature = "sim")]
    Run(run::Run),
    /// Write a commented scenario to start from.
    ///
    /// Exit status: 0 it was written, 2 it was not.
    #[cfg(feature = "sim")]
    New(new::New),
    /// List the runs of a schedule.
    ///
    /// Exit status: 0 they were listed, 2 the input was wrong.
    Beat(beat::Beat),
    /// Print the settings that are in effect, and where each value came from.
    ///
    /// Exit status: 0 they are all right, 2 some source is wrong.
    Config(config::Config),
    /// Print the JSON Schema of scenario files.
    ///
    /// Exit status: 0.
    #[cfg(feature = "sim")]
    Schema,
}

/// Everything held.
const OK: u8 = 0;
/// Some expectation did not hold.
#[cfg(feature = "sim")]
const FAILED: u8 = 1;
/// The input was wrong, or the output could not be written.
const BAD_INPUT: u8 = 2;

impl Command {
    fn execute(self) -> u8 {
        match self {
            #[cfg(feature = "sim")]
            Command::Run(run) => run.execute(),
            Command::Beat(beat) => beat.execute(),
            Command::Config(config) => config.execute(),
            #[cfg(feature = "sim")]
            Command::New(new) => new.execute(),
            #[cfg(feature = "sim")]
            Command::Schema => schema::execute(),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let status = Arguments::parse().command.execute();
    ExitCode::from(if output::is_cut_short() { BAD_INPUT } else { status })
}
