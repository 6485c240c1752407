//! The retry policy against Celery's vectors and rules.

use serde_json::Value;
use simq::worker::retry::{Backoff, Decision, RetryPolicy, RetryRequest};
use std::time::Duration;

pub(crate) fn backoff_vector(row: &Value) {
    let number = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"));
    let backoff = Backoff { factor: number("factor"), max: number("maximum"), jitter: false };
    let countdown = backoff.countdown(number("retries") as u32, |_| panic!("no jitter, no random number"));
    assert_eq!(countdown, number("countdown"), "{row}");
    let jittered = Backoff { jitter: true, ..backoff };
    assert_eq!(jittered.countdown(number("retries") as u32, |bound| bound), countdown);
    assert_eq!(jittered.countdown(number("retries") as u32, |_| 0), 0);
}

#[test]
fn a_task_is_retried_three_times_after_three_minutes_each() {
    let policy = RetryPolicy::default();
    let countdown = Duration::from_secs(180);
    for retries in 0..3 {
        let next = policy.next(retries, &RetryRequest::default());
        assert_eq!(next, Decision::Retry { countdown, retries: retries + 1 });
    }
    assert_eq!(policy.next(3, &RetryRequest::default()), Decision::Exhausted);
}

#[test]
fn a_request_overrides_the_policy() {
    let policy = RetryPolicy { max_retries: None, ..RetryPolicy::default() };
    let at_once = RetryRequest { countdown: Some(Duration::ZERO), max_retries: None };
    assert_eq!(policy.next(1000, &at_once), Decision::Retry { countdown: Duration::ZERO, retries: 1001 });
    assert_eq!(policy.next(u32::MAX, &at_once), Decision::Exhausted);
    let once = RetryRequest { countdown: None, max_retries: Some(1) };
    assert_eq!(policy.next(1, &once), Decision::Exhausted);
    let never = RetryRequest { countdown: None, max_retries: Some(0) };
    assert_eq!(policy.next(0, &never), Decision::Exhausted);
}

#[test]
fn automatic_retries_back_off() {
    let kwargs = RetryRequest { countdown: Some(Duration::from_secs(7)), max_retries: Some(5) };
    let mut policy = RetryPolicy { retry_kwargs: kwargs.clone(), ..RetryPolicy::default() };
    assert_eq!(policy.autoretry(4, |_| panic!("no backoff, no random number")), kwargs);

    policy.retry_backoff = Backoff::from_setting(2.9);
    let request = policy.autoretry(4, |bound| {
        assert_eq!(bound, 32);
        20
    });
    assert_eq!(request, RetryRequest { countdown: Some(Duration::from_secs(20)), max_retries: Some(5) });

    assert_eq!(Backoff::from_setting(0.0), None);
    assert_eq!(Backoff::from_setting(0.5), Some(Backoff { factor: 1, max: 600, jitter: true }));
    let endless = Backoff { factor: 3, max: u64::MAX, jitter: false };
    assert_eq!(endless.countdown(u32::MAX, |bound| bound), u64::MAX);
}
