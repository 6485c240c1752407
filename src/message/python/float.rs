//! A `float` with all of its values.

use super::super::payload::{Kind, bare_float, name_of_float};
use super::form::{self, Typed};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `float` that may be NaN or infinite. Of a plain `f64` those become null, because JSON has no form for them; Python
/// writes them as bare words, and so does simq for this type.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Float(pub f64);

impl From<f64> for Float {
    fn from(value: f64) -> Self {
        Float(value)
    }
}

impl From<Float> for f64 {
    fn from(value: Float) -> Self {
        value.0
    }
}

impl Typed for Float {
    const EXPECTED: &'static str = "a float";

    fn read(kind: Kind, text: &str) -> Option<Self> {
        bare_float(text).filter(|_| kind == Kind::Float).map(Float)
    }

    fn read_number(number: f64) -> Option<Self> {
        Some(Float(number))
    }
}

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            form::write(serializer, Kind::Float, &name_of_float(self.0))
        }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        form::read(deserializer)
    }
}
