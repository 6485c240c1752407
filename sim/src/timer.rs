//! Everything that will happen, by the nanosecond, and the timers among it.
//!
//! Most of what is planned happens within milliseconds; most of what is far away, such as deadlines, never happens. So
//! the heap holds only what comes before a horizon. The rest lies in no order until the heap is empty; then the horizon
//! moves, and what no longer counts is dropped on the way.

use crate::shared::Shared;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What happens when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A [`Sleep`] is over.
    Timer { slot: u32, generation: u32 },
    /// The front message of one direction of a connection arrives.
    Arrival { connection: u32, side: u8, generation: u32 },
    /// A slow host is ready for the next message of a connection.
    Pace { connection: u32, side: u8, generation: u32 },
    /// The `n`-th planned action of the world.
    Plan(u32),
}

/// Nanoseconds, as many as the clock can count.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    sequence: u64,
    event: Event,
}

impl Entry {
    #[inline]
    fn key(&self) -> u128 {
        (u128::from(self.at) << 64) | u128::from(self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Everything that will happen, earliest first; ties in the order in which they were planned.
#[derive(Default)]
pub(crate) struct Agenda {
    near: BinaryHeap<Reverse<Entry>>,
    /// What is planned for the horizon or later.
    far: Vec<Entry>,
    horizon: u64,
    sequence: u64,
    timers: Vec<Timer>,
    free: Vec<u32>,
    /// Entries whose sleepers have gone.
    stale: usize,
}

/// From so many stale entries on, and when most are, they are dropped.
const REBUILD_AT: usize = 1_024;
/// The horizon moves at least this far, nanoseconds, and past at least a share of what lies behind it: however far apart
/// events are, and however many, each costs a constant share of the moves. The share is small where much of what is planned
/// never happens.
const AHEAD: u64 = 10_000_000;
const SHARE: usize = 32;
const SHARE_OF_LIVE: usize = 2;

#[derive(Default)]
struct Timer {
    generation: u32,
    /// There from the start to the firing: as long as the heap has an entry.
    waker: Option<Waker>,
}

impl Agenda {
    #[inline]
    pub(crate) fn plan(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        let entry = Entry { at, sequence: self.sequence, event };
        if at < self.horizon {
            self.near.push(Reverse(entry));
        } else {
            self.far.push(entry);
        }
    }

    /// When the next live event is due. Timers whose sleepers have gone are discarded: they must not hold time back
    /// nor drag it forward.
    #[inline]
    pub(crate) fn next_at(&mut self) -> Option<u64> {
        loop {
            while let Some(Reverse(entry)) = self.near.peek() {
                if is_live(entry, &self.timers) {
                    return Some(entry.at);
                }
                self.near.pop();
                self.stale -= 1;
            }
            if self.far.is_empty() {
                return None;
            }
            self.move_horizon();
        }
    }

    /// What is due at [`Agenda::next_at`].
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.near.pop().map(|Reverse(entry)| entry.event)
    }

    /// Entries of one instant come over together: those that are planned for it later must not overtake them.
    #[cold]
    fn move_horizon(&mut self) {
        let (timers, before) = (&self.timers, self.far.len());
        self.far.retain(|entry| is_live(entry, timers));
        let stale = before - self.far.len();
        self.stale -= stale;
        let Some(first) = self.far.iter().map(|entry| entry.at).min() else { return };
        let share = self.far.len() / if stale < before / 8 { SHARE_OF_LIVE } else { SHARE };
        let (_, last, _) = self.far.select_nth_unstable_by_key(share, |entry| entry.at);
        let last = last.at.max(first.saturating_add(AHEAD));
        self.horizon = last.saturating_add(1);
        self.near.extend(self.far.extract_if(.., |entry| entry.at <= last).map(Reverse));
    }

    fn start_timer(&mut self, at: u64, waker: Waker) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.timers.push(Timer::default());
            (self.timers.len() - 1) as u32
        });
        let timer = &mut self.timers[slot as usize];
        timer.waker = Some(waker);
        let generation = timer.generation;
        self.plan(at, Event::Timer { slot, generation });
        slot
    }

    /// Who waits for a timer that is due.
    #[inline]
    pub(crate) fn fire(&mut self, slot: u32) -> Option<Waker> {
        self.timers[slot as usize].waker.take()
    }

    fn end_timer(&mut self, slot: u32) -> Option<Waker> {
        let timer = &mut self.timers[slot as usize];
        timer.generation = timer.generation.wrapping_add(1);
        self.free.push(slot);
        let waker = timer.waker.take();
        if waker.is_some() {
            self.stale += 1;
            if self.stale >= REBUILD_AT && self.stale * 2 > self.near.len() + self.far.len() {
                self.rebuild();
            }
        }
        waker
    }

    /// Bounds the agenda by the timers that live: a deadline is usually far away and hardly ever met.
    fn rebuild(&mut self) {
        let timers = &self.timers;
        self.near.retain(|Reverse(entry)| is_live(entry, timers));
        self.far.retain(|entry| is_live(entry, timers));
        self.stale = 0;
    }

    /// Forgets what was planned, and returns the wakers of all who waited.
    pub(crate) fn clear(&mut self) -> Vec<Waker> {
        self.near.clear();
        self.far.clear();
        self.stale = 0;
        self.timers.iter_mut().filter_map(|timer| timer.waker.take()).collect()
    }
}

/// Whether somebody still waits for it.
#[inline]
fn is_live(entry: &Entry, timers: &[Timer]) -> bool {
    match entry.event {
        Event::Timer { slot, generation } => timers[slot as usize].generation == generation,
        _ => true,
    }
}

/// Waits until a virtual instant. Dropping it cancels the timer.
pub struct Sleep {
    world: Rc<Shared>,
    deadline: u64,
    timer: Option<u32>,
}

impl Sleep {
    pub(crate) fn until(world: Rc<Shared>, deadline: u64) -> Self {
        Sleep { world, deadline, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.world.now() >= this.deadline {
            return Poll::Ready(());
        }
        let mut agenda = this.world.agenda.borrow_mut();
        match this.timer {
            None => this.timer = Some(agenda.start_timer(this.deadline, cx.waker().clone())),
            Some(slot) => {
                let known = &mut agenda.timers[slot as usize].waker;
                if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                    // Dropped last: a waker may own something that comes back to the agenda.
                    let _old = known.replace(cx.waker().clone());
                    drop(agenda);
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(slot) = self.timer.take() {
            // Bound to a name: a waker may be the last owner of something that comes back to the agenda.
            let _waker = self.world.agenda.borrow_mut().end_timer(slot);
        }
    }
}
