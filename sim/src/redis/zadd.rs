//! Sorted sets: members and their scores, one by one.

use super::args;
use super::call::{Call, Reply, bulk, int};
use super::command::{Command, DENY_OOM, Flags, ONE_KEY, READ, WRITE};
use super::errors::{Error, NOT_A_NUMBER, SYNTAX};
use super::number::format_float;
use super::sorted::Sorted;
use ::redis::Value;

const GROW: Flags = WRITE | DENY_OOM;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("zadd", -4, GROW, ONE_KEY, add),
    Command::plain("zincrby", 4, GROW, ONE_KEY, |call| {
        let options = Options { increment: true, ..Options::default() };
        let pairs = &call.args[2..];
        store(call, &options, pairs)
    }),
    Command::plain("zrem", -3, WRITE, ONE_KEY, remove),
    Command::plain("zcard", 2, READ, ONE_KEY, |call| {
        let key = call.arg(1);
        Ok(int(call.get::<Sorted>(key)?.map_or(0, Sorted::len)))
    }),
    Command::plain("zscore", 3, READ, ONE_KEY, |call| {
        let (key, member) = (call.arg(1), call.arg(2));
        Ok(score(call.get::<Sorted>(key)?.and_then(|sorted| sorted.score(member))))
    }),
    Command::plain("zmscore", -3, READ, ONE_KEY, |call| {
        let (key, members) = (call.arg(1), &call.args[2..]);
        let sorted = call.get::<Sorted>(key)?;
        let of = |member: &Vec<u8>| score(sorted.and_then(|sorted| sorted.score(member)));
        Ok(Value::Array(members.iter().map(of).collect()))
    }),
    Command::plain("zrank", 3, READ, ONE_KEY, |call| rank(call, false)),
    Command::plain("zrevrank", 3, READ, ONE_KEY, |call| rank(call, true)),
];

fn score(score: Option<f64>) -> Value {
    score.map_or(Value::Nil, |score| bulk(format_float(score).as_bytes()))
}

#[derive(Default)]
struct Options {
    only_new: bool,
    only_old: bool,
    greater: bool,
    less: bool,
    changed: bool,
    increment: bool,
}

impl Options {
    /// The options, and where the pairs begin.
    fn parse(given: &[Vec<u8>]) -> (Self, usize) {
        let mut options = Options::default();
        for (at, word) in given.iter().enumerate() {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => options.only_new = true,
                b"xx" => options.only_old = true,
                b"gt" => options.greater = true,
                b"lt" => options.less = true,
                b"ch" => options.changed = true,
                b"incr" => options.increment = true,
                _ => return (options, at),
            }
        }
        (options, given.len())
    }

    fn check(&self, pairs: usize) -> Result<(), Error> {
        if self.only_new && self.only_old {
            return Err(Error::fixed("ERR XX and NX options at the same time are not compatible"));
        }
        if (self.greater && self.only_new) || (self.less && self.only_new) || (self.greater && self.less) {
            return Err(Error::fixed("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.increment && pairs > 2 {
            return Err(Error::fixed("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The new score, or nothing if the options keep the old one.
    fn decide(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, Error> {
        let Some(old) = old else { return Ok((!self.only_old).then_some(given)) };
        if self.only_new {
            return Ok(None);
        }
        let new = if self.increment { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let kept = (self.less && new >= old) || (self.greater && new <= old);
        Ok((!kept).then_some(new))
    }
}

fn add(call: &mut Call<'_>) -> Reply {
    let (options, at) = Options::parse(&call.args[2..]);
    let pairs = &call.args[2 + at..];
    if pairs.is_empty() || pairs.len() % 2 == 1 {
        return Err(SYNTAX);
    }
    options.check(pairs.len())?;
    store(call, &options, pairs)
}

/// Nothing is stored unless all scores are numbers.
fn store(call: &mut Call<'_>, options: &Options, pairs: &[Vec<u8>]) -> Reply {
    let mut scores = Vec::with_capacity(pairs.len() / 2);
    for pair in pairs.chunks_exact(2) {
        scores.push(args::float(&pair[0])?);
    }
    let key = call.arg(1);
    let missing = call.get::<Sorted>(key)?.is_none();
    if missing && options.only_old {
        return Ok(if options.increment { Value::Nil } else { int(0) });
    }
    let sorted = call.edit_or_make::<Sorted>(key)?;
    let (mut added, mut changed, mut last) = (0, 0, None);
    for (given, pair) in scores.into_iter().zip(pairs.chunks_exact(2)) {
        let old = sorted.score(&pair[1]);
        last = options.decide(old, given)?;
        if let Some(new) = last {
            added += usize::from(sorted.set(&pair[1], new));
            changed += usize::from(old.is_some_and(|old| old != new));
        }
    }
    if added + changed > 0 || missing {
        call.touched(key);
    }
    Ok(match (options.increment, options.changed) {
        (true, _) => score(last),
        (false, true) => int(added + changed),
        (false, false) => int(added),
    })
}

fn remove(call: &mut Call<'_>) -> Reply {
    let (key, members) = (call.arg(1), &call.args[2..]);
    let Some(sorted) = call.edit::<Sorted>(key)? else { return Ok(int(0)) };
    let removed = members.iter().filter(|member| sorted.remove(member)).count();
    if removed > 0 {
        call.touched(key);
    }
    Ok(int(removed))
}

fn rank(call: &mut Call<'_>, reverse: bool) -> Reply {
    let (key, member) = (call.arg(1), call.arg(2));
    let Some(sorted) = call.get::<Sorted>(key)? else { return Ok(Value::Nil) };
    let rank = sorted.rank(member);
    Ok(rank.map_or(Value::Nil, |rank| int(if reverse { sorted.len() - 1 - rank } else { rank })))
}
