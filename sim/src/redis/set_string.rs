//! `SET` with its options, and the commands that it made superfluous. Relative deadlines are logged as absolute ones.

use super::call::{Call, Reply, bulk_or_nil, flag};
use super::command::{Command, DENY_OOM, Flags, Keys, ONE_KEY, WRITE};
use super::data::Data;
use super::errors::{Error, NOT_INTEGER, SYNTAX};
use super::number::parse_integer;
use ::redis::Value;

const GROW: Flags = WRITE | DENY_OOM;
const PAIRS: Keys = (1, -1, 2);

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("set", -3, GROW, ONE_KEY, set),
    Command::plain("setnx", 3, GROW, ONE_KEY, set_nx),
    Command::plain("setex", 4, GROW, ONE_KEY, |call| set_ex(call, "setex", Unit::Seconds)),
    Command::plain("psetex", 4, GROW, ONE_KEY, |call| set_ex(call, "psetex", Unit::Millis)),
    Command::plain("getset", 3, GROW, ONE_KEY, get_set),
    Command::plain("getex", -2, WRITE, ONE_KEY, get_ex),
    Command::plain("mset", -3, GROW, PAIRS, mset),
    Command::plain("msetnx", -3, GROW, PAIRS, mset_nx),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
}

/// A deadline as options give it, in Unix milliseconds.
pub(super) fn deadline(arg: &[u8], unit: Unit, from_now: Option<i64>, command: &str) -> Result<i64, Error> {
    let given = parse_integer(arg).ok_or(NOT_INTEGER)?;
    let millis = match unit {
        Unit::Seconds => given.checked_mul(1_000),
        Unit::Millis => Some(given),
    };
    let at = millis.filter(|_| given > 0).and_then(|millis| millis.checked_add(from_now.unwrap_or(0)));
    at.ok_or_else(|| Error::expire_time(command))
}

#[derive(Default)]
struct Options {
    only_new: bool,
    only_old: bool,
    get: bool,
    keep: bool,
    persist: bool,
    /// The unit, whether it is absolute, and the text of the number.
    expiry: Option<(Unit, bool, Vec<u8>)>,
}

impl Options {
    fn parse(given: &[Vec<u8>], is_set: bool) -> Result<Self, Error> {
        let mut options = Options::default();
        let mut at = 0;
        while let Some(word) = given.get(at) {
            let word = word.to_ascii_lowercase();
            let timed = options.keep || options.persist || options.expiry.is_some();
            match word.as_slice() {
                b"nx" if is_set && !options.only_old => options.only_new = true,
                b"xx" if is_set && !options.only_new => options.only_old = true,
                b"get" if is_set => options.get = true,
                b"keepttl" if is_set && (!timed || options.keep) => options.keep = true,
                b"persist" if !is_set && (!timed || options.persist) => options.persist = true,
                b"ex" | b"px" | b"exat" | b"pxat" if !timed => {
                    at += 1;
                    let unit = if word[0] == b'e' { Unit::Seconds } else { Unit::Millis };
                    let number = given.get(at).ok_or(SYNTAX)?;
                    options.expiry = Some((unit, word.ends_with(b"at"), number.clone()));
                }
                _ => return Err(SYNTAX),
            }
            at += 1;
        }
        Ok(options)
    }

    fn deadline(&self, now: i64, command: &str) -> Result<Option<i64>, Error> {
        let Some((unit, absolute, number)) = &self.expiry else { return Ok(None) };
        deadline(number, *unit, (!absolute).then_some(now), command).map(Some)
    }
}

fn set(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[3..], true)?;
    let at = options.deadline(call.now(), "set")?;
    let (key, value) = (call.arg(1), call.arg(2));
    let old = if options.get { bulk_or_nil(call.get::<Vec<u8>>(key)?) } else { Value::Nil };
    let conditional = options.only_new || options.only_old;
    if conditional && call.exists(key) == options.only_new {
        return Ok(old);
    }
    store(call, key, value, at, options.keep);
    Ok(if options.get { old } else { Value::Okay })
}

/// A deadline that has passed leaves a key that the next look removes.
fn store(call: &mut Call<'_>, key: &[u8], value: &[u8], at: Option<i64>, keep: bool) {
    let kept = if keep { call.deadline(key).flatten() } else { None };
    let index = call.redis.put(call.db, key, Data::Text(value.to_vec()));
    call.redis.databases[call.db].set_deadline(index, at.or(kept));
    call.touched(key);
    match at {
        Some(at) => call.repeat_as(&[b"SET", key, value, b"PXAT", at.to_string().as_bytes()]),
        None if keep => call.repeat_as(&[b"SET", key, value, b"KEEPTTL"]),
        None => call.repeat_as(&[b"SET", key, value]),
    }
}

fn set_nx(call: &mut Call<'_>) -> Reply {
    let (key, value) = (call.arg(1), call.arg(2));
    if call.exists(key) {
        return Ok(flag(false));
    }
    store(call, key, value, None, false);
    Ok(flag(true))
}

fn set_ex(call: &mut Call<'_>, name: &str, unit: Unit) -> Reply {
    let at = deadline(call.arg(2), unit, Some(call.now()), name)?;
    store(call, call.arg(1), call.arg(3), Some(at), false);
    Ok(Value::Okay)
}

fn get_set(call: &mut Call<'_>) -> Reply {
    let key = call.arg(1);
    let old = bulk_or_nil(call.get::<Vec<u8>>(key)?);
    store(call, key, call.arg(2), None, false);
    Ok(old)
}

fn get_ex(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[2..], false)?;
    let key = call.arg(1);
    let value = bulk_or_nil(call.get::<Vec<u8>>(key)?);
    if value == Value::Nil {
        return Ok(value);
    }
    let at = options.deadline(call.now(), "getex")?;
    match at {
        Some(at) if at <= call.now() => {
            call.delete(key);
            call.repeat_as(&[b"DEL", key]);
        }
        Some(at) => {
            call.set_deadline(key, Some(at));
            call.repeat_as(&[b"PEXPIREAT", key, at.to_string().as_bytes()]);
        }
        None if options.persist && call.deadline(key).flatten().is_some() => {
            call.set_deadline(key, None);
            call.repeat_as(&[b"PERSIST", key]);
        }
        None => {}
    }
    Ok(value)
}

fn mset(call: &mut Call<'_>) -> Reply {
    store_pairs(call, "mset").map(|_| Value::Okay)
}

fn mset_nx(call: &mut Call<'_>) -> Reply {
    if call.args.len() % 2 == 0 {
        return Err(Error::arity("msetnx"));
    }
    let keys = call.args[1..].iter().step_by(2);
    for key in keys {
        if call.exists(key) {
            return Ok(flag(false));
        }
    }
    store_pairs(call, "msetnx").map(|()| flag(true))
}

fn store_pairs(call: &mut Call<'_>, name: &str) -> Result<(), Error> {
    if call.args.len() % 2 == 0 {
        return Err(Error::arity(name));
    }
    for pair in call.args[1..].chunks_exact(2) {
        call.replace(&pair[0], Data::Text(pair[1].clone()));
    }
    Ok(())
}

/// The seconds or milliseconds of a deadline, rounded as `TTL` does.
pub(super) fn in_unit(millis: i64, unit: Unit) -> i64 {
    match unit {
        Unit::Seconds => millis.saturating_add(500) / 1_000,
        Unit::Millis => millis,
    }
}
