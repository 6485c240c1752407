//! Celery's serializers, by name and by content type.

use super::{PayloadError, Unserializable, json, msgpack, pickle, yaml};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How a payload is written: Celery's `task_serializer`, `result_serializer` and the entries of `accept_content`.
///
/// Read from a name (`json`, `msgpack`, `yaml`, `pickle`) or a content type (`application/json`, ...), shown as its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Serializer {
    /// `application/json`, Celery's default.
    #[default]
    Json,
    /// `application/x-msgpack`.
    Msgpack,
    /// `application/x-yaml`: what PyYAML's `safe_load` reads, without `<<`, sets and ordered maps.
    Yaml,
    /// `application/x-python-serialize`, protocols 2 to 5. A pickle is a program; this one is never run but read as data,
    /// and refused when it needs more than plain values, `datetime`, `Decimal`, `UUID`, `set` and their like.
    Pickle,
}

impl Serializer {
    /// All of them.
    pub const ALL: [Serializer; 4] = [Serializer::Json, Serializer::Msgpack, Serializer::Yaml, Serializer::Pickle];

    /// Celery's name.
    pub fn name(self) -> &'static str {
        match self {
            Serializer::Json => "json",
            Serializer::Msgpack => "msgpack",
            Serializer::Yaml => "yaml",
            Serializer::Pickle => "pickle",
        }
    }

    /// The property `content_type` of its messages.
    pub fn content_type(self) -> &'static str {
        match self {
            Serializer::Json => "application/json",
            Serializer::Msgpack => "application/x-msgpack",
            Serializer::Yaml => "application/x-yaml",
            Serializer::Pickle => "application/x-python-serialize",
        }
    }

    /// The property `content_encoding` of its messages. It is not looked at when reading: texts are UTF-8.
    pub fn content_encoding(self) -> &'static str {
        match self {
            Serializer::Json | Serializer::Yaml => "utf-8",
            Serializer::Msgpack | Serializer::Pickle => "binary",
        }
    }

    /// The serializer of a content type.
    pub fn of_content_type(content_type: &str) -> Option<Serializer> {
        Serializer::ALL.into_iter().find(|serializer| serializer.content_type() == content_type)
    }

    /// Writes a value. JSON with nothing special in it is returned as it is.
    ///
    /// # Errors
    /// [`Unserializable`] when this serializer has no form for a value: an integer beyond 64 bits in msgpack.
    pub fn encode(self, value: &RawValue) -> Result<Cow<'_, [u8]>, Unserializable> {
        self.encode_text(value.get())
    }

    /// Reads a value of at most `limit` bytes, which also bounds the text that it becomes.
    ///
    /// # Errors
    /// [`PayloadError`] when the bytes are no such value, or too much of one.
    pub fn decode(self, bytes: &[u8], limit: usize) -> Result<Box<RawValue>, PayloadError> {
        let text = self.decode_text(bytes, limit)?.into_owned();
        RawValue::from_string(text).map_err(|error| PayloadError::syntax("JSON", error.to_string()))
    }

    /// As [`decode`](Self::decode), of a stored result: an exception that was pickled is read as data, and not refused.
    pub(crate) fn decode_result(self, bytes: &[u8], limit: usize) -> Result<Box<RawValue>, PayloadError> {
        if self != Serializer::Pickle || bytes.len() > limit {
            return self.decode(bytes, limit);
        }
        let text = pickle::decode(bytes, limit, true)?;
        json::require_known_types(&text, true)?;
        RawValue::from_string(text).map_err(|error| PayloadError::syntax("a pickle", error.to_string()))
    }

    pub(in crate::message) fn encode_text(self, text: &str) -> Result<Cow<'_, [u8]>, Unserializable> {
        Ok(match self {
            Serializer::Json => match json::with_bare_floats(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            Serializer::Msgpack => Cow::Owned(msgpack::encode(text)?),
            Serializer::Yaml => Cow::Owned(yaml::encode(text)?.into_bytes()),
            Serializer::Pickle => Cow::Owned(pickle::encode(text)?),
        })
    }

    /// As [`decode`](Self::decode), but text that was JSON is not yet known to be valid.
    pub(in crate::message) fn decode_text(self, bytes: &[u8], limit: usize) -> Result<Cow<'_, str>, PayloadError> {
        if bytes.len() > limit {
            return Err(PayloadError::TooLarge { size: bytes.len(), limit });
        }
        let text = match self {
            Serializer::Json => return json::decode(bytes, limit),
            Serializer::Msgpack => msgpack::decode(bytes, limit)?,
            Serializer::Yaml => yaml::decode(bytes, limit)?,
            Serializer::Pickle => pickle::decode(bytes, limit, false)?,
        };
        json::require_known_types(&text, true)?;
        Ok(Cow::Owned(text))
    }
}

impl fmt::Display for Serializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A serializer that simq does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected a serializer (json, msgpack, yaml, pickle) or its content type, found {0:?}")]
pub struct UnknownSerializer(String);

impl FromStr for Serializer {
    type Err = UnknownSerializer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Serializer::ALL.into_iter().find(|known| known.name() == text || known.content_type() == text);
        found.ok_or_else(|| UnknownSerializer(text.to_owned()))
    }
}
