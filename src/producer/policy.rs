//! How often a publish is tried, and for how long: Celery's `task_publish_retry_policy`.

use crate::app::PublishRetry;
use crate::settings::{Settings, duration};
use std::time::Duration;

/// The policy of one process.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublishPolicy {
    /// Further tries; `None` when failed publishes are not retried.
    max_retries: Option<u32>,
    /// Further tries of a call that asks for them where the settings don't.
    usual_retries: u32,
    start: Duration,
    step: Duration,
    max: Duration,
    /// How long one try may take.
    pub(super) patience: Option<Duration>,
    /// How long all of them may take.
    pub(super) timeout: Option<Duration>,
}

impl PublishPolicy {
    pub(super) fn new(settings: &Settings) -> Self {
        PublishPolicy {
            max_retries: settings.task_publish_retry.then_some(settings.task_publish_max_retries),
            usual_retries: settings.task_publish_max_retries,
            start: duration(settings.task_publish_interval_start),
            step: duration(settings.task_publish_interval_step),
            max: duration(settings.task_publish_interval_max),
            patience: settings.task_publish_timeout.map(|_| duration(settings.confirm_timeout)),
            timeout: settings.task_publish_timeout.map(duration),
        }
    }

    /// What a call names goes before the settings.
    pub(super) fn for_call(&self, retry: Option<bool>, policy: Option<PublishRetry>) -> Self {
        let own = policy.unwrap_or_default();
        let tries = own.max_retries.or(self.max_retries).or((retry == Some(true)).then_some(self.usual_retries));
        PublishPolicy {
            max_retries: tries.filter(|_| retry != Some(false)),
            start: own.interval_start.unwrap_or(self.start),
            step: own.interval_step.unwrap_or(self.step),
            max: own.interval_max.unwrap_or(self.max),
            ..*self
        }
    }

    /// The wait before the next try, after `tries` have failed; `None` when that was the last.
    pub(super) fn wait_after(&self, tries: u32) -> Option<Duration> {
        let retry = tries.checked_sub(1)?;
        let allowed = self.max_retries.is_some_and(|max| retry < max);
        allowed.then(|| self.start.saturating_add(self.step.saturating_mul(retry)).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Profile;

    #[test]
    fn three_retries_each_waiting_a_little_longer() {
        let policy = PublishPolicy::new(&Settings::new(Profile::Celery));
        let waits: Vec<_> = (1..=4).map(|tries| policy.wait_after(tries).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(0), Some(200), Some(400), None]);
    }

    #[test]
    fn a_call_has_the_last_word() {
        let settings = PublishPolicy::new(&Settings::new(Profile::Safe));
        assert_eq!(settings.for_call(Some(false), None).wait_after(1), None);
        let off = Settings { task_publish_retry: false, ..Settings::new(Profile::Safe) };
        assert_eq!(PublishPolicy::new(&off).for_call(Some(true), None).wait_after(1), Some(Duration::ZERO));
        let own = PublishRetry {
            max_retries: Some(1),
            interval_start: Some(Duration::from_secs(9)),
            interval_max: Some(Duration::from_secs(5)),
            ..PublishRetry::default()
        };
        let own = settings.for_call(None, Some(own));
        assert_eq!((own.wait_after(1), own.wait_after(2)), (Some(Duration::from_secs(5)), None));
    }

    #[test]
    fn none_when_retrying_is_off() {
        let settings = Settings { task_publish_retry: false, ..Settings::new(Profile::Safe) };
        assert_eq!(PublishPolicy::new(&settings).wait_after(1), None);
    }
}
