//! Why a message is not a task message.

use super::payload::{PayloadError, UnknownCompression};
use super::time::BadTimestamp;
use serde_json::Value;
use thiserror::Error;

/// A message that is not a task message, or not one that this process can read.
///
/// A Celery 5.7 worker meets some of these by crashing or by reconnecting for ever; a simq worker rejects the message
/// without requeue, so that it is dead-lettered or dropped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// There is a task neither in the headers (protocol 2) nor in the body (protocol 1). Celery's "Received and deleted
    /// unknown message".
    #[error("expected a task message with a header `task`, found {found}")]
    NoTask {
        /// The headers that are there.
        found: String,
    },
    /// A header is missing or its value is of the wrong type. Celery's `InvalidTaskError`.
    #[error("header `{name}`: expected {expected}, found {found}")]
    Header {
        /// Name of the header.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// `eta` or `expires` is text, but not a time. Celery's `InvalidTaskError`.
    #[error("header `{name}`: {source}, found {found}")]
    Time {
        /// `eta` or `expires`.
        name: &'static str,
        /// The text.
        found: String,
        /// What is wrong with it.
        source: BadTimestamp,
    },
    /// The property `content_type` is missing or not accepted. Celery's `ContentDisallowed`. The setting
    /// `accept_content` says which are.
    #[error("content type: expected {expected}, found {found}; accept_content has what is accepted")]
    ContentType {
        /// The accepted ones.
        expected: String,
        /// The one of this message.
        found: String,
    },
    /// The header `compression` names a compression that is not known. Celery's "Can't decode message body".
    #[error("header `compression`: {0}")]
    Compression(UnknownCompression),
    /// The bytes of the body are not what the headers and properties say. Celery's "Can't decode message body".
    #[error("body: {0}")]
    Undecodable(#[from] PayloadError),
    /// The body can be read, but it is not `[args, kwargs, embed]`, nor the object of protocol 1.
    #[error("body: expected {part} to be {expected}, found {found}")]
    Body {
        /// The part of the body that is wrong.
        part: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

impl Malformed {
    /// Whether the message does not claim to be a task message at all: sent here by mistake.
    pub fn is_unknown_message(&self) -> bool {
        matches!(self, Malformed::NoTask { .. })
    }

    /// Whether the bytes of the body could not be read. Celery *acknowledges* such a message; it rejects the others.
    pub fn is_undecodable(&self) -> bool {
        matches!(self, Malformed::Undecodable(_) | Malformed::Compression(_))
    }
}

/// Characters of a foreign text that an error quotes.
const MAX_QUOTED: usize = 64;

/// What a header holds, in a few words.
pub(super) fn describe(value: Option<&Value>) -> String {
    match value {
        None => "none".into(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => format!("the number {}", quote(&number.to_string())),
        Some(Value::String(text)) => format!("the text {:?}", quote(text)),
        Some(Value::Array(items)) => format!("an array of {}", items.len()),
        Some(Value::Object(_)) => "an object".into(),
    }
}

/// A foreign text, cut to a length that a log line can hold.
pub(super) fn quote(text: &str) -> &str {
    text.char_indices().nth(MAX_QUOTED).map_or(text, |(end, _)| &text[..end])
}
