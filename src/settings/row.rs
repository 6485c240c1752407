//! A row of the table of settings.

use super::value::{Expected, MASK, is_secret, masked};
use super::{Profile, Settings};
use std::borrow::Cow;
use toml::Value;

/// One setting: its name, what it takes, its defaults, what it does, and whether simq does it.
#[derive(Clone, Copy)]
pub struct Setting {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) status: Status,
    pub(super) expected: &'static str,
    /// Lowest and highest of a whole number, where they are narrower than the type's.
    pub(super) range: Option<(i64, i64)>,
    pub(super) secret: bool,
    pub(super) table: bool,
    pub(super) optional: bool,
    pub(super) access: Access,
}

/// Whether simq acts on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It does.
    Acts,
    /// It will, with this part.
    Later(&'static str),
    /// It never will, for this reason.
    Never(&'static str),
}

/// How a row reaches its value.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// A field of [`Settings`].
    Field {
        get: fn(&Settings) -> Option<Value>,
        set: fn(&mut Settings, &Value) -> Result<(), Expected>,
        read: fn(&str) -> Result<Option<Value>, Expected>,
    },
    /// Checked and kept, though nothing reads it.
    Kept {
        default: fn() -> Option<Value>,
        check: fn(&Value) -> Result<Option<Value>, Expected>,
        read: fn(&str) -> Result<Option<Value>, Expected>,
    },
}

impl Setting {
    /// Celery's name, or simq's where Celery has none.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does. Begins with `simq:` if Celery does not have it.
    pub fn about(&self) -> String {
        self.about.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether simq acts on it.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What it takes, in words.
    pub fn takes(&self) -> Cow<'static, str> {
        match self.range {
            Some((low, high)) => format!("a whole number, {low} to {high}").into(),
            None => self.expected.into(),
        }
    }

    /// Whether it can be taken away with `"none"`.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether its value must not be shown.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether its value is a table, rather than its name that of a family of settings.
    pub fn is_table(&self) -> bool {
        self.table
    }

    /// Its default, `None` where it is unset.
    pub fn default(&self, profile: Profile) -> Option<Value> {
        match self.access {
            Access::Field { get, .. } => get(&Settings::new(profile)),
            Access::Kept { default, .. } => default(),
        }
    }

    /// The section that it belongs to: the part before the first `_` of most names.
    pub fn family(&self) -> &'static str {
        match self.name.split(['_', '.']).next().unwrap_or_default() {
            family
            @ ("task" | "worker" | "beat" | "broker" | "result" | "event" | "control" | "redis" | "database") => family,
            "events" => "event",
            "cache" | "cassandra" | "s3" | "azureblockblob" | "gcs" | "couchbase" | "arangodb" | "mongodb"
            | "cosmosdbsql" | "elasticsearch" => "other result stores",
            "security" => "security",
            _ => "general",
        }
    }

    /// A value of it as it may be shown: what is secret is masked, also passwords inside of URLs and tables.
    pub fn shown(&self, value: &Value) -> Value {
        match value {
            // TLS is on or off, or a table of files and passwords.
            Value::Boolean(_) => value.clone(),
            _ if self.secret => MASK.into(),
            value => shown(value),
        }
    }

    pub(super) fn get(&self, settings: &Settings) -> Option<Value> {
        match self.access {
            Access::Field { get, .. } => get(settings),
            Access::Kept { default, .. } => match settings.noted.0.get(self.name) {
                Some(value) => value.clone(),
                None => default(),
            },
        }
    }

    pub(super) fn set(&self, settings: &mut Settings, value: &Value) -> Result<(), Expected> {
        if let (Some((low, high)), Some(number)) = (self.range, value.as_integer())
            && !(low..=high).contains(&number)
        {
            return Err(self.takes());
        }
        let kept = match self.access {
            Access::Field { set, get, .. } => set(settings, value).map(|()| get(settings)),
            Access::Kept { check, .. } => check(value),
        };
        let kept = kept.map_err(|expected| if self.range.is_some() { self.takes() } else { expected })?;
        if self.status != Status::Acts {
            settings.noted.0.insert(self.name, kept);
        }
        Ok(())
    }

    /// The value that a variable or a flag gives it.
    pub(super) fn read(&self, text: &str) -> Result<Value, Expected> {
        let (Access::Field { read, .. } | Access::Kept { read, .. }) = self.access;
        // What reads as unset is `"none"` again.
        let value = read(text).map_err(|expected| if self.range.is_some() { self.takes() } else { expected })?;
        Ok(value.unwrap_or_else(|| Value::String("none".to_owned())))
    }
}

/// TOML bounds how deep values nest, and so this recursion.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => masked(text).into(),
        Value::Array(items) => Value::Array(items.iter().map(shown).collect()),
        Value::Table(table) => {
            let shown = |(key, value): (&String, &Value)| {
                (key.clone(), if is_secret(key) { MASK.into() } else { shown(value) })
            };
            Value::Table(table.iter().map(shown).collect())
        }
        value => value.clone(),
    }
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("name", &self.name).field("status", &self.status).finish_non_exhaustive()
    }
}
