//! A stored result on standard output.

use super::{FAILED, NOT_YET, OK, output};
use crate::backend::Meta;
use crate::events::State;
use clap::ValueEnum;
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// State, value or exception, and traceback, each under its name.
    Human,
    /// The value alone, as JSON; what failed goes to standard error.
    Value,
    /// What is stored, as it is: one line of JSON.
    Json,
}

/// Prints it; the exit status that says how the task ended.
pub(super) fn show(id: &str, meta: &Meta, format: Format) -> u8 {
    match format {
        Format::Human => output::print(&human(id, meta)),
        Format::Json => output::print(&format!("{}\n", String::from_utf8_lossy(meta.json()).trim_end())),
        Format::Value => match meta.result() {
            Ok(value) if meta.state == State::Success => output::print(&format!("{}\n", value.get())),
            Err(why) => output::print_error(&format!("{id}: what is stored is no result: {why}")),
            Ok(_) => output::print_error(&failed(id, meta)),
        },
    }
    match meta.state {
        State::Success => OK,
        state if state.is_ready() => FAILED,
        _ => NOT_YET,
    }
}

fn failed(id: &str, meta: &Meta) -> String {
    let mut text = format!("{id}: {}: {}", meta.status(), meta.failure());
    if let Some(traceback) = meta.traceback() {
        let _ = write!(text, "\n{}", traceback.trim_end());
    }
    text
}

fn human(id: &str, meta: &Meta) -> String {
    let mut text = format!("id         {id}\nstate      {}\n", meta.status());
    let excepted = matches!(meta.state, State::Failure | State::Retry | State::Revoked | State::Rejected);
    let _ = match meta.result() {
        _ if excepted => writeln!(text, "exception  {}", meta.failure()),
        Ok(value) => writeln!(text, "value      {}", value.get()),
        Err(why) => writeln!(text, "unreadable {why}"),
    };
    if let Some(done) = meta.date_done() {
        let _ = writeln!(text, "done       {done}");
    }
    if let Some(traceback) = meta.traceback() {
        let _ = writeln!(text, "traceback\n{}", traceback.trim_end());
    }
    text
}
