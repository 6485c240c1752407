//! Keeps tokio's paused clock in step with the world's, so that user code which sleeps through tokio does so in virtual
//! time.
//!
//! The world's own clock counts nanoseconds and knows nothing of tokio's timers. While a process lives that may use
//! them, the world moves no further than the next whole millisecond before its next event without letting tokio look:
//! tokio's timers fire on whole milliseconds (it rounds up), so none can be due in between. Parking the runtime then
//! moves tokio's paused clock to its earliest timer, or to ours.
#![allow(clippy::disallowed_methods, reason = "this is where tokio's clock is made virtual")]

use crate::executor;
use crate::process::ProcessId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

const MILLI: u64 = 1_000_000;

pub(crate) struct TokioClock {
    runtime: tokio::runtime::Runtime,
    start: Instant,
    users: RefCell<BTreeSet<ProcessId>>,
    /// Tokio's clock, in the world's nanoseconds. Lags while nobody uses it.
    now: Cell<u64>,
}

impl TokioClock {
    pub(crate) fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let start = {
            let _inside = runtime.enter();
            Instant::now()
        };
        Ok(TokioClock { runtime, start, users: RefCell::default(), now: Cell::new(0) })
    }

    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    pub(crate) fn enlist(&self, process: ProcessId, now: u64) {
        self.jump(now);
        self.users.borrow_mut().insert(process);
    }

    #[inline]
    pub(crate) fn in_use(&self) -> bool {
        !self.users.borrow().is_empty()
    }

    pub(crate) fn retire(&self, process: ProcessId) {
        self.users.borrow_mut().remove(&process);
    }

    /// Tasks spawned on tokio itself: they belong to no process, and no kill reaches them.
    pub(crate) fn escaped_tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    /// Moves towards `target` and returns how far: less than `target` when a task became ready on the way.
    pub(crate) fn advance(&self, target: u64) -> u64 {
        if target / MILLI > self.now.get() / MILLI {
            // Parking adds whole milliseconds: from between two of them it would overshoot the timer it waits for.
            self.jump(self.now.get().next_multiple_of(MILLI));
            self.park_until(target / MILLI * MILLI);
            if executor::ready_count() > 0 {
                return self.now.get();
            }
        }
        self.jump(target);
        target
    }

    fn park_until(&self, tick: u64) {
        let deadline = self.start + Duration::from_nanos(tick);
        self.runtime.block_on(tokio::task::unconstrained(async {
            let mut sleep = pin!(tokio::time::sleep_until(deadline));
            std::future::poll_fn(|cx| {
                executor::notify_step(Some(cx.waker().clone()));
                if executor::ready_count() > 0 { Poll::Ready(()) } else { sleep.as_mut().poll(cx) }
            })
            .await;
            self.now.set((Instant::now() - self.start).as_nanos() as u64);
        }));
        executor::notify_step(None);
    }

    /// Sets tokio's clock. No timer may be due in between.
    fn jump(&self, to: u64) {
        let Some(by) = to.checked_sub(self.now.get()).filter(|by| *by > 0) else { return };
        let _inside = self.runtime.enter();
        let mut advance = pin!(tokio::time::advance(Duration::from_nanos(by)));
        // The first poll moves the clock; the rest of the future only yields.
        let _ = advance.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.now.set(to);
    }
}
