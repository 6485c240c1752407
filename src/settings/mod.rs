//! Settings under Celery's names, in two profiles.
//!
//! [`Settings`] is one table: name, type, the default of profile `safe`, the default of profile `celery`, what it does.
//! Whatever reads or lists settings goes through that table. It has all of Celery's names, so that a configuration can
//! be taken over as it is: those that simq does not act on are checked, kept, and told of by [`Noted`]. Names marked
//! with `simq:` in their documentation do not exist in Celery.
//!
//! [`Sources`] makes settings of a file, variables and flags, and remembers which value came from where.

mod accepted;
mod annotations;
mod error;
mod queues;
mod rate_limit;
mod renamed;
mod row;
mod sources;
mod table;
mod value;

pub use crate::text::Problem;
pub use annotations::{Annotation, Annotations, BackoffFactor};
pub use error::BadSetting;
pub use rate_limit::{BadRateLimit, RateLimit};
pub use row::{Setting, Status};
pub(crate) use sources::CONFIG_VARIABLE;
pub use sources::{BadSource, Loaded, Origin, Sources};
pub use table::{Profile, Settings};
pub(crate) use value::masked;
pub use value::{
    Children, ContentTypes, ExchangeType, Failover, Fsync, LoginMethod, Numbers, Pool, Precedence, Prefix, QueueOrder,
    QueueType, Read, RedisConsume, Seconds, Secret, SecretTable, Url, Urls, UseTls, Words,
};

use std::collections::BTreeMap;
use std::time::Duration;
use toml::Value;

/// What was set though simq does not act on it: by name, `None` where it was taken away.
#[derive(Clone, Default, PartialEq)]
pub struct Noted(BTreeMap<&'static str, Option<Value>>);

impl Noted {
    /// A line for each: what it is, and why it has no effect.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.0.keys().filter_map(|name| Settings::setting(name)).filter_map(|setting| match setting.status {
            Status::Acts => None,
            Status::Later(part) => Some(format!("{} has no effect in simq yet: it comes with {part}", setting.name)),
            Status::Never(reason) => Some(format!("{} has no effect in simq: {reason}", setting.name)),
        })
    }
}

/// Names only: a value may be a password.
impl std::fmt::Debug for Noted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// All names: those that simq acts on first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        table::TABLE.keys().copied()
    }

    /// Every row of the table, in the order of [`Settings::names`].
    pub fn documentation() -> impl Iterator<Item = &'static Setting> {
        table::TABLE.values()
    }

    /// The row of one.
    pub fn setting(name: &str) -> Option<&'static Setting> {
        table::TABLE.get(name)
    }

    /// Whether results go over the broker: `rpc://`.
    pub(crate) fn results_are_replies(&self) -> bool {
        let text = self.result_backend.as_ref().map(|url| url.expose());
        text.is_some_and(|text| text.strip_suffix("://").unwrap_or(text) == "rpc")
    }

    /// The value under a name, `None` when it is unset or unknown.
    pub fn get(&self, name: &str) -> Option<Value> {
        Settings::setting(name)?.get(self)
    }

    /// Sets one setting by its name.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] names what is wrong: an unknown name with the nearest valid one, an old one with the new one, or a
    /// value of another type.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), BadSetting> {
        let setting = known(name)?;
        setting.set(self, value).map_err(|expected| match value {
            Value::Table(_) if !setting.table => BadSetting::Table { name: name.to_owned(), expected },
            _ => BadSetting::Value { name: name.to_owned(), expected, optional: setting.optional },
        })
    }

    /// Sets one setting to what a text says: that of a variable, or of a flag.
    ///
    /// # Errors
    ///
    /// As [`Settings::set`].
    pub fn set_text(&mut self, name: &str, text: &str) -> Result<(), BadSetting> {
        let setting = known(name)?;
        let bad = |expected| BadSetting::Value { name: name.to_owned(), expected, optional: setting.optional };
        self.set(name, &setting.read(text).map_err(bad)?)
    }

    /// Sets everything in a TOML table; a table inside is a family of settings, `broker_transport_options` for example.
    ///
    /// # Errors
    ///
    /// The first [`BadSetting`].
    pub fn set_all(&mut self, table: &toml::Table) -> Result<(), BadSetting> {
        each_in(table, |_, name, value| self.set(name, value)).map_err(|(_, bad)| bad)
    }

    /// Deliveries that a worker of this many children may hold unacked; 0 is no limit.
    pub fn prefetch(&self, concurrency: u32) -> u32 {
        concurrency.saturating_mul(self.worker_prefetch_multiplier)
    }

    /// Whether queues may be quorum queues of a RabbitMQ, which know no prefetch window of a whole channel: kombu's rule is
    /// that one of them changes it for all.
    pub(crate) fn has_quorum_queues(&self) -> bool {
        let types = [self.task_default_queue_type, self.task_create_missing_queue_type];
        self.worker_detect_quorum_queues && types.contains(&QueueType::Quorum)
    }

    /// Whether a late-acked task that raised is acked, unless the task says otherwise.
    pub fn acks_on_failure(&self) -> bool {
        self.task_acks_on_failure.or(self.task_acks_on_failure_or_timeout).unwrap_or(true)
    }

    /// Whether a late-acked task that ran into its hard time limit is acked, unless the task says otherwise.
    pub fn acks_on_timeout(&self) -> bool {
        self.task_acks_on_timeout.or(self.task_acks_on_failure_or_timeout).unwrap_or(false)
    }
}

fn known(name: &str) -> Result<&'static Setting, BadSetting> {
    Settings::setting(name).ok_or_else(|| unknown(name))
}

pub(crate) fn unknown(name: &str) -> BadSetting {
    let exists = |name: &str| Settings::setting(name).is_some() || families().any(|family| family == name);
    if let Some(new) = renamed::renamed(name, exists) {
        return BadSetting::Renamed { name: name.to_owned(), new };
    }
    let nearest = crate::text::nearest(name, Settings::names()).map(str::to_owned);
    BadSetting::Unknown { name: name.to_owned(), nearest }
}

/// Calls `each` with the keys, the name and the value of every setting in a TOML table, until one is bad; says which keys
/// lead to it.
pub(crate) fn each_in(
    table: &toml::Table,
    mut each: impl FnMut(&[&str], &str, &Value) -> Result<(), BadSetting>,
) -> Result<(), (Vec<String>, BadSetting)> {
    let mut at = |keys: &[&str], name: &str, value: &Value| {
        each(keys, name, value).map_err(|bad| (keys.iter().map(|key| (*key).to_owned()).collect(), bad))
    };
    for (name, value) in table {
        match value {
            Value::Table(members) if !is_one(name) => {
                known_family(name, value).map_err(|bad| (vec![name.clone()], bad))?;
                for (member, value) in members {
                    at(&[name, member], &format!("{name}.{member}"), value)?;
                }
            }
            value => at(&[name], name, value)?,
        }
    }
    Ok(())
}

/// Whether a table under this name is the value of one setting, rather than a family of them.
fn is_one(name: &str) -> bool {
    Settings::setting(name).is_some_and(Setting::is_table)
}

/// Settings whose names have a dot stand in the table before it.
fn families() -> impl Iterator<Item = &'static str> {
    let mut last = None;
    let families = Settings::names().filter_map(|name| name.split_once('.')).map(|(family, _)| family);
    families.filter(move |family| last.replace(*family) != Some(*family))
}

/// Whether `name`, under which a table stands, is a family.
fn known_family(name: &str, table: &Value) -> Result<(), BadSetting> {
    if families().any(|family| family == name) {
        return Ok(());
    }
    if Settings::setting(name).is_some() {
        return Settings::new(Profile::Safe).set(name, table);
    }
    if let renamed @ BadSetting::Renamed { .. } = unknown(name) {
        return Err(renamed);
    }
    let tables = Settings::documentation().filter(|setting| setting.table).map(Setting::name);
    let mut tables: Vec<&str> = families().chain(tables).filter(|name| !name.contains('.')).collect();
    tables.sort_unstable();
    tables.dedup();
    let near = |names: &mut dyn Iterator<Item = &'static str>| crate::text::nearest(name, names).map(str::to_owned);
    let nearest = near(&mut tables.iter().copied()).or_else(|| near(&mut Settings::names()));
    Err(BadSetting::Family { name: name.to_owned(), nearest, families: tables.join(", ") })
}

/// A setting in seconds as a duration; negative and absurd values become zero and a century.
pub(crate) fn duration(seconds: Seconds) -> Duration {
    const CENTURY: f64 = 3_155_760_000.0;
    Duration::try_from_secs_f64(seconds.clamp(0.0, CENTURY)).unwrap_or_default()
}
