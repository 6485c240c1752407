//! Numbers, seconds, truths, texts and tables.

use super::{Expected, SettingValue, expected};
use std::fmt;

/// Seconds, whole or not, as in Celery.
pub type Seconds = f64;

impl SettingValue for bool {
    const EXPECTED: &'static str = "true or false";
    const FALSE_UNSETS: bool = false;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_bool().ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    /// Also the other words that Celery takes for a truth.
    fn from_text(text: &str) -> Result<Self, Expected> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(expected::<Self>()),
        }
    }
}

impl SettingValue for u32 {
    const EXPECTED: &'static str = "a whole number, 0 or more";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_integer().and_then(|number| number.try_into().ok()).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(i64::from(*self).into())
    }
}

impl SettingValue for u64 {
    const EXPECTED: &'static str = "a whole number, 0 or more";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_integer().and_then(|number| number.try_into().ok()).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        i64::try_from(*self).ok().map(toml::Value::from)
    }
}

impl SettingValue for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_integer().ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

impl SettingValue for Seconds {
    const EXPECTED: &'static str = "a number of seconds, 0 or more";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        let seconds = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
        seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

impl SettingValue for String {
    const EXPECTED: &'static str = "a text that is not empty";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

/// What a schedule, routes or the options of a library are: its keys are not settings.
impl SettingValue for toml::Table {
    const EXPECTED: &'static str = "a table";
    const TABLE: bool = true;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_table().cloned().ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

/// A text that is never shown: a password, a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::url::MASK)
    }
}

impl SettingValue for Secret {
    const EXPECTED: &'static str = String::EXPECTED;
    const SECRET: bool = true;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        String::from_toml(value).map(Secret)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.clone().into())
    }
}

/// How many pool children a worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// One for each core that the process may use, also under a quota of its control group.
    Auto,
    /// So many, 1 or more.
    Of(u32),
}

impl SettingValue for Children {
    const EXPECTED: &'static str = "a whole number, 1 or more, or \"auto\"";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        match (value.as_str(), u32::from_toml(value)) {
            (Some("auto"), _) => Ok(Children::Auto),
            (_, Ok(number)) if number > 0 => Ok(Children::Of(number)),
            _ => Err(expected::<Self>()),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(match self {
            Children::Auto => "auto".into(),
            Children::Of(number) => i64::from(*number).into(),
        })
    }
}
