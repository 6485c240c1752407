//! One numbered database: keys, their values, and when they expire.

use super::data::{Data, ELEMENT};
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use std::collections::BTreeSet;

/// What a key costs besides its bytes and its value.
const KEY: usize = 4 * ELEMENT;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) data: Data,
    /// Unix milliseconds. The key is gone once the clock is past it.
    pub(super) deadline: Option<i64>,
    /// When it was last used, on a clock that counts accesses.
    pub(super) used: u64,
    size: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Database {
    entries: IndexMap<Vec<u8>, Entry, FxBuildHasher>,
    deadlines: BTreeSet<(i64, Vec<u8>)>,
    bytes: usize,
}

impl Database {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many keys have a deadline.
    pub(super) fn volatile(&self) -> usize {
        self.deadlines.len()
    }

    /// An estimate of the memory that keys and values take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn index_of(&self, key: &[u8]) -> Option<usize> {
        self.entries.get_index_of(key)
    }

    pub(super) fn key_at(&self, index: usize) -> Option<&Vec<u8>> {
        self.entries.get_index(index).map(|(key, _)| key)
    }

    pub(super) fn at(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    pub(super) fn at_mut(&mut self, index: usize) -> &mut Entry {
        &mut self.entries[index]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        self.entries.iter()
    }

    /// Puts a value in place of any other; a deadline that was there stays. Returns the index.
    pub(super) fn put(&mut self, key: &[u8], data: Data, used: u64) -> usize {
        let index = match self.entries.get_index_of(key) {
            Some(index) => {
                self.entries[index].data = data;
                index
            }
            None => self.entries.insert_full(key.to_vec(), Entry { data, deadline: None, used, size: 0 }).0,
        };
        self.measure(index);
        index
    }

    /// Counts an entry's memory anew after a change of its value.
    pub(super) fn measure(&mut self, index: usize) {
        if let Some((key, entry)) = self.entries.get_index_mut(index) {
            let size = KEY + key.len() + entry.data.size();
            self.bytes = self.bytes - entry.size + size;
            entry.size = size;
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let (key, entry) = self.entries.swap_remove_entry(key)?;
        self.bytes -= entry.size;
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(&(deadline, key));
        }
        Some(entry)
    }

    pub(super) fn set_deadline(&mut self, index: usize, deadline: Option<i64>) {
        let Some((key, entry)) = self.entries.get_index_mut(index) else { return };
        if entry.deadline == deadline {
            return;
        }
        if let Some(old) = std::mem::replace(&mut entry.deadline, deadline) {
            self.deadlines.remove(&(old, key.clone()));
        }
        if let Some(new) = deadline {
            self.deadlines.insert((new, key.clone()));
        }
    }

    /// The key that expires first, and when.
    pub(super) fn first_deadline(&self) -> Option<(i64, &Vec<u8>)> {
        self.deadlines.first().map(|(deadline, key)| (*deadline, key))
    }
}
