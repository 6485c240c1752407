//! Types of settings, and how TOML values become them.

/// Seconds, whole or not, as in Celery.
pub type Seconds = f64;

/// Which stored states stay: `result_precedence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// A state is replaced only by one that says as much or more.
    Full,
    /// A SUCCESS stays.
    Success,
    /// The last write wins.
    None,
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSetting {
    /// There is no such name.
    #[error("there is no setting {name:?}{}", nearest.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    Unknown {
        /// What was written.
        name: String,
        /// The nearest valid name.
        nearest: Option<String>,
    },
    /// The value has another type.
    #[error("setting {name:?} must be {expected}")]
    Value {
        /// The setting.
        name: String,
        /// What it takes.
        expected: &'static str,
    },
}

/// A type that a setting can have.
pub(super) trait SettingValue: Sized {
    /// In words, for errors and documentation.
    const EXPECTED: &'static str;
    fn from_toml(value: &toml::Value) -> Option<Self>;
    fn to_toml(&self) -> Option<toml::Value>;
}

impl SettingValue for bool {
    const EXPECTED: &'static str = "true or false";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_bool()
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

impl SettingValue for u32 {
    const EXPECTED: &'static str = "a whole number, 0 or more";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_integer()?.try_into().ok()
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Some(i64::from(*self).into())
    }
}

impl SettingValue for Seconds {
    const EXPECTED: &'static str = "a number of seconds, 0 or more";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        let seconds = value.as_float().or_else(|| value.as_integer().map(|n| n as f64))?;
        (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

impl SettingValue for String {
    const EXPECTED: &'static str = "a text that is not empty";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

impl SettingValue for Precedence {
    const EXPECTED: &'static str = "\"full\", \"success\" or \"none\"";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        [Precedence::Full, Precedence::Success, Precedence::None]
            .into_iter()
            .find(|it| it.to_toml().as_ref() == Some(value))
    }
    fn to_toml(&self) -> Option<toml::Value> {
        let name = match self {
            Precedence::Full => "full",
            Precedence::Success => "success",
            Precedence::None => "none",
        };
        Some(name.into())
    }
}

impl SettingValue for toml::Table {
    const EXPECTED: &'static str = "a table";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_table().cloned()
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

/// Optional settings: TOML has no null, so `false` takes one away, as `"none"` does.
impl<T: SettingValue> SettingValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_toml(value: &toml::Value) -> Option<Self> {
        match value {
            toml::Value::Boolean(false) => Some(None),
            toml::Value::String(text) if text == "none" => Some(None),
            value => T::from_toml(value).map(Some),
        }
    }
    fn to_toml(&self) -> Option<toml::Value> {
        self.as_ref().and_then(T::to_toml)
    }
}
