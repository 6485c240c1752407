//! The values that keys hold. Each knows how many bytes its content has, so that memory is counted without walking it.

use super::sorted::Sorted;
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;
use std::collections::VecDeque;

/// What an element costs besides its bytes: pointers, lengths, the allocator's rounding.
pub(super) const ELEMENT: usize = 24;

pub(super) type Fields = IndexMap<Vec<u8>, Vec<u8>, FxBuildHasher>;
pub(super) type Members = IndexSet<Vec<u8>, FxBuildHasher>;

/// The value of a key. Collections are never empty between two commands.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Text(Vec<u8>),
    List(List),
    Hash(Hash),
    Set(Set),
    Sorted(Sorted),
}

/// A type of value that commands ask for by name.
pub(super) trait Kind: Sized {
    fn of(data: &Data) -> Option<&Self>;
    fn of_mut(data: &mut Data) -> Option<&mut Self>;
    fn empty() -> Data;
}

macro_rules! kinds {
    ($($variant:ident $kind:ty;)*) => {$(
        impl Kind for $kind {
            fn of(data: &Data) -> Option<&Self> {
                if let Data::$variant(value) = data { Some(value) } else { None }
            }
            fn of_mut(data: &mut Data) -> Option<&mut Self> {
                if let Data::$variant(value) = data { Some(value) } else { None }
            }
            fn empty() -> Data {
                Data::$variant(<$kind>::default())
            }
        }
    )*};
}

kinds! {
    Text Vec<u8>;
    List List;
    Hash Hash;
    Set Set;
    Sorted Sorted;
}

impl Data {
    /// As `TYPE` names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Data::Text(_) => "string",
            Data::List(_) => "list",
            Data::Hash(_) => "hash",
            Data::Set(_) => "set",
            Data::Sorted(_) => "zset",
        }
    }

    pub(super) fn is_empty_collection(&self) -> bool {
        match self {
            Data::Text(_) => false,
            Data::List(list) => list.items.is_empty(),
            Data::Hash(hash) => hash.fields.is_empty(),
            Data::Set(set) => set.members.is_empty(),
            Data::Sorted(sorted) => sorted.len() == 0,
        }
    }

    /// An estimate of the memory that it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Data::Text(text) => text.len(),
            Data::List(list) => list.bytes + list.items.len() * ELEMENT,
            Data::Hash(hash) => hash.bytes + hash.fields.len() * 2 * ELEMENT,
            Data::Set(set) => set.bytes + set.members.len() * 2 * ELEMENT,
            Data::Sorted(sorted) => sorted.size(),
        }
    }
}

/// A list, head first.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Left,
    Right,
}

impl List {
    pub(super) fn items(&self) -> &VecDeque<Vec<u8>> {
        &self.items
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn push(&mut self, end: End, item: Vec<u8>) {
        self.bytes += item.len();
        match end {
            End::Left => self.items.push_front(item),
            End::Right => self.items.push_back(item),
        }
    }

    pub(super) fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        let item = match end {
            End::Left => self.items.pop_front(),
            End::Right => self.items.pop_back(),
        }?;
        self.bytes -= item.len();
        Some(item)
    }

    pub(super) fn insert(&mut self, at: usize, item: Vec<u8>) {
        self.bytes += item.len();
        self.items.insert(at, item);
    }

    pub(super) fn set(&mut self, at: usize, item: Vec<u8>) {
        self.bytes += item.len();
        self.bytes -= std::mem::replace(&mut self.items[at], item).len();
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.bytes -= self.items.remove(at).map_or(0, |item| item.len());
    }

    /// Keeps the items from `start` to `end`, the latter not included.
    pub(super) fn keep(&mut self, start: usize, end: usize) {
        self.items.truncate(end);
        self.items.drain(..start);
        self.bytes = self.items.iter().map(Vec::len).sum();
    }
}

/// Fields and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Hash {
    fields: Fields,
    bytes: usize,
}

impl Hash {
    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(super) fn get(&self, field: &[u8]) -> Option<&Vec<u8>> {
        self.fields.get(field)
    }

    /// Whether the field is new.
    pub(super) fn set(&mut self, field: &[u8], value: Vec<u8>) -> bool {
        self.bytes += value.len();
        if let Some(old) = self.fields.get_mut(field) {
            self.bytes -= old.len();
            *old = value;
            return false;
        }
        self.bytes += field.len();
        self.fields.insert(field.to_vec(), value);
        true
    }

    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        let removed = self.fields.swap_remove(field);
        self.bytes -= removed.as_ref().map_or(0, |value| value.len() + field.len());
        removed.is_some()
    }
}

/// Members of a set.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    members: Members,
    bytes: usize,
}

impl Set {
    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// Whether the member is new.
    pub(super) fn add(&mut self, member: &[u8]) -> bool {
        let added = !self.members.contains(member) && self.members.insert(member.to_vec());
        self.bytes += if added { member.len() } else { 0 };
        added
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let removed = self.members.swap_remove(member);
        self.bytes -= if removed { member.len() } else { 0 };
        removed
    }

    pub(super) fn remove_at(&mut self, at: usize) -> Option<Vec<u8>> {
        let member = self.members.swap_remove_index(at)?;
        self.bytes -= member.len();
        Some(member)
    }
}
