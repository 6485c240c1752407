//! Queues, routes and annotations.

use super::{Expected, SettingValue};
use crate::routing::{QueueSpec, Routes};
use crate::settings::annotations::Annotations;
use std::ops::Deref;

/// What was read from a table or a list, with the text it was read from.
#[derive(Clone, Debug)]
pub struct Read<T> {
    read: T,
    toml: toml::Value,
}

impl<T: Default> Default for Read<T> {
    fn default() -> Self {
        Read { read: T::default(), toml: toml::Table::new().into() }
    }
}

impl<T> PartialEq for Read<T> {
    fn eq(&self, other: &Self) -> bool {
        self.toml == other.toml
    }
}

impl<T> Deref for Read<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.read
    }
}

macro_rules! read {
    ($type:ty, $read:path, $expected:literal) => {
        impl SettingValue for Read<$type> {
            const EXPECTED: &'static str = $expected;
            const TABLE: bool = true;

            fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
                let read = $read(value).map_err(|bad| format!("{}: {bad}", Self::EXPECTED))?;
                Ok(Read { read, toml: value.clone() })
            }

            fn to_toml(&self) -> Option<toml::Value> {
                Some(self.toml.clone())
            }
        }
    };
}

read!(Vec<QueueSpec>, QueueSpec::all_from_toml, "a table of queues, or a list of them");
read!(Annotations, Annotations::from_toml, "a table of options by the names of tasks, or a list of such tables");
read!(Routes, Routes::from_toml, "a table of routes, or a list of such tables");
