//! Client-side caching: a client that has read a key is told once when that key changes (`CLIENT TRACKING`, RESP3).

use super::call::{Call, Reply};
use super::command::{Command, Flags, LOADING, NO_KEYS, NO_SCRIPT, READ};
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
    /// The command before was `CLIENT CACHING YES`.
    caching: bool,
}

/// Who has read which key. As on a real server, keys of all databases share it.
#[derive(Default)]
pub(super) struct Readers(BTreeMap<Vec<u8>, BTreeSet<ClientId>>);

impl Redis {
    /// Notes that a client has read keys, if it tracks.
    pub(super) fn remember_read(&mut self, client: ClientId, command: &Command, args: &[Vec<u8>]) {
        let Some(tracking) = self.clients.get_mut(&client).and_then(|state| state.tracking.as_mut()) else { return };
        if command.name == "client|caching" {
            return;
        }
        let caching = std::mem::take(&mut tracking.caching);
        if !command.has(READ) || (tracking.opt_in && !caching) {
            return;
        }
        for key in command.keys_in(args) {
            self.readers.0.entry(key.clone()).or_default().insert(client);
        }
        while self.readers.0.len() > KEYS {
            let Some((key, readers)) = self.readers.0.pop_first() else { break };
            self.tell_readers(&key, readers, None);
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
                let keys = Value::Array(vec![Value::BulkString(key.to_vec())]);
                self.out.push((reader, Value::Push { kind: PushKind::Invalidate, data: vec![keys] }));
            }
        }
    }

    /// Everything has changed.
    pub(super) fn invalidate_all(&mut self) {
        self.readers.0.clear();
        let tracking = self.clients.iter().filter(|(_, state)| state.tracking.is_some());
        let told =
            tracking.map(|(client, _)| (*client, Value::Push { kind: PushKind::Invalidate, data: vec![Value::Nil] }));
        let told: Vec<(ClientId, Value)> = told.collect();
        self.out.extend(told);
    }

    pub(super) fn forget_readers(&mut self) {
        self.readers.0.clear();
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
    let Some(state) = call.redis.clients.get_mut(&call.client) else { return Ok(Value::Okay) };
    if on && !state.resp3 {
        return Err(Error::fixed(
            "ERR Client tracking can be enabled in RESP2 only when the client redirects to another one",
        ));
    }
    state.tracking = on.then_some(wanted);
    Ok(Value::Okay)
}

fn caching(call: &mut Call<'_>) -> Reply {
    let yes = args::is(call.arg(2), "yes");
    let tracking = call.redis.clients.get_mut(&call.client).and_then(|state| state.tracking.as_mut());
    match tracking.filter(|tracking| tracking.opt_in) {
        Some(tracking) if yes => tracking.caching = true,
        _ => return Err(Error::fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")),
    }
    Ok(Value::Okay)
}
