//! Types of settings: what TOML values and plain texts become, and what they are told to be when they can't.

mod choice;
mod content;
mod lists;
mod routing;
mod scalar;
mod special;
mod url;

pub(super) use crate::message::{Compression, Serializer};
pub(super) use crate::routing::{QueueSpec, Routes};
pub(super) use crate::settings::annotations::Annotations;
pub use choice::{ExchangeType, Failover, Fsync, LoginMethod, Pool, Precedence, QueueOrder, QueueType, RedisConsume};
pub use content::ContentTypes;
pub use lists::Words;
pub use routing::Read;
pub use scalar::{Children, Seconds, Secret};
pub use special::{Numbers, Prefix, SecretTable, UseTls};
pub(crate) use url::masked;
pub(super) use url::{MASK, is_secret};
pub use url::{Url, Urls};

use std::borrow::Cow;

/// What a value should have been, when it is something else.
pub(super) type Expected = Cow<'static, str>;

/// A type that a setting can have.
pub(super) trait SettingValue: Sized {
    /// In words, for errors and documentation.
    const EXPECTED: &'static str;
    /// Whether the value must not be shown.
    const SECRET: bool = false;
    /// Whether a table is a value of this type, rather than a family of settings.
    const TABLE: bool = false;
    /// Whether unset is a value of this type.
    const OPTIONAL: bool = false;
    /// Whether `false` takes an optional setting away. It can't where it is a value.
    const FALSE_UNSETS: bool = true;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected>;

    fn to_toml(&self) -> Option<toml::Value>;

    /// From a variable or a flag: the text itself where a text will do, or else what TOML reads in it.
    fn from_text(text: &str) -> Result<Self, Expected> {
        Self::from_toml(&toml::Value::String(text.to_owned())).or_else(|error| match toml_in(text) {
            Some(value) => Self::from_toml(&value),
            None => Err(error),
        })
    }
}

/// The TOML value that a text is, if it is one.
fn toml_in(text: &str) -> Option<toml::Value> {
    text.parse::<toml::Value>().ok()
}

pub(super) fn expected<T: SettingValue>() -> Expected {
    Cow::Borrowed(T::EXPECTED)
}

/// Optional settings: TOML has no null, so `"none"` takes one away, as `false` does where it is no value.
impl<T: SettingValue> SettingValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;
    const TABLE: bool = T::TABLE;
    const OPTIONAL: bool = true;
    const FALSE_UNSETS: bool = T::FALSE_UNSETS;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        match value {
            toml::Value::Boolean(false) if T::FALSE_UNSETS => Ok(None),
            toml::Value::String(text) if text == "none" => Ok(None),
            value => T::from_toml(value).map(Some),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        self.as_ref().and_then(T::to_toml)
    }

    fn from_text(text: &str) -> Result<Self, Expected> {
        match text {
            "none" => Ok(None),
            "false" if T::FALSE_UNSETS => Ok(None),
            text => T::from_text(text).map(Some),
        }
    }
}
