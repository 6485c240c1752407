//! Values of scenario files that TOML has no type for: durations, ranges, bounds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Longest duration that a scenario may name: a century of 365.25-day years.
const CENTURY: Duration = Duration::from_secs(3_155_760_000);

/// `"1m 30s"`, `"200us"`, `"0s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

/// `"1s"`, or `"1s..3s"` to be drawn at random.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanRange {
    pub(crate) low: Duration,
    pub(crate) high: Duration,
}

pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text.trim()).map_err(|error| error.to_string())?;
    if span > CENTURY { Err("longer than a century".to_owned()) } else { Ok(span) }
}

struct TextVisitor<T> {
    expecting: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(|why| E::custom(format!("{text:?} is not {} ({why})", self.expecting)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| parse_span(text).map(Span);
        deserializer.deserialize_str(TextVisitor { expecting: "a duration such as \"1m 30s\" or \"200us\"", parse })
    }
}

impl<'de> Deserialize<'de> for SpanRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a duration such as \"2s\" or a range such as \"1s..3s\"";
        let parse = |text: &str| {
            let (low, high) = text.split_once("..").unwrap_or((text, text));
            let (low, high) = (parse_span(low)?, parse_span(high)?);
            if low > high { Err("it ends before it begins".to_owned()) } else { Ok(SpanRange { low, high }) }
        };
        deserializer.deserialize_str(TextVisitor { expecting, parse })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "a duration, for example \"1m 30s\" or \"200us\"" })
    }
}

impl JsonSchema for SpanRange {
    fn schema_name() -> Cow<'static, str> {
        "DurationOrRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "a duration, \"2s\", or a range to draw from, \"1s..3s\"" })
    }
}

/// What a number must be: `3`, `{ min = 1 }`, `{ max = 2 }`, or a comparison as text, `"< 3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound<T> {
    pub(crate) min: Option<T>,
    pub(crate) max: Option<T>,
    /// The limits themselves are excluded.
    pub(crate) strict: bool,
}

/// A bound on a count.
pub(crate) type Count = Bound<u64>;
/// A bound on a duration.
pub(crate) type Time = Bound<Span>;

impl<T: PartialOrd + Copy> Bound<T> {
    pub(crate) fn holds(&self, seen: T) -> bool {
        let above = self.min.is_none_or(|min| if self.strict { seen > min } else { seen >= min });
        let below = self.max.is_none_or(|max| if self.strict { seen < max } else { seen <= max });
        above && below
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.min, &self.max, self.strict) {
            (Some(min), Some(max), false) if min == max => write!(f, "{min}"),
            (Some(min), Some(max), _) => write!(f, "{min} to {max}"),
            (Some(min), None, true) => write!(f, "> {min}"),
            (Some(min), None, false) => write!(f, ">= {min}"),
            (None, Some(max), true) => write!(f, "< {max}"),
            (None, Some(max), false) => write!(f, "<= {max}"),
            (None, None, _) => f.write_str("anything"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Three digits are enough for people, and keep reports steady.
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        let rounded = match nanos {
            0..10_000 => nanos,
            10_000..10_000_000 => nanos / 1_000 * 1_000,
            _ => nanos / 1_000_000 * 1_000_000,
        };
        humantime::format_duration(Duration::from_nanos(rounded)).fmt(f)
    }
}

/// What a bound can be on.
pub(crate) trait Bounded: Sized + Copy + PartialOrd {
    const EXPECTING: &'static str;
    fn parse(text: &str) -> Result<Self, String>;
    fn from_number(number: u64) -> Option<Self>;
}

impl Bounded for u64 {
    const EXPECTING: &'static str = "a count such as 3, { min = 1 }, { max = 2 } or \"< 3\"";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "not a whole number, 0 or more".to_owned())
    }
    fn from_number(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Bounded for Span {
    const EXPECTING: &'static str = "a bound such as \"< 1s\" or { min = \"1s\", max = \"1m\" }";
    fn parse(text: &str) -> Result<Self, String> {
        parse_span(text).map(Span)
    }
    fn from_number(_: u64) -> Option<Self> {
        None
    }
}

fn parse_bound<T: Bounded>(text: &str) -> Result<Bound<T>, String> {
    let text = text.trim();
    let (strict, rest, is_max) = if let Some(rest) = text.strip_prefix("<=") {
        (false, rest, true)
    } else if let Some(rest) = text.strip_prefix(">=") {
        (false, rest, false)
    } else if let Some(rest) = text.strip_prefix('<') {
        (true, rest, true)
    } else if let Some(rest) = text.strip_prefix('>') {
        (true, rest, false)
    } else {
        let value = T::parse(text)?;
        return Ok(Bound { min: Some(value), max: Some(value), strict: false });
    };
    let value = Some(T::parse(rest.trim())?);
    Ok(if is_max { Bound { min: None, max: value, strict } } else { Bound { min: value, max: None, strict } })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits<T> {
    min: Option<T>,
    max: Option<T>,
}

struct BoundVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Bounded + Deserialize<'de>> Visitor<'de> for BoundVisitor<T> {
    type Value = Bound<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Bound<T>, E> {
        let value = u64::try_from(number).ok().and_then(T::from_number);
        let value = value.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Bound { min: Some(value), max: Some(value), strict: false })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bound<T>, E> {
        parse_bound(text).map_err(|why| E::custom(format!("{text:?} is not {} ({why})", T::EXPECTING)))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Bound<T>, A::Error> {
        let limits = Limits::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        if limits.min.is_none() && limits.max.is_none() {
            return Err(A::Error::custom(format!("a bound without limits; expected {}", T::EXPECTING)));
        }
        if limits.min.zip(limits.max).is_some_and(|(min, max)| min > max) {
            return Err(A::Error::custom("a bound whose min is above its max"));
        }
        Ok(Bound { min: limits.min, max: limits.max, strict: false })
    }
}

impl<'de, T: Bounded + Deserialize<'de>> Deserialize<'de> for Bound<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundVisitor(std::marker::PhantomData))
    }
}

impl<T> JsonSchema for Bound<T> {
    fn schema_name() -> Cow<'static, str> {
        "Bound".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "what a number must be: itself, limits, or a comparison as text",
            "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^\\s*(<=?|>=?)?.+$" },
                {
                    "type": "object", "additionalProperties": false, "minProperties": 1,
                    "properties": {
                        "min": { "type": ["integer", "string"] },
                        "max": { "type": ["integer", "string"] }
                    }
                }
            ]
        })
    }
}

impl<T: fmt::Display + PartialEq> Serialize for Bound<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        count: Option<Count>,
        time: Option<Time>,
    }

    fn count(text: &str) -> Count {
        toml::from_str::<File>(&format!("count = {text}")).unwrap().count.unwrap()
    }

    #[test]
    fn bounds_are_numbers_limits_or_comparisons() {
        assert!(count("3").holds(3) && !count("3").holds(4));
        assert!(count("{ min = 1 }").holds(9) && !count("{ min = 1 }").holds(0));
        assert!(count("\"< 3\"").holds(2) && !count("\"< 3\"").holds(3));
        assert!(count("\">= 3\"").holds(3));
        let file: File = toml::from_str("time = \"<= 1m 30s\"").unwrap();
        assert!(file.time.unwrap().holds(Span(Duration::from_secs(90))));
    }

    #[test]
    fn nonsense_is_refused_with_what_was_expected() {
        for (text, says) in [
            ("count = -1", "a count such as"),
            ("count = \"< many\"", "not a whole number"),
            ("count = {}", "without limits"),
            ("count = { min = 3, max = 2 }", "above its max"),
            ("time = 3", "a bound such as"),
            ("time = \"< soon\"", "a bound such as"),
        ] {
            let error = toml::from_str::<File>(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
