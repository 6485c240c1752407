//! The command tasks that settings declare.

use crate::app::{App, Command};
use crate::settings::{BadSource, Loaded};

/// Those of `command_tasks`.
pub(super) fn of(loaded: &Loaded) -> Result<Vec<Command>, BadSource> {
    Command::all_from_toml(&loaded.settings.command_tasks).map_err(|error| {
        let keys: Vec<&str> = error.path.iter().map(String::as_str).collect();
        loaded.bad("command_tasks", &keys, error.is_key, error.message)
    })
}

/// Registers them.
pub(super) fn register(app: &App, loaded: &Loaded) -> Result<(), BadSource> {
    of(loaded)?.into_iter().for_each(|command| app.add_command(command));
    Ok(())
}
