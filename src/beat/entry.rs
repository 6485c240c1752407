//! Entries: what is to be run again and again.

use crate::app::CallOptions;
use crate::producer::Call;
use crate::routing::Route;
use crate::schedule::{Schedule, Zone};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// Something to be run again and again: an entry of Celery's `beat_schedule`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, unique among the entries.
    pub name: String,
    /// The task's name.
    pub task: Arc<str>,
    /// Its arguments, a JSON array.
    pub args: Box<RawValue>,
    /// Its keyword arguments, a JSON object.
    pub kwargs: Box<RawValue>,
    /// When.
    pub schedule: Schedule,
    /// How it is called. A `task_id` is not used: each run has one of its own.
    pub options: CallOptions,
    /// What becomes of due times that were missed. Only with `beat_exactly_once`; Celery runs once.
    pub catch_up: CatchUp,
    /// How long after its due time a run whose publish fails is tried again. Default: as long as its message would live
    /// (`expires`), or else until the next due time; with [`CatchUp::All`] without end. Only with `beat_exactly_once`.
    pub retry_for: Option<Duration>,
    /// Time zone of a crontab. Default: the setting `timezone`.
    pub timezone: Option<Zone>,
}

/// What becomes of due times that passed while no beat ran, or while publishing failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "sim", derive(schemars::JsonSchema))]
pub enum CatchUp {
    /// They are left out; only a due time of the last minute is still run.
    Skip,
    /// The latest of them is run, for all.
    #[default]
    Once,
    /// Each is run, one after the other; of more than a thousand in a row, the first thousand and the latest.
    All,
}

impl Entry {
    /// An entry that calls a task without arguments.
    pub fn new(name: impl Into<String>, task: impl Into<Arc<str>>, schedule: impl Into<Schedule>) -> Entry {
        Entry {
            name: name.into(),
            task: task.into(),
            args: RawValue::from_string("[]".to_owned()).unwrap_or_default(),
            kwargs: RawValue::from_string("{}".to_owned()).unwrap_or_default(),
            schedule: schedule.into(),
            options: CallOptions::default(),
            catch_up: CatchUp::default(),
            retry_for: None,
            timezone: None,
        }
    }

    /// The zone that its local times are of.
    pub(super) fn zone<'a>(&'a self, usual: &'a Zone) -> &'a Zone {
        self.timezone.as_ref().unwrap_or(usual)
    }

    /// The call for one run. `task_id` is `None` for a random one.
    pub(super) fn call(&self, task_id: Option<Arc<str>>) -> Call {
        let mut options = self.options.clone();
        options.task_id = task_id;
        options.headers.set("celery_beat_task", true);
        Call {
            task: self.task.clone(),
            args: self.args.clone(),
            kwargs: self.kwargs.clone(),
            options,
            own: Route::default(),
            parent: None,
        }
    }

    /// How long its messages live.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        self.options.expires
    }
}
