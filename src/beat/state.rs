//! What ran last, across restarts: a file, replaced as a whole.

use crate::env::{Env, Instant};
use crate::message::Timestamp;
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::time::Duration;

const FILE: &str = "beat-schedule.json";
/// Celery's `sync_every`.
const SYNC_INTERVAL: Duration = Duration::from_secs(180);

/// Last runs by entry, microseconds since 1970.
pub(super) struct State {
    last: BTreeMap<String, i64>,
    sync_every: u32,
    unsynced: u32,
    synced_at: Instant,
}

impl State {
    /// What the file says. A file that can't be read counts as none: every entry then starts anew.
    pub(super) fn load(env: &Env, settings: &Settings) -> Self {
        let last = env.read_file(FILE).map(|bytes| serde_json::from_slice(&bytes));
        let last = match last {
            Some(Ok(last)) => last,
            Some(Err(error)) => {
                tracing::error!(file = FILE, %error, "unreadable schedule state; all entries start anew");
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        };
        State { last, sync_every: settings.beat_sync_every, unsynced: 0, synced_at: env.now() }
    }

    pub(super) fn last(&self, entry: &str) -> Option<Timestamp> {
        self.last.get(entry).map(|micros| Timestamp::from_micros(*micros))
    }

    /// An entry ran.
    pub(super) fn ran(&mut self, env: &Env, entry: &str, at: Timestamp) {
        self.last.insert(entry.to_owned(), at.as_micros());
        self.unsynced += 1;
        let due = match self.sync_every {
            0 => env.now().since(self.synced_at) >= SYNC_INTERVAL,
            every => self.unsynced >= every,
        };
        if due {
            self.unsynced = 0;
            self.synced_at = env.now();
            match serde_json::to_vec(&self.last) {
                Ok(bytes) => env.replace_file(FILE, bytes),
                Err(error) => tracing::error!(%error, "the schedule state can't be written"),
            }
        }
    }
}
