//! The body of a task message in canonical text, `[args, kwargs, embed]`.

use super::malformed::Malformed;
use super::payload::PayloadError;
use super::protocol::Embed;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// What Python writes, and nearly every message has. Written alike, so that a body that passes through simq keeps its
/// bytes.
const NOTHING_FOLLOWS: &str = r#"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}"#;

pub(super) fn write(args: &RawValue, kwargs: &RawValue, embed: &Embed) -> String {
    let (args, kwargs) = (args.get(), kwargs.get());
    let mut body = String::with_capacity(args.len() + kwargs.len() + NOTHING_FOLLOWS.len() + 8);
    for part in ["[", args, ", ", kwargs, ", "] {
        body.push_str(part);
    }
    if embed.is_empty() {
        body.push_str(NOTHING_FOLLOWS);
    } else {
        let Embed { callbacks, errbacks, chain, chord } = embed;
        for (key, value) in [
            (r#"{"callbacks": "#, callbacks),
            (r#", "errbacks": "#, errbacks),
            (r#", "chain": "#, chain),
            (r#", "chord": "#, chord),
        ] {
            body.push_str(key);
            body.push_str(value.as_ref().map_or("null", |value| value.get()));
        }
        body.push('}');
    }
    body.push(']');
    body
}

/// The parts of a body, borrowed from it.
pub(super) struct Body<'a> {
    pub(super) args: &'a RawValue,
    pub(super) kwargs: &'a RawValue,
    pub(super) embed: Embed,
}

impl Body<'_> {
    /// The body, if its parts are what they should be.
    pub(super) fn checked(self) -> Result<Self, Malformed> {
        require("args", "an array", self.args)?;
        require("kwargs", "an object", self.kwargs)?;
        let Embed { callbacks, errbacks, chain, chord } = &self.embed;
        for (part, list) in [("callbacks", callbacks), ("errbacks", errbacks), ("chain", chain)] {
            if let Some(list) = list {
                require(part, "an array or null", list)?;
            }
        }
        if let Some(chord) = chord {
            require("chord", "an object or null", chord)?;
        }
        Ok(self)
    }
}

/// Whether a body is an object, as those of protocol 1 are.
pub(super) fn is_object(text: &str) -> bool {
    kind(text) == "an object"
}

pub(super) fn read(text: &str) -> Result<Body<'_>, Malformed> {
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| not_parts(text, &error))?;
    let Parts { items: [Some(args), Some(kwargs), Some(embed)], count: 3 } = parts else {
        return Err(no_body(format!("an array of {}", parts.count)));
    };
    Body { args, kwargs, embed: read_embed(embed)? }.checked()
}

pub(super) fn no_body(found: impl Into<String>) -> Malformed {
    Malformed::Body { part: "the body", expected: "an array of 3 (args, kwargs, embed)", found: found.into() }
}

fn not_parts(text: &str, error: &serde_json::Error) -> Malformed {
    if error.is_data() { no_body(kind(text)) } else { undecodable(error) }
}

fn undecodable(error: &serde_json::Error) -> Malformed {
    Malformed::Undecodable(PayloadError::syntax("JSON", error.to_string()))
}

fn read_embed(embed: &RawValue) -> Result<Embed, Malformed> {
    let text = embed.get();
    if text == NOTHING_FOLLOWS || text == "null" {
        return Ok(Embed::default());
    }
    require("embed", "an object or null", embed)?;
    let wire: WireEmbed = serde_json::from_str(text).map_err(|error| undecodable(&error))?;
    Ok(wire.0)
}

/// `expected` begins with the kind that is required, as [`kind`] names it.
fn require(part: &'static str, expected: &'static str, value: &RawValue) -> Result<(), Malformed> {
    let found = kind(value.get());
    if expected.starts_with(found) {
        return Ok(());
    }
    Err(Malformed::Body { part, expected, found: found.into() })
}

/// What kind of JSON value a text begins with.
fn kind(json: &str) -> &'static str {
    match json.trim_start().bytes().next() {
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The first three items of an array and how many it has.
struct Parts<'a> {
    items: [Option<&'a RawValue>; 3],
    count: usize,
}

impl<'de> Deserialize<'de> for Parts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Parts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parts<'de>, A::Error> {
                let mut parts = Parts { items: [None; 3], count: 0 };
                for item in &mut parts.items {
                    *item = seq.next_element()?;
                    parts.count += usize::from(item.is_some());
                }
                // A sequence must not be asked again once it has ended.
                if parts.count == parts.items.len() {
                    while seq.next_element::<IgnoredAny>()?.is_some() {
                        parts.count += 1;
                    }
                }
                Ok(parts)
            }
        }

        deserializer.deserialize_seq(Items)
    }
}

/// An embed as its JSON object; keys that are not known are ignored, of a repeated key the last counts, as in Python.
struct WireEmbed(Embed);

impl<'de> Deserialize<'de> for WireEmbed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = WireEmbed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<WireEmbed, A::Error> {
                let mut embed = Embed::default();
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    let place = match key.as_ref() {
                        "callbacks" => &mut embed.callbacks,
                        "errbacks" => &mut embed.errbacks,
                        "chain" => &mut embed.chain,
                        "chord" => &mut embed.chord,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *place = map.next_value()?;
                }
                Ok(WireEmbed(embed))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
