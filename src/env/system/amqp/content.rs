//! Messages as RabbitMQ carries them.

use super::table::{fields, short, table};
use crate::env::amqp::NameTooLong;
use crate::message::{DeliveryMode, Message, Properties};
use lapin::BasicProperties;
use lapin::types::ShortString;
use serde_json::Value;
use std::sync::Arc;

/// Quorum queues count here how often they have returned a message.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// And, from RabbitMQ 4 on, how often they have delivered it; of a message that nobody gave back there may be only this.
const ACQUIRED_COUNT: &str = "x-acquired-count";

pub(super) fn properties(message: &Message) -> Result<BasicProperties, NameTooLong> {
    let Properties { content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration } =
        &message.properties;
    let mode = match delivery_mode {
        DeliveryMode::Transient => 1,
        DeliveryMode::Persistent => 2,
    };
    let mut properties = BasicProperties::default()
        .with_headers(fields(&message.headers)?)
        .with_delivery_mode(mode)
        .with_priority(*priority);
    if let Some(text) = content_type {
        properties = properties.with_content_type(short(text)?);
    }
    if let Some(text) = content_encoding {
        properties = properties.with_content_encoding(short(text)?);
    }
    if let Some(text) = correlation_id {
        properties = properties.with_correlation_id(short(text)?);
    }
    if let Some(text) = reply_to {
        properties = properties.with_reply_to(short(text)?);
    }
    if let Some(milliseconds) = expiration {
        properties = properties.with_expiration(short(&milliseconds.to_string())?);
    }
    Ok(properties)
}

/// A message, and how often its queue says that it was returned.
pub(super) fn message(properties: &BasicProperties, body: Vec<u8>) -> (Message, Option<u32>) {
    let text = |text: &Option<ShortString>| text.as_ref().map(|text| Arc::from(text.as_str()));
    let mut headers = properties.headers().as_ref().map(table).unwrap_or_default();
    let returned = headers.remove(DELIVERY_COUNT).as_ref().and_then(Value::as_u64);
    let acquired = headers.remove(ACQUIRED_COUNT).map(|_| 0);
    let properties = Properties {
        content_type: text(properties.content_type()),
        content_encoding: text(properties.content_encoding()),
        delivery_mode: match properties.delivery_mode() {
            Some(1) => DeliveryMode::Transient,
            _ => DeliveryMode::Persistent,
        },
        priority: properties.priority().unwrap_or_default(),
        correlation_id: text(properties.correlation_id()),
        reply_to: text(properties.reply_to()),
        expiration: properties.expiration().as_ref().and_then(|text| text.as_str().parse().ok()),
    };
    (
        Message { headers, properties, body: body.into() },
        returned.or(acquired).map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_went() {
        let mut sent = Message { body: b"[[1, 2], {}, {}]".as_slice().into(), ..Message::default() };
        sent.headers.set("task", "tasks.add");
        sent.properties.correlation_id = Some("id".into());
        sent.properties.content_type = Some("application/json".into());
        sent.properties.priority = 7;
        sent.properties.expiration = Some(1500);
        sent.properties.delivery_mode = DeliveryMode::Transient;
        let (back, returned) = message(&properties(&sent).unwrap(), sent.body.to_vec());
        assert_eq!((back, returned), (sent, None));
    }

    #[test]
    fn the_count_of_a_quorum_queue_is_no_header_of_the_message() {
        let mut counted = Message::default();
        counted.headers.set(DELIVERY_COUNT, 3);
        let (message, returned) = message(&properties(&counted).unwrap(), Vec::new());
        assert_eq!((message.headers.len(), returned), (0, Some(3)));
        let mut acquired = Message::default();
        acquired.headers.set(ACQUIRED_COUNT, 3);
        assert_eq!(self::message(&properties(&acquired).unwrap(), Vec::new()).1, Some(0));
    }
}
