//! The queues that settings know of.

use crate::settings::Settings;

/// `task_queues`, or else the default queue.
pub(super) fn of(settings: &Settings) -> Vec<String> {
    let known: Vec<String> = settings.queues().known().iter().map(|queue| queue.name.clone()).collect();
    if known.is_empty() { vec![settings.task_default_queue.clone()] } else { known }
}
