//! What profile `safe` does with its entries: a pure state machine.
//!
//! Each due time of an entry goes through these steps, one due time at a time:
//!
//! ```text
//! idle --due--> taking --recorded--> publishing --ok--> idle
//!                                      |    ^
//!                                    failed |  tried again, until its time is over
//!                                      v    |
//!                                     failed --too late--> idle
//! ```
//!
//! That a due time is taken is recorded before it is published, and that it is done after: whoever reads the record
//! later knows which runs may be missing, and publishes them again under the same task id.

use super::clock::Clock;
use super::entry::{CatchUp, Entry};
use crate::backend::lease::{Change, Progress, Records};
use crate::env::Instant;
use crate::message::Timestamp;
use crate::planted::{Fault as Planted, planted};
use crate::schedule::{Schedule, Zone};
use std::sync::Arc;
use std::time::Duration;

/// Wait before a failed publish is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// With [`CatchUp::Skip`], a due time so long ago still counts as now.
const ON_TIME: Duration = Duration::from_secs(60);
/// Missed due times in a row that [`CatchUp::All`] runs.
const MAX_CATCH_UP: u32 = 1_000;
/// A last run further ahead than this, microseconds, says that the clock was wrong then.
const MAX_AHEAD: i64 = 86_400_000_000;
/// Changes recorded at once.
const MAX_CHANGES: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// To be published when that is recorded.
    Taking,
    Publishing,
    Failed {
        again: Instant,
    },
}

#[derive(Debug)]
struct Planned {
    entry: Entry,
    name: Arc<str>,
    zone: Zone,
    progress: Progress,
    /// `progress` is no more than when this beat was started.
    is_new: bool,
    recorded: Option<Progress>,
    phase: Phase,
    /// Due times run in a row while there were later ones.
    behind: u32,
    /// How far the wall clock was set while a due time was under way, microseconds.
    shift: i64,
}

/// All entries and how far they have come.
#[derive(Debug)]
pub(super) struct Plan {
    entries: Vec<Planned>,
    /// `beat_cron_starting_deadline`.
    deadline: Option<Duration>,
    clock: Clock,
}

impl Plan {
    pub(super) fn new(
        entries: Vec<Entry>,
        zone: &Zone,
        deadline: Option<Duration>,
        wall: Timestamp,
        now: Instant,
    ) -> Self {
        let planned = |entry: Entry| Planned {
            name: entry.name.as_str().into(),
            zone: entry.zone(zone).clone(),
            entry,
            progress: Progress { done: wall, taken: None },
            is_new: true,
            recorded: None,
            phase: Phase::Idle,
            behind: 0,
            shift: 0,
        };
        Plan { entries: entries.into_iter().map(planned).collect(), deadline, clock: Clock::new(wall, now) }
    }

    pub(super) fn entry(&self, at: usize) -> &Entry {
        &self.entries[at].entry
    }

    /// How far each entry has come.
    pub(super) fn progress(&self) -> impl Iterator<Item = (&str, Progress)> {
        self.entries.iter().map(|planned| (&*planned.name, planned.progress))
    }

    /// Takes up the work with what an earlier life of this beat knew, and what the record says; the later of the two
    /// counts. Entries that neither knows count from now.
    pub(super) fn begin(&mut self, known: &Records, recorded: &Records, wall: Timestamp) {
        for planned in &mut self.entries {
            planned.recorded = recorded.get(&planned.name).copied();
            let own = known.get(&planned.name).copied();
            let own = own.or((!planned.is_new).then_some(planned.progress));
            let latest = match (own, planned.recorded) {
                (Some(own), Some(recorded)) if own.done > recorded.done => Some(own),
                (own, recorded) => recorded.or(own),
            };
            planned.progress = latest.unwrap_or(Progress { done: wall, taken: None });
            planned.is_new = false;
            planned.behind = 0;
            planned.shift = 0;
            if let Some(due) = planned.progress.taken.filter(|_| planted(Planted::TakenCountsAsDone)) {
                planned.progress = Progress { done: due, taken: None };
            }
            planned.phase = if planned.progress.taken.is_some() { Phase::Taking } else { Phase::Idle };
        }
    }

    /// Drops the work: somebody else has it now.
    pub(super) fn stop(&mut self) {
        for planned in &mut self.entries {
            planned.progress.taken = None;
            (planned.recorded, planned.phase) = (None, Phase::Idle);
        }
    }

    /// Looks at the clocks while somebody else works.
    pub(super) fn stand_by(&mut self, wall: Timestamp, now: Instant) {
        self.clock.look(wall, now);
    }

    /// Takes what is due.
    pub(super) fn look(&mut self, wall: Timestamp, now: Instant) {
        let step = self.clock.look(wall, now);
        for planned in &mut self.entries {
            planned.clock_was_set(step, wall);
            planned.give_up(wall, now);
            planned.take(wall, self.deadline);
        }
    }

    /// What is to be recorded, by entry.
    pub(super) fn changes(&self) -> Vec<(usize, Change)> {
        let unrecorded =
            self.entries.iter().enumerate().filter(|(_, planned)| planned.recorded != Some(planned.progress));
        let change = |(at, planned): (usize, &Planned)| {
            (at, Change { entry: planned.name.clone(), from: planned.recorded, to: planned.progress })
        };
        unrecorded.take(MAX_CHANGES).map(change).collect()
    }

    /// That is recorded now.
    pub(super) fn recorded(&mut self, at: usize, progress: Progress) {
        self.entries[at].recorded = Some(progress);
    }

    /// What is to be published, by entry: each due time that is recorded as taken.
    pub(super) fn publishes(&mut self) -> Vec<(usize, Timestamp)> {
        let mut due = Vec::new();
        for (at, planned) in self.entries.iter_mut().enumerate() {
            let is_recorded = planned.recorded == Some(planned.progress);
            if let (Phase::Taking, true, Some(taken)) = (planned.phase, is_recorded, planned.progress.taken) {
                planned.phase = Phase::Publishing;
                due.push((at, taken));
            }
        }
        due
    }

    /// A publish has come to an end. False when nobody waits for it.
    pub(super) fn published(&mut self, at: usize, due: Timestamp, ok: bool, now: Instant) -> bool {
        let planned = &mut self.entries[at];
        let is_awaited = planned.phase == Phase::Publishing && planned.progress.taken == Some(due);
        match (is_awaited, ok) {
            (false, _) => {}
            (true, true) => planned.settle(due),
            (true, false) if planted(Planted::FailedPublishCounts) => planned.settle(due),
            (true, false) => planned.phase = Phase::Failed { again: now + RETRY },
        }
        is_awaited
    }

    /// How long until there is something to do here.
    pub(super) fn rest(&self, wall: Timestamp, now: Instant) -> Option<Duration> {
        self.entries.iter().filter_map(|planned| planned.rest(wall, now)).min()
    }
}

impl Planned {
    /// The rhythm of an interval goes on in real time. A local time is what the clock says, and it does not come again
    /// when the clock is set back.
    fn clock_was_set(&mut self, step: i64, wall: Timestamp) {
        let is_rhythm = matches!(&self.entry.schedule, Schedule::Interval(interval) if !interval.is_relative());
        if step != 0 && is_rhythm {
            if self.progress.taken.is_some() {
                self.shift = self.shift.saturating_add(step);
            } else {
                self.progress.done = moved(self.progress.done, step);
            }
        }
        if self.progress.done.as_micros().saturating_sub(wall.as_micros()) > MAX_AHEAD {
            tracing::warn!(entry = %self.name, last = %self.progress.done, "its last run lies in the future: the clock was wrong; it counts from now");
            self.progress.done = wall;
        }
    }

    /// A due time is over: run, or given up.
    fn settle(&mut self, due: Timestamp) {
        let again = planted(Planted::CatchUpDoubles) && self.behind % 2 == 1;
        let done = if again { self.progress.done } else { moved(due, self.shift) };
        self.progress = Progress { done, taken: None };
        (self.phase, self.shift) = (Phase::Idle, 0);
    }

    fn take(&mut self, wall: Timestamp, deadline: Option<Duration>) {
        if self.phase != Phase::Idle {
            return;
        }
        let (schedule, zone, done) = (&self.entry.schedule, &self.zone, self.progress.done);
        let Some(missed) = schedule.latest_due(done, wall, zone, 2) else {
            self.behind = 0;
            return;
        };
        let first = schedule.due_after(done, zone).unwrap_or(missed.latest);
        let each = self.entry.catch_up == CatchUp::All && self.behind < MAX_CATCH_UP;
        let due = if each { first } else { missed.latest };
        self.behind = if missed.count > 1 { self.behind + 1 } else { 0 };
        if missed.count > 1 && !each {
            tracing::warn!(entry = %self.name, from = %first, to = %due, "due times were missed");
        }
        let late = wall.saturating_since(due);
        let deadline = deadline.filter(|_| matches!(schedule, Schedule::Crontab(_)));
        let latest = match self.entry.catch_up {
            CatchUp::Skip => Some(deadline.unwrap_or(ON_TIME)),
            CatchUp::Once | CatchUp::All => deadline,
        };
        if latest.is_some_and(|latest| late > latest) {
            tracing::warn!(entry = %self.name, %due, ?late, "a due time is left out: it is too long ago");
            self.settle(due);
        } else {
            self.progress.taken = Some(due);
            self.phase = Phase::Taking;
        }
    }

    /// The end of the time in which a failed publish is tried again.
    fn deadline_of(&self, due: Timestamp) -> Timestamp {
        let own = self.entry.retry_for.or(self.entry.lifetime());
        let end = match (own, self.entry.catch_up) {
            (Some(own), _) => due.checked_add(own),
            (None, CatchUp::All) => None,
            (None, _) => self.entry.schedule.due_after(due, &self.zone),
        };
        end.unwrap_or(Timestamp::MAX)
    }

    fn give_up(&mut self, wall: Timestamp, now: Instant) {
        let (Phase::Failed { again }, Some(due)) = (self.phase, self.progress.taken) else { return };
        if self.deadline_of(due) <= moved(wall, self.shift.saturating_neg()) {
            tracing::error!(entry = %self.name, %due, "a run is given up: it could not be published in its time");
            self.settle(due);
        } else if again <= now {
            self.phase = Phase::Taking;
        }
    }

    fn rest(&self, wall: Timestamp, now: Instant) -> Option<Duration> {
        match (self.phase, self.progress.taken) {
            (Phase::Idle, _) => {
                let next = self.entry.schedule.due_after(self.progress.done, &self.zone)?;
                Some(next.saturating_since(wall))
            }
            (Phase::Failed { again }, Some(due)) => {
                Some(again.since(now).min(self.deadline_of(due).saturating_since(wall)))
            }
            // Something else goes on: the record, or the publish.
            _ => None,
        }
    }
}

fn moved(at: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_add(micros))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
