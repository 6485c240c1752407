//! `SCAN` and its relatives. A cursor counts what has not been looked at yet, from the end down: removing an entry moves
//! the last one into its place, so whatever stays from the first call to the last is returned at least once.

use super::args::{self, is};
use super::call::{Call, Reply, bulk};
use super::command::{Command, NO_KEYS, ONE_KEY, READ};
use super::data::{Hash, Set};
use super::errors::{Error, SYNTAX};
use super::glob::matches;
use super::number::format_float;
use super::sorted::Sorted;
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("scan", -2, READ, NO_KEYS, scan),
    Command::plain("hscan", -3, READ, ONE_KEY, hscan),
    Command::plain("sscan", -3, READ, ONE_KEY, sscan),
    Command::plain("zscan", -3, READ, ONE_KEY, zscan),
];

/// Smaller collections are one piece in memory, and come in one batch.
const SMALL: usize = 128;

struct Options<'a> {
    cursor: usize,
    pattern: Option<&'a [u8]>,
    count: usize,
    kind: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// From the cursor on, which is at this place.
    fn parse(given: &'a [Vec<u8>], of_keys: bool) -> Result<Self, Error> {
        let mut options = Options { cursor: 0, pattern: None, count: 10, kind: None };
        let (cursor, mut rest) = given.split_first().ok_or(SYNTAX)?;
        let cursor = std::str::from_utf8(cursor).ok().and_then(|cursor| cursor.parse::<u64>().ok());
        options.cursor = cursor
            .map(|cursor| usize::try_from(cursor).unwrap_or(usize::MAX))
            .ok_or(Error::fixed("ERR invalid cursor"))?;
        while let Some((word, tail)) = rest.split_first() {
            let (value, tail) = tail.split_first().ok_or(SYNTAX)?;
            match word {
                word if is(word, "count") => {
                    options.count = usize::try_from(args::integer(value)?).ok().filter(|n| *n > 0).ok_or(SYNTAX)?;
                }
                word if is(word, "match") => options.pattern = Some(value),
                word if of_keys && is(word, "type") => options.kind = Some(value),
                _ => return Err(SYNTAX),
            }
            rest = tail;
        }
        Ok(options)
    }

    fn admits(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| matches(pattern, name))
    }

    /// The places of this batch, in a collection of so many, and the next cursor.
    fn batch(&self, len: usize, small: usize) -> (std::ops::Range<usize>, usize) {
        let left = if self.cursor == 0 { len } else { self.cursor.min(len) };
        let next = if len <= small { 0 } else { left.saturating_sub(self.count) };
        (next..left, next)
    }
}

fn answer(next: usize, found: Vec<Value>) -> Reply {
    Ok(Value::Array(vec![bulk(next.to_string().as_bytes()), Value::Array(found)]))
}

fn scan(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[1..], true)?;
    let now = call.now();
    let database = &call.redis.databases[call.db];
    let (places, next) = options.batch(database.len(), 0);
    let mut found = Vec::new();
    for place in places.rev() {
        let entry = database.at(place);
        let live = entry.deadline.is_none_or(|deadline| now <= deadline);
        let kind = options.kind.is_none_or(|kind| is(kind, entry.data.name()));
        if let Some(key) = database.key_at(place).filter(|key| live && kind && options.admits(key)) {
            found.push(bulk(key));
        }
    }
    answer(next, found)
}

fn hscan(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[2..], false)?;
    let key = call.arg(1);
    let Some(hash) = call.get::<Hash>(key)? else { return answer(0, Vec::new()) };
    let (places, next) = options.batch(hash.fields().len(), SMALL);
    let pairs = places.filter_map(|place| hash.fields().get_index(place)).filter(|(field, _)| options.admits(field));
    answer(next, pairs.flat_map(|(field, value)| [bulk(field), bulk(value)]).collect())
}

fn sscan(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[2..], false)?;
    let key = call.arg(1);
    let Some(set) = call.get::<Set>(key)? else { return answer(0, Vec::new()) };
    let (places, next) = options.batch(set.members().len(), SMALL);
    let members = places.filter_map(|place| set.members().get_index(place)).filter(|member| options.admits(member));
    answer(next, members.map(|member| bulk(member)).collect())
}

fn zscan(call: &mut Call<'_>) -> Reply {
    let options = Options::parse(&call.args[2..], false)?;
    let key = call.arg(1);
    let Some(sorted) = call.get::<Sorted>(key)? else { return answer(0, Vec::new()) };
    let (places, next) = options.batch(sorted.len(), SMALL);
    let members = places.filter_map(|place| sorted.at(place)).filter(|(member, _)| options.admits(member));
    answer(next, members.flat_map(|(member, score)| [bulk(member), bulk(format_float(score).as_bytes())]).collect())
}
