//! Settings of Celery that simq checks and keeps, and does not act on: those of parts that are to come, and those that
//! only mean something to Celery's own code. A configuration of Celery can be taken over with them in it.
//!
//! A row is documentation, when or why not, name, type, Celery's default. When a part comes, its rows move to
//! [`super::table`].

use super::row::Setting;

macro_rules! accepted {
    ($(
        $(#[doc = $doc:literal])* [$when:ident $why:literal]
        $name:literal: $type:ty $(where ($low:literal to $high:literal))? = $default:expr;
    )*) => {
        use crate::settings::row::{Access, Setting, Status};
        use crate::settings::value::*;

        pub(super) const ROWS: &[Setting] = &[$( Setting {
            name: $name,
            about: concat!($($doc,)*),
            status: accepted!(@status $when $why),
            expected: <$type as SettingValue>::EXPECTED,
            range: accepted!(@range $($low $high)?),
            secret: <$type as SettingValue>::SECRET,
            table: <$type as SettingValue>::TABLE,
            optional: <$type as SettingValue>::OPTIONAL,
            access: Access::Kept {
                default: || {
                    let value: $type = $default;
                    value.to_toml()
                },
                check: |value| <$type as SettingValue>::from_toml(value).map(|value| value.to_toml()),
                read: |text| <$type as SettingValue>::from_text(text).map(|value| value.to_toml()),
            },
        }, )*];
    };
    (@status later $part:literal) => { Status::Later($part) };
    (@status never $reason:literal) => { Status::Never($reason) };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some(($low, $high)) };
}
mod broker;
mod messaging;
mod python;
mod result;
mod stores;

/// All of them.
pub(super) fn rows() -> impl Iterator<Item = &'static Setting> {
    [broker::ROWS, messaging::ROWS, result::ROWS, stores::ROWS, python::ROWS].into_iter().flatten()
}
