//! Keys as such: removing, naming, counting.

use super::args::{self, is};
use super::call::{Call, Reply, bulk, flag, int};
use super::command::{ALL_KEYS, Command, DENY_OOM, NO_KEYS, ONE_KEY, READ, TWO_KEYS, WRITE};
use super::errors::{Error, NO_SUCH_KEY, SAME_OBJECT, SYNTAX};
use super::glob::matches;
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("del", -2, WRITE, ALL_KEYS, delete),
    Command::plain("unlink", -2, WRITE, ALL_KEYS, delete),
    Command::plain("exists", -2, READ, ALL_KEYS, exists),
    Command::plain("touch", -2, READ, ALL_KEYS, exists),
    Command::plain("type", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(Value::SimpleString(call.data(key).map_or("none", |data| data.name()).into()))
    }),
    Command::plain("rename", 3, WRITE, TWO_KEYS, |call| rename(call, false).map(|_| Value::Okay)),
    Command::plain("renamenx", 3, WRITE, TWO_KEYS, |call| rename(call, true).map(flag)),
    Command::plain("copy", -3, WRITE | DENY_OOM, TWO_KEYS, copy),
    Command::plain("move", 3, WRITE, ONE_KEY, move_to),
    Command::plain("keys", 2, READ, NO_KEYS, keys),
    Command::plain("randomkey", 1, READ, NO_KEYS, random_key),
    Command::plain("dbsize", 1, READ, NO_KEYS, |call| Ok(int(call.redis.databases[call.db].len()))),
    Command::plain("flushdb", -1, WRITE, NO_KEYS, |call| flush(call, false)),
    Command::plain("flushall", -1, WRITE, NO_KEYS, |call| flush(call, true)),
];

fn delete(call: &mut Call<'_>) -> Reply {
    let mut count = 0;
    for key in &call.args[1..] {
        count += usize::from(call.delete(key));
    }
    Ok(int(count))
}

fn exists(call: &mut Call<'_>) -> Reply {
    let mut count = 0;
    for key in &call.args[1..] {
        count += usize::from(call.exists(key));
    }
    Ok(int(count))
}

/// Whether it was done. Value and deadline move together.
fn rename(call: &mut Call<'_>, only_new: bool) -> Result<bool, Error> {
    let (old, new) = (call.arg(1), call.arg(2));
    if !call.exists(old) {
        return Err(NO_SUCH_KEY);
    }
    if only_new && call.exists(new) {
        return Ok(false);
    }
    if old == new {
        return Ok(true);
    }
    let db = call.db;
    // Who reads both hears of the old name first.
    if call.exists(new) {
        call.redis.databases[db].remove(new);
    }
    let Some(entry) = call.redis.databases[db].remove(old) else { return Err(NO_SUCH_KEY) };
    let index = call.redis.put(db, new, entry.data);
    call.redis.databases[db].set_deadline(index, entry.deadline);
    call.touched(old);
    call.touched(new);
    Ok(true)
}

fn database(call: &Call<'_>, arg: &[u8]) -> Result<usize, Error> {
    let given = args::integer(arg)?;
    let index = usize::try_from(given).ok().filter(|index| *index < call.redis.databases.len());
    index.ok_or(Error::fixed("ERR DB index is out of range"))
}

fn copy(call: &mut Call<'_>) -> Reply {
    let (mut target_db, mut replace) = (call.db, false);
    let mut options = &call.args[3..];
    while let Some((word, rest)) = options.split_first() {
        options = rest;
        if is(word, "replace") {
            replace = true;
        } else if let Some((number, rest)) = options.split_first().filter(|_| is(word, "db")) {
            target_db = database(call, number)?;
            options = rest;
        } else {
            return Err(SYNTAX);
        }
    }
    let (source, target) = (call.arg(1), call.arg(2));
    if target_db == call.db && source == target {
        return Err(SAME_OBJECT);
    }
    let Some(index) = call.redis.find(call.db, source) else { return Ok(flag(false)) };
    let entry = call.redis.databases[call.db].at(index).clone();
    if call.redis.find(target_db, target).is_some() {
        if !replace {
            return Ok(flag(false));
        }
        call.redis.delete(target_db, target);
    }
    let index = call.redis.put(target_db, target, entry.data);
    call.redis.databases[target_db].set_deadline(index, entry.deadline);
    call.redis.touched(target_db, target);
    Ok(flag(true))
}

fn move_to(call: &mut Call<'_>) -> Reply {
    let target = database(call, call.arg(2))?;
    if target == call.db {
        return Err(SAME_OBJECT);
    }
    let key = call.arg(1);
    if !call.exists(key) || call.redis.find(target, key).is_some() {
        return Ok(flag(false));
    }
    let Some(entry) = call.redis.databases[call.db].remove(key) else { return Ok(flag(false)) };
    let index = call.redis.put(target, key, entry.data);
    call.redis.databases[target].set_deadline(index, entry.deadline);
    call.redis.touched(target, key);
    call.touched(key);
    Ok(flag(true))
}

/// In no order that clients may rely on.
fn keys(call: &mut Call<'_>) -> Reply {
    let (pattern, now) = (call.arg(1), call.now());
    let live = call.redis.databases[call.db]
        .iter()
        .filter(|(key, entry)| entry.deadline.is_none_or(|deadline| now <= deadline) && matches(pattern, key));
    Ok(Value::Array(live.map(|(key, _)| bulk(key)).collect()))
}

fn random_key(call: &mut Call<'_>) -> Reply {
    while let Ok(len) = u64::try_from(call.redis.databases[call.db].len())
        && len > 0
    {
        let drawn = usize::try_from(call.redis.random.below(len)).unwrap_or(0);
        let Some(key) = call.redis.databases[call.db].key_at(drawn).cloned() else { break };
        if call.exists(&key) || call.redis.master.is_some() {
            return Ok(Value::BulkString(key));
        }
    }
    Ok(Value::Nil)
}

fn flush(call: &mut Call<'_>, all: bool) -> Reply {
    match call.args {
        [_] => {}
        [_, word] if is(word, "async") || is(word, "sync") => {}
        _ => return Err(SYNTAX),
    }
    let databases = if all { 0..call.redis.databases.len() } else { call.db..call.db + 1 };
    for db in databases {
        call.redis.clear(db);
    }
    call.redis.invalidate_all();
    Ok(Value::Okay)
}
