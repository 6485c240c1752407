//! What `simq worker` and `simq beat` have in common: checks, a banner, logs, a process that lives until it is told to
//! end.

use super::client::{Stop, bad_address};
use super::{banner, logs, output};
use crate::app::{self, App, Endpoints, Roles};
use crate::env::system::{self, leash};
use crate::settings::{Loaded, Settings};
use crate::worker::WorkerOptions;

/// Without a store nobody reads what a worker would keep of a task; it forgets that after so many seconds.
const UNREAD: f64 = 1.0;

/// Runs a process whose name and worker `roles` tells, given the host's name. Returns its exit status.
pub(super) fn run(
    app: &App,
    loaded: &Loaded,
    loglevel: Option<&str>,
    beat: bool,
    roles: impl FnOnce(&str) -> Result<(String, Option<WorkerOptions>), String>,
) -> Result<u8, Stop> {
    let input = |bad: String| Stop::Input(bad);
    logs::start_at(loglevel, "info").map_err(input)?;
    super::beat::schedule(loaded).map_err(|bad| input(bad.to_string()))?;
    loaded.settings.noted.warnings().for_each(|warning| output::print_error(&format!("warning: {warning}")));
    let endpoints = checked(loaded)?;
    app.choose(chosen(&loaded.settings, &endpoints));
    super::commands::register(app, loaded).map_err(|bad| input(bad.to_string()))?;
    let (name, worker) = roles(&system::host()).map_err(input)?;
    let entries = if beat { app.schedule_entries().map_err(|error| input(error.to_string()))? } else { Vec::new() };
    output::print(&banner::banner(app, &name, &endpoints, worker.as_ref(), beat.then_some(&entries[..])));
    let roles = Roles { name, worker, beat, leash: leash::executable() };
    let status = app::stand_alone(app, roles).map_err(|error| input(error.to_string()))?;
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}

/// The servers: the embedded ones only where they are asked for by name.
fn checked(loaded: &Loaded) -> Result<Endpoints, Stop> {
    let settings = &loaded.settings;
    let endpoints = match settings.broker_url {
        None => Endpoints::remote(settings),
        Some(_) => Endpoints::of(settings),
    };
    endpoints.map_err(|error| bad_address(loaded, &error))
}

fn chosen(settings: &Settings, endpoints: &Endpoints) -> Settings {
    let mut settings = settings.clone();
    if settings.result_backend.is_none() && !endpoints.broker.is_served() {
        (settings.task_ignore_result, settings.result_expires) = (true, UNREAD);
    }
    settings
}
