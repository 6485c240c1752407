//! The few functions that a pickle may name, as what they return. None of them is called.

use super::super::PayloadError;
use super::super::typed::Kind;
use super::broken;
use super::machine::{Made, Value};
use crate::message::malformed::quote;
use std::borrow::Cow;

pub(super) fn unknown(module: &str, name: &str) -> PayloadError {
    broken(format!("a use of {:?}, which is never run", quote(&format!("{module}.{name}"))))
}

/// What `module.name(*arguments)` is; `None` when it is none of those that are known.
pub(super) fn call<'a>(values: &[Value<'a>], module: &str, name: &str, arguments: &[usize]) -> Option<Made<'a>> {
    let given: Vec<&Value<'a>> = arguments.iter().take(4).filter_map(|at| values.get(*at)).collect();
    let made = match (module, name, given.as_slice()) {
        ("builtins" | "__builtin__", "set" | "frozenset" | "list" | "tuple", [Value::List(_)])
        | ("builtins" | "__builtin__", "bytearray" | "bytes", [Value::Bytes(_)]) => {
            return arguments.first().map(|same| Made::Same(*same));
        }
        ("builtins" | "__builtin__", "set" | "frozenset" | "list" | "tuple", []) => Some(Value::List(Vec::new())),
        ("builtins" | "__builtin__", "bytearray" | "bytes", []) => Some(Value::Bytes(Cow::Borrowed(&[]))),
        // How protocol 2 writes bytes: as a text of characters up to U+00FF.
        ("_codecs", "encode", [Value::Text(text), Value::Text(codec)]) if codec == "latin1" => latin1(text),
        ("collections", "OrderedDict", []) => Some(Value::Map(Vec::new())),
        ("decimal", "Decimal", [Value::Text(text)]) => typed(Kind::Decimal, text),
        ("uuid", "UUID", [Value::Text(text)]) => typed(Kind::Uuid, text),
        // To be built from its state, of which this is a part that does not matter.
        ("uuid", "UUID", []) | ("uuid", "SafeUUID", [_]) => {
            Some(Value::Function("uuid".into(), name.to_owned().into()))
        }
        ("datetime", "datetime.fromisoformat", [Value::Text(text)]) => typed(Kind::DateTime, text),
        ("datetime", "date.fromisoformat", [Value::Text(text)]) => typed(Kind::Date, text),
        ("datetime", "time.fromisoformat", [Value::Text(text)]) => typed(Kind::Time, text),
        ("datetime", "date", [Value::Bytes(state)]) => date(state).and_then(|date| typed(Kind::Date, &date)),
        ("datetime", "time", [Value::Bytes(state), zone @ ..]) => time(state, zone),
        ("datetime", "datetime", [Value::Bytes(state), zone @ ..]) => datetime(state, zone),
        ("datetime", "timedelta", [Value::Integer(days), Value::Integer(seconds), Value::Integer(0)]) => {
            days.checked_mul(86_400).and_then(|days| days.checked_add(*seconds)).map(Value::Offset)
        }
        ("datetime", "timezone", [Value::Offset(seconds), ..]) => Some(Value::Offset(*seconds)),
        _ => None,
    };
    made.map(Made::New)
}

/// An object that gets its state after it was made: a UUID has its number, an exception its attributes.
pub(super) fn build<'a>(values: &[Value<'a>], object: usize, state: usize) -> Result<Value<'a>, PayloadError> {
    if let Some(Value::Exception(module, name, arguments)) = values.get(object) {
        // What else an exception carries is no part of a result.
        return Ok(Value::Exception(module.clone(), name.clone(), *arguments));
    }
    let is_uuid =
        matches!(values.get(object), Some(Value::Function(module, name)) if module == "uuid" && name == "UUID");
    let Some(Value::Map(entries)) = values.get(state).filter(|_| is_uuid) else {
        return Err(broken("an object with a state"));
    };
    let number = entries.iter().find_map(|(key, value)| match (values.get(*key)?, values.get(*value)?) {
        (Value::Text(key), Value::Integer(number)) if key == "int" => u128::try_from(*number).ok(),
        (Value::Text(key), Value::Unsigned(number)) if key == "int" => Some(*number),
        _ => None,
    });
    let number = number.ok_or_else(|| broken("a UUID without its number"))?;
    Ok(Value::Typed(Kind::Uuid, format!("{number:032x}")))
}

fn typed<'a>(kind: Kind, text: &str) -> Option<Value<'a>> {
    let text =
        if kind == Kind::Uuid { uuid::Uuid::try_parse(text).ok()?.simple().to_string() } else { text.to_owned() };
    kind.accepts(&text).then_some(Value::Typed(kind, text))
}

fn latin1<'a>(text: &str) -> Option<Value<'a>> {
    let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    bytes.map(|bytes| Value::Bytes(bytes.into()))
}

/// The state of a `date`: year in two bytes, month, day.
fn date(state: &[u8]) -> Option<String> {
    let [high, low, month, day] = *state else { return None };
    Some(format!("{:04}-{month:02}-{day:02}", u16::from_be_bytes([high, low])))
}

/// The state of a `time`: hour (its high bit is `fold`), minute, second, microseconds in three bytes.
fn clock(state: &[u8]) -> Option<String> {
    let [hour, minute, second, a, b, c] = *state else { return None };
    let micros = u32::from_be_bytes([0, a, b, c]);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    Some(format!("{:02}:{minute:02}:{second:02}{fraction}", hour & 0x7F))
}

fn time<'a>(state: &[u8], zone: &[&Value<'a>]) -> Option<Value<'a>> {
    typed(Kind::Time, &(clock(state)? + &offset(zone)?))
}

fn datetime<'a>(state: &[u8], zone: &[&Value<'a>]) -> Option<Value<'a>> {
    let (day, time) = state.split_at_checked(4)?;
    let [year, low, month, day] = *day else { return None };
    // The high bit of the month is `fold`.
    let date = date(&[year, low, month & 0x7F, day])?;
    typed(Kind::DateTime, &format!("{date}T{}{}", clock(time)?, offset(zone)?))
}

fn offset(zone: &[&Value<'_>]) -> Option<String> {
    match zone {
        [] | [Value::Null] => Some(String::new()),
        [Value::Offset(seconds)] => {
            let sign = if *seconds < 0 { '-' } else { '+' };
            let minutes = seconds.unsigned_abs() / 60;
            Some(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
        }
        _ => None,
    }
}
