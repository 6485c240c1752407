//! Programs that publish or call, and print what it took them.

use super::server::{Observer, Server, Wire};
use super::table::Measured;
use std::process::Command;
use std::time::Duration;

/// Runs a program that publishes `tasks`, and prints the seconds that it took and, if it knows, the microseconds of
/// processor time.
pub(super) fn publish(server: &Server, tasks: usize, mut command: Command) -> Option<Measured> {
    let mut observer = Observer::new(server, Wire::Kombu);
    let before = observer.reset();
    let output = command.output().ok().filter(|output| output.status.success())?;
    let served = observer.served();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map_while(|word| word.parse::<f64>().ok());
    Some(Measured {
        tasks: tasks as f64,
        seconds: numbers.next()?,
        cpu_micros: numbers.next().unwrap_or(f64::NAN),
        server_micros: served.cpu_micros - before.cpu_micros,
        commands: served.commands,
        mib: None,
    })
}

/// Runs a program that calls one task after the other and prints the microseconds of each; sorted.
pub(super) fn trips(mut command: Command) -> Option<Vec<Duration>> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut trips: Vec<Duration> =
        text.lines().filter_map(|line| line.parse().ok()).map(Duration::from_micros).collect();
    trips.sort_unstable();
    (!trips.is_empty()).then_some(trips)
}
