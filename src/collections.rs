//! Maps whose order depends on nothing but what was done to them.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

/// A hash map in insertion order, hashed without a random key. Remove with `swap_remove` only where order is not seen.
pub(crate) type Map<K, V> = IndexMap<K, V, FxBuildHasher>;
