//! Scripts. There is no Lua here: a script is known by its source, and a native twin does what the source says.
//!
//! What a real server would do with a source that has no twin can't be known, so that is an error of its own.

use super::args::integer;
use super::call::{Call, Outcome, Reply, Source, bulk, flag};
use super::command::{Command, NO_KEYS, NO_SCRIPT};
use super::errors::{Error, NO_SCRIPT as NOT_LOADED, OUT_OF_MEMORY, READ_ONLY, error_value};
use super::{ClientId, Redis, args, command};
use ::redis::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a script does: its reply, or the error that it ends with.
///
/// A Lua script that does not catch an error of `redis.call` ends with it: so `script.call(..)?`.
pub type Twin = Rc<dyn Fn(&mut Script<'_>) -> Result<Value, Value>>;

#[derive(Default)]
pub(super) struct Scripts {
    /// By the digest of the source, in lower case.
    twins: BTreeMap<String, Twin>,
    loaded: BTreeSet<String>,
}

impl Scripts {
    fn twin(&self, name: &str) -> Result<Twin, Error> {
        let twin = self.twins.get(name).cloned();
        twin.ok_or_else(|| Error::new(format!("ERR this simulated server knows no twin of the script {name}")))
    }

    /// Digests that were loaded are forgotten when the server restarts; twins are ours and stay.
    pub(super) fn forget(&mut self) {
        self.loaded.clear();
    }
}

/// A script while it runs.
pub struct Script<'a> {
    /// `KEYS`, from index 0.
    pub keys: &'a [Vec<u8>],
    /// `ARGV`, from index 0.
    pub argv: &'a [Vec<u8>],
    redis: &'a mut Redis,
    client: ClientId,
    db: usize,
    digest: &'a str,
    /// Memory was used up when the script began.
    full: bool,
    wrote: bool,
}

impl Script<'_> {
    /// `redis.call`.
    ///
    /// # Errors
    ///
    /// The command's error reply, as a script that does not catch it answers it: with the script's digest.
    pub fn call(&mut self, args: &[&[u8]]) -> Result<Value, Value> {
        self.pcall(args).map_err(|error| match error {
            Value::ServerError(error) => error_value(&format!(
                "{} {} script: {}, on @user_script:1.",
                error.code(),
                error.details().unwrap_or_default(),
                self.digest
            )),
            other => other,
        })
    }

    /// `redis.pcall`: the error is the command's own.
    ///
    /// # Errors
    ///
    /// The command's error reply.
    pub fn pcall(&mut self, args: &[&[u8]]) -> Result<Value, Value> {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
        self.run(&args).map(through_lua).map_err(Value::from)
    }

    fn run(&mut self, args: &[Vec<u8>]) -> Result<Value, Error> {
        let command = super::dispatch::resolve(args).map_err(|_| match args.first() {
            Some(name) if command::find(name).is_some() => {
                Error::fixed("ERR Wrong number of args calling Redis command from script")
            }
            _ => Error::fixed("ERR Unknown Redis command called from script"),
        })?;
        if command.has(NO_SCRIPT) {
            return Err(Error::fixed("ERR This Redis command is not allowed from script"));
        }
        if command.has(command::WRITE) && self.redis.master.is_some() {
            return Err(READ_ONLY);
        }
        if self.full && !self.wrote && command.has(command::DENY_OOM) {
            return Err(OUT_OF_MEMORY);
        }
        self.wrote |= command.has(command::WRITE);
        if command.has(command::READ) {
            // Whatever it reads, all keys that it was given count as read.
            self.redis.remember_read(self.client, self.keys.iter());
        }
        if command.name == "select" {
            self.db = usize::try_from(integer(&args[1])?)
                .ok()
                .filter(|db| *db < self.redis.databases.len())
                .ok_or(Error::fixed("ERR DB index is out of range"))?;
            return Ok(Value::Okay);
        }
        match self.redis.run(self.client, self.db, Source::Script, command, args)? {
            Outcome::Reply(value) => Ok(value),
            Outcome::Replies(_) | Outcome::Blocked => Ok(Value::Nil),
        }
    }
}

/// Lua's numbers are doubles, so large integers lose their last digits in a script; what is too large wraps around.
fn through_lua(value: Value) -> Value {
    match value {
        Value::Int(number) if number.unsigned_abs() > 1 << 53 => {
            let rounded = number as f64;
            Value::Int(if rounded >= i64::MAX as f64 { i64::MIN } else { rounded as i64 })
        }
        Value::Array(items) => Value::Array(items.into_iter().map(through_lua).collect()),
        other => other,
    }
}

/// The name under which `EVALSHA` finds a source.
fn digest(source: &[u8]) -> String {
    sha1_smol::Sha1::from(source).digest().to_string()
}

impl Redis {
    /// Declares what a script does. `EVAL` finds it by its source; `EVALSHA` by the digest, once it was loaded.
    pub fn script(&mut self, source: &str, twin: Twin) {
        self.scripts.twins.insert(digest(source.as_bytes()), twin);
    }
}

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("eval", -3, NO_SCRIPT, NO_KEYS, |call| {
        let name = digest(call.arg(1));
        run(call, &name)
    }),
    Command::plain("evalsha", -3, NO_SCRIPT, NO_KEYS, |call| {
        let name = String::from_utf8_lossy(call.arg(1)).to_lowercase();
        if !call.redis.scripts.loaded.contains(&name) {
            return Err(NOT_LOADED);
        }
        run(call, &name)
    }),
    Command::container("script"),
    Command::plain("script|load", 3, NO_SCRIPT, NO_KEYS, |call| {
        let name = digest(call.arg(2));
        call.redis.scripts.twin(&name)?;
        call.redis.scripts.loaded.insert(name.clone());
        Ok(bulk(name.as_bytes()))
    }),
    Command::plain("script|exists", -3, NO_SCRIPT, NO_KEYS, |call| {
        let known = |name: &Vec<u8>| {
            let name = String::from_utf8_lossy(name).to_lowercase();
            flag(call.redis.scripts.loaded.contains(&name))
        };
        Ok(Value::Array(call.args[2..].iter().map(known).collect()))
    }),
    Command::plain("script|flush", -2, NO_SCRIPT, NO_KEYS, flush),
];

fn run(call: &mut Call<'_>, name: &str) -> Reply {
    let count = integer(call.arg(2))?;
    let count = usize::try_from(count).map_err(|_| Error::fixed("ERR Number of keys can't be negative"))?;
    let (keys, argv) = call.args[3..]
        .split_at_checked(count)
        .ok_or(Error::fixed("ERR Number of keys can't be greater than number of args"))?;
    let twin = call.redis.scripts.twin(name)?;
    call.redis.scripts.loaded.insert(name.to_owned());
    let (client, db) = (call.client, call.db);
    let full = call.redis.is_full();
    let mut script = Script { keys, argv, redis: call.redis, client, db, digest: name, full, wrote: false };
    Ok(twin(&mut script).unwrap_or_else(|error| error))
}

fn flush(call: &mut Call<'_>) -> Reply {
    match call.args.get(2) {
        None => {}
        Some(word) if call.args.len() == 3 && (args::is(word, "async") || args::is(word, "sync")) => {}
        _ => return Err(Error::fixed("ERR SCRIPT FLUSH only support SYNC|ASYNC option")),
    }
    call.redis.scripts.loaded.clear();
    Ok(Value::Okay)
}
