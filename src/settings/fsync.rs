//! When what was written is safe from a loss of power.

use super::value::SettingValue;

/// When the embedded queue's directory is safe from a loss of power: `embedded_fsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// When the operating system sees fit.
    Never,
    /// Within a second.
    EverySecond,
    /// Before anybody is told of what was written.
    Always,
}

impl Fsync {
    const NAMES: [(&str, Fsync); 3] =
        [("never", Fsync::Never), ("everysec", Fsync::EverySecond), ("always", Fsync::Always)];
}

impl SettingValue for Fsync {
    const EXPECTED: &'static str = "\"never\", \"everysec\" or \"always\"";
    fn from_toml(value: &toml::Value) -> Option<Self> {
        let name = value.as_str()?;
        Fsync::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, policy)| policy)
    }
    fn to_toml(&self) -> Option<toml::Value> {
        Fsync::NAMES.into_iter().find(|(_, policy)| policy == self).map(|(name, _)| (*name).into())
    }
}
