//! Rate limits: tasks that wait for their turn.
//!
//! Celery's token bucket, for each task by itself in each worker process: it holds one token and gets a new one every
//! `1 / rate`; a task that finds none waits in line. A bucket of one token is full or it is not, so all there is to know
//! is when the next token comes.

use super::request::RequestId;
use crate::collections::Map;
use crate::env::Instant;
use crate::settings::RateLimit;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The buckets of one worker.
#[derive(Default)]
pub(super) struct Rates {
    buckets: Map<Arc<str>, Bucket>,
}

#[derive(Default)]
struct Bucket {
    next_token: Instant,
    waiting: VecDeque<RequestId>,
}

/// What becomes of a request that comes to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is its turn.
    Now,
    /// It is the first in line; a token comes then.
    At(Instant),
    /// It waits behind others.
    Behind,
}

impl Rates {
    /// A request of a limited task.
    pub(super) fn take(&mut self, task: &Arc<str>, limit: RateLimit, id: RequestId, now: Instant) -> Turn {
        let bucket = self.buckets.entry(task.clone()).or_default();
        if bucket.waiting.is_empty() && bucket.consume(limit, now) {
            return Turn::Now;
        }
        bucket.waiting.push_back(id);
        if bucket.waiting.len() == 1 { Turn::At(bucket.next_token) } else { Turn::Behind }
    }

    /// The first in line, if there is a token for it, and when the next one is due.
    pub(super) fn release(
        &mut self,
        task: &str,
        limit: RateLimit,
        now: Instant,
    ) -> (Option<RequestId>, Option<Instant>) {
        let Some(bucket) = self.buckets.get_mut(task) else { return (None, None) };
        let first =
            if bucket.waiting.is_empty() || !bucket.consume(limit, now) { None } else { bucket.waiting.pop_front() };
        (first, (!bucket.waiting.is_empty()).then_some(bucket.next_token))
    }

    /// A request no longer waits: its connection is gone, or the worker shuts down.
    pub(super) fn forget(&mut self, task: &str, id: RequestId) {
        if let Some(bucket) = self.buckets.get_mut(task) {
            bucket.waiting.retain(|waiting| *waiting != id);
        }
    }
}

impl Bucket {
    fn consume(&mut self, limit: RateLimit, now: Instant) -> bool {
        let Some(interval) = interval(limit) else { return true };
        let has_token = now >= self.next_token;
        if has_token {
            self.next_token = now + interval;
        }
        has_token
    }
}

/// Time between two tokens; none when there is no limit.
fn interval(limit: RateLimit) -> Option<Duration> {
    const CENTURY: f64 = 3_155_760_000.0;
    limit.per_second().map(|per_second| Duration::from_secs_f64((1.0 / per_second).min(CENTURY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(millis * 1_000_000)
    }

    fn limit(text: &str) -> RateLimit {
        RateLimit::parse(text).unwrap()
    }

    /// The wire sheet, section 7: six tasks at `2/s` begin at 0, 0.5, 1, ... seconds.
    #[test]
    fn six_tasks_at_two_a_second() {
        let (task, limit) = (Arc::from("t"), limit("2/s"));
        let mut rates = Rates::default();
        assert_eq!(rates.take(&task, limit, 1, at(0)), Turn::Now);
        assert_eq!(rates.take(&task, limit, 2, at(0)), Turn::At(at(500)));
        for id in 3..=6 {
            assert_eq!(rates.take(&task, limit, id, at(1)), Turn::Behind);
        }
        let mut began = Vec::new();
        let mut due = Some(at(500));
        while let Some(now) = due {
            let (first, next) = rates.release("t", limit, now);
            began.push((first, now.0 / 1_000_000));
            due = next;
        }
        assert_eq!(began, [(Some(2), 500), (Some(3), 1000), (Some(4), 1500), (Some(5), 2000), (Some(6), 2500)]);
    }

    #[test]
    fn a_bucket_holds_one_token_however_long_it_was_quiet() {
        let (task, limit) = (Arc::from("t"), limit("1/m"));
        let mut rates = Rates::default();
        assert_eq!(rates.take(&task, limit, 1, at(3_600_000)), Turn::Now);
        assert_eq!(rates.take(&task, limit, 2, at(3_600_000)), Turn::At(at(3_660_000)));
        rates.forget("t", 2);
        assert_eq!(rates.release("t", limit, at(3_700_000)), (None, None), "nobody waits, so no token is taken");
        assert_eq!(rates.take(&task, limit, 3, at(3_700_000)), Turn::Now);
    }
}
