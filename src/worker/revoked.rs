//! Ids of revoked tasks, in memory and in the file `worker_state_db`.

use super::bounded::BoundedIds;
use crate::env::Env;
use crate::message::Timestamp;
use crate::settings::{Settings, duration};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a worker remembers of revokes.
pub(super) struct Revoked {
    ids: BoundedIds,
    file: Option<String>,
    /// The file does not have all of them yet.
    dirty: bool,
}

impl Revoked {
    /// With what the file has. One that can't be read counts as none.
    pub(super) fn load(settings: &Settings, env: &Env) -> Self {
        let max = usize::try_from(settings.worker_revokes_max).unwrap_or(usize::MAX);
        let mut ids = BoundedIds::new(max, duration(settings.worker_revoke_expires));
        let file = settings.worker_state_db.clone();
        match file.as_deref().and_then(|file| env.read_file(file)).map(|bytes| read(&bytes)) {
            Some(Ok(revoked)) => revoked.into_iter().for_each(|(at, id)| ids.add(id.into(), at)),
            Some(Err(error)) => {
                tracing::error!(?file, %error, "unreadable state of a worker; no task counts as revoked")
            }
            None => {}
        }
        Revoked { ids, file, dirty: false }
    }

    pub(super) fn add(&mut self, id: Arc<str>, now: Timestamp) {
        self.ids.add(id, now);
        self.dirty = self.file.is_some();
    }

    pub(super) fn contains(&self, id: &str, now: Timestamp) -> bool {
        self.ids.contains(id, now)
    }

    /// Whether the file is to be written.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writes the file if there is something new.
    pub(super) fn save(&mut self, env: &Env) {
        if let Some(file) = self.file.as_deref().filter(|_| self.dirty) {
            env.replace_file(file, write(self.ids.iter()));
        }
        self.dirty = false;
    }
}

/// Times in microseconds since 1970.
fn write<'a>(revoked: impl Iterator<Item = (Timestamp, &'a Arc<str>)>) -> Vec<u8> {
    let revoked: Map<String, Value> = revoked.map(|(at, id)| (id.to_string(), at.as_micros().into())).collect();
    json!({ "revoked": revoked }).to_string().into_bytes()
}

fn read(bytes: &[u8]) -> Result<Vec<(Timestamp, String)>, serde_json::Error> {
    #[derive(Deserialize)]
    struct State {
        revoked: BTreeMap<String, i64>,
    }
    let state: State = serde_json::from_slice(bytes)?;
    let revoked = state.revoked.into_iter().map(|(id, at)| (Timestamp::from_micros(at), id));
    let mut revoked: Vec<(Timestamp, String)> = revoked.collect();
    revoked.sort();
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_gives_back_what_it_was_given() {
        let (one, two) = (Arc::from("a\"b"), Arc::from("c"));
        let at = Timestamp::from_micros;
        let bytes = write([(at(17), &one), (at(5), &two)].into_iter());
        assert_eq!(read(&bytes).unwrap(), [(at(5), "c".to_owned()), (at(17), "a\"b".to_owned())]);
        assert!(read(b"{").is_err());
    }
}
