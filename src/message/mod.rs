//! Messages as they travel: headers, properties, body. Pure; knows no I/O.
//!
//! A [`Message`] is what a broker stores: it looks at the properties (priority, expiration, delivery mode) and
//! carries headers and body without understanding them. What the headers and body of a *task* message mean is
//! Celery's protocol 2, in [`protocol`]; how values become bytes is in [`payload`], and which Python values there are
//! beyond JSON's in [`python`].

mod accept;
mod body;
mod decode;
mod encode;
mod malformed;
pub mod payload;
pub mod protocol;
mod protocol1;
pub mod python;
pub mod repr;
mod scan;
mod table;
pub mod time;

pub use accept::Accept;
pub use malformed::Malformed;
pub use payload::{Compression, Serializer};
pub use protocol::{Embed, TaskMessage};
pub use table::Table;
pub use time::Timestamp;

use std::sync::Arc;

/// A message as a broker sees it: AMQP's content header and body.
///
/// Mirrors kombu's message; a Redis envelope and an AMQP `basic.publish` both carry exactly these parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Application headers, in the order in which they were written.
    pub headers: Table,
    /// What the broker itself reads.
    pub properties: Properties,
    /// The serialized body.
    pub body: Arc<[u8]>,
}

/// The properties of a message that brokers and workers act on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties {
    /// MIME type of the body, `application/json` for the default serializer.
    pub content_type: Option<Arc<str>>,
    /// `utf-8` or `binary`.
    pub content_encoding: Option<Arc<str>>,
    /// Transient messages do not survive a restart of the broker.
    pub delivery_mode: DeliveryMode,
    /// 0 to 255. On AMQP the larger number is served first.
    pub priority: u8,
    /// The task id, for task messages.
    pub correlation_id: Option<Arc<str>>,
    /// Where `rpc://` results are sent.
    pub reply_to: Option<Arc<str>>,
    /// Milliseconds the message may wait in a queue; after that the broker drops or dead-letters it.
    pub expiration: Option<u64>,
}

/// AMQP's delivery mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryMode {
    /// Mode 1: lost when the broker restarts.
    Transient,
    /// Mode 2, Celery's default: kept across a restart when the queue is durable.
    #[default]
    Persistent,
}
