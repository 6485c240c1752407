//! YAML as PyYAML's `safe_load` reads it, from the events of a parser; and a writer of YAML that `safe_load` reads.
//!
//! What is written is YAML's flow style with every text in double quotes: nearly JSON, but for what YAML 1.1 reads
//! differently (floats, surrogates) or has a form for (NaN, bytes, times).

use super::super::python::{Date, DateTime};
use super::super::repr::python_float;
use super::tokens::{Container, Token, Tokens};
use super::typed::{self, Kind};
use super::writer::Writer;
use super::{PayloadError, Serializer, Unserializable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use scalar::Scalar;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

mod scalar;

pub(super) fn decode(bytes: &[u8], limit: usize) -> Result<String, PayloadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| broken(error.to_string()))?;
    let mut loader =
        Loader { writer: Writer::new(bytes.len(), limit), anchors: BTreeMap::new(), open: Vec::new(), documents: 0 };
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| broken(error.to_string()))?;
        loader.event(event)?;
    }
    if loader.documents == 0 {
        loader.writer.null()?;
    }
    Ok(loader.writer.finish())
}

fn broken(found: impl Into<String>) -> PayloadError {
    PayloadError::syntax("YAML", found)
}

/// What a tag of YAML's core schema is called.
const CORE: &str = "tag:yaml.org,2002:";

struct Loader {
    writer: Writer,
    /// Where the text of each anchored value is.
    anchors: BTreeMap<usize, Range<usize>>,
    /// Containers that are still open: their anchor and where they began.
    open: Vec<(usize, usize)>,
    documents: u32,
}

impl Loader {
    fn event(&mut self, event: Event<'_>) -> Result<(), PayloadError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 { Err(broken("more than one document")) } else { Ok(()) }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let start = self.writer.position();
                self.scalar(&text, style, tag.as_deref())?;
                self.remember(anchor, start);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => self.begin(Container::List, anchor, tag.as_deref()),
            Event::MappingStart(anchor, tag) => self.begin(Container::Map, anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => {
                self.writer.close()?;
                if let Some((anchor, start)) = self.open.pop() {
                    self.remember(anchor, start);
                }
                Ok(())
            }
            // An alias inside of its own anchor finds nothing: that value has no end.
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(written) => self.writer.again(written.clone()),
                None => Err(broken("an alias to a value that it is part of")),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn remember(&mut self, anchor: usize, start: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, start..self.writer.end());
        }
    }

    fn begin(&mut self, is: Container, anchor: usize, tag: Option<&Tag>) -> Result<(), PayloadError> {
        let own = if is == Container::List { "seq" } else { "map" };
        if let Some(tag) = tag.filter(|tag| name(tag) != Some(own) && !is_plain(tag)) {
            return Err(foreign(tag));
        }
        self.open.push((anchor, self.writer.position()));
        self.writer.open(is)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<(), PayloadError> {
        let value = match tag {
            Some(tag) if is_plain(tag) => Scalar::Text,
            Some(tag) => name(tag).and_then(|name| scalar::tagged(name, text)).ok_or_else(|| foreign(tag))?,
            None if style == ScalarStyle::Plain && text == "<<" && self.writer.expects_key() => {
                return Err(broken("a merge key, which is not supported"));
            }
            None if style == ScalarStyle::Plain => scalar::plain(text),
            None => Scalar::Text,
        };
        match value {
            Scalar::Null => self.writer.null(),
            Scalar::Bool(value) => self.writer.bool(value),
            Scalar::Integer(value) => self.writer.integer(value),
            Scalar::Digits => self.writer.digits(text),
            Scalar::Float(value) => self.writer.float(value),
            Scalar::Text => self.writer.text(text),
            Scalar::Bytes(bytes) => self.writer.bytes(&bytes),
            Scalar::Time(time) => self.writer.typed(Kind::DateTime, &time),
            Scalar::Date(date) => self.writer.typed(Kind::Date, &date),
        }
    }
}

fn name(tag: &Tag) -> Option<&str> {
    if tag.handle == CORE { Some(&tag.suffix) } else { tag.suffix.strip_prefix(CORE).filter(|_| tag.handle.is_empty()) }
}

/// The tag `!`: not to be resolved.
fn is_plain(tag: &Tag) -> bool {
    (tag.handle == "!" && tag.suffix.is_empty()) || (tag.handle.is_empty() && tag.suffix == "!")
}

fn foreign(tag: &Tag) -> PayloadError {
    let shown = format!("{tag}");
    broken(format!("the tag {:?} where it can't be read", super::super::malformed::quote(&shown)))
}

/// Keys longer than this must be announced by `?`: YAML does not look further for their colon.
const SIMPLE_KEY: usize = 100;

pub(super) fn encode(text: &str) -> Result<String, Unserializable> {
    let (mut tokens, mut out) = (Tokens::new(text), String::with_capacity(text.len() + 1));
    // Nothing is to come before the first item of a container, the value of a key, or the whole.
    let mut first = true;
    while let Some(token) = tokens.next().map_err(|error| Unserializable::broken(Serializer::Yaml, &error))? {
        if !std::mem::take(&mut first) && !matches!(token, Token::Close(_)) {
            out.push_str(", ");
        }
        match token {
            Token::Open(is) => {
                out.push(if is == Container::List { '[' } else { '{' });
                first = true;
            }
            Token::Close(is) => out.push(if is == Container::List { ']' } else { '}' }),
            Token::Key(key) => {
                if key.len() > SIMPLE_KEY {
                    out.push_str("? ");
                }
                quote(&key, &mut out);
                out.push_str(": ");
                first = true;
            }
            Token::Text(text) => quote(&text, &mut out),
            Token::Number(number) => out.push_str(&number_text(number)),
            Token::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Token::Null => out.push_str("null"),
            Token::Typed(kind, value) => write_typed(kind, &value, &mut out),
        }
    }
    out.push('\n');
    Ok(out)
}

/// YAML 1.1 wants a point in a float, and a sign in its exponent.
fn number_text(number: &str) -> Cow<'_, str> {
    if !number.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(number);
    }
    let value: f64 = number.parse().unwrap_or(f64::NAN);
    if !value.is_finite() {
        return Cow::Borrowed(special(value));
    }
    let shown = python_float(value);
    match shown.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => Cow::Owned(format!("{digits}.0e{exponent}")),
        _ => Cow::Owned(shown),
    }
}

fn special(value: f64) -> &'static str {
    match value {
        _ if value.is_nan() => ".nan",
        _ if value > 0.0 => ".inf",
        _ => "-.inf",
    }
}

fn write_typed(kind: Kind, value: &str, out: &mut String) {
    match kind {
        Kind::Float => out.push_str(special(typed::bare_float(value).unwrap_or(f64::NAN))),
        Kind::Bytes | Kind::Base64 => {
            let _ = write!(out, "!!binary \"{}\"", STANDARD.encode(typed::bytes(kind, value)));
        }
        // In the form that PyYAML reads, which is a part of what is read here.
        Kind::DateTime => match value.parse::<DateTime>() {
            Ok(time) => drop(write!(out, "!!timestamp \"{time}\"")),
            Err(_) => quote(value, out),
        },
        Kind::Date => match value.parse::<Date>() {
            Ok(date) => drop(write!(out, "!!timestamp \"{date}\"")),
            Err(_) => quote(value, out),
        },
        Kind::Time | Kind::Decimal | Kind::Uuid => {
            let _ = write!(out, "{{\"{}\": \"{}\", \"{}\": ", typed::TYPE, kind.name(), typed::VALUE);
            out.push_str(if kind == Kind::Uuid { "{\"hex\": " } else { "" });
            quote(value, out);
            out.push_str(if kind == Kind::Uuid { "}}" } else { "}" });
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        let _ = match character {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            ' '..='~' => out.write_char(character),
            _ if code <= 0xFF => write!(out, "\\x{code:02X}"),
            _ if code <= 0xFFFF => write!(out, "\\u{code:04X}"),
            _ => write!(out, "\\U{code:08X}"),
        };
    }
    out.push('"');
}
