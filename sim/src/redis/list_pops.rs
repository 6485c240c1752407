//! Moving and popping across lists, at once or when there is something. A blocking command that may not block (inside
//! of a transaction or a script) answers as if its time were up.

use super::Micros;
use super::args::{self, is};
use super::blocking::{Wait, Want};
use super::call::{Call, Outcome, Reply, bulk};
use super::command::{BLOCKING, Command, DENY_OOM, Flags, Keys, NO_KEYS, NO_SCRIPT, TWO_KEYS, WRITE};
use super::data::{End, List};
use super::errors::{Error, SYNTAX};
use super::lists::{Popped, move_item, pop_items};
use super::number::parse_float;
use ::redis::Value;

/// All arguments but the last, which is the timeout.
pub(super) const BUT_LAST: Keys = (1, -2, 1);
const BLOCKS: Flags = WRITE | BLOCKING | NO_SCRIPT;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("rpoplpush", 3, WRITE | DENY_OOM, TWO_KEYS, |call| move_now(call, End::Right, End::Left)),
    Command::plain("lmove", 5, WRITE | DENY_OOM, TWO_KEYS, |call| {
        let (from, to) = (end(call.arg(3))?, end(call.arg(4))?);
        move_now(call, from, to)
    }),
    Command::plain("lmpop", -4, WRITE, NO_KEYS, lmpop),
    Command::special("blpop", -3, BLOCKS, BUT_LAST, |call| pop_or_wait(call, End::Left)),
    Command::special("brpop", -3, BLOCKS, BUT_LAST, |call| pop_or_wait(call, End::Right)),
    Command::special("brpoplpush", 4, BLOCKS | DENY_OOM, TWO_KEYS, |call| {
        let deadline = timeout(call.arg(3), call.redis.now)?;
        move_or_wait(call, End::Right, End::Left, deadline)
    }),
    Command::special("blmove", 6, BLOCKS | DENY_OOM, TWO_KEYS, |call| {
        let (from, to) = (end(call.arg(3))?, end(call.arg(4))?);
        let deadline = timeout(call.arg(5), call.redis.now)?;
        move_or_wait(call, from, to, deadline)
    }),
    Command::special("blmpop", -5, WRITE | BLOCKING, NO_KEYS, blmpop),
];

fn end(word: &[u8]) -> Result<End, Error> {
    match word {
        word if is(word, "left") => Ok(End::Left),
        word if is(word, "right") => Ok(End::Right),
        _ => Err(SYNTAX),
    }
}

/// When a wait that begins now ends: seconds, of which fractions of a millisecond count as one; 0 is never.
pub(super) fn timeout(seconds: &[u8], now: Micros) -> Result<Option<Micros>, Error> {
    let given = parse_float(seconds).ok_or(Error::fixed("ERR timeout is not a float or out of range"))?;
    let millis = (given * 1_000.0).ceil();
    let now_millis = now.div_euclid(1_000);
    // What does not fit wraps around to a negative number of milliseconds in the server.
    if millis < 0.0 || millis >= 9_223_372_036_854_775_807.0 {
        return Err(Error::fixed("ERR timeout is negative"));
    }
    if millis == 0.0 {
        return Ok(None);
    }
    let deadline = (millis as i64).checked_add(now_millis).ok_or(Error::fixed("ERR timeout is out of range"))?;
    Ok(Some(deadline.saturating_mul(1_000)))
}

fn wait(call: &mut Call<'_>, keys: &[Vec<u8>], want: Want, deadline: Option<Micros>) -> Outcome {
    if !call.may_block() {
        return Outcome::Reply(Value::Nil);
    }
    let wait = Wait { db: call.db, keys: keys.to_vec(), want, deadline };
    call.redis.block(call.client, wait)
}

fn pop_or_wait(call: &mut Call<'_>, end: End) -> Result<Outcome, Error> {
    let (last, keys) = call.args[1..].split_last().ok_or(SYNTAX)?;
    let deadline = timeout(last, call.redis.now)?;
    for key in keys {
        if call.get::<List>(key)?.is_some()
            && let Popped::One(item) = pop_items(call.redis, call.db, key, end, None)
        {
            return Ok(Outcome::Reply(Value::Array(vec![bulk(key), Value::BulkString(item)])));
        }
    }
    Ok(wait(call, keys, Want::Pop(end), deadline))
}

fn move_now(call: &mut Call<'_>, from: End, to: End) -> Reply {
    let (source, target) = (call.arg(1), call.arg(2));
    if call.get::<List>(source)?.is_none() {
        return Ok(Value::Nil);
    }
    call.effects = Some(Vec::new());
    let item = move_item(call.redis, call.db, source, from, target, to)?;
    Ok(item.map_or(Value::Nil, Value::BulkString))
}

fn move_or_wait(call: &mut Call<'_>, from: End, to: End, deadline: Option<Micros>) -> Result<Outcome, Error> {
    let source = call.arg(1);
    if call.get::<List>(source)?.is_some() {
        return move_now(call, from, to).map(Outcome::Reply);
    }
    let target = call.arg(2).to_vec();
    Ok(wait(call, &call.args[1..2], Want::Move { from, to, target }, deadline))
}

/// Keys, end and count after `numkeys`, which is at this place.
fn parse_many<'a>(call: &Call<'a>, at: usize) -> Result<(&'a [Vec<u8>], End, usize), Error> {
    let given: &'a [Vec<u8>] = call.args;
    let keys = args::at_least_one(&given[at], "ERR numkeys should be greater than 0")?;
    let rest = &given[at + 1..];
    let (keys, options) = rest.split_at_checked(keys).ok_or(SYNTAX)?;
    let (word, mut options) = options.split_first().ok_or(SYNTAX)?;
    let end = end(word)?;
    let mut count = None;
    while let Some((word, rest)) = options.split_first() {
        let (number, rest) = rest.split_first().filter(|_| is(word, "count") && count.is_none()).ok_or(SYNTAX)?;
        count = Some(args::at_least_one(number, "ERR count should be greater than 0")?);
        options = rest;
    }
    Ok((keys, end, count.unwrap_or(1)))
}

fn pop_first_of(call: &mut Call<'_>, keys: &[Vec<u8>], end: End, count: usize) -> Result<Option<Value>, Error> {
    for key in keys {
        if call.get::<List>(key)?.is_none() {
            continue;
        }
        if let Popped::Many(items) = pop_items(call.redis, call.db, key, end, Some(count)) {
            return Ok(Some(Value::Array(vec![bulk(key), Value::Array(items)])));
        }
    }
    Ok(None)
}

fn lmpop(call: &mut Call<'_>) -> Reply {
    let (keys, end, count) = parse_many(call, 1)?;
    call.effects = Some(Vec::new());
    Ok(pop_first_of(call, keys, end, count)?.unwrap_or(Value::Nil))
}

fn blmpop(call: &mut Call<'_>) -> Result<Outcome, Error> {
    let deadline = timeout(call.arg(1), call.redis.now)?;
    let (keys, end, count) = parse_many(call, 2)?;
    match pop_first_of(call, keys, end, count)? {
        Some(reply) => Ok(Outcome::Reply(reply)),
        None => Ok(wait(call, keys, Want::PopMany(end, count), deadline)),
    }
}
