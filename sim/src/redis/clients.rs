//! Connections: who they are, which database they use, and what they are in the middle of.

use super::blocking::Wait;
use super::call::{Call, Outcome, Reply, bulk};
use super::command::{Command, Flags, LOADING, NO_AUTH, NO_KEYS, NO_SCRIPT};
use super::errors::{Error, SYNTAX, WRONG_PASSWORD, error_value};
use super::tracking::Tracking;
use super::transaction::Transaction;
use super::{ClientId, Redis, args};
use ::redis::Value;
use std::collections::{BTreeSet, VecDeque};

/// Commands that a blocked connection may have sent ahead. One more closes it, as a full query buffer does.
const AHEAD: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Client {
    pub(super) db: usize,
    pub(super) name: Vec<u8>,
    /// None until the connection has authenticated.
    pub(super) user: Option<String>,
    pub(super) transaction: Option<Transaction>,
    pub(super) watched: BTreeSet<(usize, Vec<u8>)>,
    /// A watched key was written: `EXEC` will do nothing.
    pub(super) dirty: bool,
    pub(super) channels: BTreeSet<Vec<u8>>,
    pub(super) patterns: BTreeSet<Vec<u8>>,
    /// It speaks version 3 of the protocol.
    pub(super) resp3: bool,
    pub(super) tracking: Option<Tracking>,
    pub(super) wait: Option<Wait>,
    /// Commands sent while it was blocked, oldest first.
    pub(super) ahead: VecDeque<Vec<Vec<u8>>>,
}

impl Client {
    /// The flags of all commands that its transaction has queued.
    pub(super) fn queued_flags(&self) -> Flags {
        self.transaction.as_ref().map_or(0, Transaction::flags)
    }
}

impl Redis {
    /// A client has connected. Its commands may follow.
    pub fn connect(&mut self, client: ClientId) {
        let user = self.config.requirepass.is_none().then(|| "default".to_owned());
        self.clients.insert(client, Client { user, ..Client::default() });
    }

    /// A connection is gone. What it had queued, watched, subscribed or waited for is forgotten.
    pub fn disconnect(&mut self, client: ClientId) {
        self.stop_waiting(client);
        self.forget_watches(client);
        self.unsubscribe_all(client);
        self.clients.remove(&client);
    }

    /// The server hangs up.
    pub(super) fn close(&mut self, client: ClientId) {
        if self.clients.contains_key(&client) {
            self.disconnect(client);
            self.closed.push(client);
        }
    }

    /// Connections that the server itself has closed since the last call: `QUIT`, `CLIENT KILL`, a full query buffer.
    pub fn take_closed(&mut self) -> Vec<ClientId> {
        std::mem::take(&mut self.closed)
    }

    /// Keeps a command of a blocked client for later; whether it was one.
    pub(super) fn keep_for_later(&mut self, client: ClientId, args: &[Vec<u8>]) -> bool {
        let Some(state) = self.clients.get_mut(&client).filter(|state| state.wait.is_some()) else { return false };
        if state.ahead.len() >= AHEAD {
            self.close(client);
        } else {
            state.ahead.push_back(args.to_vec());
        }
        true
    }

    /// Access lists know no more than which commands a user is denied.
    pub(super) fn permitted(&self, user: &str, command: &Command) -> Result<(), Error> {
        let known = self.config.users.iter().find(|known| known.name == user);
        let top = command.name.split('|').next().unwrap_or_default();
        let denied = |name: &String| name == top || name == command.name;
        match known {
            Some(known) if !command.has(NO_AUTH) && known.denied.iter().any(denied) => {
                Err(Error::new(format!("NOPERM this user has no permissions to run the '{}' command", command.name)))
            }
            _ => Ok(()),
        }
    }

    /// A Sentinel's own commands need a user, too.
    pub(super) fn admits_to_sentinel(&self, client: ClientId) -> Result<(), Error> {
        let known = self.clients.get(&client).is_some_and(|state| state.user.is_some());
        if known { Ok(()) } else { Err(super::errors::NO_AUTH) }
    }

    fn is_password(&self, user: &str, password: &[u8]) -> bool {
        if user == "default" {
            return self.config.requirepass.as_ref().is_none_or(|wanted| wanted.as_bytes() == password);
        }
        self.config.users.iter().any(|known| known.name == user && known.password.as_bytes() == password)
    }

    fn authenticate(&mut self, client: ClientId, user: &[u8], password: &[u8]) -> Result<(), Error> {
        let user = std::str::from_utf8(user).map_err(|_| WRONG_PASSWORD)?;
        if !self.is_password(user, password) {
            return Err(WRONG_PASSWORD);
        }
        if let Some(state) = self.clients.get_mut(&client) {
            state.user = Some(user.to_owned());
        }
        Ok(())
    }
}

pub(super) const FLAGS: Flags = NO_SCRIPT | LOADING;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("auth", -2, FLAGS | NO_AUTH, NO_KEYS, auth),
    Command::plain("hello", -1, FLAGS | NO_AUTH, NO_KEYS, hello),
    Command::plain("select", 2, LOADING, NO_KEYS, select),
    Command::plain("echo", 2, LOADING, NO_KEYS, |call| Ok(bulk(call.arg(1)))),
    Command::special("quit", -1, FLAGS | NO_AUTH, NO_KEYS, quit),
    Command::plain("reset", 1, FLAGS | NO_AUTH, NO_KEYS, reset),
    Command::container("client"),
    Command::plain("client|id", 2, FLAGS, NO_KEYS, |call| Ok(Value::Int(i64::try_from(call.client).unwrap_or(-1)))),
    Command::plain("client|getname", 2, FLAGS, NO_KEYS, get_name),
    Command::plain("client|setname", 3, FLAGS, NO_KEYS, set_name),
    Command::plain("client|no-evict", 3, FLAGS, NO_KEYS, |_| Ok(Value::Okay)),
    Command::container("acl"),
    Command::plain("acl|whoami", 2, FLAGS, NO_KEYS, who_am_i),
];

fn auth(call: &mut Call<'_>) -> Reply {
    match call.args.len() {
        2 if call.redis.config.requirepass.is_none() => Err(Error::fixed(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        )),
        2 => call.redis.authenticate(call.client, b"default", call.arg(1)).map(|()| Value::Okay),
        3 => call.redis.authenticate(call.client, call.arg(1), call.arg(2)).map(|()| Value::Okay),
        _ => Err(SYNTAX),
    }
}

fn hello(call: &mut Call<'_>) -> Reply {
    let given = call.args;
    let mut wanted = None;
    if let Some(version) = given.get(1) {
        let version = super::number::parse_integer(version)
            .ok_or(Error::fixed("ERR Protocol version is not an integer or out of range"))?;
        if !matches!(version, 2 | 3) {
            return Err(Error::fixed("NOPROTO unsupported protocol version"));
        }
        wanted = Some(version == 3);
    }
    let mut at = 2;
    while let Some(option) = given.get(at) {
        let rest = given.len() - at - 1;
        if args::is(option, "auth") && rest >= 2 {
            call.redis.authenticate(call.client, &given[at + 1], &given[at + 2])?;
            at += 3;
        } else if args::is(option, "setname") && rest >= 1 {
            name_client(call, &given[at + 1])?;
            at += 2;
        } else {
            let text = String::from_utf8_lossy(option);
            return Err(Error::new(format!("ERR Syntax error in HELLO option '{text}'")));
        }
    }
    if call.redis.clients.get(&call.client).is_none_or(|state| state.user.is_none()) {
        return Err(Error::fixed(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the \
             same time",
        ));
    }
    if let (Some(resp3), Some(state)) = (wanted, call.redis.clients.get_mut(&call.client)) {
        state.resp3 = resp3;
    }
    let id = i64::try_from(call.client).unwrap_or(-1);
    let role = if call.redis.master.is_some() { "replica" } else { "master" };
    let text = |text: &str| bulk(text.as_bytes());
    Ok(Value::Array(vec![
        text("server"),
        text("redis"),
        text("version"),
        text(super::server::VERSION),
        text("proto"),
        Value::Int(if call.redis.speaks_resp3(call.client) { 3 } else { 2 }),
        text("id"),
        Value::Int(id),
        text("mode"),
        text("standalone"),
        text("role"),
        text(role),
        text("modules"),
        Value::Array(Vec::new()),
    ]))
}

fn select(call: &mut Call<'_>) -> Reply {
    let index = args::integer(call.arg(1))?;
    let index = usize::try_from(index).ok().filter(|index| *index < call.redis.databases.len());
    let index = index.ok_or(Error::fixed("ERR DB index is out of range"))?;
    call.redis.select(call.client, index);
    Ok(Value::Okay)
}

fn quit(call: &mut Call<'_>) -> Result<Outcome, Error> {
    call.redis.out.push((call.client, Value::Okay));
    call.redis.close(call.client);
    Ok(Outcome::Replies(Vec::new()))
}

fn reset(call: &mut Call<'_>) -> Reply {
    let client = call.client;
    let ahead = call.redis.clients.get_mut(&client).map(|state| std::mem::take(&mut state.ahead));
    call.redis.disconnect(client);
    call.redis.connect(client);
    if let Some(state) = call.redis.clients.get_mut(&client) {
        state.ahead = ahead.unwrap_or_default();
    }
    Ok(Value::SimpleString("RESET".into()))
}

fn get_name(call: &mut Call<'_>) -> Reply {
    let name = call.redis.clients.get(&call.client).map(|state| &state.name).filter(|name| !name.is_empty());
    Ok(super::call::bulk_or_nil(name))
}

fn set_name(call: &mut Call<'_>) -> Reply {
    name_client(call, call.arg(2)).map(|()| Value::Okay)
}

fn name_client(call: &mut Call<'_>, name: &[u8]) -> Result<(), Error> {
    if !name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Err(Error::fixed("ERR Client names cannot contain spaces, newlines or special characters."));
    }
    if let Some(state) = call.redis.clients.get_mut(&call.client) {
        state.name = name.to_vec();
    }
    Ok(())
}

fn who_am_i(call: &mut Call<'_>) -> Reply {
    let user = call.redis.clients.get(&call.client).and_then(|state| state.user.as_deref());
    Ok(user.map_or(error_value("ERR no user"), |user| bulk(user.as_bytes())))
}
