//! Lists: ends, slices, and single items.

use super::Redis;
use super::args::{self, is};
use super::call::{Call, Reply, bulk, bulk_or_nil, int};
use super::command::{Command, DENY_OOM, Flags, ONE_KEY, READ, WRITE};
use super::data::{End, List};
use super::errors::{Error, NO_SUCH_KEY, OUT_OF_RANGE, SYNTAX};
use ::redis::Value;

const GROW: Flags = WRITE | DENY_OOM;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("lpush", -3, GROW, ONE_KEY, |call| push(call, End::Left, false)),
    Command::plain("rpush", -3, GROW, ONE_KEY, |call| push(call, End::Right, false)),
    Command::plain("lpushx", -3, GROW, ONE_KEY, |call| push(call, End::Left, true)),
    Command::plain("rpushx", -3, GROW, ONE_KEY, |call| push(call, End::Right, true)),
    Command::plain("lpop", -2, WRITE, ONE_KEY, |call| pop(call, End::Left)),
    Command::plain("rpop", -2, WRITE, ONE_KEY, |call| pop(call, End::Right)),
    Command::plain("llen", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(int(call.get::<List>(key)?.map_or(0, List::len)))
    }),
    Command::plain("lrange", 4, READ, ONE_KEY, range),
    Command::plain("lindex", 3, READ, ONE_KEY, index),
    Command::plain("lset", 4, GROW, ONE_KEY, set),
    Command::plain("linsert", 5, GROW, ONE_KEY, insert),
    Command::plain("lrem", 4, WRITE, ONE_KEY, remove),
    Command::plain("ltrim", 4, WRITE, ONE_KEY, trim),
];

fn push(call: &mut Call<'_>, end: End, only_old: bool) -> Reply {
    let key = call.arg(1);
    if only_old && call.get::<List>(key)?.is_none() {
        return Ok(int(0));
    }
    let items = &call.args[2..];
    let list = call.edit_or_make::<List>(key)?;
    for item in items {
        list.push(end, item.clone());
    }
    let len = list.len();
    call.touched(key);
    Ok(int(len))
}

/// What was taken from a list.
pub(super) enum Popped {
    Nothing,
    One(Vec<u8>),
    Many(Vec<Value>),
}

/// Takes items from the end of a list that is known to be one. Without a count it is one item, and not an array.
pub(super) fn pop_items(redis: &mut Redis, db: usize, key: &[u8], end: End, count: Option<usize>) -> Popped {
    let Some(index) = redis.find(db, key) else { return Popped::Nothing };
    let Some(list) = super::data::Kind::of_mut(&mut redis.databases[db].at_mut(index).data) else {
        return Popped::Nothing;
    };
    let list: &mut List = list;
    let name: &[u8] = if end == End::Left { b"LPOP" } else { b"RPOP" };
    let popped = match count {
        None => list.pop(end).map_or(Popped::Nothing, Popped::One),
        Some(count) => {
            let count = count.min(list.len());
            Popped::Many((0..count).filter_map(|_| list.pop(end)).map(Value::BulkString).collect())
        }
    };
    let many = match &popped {
        Popped::Nothing => 0,
        Popped::One(_) => 1,
        Popped::Many(items) => items.len(),
    };
    if many > 0 {
        redis.touched(db, key);
        redis.record(db, || vec![name.to_vec(), key.to_vec(), many.to_string().into_bytes()]);
    }
    popped
}

fn pop(call: &mut Call<'_>, end: End) -> Reply {
    if call.args.len() > 3 {
        return Err(Error::arity(if end == End::Left { "lpop" } else { "rpop" }));
    }
    let count = call.args.get(2).map(|count| args::count(count)).transpose()?;
    let key = call.arg(1);
    if call.get::<List>(key)?.is_none() {
        return Ok(Value::Nil);
    }
    call.effects = Some(Vec::new());
    Ok(match pop_items(call.redis, call.db, key, end, count) {
        Popped::Nothing => Value::Nil,
        Popped::One(item) => Value::BulkString(item),
        Popped::Many(items) => Value::Array(items),
    })
}

/// Takes an item from one list and puts it into another, which may be the same. The source is known to be a list.
pub(super) fn move_item(
    redis: &mut Redis,
    db: usize,
    source: &[u8],
    from: End,
    target: &[u8],
    to: End,
) -> Result<Option<Vec<u8>>, Error> {
    if let Some(index) = redis.find(db, target) {
        let data = &redis.databases[db].at(index).data;
        if !matches!(data, super::data::Data::List(_)) {
            return Err(super::errors::WRONG_TYPE);
        }
    }
    let Some(index) = redis.find(db, source) else { return Ok(None) };
    let item = match &mut redis.databases[db].at_mut(index).data {
        super::data::Data::List(list) => list.pop(from),
        _ => None,
    };
    let Some(item) = item else { return Ok(None) };
    let index = match redis.find(db, target) {
        Some(index) => index,
        None => redis.put(db, target, <List as super::data::Kind>::empty()),
    };
    if let super::data::Data::List(list) = &mut redis.databases[db].at_mut(index).data {
        list.push(to, item.clone());
    }
    redis.touched(db, target);
    if source != target {
        redis.touched(db, source);
    }
    let word = |end: End| if end == End::Left { b"LEFT".to_vec() } else { b"RIGHT".to_vec() };
    redis.record(db, || vec![b"LMOVE".to_vec(), source.to_vec(), target.to_vec(), word(from), word(to)]);
    Ok(Some(item))
}

fn range(call: &mut Call<'_>) -> Reply {
    let (start, stop) = (args::integer(call.arg(2))?, args::integer(call.arg(3))?);
    let key = call.arg(1);
    let Some(list) = call.get::<List>(key)? else { return Ok(Value::Array(Vec::new())) };
    let (start, stop) = args::slice(start, stop, list.len());
    Ok(Value::Array(list.items().range(start..stop).map(|item| bulk(item)).collect()))
}

/// An index from either end.
fn place(index: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).ok()?;
    let at = if index < 0 { index.checked_add(len)? } else { index };
    usize::try_from(at).ok().filter(|_| at < len)
}

fn index(call: &mut Call<'_>) -> Reply {
    let key = call.arg(1);
    let Some(len) = call.get::<List>(key)?.map(List::len) else { return Ok(Value::Nil) };
    let at = place(args::integer(call.arg(2))?, len);
    let list = call.get::<List>(key)?;
    Ok(bulk_or_nil(at.and_then(|at| list.and_then(|list| list.items().get(at)))))
}

fn set(call: &mut Call<'_>) -> Reply {
    let (key, item) = (call.arg(1), call.arg(3));
    let len = call.get::<List>(key)?.map(List::len).ok_or(NO_SUCH_KEY)?;
    let at = place(args::integer(call.arg(2))?, len).ok_or(OUT_OF_RANGE)?;
    if let Some(list) = call.edit::<List>(key)? {
        list.set(at, item.to_vec());
        call.touched(key);
    }
    Ok(Value::Okay)
}

fn insert(call: &mut Call<'_>) -> Reply {
    let after = match call.arg(2) {
        word if is(word, "after") => true,
        word if is(word, "before") => false,
        _ => return Err(SYNTAX),
    };
    let (key, pivot, item) = (call.arg(1), call.arg(3), call.arg(4));
    let Some(list) = call.edit::<List>(key)? else { return Ok(int(0)) };
    let Some(at) = list.items().iter().position(|item| item == pivot) else { return Ok(Value::Int(-1)) };
    list.insert(at + usize::from(after), item.to_vec());
    let len = list.len();
    call.touched(key);
    Ok(int(len))
}

/// The sign of the count says from which end, 0 means all.
fn remove(call: &mut Call<'_>) -> Reply {
    let count = args::integer(call.arg(2))?;
    let (key, item) = (call.arg(1), call.arg(3));
    let Some(list) = call.edit::<List>(key)? else { return Ok(int(0)) };
    let limit = if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let found = list.items().iter().enumerate().filter(|(_, other)| *other == item).map(|(at, _)| at);
    let mut found: Vec<usize> = if count < 0 { found.rev().take(limit).collect() } else { found.take(limit).collect() };
    found.sort_unstable_by(|a, b| b.cmp(a));
    for at in &found {
        list.remove(*at);
    }
    if !found.is_empty() {
        call.touched(key);
    }
    Ok(int(found.len()))
}

fn trim(call: &mut Call<'_>) -> Reply {
    let (start, stop) = (args::integer(call.arg(2))?, args::integer(call.arg(3))?);
    let key = call.arg(1);
    if let Some(list) = call.edit::<List>(key)? {
        let (start, stop) = args::slice(start, stop, list.len());
        list.keep(start, stop);
        call.touched(key);
    }
    Ok(Value::Okay)
}
