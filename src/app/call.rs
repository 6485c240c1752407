//! Options of one call: `apply_async`.

use std::sync::Arc;
use std::time::Duration;

/// How one call is sent. What is unset comes from the task, then from the settings.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// Not before this long from now.
    pub countdown: Option<Duration>,
    /// Not after this long from now.
    pub expires: Option<Duration>,
    /// Queue to send it to.
    pub queue: Option<String>,
    /// Priority, 0 to 255. On AMQP the larger number is served first.
    pub priority: Option<u8>,
    /// Its id. Default: a new UUID.
    pub task_id: Option<Arc<str>>,
    /// Hard time limit of this call.
    pub time_limit: Option<Duration>,
    /// Soft time limit of this call.
    pub soft_time_limit: Option<Duration>,
    /// Store no result.
    pub ignore_result: Option<bool>,
}
