//! Programs of the operating system, each in a process group of its own.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

use super::leash;
use crate::env::{LocalFuture, NotStarted, Program, ProgramEnd, RunningProgram};
use futures_util::future::join4;
use rustix::process::{Pid, Signal, kill_process_group};
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::pending;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

/// Bytes of standard error that are kept: the last ones.
const ERRORS: usize = 16 << 10;

/// The process group of a program, until it is known to be gone.
struct Group(Cell<Option<Pid>>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0.get()
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(?group, %error, "not signalled");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

struct Running {
    group: Rc<Group>,
    started: Option<(Child, Program, bool)>,
}

/// Starts a program; by way of a leash it is killed also when this process is, however that ends.
pub(super) fn start(program: Program, leash: Option<&Path>) -> Result<Box<dyn RunningProgram>, NotStarted> {
    let mut command = match leash {
        Some(leash) => {
            let mut command = Command::new(leash);
            command.arg(leash::COMMAND).arg(&program.program);
            command
        }
        None => Command::new(&program.program),
    };
    command.args(&program.args).envs(program.variables.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &program.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let failed = |reason: String| NotStarted { program: program.program.clone(), reason };
    let child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let group = Rc::new(Group(Cell::new(group)));
    Ok(Box::new(Running { group, started: Some((child, program, leash.is_some())) }))
}

impl RunningProgram for Running {
    fn ended(&mut self) -> LocalFuture<ProgramEnd> {
        let (started, group) = (self.started.take(), self.group.clone());
        Box::pin(async move {
            match started {
                Some((child, program, leashed)) => follow(child, program, leashed, &group).await,
                None => pending().await,
            }
        })
    }

    fn terminate(&self) {
        self.group.signal(Signal::TERM);
    }
}

async fn follow(mut child: Child, program: Program, leashed: bool, group: &Group) -> ProgramEnd {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = feed(stdin, &program.input, leashed);
    let reading = async {
        let Some(stdout) = stdout else { return (Vec::new(), false) };
        let (output, overflowed) = read_up_to(stdout, program.max_output).await;
        if overflowed {
            group.signal(Signal::KILL);
        }
        (output, overflowed)
    };
    let complaining = async { if let Some(stderr) = stderr { read_end(stderr).await } else { Vec::new() } };
    let waiting = async {
        let status = child.wait().await;
        // What it has started and left behind goes with it, and so its pipes are closed.
        group.signal(Signal::KILL);
        group.0.set(None);
        status
    };
    let (_held, (output, overflowed), errors, status) = join4(feeding, reading, complaining, waiting).await;
    let (status, how) = status.map_or_else(|error| (None, error.to_string()), |status| told(status, leashed));
    ProgramEnd { status, how, output, overflowed, errors }
}

/// Writes what the program is to read. A leash is told how much that is, and is held until the end.
async fn feed(stdin: Option<ChildStdin>, input: &[u8], leashed: bool) -> Option<ChildStdin> {
    let mut stdin = stdin?;
    let length = if leashed { &(input.len() as u64).to_be_bytes()[..] } else { &[] };
    for part in [length, input] {
        // A program need not read.
        if stdin.write_all(part).await.is_err() {
            return None;
        }
    }
    let _ = stdin.flush().await;
    leashed.then_some(stdin)
}

/// What comes, and whether there was more of it.
async fn read_up_to(pipe: impl AsyncRead + Unpin, limit: usize) -> (Vec<u8>, bool) {
    let mut output = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if let Err(error) = pipe.take(most).read_to_end(&mut output).await {
        tracing::warn!(%error, "a program's output ends early");
    }
    let overflowed = output.len() > limit;
    output.truncate(limit);
    (output, overflowed)
}

async fn read_end(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut kept, mut buffer) = (VecDeque::new(), vec![0; 4096]);
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        kept.extend(&buffer[..count]);
        let excess = kept.len().saturating_sub(ERRORS);
        kept.drain(..excess);
    }
    kept.into()
}

/// A leash ends as a shell does: with 128 and the number of the signal that ended the program.
fn told(status: ExitStatus, leashed: bool) -> (Option<i32>, String) {
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) if leashed => (None, format!("signal {}", code - 128)),
        (Some(code), _) => (Some(code), format!("exit status {code}")),
        (None, signal) => (None, format!("signal {}", signal.unwrap_or_default())),
    }
}
