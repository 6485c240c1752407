//! Single commands of the result store, and the names of its keys.

use crate::backend::store::Keep;
use redis::{Cmd, Value, cmd};

/// Longest life of a result, seconds: a century.
const LONGEST: u64 = 3_155_760_000;

pub(super) fn seconds(keep: Keep) -> u64 {
    // Redis knows no life of less than a second.
    keep.lifetime.map_or(0, |lifetime| lifetime.as_secs().clamp(1, LONGEST))
}

pub(super) fn set(key: &str, meta: &[u8], keep: Keep) -> Cmd {
    let mut command;
    match seconds(keep) {
        0 => {
            command = cmd("SET");
            command.arg(key).arg(meta);
        }
        seconds => {
            command = cmd("SETEX");
            command.arg(key).arg(seconds).arg(meta);
        }
    }
    command
}

pub(super) fn publish(key: &str, meta: &[u8]) -> Cmd {
    let mut command = cmd("PUBLISH");
    command.arg(key).arg(meta);
    command
}

pub(super) fn text(reply: Value) -> Option<Vec<u8>> {
    match reply {
        Value::BulkString(text) => Some(text),
        _ => None,
    }
}

/// The prefix of result keys, with the separator that Celery puts behind it.
pub(super) fn kombus_prefix(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        prefix if prefix.ends_with([':', '_', '-', '.']) => prefix.to_owned(),
        prefix => format!("{prefix}_"),
    }
}
