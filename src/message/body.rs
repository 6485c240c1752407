//! The JSON body of a task message, `[args, kwargs, embed]`.

use super::malformed::Malformed;
use super::protocol::{Embed, MAX_BODY, MAX_DEPTH};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// What Python writes, and nearly every message has. Written alike, so that a body that passes through simq keeps its
/// bytes.
const NOTHING_FOLLOWS: &str = r#"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}"#;

pub(super) fn write(args: &RawValue, kwargs: &RawValue, embed: &Embed) -> Arc<[u8]> {
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
    Arc::from(body.into_bytes())
}

/// The parts of a body, borrowed from it.
pub(super) struct Body<'a> {
    pub(super) args: &'a RawValue,
    pub(super) kwargs: &'a RawValue,
    pub(super) embed: Embed,
}

pub(super) fn read(bytes: &[u8]) -> Result<Body<'_>, Malformed> {
    if bytes.len() > MAX_BODY {
        return Err(Malformed::TooLarge { size: bytes.len(), limit: MAX_BODY });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Malformed::Json { reason: error.to_string() })?;
    if is_deeper_than(text, MAX_DEPTH) {
        return Err(Malformed::TooDeep { limit: MAX_DEPTH });
    }
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| not_parts(text, &error))?;
    let Parts { items: [Some(args), Some(kwargs), Some(embed)], count: 3 } = parts else {
        let found = format!("an array of {}", parts.count);
        return Err(Malformed::Body { part: "the body", expected: "an array of 3 (args, kwargs, embed)", found });
    };
    require("args", "an array", args)?;
    require("kwargs", "an object", kwargs)?;
    Ok(Body { args, kwargs, embed: read_embed(embed)? })
}

fn not_parts(text: &str, error: &serde_json::Error) -> Malformed {
    if error.is_data() {
        let expected = "an array of 3 (args, kwargs, embed)";
        Malformed::Body { part: "the body", expected, found: kind(text).into() }
    } else {
        Malformed::Json { reason: error.to_string() }
    }
}

fn read_embed(embed: &RawValue) -> Result<Embed, Malformed> {
    let text = embed.get();
    if text == NOTHING_FOLLOWS || text == "null" {
        return Ok(Embed::default());
    }
    require("embed", "an object or null", embed)?;
    let wire: WireEmbed = serde_json::from_str(text).map_err(|error| Malformed::Json { reason: error.to_string() })?;
    let embed = wire.0;
    for (part, list) in [("callbacks", &embed.callbacks), ("errbacks", &embed.errbacks), ("chain", &embed.chain)] {
        if let Some(list) = list {
            require(part, "an array or null", list)?;
        }
    }
    if let Some(chord) = &embed.chord {
        require("chord", "an object or null", chord)?;
    }
    Ok(embed)
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

/// Counting brackets is enough for nearly every body; only one that has many is looked at closely.
fn is_deeper_than(text: &str, limit: usize) -> bool {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > limit && depth(text) > limit
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_text(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
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
