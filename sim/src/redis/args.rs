//! Arguments of commands: numbers and words, refused in the server's words.

use super::errors::{BAD_LEX_RANGE, BAD_SCORE_RANGE, Error, NOT_FLOAT, NOT_INTEGER, NOT_POSITIVE};
use super::number::{parse_bound, parse_float, parse_integer};
use super::sorted::{LexBound, ScoreRange};

pub(super) fn integer(arg: &[u8]) -> Result<i64, Error> {
    parse_integer(arg).ok_or(NOT_INTEGER)
}

pub(super) fn float(arg: &[u8]) -> Result<f64, Error> {
    parse_float(arg).ok_or(NOT_FLOAT)
}

/// An integer that is not negative. What is no integer at all gets the same answer.
pub(super) fn count(arg: &[u8]) -> Result<usize, Error> {
    parse_integer(arg).and_then(|count| usize::try_from(count).ok()).ok_or(NOT_POSITIVE)
}

/// An integer from 1 on, or this error.
pub(super) fn at_least_one(arg: &[u8], error: &'static str) -> Result<usize, Error> {
    let value = parse_integer(arg).and_then(|count| usize::try_from(count).ok());
    value.filter(|value| *value > 0).ok_or(Error::fixed(error))
}

/// Whether an argument is this word, in any case. `word` is in lower case.
pub(super) fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// Indices as `LRANGE` takes them, negative from the end: where to start, and where to stop, not included.
pub(super) fn slice(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(len - 1);
    if start > stop {
        return (0, 0);
    }
    (usize::try_from(start).unwrap_or(0), usize::try_from(stop + 1).unwrap_or(0))
}

pub(super) fn score_range(low: &[u8], high: &[u8]) -> Result<ScoreRange, Error> {
    let bound = |text: &[u8]| {
        let open = text.first() == Some(&b'(');
        let value = parse_bound(if open { &text[1..] } else { text }).ok_or(BAD_SCORE_RANGE)?;
        Ok((value, open))
    };
    let ((low, low_open), (high, high_open)) = (bound(low)?, bound(high)?);
    Ok(ScoreRange { low, high, low_open, high_open })
}

pub(super) fn lex_bound(text: &[u8]) -> Result<LexBound, Error> {
    match text {
        b"-" => Ok(LexBound::Lowest),
        b"+" => Ok(LexBound::Highest),
        [b'[', bound @ ..] => Ok(LexBound::Closed(bound.to_vec())),
        [b'(', bound @ ..] => Ok(LexBound::Open(bound.to_vec())),
        _ => Err(BAD_LEX_RANGE),
    }
}
