//! Beat in a scenario: its entries, its hosts, and whether it ran each due time once.
//!
//! Due times are the schedule's own, by the algorithm of profile `safe`: those of an interval in true time from the start
//! of the run, those of a crontab on the wall clock of the host that publishes. Each due time but the last wants one
//! publish, from it up to the next one.

use super::cluster::Outcome;
use super::format::Task;
use super::ledger::Nanos;
use super::load::Scenario;
use super::values::Span;
use crate::app::CallOptions;
use crate::beat::{CatchUp, Entry};
use crate::message::Timestamp;
use crate::schedule::{Crontab, Interval, Schedule, Zone};
use crate::settings::Settings;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use toml::Spanned;

/// One publish of an entry of beat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// When it was due, in true time; for Celery's algorithm, which has no due times, when it was published.
    pub(crate) due: Nanos,
    /// The same on the wall clock of the host that published it.
    pub(crate) wall: Timestamp,
}

/// An entry of the scheduler.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeatEntry {
    /// The task's name.
    #[schemars(with = "String")]
    pub(crate) task: Spanned<String>,
    /// Its period, at least 1ms. This or `crontab`.
    #[schemars(with = "Option<Span>")]
    pub(crate) every: Option<Spanned<Span>>,
    /// Its local times: minute hour day_of_month month_of_year day_of_week. This or `every`.
    #[schemars(with = "Option<String>")]
    pub(crate) crontab: Option<Spanned<String>>,
    /// Time zone of `crontab`. Default: the setting `timezone`.
    #[schemars(with = "Option<String>")]
    pub(crate) timezone: Option<Spanned<String>>,
    /// What becomes of missed due times: `skip`, `once`, `all`. Default: once.
    pub(crate) catch_up: Option<CatchUp>,
    /// How long after its due time a run is published again when that failed. Default: until the next one is due.
    pub(crate) retry_for: Option<Span>,
    /// Not later than this long after it was published. Default: whenever.
    pub(crate) expires: Option<Span>,
    /// The entry's name. Default: the task's name.
    pub(crate) name: Option<String>,
    /// Queue. Default: the task's.
    pub(crate) queue: Option<String>,
}

impl BeatEntry {
    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().unwrap_or(self.task.get_ref())
    }

    /// When; `None` for what the checks refuse.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        match (&self.every, &self.crontab) {
            (Some(every), None) => Some(Interval::new(every.get_ref().0).into()),
            (None, Some(crontab)) => Crontab::from_string(crontab.get_ref()).ok().map(Schedule::from),
            _ => None,
        }
    }

    fn zone(&self) -> Option<Zone> {
        self.timezone.as_ref().and_then(|zone| Zone::named(zone.get_ref()).ok())
    }
}

/// The entries of a scenario.
pub(super) fn entries(scenario: &Scenario, task: &impl Fn(&str) -> Task) -> Vec<Entry> {
    let entry = |entry: &BeatEntry| {
        let name = entry.task.get_ref();
        let task = task(name);
        let takes = task.takes.unwrap_or_default().low;
        Some(Entry {
            args: RawValue::from_string(format!("[{}]", takes.as_nanos())).unwrap_or_default(),
            options: CallOptions {
                queue: entry.queue.clone().or(task.queue),
                expires: entry.expires.map(|expires| expires.0),
                ..CallOptions::default()
            },
            catch_up: entry.catch_up.unwrap_or_default(),
            retry_for: entry.retry_for.map(|time| time.0),
            timezone: entry.zone(),
            ..Entry::new(entry.name(), name.as_str(), entry.schedule()?)
        })
    };
    scenario.file.beat.iter().filter_map(entry).collect()
}

/// Publishes, due times without one, and due times with several.
#[derive(Default)]
pub(super) struct Ticks {
    pub(super) ticks: u64,
    pub(super) skipped: u64,
    pub(super) doubled: u64,
}

/// Counts the publishes of all entries against their due times.
pub(super) fn count(scenario: &Scenario, settings: &Settings, outcome: &Outcome) -> Ticks {
    let mut all = Ticks::default();
    let usual = crate::beat::zone(settings).unwrap_or_default();
    let start = scenario.starts();
    let end = Timestamp::from_micros(start.as_micros().saturating_add((outcome.summary.now / 1_000) as i64));
    for entry in &scenario.file.beat {
        let seen = outcome.ledger.ticks.get(entry.name()).map(Vec::as_slice).unwrap_or_default();
        let Some(schedule) = entry.schedule() else { continue };
        all.ticks += seen.len() as u64;
        let (skipped, doubled) = match schedule {
            Schedule::Interval(interval) => {
                let every = u64::try_from(interval.every().as_nanos()).unwrap_or(u64::MAX).max(1);
                // Slot n lasts from n periods to n + 1 after the start. The first is no due time, the last may be cut off.
                let slots = seen.iter().map(|tick| tick.due / every);
                against(1..outcome.summary.now / every, slots)
            }
            Schedule::Crontab(_) => {
                let zone = entry.zone().unwrap_or_else(|| usual.clone());
                let mut due: Vec<i64> = schedule
                    .due_times(start, &zone)
                    .map(Timestamp::as_micros)
                    .take_while(|due| *due <= outcome.beat_wall.unwrap_or(end).as_micros())
                    .collect();
                let slots: Vec<u64> =
                    seen.iter().map(|tick| due.partition_point(|due| *due <= tick.wall.as_micros()) as u64).collect();
                due.pop();
                against(1..due.len() as u64 + 1, slots.into_iter())
            }
        };
        all.skipped += skipped;
        all.doubled += doubled;
    }
    all
}

/// How many of the slots are empty, and how many hold more than one.
fn against(mut wanted: std::ops::Range<u64>, seen: impl Iterator<Item = u64>) -> (u64, u64) {
    let mut slots = BTreeMap::<u64, u64>::new();
    seen.for_each(|slot| *slots.entry(slot).or_default() += 1);
    let doubled = slots.values().filter(|ticks| **ticks > 1).count() as u64;
    let hit = slots.keys().filter(|slot| wanted.contains(slot)).count() as u64;
    (wanted.by_ref().count() as u64 - hit, doubled)
}
