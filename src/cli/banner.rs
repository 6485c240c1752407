//! What a process says of itself when it starts.

use crate::app::{App, Endpoints};
use crate::beat::Entry;
use crate::worker::WorkerOptions;
use std::fmt::Write;

/// Names that are listed in full.
const LISTED: usize = 100;

/// With passwords masked.
pub(super) fn banner(
    app: &App,
    name: &str,
    endpoints: &Endpoints,
    worker: Option<&WorkerOptions>,
    entries: Option<&[Entry]>,
) -> String {
    let settings = app.settings();
    let results = match &settings.result_backend {
        None if !endpoints.broker.is_served() => "none (result_backend is not set)".to_owned(),
        _ => endpoints.backend.to_string(),
    };
    let mut text = format!("{name}  simq {}\n\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "app          {}\nbroker       {}\nresults      {results}", app.name(), endpoints.broker);
    if let Some(options) = worker {
        let queues = if options.queues.is_empty() { super::queues::of(settings) } else { options.queues.clone() };
        let _ = writeln!(text, "concurrency  {}\nqueues       {}", options.concurrency, listed(queues.into_iter()));
        let _ = writeln!(text, "tasks        {}", listed(app.task_names().iter().map(|name| name.to_string())));
    }
    if let Some(entries) = entries {
        let _ = writeln!(text, "schedule     {}", listed(entries.iter().map(|entry| entry.name.clone())));
    }
    text.push('\n');
    text
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.len() {
        0 => "none".to_owned(),
        many if many > LISTED => format!("{}, and {} more", names[..LISTED].join(", "), many - LISTED),
        _ => names.join(", "),
    }
}
