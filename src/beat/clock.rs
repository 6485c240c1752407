//! Two clocks at once: the wall's, which may be set, and a monotonic one, which shows when it was.

use crate::env::Instant;
use crate::message::Timestamp;
use crate::planted::{Fault as Planted, planted};

/// A smaller difference is drift, which is taken as it comes.
const SMALLEST_STEP: i64 = 1_000_000;

/// Notices when the wall clock was set.
#[derive(Debug)]
pub(super) struct Clock {
    wall: Timestamp,
    now: Instant,
}

impl Clock {
    pub(super) fn new(wall: Timestamp, now: Instant) -> Self {
        Clock { wall, now }
    }

    /// How far the wall clock was set since the last look, microseconds; forward is positive. Zero when it was not.
    pub(super) fn look(&mut self, wall: Timestamp, now: Instant) -> i64 {
        let passed = i64::try_from(now.since(self.now).as_micros()).unwrap_or(i64::MAX);
        let step = wall.as_micros().saturating_sub(self.wall.as_micros()).saturating_sub(passed);
        (self.wall, self.now) = (wall, now);
        if step.abs() < SMALLEST_STEP || planted(Planted::ClockStepUnnoticed) { 0 } else { step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_seen_and_drift_is_not() {
        let wall = |seconds: f64| Timestamp::from_micros((seconds * 1e6) as i64);
        let now = |seconds: u64| Instant(seconds * 1_000_000_000);
        let mut clock = Clock::new(wall(100.0), now(0));
        assert_eq!(clock.look(wall(110.5), now(10)), 0);
        assert_eq!(clock.look(wall(121.0), now(20)), 0);
        assert_eq!(clock.look(wall(3731.0), now(30)), 3_600_000_000);
        assert_eq!(clock.look(wall(141.0), now(40)), -3_600_000_000);
        assert_eq!(clock.look(wall(151.0), now(50)), 0);
    }
}
