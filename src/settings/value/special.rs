//! Types of single settings.

use super::{Expected, SettingValue, expected};

/// TLS of a connection: on or off, or its options.
#[derive(Clone, PartialEq)]
pub struct UseTls(toml::Value);

impl UseTls {
    pub(in crate::settings) fn off() -> UseTls {
        UseTls(toml::Value::Boolean(false))
    }

    /// Its options, `ssl_ca_certs` for example; `None` where it is off.
    pub fn options(&self) -> Option<toml::Table> {
        match &self.0 {
            toml::Value::Table(options) => Some(options.clone()),
            on => (on.as_bool() == Some(true)).then(toml::Table::new),
        }
    }
}

/// Names only: a value may be a password.
impl std::fmt::Debug for UseTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.options().unwrap_or_default().keys()).finish()
    }
}

impl SettingValue for UseTls {
    const EXPECTED: &'static str = "true, false or a table";
    const SECRET: bool = true;
    const TABLE: bool = true;
    const FALSE_UNSETS: bool = false;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        match value {
            toml::Value::Boolean(_) | toml::Value::Table(_) => Ok(UseTls(value.clone())),
            _ => Err(expected::<Self>()),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.clone())
    }
}

/// A table in which passwords may stand.
#[derive(Clone, PartialEq)]
pub struct SecretTable(toml::Table);

impl SecretTable {
    /// The table, with its passwords.
    pub fn expose(&self) -> &toml::Table {
        &self.0
    }
}

/// Names only: a value may be a password.
impl std::fmt::Debug for SecretTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl SettingValue for SecretTable {
    const EXPECTED: &'static str = "a table";
    const SECRET: bool = true;
    const TABLE: bool = true;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        toml::Table::from_toml(value).map(SecretTable)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        self.0.to_toml()
    }
}

/// A list of whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Vec<u32>);

impl std::ops::Deref for Numbers {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.0
    }
}

impl<const N: usize> From<[u32; N]> for Numbers {
    fn from(numbers: [u32; N]) -> Self {
        Numbers(numbers.to_vec())
    }
}

/// Most numbers of a list.
const LIMIT: usize = 1_000;

impl SettingValue for Numbers {
    const EXPECTED: &'static str = "a list of whole numbers, 0 or more";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        let numbers = value.as_array().filter(|items| items.len() <= LIMIT).ok_or_else(expected::<Self>)?;
        numbers.iter().map(u32::from_toml).collect::<Result<_, _>>().map(Numbers).map_err(|_| expected::<Self>())
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.clone().into())
    }
}

/// The prefix of Redis channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// The number of the database between `/` and `.`.
    On,
    /// None.
    Off,
    /// This one.
    Named(String),
}

impl Prefix {
    /// The prefix in a database.
    pub(crate) fn text(&self, database: i64) -> String {
        match self {
            Prefix::On => format!("/{database}."),
            Prefix::Off => String::new(),
            Prefix::Named(prefix) => prefix.replace("{db}", &database.to_string()),
        }
    }
}

impl SettingValue for Prefix {
    const EXPECTED: &'static str = "true, false or a prefix";
    const FALSE_UNSETS: bool = false;

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        match value {
            toml::Value::Boolean(true) => Ok(Prefix::On),
            toml::Value::Boolean(false) => Ok(Prefix::Off),
            value => String::from_toml(value).map(Prefix::Named).map_err(|_| expected::<Self>()),
        }
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(match self {
            Prefix::On => true.into(),
            Prefix::Off => false.into(),
            Prefix::Named(prefix) => prefix.as_str().into(),
        })
    }

    fn from_text(text: &str) -> Result<Self, Expected> {
        match bool::from_text(text) {
            Ok(on) => Self::from_toml(&on.into()),
            Err(_) => Self::from_toml(&text.into()),
        }
    }
}
