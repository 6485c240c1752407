//! Python's `uuid.UUID`.

use super::super::payload::Kind;
use super::form::{self, NotA, Typed};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Python's `UUID`. Shown and read as `12345678-1234-5678-1234-567812345678`; the dashes may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&uuid::Uuid::from_u128(self.0).to_string())
    }
}

impl FromStr for Uuid {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = uuid::Uuid::try_parse(text).map_err(|_| NotA::new("a UUID of 32 hexadecimal digits", text))?;
        Ok(Uuid(uuid.as_u128()))
    }
}

impl Typed for Uuid {
    const EXPECTED: &'static str = "a UUID";

    fn read(kind: Kind, text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| kind == Kind::Uuid)
    }
}

#[derive(Serialize)]
struct Hex {
    hex: String,
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        form::write(serializer, Kind::Uuid, &Hex { hex: format!("{:032x}", self.0) })
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        form::read(deserializer)
    }
}
