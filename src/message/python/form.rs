//! The typed object itself, in both directions.

use super::super::payload::Kind;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;
use std::marker::PhantomData;
use thiserror::Error;

/// A text that is no value of a Python type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found:?}")]
pub struct NotA {
    expected: &'static str,
    found: String,
}

impl NotA {
    pub(super) fn new(expected: &'static str, found: &str) -> Self {
        NotA { expected, found: super::super::malformed::quote(found).to_owned() }
    }
}

/// Writes `{"__type__": ..., "__value__": value}`.
pub(super) fn write<S: Serializer>(serializer: S, kind: Kind, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Typed", 2)?;
    object.serialize_field("__type__", kind.name())?;
    object.serialize_field("__value__", value)?;
    object.end()
}

/// A type that is read from typed objects.
pub(super) trait Typed: Sized {
    /// What it is called in errors.
    const EXPECTED: &'static str;

    /// The value that `text` stands for in an object of this kind; `None` when it is none of this type.
    fn read(kind: Kind, text: &str) -> Option<Self>;

    /// The value that a bare number stands for.
    fn read_number(_: f64) -> Option<Self> {
        None
    }
}

pub(super) fn read<'de, D: Deserializer<'de>, T: Typed>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Typed> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let (mut kind, mut value) = (None, None);
            while let Some(key) = map.next_key::<String>()? {
                match key.as_str() {
                    "__type__" => kind = Some(map.next_value::<String>()?),
                    "__value__" => value = Some(map.next_value::<Text>()?.0),
                    _ => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            let (Some(kind), Some(value)) = (kind, value) else {
                return Err(de::Error::custom(format_args!("expected {} as a typed object", T::EXPECTED)));
            };
            let read = Kind::named(&kind).and_then(|kind| T::read(kind, &value));
            read.ok_or_else(|| {
                let found = super::super::malformed::quote(&value);
                de::Error::custom(format_args!("expected {}, found the {kind} {found:?}", T::EXPECTED))
            })
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
            T::read_number(number).ok_or_else(|| E::invalid_type(de::Unexpected::Float(number), &self))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            T::read_number(number as f64).ok_or_else(|| E::invalid_type(de::Unexpected::Signed(number), &self))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            T::read_number(number as f64).ok_or_else(|| E::invalid_type(de::Unexpected::Unsigned(number), &self))
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

/// A text, or the `{"hex": text}` of a UUID.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Hex { hex: String },
        }

        Form::deserialize(deserializer).map(|form| match form {
            Form::Text(text) | Form::Hex { hex: text } => Text(text),
        })
    }
}

/// The serde side of a type that is written as its text.
macro_rules! typed_text {
    ($name:ident, $kind:expr, $expected:literal) => {
        impl crate::message::python::form::Typed for $name {
            const EXPECTED: &'static str = $expected;

            fn read(kind: crate::message::payload::Kind, text: &str) -> Option<Self> {
                if kind == $kind { text.parse().ok() } else { None }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::message::python::form::write(serializer, $kind, &self.to_string())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::message::python::form::read(deserializer)
            }
        }
    };
}

pub(super) use typed_text;
