//! Sets.

use super::args;
use super::call::{Call, Reply, bulk, flag, int};
use super::command::{ALL_KEYS, Command, DENY_OOM, ONE_KEY, READ, TWO_KEYS, WRITE};
use super::data::{Members, Set};
use super::errors::{SYNTAX, WRONG_TYPE};
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("sadd", -3, WRITE | DENY_OOM, ONE_KEY, add),
    Command::plain("srem", -3, WRITE, ONE_KEY, remove),
    Command::plain("smove", 4, WRITE, TWO_KEYS, move_member),
    Command::plain("spop", -2, WRITE, ONE_KEY, pop),
    Command::plain("smembers", 2, READ, ONE_KEY, |call| combine(call, |_, _| true)),
    Command::plain("sinter", -2, READ, ALL_KEYS, |call| {
        combine(call, |member, others| others.iter().all(|other| other.contains(member)))
    }),
    Command::plain("sdiff", -2, READ, ALL_KEYS, |call| {
        combine(call, |member, others| !others.iter().any(|other| other.contains(member)))
    }),
    Command::plain("sunion", -2, READ, ALL_KEYS, union),
    Command::plain("scard", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(int(call.get::<Set>(key)?.map_or(0, |set| set.members().len())))
    }),
    Command::plain("sismember", 3, READ, ONE_KEY, |call| {
        let (key, member) = (call.arg(1), call.arg(2));
        Ok(flag(call.get::<Set>(key)?.is_some_and(|set| set.members().contains(member))))
    }),
    Command::plain("smismember", -3, READ, ONE_KEY, |call| {
        let (key, members) = (call.arg(1), &call.args[2..]);
        let set = call.get::<Set>(key)?;
        let is_member = |member: &Vec<u8>| flag(set.is_some_and(|set| set.members().contains(member)));
        Ok(Value::Array(members.iter().map(is_member).collect()))
    }),
];

fn add(call: &mut Call<'_>) -> Reply {
    let (key, members) = (call.arg(1), &call.args[2..]);
    let set = call.edit_or_make::<Set>(key)?;
    let added = members.iter().filter(|member| set.add(member)).count();
    if added > 0 {
        call.touched(key);
    }
    Ok(int(added))
}

fn remove(call: &mut Call<'_>) -> Reply {
    let (key, members) = (call.arg(1), &call.args[2..]);
    let Some(set) = call.edit::<Set>(key)? else { return Ok(int(0)) };
    let removed = members.iter().filter(|member| set.remove(member)).count();
    if removed > 0 {
        call.touched(key);
    }
    Ok(int(removed))
}

fn move_member(call: &mut Call<'_>) -> Reply {
    let (source, target, member) = (call.arg(1), call.arg(2), call.arg(3));
    if !call.exists(source) {
        return Ok(flag(false));
    }
    call.get::<Set>(target)?;
    if source == target {
        return Ok(flag(call.get::<Set>(source)?.is_some_and(|set| set.members().contains(member))));
    }
    let Some(set) = call.edit::<Set>(source)? else { return Ok(flag(false)) };
    if !set.remove(member) {
        return Ok(flag(false));
    }
    call.touched(source);
    call.edit_or_make::<Set>(target)?.add(member);
    call.touched(target);
    Ok(flag(true))
}

/// Draws from the server's seed; replicas and logs are told which members went.
fn pop(call: &mut Call<'_>) -> Reply {
    if call.args.len() > 3 {
        return Err(SYNTAX);
    }
    let count = call.args.get(2).map(|count| args::count(count)).transpose()?;
    let key = call.arg(1);
    let mut popped: Vec<Value> = Vec::new();
    let mut effect: Vec<Vec<u8>> = vec![b"SREM".to_vec(), key.to_vec()];
    while popped.len() < count.unwrap_or(1) {
        let len = call.get::<Set>(key)?.map_or(0, |set| set.members().len());
        let drawn = call.redis.random.below(u64::try_from(len).unwrap_or(0));
        let Some(set) = call.edit::<Set>(key)? else { break };
        let Some(member) = set.remove_at(usize::try_from(drawn).unwrap_or(0)) else { break };
        effect.push(member.clone());
        popped.push(Value::BulkString(member));
        if len == 1 {
            break;
        }
    }
    if !popped.is_empty() {
        call.touched(key);
        call.effects = Some(vec![effect]);
    }
    Ok(match count {
        Some(_) => Value::Array(popped),
        None => popped.pop().unwrap_or(Value::Nil),
    })
}

/// The members of the first set that pass a test against the others; a key that is missing is an empty set.
fn combine(call: &mut Call<'_>, keeps: fn(&Vec<u8>, &[Members]) -> bool) -> Reply {
    let (first, rest) = call.args[1..].split_first().ok_or(WRONG_TYPE)?;
    let mut others = Vec::with_capacity(rest.len());
    let missing = call.get::<Set>(first)?.is_none();
    for key in rest {
        others.push(call.get::<Set>(key)?.map(|set| set.members().clone()).unwrap_or_default());
    }
    if missing {
        return Ok(Value::Array(Vec::new()));
    }
    let members = call.get::<Set>(first)?.into_iter().flat_map(Set::members);
    Ok(Value::Array(members.filter(|member| keeps(member, &others)).map(|member| bulk(member)).collect()))
}

fn union(call: &mut Call<'_>) -> Reply {
    let mut members = Members::default();
    for key in &call.args[1..] {
        members.extend(call.get::<Set>(key)?.into_iter().flat_map(Set::members).cloned());
    }
    Ok(Value::Array(members.into_iter().map(Value::BulkString).collect()))
}
