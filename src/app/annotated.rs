//! `task_annotations`: options from the configuration over those of the code.

use super::TaskOptions;
use crate::settings::{Annotation, Settings, duration};

impl TaskOptions {
    /// What the settings make of the options of a task.
    pub(super) fn annotated(self, task: &str, settings: &Settings) -> TaskOptions {
        let Some(annotations) = &settings.task_annotations else { return self };
        annotations.of(task).fold(self, TaskOptions::overlaid)
    }

    fn overlaid(self, over: &Annotation) -> TaskOptions {
        let seconds = |seconds: Option<f64>| seconds.map(duration);
        let words = |words: &Option<crate::settings::Words>| words.as_ref().map(|words| words.to_vec());
        TaskOptions {
            acks_late: over.acks_late.or(self.acks_late),
            reject_on_worker_lost: over.reject_on_worker_lost.or(self.reject_on_worker_lost),
            retry_on_worker_lost: over.retry_on_worker_lost.or(self.retry_on_worker_lost),
            acks_on_failure: over.acks_on_failure.or(self.acks_on_failure),
            acks_on_timeout: over.acks_on_timeout.or(self.acks_on_timeout),
            time_limit: seconds(over.time_limit).or(self.time_limit),
            soft_time_limit: seconds(over.soft_time_limit).or(self.soft_time_limit),
            max_retries: over.max_retries.or(self.max_retries),
            default_retry_delay: seconds(over.default_retry_delay).or(self.default_retry_delay),
            autoretry_for: words(&over.autoretry_for).unwrap_or(self.autoretry_for),
            dont_autoretry_for: words(&over.dont_autoretry_for).unwrap_or(self.dont_autoretry_for),
            retry_kwargs: self.retry_kwargs,
            retry_backoff: over.retry_backoff.map_or(self.retry_backoff, |factor| factor.0),
            retry_backoff_max: seconds(over.retry_backoff_max).or(self.retry_backoff_max),
            retry_jitter: over.retry_jitter.or(self.retry_jitter),
            ignore_result: over.ignore_result.or(self.ignore_result),
            store_errors_even_if_ignored: over.store_errors_even_if_ignored.or(self.store_errors_even_if_ignored),
            rate_limit: over.rate_limit.or(self.rate_limit),
            expires: seconds(over.expires).or(self.expires),
            track_started: over.track_started.or(self.track_started),
            parameters: self.parameters,
            queue: over.queue.clone().or(self.queue),
            serializer: over.serializer.or(self.serializer),
            compression: over.compression.or(self.compression),
            priority: over.priority.and_then(|priority| u8::try_from(priority).ok()).or(self.priority),
        }
    }
}
