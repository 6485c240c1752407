//! Results on Redis: requests in, commands and answers out. Pure (wire sheet, section 12.2).
//!
//! A result is a string under `celery-task-meta-<id>`, and is published under the same name. A waiter subscribes, then
//! reads, so that it can't miss what is stored in between.

use super::super::frame::{Request, Response};
use super::super::store::Keep;
use super::commands::{kombus_prefix, publish, seconds, set, text};

use crate::app::Failure;
use crate::backend::form::{Form, Told, meta_of};
use crate::events::State;
use crate::redis::{Batch, Script};
use crate::settings::{Precedence, Settings};
use redis::{Value, cmd};
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
    /// Stored, or what stands in its way is in a form that only the writer can read.
    Kept(Box<Before>),
    /// The server lives.
    Alive,
}

/// A write that looks first.
pub(super) struct Before {
    place: u64,
    id: Arc<str>,
    state: State,
    meta: Arc<[u8]>,
    keep: Keep,
}

/// States of this process's view.
pub(super) struct Results {
    prefix: String,
    script: Script,
    form: Form,
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

impl Results {
    pub(super) fn new(settings: &Settings) -> Results {
        Results {
            prefix: settings.result_global_keyprefix.as_deref().map(kombus_prefix).unwrap_or_default(),
            script: Results::script(),
            form: Form::new(settings),
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

    pub(super) fn key(&self, id: &str) -> String {
        format!("{}{KEY}{id}", self.prefix)
    }

    fn id<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.prefix)?.strip_prefix(KEY)
    }

    pub(super) fn ask(&mut self, request: Request) {
        match request {
            Request::Put { id, state, meta, keep, .. } => self.put(id, state, meta, keep),
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
        let place = self.place();
        let Some((state, meta)) = self.form.write(&id, state, meta) else { return self.stored(place) };
        let key = self.key(&id);
        match keep.precedence {
            // Nothing says more than a success.
            Precedence::Full if state == State::Success => self.write(&key, &meta, keep, place),
            Precedence::Full => self.keep(Before { place, id, state, meta, keep }, b""),
            Precedence::Success => {
                let mut get = cmd("GET");
                get.arg(key);
                self.batch.add(get, Purpose::Before(Box::new(Before { place, id, state, meta, keep })));
            }
            Precedence::None => self.write(&key, &meta, keep, place),
        }
    }

    /// Stores it unless what is there says more, whatever was `read` there.
    fn keep(&mut self, before: Before, read: &[u8]) {
        let mut command = self.script.run(1);
        command.arg(self.key(&before.id)).arg(&*before.meta).arg(before.state.rank()).arg(seconds(before.keep));
        command.arg(read);
        for other in State::ALL {
            command.arg(other.name()).arg(other.rank());
        }
        self.batch.add(command, Purpose::Kept(Box::new(before)));
    }

    /// As Celery writes it, but for the transaction: this connection may be one of those that listen, and before 7.2 a
    /// server puts what it tells them into the midst of the transaction's reply.
    fn write(&mut self, key: &str, meta: &[u8], keep: Keep, place: u64) {
        self.batch.add(set(key, meta, keep), Purpose::Nothing);
        self.batch.add(publish(key, meta), Purpose::Stored(place));
    }

    pub(super) fn hear(&mut self, purpose: Purpose, reply: Value) {
        let reply = match (&purpose, reply) {
            // What is no result is replaced, and says nothing of a task.
            (Purpose::Current(_) | Purpose::Before(_), Value::ServerError(error)) if error.code() == "WRONGTYPE" => {
                tracing::error!("a key of another type than string stands where a result should be");
                Value::Nil
            }
            (_, Value::ServerError(error)) => {
                self.failed = Some(crate::redis::said(&error));
                return;
            }
            (_, reply) => reply,
        };
        match purpose {
            Purpose::Nothing => {}
            Purpose::Stored(place) => self.stored(place),
            Purpose::Alive => self.said.push(Response::Alive),
            Purpose::Current(id) => {
                let meta = text(reply).map(|stored| self.form.read(&stored));
                self.tell(id, meta);
            }
            Purpose::Before(before) => {
                if self.state_of(reply) == Some(State::Success) {
                    return self.stored(before.place);
                }
                let key = self.key(&before.id);
                self.write(&key, &before.meta, before.keep, before.place);
            }
            Purpose::Kept(before) => match text(reply) {
                None => self.stored(before.place),
                Some(there) if self.says_more(&there, before.state) => self.stored(before.place),
                Some(there) => self.keep(*before, &there),
            },
        }
    }

    fn state_of(&self, reply: Value) -> Option<State> {
        self.form.read(&text(reply)?).ok().map(|(state, _)| state)
    }

    fn says_more(&self, there: &[u8], state: State) -> bool {
        self.form.read(there).is_ok_and(|(there, _)| there.rank() > state.rank())
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
    pub(super) fn overhear(&mut self, key: &str, stored: &[u8]) {
        let Some(id) = self.id(key) else { return };
        let Some(id) = self.watched.get(id).cloned() else { return };
        let told = self.form.read(stored);
        if is_ready(&told) || self.every.contains(&id) {
            self.tell(id, Some(told));
        }
    }

    /// A result that can't be read ends the waiting: it fails with what Celery's client raises.
    fn tell(&mut self, id: Arc<str>, told: Option<Result<Told, Failure>>) {
        if told.as_ref().is_some_and(is_ready) {
            // Nobody is told twice that a task is done.
            self.unwatch(&id);
        }
        let meta = told.map(|told| {
            told.unwrap_or_else(|failure| {
                tracing::error!(%id, %failure, "a stored result can't be read");
                (State::Failure, meta_of(&id, &failure, None))
            })
        });
        self.said.push(Response::Current { id, meta });
    }
}

fn is_ready(told: &Result<Told, Failure>) -> bool {
    told.as_ref().map_or(true, |(state, _)| state.is_ready())
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
        let put = |id: &str| Request::Put {
            id: id.into(),
            state: State::Success,
            meta: b"{}"[..].into(),
            reply_to: None,
            keep,
        };
        results.ask(put("first"));
        results.ask(put("second"));
        let before = |place, id: &str| {
            Purpose::Before(Box::new(Before {
                place,
                id: id.into(),
                state: State::Success,
                meta: b"{}"[..].into(),
                keep,
            }))
        };
        results.hear(before(1, "first"), Value::Nil);
        results.hear(before(2, "second"), Value::BulkString(br#"{"status": "SUCCESS"}"#.to_vec()));
        assert!(results.said.is_empty(), "the first one is not stored yet");
        results.hear(Purpose::Stored(1), Value::Okay);
        assert_eq!(results.said.len(), 2);
    }
}
