//! Python's `bytes`.

use super::super::payload::Kind;
use super::form::{self, Typed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Python's `bytes`: a typed `bytes` if they are UTF-8, or else a typed `base64`, as Celery has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Typed for Bytes {
    const EXPECTED: &'static str = "bytes";

    fn read(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Bytes => Some(Bytes(text.as_bytes().to_vec())),
            Kind::Base64 => STANDARD.decode(text).ok().map(Bytes),
            _ => None,
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => form::write(serializer, Kind::Bytes, &text),
            Err(_) => form::write(serializer, Kind::Base64, &STANDARD.encode(&self.0)),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        form::read(deserializer)
    }
}
