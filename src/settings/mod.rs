//! Settings under Celery's names, in two profiles.
//!
//! [`Settings`] is one table: name, type, the default of profile `safe`, the default of profile `celery`, what it does.
//! Whatever reads or lists settings goes through that table. Names marked with `simq:` in their line do not exist in
//! Celery.

mod rate_limit;
mod table;
mod value;

pub use rate_limit::{BadRateLimit, RateLimit};
pub use table::{Profile, Settings};
pub use value::{BadSetting, Precedence, Seconds};

use std::time::Duration;

impl Settings {
    /// Sets one setting by its name.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] names what is wrong: an unknown name with the nearest valid one, or a value of another type.
    pub fn set(&mut self, name: &str, value: &toml::Value) -> Result<(), BadSetting> {
        match self.set_known(name, value) {
            Some(result) => result.map_err(|expected| BadSetting::Value { name: name.to_owned(), expected }),
            None => {
                let nearest = crate::text::nearest(name, Settings::names().iter().copied());
                Err(BadSetting::Unknown { name: name.to_owned(), nearest: nearest.map(str::to_owned) })
            }
        }
    }

    /// Sets everything in a TOML table; a table inside is a family of settings, `broker_transport_options` for example.
    ///
    /// # Errors
    ///
    /// The first [`BadSetting`].
    pub fn set_all(&mut self, table: &toml::Table) -> Result<(), BadSetting> {
        for (name, value) in table {
            match value {
                toml::Value::Table(inner) if name != "beat_schedule" => {
                    for (option, value) in inner {
                        self.set(&format!("{name}.{option}"), value)?;
                    }
                }
                value => self.set(name, value)?,
            }
        }
        Ok(())
    }

    /// Deliveries that a worker of this many children may hold unacked; 0 is no limit.
    pub fn prefetch(&self, concurrency: u32) -> u32 {
        concurrency.saturating_mul(self.worker_prefetch_multiplier)
    }
}

/// A setting in seconds as a duration; negative and absurd values become zero and a century.
pub(crate) fn duration(seconds: Seconds) -> Duration {
    const CENTURY: f64 = 3_155_760_000.0;
    Duration::try_from_secs_f64(seconds.clamp(0.0, CENTURY)).unwrap_or_default()
}
