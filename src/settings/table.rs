//! The table of settings: the fields of [`Settings`], in families, one file each.
//!
//! A row is documentation, field, name where it is not the field's, type, default of profile `safe`, default of profile
//! `celery`. Documentation of a setting that Celery does not have begins with `simq:`. A row that begins with
//! `[later "..."]` is read by nothing yet.

use super::accepted;
use super::row::{Access, Setting, Status};
use super::value::{SettingValue, *};
use super::{Noted, RateLimit};
use crate::collections::Map;
use std::sync::LazyLock;

#[macro_use]
mod general;
#[macro_use]
mod task;
#[macro_use]
mod broker;
#[macro_use]
mod redis;
#[macro_use]
mod result;
#[macro_use]
mod worker;
#[macro_use]
mod control;
#[macro_use]
mod beat;

/// Which defaults a fleet starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "sim", derive(schemars::JsonSchema))]
pub enum Profile {
    /// Nothing is lost: late acks, requeue on worker loss with a delivery limit and dead letters, confirms.
    #[default]
    Safe,
    /// Celery 5.7's defaults and algorithms, hazards included.
    Celery,
}

impl Profile {
    /// The profile of that name.
    pub fn named(name: &str) -> Option<Profile> {
        [Profile::Safe, Profile::Celery].into_iter().find(|profile| profile.name() == name)
    }

    /// `safe` or `celery`.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Safe => "safe",
            Profile::Celery => "celery",
        }
    }
}

/// The status of a row: `[later "..."]`, `[never "..."]`, or nothing.
macro_rules! status {
    () => {
        Status::Acts
    };
    (later $part:literal) => {
        Status::Later($part)
    };
    (never $reason:literal) => {
        Status::Never($reason)
    };
}

macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])* $([$when:ident $why:literal])?
        $field:ident $($name:literal)?: $type:ty $(where ($low:literal to $high:literal))? = $safe:expr, $celery:expr;
    )*) => {
        /// Every setting that simq acts on, typed, and a note of what was set without effect.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $( $(#[doc = $doc])* pub $field: $type, )*
            /// What was set though simq does not act on it.
            pub noted: Noted,
        }

        impl Settings {
            /// The defaults of a profile.
            pub fn new(profile: Profile) -> Self {
                match profile {
                    Profile::Safe => Settings { $( $field: $safe, )* noted: Noted::default() },
                    Profile::Celery => Settings { $( $field: $celery, )* noted: Noted::default() },
                }
            }
        }

        const FIELDS: &[Setting] = &[$( Setting {
            name: settings!(@name $field $($name)?),
            about: concat!($($doc,)*),
            status: status!($($when $why)?),
            expected: <$type as SettingValue>::EXPECTED,
            range: settings!(@range $($low $high)?),
            secret: <$type as SettingValue>::SECRET,
            table: <$type as SettingValue>::TABLE,
            optional: <$type as SettingValue>::OPTIONAL,
            access: Access::Field {
                get: |settings| settings.$field.to_toml(),
                set: |settings, value| SettingValue::from_toml(value).map(|value| settings.$field = value),
                read: |text| <$type as SettingValue>::from_text(text).map(|value| value.to_toml()),
            },
        }, )*];
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some(($low, $high)) };
}

// Each family hands its rows, behind those before them, to the next one, and the last one all of them to `settings!`.
general_settings! { [task_settings broker_settings redis_settings result_settings worker_settings control_settings beat_settings settings] }

/// All settings by their names: those that simq acts on first.
pub(super) static TABLE: LazyLock<Map<&'static str, Setting>> =
    LazyLock::new(|| FIELDS.iter().chain(accepted::rows()).map(|setting| (setting.name, *setting)).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_in_the_table_twice() {
        assert_eq!(TABLE.len(), FIELDS.len() + accepted::rows().count());
    }
}
