//! Serializers and compressions of message bodies.

use super::{Expected, SettingValue, Words, expected};
use crate::message::{Compression, Serializer};

macro_rules! named {
    ($type:ty, $expected:literal) => {
        impl SettingValue for $type {
            const EXPECTED: &'static str = $expected;

            fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
                let name = value.as_str().ok_or_else(expected::<Self>)?;
                name.parse().map_err(|_| expected::<Self>())
            }

            fn to_toml(&self) -> Option<toml::Value> {
                Some(self.to_string().into())
            }
        }
    };
}

named!(Serializer, "one of \"json\", \"msgpack\", \"yaml\", \"pickle\", or its content type");
named!(
    Compression,
    "one of \"gzip\" (zlib, as in kombu), \"bzip2\", \"lzma\", \"brotli\", \"zstd\", or its content type"
);

/// Serializers that are accepted, by their names or content types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentTypes(Vec<Serializer>);

impl ContentTypes {
    /// The default: JSON, and nothing else.
    pub(in crate::settings) fn json() -> Self {
        ContentTypes(vec![Serializer::Json])
    }

    /// Which.
    pub fn serializers(&self) -> impl Iterator<Item = Serializer> {
        self.0.iter().copied()
    }
}

impl From<Vec<Serializer>> for ContentTypes {
    fn from(serializers: Vec<Serializer>) -> Self {
        ContentTypes(serializers)
    }
}

impl ContentTypes {
    fn of(words: &Words) -> Result<Self, Expected> {
        words
            .iter()
            .map(|word| word.parse().map_err(|_| expected::<Self>()))
            .collect::<Result<_, _>>()
            .map(ContentTypes)
    }
}

impl SettingValue for ContentTypes {
    const EXPECTED: &'static str = "a list of \"json\", \"msgpack\", \"yaml\", \"pickle\", or their content types";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        ContentTypes::of(&Words::from_toml(value).map_err(|_| expected::<Self>())?)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.iter().map(|serializer| serializer.name()).collect::<Vec<_>>().into())
    }

    fn from_text(text: &str) -> Result<Self, Expected> {
        ContentTypes::of(&Words::from_text(text).map_err(|_| expected::<Self>())?)
    }
}
