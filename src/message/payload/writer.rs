//! Writing canonical text value by value, within its bounds: what the readers of the other serializers end in.

use super::super::repr::python_float;
use super::json::{depth, typed_float};
use super::tokens::Container;
use super::typed::{Kind, TYPE, VALUE, name_of_float};
use super::{MAX_DEPTH, PayloadError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::ops::Range;

struct Level {
    is: Container,
    empty: bool,
    /// In a map: a key is next.
    key: bool,
}

pub(super) struct Writer {
    out: String,
    limit: usize,
    levels: Vec<Level>,
}

type Written = Result<(), PayloadError>;

impl Writer {
    /// For the text of a payload of `size` bytes.
    pub(super) fn new(size: usize, limit: usize) -> Self {
        Writer {
            out: String::with_capacity(size.min(limit)),
            limit: super::text_limit(size, limit),
            levels: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Whether a key of a map is next.
    pub(super) fn expects_key(&self) -> bool {
        self.levels.last().is_some_and(|level| level.key)
    }

    pub(super) fn null(&mut self) -> Written {
        self.word("null")
    }

    pub(super) fn bool(&mut self, value: bool) -> Written {
        self.word(if value { "true" } else { "false" })
    }

    pub(super) fn integer(&mut self, value: i128) -> Written {
        self.word(&value.to_string())
    }

    pub(super) fn unsigned(&mut self, value: u128) -> Written {
        self.word(&value.to_string())
    }

    /// An integer of any length, as JSON has it.
    pub(super) fn digits(&mut self, digits: &str) -> Written {
        self.room(digits.len())?;
        self.word(digits)
    }

    pub(super) fn float(&mut self, value: f64) -> Written {
        match (value.is_finite(), self.expects_key()) {
            (true, _) => self.word(&python_float(value)),
            (false, true) => self.word(name_of_float(value)),
            (false, false) => self.value(&typed_float(name_of_float(value))),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> Written {
        self.room(text.len())?;
        let quoted = serde_json::Value::from(text).to_string();
        self.item(&quoted, true)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Written {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.typed(Kind::Bytes, text),
            Err(_) => {
                self.room(bytes.len())?;
                self.typed(Kind::Base64, &STANDARD.encode(bytes))
            }
        }
    }

    /// A value that the caller knows to be one of its kind.
    pub(super) fn typed(&mut self, kind: Kind, value: &str) -> Written {
        self.room(value.len())?;
        let quoted = serde_json::Value::from(value).to_string();
        let value = if kind == Kind::Uuid { format!(r#"{{"hex": {quoted}}}"#) } else { quoted };
        self.value(&format!(r#"{{"{TYPE}": "{}", "{VALUE}": {value}}}"#, kind.name()))
    }

    pub(super) fn open(&mut self, is: Container) -> Written {
        if self.levels.len() == MAX_DEPTH {
            return Err(PayloadError::TooDeep { limit: MAX_DEPTH });
        }
        self.value(if is == Container::List { "[" } else { "{" })?;
        self.levels.push(Level { is, empty: true, key: is == Container::Map });
        Ok(())
    }

    pub(super) fn close(&mut self) -> Written {
        let close = self.levels.pop().map_or("", |level| if level.is == Container::List { "]" } else { "}" });
        self.out.push_str(close);
        self.room(0)
    }

    /// Where the next value will begin.
    pub(super) fn position(&self) -> usize {
        let separator = match self.levels.last() {
            None | Some(Level { empty: true, .. }) => 0,
            Some(_) => 2,
        };
        self.out.len() + separator
    }

    pub(super) fn end(&self) -> usize {
        self.out.len()
    }

    /// Writes once more what was written before: a whole value.
    pub(super) fn again(&mut self, written: Range<usize>) -> Written {
        self.room(written.len())?;
        let copy = self.out.get(written).unwrap_or_default().to_owned();
        if self.levels.len() + depth(&copy) > MAX_DEPTH {
            return Err(PayloadError::TooDeep { limit: MAX_DEPTH });
        }
        match copy.bytes().next() {
            Some(b'"') => self.item(&copy, true),
            Some(b'[' | b'{') => self.value(&copy),
            _ => self.word(&copy),
        }
    }

    /// A value that Python's `json.dumps` quotes when it is a key.
    fn word(&mut self, word: &str) -> Written {
        if self.expects_key() { self.item(&format!("\"{word}\""), true) } else { self.item(word, false) }
    }

    fn value(&mut self, value: &str) -> Written {
        self.item(value, false)
    }

    fn item(&mut self, item: &str, may_be_key: bool) -> Written {
        self.room(item.len() + 2)?;
        if let Some(level) = self.levels.last_mut() {
            match (level.is, level.key) {
                (Container::Map, true) if !may_be_key => {
                    let expected = "keys that are texts, numbers, booleans or null";
                    return Err(PayloadError::syntax(expected, "a key of another type"));
                }
                (Container::Map, false) => self.out.push_str(": "),
                _ if !level.empty => self.out.push_str(", "),
                _ => {}
            }
            level.empty = false;
            level.key = level.is == Container::Map && !level.key;
        }
        self.out.push_str(item);
        Ok(())
    }

    fn room(&self, more: usize) -> Written {
        let limit = self.limit;
        if self.out.len().saturating_add(more) > limit { Err(PayloadError::Balloons { limit }) } else { Ok(()) }
    }
}
