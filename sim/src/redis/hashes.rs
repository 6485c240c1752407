//! Hashes.

use super::args;
use super::call::{Call, Reply, bulk, bulk_or_nil, flag, int};
use super::command::{Command, DENY_OOM, Flags, ONE_KEY, READ, WRITE};
use super::data::Hash;
use super::errors::{Error, OVERFLOW};
use super::number::parse_integer;
use ::redis::Value;

const GROW: Flags = WRITE | DENY_OOM;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("hset", -4, GROW, ONE_KEY, |call| set(call, "hset").map(int)),
    Command::plain("hmset", -4, GROW, ONE_KEY, |call| set(call, "hmset").map(|_| Value::Okay)),
    Command::plain("hsetnx", 4, GROW, ONE_KEY, set_nx),
    Command::plain("hget", 3, READ, ONE_KEY, |call| {
        let (key, field) = (call.arg(1), call.arg(2));
        Ok(bulk_or_nil(call.get::<Hash>(key)?.and_then(|hash| hash.get(field))))
    }),
    Command::plain("hmget", -3, READ, ONE_KEY, |call| {
        let fields = &call.args[2..];
        let key = call.arg(1);
        let hash = call.get::<Hash>(key)?;
        let value = |field: &Vec<u8>| bulk_or_nil(hash.and_then(|hash| hash.get(field)));
        Ok(Value::Array(fields.iter().map(value).collect()))
    }),
    Command::plain("hgetall", 2, READ, ONE_KEY, |call| list(call, true, true)),
    Command::plain("hkeys", 2, READ, ONE_KEY, |call| list(call, true, false)),
    Command::plain("hvals", 2, READ, ONE_KEY, |call| list(call, false, true)),
    Command::plain("hlen", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(int(call.get::<Hash>(key)?.map_or(0, |hash| hash.fields().len())))
    }),
    Command::plain("hexists", 3, READ, ONE_KEY, |call| {
        let (key, field) = (call.arg(1), call.arg(2));
        Ok(flag(call.get::<Hash>(key)?.is_some_and(|hash| hash.get(field).is_some())))
    }),
    Command::plain("hstrlen", 3, READ, ONE_KEY, |call| {
        let (key, field) = (call.arg(1), call.arg(2));
        Ok(int(call.get::<Hash>(key)?.and_then(|hash| hash.get(field)).map_or(0, Vec::len)))
    }),
    Command::plain("hdel", -3, WRITE, ONE_KEY, delete),
    Command::plain("hincrby", 4, GROW, ONE_KEY, add),
];

/// How many fields are new.
fn set(call: &mut Call<'_>, name: &str) -> Result<usize, Error> {
    if call.args.len() % 2 == 1 {
        return Err(Error::arity(name));
    }
    let (key, pairs) = (call.arg(1), &call.args[2..]);
    let hash = call.edit_or_make::<Hash>(key)?;
    let new = pairs.chunks_exact(2).filter(|pair| hash.set(&pair[0], pair[1].clone())).count();
    call.touched(key);
    Ok(new)
}

fn set_nx(call: &mut Call<'_>) -> Reply {
    let (key, field, value) = (call.arg(1), call.arg(2), call.arg(3));
    let hash = call.edit_or_make::<Hash>(key)?;
    if hash.get(field).is_some() {
        return Ok(flag(false));
    }
    hash.set(field, value.to_vec());
    call.touched(key);
    Ok(flag(true))
}

fn list(call: &mut Call<'_>, names: bool, values: bool) -> Reply {
    let key = call.arg(1);
    let mut listed = Vec::new();
    for (field, value) in call.get::<Hash>(key)?.into_iter().flat_map(Hash::fields) {
        if names {
            listed.push(bulk(field));
        }
        if values {
            listed.push(bulk(value));
        }
    }
    Ok(Value::Array(listed))
}

fn delete(call: &mut Call<'_>) -> Reply {
    let (key, fields) = (call.arg(1), &call.args[2..]);
    let Some(hash) = call.edit::<Hash>(key)? else { return Ok(int(0)) };
    let removed = fields.iter().filter(|field| hash.remove(field)).count();
    if removed > 0 {
        call.touched(key);
    }
    Ok(int(removed))
}

fn add(call: &mut Call<'_>) -> Reply {
    let by = args::integer(call.arg(3))?;
    let (key, field) = (call.arg(1), call.arg(2));
    let old = match call.get::<Hash>(key)?.and_then(|hash| hash.get(field)) {
        Some(text) => parse_integer(text).ok_or(Error::fixed("ERR hash value is not an integer"))?,
        None => 0,
    };
    let new = old.checked_add(by).ok_or(OVERFLOW)?;
    call.edit_or_make::<Hash>(key)?.set(field, new.to_string().into_bytes());
    call.touched(key);
    Ok(Value::Int(new))
}
