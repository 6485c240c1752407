//! The envelopes that kombu wrote (`tests/golden/redis_task_messages.jsonl`): read, and written the same.

use super::envelope;
use crate::message::{Accept, Serializer, TaskMessage};
use serde_json::Value;

const GOLDEN: &str = include_str!("../../../tests/golden/redis_task_messages.jsonl");
/// Properties that simq drops: nothing of a worker's reads them.
const DROPPED: [&str; 3] = ["message_id", "app_id", "user_id"];

#[test]
fn every_captured_envelope_is_read_and_written_the_same() {
    let mut seen = 0;
    // Python's JSON, with bare NaN in it.
    let rows = GOLDEN.lines().map(|line| Serializer::Json.decode(line.as_bytes(), usize::MAX).unwrap());
    for row in rows.map(|row| serde_json::from_str::<Value>(row.get()).unwrap()) {
        for raw in row["messages"].as_array().unwrap().iter().filter_map(|message| message["raw"].as_str()) {
            let case = &row["case"];
            let read = envelope::read(raw.as_bytes()).unwrap_or_else(|error| panic!("{case}: {error}"));
            let task = TaskMessage::decode(&read.message, &Accept::content(Serializer::ALL));
            assert!(task.is_ok(), "{case}: {task:?}");
            let mut captured: Value = serde_json::from_str(raw).unwrap();
            let tag = envelope::tag(raw.as_bytes()).unwrap();
            assert_eq!(captured["properties"]["delivery_tag"], *tag);
            let written = envelope::write(&read.message, &read.exchange, &read.routing_key, &tag, true);
            captured["properties"].as_object_mut().unwrap().retain(|name, _| !DROPPED.contains(&name.as_str()));
            // Of text, so that the order counts too.
            let written: Value = serde_json::from_slice(&written).unwrap();
            assert_eq!(written.to_string(), captured.to_string(), "{case}");
            seen += 1;
        }
    }
    assert_eq!(seen, 83);
}
