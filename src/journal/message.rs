//! A [`Message`] as bytes: a version, the properties, the headers, the body.
//!
//! Names and texts that nearly every task message has are one byte, their place in [`KNOWN`]. The list belongs to the
//! version: entries are appended, never moved.

use super::codec::{Malformed, Put, Reader};
use crate::message::{DeliveryMode, Message, Properties, Table};
use std::borrow::Cow;
use std::sync::Arc;

const VERSION: u8 = 1;

/// Written as a byte from 1; 0 is any other text.
const KNOWN: [&str; 28] = [
    "application/json",
    "utf-8",
    "lang",
    "task",
    "id",
    "shadow",
    "eta",
    "expires",
    "group",
    "group_index",
    "retries",
    "timelimit",
    "root_id",
    "parent_id",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
    "binary",
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "simq-reason",
    "rs",
];

/// Appends a message.
pub(crate) fn write(message: &Message, out: &mut Vec<u8>) {
    let Message { headers, properties, body } = message;
    let Properties { content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration } =
        properties;
    out.byte(VERSION);
    out.byte(match delivery_mode {
        DeliveryMode::Transient => 1,
        DeliveryMode::Persistent => 2,
    });
    out.byte(*priority);
    out.option(*expiration);
    for text in [content_type, content_encoding, correlation_id, reply_to] {
        out.byte(u8::from(text.is_some()));
        if let Some(text) = text {
            write_text(text, out);
        }
    }
    out.number(headers.len() as u64);
    for (name, value) in headers.iter() {
        write_text(name, out);
        out.value(value);
    }
    out.bytes(body);
}

/// Takes a message.
pub(crate) fn read(from: &mut Reader<'_>) -> Result<Message, Malformed> {
    if from.byte()? != VERSION {
        return Err(Malformed("a message of an unknown version: a newer simq wrote it"));
    }
    let delivery_mode = match from.byte()? {
        1 => DeliveryMode::Transient,
        2 => DeliveryMode::Persistent,
        _ => return Err(Malformed("an unknown delivery mode")),
    };
    let priority = from.byte()?;
    let expiration = from.option()?;
    let mut text = || -> Result<Option<Arc<str>>, Malformed> {
        if from.flag()? { Ok(Some(read_text(from)?.into())) } else { Ok(None) }
    };
    let (content_type, content_encoding, correlation_id, reply_to) = (text()?, text()?, text()?, text()?);
    let count: usize = from.small()?;
    // Each header takes two bytes at least: a length that lies can't ask for more memory than the bytes that are there.
    let mut headers = Table::with_capacity(count.min(from.0.len() / 2));
    for _ in 0..count {
        let name = read_text(from)?;
        headers.set(name, from.value()?);
    }
    let properties =
        Properties { content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration };
    Ok(Message { headers, properties, body: from.bytes()?.into() })
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    match KNOWN.iter().position(|known| *known == text) {
        Some(at) => out.byte(at as u8 + 1),
        None => {
            out.byte(0);
            out.text(text);
        }
    }
}

fn read_text(from: &mut Reader<'_>) -> Result<Cow<'static, str>, Malformed> {
    match usize::from(from.byte()?).checked_sub(1) {
        None => Ok(from.text()?.to_owned().into()),
        Some(at) => Ok(KNOWN.get(at).copied().ok_or(Malformed("an unknown name"))?.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300f64).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn any_text() -> impl Strategy<Value = Option<Arc<str>>> {
        prop::option::of(prop_oneof![Just("application/json".into()), ".{0,20}".prop_map(Arc::from)])
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let name = prop_oneof![prop::sample::select(&KNOWN[..]).prop_map(str::to_owned), ".{0,8}"];
        let headers = prop::collection::vec((name, any_value()), 0..8);
        let texts = (any_text(), any_text(), any_text(), any_text());
        let body = prop::collection::vec(any::<u8>(), 0..64);
        (headers, texts, any::<(u8, bool, Option<u64>)>(), body).prop_map(
            |(entries, texts, (priority, lasts, ttl), body)| {
                let mut headers = Table::default();
                entries.into_iter().for_each(|(name, value)| headers.set(name, value));
                let properties = Properties {
                    content_type: texts.0,
                    content_encoding: texts.1,
                    correlation_id: texts.2,
                    reply_to: texts.3,
                    delivery_mode: if lasts { DeliveryMode::Persistent } else { DeliveryMode::Transient },
                    priority,
                    expiration: ttl,
                };
                Message { headers, properties, body: body.into() }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(message in any_message()) {
            let mut bytes = Vec::new();
            write(&message, &mut bytes);
            let mut reader = Reader(&bytes);
            prop_assert_eq!(read(&mut reader), Ok(message));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&mut Reader(&bytes));
            let _ = read(&mut Reader(&[&[VERSION, 2, 0, 0, 0, 0, 0, 0], &bytes[..]].concat()));
        }
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let mut bytes = Vec::new();
        write(&Message::default(), &mut bytes);
        bytes[0] = VERSION + 1;
        assert!(read(&mut Reader(&bytes)).unwrap_err().to_string().contains("unknown version"));
    }

    #[test]
    fn names_that_every_task_has_take_a_byte() {
        let mut message = Message::default();
        message.headers.set("replaced_task_nesting", json!(0));
        let mut bytes = Vec::new();
        write(&message, &mut bytes);
        assert!(bytes.len() < 16, "{} bytes", bytes.len());
    }
}
