//! Protocol 1, which is read and never written: everything in the body, an object; and its mixture with protocol 2, that
//! body under the headers of protocol 2.
//!
//! A chain comes as nested `callbacks`, which stay as they are. `taskset` is the older name of `group` and wins over it,
//! even as null. `utc` is accepted and has no meaning left: a time without an offset is in the worker's time zone.

use super::Table;
use super::body::Body;
use super::malformed::Malformed;
use super::payload::PayloadError;
use super::protocol::Embed;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Keys that are headers in protocol 2.
const FIELDS: [&str; 15] = [
    "task",
    "id",
    "group",
    "taskset",
    "group_index",
    "retries",
    "eta",
    "expires",
    "timelimit",
    "root_id",
    "parent_id",
    "shadow",
    "argsrepr",
    "kwargsrepr",
    "origin",
];

/// A body of protocol 1, what is raw borrowed from it. Of a repeated key the last counts, as in Python.
#[derive(Default)]
pub(super) struct OldBody<'a> {
    args: Option<&'a RawValue>,
    kwargs: Option<&'a RawValue>,
    embed: Embed,
    fields: Table,
}

impl<'a> OldBody<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Malformed> {
        serde_json::from_str(text)
            .map_err(|error| Malformed::Undecodable(PayloadError::syntax("JSON", error.to_string())))
    }

    /// Whether there is a task in the body: protocol 1.
    pub(super) fn has_task(&self) -> bool {
        self.fields.get("task").is_some_and(|task| !task.is_null())
    }

    /// Whether there are arguments: protocol 1 or the mixture.
    pub(super) fn has_args(&self) -> bool {
        self.args.is_some()
    }

    /// The headers that protocol 2 would have: the body's fields, and over them the headers.
    pub(super) fn headers(&mut self, headers: &Table) -> Table {
        let mut merged = std::mem::take(&mut self.fields);
        if let Some(taskset) = merged.remove("taskset") {
            merged.set("group", taskset);
        }
        for (name, value) in headers.iter() {
            merged.set(name.to_owned(), value.clone());
        }
        merged
    }

    /// The parts that protocol 2 has in its body.
    pub(super) fn body(self) -> Result<Body<'a>, Malformed> {
        let none = |text| {
            serde_json::from_str::<&RawValue>(text)
                .map_err(|error| Malformed::Undecodable(PayloadError::syntax("JSON", error.to_string())))
        };
        let args = self.args.map_or_else(|| none("[]"), Ok)?;
        let kwargs = self.kwargs.map_or_else(|| none("{}"), Ok)?;
        Body { args, kwargs, embed: self.embed }.checked()
    }
}

impl<'de> Deserialize<'de> for OldBody<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = OldBody<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OldBody<'de>, A::Error> {
                let mut body = OldBody::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match key.as_ref() {
                        "args" => body.args = Some(map.next_value()?),
                        "kwargs" => body.kwargs = Some(map.next_value()?),
                        "callbacks" => body.embed.callbacks = map.next_value()?,
                        "errbacks" => body.embed.errbacks = map.next_value()?,
                        "chord" => body.embed.chord = map.next_value()?,
                        other => match FIELDS.iter().find(|field| **field == other) {
                            Some(field) => body.fields.set(*field, map.next_value::<Value>()?),
                            None => drop(map.next_value::<IgnoredAny>()?),
                        },
                    }
                }
                Ok(body)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
