//! Why a payload can't be read or written.

use super::Serializer;
use thiserror::Error;

/// Bytes that are not a payload: Celery's `DecodeError`, or more than this process is willing to hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There are more bytes than are accepted.
    #[error("expected at most {limit} bytes, found {size}")]
    TooLarge {
        /// Bytes of this payload.
        size: usize,
        /// Bytes that are accepted.
        limit: usize,
    },
    /// The bytes stand for more than is accepted: a decompression bomb, or parts that refer to each other.
    #[error("expected at most {limit} bytes when decompressed and decoded, found more")]
    Balloons {
        /// Bytes that are accepted.
        limit: usize,
    },
    /// Arrays and objects are nested deeper than is accepted.
    #[error("expected at most {limit} levels of arrays and objects, found more")]
    TooDeep {
        /// Levels that are accepted.
        limit: usize,
    },
    /// The bytes are not what the content type or the compression says.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What they should be.
        expected: &'static str,
        /// What they are.
        found: String,
    },
}

impl PayloadError {
    pub(in crate::message) fn syntax(expected: &'static str, found: impl Into<String>) -> Self {
        PayloadError::Syntax { expected, found: found.into() }
    }
}

/// A value that the chosen serializer or compression can't write. Celery's `EncodeError`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{by} can't write {what}: {instead}")]
pub struct Unserializable {
    /// The serializer or compression.
    pub(super) by: &'static str,
    /// What it met.
    pub(super) what: String,
    /// What can be done about it.
    pub(super) instead: &'static str,
}

impl Unserializable {
    pub(super) fn new(by: Serializer, what: impl Into<String>, instead: &'static str) -> Self {
        Unserializable { by: by.name(), what: what.into(), instead }
    }

    /// For a value whose canonical text is itself wrong.
    pub(super) fn broken(by: Serializer, error: &PayloadError) -> Self {
        Unserializable::new(by, format!("this value ({error})"), "change it")
    }
}
