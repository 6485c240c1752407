//! An ordered table of named values: AMQP's field table, a message's headers.

use serde_json::Value;
use std::borrow::Cow;

/// Named values in the order in which they were written.
///
/// Task messages have about twenty headers, and most look-ups ask for a known few: a scan over a vector beats a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(Vec<(Cow<'static, str>, Value)>);

impl Table {
    /// An empty table with room for `n` entries.
    pub fn with_capacity(n: usize) -> Self {
        Table(Vec::with_capacity(n))
    }

    /// The value under `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Sets `name`, keeping its place if it was there.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Appends an entry whose name is known to be new; faster than [`Table::set`].
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let name = name.into();
        debug_assert!(self.get(&name).is_none(), "header {name} written twice");
        self.0.push((name, value.into()));
    }

    /// Removes `name` and returns what it held.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
