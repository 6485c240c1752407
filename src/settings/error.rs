//! What is wrong with a setting.

use super::value::Expected;

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
    /// The name is an old one of Celery's.
    #[error("setting {name:?} is called {new:?} now")]
    Renamed {
        /// What was written.
        name: String,
        /// Its name since Celery 4.
        new: String,
    },
    /// The value has another type, or is out of range.
    #[error("setting {name:?} must be {expected}{}", or_none(optional))]
    Value {
        /// The setting.
        name: String,
        /// What it takes.
        expected: Expected,
        /// Whether it may also be taken away.
        optional: bool,
    },
    /// A table stands where one value should.
    #[error("setting {name:?} is one value, not a table; it must be {expected}")]
    Table {
        /// The setting.
        name: String,
        /// What it takes.
        expected: Expected,
    },
    /// There is no such family of settings.
    #[error("there is no table of settings {name:?}{}\nexpected one of: {families}", nearest.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    Family {
        /// What was written.
        name: String,
        /// The nearest valid name.
        nearest: Option<String>,
        /// Names of settings and families that are tables.
        families: String,
    },
}

fn or_none(optional: &bool) -> &'static str {
    if *optional { ", or \"none\"" } else { "" }
}

impl BadSetting {
    /// Whether the name is what is wrong, rather than the value.
    pub fn is_name(&self) -> bool {
        matches!(self, BadSetting::Unknown { .. } | BadSetting::Renamed { .. } | BadSetting::Family { .. })
    }
}
