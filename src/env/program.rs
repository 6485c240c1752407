//! Programs that are no part of simq: started, fed, listened to, and ended.

use super::LocalFuture;

/// A program to be started.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its path, or a name that is looked for in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside those of this process.
    pub variables: Vec<(String, String)>,
    /// Where it works; this process's directory without.
    pub directory: Option<String>,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// Bytes of standard output that are kept; one that writes more is ended.
    pub max_output: usize,
}

/// A program that could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{program} can't be started: {reason}")]
pub struct NotStarted {
    /// The program.
    pub program: String,
    /// What the operating system said.
    pub reason: String,
}

/// How a program ended, and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramEnd {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// The same in words: `exit status 2`, `signal 9`.
    pub how: String,
    /// Standard output.
    pub output: Vec<u8>,
    /// It wrote more than was to be kept.
    pub overflowed: bool,
    /// The end of standard error.
    pub errors: Vec<u8>,
}

/// A program that runs. Dropping it kills it, and whatever it has started.
pub trait RunningProgram {
    /// Waits for its end.
    fn ended(&mut self) -> LocalFuture<ProgramEnd>;
    /// Asks it and whatever it has started to end (SIGTERM).
    fn terminate(&self);
}
