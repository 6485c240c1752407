//! The beat actor: publishes entries when they are due.
//!
//! Two algorithms, of which `beat_exactly_once` chooses one. Both are plain state machines; the actors around them only
//! look at clocks, send and write.
//!
//! | | `celery` | `safe` |
//! |---|---|---|
//! | which time is due | [`Schedule::is_due`](crate::schedule::Schedule::is_due) | [`Schedule::due_after`](crate::schedule::Schedule::due_after) |
//! | counts as run | before it is published: a failed publish skips the run | when the broker has it; published again until then |
//! | missed due times | one run at once | as the entry's [`CatchUp`] says |
//! | several beats | each sends everything | one leads, the others stand by (`lease`) |
//! | a beat that dies while it publishes | the run may be lost, or come twice | the next one publishes it under the same task id |
//! | a clock that is set back | no runs until it has caught up | intervals keep their rhythm, local times don't come twice |
//!
//! What ran last is in a state file (`state`), so that a restart goes on where the last life ended.

mod celery;
mod celery_loop;
mod clock;
mod config;
mod entry;
mod identity;
mod leading;
mod plan;
mod safe;
mod state;

pub use config::{BadEntry, entries_from_toml};
pub use entry::{CatchUp, Entry};

use crate::env::{Endpoint, Env};
use crate::producer::Producer;
use crate::schedule::{UnknownZone, Zone};
use crate::settings::{Settings, duration};
use actix::Addr;
use std::sync::Arc;
use std::time::Duration;

/// Longest sleep where the settings name none.
const MAX_SLEEP: Duration = Duration::from_secs(300);

/// What beat works with.
pub(crate) struct Tools {
    pub(crate) env: Env,
    pub(crate) settings: Arc<Settings>,
    pub(crate) producer: Addr<Producer>,
    /// The result store, where the lease is.
    pub(crate) backend: Endpoint,
    /// The application's name: part of what makes a task id.
    pub(crate) app: Arc<str>,
    /// Where its state outlives the process; `None`, nowhere.
    pub(crate) state_file: Option<String>,
}

/// Starts a scheduler.
pub(crate) fn start(tools: Tools, entries: Vec<Entry>) {
    let zone = zone(&tools.settings).unwrap_or_else(|error| {
        tracing::error!(%error, "the setting timezone is not used: beat works in UTC");
        Zone::utc()
    });
    if tools.settings.beat_exactly_once {
        safe::SafeBeat::start(tools, entries, zone);
    } else {
        celery::CeleryBeat::start(tools, entries, zone);
    }
}

/// The application's time zone: `timezone`, or else UTC.
///
/// # Errors
///
/// [`UnknownZone`] when there is none of that name.
pub fn zone(settings: &Settings) -> Result<Zone, UnknownZone> {
    settings.timezone.as_deref().map_or_else(|| Ok(Zone::utc()), Zone::named)
}

fn longest_sleep(settings: &Settings) -> Duration {
    match settings.beat_max_loop_interval {
        0.0 => MAX_SLEEP,
        seconds => duration(seconds),
    }
}
