//! Pickles as data. A pickle is a program for a machine with a stack and a memo; this machine knows the instructions
//! that build plain values, and calls nothing: of the functions that a pickle may name it knows a short list by heart.
//!
//! Values live in an arena and refer to each other by number, so that reading a pickle needs memory in proportion to its
//! length whatever its memo does. Writing them out as text is what the limits of [`Writer`] are for; a value that
//! contains itself ends at the depth limit.

use super::super::python::{Date, DateTime, Time};
use super::tokens::{Container, Token, Tokens};
use super::typed::{self, Kind, bare_float};
use super::writer::Writer;
use super::{PayloadError, Serializer, Unserializable};
use machine::{Machine, Value};

mod calls;
mod machine;

/// With `exceptions`, one is what Celery makes of it in its other serializers: its type, its arguments and its module.
pub(super) fn decode(bytes: &[u8], limit: usize, exceptions: bool) -> Result<String, PayloadError> {
    let (values, root) = Machine::new(bytes).run()?;
    let mut writer = Writer::new(bytes.len(), limit);
    write(&values, root, exceptions, &mut writer)?;
    Ok(writer.finish())
}

fn broken(found: impl Into<String>) -> PayloadError {
    PayloadError::syntax("a pickle of plain values", found)
}

/// Recursion ends where the writer refuses another level.
fn write(values: &[Value<'_>], at: usize, exceptions: bool, out: &mut Writer) -> Result<(), PayloadError> {
    match values.get(at) {
        None => Err(broken("a value that is not there")),
        Some(Value::Null) => out.null(),
        Some(Value::Bool(value)) => out.bool(*value),
        Some(Value::Integer(value)) => out.integer(*value),
        Some(Value::Unsigned(value)) => out.unsigned(*value),
        Some(Value::Float(value)) => out.float(*value),
        Some(Value::Text(text)) => out.text(text),
        Some(Value::Bytes(bytes)) => out.bytes(bytes),
        Some(Value::Typed(kind, text)) => out.typed(*kind, text),
        Some(Value::List(items)) => {
            out.open(Container::List)?;
            items.iter().try_for_each(|item| write(values, *item, exceptions, out))?;
            out.close()
        }
        Some(Value::Map(entries)) => {
            out.open(Container::Map)?;
            for (key, value) in entries {
                write(values, *key, exceptions, out)?;
                write(values, *value, exceptions, out)?;
            }
            out.close()
        }
        Some(Value::Exception(module, name, arguments)) if exceptions => {
            out.open(Container::Map)?;
            out.text("exc_type")?;
            out.text(name)?;
            out.text("exc_message")?;
            write(values, *arguments, exceptions, out)?;
            out.text("exc_module")?;
            out.text(module)?;
            out.close()
        }
        Some(Value::Function(module, name) | Value::Exception(module, name, _)) => Err(calls::unknown(module, name)),
        Some(Value::Offset(_)) => Err(calls::unknown("datetime", "timedelta")),
    }
}

/// Protocol 4, as Celery writes it, but for the memo, which Python does without as well.
pub(super) fn encode(text: &str) -> Result<Vec<u8>, Unserializable> {
    let (mut tokens, mut out) = (Tokens::new(text), Vec::with_capacity(text.len() + 16));
    out.extend([0x80, 4]);
    while let Some(token) = tokens.next().map_err(|error| Unserializable::broken(Serializer::Pickle, &error))? {
        match token {
            Token::Open(Container::List) => out.extend(*b"]("),
            Token::Open(Container::Map) => out.extend(*b"}("),
            Token::Close(Container::List) => out.push(b'e'),
            Token::Close(Container::Map) => out.push(b'u'),
            Token::Key(text) | Token::Text(text) => write_text(&text, &mut out),
            Token::Number(number) => write_number(number, &mut out)?,
            Token::Bool(value) => out.push(if value { 0x88 } else { 0x89 }),
            Token::Null => out.push(b'N'),
            Token::Typed(kind, value) => write_typed(kind, &value, &mut out),
        }
    }
    out.push(b'.');
    Ok(out)
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_sized([0x8c, b'X', 0x8d], text.as_bytes(), out);
}

/// Instructions for a length of one, four and eight bytes.
fn write_sized(instructions: [u8; 3], bytes: &[u8], out: &mut Vec<u8>) {
    let [short, long, huge] = instructions;
    match (u8::try_from(bytes.len()), u32::try_from(bytes.len())) {
        (Ok(length), _) => out.extend([short, length]),
        (_, Ok(length)) => {
            out.push(long);
            out.extend(length.to_le_bytes());
        }
        _ => {
            out.push(huge);
            out.extend((bytes.len() as u64).to_le_bytes());
        }
    }
    out.extend(bytes);
}

fn write_number(number: &str, out: &mut Vec<u8>) -> Result<(), Unserializable> {
    if number.contains(['.', 'e', 'E']) {
        write_float(number.parse().unwrap_or(f64::NAN), out);
        return Ok(());
    }
    if let Ok(value) = number.parse::<i32>() {
        out.push(b'J');
        out.extend(value.to_le_bytes());
        return Ok(());
    }
    let Ok(value) = number.parse::<i128>() else {
        let what = format!("the integer {}", super::super::malformed::quote(number));
        return Err(Unserializable::new(Serializer::Pickle, what, "it has 128 bits at most here; send it as a text"));
    };
    out.extend([0x8a, 16]);
    out.extend(value.to_le_bytes());
    Ok(())
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    out.push(b'G');
    out.extend(value.to_be_bytes());
}

fn write_typed(kind: Kind, value: &str, out: &mut Vec<u8>) {
    let normal = |text: Option<String>| text.unwrap_or_else(|| value.to_owned());
    let (module, name, argument) = match kind {
        Kind::Float => return write_float(bare_float(value).unwrap_or(f64::NAN), out),
        Kind::Bytes | Kind::Base64 => return write_sized([b'C', b'B', 0x8e], &typed::bytes(kind, value), out),
        // `fromisoformat` reads what `isoformat` writes.
        Kind::DateTime => {
            let iso = value.parse::<DateTime>().ok().map(|time| time.to_string());
            ("datetime", "datetime.fromisoformat", normal(iso))
        }
        Kind::Date => {
            let iso = value.parse::<Date>().ok().map(|date| date.to_string());
            ("datetime", "date.fromisoformat", normal(iso))
        }
        Kind::Time => {
            let iso = value.parse::<Time>().ok().map(|time| time.to_string());
            ("datetime", "time.fromisoformat", normal(iso))
        }
        Kind::Decimal => ("decimal", "Decimal", value.to_owned()),
        Kind::Uuid => ("uuid", "UUID", value.to_owned()),
    };
    write_text(module, out);
    write_text(name, out);
    // STACK_GLOBAL, and after its argument TUPLE1 and REDUCE.
    out.push(0x93);
    write_text(&argument, out);
    out.extend([0x85, b'R']);
}
