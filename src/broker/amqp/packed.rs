//! Messages far from the head of a queue, as bytes: they take less memory so.

use super::stored::StoredMessage;
use crate::journal::codec::Reader;
use crate::journal::message;
use crate::message::Message;
use serde_json::Value;
use std::sync::Arc;

/// Nesting of a header up to which a message is packed: well within what is read back.
const MAX_DEPTH: u32 = 64;

/// A copy in a queue's lane.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    Whole(StoredMessage),
    Packed(StoredMessage<Box<[u8]>>),
}

impl Waiting {
    /// Packs a copy if it can be; `scratch` is room for its bytes.
    pub(super) fn pack(copy: StoredMessage, scratch: &mut Vec<u8>) -> Self {
        if !copy.message.headers.iter().all(|(_, value)| is_shallow(value, MAX_DEPTH)) {
            return Waiting::Whole(copy);
        }
        scratch.clear();
        message::write(&copy.message, scratch);
        Waiting::Packed(copy.map(|_| Box::from(scratch.as_slice())))
    }

    pub(super) fn unpack(self) -> StoredMessage {
        match self {
            Waiting::Whole(copy) => copy,
            Waiting::Packed(copy) => copy.map(|bytes| Arc::new(read(&bytes))),
        }
    }

    pub(super) fn priority(&self) -> u8 {
        match self {
            Waiting::Whole(copy) => copy.priority,
            Waiting::Packed(copy) => copy.priority,
        }
    }

    pub(super) fn position(&self) -> u64 {
        match self {
            Waiting::Whole(copy) => copy.position,
            Waiting::Packed(copy) => copy.position,
        }
    }

    pub(super) fn expires_at(&self) -> u64 {
        match self {
            Waiting::Whole(copy) => copy.expires_at,
            Waiting::Packed(copy) => copy.expires_at,
        }
    }
}

/// Bytes that `pack` wrote are well-formed.
fn read(bytes: &[u8]) -> Message {
    let message = message::read(&mut Reader(bytes));
    debug_assert!(message.is_ok(), "{message:?}");
    message.unwrap_or_default()
}

fn is_shallow(value: &Value, depth: u32) -> bool {
    let Some(inner) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, inner)),
        Value::Object(entries) => entries.values().all(|value| is_shallow(value, inner)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::amqp::stored::{NEVER, Origin};
    use serde_json::json;

    fn copy(header: Value) -> StoredMessage {
        let mut message = Message { body: b"[[1, 2], {}, {}]".as_slice().into(), ..Message::default() };
        message.headers.set("id", "a");
        message.headers.set("h", header);
        message.properties.correlation_id = Some("a".into());
        StoredMessage {
            message: Arc::new(message),
            origin: Origin { exchange: "".into(), routing_key: "q".into() },
            position: 7,
            expires_at: NEVER,
            deaths: None,
            delivery_count: 2,
            journaled: 9,
            priority: 3,
            redelivered: true,
        }
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        let copy = copy(json!({"a": [null, true, -1, 2.5, "x"], "b": {}}));
        let packed = Waiting::pack(copy.clone(), &mut Vec::new());
        assert!(matches!(packed, Waiting::Packed(_)));
        assert_eq!((packed.position(), packed.priority(), packed.expires_at()), (7, 3, NEVER));
        let back = packed.unpack();
        assert_eq!(back.message, copy.message);
        assert_eq!(format!("{back:?}"), format!("{copy:?}"));
    }

    #[test]
    fn what_might_not_come_back_stays_whole() {
        let deep = (0..MAX_DEPTH).fold(Value::Null, |inner, _| json!([inner]));
        assert!(matches!(Waiting::pack(copy(deep), &mut Vec::new()), Waiting::Whole(_)));
    }
}
