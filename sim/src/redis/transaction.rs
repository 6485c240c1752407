//! Transactions: `MULTI` queues, `WATCH` notes keys, `EXEC` runs everything unless a watched key was written.

use super::call::{Call, Outcome, Reply, Source};
use super::command::{ALL_KEYS, Command, Flags, LOADING, NO_AUTH, NO_KEYS, NO_SCRIPT};
use super::errors::{ABORTED, Error};
use super::{ClientId, Redis};
use ::redis::Value;

/// What a client has queued since `MULTI`.
#[derive(Default)]
pub(super) struct Transaction {
    queue: Vec<(&'static Command, Vec<Vec<u8>>)>,
    flags: Flags,
    /// A command was refused: `EXEC` must not run the others.
    aborted: bool,
}

impl Transaction {
    pub(super) fn flags(&self) -> Flags {
        self.flags
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

/// Run at once even inside of a transaction.
const NOT_QUEUED: [&str; 6] = ["exec", "discard", "multi", "watch", "quit", "reset"];

impl Redis {
    /// Queues a command of a client that is inside of a transaction; whether it did.
    pub(super) fn queue(&mut self, client: ClientId, command: &'static Command, args: &[Vec<u8>]) -> bool {
        let transaction = self.clients.get_mut(&client).and_then(|state| state.transaction.as_mut());
        let Some(transaction) = transaction.filter(|_| !NOT_QUEUED.contains(&command.name)) else { return false };
        transaction.flags |= command.flags;
        transaction.queue.push((command, args.to_vec()));
        true
    }

    /// A command was refused before it ran: a transaction that it belonged to can't go on.
    pub(super) fn rejected(&mut self, client: ClientId, args: &[Vec<u8>], error: Error) -> Error {
        let Some(state) = self.clients.get_mut(&client) else { return error };
        let Some(transaction) = &mut state.transaction else { return error };
        transaction.aborted = true;
        if !args.first().is_some_and(|name| super::args::is(name, "exec")) {
            return error;
        }
        state.transaction = None;
        self.forget_watches(client);
        let text = error.text();
        Error::new(format!("EXECABORT Transaction discarded because of: {}", text.strip_prefix("ERR ").unwrap_or(text)))
    }

    pub(super) fn forget_watches(&mut self, client: ClientId) {
        let Some(state) = self.clients.get_mut(&client) else { return };
        state.dirty = false;
        for slot in std::mem::take(&mut state.watched) {
            if let Some(watchers) = self.watchers.get_mut(&slot) {
                watchers.remove(&client);
                if watchers.is_empty() {
                    self.watchers.remove(&slot);
                }
            }
        }
    }

    /// A key was written: whoever watches it will not execute.
    pub(super) fn break_watches(&mut self, db: usize, key: &[u8]) {
        if self.watchers.is_empty() {
            return;
        }
        let Some(watchers) = self.watchers.get(&(db, key.to_vec())) else { return };
        for client in watchers {
            if let Some(state) = self.clients.get_mut(client) {
                state.dirty = true;
            }
        }
    }

    fn watched_key_expired(&mut self, client: ClientId) -> bool {
        let Some(state) = self.clients.get(&client) else { return false };
        let now = self.now_millis();
        state.watched.iter().any(|(db, key)| {
            let database = &self.databases[*db];
            let index = database.index_of(key);
            index.and_then(|index| database.at(index).deadline).is_some_and(|deadline| now > deadline)
        })
    }
}

const FLAGS: Flags = NO_SCRIPT | LOADING;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("multi", 1, FLAGS, NO_KEYS, multi),
    Command::special("exec", 1, FLAGS, NO_KEYS, exec),
    Command::plain("discard", 1, FLAGS, NO_KEYS, discard),
    Command::plain("watch", -2, FLAGS, ALL_KEYS, watch),
    Command::plain("unwatch", 1, FLAGS, NO_KEYS, unwatch),
];

fn multi(call: &mut Call<'_>) -> Reply {
    let Some(state) = call.redis.clients.get_mut(&call.client) else { return Ok(Value::Nil) };
    if state.transaction.is_some() {
        return Err(Error::fixed("ERR MULTI calls can not be nested"));
    }
    state.transaction = Some(Transaction::default());
    Ok(Value::Okay)
}

fn exec(call: &mut Call<'_>) -> Result<Outcome, Error> {
    let (redis, client) = (&mut *call.redis, call.client);
    let taken = redis.clients.get_mut(&client).and_then(|state| state.transaction.take());
    let transaction = taken.ok_or(Error::fixed("ERR EXEC without MULTI"))?;
    let stale = redis.watched_key_expired(client) || redis.clients.get(&client).is_some_and(|state| state.dirty);
    redis.forget_watches(client);
    if transaction.aborted {
        return Err(ABORTED);
    }
    if stale {
        return Ok(Outcome::Reply(Value::Nil));
    }
    let mut replies = Vec::with_capacity(transaction.queue.len());
    for (command, args) in transaction.queue {
        let Some(state) = redis.clients.get(&client) else { break };
        let allowed = match &state.user {
            Some(user) => redis.permitted(user, command),
            None if command.has(NO_AUTH) => Ok(()),
            None => Err(super::errors::NO_AUTH),
        };
        let db = state.db;
        match allowed.and_then(|()| redis.run(client, db, Source::Transaction, command, &args)) {
            Ok(Outcome::Reply(value)) => replies.push(value),
            Ok(Outcome::Replies(values)) => replies.extend(values),
            Ok(Outcome::Blocked) => replies.push(Value::Nil),
            Err(error) => replies.push(error.into()),
        }
    }
    Ok(Outcome::Reply(Value::Array(replies)))
}

fn discard(call: &mut Call<'_>) -> Reply {
    let state = call.redis.clients.get_mut(&call.client);
    let taken = state.and_then(|state| state.transaction.take());
    taken.ok_or(Error::fixed("ERR DISCARD without MULTI"))?;
    call.redis.forget_watches(call.client);
    Ok(Value::Okay)
}

fn watch(call: &mut Call<'_>) -> Reply {
    let (db, client) = (call.db, call.client);
    let state = call.redis.clients.get(&client);
    if state.is_some_and(|state| state.transaction.is_some()) {
        return Err(Error::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    for key in &call.args[1..] {
        // One that has expired already must not count as written when it is removed.
        call.exists(key);
        let slot = (db, key.clone());
        call.redis.watchers.entry(slot.clone()).or_default().insert(client);
        if let Some(state) = call.redis.clients.get_mut(&client) {
            state.watched.insert(slot);
        }
    }
    Ok(Value::Okay)
}

fn unwatch(call: &mut Call<'_>) -> Reply {
    call.redis.forget_watches(call.client);
    Ok(Value::Okay)
}
