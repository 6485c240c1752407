//! The algorithm of profile `safe`: a schedule is a sequence of due times on absolute time, each of which comes once.
//!
//! **Intervals** count in real time: clocks that change do not matter. A relative one is rounded down to the beginning of
//! its unit in local time.
//!
//! **A crontab for certain hours** names local times. Each comes once a day that it names:
//!
//! | local time | comes |
//! |---|---|
//! | normal | then |
//! | skipped in spring | at the first moment after the gap; several of one gap are one due time |
//! | repeated in autumn | the first time |
//!
//! **A crontab for every hour** means a rhythm. It comes at each moment whose local time matches: through autumn `*/30`
//! keeps its thirty minutes and `15 * * * *` runs in both of the hours with the same name, and in spring no hour is
//! missed because there is none.

use super::crontab::Crontab;
use super::interval::Interval;
use super::zone::{Zone, at_offset};
use super::{Missed, Schedule};
use crate::message::Timestamp;
use std::time::Duration;

/// Local times that a repeated stretch can hold, at most: a day of minutes, and some.
const MAX_REPEATED: u32 = 3_000;
/// Changes of the offset between two due times, at most: forty years of four a year.
const MAX_CHANGES: u32 = 200;
/// Nowhere clocks are changed twice within this time.
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn interval_after(interval: &Interval, due: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let next = due.checked_add(interval.every())?;
    // Where clocks change, the beginning of the unit may lie before the last due time.
    interval.end(due, zone).filter(|end| *end > due).or(Some(next))
}

pub(super) fn interval_latest(interval: &Interval, due: Timestamp, now: Timestamp) -> Option<Missed> {
    let passed = now.as_micros().saturating_sub(due.as_micros());
    let count = u64::try_from(passed / interval.micros()).ok().filter(|count| *count > 0)?;
    let latest = Timestamp::from_micros(due.as_micros() + passed / interval.micros() * interval.micros());
    Some(Missed { latest, count })
}

/// Of a crontab, or a relative interval: one by one up to `most`, and then from a moment shortly before now.
pub(super) fn latest(schedule: &Schedule, due: Timestamp, now: Timestamp, zone: &Zone, most: u32) -> Option<Missed> {
    let mut missed: Option<Missed> = None;
    let mut from = due;
    while let Some(next) = schedule.due_after(from, zone).filter(|next| *next <= now) {
        let count = missed.map_or(0, |missed| missed.count);
        if count >= u64::from(most) {
            break;
        }
        missed = Some(Missed { latest: next, count: count + 1 });
        from = next;
    }
    let Some(found) = missed.filter(|found| found.count >= u64::from(most)) else { return missed };
    // More than anybody counts. Going back in ever larger steps finds the last one.
    let mut back: i64 = 60_000_000;
    let mut start = from;
    while let Some(before) = now.as_micros().checked_sub(back).filter(|before| *before > from.as_micros()) {
        let before = Timestamp::from_micros(before);
        if schedule.due_after(before, zone).is_some_and(|next| next <= now) {
            start = before;
            break;
        }
        back = back.saturating_mul(2);
    }
    let mut latest = found.latest;
    while let Some(next) = schedule.due_after(start, zone).filter(|next| *next <= now) {
        (latest, start) = (next, next);
    }
    Some(Missed { latest, ..found })
}

pub(super) fn crontab_after(crontab: &Crontab, due: Timestamp, zone: &Zone) -> Option<Timestamp> {
    if crontab.is_every_hour() { rhythm_after(crontab, due, zone) } else { named_after(crontab, due, zone) }
}

/// Local times in order come at moments in order: the first that comes later than `due` is the next one.
fn named_after(crontab: &Crontab, due: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let mut local = zone.local(due).0;
    for _ in 0..MAX_REPEATED {
        local = crontab.local_after(local)?;
        // In the second of two stretches with the same local times, those that came in the first are passed over.
        if let Some(at) = zone.first_instant(local).filter(|at| *at > due) {
            return Some(at);
        }
    }
    None
}

/// Local time goes on evenly until the offset changes; there it begins anew.
fn rhythm_after(crontab: &Crontab, due: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let mut from = due;
    for _ in 0..MAX_CHANGES {
        let (local, offset) = zone.local(from);
        let next = crontab.local_after(local).and_then(|next| at_offset(next, offset));
        if let Some(next) = next.filter(|next| zone.local(*next).1 == offset)
            // Further away, two changes may cancel each other out.
            && (next.saturating_since(from) <= HOUR || zone.next_change(from).is_none_or(|change| next < change))
        {
            return Some(next);
        }
        let change = zone.next_change(from)?;
        if crontab.matches(zone.local(change).0) {
            return Some(change);
        }
        from = change;
    }
    None
}

/// Due times in order. Ends with the year 9999.
#[derive(Clone, Debug)]
pub struct DueTimes {
    schedule: Schedule,
    last: Timestamp,
    zone: Zone,
}

impl DueTimes {
    pub(super) fn new(schedule: Schedule, from: Timestamp, zone: Zone) -> Self {
        DueTimes { schedule, last: from, zone }
    }
}

impl Iterator for DueTimes {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        self.last = self.schedule.due_after(self.last, &self.zone)?;
        Some(self.last)
    }
}
