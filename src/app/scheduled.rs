//! What an application runs again and again.

use super::{App, Error};
use crate::beat::{Entry, entries_from_toml};
use std::collections::BTreeMap;
use std::sync::PoisonError;

impl App {
    /// Adds an entry to the schedule: Celery's `add_periodic_task`. [`Task::entry`](super::Task::entry) makes one. It
    /// replaces an earlier one of its name; one of that name in the setting `beat_schedule` wins over both.
    ///
    /// ```
    /// # use simq::{App, TaskContext};
    /// use simq::schedule::Crontab;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::new("shop");
    /// let clean = app.task("shop.clean", |_: TaskContext, (days,): (u32,)| async move { Ok(days) });
    /// app.schedule(clean.entry("clean up", Crontab::from_string("0 4 * * mon-fri")?, (30,))?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyStarted`]: the schedule is read when the queue starts.
    pub fn schedule(&self, entry: Entry) -> Result<(), Error> {
        if self.client().is_ok() {
            return Err(Error::AlreadyStarted);
        }
        let mut entries = self.0.common.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(entry.name.clone(), entry);
        Ok(())
    }

    /// The whole schedule, from code and from settings, by name. Options that an entry leaves unset are its task's.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] names the entry of `beat_schedule` that can't be used, or says that there is no such `timezone`.
    pub fn schedule_entries(&self) -> Result<Vec<Entry>, Error> {
        crate::beat::zone(self.settings()).map_err(|error| Error::Schedule(error.to_string()))?;
        let from_settings = entries_from_toml(&self.settings().beat_schedule);
        let from_settings = from_settings.map_err(|error| Error::Schedule(format!("beat_schedule.{error}")))?;
        let mut entries: BTreeMap<String, Entry> =
            self.0.common.entries.read().unwrap_or_else(PoisonError::into_inner).clone();
        entries.extend(from_settings.into_iter().map(|entry| (entry.name.clone(), entry)));
        let complete = |mut entry: Entry| {
            if let Some(task) = self.definition(&entry.task) {
                let own = task.options.route();
                entry.options = task.complete(entry.options, self.settings());
                entry.options.queue = entry.options.queue.or(own.queue);
                entry.options.priority = entry.options.priority.or(own.priority);
                entry.options.expires = entry.options.expires.or(own.expires);
            }
            entry
        };
        Ok(entries.into_values().map(complete).collect())
    }
}
