//! Standard output that may go away: `simq run ... | head`.

use super::BAD_INPUT;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Some of the output could not be written, as on a full disk.
static CUT_SHORT: AtomicBool = AtomicBool::new(false);

/// Prints a text. When nobody reads any more, the rest is not said, and the exit status still tells the verdict.
pub(super) fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !CUT_SHORT.swap(true, Ordering::Relaxed) => {
            print_error(&format!("the output can't be written: {error}"));
        }
        _ => {}
    }
}

/// Whether the output is not all that there was to say, though somebody may read it.
pub(super) fn is_cut_short() -> bool {
    CUT_SHORT.load(Ordering::Relaxed)
}

/// Prints a line; false when nobody reads any more.
#[cfg(feature = "sim")]
pub(super) fn print_line(text: &str) -> bool {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}") {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
        Err(_) => {
            CUT_SHORT.store(true, Ordering::Relaxed);
            false
        }
    }
}

/// Prints a JSON document on one line.
#[cfg(feature = "sim")]
pub(super) fn print_json(document: &serde_json::Value) {
    print(&format!("{document}\n"));
}

/// Whether somebody types and reads.
#[cfg(feature = "sim")]
pub(super) fn is_conversation() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks for a line; `None` when there are no more.
#[cfg(feature = "sim")]
pub(super) fn read_line(prompt: &str) -> Option<String> {
    if is_conversation() {
        print(prompt);
    }
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}

/// A command's exit status; what was wrong with its input is told.
pub(super) fn status(outcome: Result<u8, String>) -> u8 {
    outcome.unwrap_or_else(|error| {
        print_error(&error);
        BAD_INPUT
    })
}

/// Prints an error, in one piece.
pub(super) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(format!("simq: {text}\n").as_bytes());
}

/// <https://no-color.org>
fn refuses_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether standard output is a terminal that wants colour.
#[cfg(feature = "sim")]
pub(super) fn wants_colour() -> bool {
    !refuses_colour() && io::stdout().is_terminal()
}

/// Whether standard error is.
pub(super) fn wants_coloured_errors() -> bool {
    !refuses_colour() && is_watched()
}

/// Whether somebody watches.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether somebody can answer.
pub(super) fn is_asked() -> bool {
    io::stdin().is_terminal() && is_watched()
}

/// Asks a question; whether the answer begins with a y.
pub(super) fn ask(question: &str) -> bool {
    let _ = io::stderr().lock().write_all(question.as_bytes());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.trim_start().to_ascii_lowercase().starts_with('y')
}

/// A bar for so many runs, when somebody watches.
#[cfg(feature = "sim")]
pub(super) fn progress_bar(runs: u64) -> indicatif::ProgressBar {
    if !is_watched() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{bar:32} {pos}/{len} runs  {per_sec}  {eta} left");
    let bar = indicatif::ProgressBar::new(runs);
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
