//! Time limits: which apply to an execution, and when.

use crate::app::TaskOptions;
use crate::message::TaskMessage;
use crate::settings::{Settings, duration};
use std::time::Duration;

/// The limits of one execution, counted from when a child accepted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// The task is interrupted.
    pub(super) soft: Option<Duration>,
    /// Its child is killed.
    pub(super) hard: Option<Duration>,
}

impl Limits {
    /// The message's own limits win over the task's, and those over the settings. A soft limit that comes no earlier
    /// than the hard one never strikes.
    pub(super) fn of(message: &TaskMessage, options: &TaskOptions, settings: &Settings) -> Self {
        let hard = message.time_limit.map(duration).or_else(|| options.time_limit(settings));
        let soft = message.soft_time_limit.map(duration).or_else(|| options.soft_time_limit(settings));
        Limits { soft: soft.filter(|soft| hard.is_none_or(|hard| *soft < hard)), hard }
    }
}
