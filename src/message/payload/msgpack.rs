//! MessagePack as kombu writes it: `use_bin_type=True`, `raw=False`.

use super::super::python::DateTime;
use super::tokens::{Container, Token, Tokens};
use super::typed::{self, Kind, bare_float};
use super::writer::Writer;
use super::{PayloadError, Serializer, Unserializable};
use crate::message::Timestamp;
use rmp::Marker;
use rmp::encode::{self as write, ByteBuf};

pub(super) fn decode(bytes: &[u8], limit: usize) -> Result<String, PayloadError> {
    let mut input = Input(bytes);
    let mut writer = Writer::new(bytes.len(), limit);
    // Values that each open container still lacks; a map's keys are values too.
    let mut lacks: Vec<u64> = Vec::new();
    loop {
        if let Some(count) = input.value(&mut writer)? {
            lacks.push(count);
        } else if let Some(lacking) = lacks.last_mut() {
            *lacking -= 1;
        }
        while lacks.last() == Some(&0) {
            lacks.pop();
            writer.close()?;
            if let Some(lacking) = lacks.last_mut() {
                *lacking -= 1;
            }
        }
        if lacks.is_empty() {
            break;
        }
    }
    if !input.0.is_empty() {
        return Err(broken(format!("{} bytes after the value", input.0.len())));
    }
    Ok(writer.finish())
}

fn broken(found: impl Into<String>) -> PayloadError {
    PayloadError::syntax("MessagePack", found)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], PayloadError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| broken("its end in the middle of a value"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn uint(&mut self, bytes: u64) -> Result<u64, PayloadError> {
        Ok(self.take(bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Reads one value; of a container only its head, and returns how many values are in it.
    fn value(&mut self, out: &mut Writer) -> Result<Option<u64>, PayloadError> {
        let marker = Marker::from_u8(self.take(1)?.first().copied().unwrap_or(0));
        let container = match marker {
            Marker::FixArray(count) => Some((Container::List, u64::from(count))),
            Marker::Array16 => Some((Container::List, self.uint(2)?)),
            Marker::Array32 => Some((Container::List, self.uint(4)?)),
            Marker::FixMap(count) => Some((Container::Map, u64::from(count) * 2)),
            Marker::Map16 => Some((Container::Map, self.uint(2)? * 2)),
            Marker::Map32 => Some((Container::Map, self.uint(4)? * 2)),
            _ => None,
        };
        match container {
            Some((is, count)) => out.open(is).map(|()| Some(count)),
            None => self.scalar(marker, out).map(|()| None),
        }
    }

    fn scalar(&mut self, marker: Marker, out: &mut Writer) -> Result<(), PayloadError> {
        match marker {
            Marker::Null => out.null(),
            Marker::True => out.bool(true),
            Marker::False => out.bool(false),
            Marker::FixPos(value) => out.integer(value.into()),
            Marker::FixNeg(value) => out.integer(value.into()),
            Marker::U8 => out.integer(self.uint(1)?.into()),
            Marker::U16 => out.integer(self.uint(2)?.into()),
            Marker::U32 => out.integer(self.uint(4)?.into()),
            Marker::U64 => out.integer(self.uint(8)?.into()),
            // The casts cut to the width that was read, which brings the sign back.
            Marker::I8 => out.integer((self.uint(1)? as i8).into()),
            Marker::I16 => out.integer((self.uint(2)? as i16).into()),
            Marker::I32 => out.integer((self.uint(4)? as i32).into()),
            Marker::I64 => out.integer((self.uint(8)? as i64).into()),
            Marker::F32 => out.float(f32::from_bits(self.uint(4)? as u32).into()),
            Marker::F64 => out.float(f64::from_bits(self.uint(8)?)),
            Marker::FixStr(length) => self.text(length.into(), out),
            Marker::Str8 => self.sized(1).and_then(|length| self.text(length, out)),
            Marker::Str16 => self.sized(2).and_then(|length| self.text(length, out)),
            Marker::Str32 => self.sized(4).and_then(|length| self.text(length, out)),
            Marker::Bin8 => self.sized(1).and_then(|length| out.bytes(self.take(length)?)),
            Marker::Bin16 => self.sized(2).and_then(|length| out.bytes(self.take(length)?)),
            Marker::Bin32 => self.sized(4).and_then(|length| out.bytes(self.take(length)?)),
            Marker::FixExt4 => self.timestamp(4, out),
            Marker::FixExt8 => self.timestamp(8, out),
            Marker::Ext8 => self.sized(1).and_then(|length| self.timestamp(length, out)),
            other => Err(broken(format!("{other:?}, which Celery does not write"))),
        }
    }

    fn sized(&mut self, bytes: u64) -> Result<u64, PayloadError> {
        self.uint(bytes)
    }

    fn text(&mut self, length: u64, out: &mut Writer) -> Result<(), PayloadError> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|error| broken(error.to_string()))?;
        out.text(text)
    }

    /// Extension type -1: seconds since 1970 and perhaps nanoseconds, in one of three layouts.
    fn timestamp(&mut self, length: u64, out: &mut Writer) -> Result<(), PayloadError> {
        let kind = self.uint(1)? as i8;
        let (seconds, nanos) = match (kind, length) {
            (-1, 4) => (i128::from(self.uint(4)?), 0),
            (-1, 8) => {
                let both = self.uint(8)?;
                (i128::from(both & ((1 << 34) - 1)), both >> 34)
            }
            (-1, 12) => {
                let nanos = self.uint(4)?;
                (i128::from(self.uint(8)? as i64), nanos)
            }
            _ => return Err(broken(format!("an extension of type {kind}"))),
        };
        let micros = i64::try_from(seconds * 1_000_000 + i128::from(nanos / 1000)).ok();
        let micros = micros.filter(|micros| Timestamp::from_micros(*micros).as_micros() == *micros);
        let micros = micros.ok_or_else(|| broken("a timestamp beyond the years 1 to 9999"))?;
        out.typed(Kind::DateTime, &DateTime::from(Timestamp::from_micros(micros)).to_string())
    }
}

pub(super) fn encode(text: &str) -> Result<Vec<u8>, Unserializable> {
    let mut sizes = sizes(text)?.into_iter();
    let (mut tokens, mut out) = (Tokens::new(text), ByteBuf::with_capacity(text.len()));
    while let Some(token) = tokens.next().map_err(unreadable)? {
        // Writing into memory can't fail.
        let _ = match token {
            Token::Open(Container::List) => write::write_array_len(&mut out, sizes.next().unwrap_or(0)).map(drop),
            Token::Open(Container::Map) => write::write_map_len(&mut out, sizes.next().unwrap_or(0)).map(drop),
            Token::Close(_) => Ok(()),
            Token::Key(text) | Token::Text(text) => write::write_str(&mut out, &text),
            Token::Bool(value) => {
                let Ok(()) = write::write_bool(&mut out, value);
                Ok(())
            }
            Token::Null => {
                let Ok(()) = write::write_nil(&mut out);
                Ok(())
            }
            Token::Number(number) => encode_number(number, &mut out)?,
            Token::Typed(kind @ (Kind::Bytes | Kind::Base64), value) => {
                write::write_bin(&mut out, &typed::bytes(kind, &value))
            }
            Token::Typed(Kind::Float, value) => write::write_f64(&mut out, bare_float(&value).unwrap_or(f64::NAN)),
            Token::Typed(kind, value) => encode_typed(kind, &value, &mut out),
        };
    }
    Ok(out.into_vec())
}

type Sent = Result<(), write::ValueWriteError<std::convert::Infallible>>;

fn encode_number(number: &str, out: &mut ByteBuf) -> Result<Sent, Unserializable> {
    if number.contains(['.', 'e', 'E']) {
        return Ok(write::write_f64(out, number.parse().unwrap_or(f64::NAN)));
    }
    if let Ok(value) = number.parse::<i64>() {
        return Ok(write::write_sint(out, value).map(drop));
    }
    match number.parse::<u64>() {
        Ok(value) => Ok(write::write_uint(out, value).map(drop)),
        Err(_) => {
            let what = format!("the integer {}", super::super::malformed::quote(number));
            Err(Unserializable::new(Serializer::Msgpack, what, "it has 64 bits at most; send it as a text"))
        }
    }
}

fn encode_typed(kind: Kind, value: &str, out: &mut ByteBuf) -> Sent {
    write::write_map_len(out, 2)?;
    write::write_str(out, typed::TYPE)?;
    write::write_str(out, kind.name())?;
    write::write_str(out, typed::VALUE)?;
    if kind == Kind::Uuid {
        write::write_map_len(out, 1)?;
        write::write_str(out, "hex")?;
    }
    write::write_str(out, value)
}

/// How many entries each container has, in the order in which they open: MessagePack wants it first.
fn sizes(text: &str) -> Result<Vec<u32>, Unserializable> {
    let (mut sizes, mut open): (Vec<u32>, Vec<(usize, Container)>) = (Vec::new(), Vec::new());
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next().map_err(unreadable)? {
        if let Token::Close(_) = token {
            open.pop();
            continue;
        }
        // A map's entries are counted by their keys.
        let counts = |is: Container| (is == Container::Map) == matches!(token, Token::Key(_));
        if let Some((at, is)) = open.last().filter(|(_, is)| counts(*is)) {
            let _ = is;
            sizes[*at] = sizes[*at].saturating_add(1);
        }
        if let Token::Open(is) = token {
            open.push((sizes.len(), is));
            sizes.push(0);
        }
    }
    Ok(sizes)
}

fn unreadable(error: PayloadError) -> Unserializable {
    Unserializable::broken(Serializer::Msgpack, &error)
}
