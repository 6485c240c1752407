//! Celery's task message: protocol 2, and what is read of protocol 1.
//!
//! A [`TaskMessage`] is one call of one task: what to run, with which arguments, when, and what follows. It is written
//! into a [`Message`](super::Message) by [`TaskMessage::encode`] and read back by [`TaskMessage::decode`]. Arguments and
//! signatures stay JSON text here; the application gives them types.
//!
//! The body is `[args, kwargs, embed]` in one of the serializers, compressed or not; everything else a worker needs before it looks at the body is in the
//! headers.

use super::{Compression, DeliveryMode, Serializer, Table, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::sync::Arc;

pub use super::malformed::Malformed;

pub use super::payload::{MAX_BODY, MAX_DEPTH};

/// One call of a task: Celery's protocol 2 message.
///
/// Each field names its wire header; [`TaskMessage::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct TaskMessage {
    /// Header `id` and property `correlation_id`: a UUID by convention, any text that is not empty by protocol.
    pub id: Arc<str>,
    /// Header `task`: the registered name.
    pub task: Arc<str>,
    /// Positional arguments: the text of a JSON array, in [canonical form](super::payload).
    pub args: Box<RawValue>,
    /// Keyword arguments: the text of a JSON object.
    pub kwargs: Box<RawValue>,
    /// What follows this call. Default: nothing.
    pub embed: Embed,
    /// Header `shadow`: a name for logs and events in place of `task`. Default: none.
    pub shadow: Option<Arc<str>>,
    /// Header `eta`: not to be run before. Default: none.
    pub eta: Option<Timestamp>,
    /// Header `expires` and, as the time that is left, property `expiration`: not to be run after. Default: none.
    pub expires: Option<Timestamp>,
    /// Header `group`: the group this call belongs to. Default: none.
    pub group: Option<Arc<str>>,
    /// Header `group_index`: its position there, from 0. Default: none.
    pub group_index: Option<u32>,
    /// Header `retries`: how often it was tried before. Default: 0.
    pub retries: u32,
    /// First of header `timelimit`: seconds after which the task is killed. Default: none, the task's own.
    pub time_limit: Option<f64>,
    /// Second of header `timelimit`: seconds after which the task is told to stop. Default: none, the task's own.
    pub soft_time_limit: Option<f64>,
    /// Header `root_id`: the first call of the work flow. Default, also when the header is missing: its own id.
    pub root_id: Arc<str>,
    /// Header `parent_id`: the call that sent this one. Default: none.
    pub parent_id: Option<Arc<str>>,
    /// Header `argsrepr`: the arguments for human eyes. Default: [`argsrepr`](super::repr::argsrepr) of `args`, computed
    /// when the message is written. Set it to keep secrets out of logs and events.
    pub argsrepr: Option<Arc<str>>,
    /// Header `kwargsrepr`: as `argsrepr`.
    pub kwargsrepr: Option<Arc<str>>,
    /// Header `origin`: who sent it, `gen<pid>@<host>`. Default: none.
    pub origin: Option<Arc<str>>,
    /// Header `ignore_result`: whether to store no result. Default: none, the task's own.
    pub ignore_result: Option<bool>,
    /// Header `replaced_task_nesting`: how many `replace` lie behind it. Default: 0.
    pub replaced_task_nesting: u32,
    /// Header `stamped_headers`: the names of the stamps. Default: none.
    pub stamped_headers: Option<Vec<String>>,
    /// Header `stamps`: the stamps by name, each a value or an array. Default: empty.
    pub stamps: Map<String, Value>,
    /// User headers (`headers=` of `apply_async`), in order. Default: empty.
    ///
    /// What a broker adds to a *delivery* (`x-death`, `redelivered`) is not kept: it must not travel with a retry. A
    /// user header with the name of one of the headers above is not written.
    pub extra: Table,
    /// Property `priority`. Default: 0.
    pub priority: u8,
    /// Property `reply_to`: where `rpc://` results go. Default: none.
    pub reply_to: Option<Arc<str>>,
    /// Property `delivery_mode`. Default: persistent.
    pub delivery_mode: DeliveryMode,
    /// Properties `content_type` and `content_encoding`: how the body is written. Default: JSON. A message that was read
    /// keeps its own, and so does its retry.
    pub serializer: Serializer,
    /// Header `compression`. Default: none.
    pub compression: Option<Compression>,
}

impl TaskMessage {
    /// A call with everything else at its default.
    pub fn new(id: Arc<str>, task: Arc<str>, args: Box<RawValue>, kwargs: Box<RawValue>) -> Self {
        TaskMessage {
            root_id: Arc::clone(&id),
            id,
            task,
            args,
            kwargs,
            embed: Embed::default(),
            shadow: None,
            eta: None,
            expires: None,
            group: None,
            group_index: None,
            retries: 0,
            time_limit: None,
            soft_time_limit: None,
            parent_id: None,
            argsrepr: None,
            kwargsrepr: None,
            origin: None,
            ignore_result: None,
            replaced_task_nesting: 0,
            stamped_headers: None,
            stamps: Map::new(),
            extra: Table::default(),
            priority: 0,
            reply_to: None,
            delivery_mode: DeliveryMode::default(),
            serializer: Serializer::default(),
            compression: None,
        }
    }
}

/// What follows a call: the third part of the body, as the JSON text of signatures.
#[derive(Clone, Debug, Default)]
pub struct Embed {
    /// Called with the result on success (`link`): an array of signatures.
    pub callbacks: Option<Box<RawValue>>,
    /// Called on failure (`link_error`): an array of signatures.
    pub errbacks: Option<Box<RawValue>>,
    /// The rest of the chain, **in reverse**: an array of signatures, the next one last.
    pub chain: Option<Box<RawValue>>,
    /// The body of the chord in whose header this call is: one signature.
    pub chord: Option<Box<RawValue>>,
}

impl Embed {
    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.callbacks.is_none() && self.errbacks.is_none() && self.chain.is_none() && self.chord.is_none()
    }
}
