//! The shape of kombu's envelope, as lenient as kombu is: what is missing or of another type is as if it were not there,
//! but for the body and the properties.

use crate::message::Table;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Header that counts how often a message was returned, as RabbitMQ's quorum queues write it.
pub(super) const DELIVERY_COUNT: &str = "x-delivery-count";

#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    pub(super) body: Body<'a>,
    #[serde(borrow, default, rename = "content-type")]
    pub(super) content_type: Text<'a>,
    #[serde(borrow, default, rename = "content-encoding")]
    pub(super) content_encoding: Text<'a>,
    #[serde(default)]
    pub(super) headers: Option<Headers>,
    #[serde(borrow, default)]
    pub(super) properties: Option<Own<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Own<'a> {
    #[serde(borrow, default)]
    pub(super) correlation_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) reply_to: Text<'a>,
    #[serde(borrow, default)]
    pub(super) body_encoding: Text<'a>,
    #[serde(default)]
    pub(super) delivery_mode: Whole,
    #[serde(default)]
    pub(super) priority: Whole,
    #[serde(default)]
    pub(super) expiration: Whole,
    #[serde(borrow, default)]
    pub(super) delivery_info: Option<Info<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct Info<'a> {
    #[serde(borrow, default)]
    pub(super) exchange: Text<'a>,
    #[serde(borrow, default)]
    pub(super) routing_key: Text<'a>,
    #[serde(default)]
    pub(super) redelivered: bool,
}

/// A body: a text, or what other languages put there as it is.
#[derive(Default)]
pub(super) enum Body<'a> {
    Text(Cow<'a, str>),
    Json(&'a RawValue),
    #[default]
    None,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(from)?;
        Ok(match raw.get().as_bytes().first() {
            Some(b'"') => Body::Text(text(raw.get()).map_err(serde::de::Error::custom)?),
            Some(b'{' | b'[') => Body::Json(raw),
            _ => Body::None,
        })
    }
}

/// The text of a JSON string, borrowed where nothing is escaped in it.
fn text(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.get(1..raw.len() - 1).filter(|inner| !inner.contains('\\')) {
        Some(inner) => Ok(Cow::Borrowed(inner)),
        None => serde_json::from_str(raw).map(Cow::Owned),
    }
}

/// A text, or nothing.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// A whole number, also in a text, or nothing.
#[derive(Default)]
pub(super) struct Whole(pub(super) Option<u64>);

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyText)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Text(text) = from.deserialize_any(AnyText)?;
        Ok(Whole(text.and_then(|text| text.parse().ok())))
    }
}

/// Headers, those of the transport apart from those of the task.
#[derive(Default)]
pub(super) struct Headers {
    pub(super) table: Table,
    pub(super) redelivered: bool,
    pub(super) deliveries: u32,
}

/// Names that need no copy: those of Celery's producers.
const NAMES: [&str; 25] = [
    "argsrepr",
    "compression",
    "eta",
    "expires",
    "group",
    "group_index",
    "id",
    "ignore_result",
    "kwargsrepr",
    "lang",
    "origin",
    "parent_id",
    "periodic_task_name",
    "replaced_task_nesting",
    "retries",
    "root_id",
    "shadow",
    "stamped_headers",
    "stamps",
    "task",
    "timelimit",
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
];

fn name(name: Cow<'_, str>) -> Cow<'static, str> {
    match NAMES.binary_search(&&*name) {
        Ok(at) => Cow::Borrowed(NAMES[at]),
        Err(_) => Cow::Owned(name.into_owned()),
    }
}

struct AnyHeaders;

impl<'de> Visitor<'de> for AnyHeaders {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Headers, A::Error> {
        let mut headers = Headers { table: Table::with_capacity(NAMES.len()), ..Headers::default() };
        while let Some((Text(key), value)) = entries.next_entry::<Text<'de>, Value>()? {
            let key = key.unwrap_or_default();
            match &*key {
                "redelivered" => headers.redelivered = value.as_bool().unwrap_or_default(),
                DELIVERY_COUNT => {
                    let count = value.as_u64().unwrap_or_default();
                    headers.deliveries = u32::try_from(count).unwrap_or(u32::MAX);
                }
                // One name twice: the last one counts, as in Python.
                _ => headers.table.set(name(key), value),
            }
        }
        Ok(headers)
    }

    fn visit_unit<E>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyHeaders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert!(NAMES.is_sorted());
        assert!(matches!(name("task".into()), Cow::Borrowed("task")));
        assert_eq!(name("another".into()), "another");
    }
}
