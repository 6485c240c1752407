//! A command being carried out: its arguments, and the keyspace as it may see it.

use super::data::{Data, Kind};
use super::errors::{Error, WRONG_TYPE};
use super::{ClientId, Redis};
use ::redis::Value;

/// What a plain command answers.
pub(super) type Reply = Result<Value, Error>;

/// What any command answers.
pub(super) enum Outcome {
    Reply(Value),
    /// Several replies, or none.
    Replies(Vec<Value>),
    /// The reply comes when the client is served, or its time is up.
    Blocked,
}

/// Who gives a command, which decides what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Client,
    Transaction,
    Script,
    /// A master's stream or a log: it is neither refused nor expired.
    Stream,
}

pub(super) struct Call<'a> {
    pub(super) redis: &'a mut Redis,
    pub(super) client: ClientId,
    pub(super) db: usize,
    pub(super) source: Source,
    pub(super) args: &'a [Vec<u8>],
    /// What a log or a replica repeats instead of this command.
    pub(super) effects: Option<Vec<Vec<Vec<u8>>>>,
}

impl<'a> Call<'a> {
    /// The argument at this place; commands know from their arity that it is there.
    pub(super) fn arg(&self, at: usize) -> &'a [u8] {
        let args: &'a [Vec<u8>] = self.args;
        args.get(at).map_or(&[], Vec::as_slice)
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.redis.now_millis()
    }

    pub(super) fn may_block(&self) -> bool {
        self.source == Source::Client
    }

    /// A log or a replica repeats these instead.
    pub(super) fn repeat_as(&mut self, command: &[&[u8]]) {
        let command = command.iter().map(|arg| arg.to_vec()).collect();
        self.effects.get_or_insert_with(Vec::new).push(command);
    }

    pub(super) fn exists(&mut self, key: &[u8]) -> bool {
        self.redis.find(self.db, key).is_some()
    }

    pub(super) fn data(&mut self, key: &[u8]) -> Option<&Data> {
        let index = self.redis.find(self.db, key)?;
        Some(&self.redis.databases[self.db].at(index).data)
    }

    /// The value of a key, if there is one and it is of this type.
    pub(super) fn get<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, Error> {
        match self.data(key) {
            Some(data) => K::of(data).map(Some).ok_or(WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// As [`Call::get`], to change it. [`Call::touched`] must follow a change.
    pub(super) fn edit<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Error> {
        match self.redis.find(self.db, key) {
            Some(index) => K::of_mut(&mut self.redis.databases[self.db].at_mut(index).data).map(Some).ok_or(WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// As [`Call::edit`]; an empty value is made if there is none. It must not stay empty.
    pub(super) fn edit_or_make<K: Kind>(&mut self, key: &[u8]) -> Result<&mut K, Error> {
        let index = match self.redis.find(self.db, key) {
            Some(index) => index,
            None => self.redis.put(self.db, key, K::empty()),
        };
        K::of_mut(&mut self.redis.databases[self.db].at_mut(index).data).ok_or(WRONG_TYPE)
    }

    /// Puts a value in place of any other; it has no deadline.
    pub(super) fn replace(&mut self, key: &[u8], data: Data) {
        let index = self.redis.put(self.db, key, data);
        self.redis.databases[self.db].set_deadline(index, None);
        self.touched(key);
    }

    /// The value of this key changed: it counts as written, and an empty collection goes.
    pub(super) fn touched(&mut self, key: &[u8]) {
        self.redis.touched(self.db, key);
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> bool {
        self.redis.find(self.db, key).is_some() && self.redis.delete(self.db, key)
    }

    pub(super) fn deadline(&mut self, key: &[u8]) -> Option<Option<i64>> {
        let index = self.redis.find(self.db, key)?;
        Some(self.redis.databases[self.db].at(index).deadline)
    }

    /// Unix milliseconds; the key must be there.
    pub(super) fn set_deadline(&mut self, key: &[u8], deadline: Option<i64>) {
        if let Some(index) = self.redis.find(self.db, key) {
            self.redis.databases[self.db].set_deadline(index, deadline);
            self.touched(key);
        }
    }
}

/// A bulk string.
pub(super) fn bulk(bytes: &[u8]) -> Value {
    Value::BulkString(bytes.to_vec())
}

pub(super) fn bulk_or_nil(bytes: Option<&Vec<u8>>) -> Value {
    bytes.map_or(Value::Nil, |bytes| Value::BulkString(bytes.clone()))
}

pub(super) fn int(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) fn flag(yes: bool) -> Value {
    Value::Int(i64::from(yes))
}
