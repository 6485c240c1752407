//! Task ids of scheduled runs: the same run has the same id, whoever publishes it and how often.

use crate::message::Timestamp;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// A version 8 UUID made of the application, the entry, its task and the due time.
pub(super) fn task_id(app: &str, entry: &str, task: &str, due: Timestamp) -> Arc<str> {
    let mut text = Vec::with_capacity(64 + app.len() + entry.len() + task.len());
    for part in ["simq beat", app, entry, task] {
        // With the lengths, no two ways to cut the text say the same.
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(&due.as_micros().to_le_bytes());
    let uuid = uuid::Builder::from_custom_bytes(xxh3_128(&text).to_be_bytes()).into_uuid();
    uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_its_own_id_and_keeps_it() {
        let id = |app, entry, micros| task_id(app, entry, "t", Timestamp::from_micros(micros));
        assert_eq!(id("app", "hourly", 1), id("app", "hourly", 1));
        let ids = [id("app", "hourly", 1), id("app", "hourly", 2), id("app", "daily", 1), id("apph", "ourly", 1)];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(uuid::Uuid::parse_str(&ids[0]).map(|uuid| uuid.get_version_num()), Ok(8));
    }
}
