//! Maps keyed by names, with a hash that is the same in every run.

use super::Name;
use indexmap::IndexMap;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A map from names; removal by `swap_remove` only where the order is never visible.
pub(super) type NameMap<V> = IndexMap<Name, V, BuildHasherDefault<NameHasher>>;

/// A map from words of topic patterns.
pub(super) type WordMap<V> = IndexMap<Box<str>, V, BuildHasherDefault<NameHasher>>;

/// XXH3 without its streaming state: names are short and come in one piece.
#[derive(Clone, Debug, Default)]
pub(super) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// `str` ends its hash with one such byte.
    fn write_u8(&mut self, byte: u8) {
        self.0 = self.0.rotate_left(5) ^ u64::from(byte);
    }
}
