//! JSON as Python writes and reads it: bare NaN and infinities, and typed objects that must be known.

use super::super::scan::Scan;
use super::tokens::{Token, Tokens};
use super::typed::{self, Kind, bare_float};
use super::{MAX_DEPTH, PayloadError};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(typed::TYPE));
static NAN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("NaN"));
static INFINITY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Infinity"));
static FLOAT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"float\""));

/// The canonical text of JSON, which is nearly always the text itself. Looks only at what Python's JSON has beyond JSON;
/// text that is not JSON comes out as some text that is not JSON either.
pub(super) fn decode(bytes: &[u8], limit: usize) -> Result<Cow<'_, str>, PayloadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| PayloadError::syntax("JSON", error.to_string()))?;
    if is_deeper_than(text, MAX_DEPTH) {
        return Err(PayloadError::TooDeep { limit: MAX_DEPTH });
    }
    require_known_types(text, false)?;
    if NAN.find(bytes).is_some() || INFINITY.find(bytes).is_some() {
        return with_typed_floats(text, limit);
    }
    Ok(Cow::Borrowed(text))
}

/// An unknown type is an error, as it is to Celery. So is, in JSON, the one that only canonical text may hold.
pub(super) fn require_known_types(text: &str, canonical: bool) -> Result<(), PayloadError> {
    if TYPE.find(text.as_bytes()).is_none() {
        return Ok(());
    }
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next()? {
        if matches!(token, Token::Typed(Kind::Float, _)) && !canonical {
            return Err(PayloadError::syntax("NaN and infinities to be bare, as Python writes them", "a typed float"));
        }
    }
    Ok(())
}

fn with_typed_floats(text: &str, limit: usize) -> Result<Cow<'_, str>, PayloadError> {
    let limit = super::text_limit(text.len(), limit);
    let (mut scan, mut out, mut copied) = (Scan::new(text), String::new(), 0);
    loop {
        match scan.peek() {
            0 => break,
            b'"' => {
                scan.quote();
                scan.skip_text();
            }
            b'[' | b']' | b'{' | b'}' | b',' | b':' => scan.open(),
            _ => {
                let start = scan.position();
                let word = scan.word();
                if bare_float(word).is_some() {
                    out.push_str(text.get(copied..start).unwrap_or_default());
                    out.push_str(&typed_float(word));
                    copied = start + word.len();
                    if out.len() > limit {
                        return Err(PayloadError::Balloons { limit });
                    }
                }
            }
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(Cow::Owned(out))
}

/// NaN or an infinity in canonical form.
pub(super) fn typed_float(name: &str) -> String {
    format!(r#"{{"{}": "{}", "{}": "{name}"}}"#, typed::TYPE, Kind::Float.name(), typed::VALUE)
}

/// JSON as Python writes it, from canonical text.
pub(super) fn with_bare_floats(text: &str) -> Cow<'_, str> {
    if FLOAT.find(text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let (mut tokens, mut out, mut copied) = (Tokens::new(text), String::new(), 0);
    // Text that has no tokens is left as it is from there on.
    while let Ok(Some(token)) = tokens.next() {
        if let Token::Typed(Kind::Float, name) = token {
            let span = tokens.span();
            out.push_str(text.get(copied..span.start).unwrap_or_default());
            out.push_str(&name);
            copied = span.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Counting brackets is enough for nearly every text; only one that has many is looked at closely.
fn is_deeper_than(text: &str, limit: usize) -> bool {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > limit && depth(text) > limit
}

/// Levels of arrays and objects.
pub(super) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_text(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}
