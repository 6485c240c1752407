//! Deadlines of keys. They are logged as absolute times, or as a removal if they have passed.

use super::args;
use super::call::{Call, Reply, flag};
use super::command::{Command, ONE_KEY, READ, WRITE};
use super::errors::Error;
use super::set_string::{Unit, in_unit};
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("expire", -3, WRITE, ONE_KEY, |call| expire(call, "expire", Unit::Seconds, true)),
    Command::plain("pexpire", -3, WRITE, ONE_KEY, |call| expire(call, "pexpire", Unit::Millis, true)),
    Command::plain("expireat", -3, WRITE, ONE_KEY, |call| expire(call, "expireat", Unit::Seconds, false)),
    Command::plain("pexpireat", -3, WRITE, ONE_KEY, |call| expire(call, "pexpireat", Unit::Millis, false)),
    Command::plain("ttl", 2, READ, ONE_KEY, |call| left(call, Unit::Seconds)),
    Command::plain("pttl", 2, READ, ONE_KEY, |call| left(call, Unit::Millis)),
    Command::plain("expiretime", 2, READ, ONE_KEY, |call| when(call, Unit::Seconds)),
    Command::plain("pexpiretime", 2, READ, ONE_KEY, |call| when(call, Unit::Millis)),
    Command::plain("persist", 2, WRITE, ONE_KEY, persist),
];

/// When a new deadline is taken.
#[derive(Default)]
struct Condition {
    none: bool,
    some: bool,
    later: bool,
    earlier: bool,
}

impl Condition {
    fn parse(words: &[Vec<u8>]) -> Result<Self, Error> {
        let mut condition = Condition::default();
        for word in words {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => condition.none = true,
                b"xx" => condition.some = true,
                b"gt" => condition.later = true,
                b"lt" => condition.earlier = true,
                _ => {
                    let word = String::from_utf8_lossy(word);
                    return Err(Error::new(format!("ERR Unsupported option {word}")));
                }
            }
        }
        if condition.none && (condition.some || condition.later || condition.earlier) {
            return Err(Error::fixed("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if condition.later && condition.earlier {
            return Err(Error::fixed("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    /// No deadline counts as one in the infinite future.
    fn holds(&self, old: Option<i64>, new: i64) -> bool {
        let refused = (self.none && old.is_some())
            || (self.some && old.is_none())
            || (self.later && old.is_none_or(|old| new <= old))
            || (self.earlier && old.is_some_and(|old| new >= old));
        !refused
    }
}

fn expire(call: &mut Call<'_>, name: &str, unit: Unit, relative: bool) -> Reply {
    let given = args::integer(call.arg(2));
    let condition = Condition::parse(&call.args[3..])?;
    let given = given?;
    let millis = if unit == Unit::Seconds { given.checked_mul(1_000) } else { Some(given) };
    let base = if relative { call.now() } else { 0 };
    let at = millis.and_then(|millis| millis.checked_add(base)).ok_or_else(|| Error::expire_time(name))?;
    let key = call.arg(1);
    let Some(old) = call.deadline(key) else { return Ok(flag(false)) };
    if !condition.holds(old, at) {
        return Ok(flag(false));
    }
    if at <= call.now() && !call.redis.streaming {
        call.delete(key);
        call.repeat_as(&[b"DEL", key]);
    } else {
        call.set_deadline(key, Some(at));
        call.repeat_as(&[b"PEXPIREAT", key, at.to_string().as_bytes()]);
    }
    Ok(flag(true))
}

fn left(call: &mut Call<'_>, unit: Unit) -> Reply {
    let now = call.now();
    let key = call.arg(1);
    Ok(Value::Int(match call.deadline(key) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline)) => in_unit((deadline - now).max(0), unit),
    }))
}

fn when(call: &mut Call<'_>, unit: Unit) -> Reply {
    let key = call.arg(1);
    Ok(Value::Int(match call.deadline(key) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline)) => in_unit(deadline, unit),
    }))
}

fn persist(call: &mut Call<'_>) -> Reply {
    let key = call.arg(1);
    let volatile = call.deadline(key).flatten().is_some();
    if volatile {
        call.set_deadline(key, None);
    }
    Ok(flag(volatile))
}
