//! Whether a task runs again, and when: Celery's retry policy.
//!
//! A task that calls `retry` asks with a [`RetryRequest`]; an exception named in `autoretry_for` asks with the one that
//! [`RetryPolicy::autoretry`] makes. [`RetryPolicy::next`] answers:
//!
//! | retries so far | `max_retries` | answer |
//! |---|---|---|
//! | fewer than `max_retries` | a number | [`Decision::Retry`], one more retry |
//! | that many or more | a number | [`Decision::Exhausted`] |
//! | any | none | [`Decision::Retry`]: a task that always fails comes back for ever |

use std::time::Duration;

/// How a task is retried. [`RetryPolicy::default`] gives Celery's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Task option `max_retries`: retries before the task fails for good. `None` is unlimited. Default: 3.
    pub max_retries: Option<u32>,
    /// Task option `default_retry_delay`: the countdown of a request that names none. Default: 180 seconds.
    pub default_retry_delay: Duration,
    /// Task option `retry_kwargs`: what an automatic retry asks for. Default: nothing in particular.
    pub retry_kwargs: RetryRequest,
    /// Task option `retry_backoff`: growing countdowns for automatic retries, in place of the one in `retry_kwargs`.
    /// Default: none.
    pub retry_backoff: Option<Backoff>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_retries: Some(3),
            default_retry_delay: Duration::from_secs(180),
            retry_kwargs: RetryRequest::default(),
            retry_backoff: None,
        }
    }
}

/// What a task asks for when it wants to run again: arguments of Celery's `Task.retry`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryRequest {
    /// Time to wait; zero is at once. Default: the policy's `default_retry_delay`. Celery's `eta` is the time from now
    /// until then.
    pub countdown: Option<Duration>,
    /// Retries allowed, in place of the policy's `max_retries`. Default: the policy's.
    pub max_retries: Option<u32>,
}

/// Exponential backoff of automatic retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Seconds before the first retry; each further one doubles them.
    pub factor: u64,
    /// Task option `retry_backoff_max`: seconds that no countdown exceeds. Default: 600.
    pub max: u64,
    /// Task option `retry_jitter`: whether the countdown is drawn from zero to the computed one. Default: true.
    pub jitter: bool,
}

impl Backoff {
    /// The backoff that the task option `retry_backoff` means: zero (`False`) is none; `True` is 1; a number of seconds
    /// is cut to a whole one, and at least 1.
    pub fn from_setting(retry_backoff: f64) -> Option<Backoff> {
        // The cast drops the fraction and stays within u64 whatever the number.
        let factor = retry_backoff.max(1.0) as u64;
        (retry_backoff != 0.0).then_some(Backoff { factor, max: 600, jitter: true })
    }

    /// Seconds to wait before the next run, after `retries` retries: `min(max, factor * 2^retries)`.
    ///
    /// With jitter that is the bound, inclusive, handed to `random`, which draws from zero to it; without, `random` is
    /// not called. Celery's `get_exponential_backoff_interval`.
    pub fn countdown(&self, retries: u32, random: impl FnOnce(u64) -> u64) -> u64 {
        let doubled = 1_u64.checked_shl(retries).unwrap_or(u64::MAX);
        let bound = self.factor.saturating_mul(doubled).min(self.max);
        if self.jitter { random(bound).min(bound) } else { bound }
    }
}

/// What happens to a task that asked to run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent again.
    Retry {
        /// Time from now until it may run; zero means no `eta` at all.
        countdown: Duration,
        /// Header `retries` of the message to send.
        retries: u32,
    },
    /// It has used up its retries and fails: with the exception that caused the retry, or Celery's
    /// `MaxRetriesExceededError` if there was none.
    Exhausted,
}

impl RetryPolicy {
    /// The request of an automatic retry, `autoretry_for`, of a task that was retried `retries` times. `random` draws
    /// from zero to its argument, inclusive; it is called only for a backoff with jitter.
    pub fn autoretry(&self, retries: u32, random: impl FnOnce(u64) -> u64) -> RetryRequest {
        let mut request = self.retry_kwargs.clone();
        if let Some(backoff) = &self.retry_backoff {
            request.countdown = Some(Duration::from_secs(backoff.countdown(retries, random)));
        }
        request
    }

    /// Answers a task that was retried `retries` times (its header `retries`) and asks to run again.
    ///
    /// A count that the header cannot hold is [`Decision::Exhausted`] also without a `max_retries`.
    pub fn next(&self, retries: u32, requested: &RetryRequest) -> Decision {
        let max_retries = requested.max_retries.or(self.max_retries);
        match retries.checked_add(1) {
            Some(retries) if max_retries.is_none_or(|max| retries <= max) => {
                Decision::Retry { countdown: requested.countdown.unwrap_or(self.default_retry_delay), retries }
            }
            _ => Decision::Exhausted,
        }
    }
}
