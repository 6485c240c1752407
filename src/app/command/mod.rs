//! Command tasks: programs of any language that a worker runs as tasks.
//!
//! A program reads its call on standard input, `{"args": [...], "kwargs": {...}}`, and writes what it returns on standard
//! output: one JSON value, or nothing for null. An exit status other than 0 is a failure, with the end of standard error
//! in its traceback. It runs in a process group of its own, which is killed when its task is: by the hard time limit, a
//! cold shutdown, a revoke that terminates, and when the worker itself is gone. The soft time limit sends it SIGTERM.

mod config;

use super::{App, Failure, Given, TaskContext, TaskError, TaskOptions, TaskResult};
use crate::env::{Program, ProgramEnd, RunningProgram};
use serde_json::value::RawValue;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long a program may take to end after the soft time limit, where no hard one ends it before.
const FAREWELL: Duration = Duration::from_secs(10);
/// Characters of output and errors that a message quotes.
const QUOTED: usize = 200;

/// A task that is a program.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) name: Arc<str>,
    program: String,
    args: Vec<String>,
    variables: Vec<(String, String)>,
    directory: Option<String>,
    max_output: usize,
    options: TaskOptions,
}

impl App {
    /// Registers a command task; it replaces one of its name.
    pub(crate) fn add_command(&self, command: Command) {
        let (name, options) = (command.name.clone(), command.options.clone());
        let command = Arc::new(command);
        let _ = self.task_with(&name, options, move |ctx: TaskContext, given: Given| {
            let command = command.clone();
            async move { command.run(&ctx, &given).await }
        });
    }
}

impl Command {
    async fn run(&self, ctx: &TaskContext, given: &Given) -> TaskResult<Box<RawValue>> {
        let mut running = ctx
            .env()
            .start_program(self.program(ctx, given)?)
            .map_err(|error| TaskError::Failure(Failure::new("NotStarted", error.to_string()).in_module("simq")))?;
        let (end, softly) = wait(ctx, &mut *running).await;
        let Some(end) = end else { return Err(soft_time_limit().into()) };
        if end.overflowed {
            let text = format!("wrote more than {} bytes on standard output", self.max_output);
            return Err(failure("OutputTooLarge", text, &end).into());
        }
        if end.status != Some(0) {
            let last = String::from_utf8_lossy(&end.errors);
            let last = last.lines().rfind(|line| !line.trim().is_empty()).map(quoted).unwrap_or_default();
            let text = if last.is_empty() { end.how.clone() } else { format!("{}: {last}", end.how) };
            return Err(if softly { soft_time_limit() } else { failure("CommandFailed", text, &end) }.into());
        }
        result(&end).map_err(TaskError::Failure)
    }

    fn program(&self, ctx: &TaskContext, given: &Given) -> TaskResult<Program> {
        let mut variables = self.variables.clone();
        for (name, value) in [
            ("SIMQ_TASK_ID", ctx.id().to_owned()),
            ("SIMQ_TASK_NAME", ctx.name().to_owned()),
            ("SIMQ_TASK_RETRIES", ctx.retries().to_string()),
        ] {
            variables.push((name.to_owned(), value));
        }
        Ok(Program {
            program: self.program.clone(),
            args: self.args.clone(),
            variables,
            directory: self.directory.clone(),
            input: serde_json::to_vec(given)?,
            max_output: self.max_output,
        })
    }
}

/// Waits for the program's end; `None` when it outlived the soft time limit for too long. Says whether that has passed.
async fn wait(ctx: &TaskContext, running: &mut dyn RunningProgram) -> (Option<ProgramEnd>, bool) {
    let mut ended = running.ended();
    let mut limit = Box::pin(ctx.soft_time_limit_exceeded());
    let by_itself = poll_fn(|cx| match ended.as_mut().poll(cx) {
        Poll::Ready(end) => Poll::Ready(Some(end)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await;
    if by_itself.is_some() {
        return (by_itself, false);
    }
    running.terminate();
    (ctx.env().timeout(FAREWELL, ended).await.ok(), true)
}

fn soft_time_limit() -> Failure {
    Failure { message: Vec::new(), ..Failure::new("SoftTimeLimitExceeded", "").in_module("billiard.exceptions") }
}

fn result(end: &ProgramEnd) -> Result<Box<RawValue>, Failure> {
    let bad = |why: String| {
        let text = format!("standard output is not JSON: {why}: {:?}", quoted(&String::from_utf8_lossy(&end.output)));
        failure("InvalidOutput", text, end)
    };
    let text = std::str::from_utf8(&end.output).map_err(|error| bad(error.to_string()))?;
    let text = if text.trim().is_empty() { "null" } else { text };
    serde_json::from_str(text).map_err(|error| bad(error.to_string()))
}

/// With what the program said on standard error as the traceback.
fn failure(exc_type: &str, text: String, end: &ProgramEnd) -> Failure {
    let errors = String::from_utf8_lossy(&end.errors).into_owned();
    let traceback = Some(errors).filter(|errors| !errors.trim().is_empty());
    Failure { traceback, ..Failure::new(exc_type, text).in_module("simq") }
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(QUOTED).collect();
    if shown.len() < text.len() { format!("{shown}...") } else { shown }
}
