//! The command line: one small file per command.

#[cfg(feature = "sim")]
mod again;
mod banner;
mod beat;
mod builtin;
mod call;
#[cfg(feature = "sim")]
mod check;
mod client;
mod commands;
#[cfg(feature = "sim")]
mod compare;
mod config;
#[cfg(feature = "sim")]
mod crashpoints;
#[cfg(feature = "sim")]
mod determinism;
#[cfg(feature = "sim")]
mod explore;
#[cfg(feature = "sim")]
mod explored;
#[cfg(feature = "sim")]
pub(crate) mod files;
#[cfg(feature = "sim")]
mod found;
#[cfg(feature = "sim")]
mod jobs;
mod logs;
#[cfg(feature = "sim")]
mod new;
mod node_name;
mod output;
#[cfg(feature = "sim")]
mod pictures;
#[cfg(feature = "sim")]
mod progress;
mod purge;
mod queues;
#[cfg(feature = "sim")]
mod replay;
mod result;
#[cfg(feature = "sim")]
mod run;
#[cfg(feature = "sim")]
mod schema;
mod settings;
#[cfg(feature = "sim")]
mod show;
mod show_result;
#[cfg(feature = "sim")]
mod shrink;
mod standing;
mod status;
#[cfg(feature = "sim")]
mod steps;
#[cfg(feature = "sim")]
mod variants;
mod worker;

use crate::app::App;
use crate::env::system::leash;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// A Celery-compatible task queue whose production code runs inside a deterministic simulated cluster.
///
/// Exit status: 0 all is well, 1 some expectation did not hold or a task failed, 2 the input was wrong, 3 a result is not
/// there yet, 4 a server can't be reached or refused.
#[derive(Parser)]
#[command(name = "simq", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run tasks.
    ///
    /// SIGTERM, or Ctrl-C once: running tasks finish, the rest goes back. SIGQUIT, or Ctrl-C twice: running tasks are cut
    /// off, and delivered again. Ctrl-C three times: it ends at once.
    ///
    /// Exit status: 0 it was told to end, 1 by Ctrl-C or because it gave the broker up, 2 the input was wrong, 130 it was
    /// ended at once.
    Worker(worker::Worker),
    /// Run the schedule: publish what is due.
    ///
    /// Exit status: 0 it was told to end, or the runs were listed, 2 the input was wrong.
    Beat(beat::Beat),
    /// Call a task, and print its id.
    ///
    /// Exit status: 0 it was sent, or, with --wait, has succeeded, 1 it failed, 2 the input was wrong, 3 no result in time,
    /// 4 a server can't be reached or refused.
    Call(call::Call),
    /// Print the state of a task and what it returned.
    ///
    /// Exit status: 0 it has succeeded, 1 it failed or was revoked, 2 the input was wrong, 3 it is not done, 4 the store
    /// can't be reached.
    Result(result::ResultOf),
    /// Delete what waits in queues.
    ///
    /// Exit status: 0 it was deleted, 2 the input was wrong or the answer was no, 4 the broker can't be reached or refused.
    Purge(purge::Purge),
    /// Print how much waits in queues, and how much is being worked on.
    ///
    /// Exit status: 0, 2 the input was wrong, 4 the broker can't be reached or refused.
    Status(status::Status),
    /// Run scenarios and say whether their expectations held.
    ///
    /// Exit status: 0 all expectations held, 1 some did not, 2 the input was wrong.
    #[cfg(feature = "sim")]
    Run(run::Run),
    /// Search many runs of a scenario for one in which an expectation does not hold.
    ///
    /// Each run has another schedule, other latencies and whatever the file's table [explore] lets it add. A failure is
    /// made as small as can be (Zeller and Hildebrandt: Simplifying and isolating failure-inducing input, TSE 2002) and
    /// saved as a scenario of its own.
    ///
    /// Ctrl-C ends the search, and says what was found until then and how to go on; a second one ends it at once.
    ///
    /// Exit status: 0 nothing was found, 1 something was, 2 the input was wrong, 130 nothing was found until Ctrl-C.
    #[cfg(feature = "sim")]
    Explore(explore::Explore),
    /// Run all schedules of a small scenario, within bounds, instead of many at random.
    ///
    /// First the one with the first choice everywhere, then all with one deviation, with two, and so on (delay bounding:
    /// Emmi and others, POPL 2011), without those that nobody could tell apart (partial-order reduction).
    ///
    /// Exit status: 0 everything expected holds in all of them, 1 one fails, 2 the input was wrong, 130 none failed until
    /// Ctrl-C.
    #[cfg(feature = "sim")]
    Check(check::Check),
    /// Make a failing run as small as can be, and save it as a scenario of its own.
    ///
    /// Exit status: 0 it was saved, 2 it does not fail, or the input was wrong, 130 Ctrl-C ended it, and the smallest until
    /// then was saved.
    #[cfg(feature = "sim")]
    Shrink(shrink::Shrink),
    /// Show a run again, event for event; on a terminal, step through it.
    ///
    /// Exit status: 0 all expectations held, 1 some did not, 2 the input was wrong.
    #[cfg(feature = "sim")]
    Replay(replay::Replay),
    /// Kill each process at each thing that it does, one run for each, and say what came of it.
    ///
    /// Before each effect, after it, and with the reply to it lost; polls and the like only the first few times. A line of
    /// the table is what the calls came to. Exit status: 0 no crash breaks an expectation, and the table is the pinned one,
    /// 1 otherwise, 2 the input was wrong, 130 nothing was broken until Ctrl-C.
    #[cfg(feature = "sim")]
    Crashpoints(crashpoints::Crashpoints),
    /// Run the same story under several settings, and say what each costs.
    ///
    /// Lost and duplicated calls, late ones, delays, executions that were for nothing; and which of the settings are on the
    /// Pareto front. Ctrl-C: of the seeds that all of them have run. Exit status: 0, 2 the input was wrong, 130 Ctrl-C ended
    /// it.
    #[cfg(feature = "sim")]
    Compare(compare::Compare),
    /// Write a commented scenario to start from.
    ///
    /// Exit status: 0 it was written, 2 it was not.
    #[cfg(feature = "sim")]
    New(new::New),
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
/// Some expectation did not hold, or a task failed.
const FAILED: u8 = 1;
/// The input was wrong, or the output could not be written.
const BAD_INPUT: u8 = 2;
/// Ctrl-C ended it before there was an answer; what shells tell of a program that SIGINT has ended.
#[cfg(feature = "sim")]
const INTERRUPTED: u8 = 130;
/// There is no result yet.
const NOT_YET: u8 = 3;
/// A server can't be reached, or refused.
const UNREACHABLE: u8 = 4;

impl Command {
    fn execute(self, app: &App) -> u8 {
        match self {
            Command::Worker(worker) => worker.execute(app),
            Command::Beat(beat) => beat.execute(app),
            Command::Call(call) => call.execute(app),
            Command::Result(result) => result.execute(app),
            Command::Purge(purge) => purge.execute(app),
            Command::Status(status) => status.execute(app),
            Command::Config(config) => config.execute(app),
            #[cfg(feature = "sim")]
            Command::Run(run) => run.execute(),
            #[cfg(feature = "sim")]
            Command::Explore(explore) => explore.execute(),
            #[cfg(feature = "sim")]
            Command::Check(check) => check.execute(),
            #[cfg(feature = "sim")]
            Command::Shrink(shrink) => shrink.execute(),
            #[cfg(feature = "sim")]
            Command::Replay(replay) => replay.execute(),
            #[cfg(feature = "sim")]
            Command::Crashpoints(crashpoints) => crashpoints.execute(),
            #[cfg(feature = "sim")]
            Command::Compare(compare) => compare.execute(),
            #[cfg(feature = "sim")]
            Command::New(new) => new.execute(),
            #[cfg(feature = "sim")]
            Command::Schema => schema::execute(),
        }
    }
}

/// Runs the command line of this process, with the tasks of the `simq` command.
pub fn main() -> ExitCode {
    builtin::app().run_cli()
}

impl App {
    /// The command line of `simq` with this application's tasks: `worker`, `beat`, `call`, `result`, `purge`, `status`,
    /// `config`. Returns what `main` is to return.
    ///
    /// Files, variables and flags are laid over the settings that the application was made with. Call it first thing in
    /// `main`, once tasks are registered: to run a command task, a worker starts this same program with arguments of its
    /// own.
    ///
    /// ```no_run
    /// use simq::{App, TaskContext};
    /// use std::process::ExitCode;
    ///
    /// fn main() -> ExitCode {
    ///     let app = App::new("shop");
    ///     app.task("shop.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    ///     app.run_cli() // shop worker --broker redis://localhost
    /// }
    /// ```
    pub fn run_cli(&self) -> ExitCode {
        let mut arguments = std::env::args_os().skip(1);
        if arguments.next().is_some_and(|first| first == leash::COMMAND) {
            return leash::run(arguments);
        }
        // The name under which it is started stands in its help.
        let matches = Arguments::command().bin_name(self.name()).get_matches();
        match Arguments::from_arg_matches(&matches) {
            Ok(arguments) => {
                let status = arguments.command.execute(self);
                ExitCode::from(if output::is_cut_short() { BAD_INPUT } else { status })
            }
            Err(error) => error.exit(),
        }
    }
}
