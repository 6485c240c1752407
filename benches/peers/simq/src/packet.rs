use std::{any::Any, fmt};

use simq_sim::Payload;
use xxhash_rust::xxh3::xxh3_64;

pub(crate) const SIZE: usize = 64;

/// A message as it travels: encoded, with its name beside it.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) label: &'static str,
    pub(crate) bytes: [u8; SIZE],
}

impl Packet {
    pub(crate) fn new(label: &'static str, bytes: [u8; SIZE]) -> Box<Self> {
        Box::new(Self { label, bytes })
    }

    /// The packet that arrived.
    ///
    /// # Panics
    /// If it is something else: these programs send nothing else.
    pub(crate) fn from(payload: Box<dyn Payload>) -> Box<Self> {
        let payload: Box<dyn Any> = payload;
        payload.downcast().expect("a packet")
    }
}

impl Payload for Packet {
    fn label(&self) -> &'static str {
        self.label
    }

    fn digest(&self) -> u64 {
        xxh3_64(&self.bytes)
    }

    fn duplicate(&self) -> Option<Box<dyn Payload>> {
        Some(Box::new(self.clone()))
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02x?}", self.label, self.bytes)
    }
}
