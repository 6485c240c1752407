//! The ends of sorted sets, popped at once or when there is something.

use super::Redis;
use super::args;
use super::blocking::{Wait, Want};
use super::call::{Call, Outcome, Reply, bulk};
use super::command::{BLOCKING, Command, Flags, NO_SCRIPT, ONE_KEY, WRITE};
use super::data::Data;
use super::errors::{Error, SYNTAX};
use super::list_pops::{BUT_LAST, timeout};
use super::number::format_float;
use super::sorted::Sorted;
use ::redis::Value;

const BLOCKS: Flags = WRITE | BLOCKING | NO_SCRIPT;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("zpopmin", -2, WRITE, ONE_KEY, |call| pop(call, false)),
    Command::plain("zpopmax", -2, WRITE, ONE_KEY, |call| pop(call, true)),
    Command::special("bzpopmin", -3, BLOCKS, BUT_LAST, |call| pop_or_wait(call, false)),
    Command::special("bzpopmax", -3, BLOCKS, BUT_LAST, |call| pop_or_wait(call, true)),
];

/// Takes members and their scores from an end of what is known to be a sorted set.
pub(super) fn pop_scored(redis: &mut Redis, db: usize, key: &[u8], highest: bool, count: usize) -> Vec<Value> {
    let mut popped = Vec::new();
    let Some(index) = redis.find(db, key) else { return popped };
    let Data::Sorted(sorted) = &mut redis.databases[db].at_mut(index).data else { return popped };
    for _ in 0..count {
        let Some((member, score)) = sorted.pop(highest) else { break };
        popped.push(bulk(&member));
        popped.push(bulk(format_float(score).as_bytes()));
    }
    if !popped.is_empty() {
        redis.touched(db, key);
        let name: &[u8] = if highest { b"ZPOPMAX" } else { b"ZPOPMIN" };
        let many = (popped.len() / 2).to_string().into_bytes();
        redis.record(db, || vec![name.to_vec(), key.to_vec(), many]);
    }
    popped
}

fn pop(call: &mut Call<'_>, highest: bool) -> Reply {
    if call.args.len() > 3 {
        return Err(SYNTAX);
    }
    let count = call.args.get(2).map_or(Ok(1), |count| args::count(count))?;
    let key = call.arg(1);
    if call.get::<Sorted>(key)?.is_none() {
        return Ok(Value::Array(Vec::new()));
    }
    call.effects = Some(Vec::new());
    Ok(Value::Array(pop_scored(call.redis, call.db, key, highest, count)))
}

fn pop_or_wait(call: &mut Call<'_>, highest: bool) -> Result<Outcome, Error> {
    let (last, keys) = call.args[1..].split_last().ok_or(SYNTAX)?;
    let deadline = timeout(last, call.redis.now)?;
    for key in keys {
        if call.get::<Sorted>(key)?.is_some() {
            let mut reply = pop_scored(call.redis, call.db, key, highest, 1);
            reply.insert(0, bulk(key));
            return Ok(Outcome::Reply(call.redis.typed_pop(call.client, reply)));
        }
    }
    if !call.may_block() {
        return Ok(Outcome::Reply(Value::Nil));
    }
    let wait = Wait { db: call.db, keys: keys.to_vec(), want: Want::PopScored { highest }, deadline };
    Ok(call.redis.block(call.client, wait))
}
