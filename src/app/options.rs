//! Options of a task.

use super::{CallOptions, Error, Failure};
use crate::message::{Compression, Serializer};
use crate::routing::Route;
use crate::settings::{RateLimit, Settings, duration};
use crate::worker::ack::AckPolicy;
use crate::worker::retry::{Backoff, RetryPolicy, RetryRequest};
use std::time::Duration;

/// How a task behaves, under Celery's names. What is unset comes from the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskOptions {
    /// Ack after the task has run. Default: `task_acks_late`.
    pub acks_late: Option<bool>,
    /// Requeue when its pool child is lost. Default: `task_reject_on_worker_lost`.
    pub reject_on_worker_lost: Option<bool>,
    /// Send again, as a retry, when its pool child is lost. Default: `task_retry_on_worker_lost`.
    pub retry_on_worker_lost: Option<bool>,
    /// Ack when it raised. Default: `task_acks_on_failure`.
    pub acks_on_failure: Option<bool>,
    /// Ack when it ran into its hard time limit. Default: `task_acks_on_timeout`.
    pub acks_on_timeout: Option<bool>,
    /// Its child is killed after this time. Default: `task_time_limit`.
    pub time_limit: Option<Duration>,
    /// It is interrupted after this time. Default: `task_soft_time_limit`.
    pub soft_time_limit: Option<Duration>,
    /// Retries before it fails for good: `Some(None)` is unlimited. Default: 3.
    pub max_retries: Option<Option<u32>>,
    /// Wait before a retry that names none. Default: 180 s.
    pub default_retry_delay: Option<Duration>,
    /// Exception types that are retried by themselves, with or without their module; `Exception` is all of them.
    /// Default: none.
    pub autoretry_for: Vec<String>,
    /// Exception types that are not, whatever `autoretry_for` says. Default: none.
    pub dont_autoretry_for: Vec<String>,
    /// What an automatic retry asks for: a countdown, a number of retries. Default: nothing in particular.
    pub retry_kwargs: RetryRequest,
    /// Growing waits for those: `1.0` is Celery's `True`. Default: 0, none.
    pub retry_backoff: f64,
    /// Longest of those waits. Default: 600 s.
    pub retry_backoff_max: Option<Duration>,
    /// Draw each wait at random up to the computed one. Default: true.
    pub retry_jitter: Option<bool>,
    /// Store no result. Default: `task_ignore_result`.
    pub ignore_result: Option<bool>,
    /// Store a FAILURE even so. Default: `task_store_errors_even_if_ignored`.
    pub store_errors_even_if_ignored: Option<bool>,
    /// How often each worker process begins it. Default: `task_default_rate_limit`, then no limit.
    pub rate_limit: Option<RateLimit>,
    /// Its calls are not begun after this long. Default: never too late.
    pub expires: Option<Duration>,
    /// Store STARTED. Default: `task_track_started`.
    pub track_started: Option<bool>,
    /// Names of its positional parameters, in order: with them a caller may pass arguments by name, as Python callers do.
    /// Default: none. A task that takes [`Kwargs`](crate::Kwargs) needs none.
    pub parameters: Vec<String>,
    /// Queue of its calls. Default: `task_default_queue`.
    pub queue: Option<String>,
    /// Form of the bodies of its calls. Default: `task_serializer`.
    pub serializer: Option<Serializer>,
    /// Compression of the bodies of its calls. Default: `task_compression`.
    pub compression: Option<Compression>,
    /// Priority of its calls. Default: `task_default_priority`, then 0.
    pub priority: Option<u8>,
}

impl TaskOptions {
    /// The options of a call, with the task's own where it has none.
    pub(crate) fn complete(&self, mut call: CallOptions) -> CallOptions {
        call.serializer = call.serializer.or(self.serializer);
        call.compression = call.compression.or(self.compression);
        call.ignore_result = call.ignore_result.or(self.ignore_result);
        call
    }

    /// Where its calls go if neither they nor a router says so.
    pub(crate) fn route(&self) -> Route {
        Route { queue: self.queue.clone(), priority: self.priority, expires: self.expires, ..Route::default() }
    }

    /// The limits that a worker of these settings would use must be in order.
    pub(crate) fn check_limits(&self, call: &CallOptions, settings: &Settings) -> Result<(), Error> {
        let soft = call.soft_time_limit.or_else(|| self.soft_time_limit(settings));
        let hard = call.time_limit.or_else(|| self.time_limit(settings));
        match soft.zip(hard) {
            Some((soft, hard)) if soft > hard => Err(Error::TimeLimits { soft, hard }),
            _ => Ok(()),
        }
    }

    pub(crate) fn ack_policy(&self, settings: &Settings) -> AckPolicy {
        AckPolicy {
            late: self.acks_late.unwrap_or(settings.task_acks_late),
            requeue_on_worker_lost: self.reject_on_worker_lost.unwrap_or(settings.task_reject_on_worker_lost),
            retry_on_worker_lost: self.retry_on_worker_lost.unwrap_or(settings.task_retry_on_worker_lost),
            ack_on_failure: self.acks_on_failure.unwrap_or_else(|| settings.acks_on_failure()),
            ack_on_timeout: self.acks_on_timeout.unwrap_or_else(|| settings.acks_on_timeout()),
        }
    }

    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let usual = RetryPolicy::default();
        let backoff = Backoff::from_setting(self.retry_backoff).map(|backoff| Backoff {
            max: self.retry_backoff_max.map_or(backoff.max, |max| max.as_secs()),
            jitter: self.retry_jitter.unwrap_or(backoff.jitter),
            ..backoff
        });
        RetryPolicy {
            max_retries: self.max_retries.unwrap_or(usual.max_retries),
            default_retry_delay: self.default_retry_delay.unwrap_or(usual.default_retry_delay),
            retry_kwargs: self.retry_kwargs.clone(),
            retry_backoff: backoff,
        }
    }

    pub(crate) fn time_limit(&self, settings: &Settings) -> Option<Duration> {
        self.time_limit.or(settings.task_time_limit.map(duration))
    }

    pub(crate) fn soft_time_limit(&self, settings: &Settings) -> Option<Duration> {
        self.soft_time_limit.or(settings.task_soft_time_limit.map(duration))
    }

    /// None where rate limits are off, for this task or for all.
    pub(crate) fn rate_limit(&self, settings: &Settings) -> Option<RateLimit> {
        let limit = self.rate_limit.or(settings.task_default_rate_limit);
        limit.filter(|limit| limit.per_second().is_some() && !settings.worker_disable_rate_limits)
    }

    pub(crate) fn ignores_result(&self, settings: &Settings) -> bool {
        self.ignore_result.unwrap_or(settings.task_ignore_result)
    }

    pub(crate) fn tracks_started(&self, settings: &Settings) -> bool {
        self.track_started.unwrap_or(settings.task_track_started)
    }

    pub(crate) fn stores_errors_even_if_ignored(&self, settings: &Settings) -> bool {
        self.store_errors_even_if_ignored.unwrap_or(settings.task_store_errors_even_if_ignored)
    }

    pub(crate) fn retries_by_itself(&self, failure: &Failure) -> bool {
        let is = |wanted: &String| wanted == "Exception" || failure.is_a(wanted);
        self.autoretry_for.iter().any(is) && !self.dont_autoretry_for.iter().any(is)
    }
}
