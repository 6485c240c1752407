//! What ran last, across restarts: a file, replaced as a whole.
//!
//! As in Celery, entries that are not in the schedule any more are dropped, changed ones keep their last run, and another
//! time zone makes all of them new. A file that can't be read is no reason not to start.

use crate::backend::lease::{Progress, Records};
use crate::env::{Env, Instant};
use crate::message::Timestamp;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

const VERSION: u32 = 1;
/// Celery's `sync_every`.
const SYNC_INTERVAL: Duration = Duration::from_secs(180);

#[derive(Deserialize, Serialize)]
struct File {
    version: u32,
    timezone: Option<String>,
    enable_utc: bool,
    entries: BTreeMap<String, Saved>,
}

#[derive(Deserialize, Serialize)]
struct Saved {
    last_run_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken: Option<String>,
}

/// The file and when it is due to be written.
pub(super) struct State {
    env: Env,
    file: Option<String>,
    timezone: Option<String>,
    enable_utc: bool,
    sync_every: u32,
    unsynced: u32,
    synced: Option<Instant>,
}

impl State {
    pub(super) fn new(env: &Env, settings: &Settings, file: Option<String>) -> Self {
        State {
            env: env.clone(),
            file,
            timezone: settings.timezone.clone(),
            enable_utc: settings.enable_utc,
            sync_every: settings.beat_sync_every,
            unsynced: 0,
            synced: None,
        }
    }

    /// What the file says.
    pub(super) fn load(&self) -> Records {
        let bytes = self.file.as_deref().and_then(|file| self.env.read_file(file));
        let Some(bytes) = bytes else { return Records::new() };
        match self.read(&bytes) {
            Ok(records) => records,
            Err(why) => {
                tracing::error!(
                    file = self.file.as_deref(),
                    why,
                    "the schedule's state is not used; all entries start anew"
                );
                Records::new()
            }
        }
    }

    fn read(&self, bytes: &[u8]) -> Result<Records, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|error| format!("it can't be read: {error}"))?;
        if file.version != VERSION {
            return Err(format!("it has version {}, and this is version {VERSION}", file.version));
        }
        if (&file.timezone, file.enable_utc) != (&self.timezone, self.enable_utc) {
            return Err("timezone or enable_utc were changed".to_owned());
        }
        let progress = |saved: Saved| -> Result<Progress, String> {
            let time = |text: &str| Timestamp::parse(text).map_err(|error| format!("{text:?}: {error}"));
            let taken = saved.taken.as_deref().map(time).transpose()?;
            Ok(Progress { done: time(&saved.last_run_at)?, taken })
        };
        file.entries.into_iter().map(|(name, saved)| Ok((name.into(), progress(saved)?))).collect()
    }

    /// Writes the file if that is due, or `now`.
    pub(super) fn sync<'a>(&mut self, ran: u32, now: bool, entries: impl Iterator<Item = (&'a str, Progress)>) {
        self.unsynced = self.unsynced.saturating_add(ran);
        let waited = self.synced.is_none_or(|synced| self.env.now().since(synced) > SYNC_INTERVAL);
        let enough = self.sync_every > 0 && self.unsynced >= self.sync_every;
        let Some(path) = self.file.as_deref().filter(|_| now || waited || enough) else { return };
        let saved = |progress: Progress| Saved {
            last_run_at: progress.done.to_string(),
            taken: progress.taken.map(|taken| taken.to_string()),
        };
        let file = File {
            version: VERSION,
            timezone: self.timezone.clone(),
            enable_utc: self.enable_utc,
            entries: entries.map(|(name, progress)| (name.to_owned(), saved(progress))).collect(),
        };
        match serde_json::to_vec_pretty(&file) {
            Ok(bytes) => self.env.replace_file(path, bytes),
            Err(error) => tracing::error!(%error, "the schedule's state can't be written"),
        }
        (self.unsynced, self.synced) = (0, Some(self.env.now()));
    }
}
