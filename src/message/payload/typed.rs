//! Python's typed objects in JSON: which there are, and what their values look like.

use super::super::python::{Date, DateTime, Decimal, Time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) const TYPE: &str = "__type__";
pub(crate) const VALUE: &str = "__value__";

/// What stands under `__type__`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DateTime,
    Date,
    Time,
    Decimal,
    Uuid,
    /// Bytes that are UTF-8, as that text.
    Bytes,
    /// Bytes in base64.
    Base64,
    /// NaN or an infinity: in canonical form only.
    Float,
}

impl Kind {
    const ALL: [Kind; 8] =
        [Kind::DateTime, Kind::Date, Kind::Time, Kind::Decimal, Kind::Uuid, Kind::Bytes, Kind::Base64, Kind::Float];

    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::DateTime => "datetime",
            Kind::Date => "date",
            Kind::Time => "time",
            Kind::Decimal => "decimal",
            Kind::Uuid => "uuid",
            Kind::Bytes => "bytes",
            Kind::Base64 => "base64",
            Kind::Float => "float",
        }
    }

    /// Whether `value` is a text of this type. A UUID's is its `hex`.
    pub(super) fn accepts(self, value: &str) -> bool {
        match self {
            Kind::DateTime => value.parse::<DateTime>().is_ok(),
            Kind::Date => value.parse::<Date>().is_ok(),
            Kind::Time => value.parse::<Time>().is_ok(),
            Kind::Decimal => value.parse::<Decimal>().is_ok(),
            Kind::Uuid => uuid::Uuid::try_parse(value).is_ok(),
            Kind::Bytes => true,
            Kind::Base64 => STANDARD.decode(value).is_ok(),
            Kind::Float => bare_float(value).is_some(),
        }
    }
}

/// The value of one of the texts that Python's JSON has beyond JSON's numbers.
pub(crate) fn bare_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// How Python's JSON writes a float that is not finite.
pub(crate) fn name_of_float(value: f64) -> &'static str {
    match value {
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// The bytes that a typed object of kind `Bytes` or `Base64` stands for.
pub(super) fn bytes(kind: Kind, value: &str) -> Vec<u8> {
    match kind {
        Kind::Base64 => STANDARD.decode(value).unwrap_or_default(),
        _ => value.as_bytes().to_vec(),
    }
}
