//! Ranges of sorted sets: by rank, by score, by the members' bytes; read, counted or removed.

use super::args;
use super::call::{Call, Reply, bulk, int};
use super::command::{Command, ONE_KEY, READ, WRITE};
use super::errors::{Error, SYNTAX};
use super::number::format_float;
use super::sorted::{LexBound, Member, ScoreRange, Sorted};
use ::redis::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::plain("zrange", -4, READ, ONE_KEY, |call| read(call, Form { any: true, ..Form::RANK })),
    Command::plain("zrevrange", -4, READ, ONE_KEY, |call| read(call, Form { reverse: true, ..Form::RANK })),
    Command::plain("zrangebyscore", -4, READ, ONE_KEY, |call| read(call, Form { by: By::Score, ..Form::RANK })),
    Command::plain("zrevrangebyscore", -4, READ, ONE_KEY, |call| {
        read(call, Form { by: By::Score, reverse: true, ..Form::RANK })
    }),
    Command::plain("zrangebylex", -4, READ, ONE_KEY, |call| read(call, Form { by: By::Lex, ..Form::RANK })),
    Command::plain("zrevrangebylex", -4, READ, ONE_KEY, |call| {
        read(call, Form { by: By::Lex, reverse: true, ..Form::RANK })
    }),
    Command::plain("zcount", 4, READ, ONE_KEY, |call| count(call, By::Score)),
    Command::plain("zlexcount", 4, READ, ONE_KEY, |call| count(call, By::Lex)),
    Command::plain("zremrangebyrank", 4, WRITE, ONE_KEY, |call| remove(call, By::Rank)),
    Command::plain("zremrangebyscore", 4, WRITE, ONE_KEY, |call| remove(call, By::Score)),
    Command::plain("zremrangebylex", 4, WRITE, ONE_KEY, |call| remove(call, By::Lex)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What the name of a command says about its range, before options.
#[derive(Clone, Copy)]
struct Form {
    by: By,
    reverse: bool,
    /// Options may say `BYSCORE`, `BYLEX` and `REV`.
    any: bool,
}

impl Form {
    const RANK: Form = Form { by: By::Rank, reverse: false, any: false };
}

enum Range {
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexBound, LexBound),
}

impl Range {
    fn parse(by: By, low: &[u8], high: &[u8]) -> Result<Self, Error> {
        Ok(match by {
            By::Rank => Range::Rank(args::integer(low)?, args::integer(high)?),
            By::Score => Range::Score(args::score_range(low, high)?),
            By::Lex => Range::Lex(args::lex_bound(low)?, args::lex_bound(high)?),
        })
    }

    /// Members in order, lowest first unless reversed; ranks count from the end that comes first.
    fn of<'a>(&'a self, sorted: &'a Sorted, reverse: bool) -> Box<dyn Iterator<Item = (&'a Member, f64)> + 'a> {
        match self {
            Range::Rank(start, stop) => {
                let (start, stop) = args::slice(*start, *stop, sorted.len());
                ordered(sorted.ascending(), reverse, start, stop - start)
            }
            Range::Score(range) => ordered(sorted.by_score(*range), reverse, 0, usize::MAX),
            Range::Lex(low, high) => ordered(sorted.by_lex(low, high), reverse, 0, usize::MAX),
        }
    }
}

fn ordered<'a, I>(members: I, reverse: bool, skip: usize, take: usize) -> Box<dyn Iterator<Item = I::Item> + 'a>
where
    I: DoubleEndedIterator + 'a,
{
    if reverse { Box::new(members.rev().skip(skip).take(take)) } else { Box::new(members.skip(skip).take(take)) }
}

#[derive(Default)]
struct Options {
    scores: bool,
    limit: Option<(i64, i64)>,
}

fn parse(given: &[Vec<u8>], form: &mut Form) -> Result<Options, Error> {
    let fixed = !form.any;
    let mut options = Options::default();
    let mut at = 0;
    while let Some(word) = given.get(at) {
        match word.to_ascii_lowercase().as_slice() {
            b"withscores" if form.any || form.by != By::Lex => options.scores = true,
            b"limit" if given.len() > at + 2 && (form.any || form.by != By::Rank) => {
                options.limit = Some((args::integer(&given[at + 1])?, args::integer(&given[at + 2])?));
                at += 2;
            }
            b"rev" if !fixed && !form.reverse => form.reverse = true,
            b"byscore" if !fixed && form.by == By::Rank => form.by = By::Score,
            b"bylex" if !fixed && form.by == By::Rank => form.by = By::Lex,
            _ => return Err(SYNTAX),
        }
        at += 1;
    }
    if options.limit.is_some() && form.by == By::Rank {
        return Err(Error::fixed(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if options.scores && form.by == By::Lex {
        return Err(Error::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
    }
    Ok(options)
}

fn read(call: &mut Call<'_>, mut form: Form) -> Reply {
    let options = parse(&call.args[4..], &mut form)?;
    let (mut low, mut high) = (call.arg(2), call.arg(3));
    if form.reverse && form.by != By::Rank {
        (low, high) = (high, low);
    }
    let range = Range::parse(form.by, low, high)?;
    let key = call.arg(1);
    let Some(sorted) = call.get::<Sorted>(key)? else { return Ok(Value::Array(Vec::new())) };
    // A negative offset finds nothing, a negative count means all.
    let (offset, count) = options.limit.unwrap_or((0, -1));
    let Ok(offset) = usize::try_from(offset) else { return Ok(Value::Array(Vec::new())) };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for (member, score) in range.of(sorted, form.reverse).skip(offset).take(count) {
        found.push(bulk(member));
        if options.scores {
            found.push(bulk(format_float(score).as_bytes()));
        }
    }
    Ok(Value::Array(found))
}

fn count(call: &mut Call<'_>, by: By) -> Reply {
    let range = Range::parse(by, call.arg(2), call.arg(3))?;
    let key = call.arg(1);
    let Some(sorted) = call.get::<Sorted>(key)? else { return Ok(int(0)) };
    Ok(int(match range {
        Range::Score(range) => sorted.count_by_score(range),
        range => range.of(sorted, false).count(),
    }))
}

fn remove(call: &mut Call<'_>, by: By) -> Reply {
    let range = Range::parse(by, call.arg(2), call.arg(3))?;
    let key = call.arg(1);
    let Some(sorted) = call.edit::<Sorted>(key)? else { return Ok(int(0)) };
    let members: Vec<Member> = range.of(sorted, false).map(|(member, _)| member.clone()).collect();
    members.iter().for_each(|member| _ = sorted.remove(member));
    if !members.is_empty() {
        call.touched(key);
    }
    Ok(int(members.len()))
}
