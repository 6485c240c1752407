//! Celery's loop (`celery/beat.py`), as a pure state machine: a heap of the times at which entries are worth looking at,
//! of which only the first is looked at in each turn.

use super::entry::Entry;
use crate::backend::lease::{Progress, Records};
use crate::message::Timestamp;
use crate::schedule::Zone;
use std::collections::BTreeSet;
use std::time::Duration;

/// Celery wakes up so much too early.
const EARLY: Duration = Duration::from_millis(10);
/// Celery does not sleep at all when it is nearly time.
const SHORTEST: Duration = Duration::from_millis(1);

/// What a turn of the loop comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// This entry is due; the loop goes on with [`CeleryLoop::sent`].
    Send {
        entry: usize,
        next: Duration,
    },
    Sleep(Duration),
}

struct Scheduled {
    entry: Entry,
    zone: Zone,
    last_run_at: Timestamp,
}

pub(super) struct CeleryLoop {
    entries: Vec<Scheduled>,
    /// Microseconds of the wall clock, and the entry.
    heap: BTreeSet<(i64, usize)>,
    deadline: Option<Duration>,
    longest_sleep: Duration,
}

impl CeleryLoop {
    /// Entries that never ran count as if they had run now.
    pub(super) fn new(
        entries: Vec<Entry>,
        known: &Records,
        zone: &Zone,
        deadline: Option<Duration>,
        longest_sleep: Duration,
        wall: Timestamp,
    ) -> Self {
        let scheduled = |entry: Entry| {
            let last_run_at = known.get(entry.name.as_str()).map_or(wall, |known| known.done);
            Scheduled { zone: entry.zone(zone).clone(), entry, last_run_at }
        };
        let entries = entries.into_iter().map(scheduled).collect();
        let mut this = CeleryLoop { entries, heap: BTreeSet::new(), deadline, longest_sleep };
        for entry in 0..this.entries.len() {
            let (is_due, next) = this.is_due(entry, wall);
            this.push(entry, if is_due { Duration::ZERO } else { next }, wall);
        }
        this
    }

    pub(super) fn entry(&self, at: usize) -> &Entry {
        &self.entries[at].entry
    }

    /// When each entry ran last.
    pub(super) fn progress(&self) -> impl Iterator<Item = (&str, Progress)> {
        let progress = |scheduled: &Scheduled| Progress { done: scheduled.last_run_at, taken: None };
        self.entries.iter().map(move |scheduled| (scheduled.entry.name.as_str(), progress(scheduled)))
    }

    fn is_due(&self, at: usize, wall: Timestamp) -> (bool, Duration) {
        let Scheduled { entry, zone, last_run_at } = &self.entries[at];
        let state = entry.schedule.is_due(*last_run_at, wall, zone, self.deadline);
        (state.is_due, state.next)
    }

    fn push(&mut self, entry: usize, next: Duration, wall: Timestamp) {
        let wake = wall.checked_add(next.saturating_sub(EARLY)).unwrap_or(Timestamp::MAX);
        self.heap.insert((wake.as_micros(), entry));
    }

    /// One turn. An entry that is due counts as run from here on, whatever becomes of it.
    pub(super) fn tick(&mut self, wall: Timestamp) -> Tick {
        let Some((when, entry)) = self.heap.first().copied() else { return Tick::Sleep(self.longest_sleep) };
        let (is_due, next) = self.is_due(entry, wall);
        if !is_due {
            let sleep = if next > EARLY { next.saturating_sub(EARLY) } else { SHORTEST.min(next).max(SHORTEST) };
            return Tick::Sleep(sleep.min(self.longest_sleep));
        }
        self.heap.remove(&(when, entry));
        self.entries[entry].last_run_at = wall;
        Tick::Send { entry, next }
    }

    /// The entry's publish is over, well or not.
    pub(super) fn sent(&mut self, entry: usize, next: Duration, wall: Timestamp) {
        self.push(entry, next, wall);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Interval;

    fn wall(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_772_000_000_000_000 + millis * 1_000)
    }

    fn every(name: &str, seconds: u64) -> Entry {
        Entry::new(name, "t", Interval::new(Duration::from_secs(seconds)))
    }

    fn of(entries: Vec<Entry>, known: &Records) -> CeleryLoop {
        CeleryLoop::new(entries, known, &Zone::utc(), None, Duration::from_secs(300), wall(0))
    }

    #[test]
    fn it_wakes_early_and_sends_on_time() {
        let mut beat = of(vec![every("a", 10)], &Records::new());
        assert_eq!(beat.tick(wall(0)), Tick::Sleep(Duration::from_millis(9_990)));
        assert_eq!(beat.tick(wall(9_990)), Tick::Sleep(SHORTEST));
        assert_eq!(beat.tick(wall(10_000)), Tick::Send { entry: 0, next: Duration::from_secs(10) });
        beat.sent(0, Duration::from_secs(10), wall(10_004));
        assert_eq!(beat.tick(wall(10_004)), Tick::Sleep(Duration::from_millis(9_986)));
    }

    #[test]
    fn missed_periods_are_one_run_and_the_phase_is_new() {
        let known = Records::from([("a".into(), Progress { done: wall(-35_000), taken: None })]);
        let mut beat = of(vec![every("a", 10)], &known);
        assert!(matches!(beat.tick(wall(2)), Tick::Send { entry: 0, .. }));
        beat.sent(0, Duration::from_secs(10), wall(3));
        assert_eq!(beat.tick(wall(3)), Tick::Sleep(Duration::from_millis(9_989)));
    }

    #[test]
    fn one_entry_a_turn_and_the_earliest_first() {
        let mut beat = of(vec![every("slow", 20), every("fast", 10)], &Records::new());
        assert!(matches!(beat.tick(wall(20_000)), Tick::Send { entry: 1, .. }));
        beat.sent(1, Duration::from_secs(10), wall(20_000));
        assert!(matches!(beat.tick(wall(20_000)), Tick::Send { entry: 0, .. }));
    }

    #[test]
    fn a_clock_that_is_set_back_stops_it() {
        let mut beat = of(vec![every("a", 10)], &Records::new());
        assert_eq!(beat.tick(wall(-86_400_000)), Tick::Sleep(Duration::from_secs(300)));
    }
}
