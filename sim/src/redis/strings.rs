//! Strings: reading, counting, editing. `SET` and its relatives are in `set_string`.

use super::args;
use super::call::{Call, Reply, bulk, bulk_or_nil, int};
use super::command::{ALL_KEYS, Command, DENY_OOM, Flags, ONE_KEY, READ, WRITE};
use super::data::Data;
use super::errors::{Error, NOT_INTEGER, OVERFLOW, TOO_LONG};
use super::number::parse_integer;
use ::redis::Value;

/// `proto-max-bulk-len`.
const LONGEST: usize = 512 << 20;

const GROW: Flags = WRITE | DENY_OOM;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("get", 2, READ, ONE_KEY, get),
    Command::plain("mget", -2, READ, ALL_KEYS, mget),
    Command::plain("strlen", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(int(call.get::<Vec<u8>>(key)?.map_or(0, Vec::len)))
    }),
    Command::plain("getrange", 4, READ, ONE_KEY, get_range),
    Command::plain("getdel", 2, WRITE, ONE_KEY, get_del),
    Command::plain("append", 3, GROW, ONE_KEY, append),
    Command::plain("setrange", 4, GROW, ONE_KEY, set_range),
    Command::plain("incr", 2, GROW, ONE_KEY, |call| add(call, 1)),
    Command::plain("decr", 2, GROW, ONE_KEY, |call| add(call, -1)),
    Command::plain("incrby", 3, GROW, ONE_KEY, |call| add(call, args::integer(call.arg(2))?)),
    Command::plain("decrby", 3, GROW, ONE_KEY, |call| {
        let by = args::integer(call.arg(2))?;
        let by = by.checked_neg().ok_or(Error::fixed("ERR decrement would overflow"))?;
        add(call, by)
    }),
];

fn get(call: &mut Call<'_>) -> Reply {
    let key = call.arg(1);
    Ok(bulk_or_nil(call.get::<Vec<u8>>(key)?))
}

/// Keys of other types are nil here, not an error.
fn mget(call: &mut Call<'_>) -> Reply {
    let keys = &call.args[1..];
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        values.push(call.get::<Vec<u8>>(key).map_or(Value::Nil, bulk_or_nil));
    }
    Ok(Value::Array(values))
}

fn get_range(call: &mut Call<'_>) -> Reply {
    let (start, stop) = (args::integer(call.arg(2))?, args::integer(call.arg(3))?);
    let key = call.arg(1);
    let Some(text) = call.get::<Vec<u8>>(key)? else { return Ok(bulk(&[])) };
    if start < 0 && stop < 0 && start > stop {
        return Ok(bulk(&[]));
    }
    // An end before the beginning of the text is its first byte.
    let len = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let stop = if stop < 0 { stop.saturating_add(len).max(0) } else { stop };
    let (start, stop) = args::slice(start, stop, text.len());
    Ok(bulk(&text[start..stop]))
}

fn get_del(call: &mut Call<'_>) -> Reply {
    let key = call.arg(1);
    let value = bulk_or_nil(call.get::<Vec<u8>>(key)?);
    if call.delete(key) {
        call.repeat_as(&[b"DEL", key]);
    }
    Ok(value)
}

fn append(call: &mut Call<'_>) -> Reply {
    let (key, tail) = (call.arg(1), call.arg(2));
    if let Some(text) = call.get::<Vec<u8>>(key)?
        && text.len() + tail.len() > LONGEST
    {
        return Err(TOO_LONG);
    }
    let text = call.edit_or_make::<Vec<u8>>(key)?;
    text.extend_from_slice(tail);
    let len = text.len();
    call.touched(key);
    Ok(int(len))
}

fn set_range(call: &mut Call<'_>) -> Reply {
    let offset = args::integer(call.arg(2))?;
    let offset = usize::try_from(offset).map_err(|_| Error::fixed("ERR offset is out of range"))?;
    let (key, patch) = (call.arg(1), call.arg(3));
    let len = call.get::<Vec<u8>>(key)?.map_or(0, Vec::len);
    if patch.is_empty() {
        return Ok(int(len));
    }
    let end = offset.checked_add(patch.len()).filter(|end| *end <= LONGEST).ok_or(TOO_LONG)?;
    let text = call.edit_or_make::<Vec<u8>>(key)?;
    text.resize(len.max(end), 0);
    text[offset..end].copy_from_slice(patch);
    call.touched(key);
    Ok(int(len.max(end)))
}

fn add(call: &mut Call<'_>, by: i64) -> Reply {
    let key = call.arg(1);
    let old = match call.get::<Vec<u8>>(key)? {
        Some(text) => parse_integer(text).ok_or(NOT_INTEGER)?,
        None => 0,
    };
    let new = old.checked_add(by).ok_or(OVERFLOW)?;
    let text = new.to_string().into_bytes();
    match call.edit::<Vec<u8>>(key)? {
        Some(value) => {
            *value = text;
            call.touched(key);
        }
        None => call.replace(key, Data::Text(text)),
    }
    Ok(Value::Int(new))
}
