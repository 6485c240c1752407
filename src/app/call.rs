//! Options of one call: `apply_async`.

use crate::message::{Compression, DeliveryMode, Serializer, Table, Timestamp};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// How one call is sent, under the names of Celery's `apply_async`. What is unset comes from the routes, then from the
/// task, then from the settings.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// Not before this long from now.
    pub countdown: Option<Duration>,
    /// Not before this time; wins over `countdown`.
    pub eta: Option<Timestamp>,
    /// Not after this long from now.
    pub expires: Option<Duration>,
    /// Not after this time; wins over `expires`.
    pub expires_at: Option<Timestamp>,
    /// Queue to send it to.
    pub queue: Option<String>,
    /// Exchange to send it to, in place of the queue's.
    pub exchange: Option<String>,
    /// Routing key, in place of the queue's.
    pub routing_key: Option<String>,
    /// Priority, 0 to 255. On AMQP the larger number is served first.
    pub priority: Option<u8>,
    /// Publish again when it failed. Default: `task_publish_retry`.
    pub retry: Option<bool>,
    /// How often, and how long to wait between tries. Default: `task_publish_retry_policy`.
    pub retry_policy: Option<PublishRetry>,
    /// Its id. Default: a new UUID.
    pub task_id: Option<Arc<str>>,
    /// Headers of the user's own. A name that Celery uses itself is left out.
    pub headers: Table,
    /// Name for logs and events in place of the task's.
    pub shadow: Option<String>,
    /// Hard time limit of this call.
    pub time_limit: Option<Duration>,
    /// Soft time limit of this call; one above the hard limit is refused.
    pub soft_time_limit: Option<Duration>,
    /// Store no result.
    pub ignore_result: Option<bool>,
    /// Form of the body. Default: the task's, then `task_serializer`.
    pub serializer: Option<Serializer>,
    /// Compression of the body. Default: the task's, then `task_compression`.
    pub compression: Option<Compression>,
    /// Whether the message survives a restart of the broker. Default: `task_default_delivery_mode`.
    pub delivery_mode: Option<DeliveryMode>,
    /// Stamps by name, each a value or an array: Celery's `stamped_headers` and `stamps`.
    pub stamps: Map<String, Value>,
    /// Queue for `rpc://` results.
    pub reply_to: Option<Arc<str>>,
    /// Arguments as logs and events show them. Default: the arguments. Set it to keep secrets out of there.
    pub argsrepr: Option<String>,
    /// Keyword arguments as logs and events show them.
    pub kwargsrepr: Option<String>,
}

/// How a failed publish is tried again: Celery's `retry_policy`. What is unset comes from `task_publish_retry_policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishRetry {
    /// Tries after the first.
    pub max_retries: Option<u32>,
    /// Wait before the first further try.
    pub interval_start: Option<Duration>,
    /// How much longer each further wait is.
    pub interval_step: Option<Duration>,
    /// Longest wait.
    pub interval_max: Option<Duration>,
}
