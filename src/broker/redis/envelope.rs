//! A message in a Redis list: kombu's envelope, one JSON object (wire sheet, section 5.1).

use super::wire::{Body, DELIVERY_COUNT, Headers, Text, Wire};
use crate::message::{DeliveryMode, Message, Properties};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::sync::Arc;

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

/// The envelope of a message that is published. Written by hand: it is on the way of every task.
pub(super) fn write(message: &Message, exchange: &str, routing_key: &str, tag: &str, base64: bool) -> Vec<u8> {
    let Properties { content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration } =
        &message.properties;
    let text = std::str::from_utf8(&message.body).ok().filter(|_| !base64);
    let mut json = Json(Vec::with_capacity(1_024 + message.body.len() * 4 / 3));
    json.raw("{\"body\": ");
    match text {
        Some(text) => json.value(text),
        None => json.value(&STANDARD.encode(&message.body)),
    };
    json.raw(", \"content-encoding\": ").value(&content_encoding.as_deref());
    json.raw(", \"content-type\": ").value(&content_type.as_deref()).raw(", \"headers\": {");
    for (at, (name, value)) in message.headers.iter().enumerate() {
        json.raw(if at == 0 { "" } else { ", " }).value(name).raw(": ").value(value);
    }
    json.raw("}, \"properties\": {\"correlation_id\": ").value(&correlation_id.as_deref());
    if let Some(reply_to) = reply_to {
        json.raw(", \"reply_to\": ").value(&**reply_to);
    }
    let mode = 1 + u8::from(*delivery_mode == DeliveryMode::Persistent);
    json.raw(", \"delivery_mode\": ").value(&mode);
    if let Some(expiration) = expiration {
        json.raw(", \"expiration\": ").value(&expiration.to_string());
    }
    json.raw(", \"delivery_info\": {\"exchange\": ").value(exchange).raw(", \"routing_key\": ").value(routing_key);
    json.raw("}, \"priority\": ").value(priority);
    if text.is_none() {
        json.raw(", \"body_encoding\": \"base64\"");
    }
    json.raw(", \"delivery_tag\": ").value(tag).raw("}}");
    json.0
}

/// JSON text under way. Writing to memory never fails.
struct Json(Vec<u8>);

impl Json {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        let _ = serde_json::to_writer(&mut self.0, value);
        self
    }
}

/// Reads an item of a list.
pub(super) fn read(bytes: &[u8]) -> Result<Envelope, NoEnvelope> {
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|error| NoEnvelope(error.to_string()))?;
    let Some(own) = wire.properties else { return Err(NoEnvelope::lacks("\"properties\"")) };
    let body = match (wire.body, &own.body_encoding.0) {
        (Body::Text(body), Some(encoding)) if encoding == "base64" => {
            STANDARD.decode(&*body).map_err(|error| NoEnvelope(format!("\"body\" is not base64: {error}")))?.into()
        }
        (Body::Text(body), _) => Arc::from(body.as_bytes()),
        (Body::Json(body), _) => Arc::from(body.get().as_bytes()),
        (Body::None, _) => return Err(NoEnvelope::lacks("\"body\"")),
    };
    let shared = |text: &Text<'_>| text.0.as_deref().map(Arc::<str>::from);
    let info = own.delivery_info.unwrap_or_default();
    let properties = Properties {
        content_type: shared(&wire.content_type),
        content_encoding: shared(&wire.content_encoding),
        delivery_mode: match own.delivery_mode.0 {
            Some(1) => DeliveryMode::Transient,
            _ => DeliveryMode::Persistent,
        },
        priority: own.priority.0.map_or(0, |number| u8::try_from(number).unwrap_or(u8::MAX)),
        correlation_id: shared(&own.correlation_id),
        reply_to: shared(&own.reply_to),
        expiration: own.expiration.0,
    };
    let Headers { table, redelivered, deliveries } = wire.headers.unwrap_or_default();
    Ok(Envelope {
        message: Message { headers: table, properties, body },
        exchange: shared(&info.exchange).unwrap_or_default(),
        routing_key: shared(&info.routing_key).unwrap_or_default(),
        redelivered: redelivered || info.redelivered,
        deliveries,
    })
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
        let mut headers = crate::message::Table::default();
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
