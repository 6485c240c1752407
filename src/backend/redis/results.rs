//! Results on Redis: requests in, commands and answers out. Pure (wire sheet, section 12.2).
//!
//! A result is a string under `celery-task-meta-<id>`, and is published under the same name. A waiter subscribes, then
//! reads, so that it can't miss what is stored in between.

use super::super::frame::{Request, Response};
use super::super::store::Keep;
use crate::events::State;
use crate::redis::{Batch, Script};
use crate::settings::{Precedence, Settings};
use redis::{Cmd, Value, cmd};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a reply is for.
pub(super) enum Purpose {
    /// Nothing but the server's errors matters.
    Nothing,
    /// A write is done: its place among all writes.
    Stored(u64),
    /// What is known of a task.
    Current(Arc<str>),
    /// What is there, before something else is stored: Celery looks first.
    Before(Box<Before>),
    /// The server lives.
    Alive,
}

/// A write that looks first.
pub(super) struct Before {
    place: u64,
    id: Arc<str>,
    meta: Arc<[u8]>,
    keep: Keep,
}

/// States of this process's view.
pub(super) struct Results {
    prefix: String,
    script: Script,
    /// Ids that are waited for, and those of them of which every state is told.
    watched: BTreeSet<Arc<str>>,
    every: BTreeSet<Arc<str>>,
    /// Writes asked for, and those told to be done. They are told in the order in which they were asked for, whatever order
    /// they are done in: a write that looks first takes a trip more.
    asked: u64,
    told: u64,
    done: BTreeSet<u64>,
    pub(super) batch: Batch<Purpose>,
    /// Channels to subscribe to, or to leave.
    pub(super) channels: Vec<(bool, String)>,
    pub(super) said: Vec<Response>,
    /// What the server refused, and the connection can't go on with.
    pub(super) failed: Option<String>,
}

/// Before the id in a result's key.
const KEY: &str = "celery-task-meta-";
/// Longest life of a result, seconds: a century.
const LONGEST: u64 = 3_155_760_000;

impl Results {
    pub(super) fn new(settings: &Settings) -> Results {
        Results {
            prefix: settings.result_global_keyprefix.as_deref().map(kombus_prefix).unwrap_or_default(),
            script: Results::script(),
            watched: BTreeSet::new(),
            every: BTreeSet::new(),
            asked: 0,
            told: 0,
            done: BTreeSet::new(),
            batch: Batch::default(),
            channels: Vec::new(),
            said: Vec::new(),
            failed: None,
        }
    }

    pub(super) fn script() -> Script {
        Script::new(include_str!("keep.lua"))
    }

    pub(super) fn scripts(&self) -> [&Script; 1] {
        [&self.script]
    }

    fn key(&self, id: &str) -> String {
        format!("{}{KEY}{id}", self.prefix)
    }

    fn id<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.prefix)?.strip_prefix(KEY)
    }

    pub(super) fn ask(&mut self, request: Request) {
        match request {
            Request::Put { id, state, meta, keep } => self.put(id, state, meta, keep),
            Request::Forget { id } => {
                let mut delete = cmd("DEL");
                delete.arg(self.key(&id));
                let stored = Purpose::Stored(self.place());
                self.batch.add(delete, stored);
            }
            Request::Watch { id, every } => {
                if every {
                    self.every.insert(id.clone());
                }
                let key = self.key(&id);
                if self.watched.insert(id.clone()) {
                    self.channels.push((true, key.clone()));
                }
                let mut get = cmd("GET");
                get.arg(key);
                self.batch.add(get, Purpose::Current(id));
            }
            Request::Unwatch { id } => self.unwatch(&id),
            Request::Ping => self.batch.add(cmd("PING"), Purpose::Alive),
            Request::Lease(_) => self.failed = Some("leases are asked for elsewhere".to_owned()),
        }
    }

    fn unwatch(&mut self, id: &str) {
        self.every.remove(id);
        if self.watched.remove(id) {
            self.channels.push((false, self.key(id)));
        }
    }

    fn put(&mut self, id: Arc<str>, state: State, meta: Arc<[u8]>, keep: Keep) {
        let (key, place) = (self.key(&id), self.place());
        match keep.precedence {
            // Nothing says more than a success.
            Precedence::Full if state == State::Success => {
                self.batch.add(set(&key, &meta, keep), Purpose::Nothing);
                self.batch.add(publish(&key, &meta), Purpose::Stored(place));
            }
            Precedence::Full => {
                let mut command = self.script.run(1);
                command.arg(key).arg(&*meta).arg(state.rank()).arg(seconds(keep));
                for other in State::ALL {
                    command.arg(other.name()).arg(other.rank());
                }
                self.batch.add(command, Purpose::Stored(place));
            }
            Precedence::Success => {
                let mut get = cmd("GET");
                get.arg(key);
                self.batch.add(get, Purpose::Before(Box::new(Before { place, id, meta, keep })));
            }
            Precedence::None => self.write(&key, &meta, keep, place),
        }
    }

    /// As Celery writes it.
    fn write(&mut self, key: &str, meta: &[u8], keep: Keep, place: u64) {
        for (command, purpose) in [
            (cmd("MULTI"), Purpose::Nothing),
            (set(key, meta, keep), Purpose::Nothing),
            (publish(key, meta), Purpose::Nothing),
            (cmd("EXEC"), Purpose::Stored(place)),
        ] {
            self.batch.add(command, purpose);
        }
    }

    pub(super) fn hear(&mut self, purpose: Purpose, reply: Value) {
        if let Value::ServerError(error) = &reply {
            self.failed = Some(format!("{} {}", error.code(), error.details().unwrap_or_default()));
            return;
        }
        match purpose {
            Purpose::Nothing => {}
            Purpose::Stored(place) => self.stored(place),
            Purpose::Alive => self.said.push(Response::Alive),
            Purpose::Current(id) => {
                let meta = text(reply);
                self.tell(id, meta);
            }
            Purpose::Before(before) => {
                let Before { place, id, meta, keep } = *before;
                if text(reply).is_some_and(|there| state_of(&there) == State::Success) {
                    return self.stored(place);
                }
                let key = self.key(&id);
                self.write(&key, &meta, keep, place);
            }
        }
    }

    fn place(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    fn stored(&mut self, place: u64) {
        self.done.insert(place);
        while self.done.remove(&(self.told + 1)) {
            self.told += 1;
            self.said.push(Response::Stored);
        }
    }

    /// Something was published under a key.
    pub(super) fn overhear(&mut self, key: &str, meta: Vec<u8>) {
        let Some(id) = self.id(key) else { return };
        let Some(id) = self.watched.get(id).cloned() else { return };
        if state_of(&meta).is_ready() || self.every.contains(&id) {
            self.tell(id, Some(meta));
        }
    }

    fn tell(&mut self, id: Arc<str>, meta: Option<Vec<u8>>) {
        let meta = meta.map(|meta| (state_of(&meta), Arc::from(meta)));
        if meta.as_ref().is_some_and(|(state, _)| state.is_ready()) {
            // Nobody is told twice that a task is done.
            self.unwatch(&id);
        }
        self.said.push(Response::Current { id, meta });
    }
}

fn seconds(keep: Keep) -> u64 {
    // Redis knows no life of less than a second.
    keep.lifetime.map_or(0, |lifetime| lifetime.as_secs().clamp(1, LONGEST))
}

fn set(key: &str, meta: &[u8], keep: Keep) -> Cmd {
    let mut command;
    match seconds(keep) {
        0 => {
            command = cmd("SET");
            command.arg(key).arg(meta);
        }
        seconds => {
            command = cmd("SETEX");
            command.arg(key).arg(seconds).arg(meta);
        }
    }
    command
}

fn publish(key: &str, meta: &[u8]) -> Cmd {
    let mut command = cmd("PUBLISH");
    command.arg(key).arg(meta);
    command
}

fn text(reply: Value) -> Option<Vec<u8>> {
    match reply {
        Value::BulkString(text) => Some(text),
        _ => None,
    }
}

/// The state that a stored result names; a name that is not Celery's is a task's own state.
pub(crate) fn state_of(meta: &[u8]) -> State {
    #[derive(serde::Deserialize)]
    struct Status<'a> {
        #[serde(borrow)]
        status: std::borrow::Cow<'a, str>,
    }
    match serde_json::from_slice::<Status<'_>>(meta) {
        Ok(Status { status }) => State::named(&status).unwrap_or(State::Custom),
        Err(_) => State::Custom,
    }
}

/// The prefix of result keys, with the separator that Celery puts behind it.
fn kombus_prefix(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        prefix if prefix.ends_with([':', '_', '-', '.']) => prefix.to_owned(),
        prefix => format!("{prefix}_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Profile;

    /// The backend actor takes the oldest write that it waits for off its list. A later one that is done first must not be
    /// taken for it: if the connection breaks then, the older one would never be sent again.
    #[test]
    fn writes_are_told_in_the_order_in_which_they_were_asked_for() {
        let mut results = Results::new(&Settings::new(Profile::Celery));
        let keep = Keep { lifetime: None, precedence: Precedence::Success };
        let put = |id: &str| Request::Put { id: id.into(), state: State::Success, meta: b"{}"[..].into(), keep };
        results.ask(put("first"));
        results.ask(put("second"));
        let before =
            |place, id: &str| Purpose::Before(Box::new(Before { place, id: id.into(), meta: b"{}"[..].into(), keep }));
        results.hear(before(1, "first"), Value::Nil);
        results.hear(before(2, "second"), Value::BulkString(br#"{"status": "SUCCESS"}"#.to_vec()));
        assert!(results.said.is_empty(), "the first one is not stored yet");
        results.hear(Purpose::Stored(1), Value::Okay);
        assert_eq!(results.said.len(), 2);
    }
}
