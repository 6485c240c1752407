//! Expiry: a task whose `expires` has passed is not begun.

use crate::message::{TaskMessage, Timestamp};

/// Whether the task may no longer begin, by this host's clock.
pub(super) fn is_expired(message: &TaskMessage, now: Timestamp) -> bool {
    message.expires.is_some_and(|expires| expires <= now)
}
