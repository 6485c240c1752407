//! Client-side caching: a client that has read a key is told once when that key changes (`CLIENT TRACKING`, RESP3).

use super::call::{Call, Reply};
use super::command::{Command, Flags, LOADING, NO_KEYS, NO_SCRIPT};
use super::errors::{Error, SYNTAX};
use super::{ClientId, Redis, args};
use ::redis::{PushKind, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Keys that the server remembers readers of; one more forgets the first, and tells its readers that it changed.
const KEYS: usize = 1_000_000;

/// What a client that tracks has asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tracking {
    /// Only what is read right after `CLIENT CACHING YES`.
    opt_in: bool,
    /// Not the client's own changes.
    no_loop: bool,
    /// `CLIENT CACHING YES` was said, and is not used up.
    caching: bool,
}

/// Who has read which key. As on a real server, keys of all databases share it.
#[derive(Default)]
pub(super) struct Readers(BTreeMap<Vec<u8>, BTreeSet<ClientId>>);

impl Redis {
    /// Notes that a client has read keys, if it tracks.
    pub(super) fn remember_read<'a>(&mut self, client: ClientId, keys: impl Iterator<Item = &'a Vec<u8>>) {
        let tracking = self.clients.get(&client).and_then(|state| state.tracking);
        if tracking.is_none_or(|tracking| tracking.opt_in && !tracking.caching) {
            return;
        }
        for key in keys {
            self.readers.0.entry(key.clone()).or_default().insert(client);
        }
        while self.readers.0.len() > KEYS {
            let Some((key, readers)) = self.readers.0.pop_first() else { break };
            self.tell_readers(&key, readers, None);
        }
    }

    /// A client's command begins, or goes on after a wait. Whose ran last.
    pub(super) fn begin_tracking(&mut self, client: ClientId) -> Option<ClientId> {
        self.executing = true;
        self.running.replace(client)
    }

    /// A client's command is answered: it hears of its own changes now.
    pub(super) fn end_tracking(&mut self, client: ClientId, command: &str) {
        self.executing = false;
        for keys in std::mem::take(&mut self.own_changes) {
            self.tell(client, keys);
        }
        let Some(state) = self.clients.get_mut(&client) else { return };
        // CLIENT CACHING YES is for the next command, or for the next transaction.
        if state.transaction.is_none()
            && !command.starts_with("client")
            && let Some(tracking) = &mut state.tracking
        {
            tracking.caching = false;
        }
    }

    /// A key has changed.
    pub(super) fn invalidate(&mut self, key: &[u8]) {
        if self.readers.0.is_empty() {
            return;
        }
        if let Some(readers) = self.readers.0.remove(key) {
            self.tell_readers(key, readers, self.running);
        }
    }

    fn tell_readers(&mut self, key: &[u8], readers: BTreeSet<ClientId>, by: Option<ClientId>) {
        for reader in readers {
            let Some(tracking) = self.clients.get(&reader).and_then(|state| state.tracking) else { continue };
            if !(tracking.no_loop && by == Some(reader)) {
                self.tell_or_keep(reader, Value::Array(vec![Value::BulkString(key.to_vec())]));
            }
        }
    }

    /// Everything has changed.
    pub(super) fn invalidate_all(&mut self) {
        self.readers.0.clear();
        let tracking = self.clients.iter().filter(|(_, state)| state.tracking.is_some());
        let told: Vec<ClientId> = tracking.map(|(client, _)| *client).collect();
        told.into_iter().for_each(|client| self.tell_or_keep(client, Value::Nil));
    }

    /// A client that is in the middle of a command hears of it after the reply.
    fn tell_or_keep(&mut self, client: ClientId, keys: Value) {
        if self.executing && self.running == Some(client) {
            self.own_changes.push(keys);
        } else {
            self.tell(client, keys);
        }
    }

    /// In version 2 of the protocol there is no way to be told.
    fn tell(&mut self, client: ClientId, keys: Value) {
        if self.speaks_resp3(client) {
            self.out.push((client, Value::Push { kind: PushKind::Invalidate, data: vec![keys] }));
        }
    }

    pub(super) fn forget_readers(&mut self) {
        self.readers.0.clear();
        self.own_changes.clear();
    }
}

const FLAGS: Flags = NO_SCRIPT | LOADING;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("client|tracking", -3, FLAGS, NO_KEYS, tracking),
    Command::plain("client|caching", 3, FLAGS, NO_KEYS, caching),
];

/// Without redirection and broadcast: those are for RESP2.
fn tracking(call: &mut Call<'_>) -> Reply {
    let mut wanted = Tracking::default();
    for option in &call.args[3..] {
        match option {
            option if args::is(option, "optin") => wanted.opt_in = true,
            option if args::is(option, "noloop") => wanted.no_loop = true,
            _ => return Err(SYNTAX),
        }
    }
    let on = args::is(call.arg(2), "on");
    if !on && !args::is(call.arg(2), "off") {
        return Err(SYNTAX);
    }
    if let Some(state) = call.redis.clients.get_mut(&call.client) {
        wanted.caching = state.tracking.is_some_and(|tracking| tracking.caching);
        state.tracking = on.then_some(wanted);
    }
    Ok(Value::Okay)
}

fn caching(call: &mut Call<'_>) -> Reply {
    let state = call.redis.clients.get_mut(&call.client);
    let Some(tracking) = state.and_then(|state| state.tracking.as_mut()) else {
        return Err(Error::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    match call.args.get(2) {
        Some(word) if args::is(word, "yes") && tracking.opt_in => tracking.caching = true,
        Some(word) if args::is(word, "yes") => {
            return Err(Error::fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
        }
        Some(word) if args::is(word, "no") => {
            return Err(Error::fixed("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
        }
        _ => return Err(SYNTAX),
    }
    Ok(Value::Okay)
}
