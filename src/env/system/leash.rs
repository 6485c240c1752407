//! The leash: a process between a worker and a program of a command task. When the worker is gone, however it ended, the
//! leash kills the program and whatever that has started.
//!
//! It is this same executable, started with [`COMMAND`]. Its standard input is the length of what the program is to read,
//! eight bytes with the highest first, then that, and then nothing for as long as the worker lives.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

use rustix::process::{Signal, getpid, kill_process_group};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use tokio::signal::unix::{SignalKind, signal};

/// First argument of a process that is a leash.
pub(crate) const COMMAND: &str = "__leash";

/// Exit status where the program can't be started, as a shell's.
const NOT_STARTED: u8 = 127;

/// This executable, also when its file was replaced.
pub(crate) fn executable() -> Option<PathBuf> {
    if cfg!(target_os = "linux") { Some("/proc/self/exe".into()) } else { std::env::current_exe().ok() }
}

/// Runs the program that the arguments name. Returns its exit status, or 128 and the signal that ended it.
pub(crate) fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // SIGTERM is for the program, which has got it as well.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let _handled = runtime.as_ref().ok().map(|runtime| {
        let _inside = runtime.enter();
        signal(SignalKind::terminate())
    });
    let Some(program) = arguments.next() else { return ExitCode::from(NOT_STARTED) };
    let mut child = match Command::new(&program).args(arguments).stdin(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            let text = format!("{} can't be started: {error}\n", program.to_string_lossy());
            let _ = io::stderr().write_all(text.as_bytes());
            return ExitCode::from(NOT_STARTED);
        }
    };
    let input = child.stdin.take();
    std::thread::spawn(move || {
        let _ = feed(input);
        let _ = kill_process_group(getpid(), Signal::KILL);
    });
    let Ok(status) = child.wait() else { return ExitCode::FAILURE };
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or_default();
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Passes the input on, and returns when the worker is gone.
fn feed(to: Option<ChildStdin>) -> io::Result<()> {
    let mut from = io::stdin().lock();
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let mut input = Read::by_ref(&mut from).take(u64::from_be_bytes(length));
    if let Some(mut to) = to {
        // A program need not read.
        let _ = io::copy(&mut input, &mut to);
    }
    io::copy(&mut from, &mut io::sink()).map(drop)
}
