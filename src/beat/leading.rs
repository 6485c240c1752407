//! Who leads: a pure state machine of one beat that may or may not hold the lease.
//!
//! | state | asks | until |
//! |---|---|---|
//! | standing by | to acquire, each third of the lease's time, or when it is over | it is acquired |
//! | leading | to renew, each third of its time | the store says no, or no answer came in its time |
//!
//! The time of the lease is counted from before it was asked for, so it is over here before it is over in the store.

use crate::backend::lease::{Answer, Ask, Records};
use crate::env::Instant;
use crate::planted::{Fault as Planted, planted};
use std::sync::Arc;
use std::time::Duration;

/// Wait after a question that was not answered.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Leading {
    lease: Arc<str>,
    holder: Arc<str>,
    ttl: Duration,
    /// The fence and the end of the lease that is held.
    held: Option<(u64, Instant)>,
    next: Instant,
    asked: Instant,
}

/// What an answer changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Nothing,
    /// It leads from now on; what was recorded so far.
    Leads(Records),
    /// It leads no longer.
    Lost,
}

impl Leading {
    pub(super) fn new(lease: Arc<str>, holder: Arc<str>, ttl: Duration) -> Self {
        let start = Instant::default();
        Leading { lease, holder, ttl: ttl.max(Duration::from_millis(100)), held: None, next: start, asked: start }
    }

    pub(super) fn lease(&self) -> &Arc<str> {
        &self.lease
    }

    /// The fence, while the lease is held for sure.
    pub(super) fn fence(&self, now: Instant) -> Option<u64> {
        self.held.filter(|(_, ends)| *ends > now).map(|(fence, _)| fence)
    }

    /// When there is something to ask or to give up.
    pub(super) fn next(&self) -> Instant {
        self.held.map_or(self.next, |(_, ends)| self.next.min(ends))
    }

    /// How long an answer is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.ttl / 3
    }

    /// What to ask the store now, if anything.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Ask> {
        if self.next > now {
            return None;
        }
        (self.asked, self.next) = (now, now + self.ttl / 3);
        let (lease, ttl) = (self.lease.clone(), self.ttl);
        Some(match self.fence(now) {
            Some(fence) => Ask::Renew { lease, fence, ttl },
            None => Ask::Acquire { lease, holder: self.holder.clone(), ttl },
        })
    }

    /// The lease is over by the clock; to be looked at before anything else.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let over = self.held.is_some_and(|(_, ends)| ends <= now);
        if over {
            self.held = None;
        }
        over
    }

    /// Has it acquired anew: what it knew of the record is wrong.
    pub(super) fn forget(&mut self) {
        (self.held, self.next) = (None, Instant::default());
    }

    /// The store's answer; `None` when there was none.
    pub(super) fn answered(&mut self, answer: Option<&Answer>, now: Instant) -> Turn {
        match answer {
            Some(Answer::Acquired { fence, records }) => {
                self.held = Some((*fence, self.asked + self.ttl));
                Turn::Leads(records.clone())
            }
            Some(Answer::Renewed) => {
                self.held = self.held.map(|(fence, _)| (fence, self.asked + self.ttl));
                Turn::Nothing
            }
            Some(Answer::Held { rest }) => {
                self.next = self.next.min(now + *rest);
                if planted(Planted::StandbyStops) {
                    self.next = Instant::NEVER;
                }
                Turn::Nothing
            }
            Some(Answer::Stale { .. }) => {
                self.next = now;
                self.held.take().map_or(Turn::Nothing, |_| Turn::Lost)
            }
            Some(Answer::Released | Answer::Advanced(_)) => Turn::Nothing,
            None => {
                self.next = self.next.min(now + AGAIN);
                Turn::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant(seconds * 1_000_000_000)
    }

    fn leading() -> Leading {
        Leading::new("beat".into(), "beat1".into(), Duration::from_secs(30))
    }

    #[test]
    fn it_leads_while_it_renews_in_time() {
        let mut leading = leading();
        assert!(matches!(leading.ask(at(0)), Some(Ask::Acquire { .. })));
        let acquired = Answer::Acquired { fence: 3, records: Records::new() };
        assert_eq!(leading.answered(Some(&acquired), at(1)), Turn::Leads(Records::new()));
        assert_eq!(leading.fence(at(29)), Some(3));
        assert_eq!(leading.ask(at(9)).map(|_| ()), None);
        assert!(matches!(leading.ask(at(10)), Some(Ask::Renew { fence: 3, .. })));
        leading.answered(Some(&Answer::Renewed), at(12));
        assert_eq!(leading.fence(at(39)), Some(3));
        assert_eq!(leading.fence(at(40)), None);
        assert!(leading.is_over(at(40)) && !leading.is_over(at(40)));
    }

    #[test]
    fn without_answers_it_asks_again_and_stops_in_time() {
        let mut leading = leading();
        leading.ask(at(0));
        leading.answered(Some(&Answer::Acquired { fence: 1, records: Records::new() }), at(0));
        assert!(leading.ask(at(10)).is_some());
        leading.answered(None, at(20));
        assert_eq!(leading.next(), at(20));
        assert!(matches!(leading.ask(at(29)), Some(Ask::Renew { .. })));
        assert_eq!(leading.fence(at(30)), None);
        leading.answered(None, at(31));
        assert!(leading.is_over(at(31)));
        assert!(matches!(leading.ask(at(39)), Some(Ask::Acquire { .. })));
    }

    #[test]
    fn a_standby_comes_back_when_the_lease_is_over() {
        let mut leading = leading();
        leading.ask(at(0));
        leading.answered(Some(&Answer::Held { rest: Duration::from_secs(4) }), at(0));
        assert_eq!(leading.next(), at(4));
    }

    #[test]
    fn a_stale_fence_ends_its_time() {
        let mut leading = leading();
        leading.ask(at(0));
        leading.answered(Some(&Answer::Acquired { fence: 1, records: Records::new() }), at(0));
        assert_eq!(leading.answered(Some(&Answer::Stale { fence: 2 }), at(5)), Turn::Lost);
        assert_eq!(leading.fence(at(5)), None);
        assert!(matches!(leading.ask(at(5)), Some(Ask::Acquire { .. })));
    }
}
