//! What a fuzz target does with its bytes: the same functions run under libFuzzer (`fuzz_targets/`) and, over the seeds,
//! in `cargo test` (`tests/fuzz_corpus.rs`).
//!
//! They fail by panicking. Whatever the bytes are, nothing else may panic, take long, or make much of little.

use serde_json::Value;
use serde_json::value::RawValue;
use simq::message::python::{Date, DateTime, Decimal, Time, Uuid};
use simq::message::repr::{MAX_CHARS, argsrepr, kwargsrepr};
use simq::message::time::IsoTime;
use simq::message::{Accept, Compression, Message, Serializer, TaskMessage, Timestamp};

/// Bytes that a payload may have and become here.
pub(crate) const LIMIT: usize = 1 << 20;

/// A line with the headers as a JSON object, a line with the content type, and the body.
pub(crate) fn message(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut message = Message::default();
    match serde_json::from_slice::<Value>(parts.next().unwrap_or_default()) {
        Ok(Value::Object(headers)) => {
            for (name, value) in headers {
                message.headers.set(name, value);
            }
        }
        _ => {
            message.headers.set("task", "t");
            message.headers.set("id", "1");
        }
    }
    message.properties.content_type = std::str::from_utf8(parts.next().unwrap_or_default()).ok().map(Into::into);
    message.body = parts.next().unwrap_or_default().into();
    let accept = Accept::content(Serializer::ALL).max_body(LIMIT);
    match TaskMessage::decode(&message, &accept) {
        Ok(task) => same_again(&task, &accept),
        Err(error) => assert!(error.to_string().contains("expected"), "{error}"),
    }
}

/// What was read goes on as it is, and is read alike.
fn same_again(task: &TaskMessage, accept: &Accept) {
    let now = Timestamp::from_micros(0);
    let sent = task.encode(now).expect("what was read can be written");
    match TaskMessage::decode(&sent, &accept.clone().max_body(64 * LIMIT)) {
        Ok(mut read) => {
            // Written when it was not there.
            (read.argsrepr, read.kwargsrepr) = (task.argsrepr.clone(), task.kwargsrepr.clone());
            assert_eq!(format!("{:?}", without_text(&read)), format!("{:?}", without_text(task)));
        }
        Err(error) => panic!("{error} in what was read and written again: {task:?}"),
    }
}

/// The text of arguments may be spaced differently after it went through another serializer.
fn without_text(task: &TaskMessage) -> TaskMessage {
    let empty = || RawValue::from_string("[]".to_owned()).expect("JSON");
    TaskMessage { args: empty(), kwargs: empty(), embed: Default::default(), ..task.clone() }
}

pub(crate) fn json(data: &[u8]) {
    serializer(Serializer::Json, data);
}

pub(crate) fn msgpack(data: &[u8]) {
    serializer(Serializer::Msgpack, data);
}

pub(crate) fn yaml(data: &[u8]) {
    serializer(Serializer::Yaml, data);
}

pub(crate) fn pickle(data: &[u8]) {
    serializer(Serializer::Pickle, data);
}

/// Bytes are refused, or become a value that is bounded and that every serializer brings back.
fn serializer(serializer: Serializer, data: &[u8]) {
    let Ok(value) = serializer.decode(data, LIMIT) else { return };
    assert!(value.get().len() <= LIMIT.max(2 * data.len()), "{} bytes of {}", value.get().len(), data.len());
    for other in Serializer::ALL {
        // Some have no form for an integer.
        let Ok(bytes) = other.encode(&value) else { continue };
        let read = other.decode(&bytes, 64 * LIMIT);
        let read = read.unwrap_or_else(|error| panic!("{other}: {error} in {:?}", String::from_utf8_lossy(&bytes)));
        // Times may be written in other words, once.
        let rewritten = other.encode(&read).expect("what was written before");
        let again = other.decode(&rewritten, 64 * LIMIT).expect("what was read before");
        same_values(if value.get().contains("_type__") { &read } else { &value }, &read, other);
        same_values(&read, &again, other);
    }
}

/// Half of a surrogate pair and numbers beyond every float are no values to compare.
fn same_values(before: &RawValue, after: &RawValue, serializer: Serializer) {
    let read = |text: &RawValue| serde_json::from_str::<Value>(text.get());
    if let (Ok(before), Ok(after)) = (read(before), read(after)) {
        // The integer -0, which to Python is 0, is a float to `serde_json`.
        let shown = |value: &Value| value.to_string().replace("-0.0", "0");
        assert_eq!(shown(&before), shown(&after), "{serializer}");
    }
}

/// The first byte chooses the compression.
pub(crate) fn decompress(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let compression = Compression::ALL[usize::from(*first) % Compression::ALL.len()];
    if let Ok(bytes) = compression.decompress(data, LIMIT) {
        assert!(bytes.len() <= LIMIT);
        let again = compression.compress(&bytes).expect("compressed");
        assert_eq!(compression.decompress(&again, LIMIT), Ok(bytes));
    }
}

pub(crate) fn times(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(time) = IsoTime::parse(text).map(IsoTime::or_utc) {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
    shown_as_read::<DateTime>(text);
    shown_as_read::<Date>(text);
    shown_as_read::<Time>(text);
    shown_as_read::<Decimal>(text);
    shown_as_read::<Uuid>(text);
}

fn shown_as_read<T: std::str::FromStr + std::fmt::Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse().ok(), Some(value));
    }
}

pub(crate) fn repr(data: &[u8]) {
    let Some(json) = std::str::from_utf8(data).ok().and_then(|text| RawValue::from_string(text.to_owned()).ok()) else {
        return;
    };
    for shown in [argsrepr(&json), kwargsrepr(&json)] {
        assert!(shown.chars().count() <= 2 * MAX_CHARS + 16, "{} characters", shown.chars().count());
    }
}
