//! Tasks, the workload and beat: known tasks, values that make sense, and times within the run.

use crate::message::Timestamp;
use crate::scenario::beat::BeatEntry;
use crate::scenario::format::{Load, Task};
use crate::scenario::load::{Scenario, listed, meant};
use crate::scenario::values::Span;
use crate::schedule::{Crontab, Zone};
use crate::text::Problem;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// Most calls of one load.
const MAX_CALLS: u64 = 10_000_000;
/// Largest factor of a retry's wait, seconds.
const MAX_BACKOFF: f64 = 1e9;
/// The year 9000, microseconds since 1970.
const MAX_START: i64 = 221_845_392_000_000_000;
/// Shortest period of beat.
const MIN_PERIOD: Span = Span(Duration::from_millis(1));

impl Scenario {
    pub(super) fn check_tasks(&self) -> Result<(), Problem> {
        for (name, task) in &self.file.tasks {
            self.check_task(&["tasks", name], task)?;
        }
        for (variant, overlay) in &self.file.variant {
            for (name, task) in &overlay.tasks {
                let path = ["variant", variant, "tasks", name];
                if !self.file.tasks.contains_key(name) {
                    let nearest = self.meant(name);
                    let message =
                        format!("variant {variant:?} changes a task {name:?} that the file does not define{nearest}");
                    return Err(self.key_problem(&path, message));
                }
                self.check_task(&path, task)?;
            }
        }
        Ok(())
    }

    fn check_task(&self, path: &[&str], task: &Task) -> Result<(), Problem> {
        self.check_short(&[path, &["queue"]].concat(), task.queue.as_deref())?;
        match task.retry_backoff {
            Some(factor) if !(0.0..=MAX_BACKOFF).contains(&factor) => {
                let message = format!("retry_backoff = {factor} is out of range; expected 0 to {MAX_BACKOFF} seconds");
                Err(self.value_problem(&[path, &["retry_backoff"]].concat(), message))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_workload(&self) -> Result<(), Problem> {
        let mut numbered = self.file.workload.iter().enumerate();
        numbered.try_for_each(|(number, load)| self.check_load(&number.to_string(), load))
    }

    fn check_load(&self, number: &str, load: &Load) -> Result<(), Problem> {
        self.check_known(load.task.get_ref(), load.task.span())?;
        self.check_short(&["workload", number, "queue"], load.queue.as_deref())?;
        self.check_short(&["workload", number, "id"], load.id.as_deref())?;
        let count = load.count.as_ref().map_or(1, |count| *count.get_ref());
        if let Some(count) = load.count.as_ref().filter(|count| !(1..=MAX_CALLS).contains(count.get_ref())) {
            let message = format!("count = {} is out of range; expected 1 to {MAX_CALLS}", count.get_ref());
            return Err(self.problem(count.span(), message));
        }
        let (limit, first) = (Span(self.limit()), load.at);
        if first > limit {
            let message =
                format!("no call is made: at = \"{first}\" is after the end of the run (limit = \"{limit}\")");
            return Err(self.value_problem(&["workload", number, "at"], message));
        }
        let between = load.every.low.as_nanos().saturating_mul(u128::from(count - 1));
        if first.0.as_nanos().saturating_add(between) > limit.0.as_nanos() {
            let message = format!(
                "{count} calls, one every \"{}\" from \"{first}\" on, don't fit into the run (limit = \"{limit}\")",
                Span(load.every.low)
            );
            return Err(self.value_problem(&["workload", number, "every"], message));
        }
        Ok(())
    }

    pub(super) fn check_beat(&self) -> Result<(), Problem> {
        let mut names = BTreeSet::new();
        for (number, entry) in self.file.beat.iter().enumerate() {
            let number = number.to_string();
            self.check_entry(&number, entry)?;
            let name = entry.name.as_ref().unwrap_or(entry.task.get_ref());
            if !names.insert(name) {
                let message = format!("two entries of beat are called {name:?}; give each a `name` of its own");
                return Err(match entry.name {
                    Some(_) => self.value_problem(&["beat", &number, "name"], message),
                    None => self.problem(entry.task.span(), message),
                });
            }
        }
        Ok(())
    }

    fn check_entry(&self, number: &str, entry: &BeatEntry) -> Result<(), Problem> {
        self.check_known(entry.task.get_ref(), entry.task.span())?;
        self.check_short(&["beat", number, "queue"], entry.queue.as_deref())?;
        if let Some(zone) = &entry.timezone {
            Zone::named(zone.get_ref()).map_err(|error| self.problem(zone.span(), error.to_string()))?;
        }
        match (&entry.every, &entry.crontab) {
            (Some(every), None) => self.check_period(every),
            (None, Some(crontab)) => Crontab::from_string(crontab.get_ref())
                .map(drop)
                .map_err(|error| self.problem(crontab.span(), error.to_string())),
            (Some(_), Some(crontab)) => {
                Err(self.problem(crontab.span(), "this entry has `every` and `crontab`; it takes one of them"))
            }
            (None, None) => {
                let message = "this entry has no key `every` and no `crontab`; it takes one of them";
                Err(self.value_problem(&["beat", number], message))
            }
        }
    }

    fn check_period(&self, period: &toml::Spanned<Span>) -> Result<(), Problem> {
        let (limit, every) = (Span(self.limit()), *period.get_ref());
        if every < MIN_PERIOD {
            return Err(self.problem(period.span(), "every must be at least \"1ms\""));
        }
        if every > limit {
            let message = format!("every = \"{every}\" is longer than the run (limit = \"{limit}\"): it is never due");
            return Err(self.problem(period.span(), message));
        }
        Ok(())
    }

    /// A time that every clock can show, to the end of the run.
    pub(super) fn check_starts(&self) -> Result<(), Problem> {
        let Some(starts) = &self.file.starts else { return Ok(()) };
        let fits = |start: Timestamp| {
            let years = Timestamp::from_micros(0)..Timestamp::from_micros(MAX_START);
            years.contains(&start)
        };
        match Timestamp::parse(starts.get_ref()) {
            Ok(start) if fits(start) => Ok(()),
            Ok(_) => Err(self.problem(starts.span(), "a run starts between the years 1970 and 9000")),
            Err(error) => {
                let message = format!("{error}; expected a time such as \"2026-10-24T22:00:00Z\"");
                Err(self.problem(starts.span(), message))
            }
        }
    }

    fn check_known(&self, task: &str, span: Range<usize>) -> Result<(), Problem> {
        if self.file.tasks.contains_key(task) {
            return Ok(());
        }
        let nearest = self.meant(task);
        let known = match self.file.tasks.len() {
            0 => "the file defines none; add a table such as [tasks.t]".to_owned(),
            _ => format!("expected one of: {}", listed(self.file.tasks.keys().map(String::as_str))),
        };
        Err(self.problem(span, format!("there is no task {task:?}{nearest}\n{known}")))
    }

    fn meant(&self, task: &str) -> String {
        meant(task, self.file.tasks.keys().map(String::as_str))
    }
}
