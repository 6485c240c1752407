//! A message in a Redis list: kombu's envelope, one JSON object (wire sheet, section 5.1).

use crate::message::{DeliveryMode, Message, Properties, Table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Header that counts how often a message was returned, as RabbitMQ's quorum queues write it.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// What is in an envelope.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Envelope {
    pub(super) message: Message,
    pub(super) exchange: Arc<str>,
    pub(super) routing_key: Arc<str>,
    pub(super) redelivered: bool,
    /// Times it was returned.
    pub(super) deliveries: u32,
}

/// An item of a list is no envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no envelope of kombu's: {0}")]
pub(super) struct NoEnvelope(String);

impl NoEnvelope {
    fn lacks(what: &str) -> NoEnvelope {
        NoEnvelope(format!("{what} is missing or of another type"))
    }
}

/// The envelope of a message that is published.
pub(super) fn write(message: &Message, exchange: &str, routing_key: &str, tag: &str, base64: bool) -> Vec<u8> {
    let Properties { content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration } =
        &message.properties;
    let text = std::str::from_utf8(&message.body).ok().filter(|_| !base64);
    let body = text.map_or_else(|| STANDARD.encode(&message.body), str::to_owned);
    let mut properties = Map::new();
    properties.insert("correlation_id".to_owned(), json!(correlation_id.as_deref()));
    if let Some(reply_to) = reply_to {
        properties.insert("reply_to".to_owned(), json!(&**reply_to));
    }
    properties.insert("delivery_mode".to_owned(), json!(1 + u8::from(*delivery_mode == DeliveryMode::Persistent)));
    if let Some(expiration) = expiration {
        properties.insert("expiration".to_owned(), json!(expiration.to_string()));
    }
    properties.insert("delivery_info".to_owned(), json!({"exchange": exchange, "routing_key": routing_key}));
    properties.insert("priority".to_owned(), json!(priority));
    if text.is_none() {
        properties.insert("body_encoding".to_owned(), json!("base64"));
    }
    properties.insert("delivery_tag".to_owned(), json!(tag));
    let headers: Map<String, Value> =
        message.headers.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let envelope = json!({
        "body": body,
        "content-encoding": content_encoding.as_deref(),
        "content-type": content_type.as_deref(),
        "headers": headers,
        "properties": properties,
    });
    envelope.to_string().into_bytes()
}

/// Reads an item of a list.
pub(super) fn read(bytes: &[u8]) -> Result<Envelope, NoEnvelope> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| NoEnvelope(error.to_string()))?;
    let Value::Object(mut envelope) = value else { return Err(NoEnvelope("it is not an object".to_owned())) };
    let properties = match envelope.get("properties") {
        Some(Value::Object(properties)) => properties,
        _ => return Err(NoEnvelope::lacks("\"properties\"")),
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(Arc::<str>::from);
    let info = properties.get("delivery_info");
    let of_info = |key: &str| text(info.and_then(|info| info.get(key))).unwrap_or_default();
    let redelivered = |within: Option<&Value>| {
        within.and_then(|within| within.get("redelivered")).and_then(Value::as_bool).unwrap_or_default()
    };
    let headers = envelope.get("headers");
    let deliveries = headers.and_then(|headers| headers.get(DELIVERY_COUNT)).and_then(Value::as_u64);
    let redelivered = redelivered(info) || redelivered(headers);
    let (exchange, routing_key) = (of_info("exchange"), of_info("routing_key"));
    let number = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.parse().ok(),
        value => value.and_then(Value::as_u64),
    };
    let body = match envelope.get("body") {
        Some(Value::String(body)) if properties.get("body_encoding").and_then(Value::as_str) == Some("base64") => {
            STANDARD.decode(body).map_err(|error| NoEnvelope(format!("\"body\" is not base64: {error}")))?.into()
        }
        Some(Value::String(body)) => Arc::from(body.as_bytes()),
        // kombu's envelopes of other languages carry the body as it is.
        Some(body @ (Value::Array(_) | Value::Object(_))) => Arc::from(body.to_string().as_bytes()),
        _ => return Err(NoEnvelope::lacks("\"body\"")),
    };
    let properties = Properties {
        content_type: text(envelope.get("content-type")),
        content_encoding: text(envelope.get("content-encoding")),
        delivery_mode: match properties.get("delivery_mode").and_then(Value::as_u64) {
            Some(1) => DeliveryMode::Transient,
            _ => DeliveryMode::Persistent,
        },
        priority: number(properties.get("priority")).map_or(0, |number| u8::try_from(number).unwrap_or(u8::MAX)),
        correlation_id: text(properties.get("correlation_id")),
        reply_to: text(properties.get("reply_to")),
        expiration: number(properties.get("expiration")),
    };
    let mut table = Table::default();
    if let Some(Value::Object(headers)) = envelope.remove("headers") {
        let own = |name: &str| name == "redelivered" || name == DELIVERY_COUNT;
        headers.into_iter().filter(|(name, _)| !own(name)).for_each(|(name, value)| table.push(name, value));
    }
    let deliveries = deliveries.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX));
    let message = Message { headers: table, properties, body };
    Ok(Envelope { message, exchange, routing_key, redelivered, deliveries })
}

/// The same envelope, marked as returned: redelivered as kombu marks it, and with this count. What is no envelope stays as
/// it is.
pub(super) fn returned(bytes: &[u8], deliveries: u32) -> Vec<u8> {
    marked(bytes, |headers| {
        if deliveries > 0 {
            headers.insert(DELIVERY_COUNT.to_owned(), deliveries.into());
        }
    })
}

/// The same envelope as a dead letter, with RabbitMQ's headers of a first death.
pub(super) fn dead(bytes: &[u8], queue: &str, reason: &str, deliveries: u32, seconds: i64) -> Vec<u8> {
    marked(bytes, |headers| {
        headers.remove(DELIVERY_COUNT);
        let death = json!([{
            "count": 1, "reason": reason, "queue": queue, "time": seconds, "exchange": "", "routing-keys": [queue],
        }]);
        for (name, value) in [
            ("x-first-death-exchange", json!("")),
            ("x-first-death-queue", json!(queue)),
            ("x-first-death-reason", json!(reason)),
            ("x-death", death),
        ] {
            headers.insert(name.to_owned(), value);
        }
        if deliveries > 0 {
            headers.insert("x-last-delivery-count".to_owned(), deliveries.into());
        }
    })
}

fn marked(bytes: &[u8], mark: impl FnOnce(&mut Map<String, Value>)) -> Vec<u8> {
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    if let Some(Value::Object(headers)) = envelope.get_mut("headers") {
        headers.insert("redelivered".to_owned(), true.into());
        mark(headers);
    }
    if let Some(Value::Object(info)) = envelope.get_mut("properties").and_then(|own| own.get_mut("delivery_info")) {
        info.insert("redelivered".to_owned(), true.into());
    }
    Value::Object(envelope).to_string().into_bytes()
}

/// The value of a message in `unacked`: what kombu restores it from. The queue is its place: a message that was published
/// to an exchange goes back to the one queue that it was taken from.
pub(super) fn record(envelope: &[u8], queue: &str) -> Vec<u8> {
    [b"[", envelope, record_end(queue).as_bytes()].concat()
}

/// What stands behind the envelope in such a value.
pub(super) fn record_end(queue: &str) -> String {
    format!(", \"\", {}]", json!(queue))
}

/// The value that kombu itself writes: with the exchange and the routing key of the message.
pub(super) fn kombus_record(envelope: &[u8], queue: &str) -> Vec<u8> {
    let Ok(Envelope { exchange, routing_key, .. }) = read(envelope) else { return record(envelope, queue) };
    let end = format!(", {}, {}]", json!(&*exchange), json!(&*routing_key));
    [b"[", envelope, end.as_bytes()].concat()
}

/// The producer's tag of an envelope: kombu's key of its record.
pub(super) fn tag(envelope: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(envelope).ok()?;
    value.get("properties")?.get("delivery_tag")?.as_str().map(str::to_owned)
}

/// The envelope and the place of such a value, kombu's or simq's: exchange and routing key.
pub(super) fn unrecord(record: &[u8]) -> Option<(Vec<u8>, String, String)> {
    let (envelope, exchange, routing_key): (Box<serde_json::value::RawValue>, Option<String>, Option<String>) =
        serde_json::from_slice(record).ok()?;
    let envelope = envelope.get().as_bytes().to_vec();
    Some((envelope, exchange.unwrap_or_default(), routing_key.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let mut headers = Table::default();
        headers.push("task", "tasks.add");
        headers.push("id", "an-id");
        let properties = Properties {
            content_type: Some("application/json".into()),
            content_encoding: Some("utf-8".into()),
            priority: 3,
            correlation_id: Some("an-id".into()),
            reply_to: Some("a-client".into()),
            expiration: Some(30_000),
            ..Properties::default()
        };
        Message { headers, properties, body: Arc::from(&b"[[1, 2], {}, {}]"[..]) }
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        for base64 in [true, false] {
            let written = write(&message(), "", "celery", "a-tag", base64);
            let read = read(&written).unwrap();
            assert_eq!(read.message, message());
            assert_eq!(
                (&*read.exchange, &*read.routing_key, read.redelivered, read.deliveries),
                ("", "celery", false, 0)
            );
        }
    }

    #[test]
    fn what_was_returned_says_so() {
        let written = write(&message(), "", "celery", "a-tag", true);
        let back = read(&returned(&written, 2)).unwrap();
        assert_eq!((back.redelivered, back.deliveries), (true, 2));
        assert_eq!(back.message, message(), "the count is not a header of the task's");
        let dead = read(&dead(&written, "celery", "rejected", 3, 7)).unwrap();
        assert_eq!(dead.message.headers.get("x-first-death-queue"), Some(&json!("celery")));
        assert_eq!(dead.deliveries, 0, "a dead letter that is taken up again begins anew");
    }

    #[test]
    fn a_record_is_kombus() {
        let written = write(&message(), "", "celery", "a-tag", true);
        let record = record(&written, "a \"queue\"");
        assert_eq!(unrecord(&record), Some((written.clone(), String::new(), "a \"queue\"".to_owned())));
        let kombus: Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(kombus[0]["properties"]["delivery_tag"], json!("a-tag"));
        assert_eq!(unrecord(b"[]"), None);
    }

    #[test]
    fn what_is_none_is_told_apart() {
        for bytes in [&b""[..], b"7", b"{}", b"\xff", br#"{"properties": {}}"#, br#"{"body": 7, "properties": {}}"#] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let bad = br#"{"body": "%", "headers": {}, "properties": {"body_encoding": "base64"}}"#;
        assert!(read(bad).unwrap_err().to_string().contains("base64"));
    }
}
